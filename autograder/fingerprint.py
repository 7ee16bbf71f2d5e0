"""What a result depends on, as one hash: with the same fingerprint, grading again could change nothing."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from autograder import __version__
from autograder.course import Assignment, Course
from autograder.errors import UsageError
from autograder.records import SCHEMA


def base_of(course: Course, assignment: Assignment, confined: bool) -> str:
    """Hash everything but the notebook: checks, solutions, kit, torch, salt, limits, what was released.

    Args:
        course: with its root, limits and salt
        assignment: the one to grade
        confined: whether student code is locked in

    Raises:
        UsageError: when a file of the course cannot be read.
    """
    digest = hashlib.sha256()
    parts = [str(SCHEMA), __version__, _kit_hash(), version("torch"), course.salt, str(confined)]
    points = [exercise.points for exercise in assignment.exercises]  # course.toml may count extras
    parts += [assignment.id, repr(course.limits), repr(points)]
    for part in parts:
        digest.update(part.encode() + b"\0")
    for path in files_of(assignment):
        try:
            digest.update(path.read_bytes() + b"\0")
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    digest.update(course.notebook(assignment))
    return digest.hexdigest()


def files_of(assignment: Assignment) -> list[Path]:
    """Return the files of an assignment that grading depends on."""
    # All solutions: a later one is built from earlier ones.
    solutions = sorted(assignment.solution.parent.glob("*.py")) if assignment.solution else []
    return [*sorted(assignment.folder.glob("*.py")), assignment.folder / "exercises.toml", *solutions]


def fingerprint_of(base: str, student: str, name: str, notes: list[str], notebook: bytes) -> str:
    """Hash one submission: who handed in what under which name, and what was noted on finding it."""
    text = "\0".join((base, student, name, *notes)).encode()
    return hashlib.sha256(text + b"\0" + notebook).hexdigest()


@cache
def _kit_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
