"""Assertions whose messages help the student and give nothing away.

A failure names shapes, dtypes, counts, the worst position and how many times over the tolerance it is, never a value:
the inputs and the expected values of hidden checks stay hidden.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.errors import CheckFailed, StudentError
from autograder.students import in_words

TOLERANCES: dict[str, tuple[float, float]] = {
    "softmax": (1e-6, 1e-5),
    "attention": (1e-5, 1e-4),
    "gradient": (1e-5, 1e-3),
    "zero gradient": (1e-6, 0.0),
    "exact": (0.0, 0.0),
}
"""(absolute, relative) for each kind of quantity, in float32 on inputs of unit size: noise from the order of operations
is about 5e-7, the smallest known mistake over a hundred times the tolerance, which `autograder verify` measures."""

margins: ContextVar[list[float] | None] = ContextVar("margins", default=None)
"""Collects, for `autograder verify`, by how many tolerances a comparison missed."""


def assert_close(found: Any, expected: Tensor, quantity: str, what: str = "the output") -> None:
    """Assert that a tensor of the student's has the expected numbers.

    Args:
        found: what the student's code returned
        expected: the right numbers
        quantity: a row of TOLERANCES
        what: how to call it in the message

    Raises:
        CheckFailed: when type, dtype, shape, finiteness or a number is not as expected.
    """
    _assert_tensor_like(found, expected, what)
    bad = ~torch.isfinite(found) & torch.isfinite(expected)
    if bad.any():
        _miss(math.inf)
        kind = "nan" if found[bad].isnan().any() else "infinite"
        raise CheckFailed(f"{what}: {int(bad.sum())} of {found.numel()} numbers are {kind}, the first at {_first(bad)}")
    absolute, relative = TOLERANCES[quantity]
    wide, right = found.to(torch.float64), expected.to(torch.float64)
    error = (wide - right).abs()
    error[(wide == right) | (wide.isnan() & right.isnan())] = 0.0  # equal infinities differ by nan
    error[error.isnan()] = math.inf
    allowed = absolute + relative * right.abs()
    allowed[~right.isfinite()] = absolute
    wrong = error > allowed
    times = torch.where(wrong & (allowed == 0), math.inf, error / allowed.clamp_min(1e-300))
    _miss(float(times.max()))
    if wrong.any():
        # NumPy's, because torch's loads a computer algebra system first, which takes a second.
        worst = tuple(int(i) for i in np.unravel_index(int(times.argmax()), tuple(times.shape)))
        place = f", most at position {worst}" if worst else ""
        share = f"{int(wrong.sum())} of {wrong.numel()} numbers"
        raise CheckFailed(f"{what}: {share} are not as expected{place}{_how_far(float(times.max()))}")


def _assert_tensor_like(found: Any, expected: Tensor, what: str) -> None:
    problem = ""
    if not isinstance(found, Tensor):
        problem = f"{what}: expected a torch.Tensor, got {in_words(found)}"
    elif tuple(found.shape) != tuple(expected.shape):
        problem = f"{what}: expected the shape {tuple(expected.shape)}, got {tuple(found.shape)}"
    elif found.dtype != expected.dtype:
        problem = f"{what}: expected the dtype {expected.dtype}, got {found.dtype}"
    elif not found.numel():
        problem = f"{what}: expected numbers, got an empty tensor"
    if problem:
        _miss(math.inf)
        raise CheckFailed(problem)


def _how_far(times: float) -> str:
    """Say how far off it is, coarsely: the exact figure would say too much about the expected numbers."""
    if times < 100:
        return " by a little more than rounding explains"
    return ", far more than rounding explains"


def _first(where: Tensor) -> tuple[int, ...]:
    return tuple(int(i) for i in where.nonzero()[0])


def assert_equal(found: Any, expected: Any, what: str) -> None:
    """Assert that a plain value (number, text, tuple, bool) is the expected one.

    Raises:
        CheckFailed: when it is not; the message does not tell the expected value.
    """
    try:
        as_expected = type(found) is type(expected) and bool(found == expected)
    except RuntimeError:  # several numbers in a tensor, somewhere in it, are neither true nor false
        as_expected = False
    if not as_expected:
        _miss(math.inf)
        raise CheckFailed(f"{what}: not as expected")


def assert_true(condition: Any, message: str) -> None:
    """Assert a property; the message is shown to the student as it is.

    Raises:
        CheckFailed: when the condition does not hold.
    """
    if not bool(condition):
        _miss(math.inf)
        raise CheckFailed(message)


def assert_raises(kind: str, call: Callable[..., Any], *args: Any, says: str = "", **kwargs: Any) -> None:
    """Assert that a call raises an exception of this class, with `says` in its text.

    Raises:
        CheckFailed: when it raises nothing, another exception, or one that does not say it.
    """
    try:
        call(*args, **kwargs)
    except StudentError as error:
        if error.kind != kind:
            _miss(math.inf)
            raise CheckFailed(
                f"must raise {kind} for these arguments, it raised {error.kind}: {error.message[:200]}"
            ) from None
        if says not in error.message:
            _miss(math.inf)
            raise CheckFailed(f"the text of the {kind} must say {says!r}: it tells the caller what to mend") from None
        return
    _miss(math.inf)
    raise CheckFailed(f"must raise {kind} for these arguments, it returned something instead")


def _miss(times: float) -> None:
    collected = margins.get()
    if collected is not None:
        collected.append(times)
