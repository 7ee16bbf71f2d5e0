"""Judges a test that a student has written: it must let every right solution pass and stop every wrong one."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.checks.draw import Draw
from autograder.errors import CheckFailed, StudentError
from autograder.students import Callee, name_of
from autograder.wire import Suspect

_Solution = Suspect | Callee


def assert_tells_apart(judge: Callee, right: Sequence[_Solution], wrong: list[Suspect], draw: Draw) -> None:
    """Let a student's test judge solutions; a right one must pass, a wrong one must be stopped by an exception.

    They come in an order that is drawn, so that a test cannot go by who comes when.

    Args:
        judge: the student's test, a function of one argument
        right: at least one, or a test that stops everything would do; `student.NAME` is the student's own solution,
            for public checks, which must hold no solution that could be copied
        wrong: these must be stopped
        draw: draws the order

    Raises:
        CheckFailed: when the test errs; says about which solution.
    """
    suspects = [*right, *wrong]
    returned: dict[int, object] = {}
    for index in draw.permutation(len(suspects)).tolist():
        try:
            returned[index] = judge(suspects[index])
        except StudentError as error:
            if error.kind in ("NotImplementedError", "NameError", "SyntaxError"):
                raise  # not of this solution, but of the test itself
    if stopped := [i for i in range(len(right)) if i not in returned]:
        more = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
        raise CheckFailed(f"Your test stops {_of_a_right_one(right[stopped[0]], more)}")
    if passed := [i for i in range(len(right), len(suspects)) if i in returned]:
        first = passed[0]
        how = " Your test returned False: stop a wrong solution with `assert`." if returned[first] is False else ""
        raise CheckFailed(
            f"Your test stops {len(wrong) - len(passed)} of {len(wrong)} wrong solutions here, and lets this one pass:"
            f" {wrong[first - len(right)].says}.{how}"
        )


def _of_a_right_one(solution: _Solution, more: str) -> str:
    if isinstance(solution, Suspect):
        return f"a right solution{more}: {solution.says}"
    name = name_of(solution)
    return f"your own {name}{more}. One of the two is wrong: if {name} does not pass its own checks, mend that first."
