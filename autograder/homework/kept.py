"""Puts an exercise back to its stub, and keeps what the student had written."""

from __future__ import annotations

import time
from pathlib import Path

from autograder.errors import UsageError
from autograder.homework.worksheet import Worksheet
from autograder.records import write_atomically
from autograder.release_file import FILE, read_release_file

BACKUPS = "backups"


def reset(worksheet: Worksheet, folder: Path, exercise: str) -> list[Path] | None:
    """Put the stub of an exercise in the place of its cell; where that was deleted, in front of its check cell.

    Args:
        worksheet: the student's file
        folder: the release folder
        exercise: its id

    Returns:
        The files in which what stood there is kept; None when there was nothing to do.

    Raises:
        NotGradable: when the student's file cannot be read.
        UsageError: when the release folder has no stub, or its place in the file is not found.
    """
    stubs = read_release_file(folder).stubs
    if exercise not in stubs:
        raise UsageError(f"{folder / FILE} has no stub of {exercise}")
    stub, found = stubs[exercise], worksheet.sources(exercise)
    if [source.strip() for source in found] == [stub["source"].strip()]:
        return None
    kept = [_keep(folder / BACKUPS, exercise, source) for source in found if source.strip()]
    worksheet.replace(exercise, stub)
    return kept


def _keep(folder: Path, exercise: str, source: str) -> Path:
    """Write a cell into a file of its own, whose name no earlier one has."""
    stem = f"{exercise}-{time.strftime('%Y%m%d-%H%M%S')}"
    path, count = folder / f"{stem}.py", 1
    while path.exists():
        count += 1
        path = folder / f"{stem}-{count}.py"
    write_atomically(path, source.rstrip("\n").encode() + b"\n")
    return path
