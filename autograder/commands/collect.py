"""`autograder collect`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from autograder.course import find_root, read_course
from autograder.errors import UsageError
from autograder.intake import Report, open_source, read_roster, sort_out
from autograder.records import write_atomically
from autograder.report.clean import LONGEST_MESSAGE, name, one_line

_MOST_ROWS = 1000
"""Students that are shown in the terminal."""
_MOST_NAMES = 30
"""Students without a submission that are named in the terminal."""


def run(
    out: Console, assignment: str, source: Path, roster: Path | None, submitted: Path | None, report: Path | None
) -> int:
    """Collect, and print what became of each student's files; returns 1 when there is something to look at."""
    root = find_root()
    course = read_course(root)
    wanted = course.assignment(assignment).id
    people = read_roster(roster) if roster else None
    limit = int(course.limits.notebook_mib * 2**20)
    with open_source(source) as opened:
        intake = sort_out(opened, wanted, [a.id for a in course.assignments], people)
        students = track(intake.students, "collecting", console=out, transient=True)
        lines = [intake.place(student, submitted or root / "submitted", limit) for student in students]
    result = Report(wanted, lines, intake.absent, intake.of_nobody, intake.passed_over)
    show(out, result)
    if report:
        _write(report, result)
    return 1 if result.look else 0


def show(out: Console, report: Report) -> None:
    """Print a report; file names in it were chosen by students, so they are cleaned and never read as markup."""
    table = Table(caption=Text(_caption(report)), caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("student", overflow="fold", max_width=30)
    table.add_column("notebook", overflow="fold", max_width=10)
    table.add_column("to know", overflow="fold", ratio=1)
    # Those to look at stand first, should there be more than can be shown.
    for line in sorted(report.lines, key=lambda line: not line.look)[:_MOST_ROWS]:
        notes = "\n".join(one_line(note, LONGEST_MESSAGE) for note in line.notes)
        table.add_row(Text(name(line.student)), Text(line.outcome, style="bold" if line.look else "dim"), Text(notes))
    out.print(table)
    if (more := len(report.lines) - _MOST_ROWS) > 0:
        out.print(f"and {more:,} more students: all of them are in the file that --report names")
    for label, texts in (("of no student", report.of_nobody), ("passed over", report.passed_over)):
        for text in texts:
            out.print(f"{label}: {one_line(text, LONGEST_MESSAGE)}", markup=False)
    if report.absent:
        shown = ", ".join(name(student) for student in report.absent[:_MOST_NAMES])
        more = len(report.absent) - _MOST_NAMES
        out.print(f"handed in nothing: {shown}{f' and {more:,} more' if more > 0 else ''}", markup=False)


def _caption(report: Report) -> str:
    counts = Counter(line.outcome for line in report.lines)
    parts = [
        f"{counts[outcome]} {outcome}" for outcome in ("new", "replaced", "unchanged", "nothing") if counts[outcome]
    ]
    looks = sum(line.look for line in report.lines)
    return f"students: {', '.join(parts) or 'none'}" + (f"; {looks} to look at" if looks else "")


def _write(path: Path, report: Report) -> None:
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
