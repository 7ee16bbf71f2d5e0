"""Judging a test that a student has written, on their own machine."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from autograder.checks import assert_tells_apart, suspect
from autograder.checks.draw import Draw
from autograder.errors import CheckFailed
from autograder.inside.executor import Executor
from autograder.students import Student, live_asker


def double(x: Any) -> Any:
    return 2 * x


def triple(x: Any) -> Any:
    return 3 * x


def asks_for_twice_as_much(double: Any) -> None:
    assert double(torch.ones(3)).tolist() == [2, 2, 2]


def asks_for_three_times_as_much(double: Any) -> None:
    assert double(torch.ones(3)).tolist() == [3, 3, 3]


def asks_for_nothing(double: Any) -> None:
    double(torch.ones(3))


def judge(test: Any, own: Any) -> None:
    """Let a test judge the student's own solution, which should pass, and one that gives zeros."""
    student = Student(live_asker(Executor({"test_double": test, "double": own})), [])
    zeros = suspect(lambda x: 0 * x, "all is 0")
    assert_tells_apart(student.test_double, [student.double], [zeros], Draw(0))


def test_the_students_own_solution_may_be_the_right_one() -> None:
    judge(asks_for_twice_as_much, double)


def test_a_wrong_solution_is_told_with_what_is_wrong_with_it() -> None:
    with pytest.raises(CheckFailed, match="lets this one pass: all is 0"):
        judge(asks_for_nothing, double)


@pytest.mark.parametrize(("test", "own"), [(asks_for_three_times_as_much, double), (asks_for_twice_as_much, triple)])
def test_where_test_and_own_solution_do_not_agree_either_may_be_wrong(test: Any, own: Any) -> None:
    with pytest.raises(CheckFailed, match="stops your own `double`"):
        judge(test, own)


def test_a_notebook_does_not_wait_for_what_only_guarding_needs() -> None:
    """Questions out of the locked process are rehearsed on tensors without numbers, for which torch loads sympy."""
    code = (
        "import sys, torch; from autograder.checks import suspect; from autograder.inside.executor import Executor;"
        "from autograder.wire import Call; executor = Executor({'ask': lambda f: f(torch.ones(3))});"
        "answer = executor.answer(Call(target='ask', args=(suspect(lambda x: x.exp() + x.mean()),)));"
        "assert answer.value.shape == (3,); print('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
