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


def results(out: Console, cells: list[Cell], assignment: Assignment, names: list[str]) -> list[Checked]:
    """Check exercises and return what came of it, without printing anything but what they wait for."""
    return [e for e in showing(out, Apart(cells, assignment, names).events()) if isinstance(e, Checked)]


def cells_of(worksheet: Worksheet) -> list[Cell]:
    """Return the cells of a file.

    Raises:
        UsageError: when it cannot be read.
    """
    try:
        return worksheet.read().cells
    except NotGradable as reason:
        raise UsageError(f"{worksheet.path}: {reason}") from None


def showing(out: Console, happening: Iterator[Event]) -> Iterator[Event]:
    """Say in a line what is running, and yield what else happens.

    Args:
        out: where
        happening: in a process that has begun already; the line brings a thread, and a fork wants none
    """
    with out.status("running the notebook's cells") as line:
        for event in happening:
            if isinstance(event, Running):
                line.update(f"running {event.what}")
            else:
                yield event


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
