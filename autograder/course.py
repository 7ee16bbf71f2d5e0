"""Reads the files that an author edits: `assignments/course.toml` and each assignment's `exercises.toml`.

A course is a folder (its root holds `assignments/`, `solutions/` and `nbgrader_config.py`). What a student has is a
release folder: a notebook, `test_public.py`, `exercises.toml` and `release.json`; the same `Assignment` is read from
both.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from autograder.errors import UsageError
from autograder.release_file import FILE, read_release_file

S = TypeVar("S")

SALT_VARIABLE = "AUTOGRADER_SALT"
PUBLIC = "test_public.py"
"""The checks that students have."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Under which limits student code runs."""

    check_seconds: float = 5.0
    """Wall clock of one check, all its calls together."""
    load_seconds: float = 10.0
    """Wall clock for running the cells of a notebook once."""
    memory_mib: int = 1024
    """What student code may allocate on top of the interpreter and torch."""
    file_mib: int = 16
    """Largest file that student code may write into its scratch folder."""
    scratch_mib: int = 64
    """All files in its scratch folder together."""
    scratch_files: int = 1000
    """How many files and folders it may have there."""
    reply_mib: int = 16
    """Largest answer to one call."""
    notebook_mib: float = 20
    """Larger notebooks are not graded."""


class Exercise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One exercise: a function or class that the student writes."""

    id: str
    """Name of the function or class, of its solution cell, and (after "check-") of its graded cell."""
    title: str
    points: float
    """What it earns; `course.toml` may say otherwise."""
    scale: float = 1.0
    """What each check earns in this course, over what its author says."""
    depends_on: list[str] = []
    """Earlier exercises that this one calls; the reference stands in for those that failed."""
    forbids: list[str] = []
    """Dotted names of shortcuts that would hand over the exercise."""
    returns: list[str] = []
    """Names of the returned values, for messages; more than one means a tuple."""
    hints: list[str] = []
    """Tiers of hints, from a question to nearly the answer."""
    starts_from: str = ""
    """A known mistake of it, a function, that the student is given to find and mend, in the place of a stub."""
    extra: bool = False
    """Whether it goes beyond the course: it earns nothing unless `course.toml` gives it points."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment and where its files are."""

    id: str
    folder: Path
    """Where its `exercises.toml` and checks are."""
    exercises: list[Exercise]
    title: str = ""
    solution: Path | None = None
    """The module of reference solutions; None in a release folder."""
    weight: float = 1.0

    @property
    def points(self) -> float:
        """Points that the assignment can earn."""
        return sum(e.points for e in self.exercises)

    def exercise(self, name: str) -> Exercise:
        """Return one exercise.

        Raises:
            UsageError: when there is none of that name.
        """
        for candidate in self.exercises:
            if candidate.id == name:
                return candidate
        raise UsageError(f"{self.id} has no exercise {name!r}; it has {', '.join(e.id for e in self.exercises)}")

    def prerequisites(self, name: str) -> list[str]:
        """Return all exercises that one stands on, directly or not, in the assignment's order."""
        found: set[str] = set()
        todo = list(self.exercise(name).depends_on)
        while todo:
            current = todo.pop()
            if current not in found:
                found.add(current)
                todo += self.exercise(current).depends_on
        return [e.id for e in self.exercises if e.id in found]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A course: its assignments, limits and salt."""

    root: Path
    title: str
    assignments: list[Assignment]
    limits: Limits
    salt: str
    salt_is_public: bool
    """Whether the salt is the one in the repository, which everybody can read."""

    def notebook(self, assignment: Assignment, step: str = "release") -> bytes:
        """Return a built notebook: the one that students get, or (step "source") the one with the solutions.

        Raises:
            UsageError: when it has not been built.
        """
        path = self.root / step / assignment.id / f"{assignment.id}.ipynb"
        try:
            return path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror}): run `autograder build` first") from None

    def assignment(self, name: str) -> Assignment:
        """Return one assignment.

        Raises:
            UsageError: when there is none of that name.
        """
        for candidate in self.assignments:
            if candidate.id == name:
                return candidate
        raise UsageError(f"no assignment {name!r} in this course; it has {', '.join(a.id for a in self.assignments)}")


class _AssignmentEntry(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    solution: str
    weight: float = 1.0
    points: dict[str, Annotated[float, msgspec.Meta(ge=0)]] = {}


class _CourseFile(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    salt: str
    assignments: list[_AssignmentEntry]
    limits: Limits = Limits()


class _ExercisesFile(msgspec.Struct, forbid_unknown_fields=True):
    exercise: list[Exercise]


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder at or above `start` that holds `assignments/course.toml`.

    Raises:
        UsageError: when there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "assignments" / "course.toml").is_file():
            return folder
    raise UsageError(
        f"no course here: {start} and the folders above it hold no assignments/course.toml. Change into it"
    )


def read_course(root: Path) -> Course:
    """Read the course at `root`.

    Raises:
        UsageError: when a file is missing or not valid; the text names the file and the field.
    """
    file = _read_toml(root / "assignments" / "course.toml", _CourseFile)
    assignments = [
        read_assignment(
            root / "assignments" / entry.id,
            id=entry.id,
            title=entry.title,
            solution=root / "solutions" / entry.solution,
            points=entry.points,
            weight=entry.weight,
        )
        for entry in file.assignments
    ]
    salt = os.environ.get(SALT_VARIABLE, "")
    return Course(
        root=root,
        title=file.title,
        assignments=assignments,
        limits=file.limits,
        salt=salt or file.salt,
        salt_is_public=not salt,
    )


def read_assignment(folder: Path, id: str = "", points: dict[str, float] | None = None, **more: Any) -> Assignment:
    """Read the assignment whose `exercises.toml` lies in `folder`: in the course, or in a release.

    Args:
        folder: where the file is
        id: of the assignment; by default the folder's name
        points: what exercises earn in this course, where that is not what their file says; 0 leaves one out
        more: other fields of the assignment

    Raises:
        UsageError: when the file is missing or not valid, or an exercise depends on one that is not before it.
    """
    exercises = _read_toml(folder / "exercises.toml", _ExercisesFile).exercise
    points = points or {}
    if unknown := sorted(set(points) - {e.id for e in exercises}):
        known = ", ".join(e.id for e in exercises)
        raise UsageError(f"{id or folder.name} has no exercise {', '.join(unknown)} to give points; it has {known}")
    exercises = [_worth(e, points.get(e.id, 0.0 if e.extra else e.points)) for e in exercises]
    seen: set[str] = set()
    for entry in exercises:
        if entry.id in seen:
            raise UsageError(f"{folder / 'exercises.toml'}: two exercises are called {entry.id!r}")
        if late := [name for name in entry.depends_on if name not in seen]:
            raise UsageError(
                f"{folder / 'exercises.toml'}: {entry.id} depends on {', '.join(late)}, which must come before it"
            )
        seen.add(entry.id)
    return Assignment(id=id or folder.name, folder=folder, exercises=exercises, **more)


def read_release_folder(folder: Path) -> Assignment:
    """Return the assignment whose public checks lie in `folder`.

    Raises:
        UsageError: when they do not.
    """
    if missing := [name for name in (PUBLIC, "exercises.toml", FILE) if not (folder / name).is_file()]:
        raise UsageError(
            f"no checks beside this notebook: {folder} has no {', '.join(missing)}. "
            "Keep the notebook in the folder in which it was released"
        )
    return read_assignment(folder, id=read_release_file(folder).assignment)


def _worth(exercise: Exercise, points: float) -> Exercise:
    return msgspec.structs.replace(
        exercise, points=points, scale=points / exercise.points if exercise.points else float(points > 0)
    )


def _read_toml(path: Path, shape: type[S]) -> S:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), shape)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} is not valid: {error}") from None
