"""What nbgrader expects of the process that it runs in."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nbgrader.api

from autograder.host.programs import put_programs_on_path

__all__ = ["one_engine", "put_programs_on_path", "quietly", "unwarned"]


@contextmanager
def quietly() -> Iterator[tuple[logging.Logger, list[str]]]:
    """Give a logger for nbgrader that prints nothing, and the list in which its warnings and errors are kept.

    The working folder and the environment are put back: nbgrader leaves a variable behind when a submission fails.
    """
    put_programs_on_path()
    lines: list[str] = []
    logger = logging.Logger("autograder.host", logging.WARNING)
    logger.addHandler(_Keep(lines))
    folder, variables = Path.cwd(), dict(os.environ)
    try:
        with unwarned(), one_engine():
            yield logger, lines
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep back warnings about nbgrader's own code, which does some things that its libraries call outdated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="nbgrader")
        yield


@contextmanager
def one_engine() -> Iterator[None]:
    """Have nbgrader keep what it knows of a database while it is at work on one.

    For each student it opens the gradebook a dozen times, and each time works out anew how to say every query: a
    quarter of the time that it takes for all.
    """
    make = nbgrader.api.create_engine
    nbgrader.api.create_engine = cache(make)
    try:
        yield
    finally:
        nbgrader.api.create_engine = make


class _Keep(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
