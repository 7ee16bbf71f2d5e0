"""The progress bar of work that takes long: how many are done, how fast, how long it will take, how many failed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from autograder.records import Record


@contextmanager
def progress(out: Console, what: str, total: int) -> Iterator[Advance]:
    """Show a progress bar while work is going on; yields what moves it on."""
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(max(10, min(40, shutil.get_terminal_size().columns - 70))),
        MofNCompleteColumn(),
        _Rate(""),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with Progress(*columns, console=out) as bar:
        yield Advance(bar, what, total)


class Advance:
    """Moves a progress bar on by one, and counts what could not be graded."""

    def __init__(self, bar: Progress, what: str, total: int) -> None:
        self._bar, self._failed = bar, 0
        self._task = bar.add_task(what, total=total, failed="")

    def __call__(self, failed: bool = False) -> None:
        """Count one more."""
        self._failed += failed
        self._bar.update(self._task, advance=1, failed=f"{self._failed} not graded" if self._failed else "")

    def by_record(self, record: Record) -> None:
        """Count one more submission."""
        self(record.status != "graded")


class _Rate(TextColumn):
    """How many are done in a second, or in a minute when it takes longer."""

    def render(self, task: Task) -> object:  # type: ignore[override]  # what rich's own columns return, too
        speed = task.finished_speed or task.speed
        if not speed:
            return ""
        return f"{speed:.1f}/s" if speed >= 1 else f"{speed * 60:.0f}/min"
