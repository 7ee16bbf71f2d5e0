"""The class as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from autograder.records import Record
from autograder.report import words
from autograder.report.clean import name
from autograder.report.summary import what_went_wrong


def class_table(records: Sequence[Record]) -> Table:
    """Return one row per submission, sorted by student; made for 100 columns, usable at 80."""
    table = Table(caption=_caption(records), caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("student", overflow="fold", max_width=26)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("status", overflow="fold", max_width=14)
    table.add_column("what went wrong", overflow="fold", ratio=1)
    for record in sorted(records, key=lambda record: record.student):
        table.add_row(*_row(record))
    return table


def _row(record: Record) -> tuple[Text, Text, Text, Text]:
    """Return the cells of a row as `Text`, in which square brackets are no markup."""
    graded = record.status == "graded"
    return (
        Text(name(record.student)),
        Text(words.score(record), style="" if graded else "dim"),
        Text(words.state(record), style="dim" if graded else "bold"),
        Text(what_went_wrong(record)),
    )


def _caption(records: Sequence[Record]) -> Text:
    counts = Counter(record.status for record in records)
    parts = [f"{counts[status]} {said}" for status, said in words.SUBMISSION_STATES.items() if counts[status]]
    return Text(f"{words.plural(len(records), 'submission')}: {', '.join(parts)}" if parts else "no submissions")
