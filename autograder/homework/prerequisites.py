"""Looks for the earlier exercise on which a later one fails, and tells a stub from a solution."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from autograder.course import Assignment, Exercise

SECONDS = 0.15
"""For looking; a card that says nothing about earlier exercises is better than one that keeps waiting."""

_passed: dict[tuple[str, str], tuple[Any, ...]] = {}
"""By assignment and exercise: the functions and classes with which it was seen to pass."""


class Prerequisites:
    """The exercises that others stand on, in one notebook.

    Args:
        assignment: says what stands on what
        namespace: the notebook's functions and classes
    """

    def __init__(self, assignment: Assignment, namespace: dict[str, Any]) -> None:
        self._assignment, self._namespace = assignment, namespace

    def first_stub(self, name: str) -> str:
        """Return the first exercise below this one that is not written yet, or ""."""
        below = self._assignment.prerequisites(name)
        return next((b for b in below if b in self._namespace and is_stub(self._namespace[b])), "")

    def first_broken(self, name: str, passes: Callable[[Exercise], bool]) -> str:
        """Return the first exercise below this one that does not pass, or "".

        Args:
            name: the exercise that fails
            passes: runs the checks of another one
        """
        deadline = time.monotonic() + SECONDS
        for below in self._assignment.prerequisites(name):
            if below not in self._namespace:
                return below
            if self._has_passed(below):
                continue
            if time.monotonic() > deadline:
                return ""
            if not passes(self._assignment.exercise(below)):
                return below
            _passed[self._key(below)] = self._parts(below)
        return ""

    def _has_passed(self, name: str) -> bool:
        before, now = _passed.get(self._key(name), ()), self._parts(name)
        return len(before) == len(now) and all(old is new for old, new in zip(before, now, strict=True))

    def _key(self, name: str) -> tuple[str, str]:
        return str(self._assignment.folder), name

    def _parts(self, name: str) -> tuple[Any, ...]:
        """Return what decides whether an exercise passes: its own definition and those that it stands on."""
        return tuple(self._namespace.get(part) for part in (*self._assignment.prerequisites(name), name))


def is_stub(thing: Any) -> bool:
    """Say whether a function, or a method of a class, raises NotImplementedError itself, and not what it calls."""
    functions = vars(thing).values() if isinstance(thing, type) else [thing]
    codes = [code for f in functions if isinstance(code := getattr(f, "__code__", None), CodeType)]
    return not codes or any("NotImplementedError" in code.co_names for code in codes)
