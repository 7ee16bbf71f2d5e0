"""What the command and its grading processes say to each other.

It stands apart from the grading process, so that the command need not import torch, which takes seconds.
"""

from __future__ import annotations

import msgspec

from autograder.records import Record


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a grading process is told when it starts."""

    root: str
    assignment: str
    salt: str
    confined: bool


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One notebook to grade."""

    student: str
    notebook: bytes
    notes: list[str] = []
    fingerprint: str = ""


class Fatal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process cannot grade at all."""

    refused: bool
    reason: str


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process is warm and waits for jobs."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The record of one job."""

    record: Record


Answer = Fatal | Ready | Done
