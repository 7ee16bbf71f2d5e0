"""Turns what the checks found into results with points; an expected check that is missing is not passed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autograder.authoring import Misconception
from autograder.checks.runner import Check
from autograder.course import Exercise
from autograder.errors import CheckFailed, StudentError, StudentFailure
from autograder.records import CheckResult, ExerciseResult, Verdict

_DECIMALS = 6
_LONGEST_EXCEPTION = 300
_FRACTION = re.compile(r"-?\d*\.\d+(?:e[+-]?\d+)?")


def check_result(
    check: Check,
    error: BaseException | None,
    misconception: Misconception | None,
    exercise: Exercise,
    hidden: bool = False,
) -> CheckResult:
    """Return the result of one check that was run.

    Args:
        check: which one
        error: what it raised, None when it passed
        misconception: the known mistake behind it
        exercise: whose check it is
        hidden: whether its inputs must stay unseen, also when the student's code puts them into an exception
    """
    passed = error is None
    message = "" if error is None else _message(error, hidden)
    if misconception is not None:
        message = f"These are the numbers you get when {misconception.title}. {message}".strip()
    if misconception is not None:
        hint = misconception.hints[0]
    else:
        hint = exercise.hints[0] if isinstance(error, AssertionError) and exercise.hints else ""
    return CheckResult(
        id=check.id,
        title=check.title,
        verdict=verdict_of(error),
        points=check.info.points if passed else 0.0,
        max_points=check.info.points,
        message=message,
        misconception=misconception.name if misconception else None,
        hint=hint,
    )


def verdict_of(error: BaseException | None) -> Verdict:
    """Return the verdict for what a check raised."""
    if error is None:
        return "pass"
    if isinstance(error, StudentFailure):
        return error.verdict  # type: ignore[return-value]  # each class says one of the verdicts
    return "wrong"


def _message(error: BaseException, hidden: bool) -> str:
    if isinstance(error, StudentError):
        said = _without_numbers(str(error)) if hidden else str(error)
        return f"Your code raised {said}" + (f" ({error.where})" if error.where else "")
    if isinstance(error, StudentFailure):
        return (
            _sentence(f"your code {error}")
            if error.verdict in ("timeout", "memory", "forbidden")
            else _sentence(str(error))
        )
    if isinstance(error, CheckFailed):
        return _sentence(str(error))
    # A plain assert, or a check that stumbled over what it was given: its text may hold hidden values.
    return "The property does not hold." if isinstance(error, AssertionError) else "The result has an unexpected form."


def _without_numbers(text: str) -> str:
    """Take numbers with a fraction out of an exception's text, and cut it: shapes may be told, inputs may not."""
    shorter = text if len(text) <= _LONGEST_EXCEPTION else f"{text[:_LONGEST_EXCEPTION]} ..."
    return _FRACTION.sub("#", shorter)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ")")) else ".")


def unrun_result(check: Check, verdict: Verdict, message: str) -> CheckResult:
    """Return the result of a check that could not be run."""
    return CheckResult(
        id=check.id, title=check.title, verdict=verdict, points=0.0, max_points=check.info.points, message=message
    )


def exercise_result(exercise: Exercise, status: str, checks: list[CheckResult]) -> ExerciseResult:
    """Add up the checks of one exercise."""
    return ExerciseResult(
        id=exercise.id,
        status=status,  # type: ignore[arg-type]  # Submission.status holds only these
        score=total(c.points for c in checks),
        max_score=total(c.max_points for c in checks),
        checks=checks,
    )


def total(points: Iterable[float]) -> float:
    """Add up points without the noise of binary fractions."""
    return round(sum(points, 0.0), _DECIMALS)
