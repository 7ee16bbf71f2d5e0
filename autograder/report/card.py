"""What a student sees of one exercise: as HTML in a notebook, or as text in a terminal.

Shown are, of a submission, whether it ran with the locks off; of an exercise, its id, its score and its state; of a
check, its title, verdict, points, message, misconception and hint. Nothing else that a record may come to hold reaches
a student.

The self-check, whose checks are open, hands `Help` over beside the record: values, a picture, the next tiers of hints.
Its card shows the first check that does not pass in full and the others folded, because that is the one to mend first.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

from autograder.records import CheckResult, ExerciseResult, Isolation, Verdict
from autograder.report import words
from autograder.report.clean import clean, name, one_line
from autograder.report.picture import Drawing, Figure, drawing, figure_text
from autograder.report.templating import render

TEXT_WIDTH = 78
"""Columns of a card as text: so many fit into a terminal of ordinary width, and into nbgrader's dialog."""
_UNTRIED = {"not_attempted": "○ Not attempted yet", "missing": "? Not found"}
"""How a self-check's card is headed when there was nothing to check."""


@dataclass(frozen=True, slots=True)
class Aid:
    """What the self-check knows about the first check that does not pass."""

    reason: str = ""
    """Said in the place of the check's message."""
    where: str = ""
    """The student's own line, such as "line 3 of your cell"."""
    code: str = ""
    """What stands there."""
    facts: tuple[str, ...] = ()
    """What is expected and what was found, a sentence each."""
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """What the self-check shows besides a record."""

    first: Aid = Aid()
    stands_on: str = ""
    """Which earlier exercise is to be mended first, as a sentence."""
    hints: tuple[str, ...] = ()
    """All tiers."""
    ask: str = ""
    """The call that gives the next one."""


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
    where: str = ""
    code: str = ""
    facts: tuple[str, ...] = ()
    drawing: Drawing | None = None
    characters: tuple[str, ...] = ()
    """The picture in characters."""

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
    state: str = ""
    """In a self-check how it went as a whole: a verdict, "not_attempted" or "missing"."""
    badge: str = ""
    """The state in words, with its mark."""
    stands_on: str = ""
    later: tuple[Line, ...] = ()
    """In a self-check, checks that do not pass either, after the first."""
    hints: tuple[str, ...] = ()
    ask: str = ""

    @property
    def tally(self) -> str:
        """What stands at the right end of its head: the headline, unless the badge says just that."""
        return "" if self.state in _UNTRIED else self.headline

    @property
    def spoken(self) -> str:
        """Its head for those who hear it, without the badge's mark."""
        return ", ".join(said for said in (self.badge[2:], self.tally) if said)

    @property
    def passed_summary(self) -> str:
        """What stands on the fold behind which the passed checks are."""
        if not self.open:
            return "What was checked"
        count = sum(line.cases for line in self.passed)
        return "1 check that passes" if count == 1 else f"{count} checks that pass"


def exercise_card_html(exercise: ExerciseResult, isolation: Isolation = "confined", help: Help | None = None) -> str:
    """Return one exercise as an HTML fragment that needs nothing but itself; it says so when the locks were off.

    Args:
        exercise: its result
        isolation: whether the locks were on
        help: in a self-check, what is shown besides
    """
    return render("card.html.j2", card=_card(exercise, isolation, help))


def exercise_card_text(exercise: ExerciseResult, isolation: Isolation = "confined", help: Help | None = None) -> str:
    """Return one exercise as plain text of at most `TEXT_WIDTH` columns, with a final newline."""
    card = _card(exercise, isolation, help)
    head = [f"{card.id}: {card.headline}", card.lead, card.warning, card.stands_on]
    blocks = ["\n".join(_filled(text) for text in head if text)]
    blocks += ["\n".join(_text_lines(line)) for line in card.open]
    blocks += ["\n".join(_filled(f"{line.mark} {line.title} {line.label}.", "  ") for line in card.later)]
    blocks += ["\n".join(text for line in card.passed for text in _text_lines(line))]
    waiting = [_filled(f"- {title}", "  ") for title in card.waiting]
    blocks += ["\n".join(["What will be checked:", *waiting] if waiting else [])]
    blocks += [_filled(f"For a hint: {card.ask}") if card.ask else ""]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _card(exercise: ExerciseResult, isolation: Isolation, help: Help | None) -> Card:
    passing = sum(check.verdict == "pass" for check in exercise.checks)
    tried = exercise.status == "attempted"
    lines = _lines(exercise.checks, help.first if help else Aid()) if tried else []
    tally = _tally(passing, exercise.checks) if tried else words.EXERCISE_STATES[exercise.status]
    if exercise.max_score > 0:
        headline, share = words.points(exercise.score, exercise.max_score), (exercise.score, exercise.max_score)
        lead = f"{tally[0].upper()}{tally[1:]}." if tried else words.EXERCISE_LEADS[exercise.status]
    else:
        headline, share = tally, (float(passing if tried else 0), float(len(exercise.checks)))
        lead = words.EXERCISE_LEADS[exercise.status]
    open = tuple(line for line in lines if line.verdict != "pass")
    card = Card(
        id=name(exercise.id),
        headline=headline,
        percent=words.percent(*share),
        lead=lead,
        warning=words.UNCONFINED if isolation == "unconfined" else "",
        open=open,
        passed=tuple(line for line in lines if line.verdict == "pass"),
        waiting=() if tried else tuple(dict.fromkeys(one_line(check.title) for check in exercise.checks)),
    )
    return card if help is None else _with_help(card, exercise, help)


def _with_help(card: Card, exercise: ExerciseResult, help: Help) -> Card:
    """Return the card of a self-check: how it went in a word, and only the first open check in full."""
    said = words.VERDICTS[card.open[0].verdict if card.open else "pass"]
    badge = _UNTRIED.get(exercise.status) or f"{said.mark} {said.label}"
    state = exercise.status if exercise.status in _UNTRIED else card.open[0].verdict if card.open else "pass"
    return replace(
        card,
        open=card.open[:1],
        later=card.open[1:],
        state=state,
        badge=badge,
        stands_on=clean(help.stands_on),
        hints=tuple(map(clean, help.hints)),
        ask=help.ask,
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


def _lines(checks: list[CheckResult], first: Aid) -> list[Line]:
    """Turn checks into lines: those that say the same become one, and no hint is given twice."""
    merged: dict[tuple[str, ...], Line] = {}
    failed = next((check for check in checks if check.verdict != "pass"), None)
    for check in checks:
        line = _aided(_line(check), first) if check is failed else _line(check)
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


def _aided(line: Line, aid: Aid) -> Line:
    return replace(
        line,
        reason=clean(aid.reason) or line.reason,
        where=one_line(aid.where),
        code=clean(aid.code),
        facts=tuple(map(clean, aid.facts)),
        drawing=drawing(aid.figure) if aid.figure else None,
        characters=tuple(figure_text(aid.figure)) if aid.figure else (),
    )


def _text_lines(line: Line) -> list[str]:
    title = f"{line.mark} {line.title}" + (f" ({line.cases} cases)" if line.cases > 1 else "")
    if line.verdict == "pass":
        return [_filled(f"{title} {line.label}.", "  ")] + ([_filled(line.reason, "  ", "  ")] if line.reason else [])
    verdict = f"{line.label}, {line.points}." if line.points else f"{line.label}."
    said = [verdict, line.reason]
    said += [f"{line.where[:1].upper()}{line.where[1:]}:\n    {line.code}"] if line.where else []
    said += [*line.facts, "\n".join(line.characters)]
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
