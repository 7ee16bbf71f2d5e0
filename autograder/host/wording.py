"""Comments for nbgrader, in Markdown. Text that a student may have written never becomes markup."""

from __future__ import annotations

import re

from autograder.records import CheckResult, ExerciseResult, Isolation
from autograder.report.clean import one_line
from autograder.report.words import EXERCISE_LEADS, UNCONFINED, VERDICTS, mistake

_MARKDOWN = re.compile(r"[\\`*_\[\]#~|!$]")


def escaped(text: str) -> str:
    """Return text in one line that Markdown shows as it is."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A colon as an entity keeps addresses from becoming links.
    return _MARKDOWN.sub(_literal, text).replace("://", "&#58;//")


def _literal(match: re.Match[str]) -> str:
    character = match[0]
    # MathJax reads the page once Markdown is done with it; inside such a span no formula begins.
    return f'<span class="tex2jax_ignore">\\{character}</span>' if character in "\\$" else f"\\{character}"


def comment_on(exercise: ExerciseResult, isolation: Isolation = "confined") -> str:
    """Return a short comment: the mistake that was recognised, with its hint, or the first check that does not pass."""
    said = _said_of(exercise)
    return f"{said} {UNCONFINED}" if isolation == "unconfined" else said


def _said_of(exercise: ExerciseResult) -> str:
    if exercise.status != "attempted":
        return EXERCISE_LEADS[exercise.status]
    failing = [check for check in exercise.checks if check.verdict != "pass"]
    if not failing:
        return "All checks pass."
    passing = f"{len(exercise.checks) - len(failing)} of {len(exercise.checks)} checks pass."
    named = [check for check in failing if check.misconception]
    return f"{passing} {_explained((named or failing)[0])}"


def _explained(check: CheckResult) -> str:
    if check.misconception:
        said = f"Known mistake: **{escaped(mistake(check.misconception))}**."
    else:
        said = f"{escaped(check.title)} {escaped(check.message or VERDICTS[check.verdict].reason)}"
    return f"{said} Hint: {escaped(check.hint)}" if check.hint else said
