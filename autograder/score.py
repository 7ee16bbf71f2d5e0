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
_VALUE = re.compile(
    r"-?0x[0-9a-f]*\.[0-9a-f]+p[+-]?\d+|0x[0-9a-f]{3,}"  # as float.hex writes them, and bits
    r"|-?\d+\.\d+(?:e[+-]?\d+)?|(?<![a-z])-?\.\d+(?:e[+-]?\d+)?|\.\d{3,}"  # with a fraction, but for layers.0.weight
    r"|-?\d+\.?e[+-]?\d+"  # with an exponent
    r"|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b|\d(?:_?\d){4,}",  # bits again, and integers of five digits or more
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(?:(?![,;:.'\"()\[\]])[!-~]){24,}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_SHORTEST_WORDS, _LONGEST_WORD = 3, 23
_STUDENTS_WORDS = ("an object of type ", "it raised ")
"""Behind these, a check quotes the student's code."""


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
        points=_worth(check, exercise) if passed else 0.0,
        max_points=_worth(check, exercise),
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
        # The line that is quoted, too: student code can replace what Python takes for its source.
        said, where = (_without_values(t) if hidden else t for t in (str(error), error.where))
        return f"Your code raised {said}" + (f" ({where})" if where else "")
    if isinstance(error, StudentFailure):
        if error.verdict in ("timeout", "memory"):
            return _sentence(f"your code {error}")  # the limits in it are ours
        said = _without_values(str(error)) if hidden else str(error)
        return _sentence(f"your code {said}" if error.verdict == "forbidden" else said)
    if isinstance(error, CheckFailed):
        return _sentence(_quoting_no_values(str(error)) if hidden else str(error))
    # A plain assert, or a check that stumbled over what it was given: its text may hold hidden values.
    return "The property does not hold." if isinstance(error, AssertionError) else "The result has an unexpected form."


def _quoting_no_values(text: str) -> str:
    """Take values out of what a check quotes of the student's code; the rest of its text is the author's."""
    starts = [text.index(words) + len(words) for words in _STUDENTS_WORDS if words in text]
    return text[: min(starts)] + _without_values(text[min(starts) :]) if starts else text


def _without_values(text: str) -> str:
    """Take out of a text by student code what could carry a hidden input, and cut it.

    Shapes, small integers and names teach, and stay. Whoever spells a number in words gets it out all the same.
    """
    shorter = text if len(text) <= _LONGEST_EXCEPTION else f"{text[:_LONGEST_EXCEPTION]} ..."
    return _VALUE.sub("#", _TOKEN.sub(lambda token: "#" if _is_encoded(token[0]) else token[0], shorter))


def _is_encoded(token: str) -> bool:
    """Say whether a long token holds encoded bytes: its words are too short for a name, or one is too long."""
    lengths = [len(word) for word in _WORD.findall(token)]
    return bool(lengths) and (sum(lengths) / len(lengths) < _SHORTEST_WORDS or max(lengths) > _LONGEST_WORD)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ")")) else ".")


def unrun_result(check: Check, verdict: Verdict, message: str, exercise: Exercise) -> CheckResult:
    """Return the result of a check that could not be run."""
    worth = _worth(check, exercise)
    return CheckResult(id=check.id, title=check.title, verdict=verdict, points=0.0, max_points=worth, message=message)


def _worth(check: Check, exercise: Exercise) -> float:
    """Return what a check can earn in this course."""
    return total([check.info.points * exercise.scale])


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
