"""How long a student waits for `autograder check --watch` after saving the notebook.

    python benchmarks/watch.py [--saves N] [ASSIGNMENT ...]

The command runs as a student runs it, on a copy of the release folder with all exercises solved. Then each exercise in
turn is saved broken and saved right again. The time is that from the save to the line that says how the exercise stands
and to the end of all that is said, of exercises that stand on it, too.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from autograder.course import read_course
from autograder.handin import fill
from autograder.stubs import solution_source

ROOT = Path(__file__).parent.parent
TARGET = 1.0
_END = "exercises done"
_ENOUGH = 120.0


class Watching:
    """The command, and the lines that it prints, each with its time."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "autograder", "check", str(folder), "--watch"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[tuple[float, str]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put((time.perf_counter(), line))

    def until(self, text: str) -> float:
        """Return when the next line that holds a text was printed."""
        while True:
            when, line = self._lines.get(timeout=_ENOUGH)
            if text in line:
                return when

    def close(self) -> None:
        """End the command."""
        self.process.kill()
        self.process.wait()


def measure(name: str, saves: int) -> list[float]:
    """Print the times of one assignment; returns the seconds until everything was said, one for each save."""
    assignment = read_course(ROOT).assignment(name)
    assert assignment.solution is not None
    right = {e.id: solution_source(assignment.solution, e.id) for e in assignment.exercises}
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(ROOT / "release" / name, Path(scratch) / name))
        notebook, released = folder / f"{name}.ipynb", (ROOT / "release" / name / f"{name}.ipynb").read_bytes()
        notebook.write_bytes(fill(released, right))
        watching = Watching(folder)
        try:
            watching.until(_END)
            print(f"{name:40} {'own line':>12} {'all said':>12}")
            for exercise in right:
                firsts, lasts = [], []
                for number in range(2 * saves):
                    answers = right if number % 2 else right | {exercise: f"{right[exercise]}\n{exercise} = None"}
                    begin = time.perf_counter()
                    notebook.write_bytes(fill(released, answers))
                    firsts.append(watching.until(f" {exercise} ") - begin)
                    lasts.append(watching.until(_END) - begin)
                print(f"  {exercise:38} {_in_words(firsts)} {_in_words(lasts)}", flush=True)
                ends += lasts
        finally:
            watching.close()
    return ends


def _in_words(times: list[float]) -> str:
    return f"{1000 * statistics.median(times):5.0f} {1000 * _p95(times):6.0f}"


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the self-check that follows a save.")
    parser.add_argument("assignments", nargs="*")
    parser.add_argument("--saves", type=int, default=3, help="of each exercise, broken and right")
    options = parser.parse_args()
    assignments = options.assignments or sorted(path.name for path in (ROOT / "release").iterdir() if path.is_dir())
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before; p50 and p95 in ms after a save")
    ends = [seconds for assignment in assignments for seconds in measure(assignment, options.saves)]
    over = sum(seconds > TARGET for seconds in ends)
    print(f"{over} of {len(ends)} saves took more than {TARGET:g} s; p95 of all {1000 * _p95(ends):.0f} ms")


if __name__ == "__main__":
    main()
