"""The words in which an author writes checks, misconceptions and alternatives.

In `test_public.py` and `test_hidden.py`:

    @exercise("attention_weights")
    @points(4)
    @catches("mask_after_softmax", "fill_with_zero")
    def test_a_masked_key_has_no_influence(student, draw):
        \"\"\"A key that a query may not attend to has no influence at all.\"\"\"

In `misconceptions.py` and `alternatives.py`, the function's name is the entry's name:

    @misconception("attention_weights", title="...", hints=("a question", "where to look", "an example"), seen_in="...")
    def mask_after_softmax(scores, mask=None): ...

    @alternative("attention_weights", why="...")
    def additive_mask(scores, mask=None): ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=Callable[..., Any])


class CheckInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the decorators say about a check."""

    exercise: str = ""
    """Id of the exercise that it belongs to."""
    points: float = 0.0
    """Points that a pass earns; public checks have none."""
    catches: tuple[str, ...] = ()
    """Names of the misconceptions that it must reject."""


class Misconception(msgspec.Struct, frozen=True, kw_only=True):
    """A known wrong way to solve an exercise."""

    name: str
    exercise: str
    title: str
    """What the student has done, as a sentence that continues "These are the numbers you get when ..."."""
    hints: tuple[str, str, str]
    """Three tiers: a question, where to look, a small example with other numbers. Never the code."""
    seen_in: str
    """Where the mistake was seen, or "plausible"."""


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A right way to solve an exercise that does not look like the reference."""

    name: str
    exercise: str
    why: str
    """What a naive check would have against it."""


def check_info(function: Callable[..., Any]) -> CheckInfo:
    """Return what the decorators say about a check."""
    return getattr(function, "__autograder_check__", CheckInfo())


def _said(**said: Any) -> Callable[[T], T]:
    def decorate(function: T) -> T:
        info = msgspec.structs.replace(check_info(function), **said)
        function.__autograder_check__ = info  # type: ignore[attr-defined]  # an attribute of our own
        return function

    return decorate


def exercise(name: str) -> Callable[[T], T]:
    """Say which exercise a check belongs to."""
    return _said(exercise=name)


def points(number: float) -> Callable[[T], T]:
    """Say how many points a pass of this check earns (of each case, when it is parametrised)."""
    return _said(points=float(number))


def catches(*names: str) -> Callable[[T], T]:
    """Name the misconceptions that this check must reject; `autograder verify` holds it to that."""
    return _said(catches=names)


def misconception(exercise: str, *, title: str, hints: tuple[str, str, str], seen_in: str) -> Callable[[T], T]:
    """Mark a wrong solution of an exercise; its own name is the name of the misconception."""

    def decorate(solution: T) -> T:
        solution.__autograder_entry__ = Misconception(  # type: ignore[attr-defined]  # an attribute of our own
            name=solution.__name__, exercise=exercise, title=title, hints=hints, seen_in=seen_in
        )
        return solution

    return decorate


def alternative(exercise: str, *, why: str) -> Callable[[T], T]:
    """Mark a right solution that looks different; it must get full marks."""

    def decorate(solution: T) -> T:
        solution.__autograder_entry__ = Alternative(  # type: ignore[attr-defined]  # an attribute of our own
            name=solution.__name__, exercise=exercise, why=why
        )
        return solution

    return decorate
