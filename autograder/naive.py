"""Two naive checks, to compare ours with: one call with equal sizes, then a look at the shapes, or `torch.allclose`.

What they call an exercise with stands in the assignment's `naive.py`:

    NAIVE = {
        "softmax": lambda draw: ((draw.normal(4, 4),), {}),                # a function: arguments, by name
        "SelfAttention": lambda draw: ((4,), (draw.normal(4, 4, 4),)),     # a class: to create it, to call it
    }

A layer gets the weights of the reference's first. All of it runs in this process: known solutions are the author's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import torch
from torch import Tensor

from autograder.catalogue import Catalogue, load_module
from autograder.checks.draw import Draw, seed_for
from autograder.course import Assignment
from autograder.diagnose import silence
from autograder.error_rates import Errors, Row
from autograder.errors import UsageError
from autograder.verify import Verdicts

Inputs = Callable[[Draw], tuple[Any, Any]]
_Compare = Callable[[list[Tensor], list[Tensor]], bool]

SALT = "error rates"
"""In the place of the course's own, so that everybody who makes the page gets the same numbers."""


def rows(catalogue: Catalogue, verdicts: Verdicts) -> list[Row]:
    """Return the rates of each exercise of an assignment: what `verify` found, and what naive checks say.

    Raises:
        UsageError: when `naive.py` is not as it should be.
    """
    naive = read_naive(catalogue.assignment)
    return [_row(exercise, catalogue, verdicts, naive.get(exercise)) for exercise in verdicts.checks]


def read_naive(assignment: Assignment) -> dict[str, Inputs]:
    """Return how naive checks call the exercises; a file that is missing is none at all.

    Raises:
        UsageError: when it cannot be read, or names an exercise that is not there.
    """
    path = assignment.folder / "naive.py"
    if not path.is_file():
        return {}
    naive = getattr(load_module(path), "NAIVE", None)
    if not isinstance(naive, dict):
        raise UsageError(f"{path} must define NAIVE, a dict from exercise to a function of draw")
    for exercise in naive:
        assignment.exercise(exercise)
    return naive


def _row(exercise: str, catalogue: Catalogue, verdicts: Verdicts, inputs: Inputs | None) -> Row:
    trials = [trial for trial in verdicts.trials if trial.exercise == exercise]
    tried = {trial.name for trial in trials}
    own = [trial for trial in trials if not trial.inlined]
    wrong = [variant for variant in catalogue.mistakes_in(exercise) if variant.entry.name in tried]
    right = [variant for variant in catalogue.alternatives if variant.exercise == exercise]
    hidden = Errors(
        wrong=len(trials),
        accepted=sum(not trial.rejected_by for trial in trials),
        right=len(right) + 1,  # the reference is one of them
        rejected=len(verdicts.refused.get(exercise, ())),
    )
    row = Row(
        exercise=exercise,
        hidden=hidden,
        margin=min((verdicts.smallest_margin.get(id, math.inf) for id in verdicts.checks[exercise]), default=math.inf),
        named=sum(trial.name in trial.named for trial in own),
        own=len(own),
    )
    if inputs is None:
        return row
    naive = NaiveCheck(exercise, catalogue.reference, inputs)

    def errors(compare: _Compare) -> Errors:
        accepted = sum(naive.passes(catalogue.namespace(variant), compare) for variant in wrong)
        passed = sum(naive.passes(catalogue.namespace(variant), compare) for variant in right)
        return msgspec.structs.replace(hidden, accepted=accepted, rejected=len(right) - passed)

    return msgspec.structs.replace(row, shapes=errors(same_shapes), allclose=errors(all_close))


class NaiveCheck:
    """Calls one exercise once and compares what comes with what comes from the reference."""

    def __init__(self, exercise: str, reference: dict[str, Any], inputs: Inputs) -> None:
        self._exercise, self._inputs, self._reference = exercise, inputs, reference
        self._seed = seed_for(SALT, "", "naive", exercise)
        self._expected = self._call(reference)

    def passes(self, namespace: dict[str, Any], compare: _Compare) -> bool:
        """Say whether the solution in this namespace looks right; one that raises does not."""
        try:
            return compare(self._call(namespace), self._expected)
        except Exception:
            return False

    def _call(self, namespace: dict[str, Any]) -> list[Tensor]:
        first, second = self._inputs(Draw(self._seed))
        solution, reference = namespace[self._exercise], self._reference[self._exercise]
        with silence():
            torch.manual_seed(self._seed % 2**32)
            if not isinstance(reference, type):
                return _tensors(solution(*first, **second))
            model = reference(*first)  # first, so that it draws the same weights whatever the solution draws
            layer = solution(*first)
            layer.load_state_dict(model.state_dict())
            return _tensors(layer(*second))


def same_shapes(found: list[Tensor], expected: list[Tensor]) -> bool:
    """Compare shapes alone."""
    return [tensor.shape for tensor in found] == [tensor.shape for tensor in expected]


def all_close(found: list[Tensor], expected: list[Tensor]) -> bool:
    """Compare with the tolerances that torch has when nobody asks for others."""
    return all(
        torch.equal(one, other) if other.dtype == torch.bool else torch.allclose(one, other)
        for one, other in zip(found, expected, strict=True)
    )


def _tensors(value: Any) -> list[Tensor]:
    parts = list(value) if isinstance(value, (tuple, list)) else [value]
    if not all(isinstance(part, Tensor) for part in parts):
        raise TypeError("naive checks compare tensors")
    return parts
