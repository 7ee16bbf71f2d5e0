"""What a student sees of one exercise: as HTML in a notebook, or as text in a terminal.

Shown are, of a submission, whether it ran with the locks off; of an exercise, its id, its score and its state; of a
check, its title, verdict, points, message, misconception and hint. Nothing else that a record may come to hold reaches
a student.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

from autograder.records import CheckResult, ExerciseResult, Isolation, Verdict
from autograder.report import words
from autograder.report.clean import clean, name, one_line
from autograder.report.templating import render

TEXT_WIDTH = 88
"""Columns of a card as text."""


@dataclass(frozen=True, slots=True)
class Line:
    """A check, or several that say exactly the same, ready to be shown."""

    verdict: Verdict
    mark: str
    label: str
    title: str
    score: float
    max_score: float
    reason: str
    known_mistake: str
    hint: str
    cases: int = 1

    @property
    def points(self) -> str:
        """The points of the check in words, or "" when it carries none."""
        return words.points(self.score, self.max_score) if self.max_score > 0 else ""


@dataclass(frozen=True, slots=True)
class Card:
    """An exercise, ready to be shown."""

    id: str
    headline: str
    """The score in words, or how many checks pass when there is no score."""
    percent: int
    lead: str
    warning: str
    """That the locks were off, or ""."""
    open: tuple[Line, ...]
    """Checks that do not pass."""
    passed: tuple[Line, ...]
    waiting: tuple[str, ...]
    """Titles of the checks, when there was nothing to check."""

    @property
    def passed_summary(self) -> str:
        """What stands on the fold behind which the passed checks are."""
        if not self.open:
            return "What was checked"
        count = sum(line.cases for line in self.passed)
        return "1 check that passes" if count == 1 else f"{count} checks that pass"


def exercise_card_html(exercise: ExerciseResult, isolation: Isolation = "confined") -> str:
    """Return one exercise as an HTML fragment that needs nothing but itself; it says so when the locks were off."""
    return render("card.html.j2", card=_card(exercise, isolation))


def exercise_card_text(exercise: ExerciseResult, isolation: Isolation = "confined") -> str:
    """Return one exercise as plain text of at most `TEXT_WIDTH` columns, with a final newline."""
    card = _card(exercise, isolation)
    head = [f"{card.id}: {card.headline}", card.lead, card.warning]
    blocks = ["\n".join(_filled(text) for text in head if text)]
    blocks += ["\n".join(_text_lines(line)) for line in card.open]
    passed = [text for line in card.passed for text in _text_lines(line)]
    waiting = [_filled(f"- {title}", "  ") for title in card.waiting]
    if waiting:
        waiting.insert(0, "What will be checked:")
    blocks += ["\n".join(block) for block in (passed, waiting) if block]
    return "\n\n".join(blocks) + "\n"


def _card(exercise: ExerciseResult, isolation: Isolation) -> Card:
    passing = sum(check.verdict == "pass" for check in exercise.checks)
    tried = exercise.status == "attempted"
    lines = _lines(exercise.checks) if tried else []
    tally = _tally(passing, exercise.checks) if tried else words.EXERCISE_STATES[exercise.status]
    if exercise.max_score > 0:
        headline, share = words.points(exercise.score, exercise.max_score), (exercise.score, exercise.max_score)
        lead = f"{tally[0].upper()}{tally[1:]}." if tried else words.EXERCISE_LEADS[exercise.status]
    else:
        headline, share = tally, (float(passing if tried else 0), float(len(exercise.checks)))
        lead = words.EXERCISE_LEADS[exercise.status]
    return Card(
        id=name(exercise.id),
        headline=headline,
        percent=words.percent(*share),
        lead=lead,
        warning=words.UNCONFINED if isolation == "unconfined" else "",
        open=tuple(line for line in lines if line.verdict != "pass"),
        passed=tuple(line for line in lines if line.verdict == "pass"),
        waiting=() if tried else tuple(dict.fromkeys(one_line(check.title) for check in exercise.checks)),
    )


def _tally(passing: int, checks: list[CheckResult]) -> str:
    if not checks:
        return "no checks were run"
    if len(checks) == 1:
        return {"pass": "the check passes", "skipped": "not judged"}.get(checks[0].verdict, "the check does not pass")
    if passing == len(checks):
        return f"all {passing} checks pass"
    skipped = sum(check.verdict == "skipped" for check in checks)
    text = f"{passing} of {len(checks)} checks pass"
    return f"{text}, {skipped} not judged" if skipped else text


def _lines(checks: list[CheckResult]) -> list[Line]:
    """Turn checks into lines: those that say the same become one, and no hint is given twice."""
    merged: dict[tuple[str, ...], Line] = {}
    for line in map(_line, checks):
        key = (line.verdict, line.title, line.reason, line.known_mistake, line.hint)
        if key in merged:
            seen = merged[key]
            line = replace(
                seen, cases=seen.cases + 1, score=seen.score + line.score, max_score=seen.max_score + line.max_score
            )
        merged[key] = line
    given: set[tuple[str, str]] = set()
    lines = []
    for line in merged.values():
        help_given = (line.known_mistake, line.hint)
        lines.append(replace(line, hint="The same as above.") if line.hint and help_given in given else line)
        given.add(help_given)
    return lines


def _line(check: CheckResult) -> Line:
    said = words.VERDICTS[check.verdict]
    return Line(
        verdict=check.verdict,
        mark=said.mark,
        label=said.label,
        title=one_line(check.title),
        score=check.points,
        max_score=check.max_points,
        reason=clean(check.message) or said.reason,
        known_mistake=words.mistake(name(check.misconception)) if check.misconception else "",
        hint=clean(check.hint),
    )


def _text_lines(line: Line) -> list[str]:
    title = f"{line.mark} {line.title}" + (f" ({line.cases} cases)" if line.cases > 1 else "")
    if line.verdict == "pass":
        return [_filled(f"{title} {line.label}.", "  ")] + ([_filled(line.reason, "  ", "  ")] if line.reason else [])
    verdict = f"{line.label}, {line.points}." if line.points else f"{line.label}."
    said = [verdict, line.reason]
    said += [f"Known mistake: {line.known_mistake}"] if line.known_mistake else []
    said += [f"Hint: {line.hint}"] if line.hint else []
    return [_filled(title, "  "), *(_filled(text, "  ", "  ") for text in said if text)]


def _filled(text: str, indent: str = "", first: str = "") -> str:
    """Wrap each line of a text by itself, so that the indentation of quoted code survives."""
    wrapped = []
    for number, line in enumerate(text.split("\n")):
        start = first if number == 0 else indent
        wrapped += textwrap.wrap(
            line, TEXT_WIDTH, initial_indent=start, subsequent_indent=indent, replace_whitespace=False
        ) or [""]
    return "\n".join(wrapped)
