"""Naming the mistake: when the numbers are those of exactly one, and never otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from autograder.catalogue import Catalogue
from autograder.course import Course
from autograder.diagnose import name_the_mistakes, same
from autograder.errors import StudentCrashed, StudentError
from autograder.inside.executor import Executor
from autograder.students import Step, Student, live_asker
from autograder.wire import Foreign, Picture

Check = Callable[[Student], Any]


def transcript(namespace: dict[str, Any], check: Check) -> list[Step]:
    student = Student(live_asker(Executor(namespace)), [])
    with contextlib.suppress(StudentError):
        check(student)
    return student.transcript


def name(catalogue: Catalogue, exercise: str, functions: dict[str, Any], **checks: Check) -> dict[str, str]:
    """Return the names of the mistakes behind checks that all failed; on other inputs they are run once more."""
    namespace = {**catalogue.reference, **functions}
    failed = {id: transcript(namespace, check) for id, check in checks.items()}

    def run_again(id: str) -> list[Step]:
        return transcript(namespace, checks[id])

    return {id: m.name for id, m in name_the_mistakes(catalogue, exercise, failed, run_again).items()}


def once(student: Student) -> Any:
    return student.double(torch.randn(5))


def twice(student: Student) -> Any:
    return student.double(torch.randn(5)), student.double(torch.randn(2, 3))


def test_the_mistake_whose_numbers_they_are_is_named(catalogue: Catalogue) -> None:
    assert name(catalogue, "double", {"double": lambda x: x**2}, a=twice) == {"a": "squared"}
    assert name(catalogue, "double", {"double": lambda x: x + x + x}, a=twice) == {"a": "tripled"}


def test_a_mistake_inside_a_later_exercise_is_named(catalogue: Catalogue) -> None:
    def check(student: Student) -> None:
        student.centre(torch.randn(5))
        student.centre(torch.randn(4))

    assert name(catalogue, "centre", {"centre": lambda x: 3 * x - (3 * x).mean()}, a=check) == {"a": "tripled"}


def test_numbers_of_no_known_mistake_have_no_name(catalogue: Catalogue) -> None:
    assert name(catalogue, "double", {"double": lambda x: 2.001 * x}, a=twice, b=once) == {}


def test_right_numbers_have_no_name(catalogue: Catalogue) -> None:
    assert name(catalogue, "double", {"double": lambda x: 2 * x}, a=twice) == {}


def test_numbers_that_the_mistake_shares_with_the_reference_say_nothing(catalogue: Catalogue) -> None:
    def zeros(student: Student) -> None:
        for _ in range(5):
            student.double(torch.zeros(3))

    assert name(catalogue, "double", {"double": lambda x: x**2}, a=zeros) == {}


def test_one_call_that_does_not_fit_is_enough_to_say_nothing(catalogue: Catalogue) -> None:
    def check(student: Student) -> None:
        for width in (3, 4, 5):
            student.double(torch.randn(width))

    assert name(catalogue, "double", {"double": lambda x: x**2 if len(x) < 5 else x}, a=check) == {}


def test_a_single_call_is_tried_again_on_other_inputs(catalogue: Catalogue) -> None:
    assert name(catalogue, "double", {"double": lambda x: x**2}, a=once) == {"a": "squared"}


def test_a_single_call_that_was_chance_has_no_name(catalogue: Catalogue) -> None:
    def seldom_wrong(x: Tensor) -> Tensor:
        calls.append(1)
        return x**2 if len(calls) == 1 else 2.5 * x

    calls: list[int] = []
    assert name(catalogue, "double", {"double": seldom_wrong}, a=once) == {}
    assert len(calls) == 2


def test_two_checks_of_one_call_each_are_evidence_enough(catalogue: Catalogue) -> None:
    assert name(catalogue, "double", {"double": lambda x: x**2}, a=once, b=once) == {"a": "squared", "b": "squared"}


def test_each_check_has_its_own_mistake(catalogue: Catalogue) -> None:
    def flat(student: Student) -> None:
        student.double(torch.randn(3))
        student.double(torch.randn(4))

    def square(student: Student) -> None:
        student.double(torch.randn(3, 3))
        student.double(torch.randn(4, 4))

    functions = {"double": lambda x: x**2 if x.dim() == 1 else 3 * x}
    assert name(catalogue, "double", functions, a=flat, b=square) == {"a": "squared", "b": "tripled"}


def test_the_mistake_that_explains_more_of_the_exercise_is_named(catalogue: Catalogue) -> None:
    def where_both_agree(student: Student) -> None:
        student.double(torch.full((2,), 3.0))
        student.double(torch.full((3,), 3.0))

    assert name(catalogue, "double", {"double": lambda x: 3 * x}, a=where_both_agree, b=once) == {
        "a": "tripled",
        "b": "tripled",
    }


def test_where_two_mistakes_explain_all_equally_well_none_is_named(catalogue: Catalogue) -> None:
    """3 * 3 is 3 squared and three times 3: to name either would be a guess."""

    def check(student: Student) -> None:
        student.double(torch.full((2,), 3.0))
        student.double(torch.full((3,), 3.0))

    assert name(catalogue, "double", {"double": lambda x: x**2}, a=check) == {}


def test_a_check_without_calls_has_no_name(catalogue: Catalogue) -> None:
    assert name(catalogue, "double", {}, a=lambda student: None) == {}


def test_an_error_of_the_students_own_has_no_name(catalogue: Catalogue) -> None:
    def broken(x: Tensor) -> Tensor:
        raise NotImplementedError

    assert name(catalogue, "double", {"double": broken}, a=twice) == {}


def test_the_replay_is_silent_and_draws_nothing(small: Course, capsys: pytest.CaptureFixture[str]) -> None:
    path = small.root / "assignments" / "01_small" / "misconceptions.py"
    noisy = "import warnings, torch; print('noise'); warnings.warn('noise'); torch.rand(3)"
    path.write_text(path.read_text().replace("return 3 * x", f"{noisy}\n    return 3 * x"))
    catalogue = Catalogue(small.assignments[0])
    failed = {"a": transcript({"double": lambda x: 3 * x}, twice)}
    before = torch.get_rng_state()
    assert name_the_mistakes(catalogue, "double", failed, lambda _: [])["a"].name == "tripled"
    assert torch.equal(torch.get_rng_state(), before)
    assert capsys.readouterr() == ("", "")


PICTURE = Picture(image=torch.ones(2), limits=None, x_labels=("a",), y_labels=(), in_given_axes=True, shown=False)
OTHER = Picture(image=torch.ones(2), limits=None, x_labels=("b",), y_labels=(), in_given_axes=True, shown=False)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (torch.ones(2), torch.ones(2) + 1e-7, True),
        (torch.ones(2), torch.ones(2) + 1e-3, False),
        (torch.ones(2), torch.ones(2, 1), False),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), False),
        (torch.ones(1), torch.ones(3), False),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), True),
        (torch.tensor([float("inf")]), torch.tensor([-float("inf")]), False),
        (torch.tensor([True]), torch.tensor([True]), True),
        ((1, torch.ones(1)), (1, torch.ones(1)), True),
        ((1, 2), [1, 2], False),
        ((1, 2), (1, 2, 3), False),
        ({"a": torch.ones(1)}, {"a": torch.ones(1)}, True),
        ({"a": 1}, {"b": 1}, False),
        (StudentError("ValueError", "x"), StudentError("ValueError", "y"), True),
        (StudentError("ValueError", "x"), StudentError("TypeError", "x"), False),
        (StudentCrashed("x"), StudentCrashed("x"), False),
        (StudentError("ValueError", "x"), torch.ones(1), False),
        (PICTURE, PICTURE, True),
        (PICTURE, OTHER, False),
        (Foreign("A"), Foreign("A"), True),
        (None, None, True),
        (1, 1.0, False),
        (1, True, False),
    ],
)
def test_two_outcomes_are_the_same_or_not(a: Any, b: Any, expected: bool) -> None:
    assert same(a, b) is expected
    assert same(b, a) is expected
