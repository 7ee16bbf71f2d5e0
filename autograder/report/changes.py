"""Whose mark another grading would change, from what to what, and which checks did it: for the instructor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from autograder.records import CheckResult, Record
from autograder.report import words
from autograder.report.clean import name, one_line

_MOST_CHECKS = 6
"""So many checks are named for a student; more are counted."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is another one for a student."""

    student: str
    before: str
    after: str
    difference: float
    """Points won or lost; 0 when there is no mark before or after."""
    causes: tuple[str, ...]
    """The checks that say something else, each in a few words."""

    @property
    def mark_changed(self) -> bool:
        """Whether the mark is another one, and not only what is said of it."""
        return self.before != self.after


def changes(before: dict[str, Record], after: Sequence[Record]) -> list[Change]:
    """Compare records; returns the students for whom something is not the same, by id.

    Args:
        before: records that count so far, by student; who has none yet is new
        after: the records that would take their place
    """
    pairs = [(before.get(new.student), new) for new in sorted(after, key=lambda record: record.student)]
    return [_change(old, new) for old, new in pairs if old is None or _differ(old, new)]


def _differ(old: Record, new: Record) -> bool:
    return _mark(old) != _mark(new) or any(_causes(old, new))


def _change(old: Record | None, new: Record) -> Change:
    before, both = (_mark(old), _scores(old, new)) if old is not None else ("new", None)
    return Change(
        student=new.student,
        before=before,
        after=_mark(new),
        difference=both[1] - both[0] if both else 0.0,
        causes=tuple(_causes(old, new)) if old is not None else (),
    )


def _scores(old: Record, new: Record) -> tuple[float, float] | None:
    return None if old.score is None or new.score is None else (old.score, new.score)


def _mark(record: Record) -> str:
    return words.score(record) if record.status == "graded" else words.state(record)


def _causes(old: Record, new: Record) -> Iterator[str]:
    """Say which checks came out in another way, appeared or went, and why there is no mark any more."""
    earlier, later = _checks(old), _checks(new)
    for id in dict.fromkeys([*earlier, *later]):
        was, now = earlier.get(id), later.get(id)
        if _outcome(was) != _outcome(now):
            yield f"{one_line(id.rpartition('::')[2])}: {_outcome(was)} → {_outcome(now)}"
    if new.status != "graded" and new.notes:
        yield one_line(new.notes[0])


def _checks(record: Record) -> dict[str, CheckResult]:
    return {check.id: check for exercise in record.exercises for check in exercise.checks}


def _outcome(check: CheckResult | None) -> str:
    return "none" if check is None else f"{check.verdict} {check.points:g}/{check.max_points:g}"


def changes_table(found: Sequence[Change], students: int) -> Table:
    """Return one row per change.

    Args:
        found: from `changes`
        students: how many were compared
    """
    same = students - len(found)
    marks = sum(change.mark_changed for change in found)
    caption = (
        f"{words.plural(marks, 'mark')} would change, {same} of {words.plural(students, 'submission')} stay the same"
    )
    table = Table(caption=Text(caption), caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("student", overflow="fold", max_width=26)
    for column in ("before", "after", "points"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("which check did it", overflow="fold", ratio=1)
    for change in found:
        points = f"{change.difference:+g}" if change.difference else ""
        style = "red" if change.difference < 0 else "green" if change.difference > 0 else ""
        table.add_row(
            Text(name(change.student)), Text(change.before), Text(change.after), Text(points, style=style),
            Text("\n".join(_shortened(change.causes))),
        )  # fmt: skip
    return table


def _shortened(causes: tuple[str, ...]) -> list[str]:
    left = len(causes) - _MOST_CHECKS
    return [*causes[:_MOST_CHECKS], *([f"and {left} more"] if left > 0 else [])]
