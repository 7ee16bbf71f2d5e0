"""Runs a grader as a process and measures it: time, processor time, memory, and when each submission was done."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil

FOREIGN = ("PYTHON", "JUPYTER", "IPYTHON", "AUTOGRADER", "COVERAGE")
"""How variables begin that would change what a grader does."""
_LOOK_SECONDS = 0.5
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """What grading a class has cost."""

    contestant: str
    size: int
    """Submissions that were graded."""
    seconds: float
    """From the start of the command to its end."""
    cpu_seconds: float
    """Of all its processes."""
    peak_mib: float
    """Most memory that all its processes held at once; what they share is counted once."""
    each: list[float] = field(default_factory=list)
    """Seconds of each submission, where they are graded one after the other; without the start of the command."""
    of: int = 0
    """Submissions of the class; a slow grader is given only the first of a large one."""
    again: float = 0.0
    """Seconds of the same command when nothing has changed; 0 where that was not tried."""
    full_marks: int = -1
    """How many of the right submissions got all points; -1 where nothing is marked."""

    @property
    def per_submission(self) -> float:
        """Seconds of a submission, the start of the command shared out."""
        return self.seconds / self.size

    @property
    def marginal(self) -> float:
        """Seconds of one submission more."""
        return statistics.fmean(self.each) if self.each else self.per_submission

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share of the submissions was graded."""
        return sorted(self.each)[min(len(self.each) - 1, int(share * len(self.each)))]


def run(command: Sequence[str | Path], cwd: Path, log: Path, **environment: str) -> tuple[float, float, float]:
    """Run a command to its end; returns its seconds, its processor's seconds and its peak of memory in MiB."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    before, start = _cpu(), time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=inherited | {"COLUMNS": "200", "NO_COLOR": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        with _MemoryWatch(process.pid) as memory:
            process.wait()
    return time.perf_counter() - start, _cpu() - before, memory.peak_mib


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def intervals(paths: Iterable[Path]) -> list[float]:
    """Return the seconds between the writing of one file and the next: a submission each, but for the first."""
    stamps = sorted(path.stat().st_mtime_ns for path in paths)
    return [(later - earlier) / 1e9 for earlier, later in pairwise(stamps)]


class _MemoryWatch:
    """Looks twice a second at how much memory a process and its descendants hold."""

    def __init__(self, pid: int) -> None:
        self._pid, self._done = pid, threading.Event()
        self.peak_mib = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            self.peak_mib = max(self.peak_mib, _memory_of(self._pid))


def _memory_of(pid: int) -> float:
    total = 0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in processes:
        with suppress(psutil.Error):  # it has ended meanwhile
            total += process.memory_full_info().pss
    return total / _MIB
