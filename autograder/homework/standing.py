"""How far the exercises of a course are: of each whether it is done, can be begun, or waits for another.

Checking a notebook takes seconds, so what came of it is kept beside it, with a digest of all it was made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder import __version__
from autograder.course import PUBLIC, Assignment, read_release_folder
from autograder.errors import UsageError
from autograder.records import ExerciseResult, ExerciseStatus, Verdict, write_atomically

MEMORY = ".autograder-progress.json"
_UNTRIED = {"not_attempted": "○", "missing": "?"}


class Standing(msgspec.Struct, frozen=True):
    """How one exercise stands, in so few words that two times can be compared."""

    status: ExerciseStatus
    verdicts: tuple[Verdict, ...]
    """Of its checks, in their order."""

    @property
    def done(self) -> bool:
        """Whether every check passes."""
        return self.status == "attempted" and set(self.verdicts) == {"pass"}

    @property
    def mark(self) -> str:
        """One character, never without the words beside it."""
        return _UNTRIED.get(self.status) or ("✓" if self.done else "✗")

    @property
    def in_words(self) -> str:
        """How many checks pass, or that there is nothing to check."""
        if self.status != "attempted":
            return self.status.replace("_", " ")
        passing, total = self.verdicts.count("pass"), len(self.verdicts)
        return f"all {total} checks pass" if self.done else f"{passing} of {total} checks pass"


class Place(msgspec.Struct, frozen=True):
    """An exercise on the map of a course."""

    name: str
    standing: Standing
    waits_for: tuple[str, ...]
    """Exercises that it calls and that are not done."""
    leads_to: tuple[str, ...]
    """Exercises that call it."""
    extra: bool


class _Kept(msgspec.Struct, frozen=True):
    made_from: str
    standings: dict[str, Standing]


def standing_of(result: ExerciseResult) -> Standing:
    """Return how an exercise stands."""
    return Standing(result.status, tuple(check.verdict for check in result.checks))


def places(assignment: Assignment, standings: dict[str, Standing]) -> Iterator[Place]:
    """Yield the exercises of an assignment, in their order."""
    for exercise in assignment.exercises:
        yield Place(
            exercise.id,
            standings[exercise.id],
            waits_for=tuple(name for name in exercise.depends_on if not standings[name].done),
            leads_to=tuple(e.id for e in assignment.exercises if exercise.id in e.depends_on),
            extra=exercise.extra,
        )


def assignments_in(folder: Path) -> list[Assignment]:
    """Return the assignment of a release folder, or those in the folders in it, by name.

    Raises:
        UsageError: when there are none.
    """
    here = [folder] if (folder / PUBLIC).is_file() else sorted(p.parent for p in folder.glob(f"*/{PUBLIC}"))
    if not here:
        raise UsageError(f"no assignment in {folder}: expected {PUBLIC} and a notebook, there or in the folders in it")
    return [read_release_folder(path.resolve()) for path in here]


def recall(assignment: Assignment, content: bytes) -> dict[str, Standing] | None:
    """Return how the exercises of a file stood; None when that is not known, or it has changed since.

    Args:
        assignment: in a release folder
        content: the file's bytes
    """
    try:
        kept = msgspec.json.decode((assignment.folder / MEMORY).read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    same = kept.made_from == _made_from(assignment, content) and set(kept.standings) == {
        e.id for e in assignment.exercises
    }
    return kept.standings if same else None


def remember(assignment: Assignment, content: bytes, standings: dict[str, Standing]) -> None:
    """Keep how the exercises of a file stand."""
    kept = _Kept(_made_from(assignment, content), standings)
    write_atomically(assignment.folder / MEMORY, msgspec.json.encode(kept))


def _made_from(assignment: Assignment, content: bytes) -> str:
    checks = (assignment.folder / PUBLIC).read_bytes() + (assignment.folder / "exercises.toml").read_bytes()
    return hashlib.sha256(b"\0".join([__version__.encode(), checks, content])).hexdigest()
