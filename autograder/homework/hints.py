"""Hands out an exercise's hints one tier at a time, and remembers in the student's folder how far they got."""

from __future__ import annotations

from pathlib import Path

import msgspec

from autograder.course import Exercise
from autograder.homework.recordings import Mistake
from autograder.records import write_atomically

MEMORY = ".autograder-hints.json"


def hint_text(exercise: Exercise, folder: Path, named: Mistake | None, passed: bool) -> str:
    """Return the next hint as a sentence: about the mistake that the checks name, else about the exercise.

    Args:
        exercise: which one
        folder: where the notebook is, and the memory of earlier hints
        named: the known mistake behind the first check that does not pass
        passed: whether every check passes
    """
    if passed:
        return f"{exercise.id} passes every check: there is nothing left to hint at."
    about, text = exercise, ""
    if named is not None:
        about = msgspec.structs.replace(exercise, id=f"{exercise.id}: {named.name}", hints=list(named.hints))
        text = f" (you get these numbers when {named.title})"
    if not about.hints:
        return f"There is no hint for {exercise.id}; the check that does not pass says what it expects."
    tier, said = next_hint(about, folder)
    return f"Hint {tier} of {len(about.hints)} for {exercise.id}{text}: {said}"


def next_hint(exercise: Exercise, folder: Path) -> tuple[int, str]:
    """Return the number and the text of the next tier; after the last one, the last one again.

    Args:
        exercise: whose hints they are; it must have some
        folder: where the notebook is, and the memory of earlier hints
    """
    memory = folder / MEMORY
    seen = _read(memory)
    tier = min(seen.get(exercise.id, 0) + 1, len(exercise.hints))
    write_atomically(memory, msgspec.json.encode(seen | {exercise.id: tier}))
    return tier, exercise.hints[tier - 1]


def _read(memory: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(memory.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}  # no memory, or a spoilt one: begin with the first hint
