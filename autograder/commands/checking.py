"""Checks the exercises of a student's file, with a line that says what is running; for the commands that do so."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from rich.console import Console

from autograder.cell import Cell
from autograder.course import Assignment
from autograder.errors import NotGradable, UsageError
from autograder.homework.apart import Apart, CellRaised, Checked, Ended, Event, Printed, Running
from autograder.homework.worksheet import Worksheet
from autograder.report.clean import clean

_PATIENCE = 0.1


def results(out: Console, worksheet: Worksheet, assignment: Assignment, names: list[str]) -> list[Checked]:
    """Check exercises of a file and return what came of it, without printing anything but what they wait for.

    Raises:
        UsageError: when the file cannot be read.
    """
    return [e for e in events(out, cells_of(worksheet), assignment, names) if isinstance(e, Checked)]


def cells_of(worksheet: Worksheet) -> list[Cell]:
    """Return the cells of a file.

    Raises:
        UsageError: when it cannot be read.
    """
    try:
        return worksheet.read().cells
    except NotGradable as reason:
        raise UsageError(f"{worksheet.path}: {reason}") from None


def events(out: Console, cells: list[Cell], assignment: Assignment, names: list[str]) -> Iterator[Event]:
    """Check exercises, with a line that says what is running, and yield what else happens."""
    apart = Apart(cells, assignment, names)
    try:
        with out.status("running the notebook's cells") as line:
            while True:
                event = apart.next(_PATIENCE)
                if isinstance(event, Running):
                    line.update(f"running {event.what}")
                elif event is not None:
                    yield event
                if isinstance(event, Ended):
                    return
    finally:
        apart.stop()


def print_event(out: Console, event: Event, waiting: list[str]) -> None:
    """Print what is no card."""
    if isinstance(event, Printed):
        out.print(clean(event.text), markup=False, soft_wrap=True)
    elif isinstance(event, CellRaised):
        where = f"\n  {clean(event.where)}" if event.where else ""
        out.print(f"{event.cell}: {clean(event.error)}{where}\n", markup=False, soft_wrap=True)
    elif isinstance(event, Ended) and waiting:
        how = f"by the signal {signal.Signals(-event.code).name}" if event.code < 0 else f"with exit code {event.code}"
        out.print(f"Your code ended the process {how}, in {event.during}.", markup=False)
        out.print(f"Not checked: {', '.join(waiting)}", markup=False)
