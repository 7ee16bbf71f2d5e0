"""Judges a test that a student has written: it must let every right solution pass and stop every wrong one."""

from __future__ import annotations

from autograder.checks.draw import Draw
from autograder.errors import CheckFailed, StudentError
from autograder.students import Callee
from autograder.wire import Suspect


def assert_tells_apart(judge: Callee, right: list[Suspect], wrong: list[Suspect], draw: Draw) -> None:
    """Let a student's test judge solutions; a right one must pass, a wrong one must be stopped by an exception.

    They come in an order that is drawn, so that a test cannot go by who comes when.

    Args:
        judge: the student's test, a function of one argument
        right: at least one, or a test that stops everything would do
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
        raise CheckFailed(f"Your test stops a right solution{more}: {right[stopped[0]].says}")
    if passed := [i for i in range(len(right), len(suspects)) if i in returned]:
        first = passed[0]
        how = " Your test returned False: stop a wrong solution with `assert`." if returned[first] is False else ""
        raise CheckFailed(
            f"Your test stops {len(wrong) - len(passed)} of {len(wrong)} wrong solutions here, and lets this one pass:"
            f" {wrong[first - len(right)].says}.{how}"
        )
