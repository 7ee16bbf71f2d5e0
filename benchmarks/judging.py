"""Puts a word to what a grader made of an attack. Pure: it knows numbers, not graders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Kind(Enum):
    """What became of an attack, from worst to best."""

    UNEARNED = "unearned mark"
    """Work that deserves nothing got points."""
    NOT_TOLD = "marks for a shortcut"
    """Right numbers by a forbidden shortcut got points, and nobody had told the grader to look for it."""
    LOST = "no result"
    """The grader crashed, hung or said nothing about the exercise."""
    SHORT = "marks lost"
    """Work that deserves its points got fewer."""
    HANDLED = "handled"
    """The exercise got what it deserves."""
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Sheet:
    """What a grader left after one submission."""

    scores: Mapping[str, float] | None
    """Points by exercise; None when there is no result."""
    problem: str = ""
    """Why there is no result."""
    harm: Sequence[str] = ()
    """What else was seen, such as a file that the submission left behind."""


@dataclass(frozen=True)
class Outcome:
    """The cell of the table."""

    kind: Kind
    words: str
    harm: Sequence[str] = ()
    elsewhere: float = 0.0
    """Points lost in exercises that were right and not under attack."""

    def __str__(self) -> str:
        """Return what stands in the table."""
        lost = [f"{self.elsewhere:g} points of right work lost"] if self.elsewhere else []
        return "; ".join([self.words, *self.harm, *lost])


NOT_RUN = Outcome(Kind.NOT_RUN, "not run: it would harm this machine")


def judge(
    sheet: Sheet,
    maximum: Mapping[str, float],
    exercise: str,
    verdicts: Sequence[str],
    suffers: Sequence[str] = (),
    *,
    looks_for_shortcuts: bool = True,
) -> Outcome:
    """Return the outcome of one attack.

    Args:
        sheet: what the grader left
        maximum: what each exercise can earn
        exercise: the one that is attacked; "" attacks none, and then all of them deserve their points
        verdicts: what its checks should say: `pass` alone deserves all points, `pass` among others some but not all,
            anything else none
        suffers: exercises that may lose points besides
        looks_for_shortcuts: whether the grader was told which shortcuts are forbidden
    """
    if sheet.scores is None:
        return Outcome(Kind.LOST, f"no result: {sheet.problem}", sheet.harm)
    bystanders = [name for name in maximum if name != exercise and name not in suffers]
    elsewhere = sum(max(0.0, maximum[name] - sheet.scores.get(name, 0.0)) for name in bystanders)
    if not exercise:
        return _earned(sum(maximum[n] for n in bystanders) - elsewhere, sum(maximum[n] for n in bystanders), sheet.harm)
    if exercise not in sheet.scores:
        return Outcome(Kind.LOST, "no result: the exercise is missing", sheet.harm, elsewhere)
    score, most = sheet.scores[exercise], maximum[exercise]
    if set(verdicts) == {"pass"}:
        return _earned(score, most, sheet.harm, elsewhere)
    if "pass" in verdicts and score < most:
        return Outcome(Kind.HANDLED, f"right in part ({score:g} of {most:g})", sheet.harm, elsewhere)
    if "forbidden" in verdicts and score > 0 and not looks_for_shortcuts:
        return Outcome(Kind.NOT_TOLD, "marks for a shortcut it was not told of", sheet.harm, elsewhere)
    return _unearned(score, most, sheet.harm, elsewhere)


def _earned(score: float, most: float, harm: Sequence[str], elsewhere: float = 0.0) -> Outcome:
    """Judge work that deserves all points."""
    if score >= most:
        return Outcome(Kind.HANDLED, "full marks, right", harm, elsewhere)
    return Outcome(Kind.SHORT, f"marks lost ({score:g} of {most:g})", harm, elsewhere)


def _unearned(score: float, most: float, harm: Sequence[str], elsewhere: float) -> Outcome:
    """Judge work that deserves none, or not all that it got."""
    if score >= most:
        return Outcome(Kind.UNEARNED, "FULL MARKS", harm, elsewhere)
    if score > 0:
        return Outcome(Kind.UNEARNED, f"some marks ({score:g} of {most:g})", harm, elsewhere)
    return Outcome(Kind.HANDLED, "0, right", harm, elsewhere)


def leaks(text: str, secret: str) -> bool:
    """Say whether student code has spoken out the secret of a hidden test.

    The line of the test itself, which graders quote in their reports, is none of the student's doing.
    """
    plain = _COLOURS.sub("", text).replace("'", '"').replace('\\"', '"')
    return secret in plain.replace(f'secret = "{secret}"', "")
