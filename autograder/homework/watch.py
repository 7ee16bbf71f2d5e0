"""The self-check again each time a file is saved: of what has changed, and of what stands on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from autograder.cell import Cell
from autograder.course import Assignment
from autograder.homework.apart import LOOK_EVERY

Stamp = tuple[int, int]
"""What changes when a file is saved: its time, or the file itself, where programs put a new one in its place."""


def saves(path: Path) -> Iterator[Stamp]:
    """Yield at once, and then each time the file has been saved; ends never."""
    seen: Stamp | None = None
    while True:
        now = stamp(path)
        if now != seen:
            seen = now
            yield now
        else:
            time.sleep(LOOK_EVERY)


def stamp(path: Path) -> Stamp:
    """Return a file's stamp; programs that save may take it away for a moment."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def changed_cells(before: list[Cell], now: list[Cell]) -> set[str]:
    """Return the names of the cells that are not what they were."""
    return {cell.name for cell in set(before) ^ set(now)}


def to_check(assignment: Assignment, names: list[str], before: list[Cell] | None, now: list[Cell]) -> list[str]:
    """Return which of these exercises may stand otherwise than before.

    Args:
        assignment: says which exercise stands on which
        names: those that are watched
        before: the cells at the last look that came to its end; None when there was none
        now: the cells
    """
    if before is None:
        return names
    changed = changed_cells(before, now)
    if changed - {e.id for e in assignment.exercises} or [c.name for c in before] != [c.name for c in now]:
        return names  # imports, helpers, the order of cells: anything may stand on those
    return [name for name in names if changed & {name, *assignment.prerequisites(name)}]
