"""Makes a class of any size, always the same one for the same seed: what students hand in, as answers by exercise.

Right work and known mistakes come from the course's own catalogue, so that both ways of being right and of being wrong
are as varied as in a real class.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from autograder.catalogue import Catalogue

SHARES = {"right": 0.45, "wrong": 0.30, "unfinished": 0.20, "crashing": 0.05}
"""What a class is made of."""
_MOST_MISTAKES = 3

_CRASHES: tuple[Callable[[str, str], str], ...] = (
    lambda name, source: source.rstrip().rstrip(")") + "\n    return (",  # a bracket that is never closed
    lambda name, source: f"{source}\n\nraise RuntimeError('left over from trying {name} out')\n",
    lambda name, source: f"{source}\n\nimport os\n\nos._exit(1)\n",
)


@dataclass(frozen=True)
class HandedIn:
    """The work of one student."""

    kind: str
    """A key of SHARES."""
    answers: dict[str, str]
    """Source by exercise; an exercise that is not there was not begun."""


def make_class(catalogue: Catalogue, size: int, seed: int = 0) -> dict[str, HandedIn]:
    """Return the work of `size` students by their ids; a larger class of the same seed begins with a smaller one."""
    draw = random.Random(seed)
    width = len(str(size - 1))
    return {f"student-{i:0{width}}": _work(catalogue, draw) for i in range(size)}


def _work(catalogue: Catalogue, draw: random.Random) -> HandedIn:
    kind = draw.choices(list(SHARES), list(SHARES.values()))[0]
    exercises = [exercise.id for exercise in catalogue.assignment.exercises]
    answers = {name: draw.choice(_right(catalogue, name)) for name in exercises}
    if kind == "wrong":
        for variant in draw.sample(catalogue.misconceptions, draw.randint(1, _MOST_MISTAKES)):
            answers[variant.exercise] = variant.source
    elif kind == "unfinished":
        answers = {name: answers[name] for name in exercises[: draw.randrange(len(exercises))]}
    elif kind == "crashing":
        name = draw.choice(exercises)
        answers[name] = draw.choice(_CRASHES)(name, answers[name])
    return HandedIn(kind, answers)


def _right(catalogue: Catalogue, exercise: str) -> list[str]:
    """Return the right solutions of an exercise: the reference's and all others that are known."""
    others = [variant.source for variant in catalogue.alternatives if variant.exercise == exercise]
    return [catalogue.reference_source(exercise), *others]
