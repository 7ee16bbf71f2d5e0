"""The self-check of a file's exercises in a process of its own: what hangs or crashes there does no harm here.

    for event in Apart(cells, assignment, ["softmax"]).events(): ...

The process is a fork of this one, which has torch and the collected checks already: it costs milliseconds. It tells
what happens as JSON, which is never more than data. Where no fork is safe (macOS, Windows), the self-check runs in this
process.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection

import msgspec
import torch

from autograder.cell import Cell
from autograder.course import Assignment
from autograder.homework.recordings import Mistake
from autograder.homework.selfcheck import LiveSelfCheck, prepare
from autograder.inside.notebook import run_cells
from autograder.records import ExerciseResult
from autograder.wire import Raised

LOOK_EVERY = 0.1
"""Seconds; a student who saves should not have to wait, and looking costs microseconds."""
_ENDS_WITHIN = 5.0


class Running(msgspec.Struct, frozen=True, tag=True):
    """A cell begins, or the checks of an exercise do."""

    what: str


class Printed(msgspec.Struct, frozen=True, tag=True):
    """Student code printed something."""

    text: str


class CellRaised(msgspec.Struct, frozen=True, tag=True):
    """A cell ended with an exception."""

    cell: str
    error: str
    where: str


class Checked(msgspec.Struct, frozen=True, tag=True):
    """An exercise was checked."""

    result: ExerciseResult
    text: str
    """Its card."""
    named: Mistake | None
    """The known mistake behind the first check that does not pass."""


class Ended(msgspec.Struct, frozen=True, tag=True):
    """There is nothing more to come."""

    code: int
    """0, or what became of the process: the exit code with which student code ended it, or minus a signal."""
    during: str
    """What ran last."""


Event = Running | Printed | CellRaised | Checked | Ended
Tell = Callable[[Event], None]
_decode = msgspec.json.Decoder(Event).decode


class Apart:
    """A self-check that goes on beside this process.

    Args:
        cells: of the file, in their order
        assignment: in a release folder
        names: the exercises to check
    """

    def __init__(self, cells: list[Cell], assignment: Assignment, names: list[str]) -> None:
        load(assignment)
        self._told: list[Event] = []
        self._running = "the notebook's cells"
        self._process: multiprocessing.process.BaseProcess | None = None
        if sys.platform != "linux":
            _work(self._told.append, cells, assignment, names)
            self._told.append(Ended(0, ""))
            return
        torch.set_num_threads(1)  # a fork of a process with threads at work could wait for them for ever
        here, there = multiprocessing.get_context("fork").Pipe(duplex=False)
        self._here = here
        process = multiprocessing.get_context("fork").Process(
            target=_in_child, args=(there, cells, assignment, names), daemon=True
        )
        process.start()
        there.close()
        self._process = process

    def next(self, seconds: float) -> Event | None:
        """Return what happened next, or None when nothing did for so long.

        After `Ended` nothing more may be asked for.
        """
        if self._process is None:
            return self._told.pop(0)
        try:
            event = _decode(self._here.recv_bytes()) if self._here.poll(seconds) else None
        except EOFError:
            self._process.join()
            return Ended(self._process.exitcode or 0, self._running)
        if isinstance(event, Running):
            self._running = event.what
        return event

    def events(self, go_on: Callable[[], bool] = lambda: True) -> Iterator[Event]:
        """Yield what happens until it has ended; it is given up when `go_on` says no, or nobody asks for more."""
        try:
            while go_on():
                if (event := self.next(LOOK_EVERY)) is not None:
                    yield event
                    if isinstance(event, Ended):
                        return
        finally:
            self.stop()

    def stop(self) -> None:
        """End it, wherever it is; does nothing when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.join(_ENDS_WITHIN)
            self._here.close()


def load(assignment: Assignment) -> None:
    """Load here, once for all processes that come after, what takes a while."""
    import matplotlib.pyplot  # noqa: F401  # most lessons draw

    prepare(assignment)


def _in_child(there: Connection, cells: list[Cell], assignment: Assignment, names: list[str]) -> None:
    def tell(event: Event) -> None:
        there.send_bytes(msgspec.json.encode(event))

    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)  # `input()` of a student would wait for somebody who watches something else
    with _Telling(tell) as out, redirect_stdout(out), redirect_stderr(out):
        _work(tell, cells, assignment, names)


def _work(tell: Tell, cells: list[Cell], assignment: Assignment, names: list[str]) -> None:
    namespace, loaded = run_cells(cells, lambda index: tell(Running(f"the cell {cells[index].name}")))
    for index, error in loaded.errors.items():
        tell(_cell_raised(cells[index], error))
    for name in names:
        tell(Running(f"the checks of {name}"))
        check = LiveSelfCheck(namespace, assignment, assignment.exercise(name), ask=f"autograder hint {name}")
        card = check.card()
        tell(Checked(card.result, repr(card), check.named))


def _cell_raised(cell: Cell, error: Raised) -> CellRaised:
    return CellRaised(cell.name, f"{error.kind}: {error.message}" if error.message else error.kind, error.where)


class _Telling(io.TextIOBase):
    """Takes what is printed, and tells it line by line."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._line = tell, ""

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Take some text; half a character, which cannot be sent, becomes a question mark."""
        *lines, self._line = (self._line + text.encode("utf-8", "replace").decode()).split("\n")
        for line in lines:
            self._tell(Printed(line))
        return len(text)

    def close(self) -> None:
        """Tell the line that was begun."""
        if self._line:
            self._tell(Printed(self._line))
        self._line = ""
