"""Assertions: what they reject, what they say, and what they must not give away."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from autograder.checks import TOLERANCES, assert_close, assert_equal, assert_raises, assert_true
from autograder.checks.compare import margins
from autograder.errors import CheckFailed, StudentCrashed, StudentError
from autograder.wire import Foreign, Handle

NAN, INF = math.nan, math.inf
EXPECTED = torch.tensor([[0.1234, -5.678, 9.1011], [0.0, 1.2131, 4.1516]])


@pytest.fixture(autouse=True)
def collected() -> Iterator[list[float]]:
    collected: list[float] = []
    token = margins.set(collected)
    yield collected
    margins.reset(token)


def message(found: Any, expected: Tensor = EXPECTED, quantity: str = "attention", what: str = "the output") -> str:
    with pytest.raises(CheckFailed) as caught:
        assert_close(found, expected, quantity, what)
    return str(caught.value)


def changed(*places: tuple[int, int], by: float = 1.0) -> Tensor:
    found = EXPECTED.clone()
    for place in places:
        found[place] += by
    return found


# ---- what passes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", TOLERANCES)
def test_the_same_numbers_pass(quantity: str) -> None:
    assert_close(EXPECTED.clone(), EXPECTED, quantity)


def test_noise_passes_and_more_does_not() -> None:
    assert_close(EXPECTED + 5e-6, EXPECTED, "attention")
    message(EXPECTED + 2e-3)


def test_exact_is_exact() -> None:
    assert_close(torch.tensor([1, 2]), torch.tensor([1, 2]), "exact")
    assert_close(torch.tensor([True]), torch.tensor([True]), "exact")
    message(torch.tensor([1, 3]), torch.tensor([1, 2]), "exact")
    message(torch.tensor([False]), torch.tensor([True]), "exact")
    message(torch.tensor([1.0]), torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])), "exact")
    message(torch.tensor([1e-30]), torch.tensor([0.0]), "exact")


def test_a_number_without_axes_can_be_compared() -> None:
    assert_close(torch.tensor(1.0), torch.tensor(1.0), "attention")
    assert message(torch.tensor(2.0), torch.tensor(1.0)).startswith("the output: 1 of 1 numbers are not as expected")


def test_expected_infinities_and_nans_must_be_there() -> None:
    expected = torch.tensor([INF, -INF, NAN, 1.0])
    assert_close(expected.clone(), expected, "attention")
    for found in ([-INF, -INF, NAN, 1.0], [1e30, -INF, NAN, 1.0], [INF, -INF, 0.0, 1.0], [INF, NAN, NAN, 1.0]):
        assert "are not as expected" in message(torch.tensor(found), expected)


# ---- what is said -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "got"),
    [
        (None, "None"),
        (1.5, "a float"),
        ([1.0], "a list of 1: a float"),
        ((EXPECTED, EXPECTED), "a tuple of 2: a tensor of shape (2, 3), a tensor of shape (2, 3)"),
        (Foreign("Evil"), "an object of type Evil"),
        (Foreign("ndarray"), "an object of type ndarray"),
        ("text", "a str"),
        (Handle(3, "Cache"), "an object of type Cache"),
    ],
)
def test_what_is_no_tensor_is_named(found: Any, got: str) -> None:
    assert message(found) == f"the output: expected a torch.Tensor, got {got}"


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (3, 2), (6,), (2, 3, 1), (0,), (0, 3)])
def test_another_shape_is_named_even_if_it_could_be_broadcast(shape: tuple[int, ...]) -> None:
    assert message(torch.zeros(shape)) == f"the output: expected the shape (2, 3), got {shape}"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.bool, torch.complex64])
def test_another_dtype_is_named(dtype: torch.dtype) -> None:
    assert message(EXPECTED.to(dtype)) == f"the output: expected the dtype torch.float32, got {dtype}"


def test_an_empty_tensor_is_never_right() -> None:
    assert message(torch.zeros(0, 3), torch.zeros(0, 3)) == "the output: expected numbers, got an empty tensor"


def test_nan_and_infinite_numbers_are_counted_and_the_first_is_placed() -> None:
    found = EXPECTED.clone()
    found[0, 2] = found[1, 1] = NAN
    assert message(found) == "the output: 2 of 6 numbers are nan, the first at (0, 2)"
    assert message(torch.full((2, 3), INF)) == "the output: 6 of 6 numbers are infinite, the first at (0, 0)"
    assert message(torch.full((2, 3), NAN)) == "the output: 6 of 6 numbers are nan, the first at (0, 0)"


def test_wrong_numbers_are_counted_and_the_worst_is_placed() -> None:
    found = changed((0, 1), (1, 2))
    found[1, 2] += 50
    assert message(found, what="the weights") == (
        "the weights: 2 of 6 numbers are not as expected, most at position (1, 2), far more than rounding explains"
    )


def test_a_small_difference_is_called_small() -> None:
    assert message(changed((0, 0), by=2e-4)).endswith("by a little more than rounding explains")


@pytest.mark.parametrize(
    "found",
    [
        changed((0, 1)),
        changed((1, 0), by=3e-4),
        EXPECTED * 2,
        EXPECTED.T,
        EXPECTED.double(),
        EXPECTED / 0,
        EXPECTED.tolist(),
        tuple(EXPECTED),
        7.125,
        None,
    ],
)
def test_no_message_holds_a_number_of_the_inputs_or_of_the_expected_values(found: Any) -> None:
    numbers = re.findall(r"\d+\.\d+|\d+e-?\d+|nan\b.*\d\.", message(found))
    assert numbers == []


def test_an_unknown_quantity_is_the_authors_mistake() -> None:
    with pytest.raises(KeyError):
        assert_close(EXPECTED, EXPECTED, "roughly")


# ---- margins ------------------------------------------------------------------------------------------------------


def test_a_comparison_notes_by_how_many_tolerances_it_missed(collected: list[float]) -> None:
    zero = torch.zeros(2)
    assert_close(torch.tensor([0.0, 5e-6]), zero, "attention")
    message(torch.tensor([0.0, 1e-3]), zero)
    message(torch.tensor([0.0, NAN]), zero)
    message(torch.zeros(3), zero)
    assert collected == [pytest.approx(0.5), pytest.approx(100.0), INF, INF]


def test_without_a_collector_nothing_is_noted() -> None:
    token = margins.set(None)
    assert_close(EXPECTED, EXPECTED, "exact")
    message(None)
    margins.reset(token)


def test_every_assertion_that_fails_notes_a_miss(collected: list[float]) -> None:
    for assertion in (
        lambda: assert_true(False, "no"),
        lambda: assert_equal(1, 2, "it"),
        lambda: assert_raises("ValueError", lambda: 1),
    ):
        with pytest.raises(CheckFailed):
            assertion()
    assert collected == [INF, INF, INF]


# ---- the others ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, "a", (1, 2), True, None, [1], {"a": 1}])
def test_equal_values_are_equal(value: Any) -> None:
    assert_equal(value, value, "it")


@pytest.mark.parametrize(
    ("found", "expected"), [(1, 2), (1, 1.0), (True, 1), ([1], (1,)), (Foreign("x"), "x"), (NAN, NAN)]
)
def test_values_of_another_type_or_value_are_not(found: Any, expected: Any) -> None:
    with pytest.raises(CheckFailed, match=r"^the width: not as expected$"):
        assert_equal(found, expected, "the width")


def test_a_property_that_does_not_hold_is_said_as_it_stands() -> None:
    assert_true(torch.tensor(True), "no")
    with pytest.raises(CheckFailed, match=r"^weights sum to 1$"):
        assert_true(torch.tensor(False), "weights sum to 1")


def raises(error: BaseException) -> Any:
    def call(*_: Any, **__: Any) -> None:
        raise error

    return call


def test_an_error_that_must_come_is_accepted() -> None:
    assert_raises("ValueError", raises(StudentError("ValueError", "mask must be bool")), 1, says="bool", mask=2)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: 1, "must raise ValueError for these arguments, it returned something instead"),
        (raises(StudentError("TypeError", "no")), "must raise ValueError for these arguments, it raised TypeError: no"),
        (raises(StudentError("ValueError", "no")), "the text of the ValueError must say 'bool'"),
    ],
)
def test_another_error_or_none_is_not(call: Any, says: str) -> None:
    with pytest.raises(CheckFailed, match=re.escape(says)):
        assert_raises("ValueError", call, says="bool")


def test_a_crash_is_not_the_error_that_must_come() -> None:
    with pytest.raises(StudentCrashed):
        assert_raises("ValueError", raises(StudentCrashed("the process was ended by SIGSEGV")))
