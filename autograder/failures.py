"""Turns an answer that is no value into the exception that says so."""

from __future__ import annotations

from autograder.errors import (
    StudentCrashed,
    StudentError,
    StudentFailure,
    StudentForbidden,
    StudentMemory,
    StudentMissing,
)
from autograder.wire import Forbidden, Message, Missing, Raised

_OUT_OF_MEMORY = ("MemoryError", "OutOfMemoryError")


def failure(message: Message, cell_error: Raised | None = None) -> StudentFailure:
    """Turn an answer that is no value into the exception that says so.

    Args:
        message: the answer
        cell_error: what the exercise's own cell raised when it ran, if it did
    """
    if isinstance(message, Missing):
        if cell_error is not None:
            return StudentError(cell_error.kind, cell_error.message, cell_error.where)
        return StudentMissing(f"there is no function or class {message.name!r}")
    if isinstance(message, Forbidden):
        return StudentForbidden(f"calls {message.name}, which this exercise asks you to write yourself")
    if not isinstance(message, Raised):
        return StudentCrashed("the process answered with something that is no answer")
    if message.kind in _OUT_OF_MEMORY or "can't allocate memory" in message.message:
        return StudentMemory("asked for more memory than it may have")
    return StudentError(message.kind, message.message, message.where)
