"""How long a student waits for `check("...")` in a live notebook.

    python benchmarks/selfcheck.py [--calls N] [ASSIGNMENT ...]

For each assignment a real kernel is started in a copy of its release folder, and the finished notebook's cells are run
in it. Then each exercise is checked, first as it is and then with its functions broken, which costs more: the mistake
is looked up, earlier exercises are looked at, a picture is drawn. The time is that between sending the cell and the
kernel being idle again, its output received; a cell with `pass` says what of that is the kernel's own. On a machine
that is busy with other things these times say little; beside them stands the processor time of a call, which says more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parent.parent
TARGET = 0.3
_BREAK = """
import torch as _torch
def _broken(f):
    if isinstance(f, type):
        g = type(f.__name__, (f,), {{"forward": lambda self, *a, **k: _bent(f.forward(self, *a, **k))}})
        return g if hasattr(f, "forward") else f
    return lambda *a, **k: _bent(f(*a, **k))
def _bent(v):
    if isinstance(v, _torch.Tensor):
        return v * 1.01 if v.is_floating_point() else v
    return tuple(map(_bent, v)) if isinstance(v, tuple) else v
_kept = {name}
{name} = _broken(_kept)
"""


class Notebook:
    """A kernel in a copy of a release folder."""

    def __init__(self, folder: Path) -> None:
        self.manager, self.client = start_new_kernel(cwd=str(folder), startup_timeout=120)

    def run(self, source: str) -> float:
        """Run a cell and return the seconds until it was done.

        Raises:
            RuntimeError: when it raised.
        """
        begin = time.perf_counter()
        reply = self.client.execute_interactive(source, timeout=300, output_hook=lambda message: None)
        seconds = time.perf_counter() - begin
        content: dict[str, Any] = reply["content"]
        if content["status"] != "ok":
            raise RuntimeError(f"{source.splitlines()[0]!r} raised {content['ename']}: {content['evalue']}")
        return seconds

    def processor_seconds(self) -> float:
        """Return how long processors have worked for the kernel so far."""
        used = psutil.Process(self.manager.provisioner.process.pid).cpu_times()
        return used.user + used.system

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def finished_cells(assignment: str) -> tuple[list[str], list[str]]:
    """Return the code of the finished notebook, without demonstrations, and the names of its exercises."""
    notebook = nbformat.read(ROOT / "source" / assignment / f"{assignment}.ipynb", as_version=4)
    cells, exercises = [], []
    for cell in notebook.cells:
        role = cell.metadata.get("autograder", {}).get("role")
        if cell.cell_type != "code" or role == "demonstration":
            continue
        if cell.metadata.get("nbgrader", {}).get("grade"):
            exercises.append(cell.metadata["nbgrader"]["grade_id"].removeprefix("check-"))
        else:
            cells.append(cell.source)
    return cells, exercises


def measure(assignment: str, calls: int) -> list[float]:
    """Print the times of one assignment's exercises; returns the 95th percentile of each."""
    cells, exercises = finished_cells(assignment)
    slow: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(ROOT / "release" / assignment, Path(scratch) / assignment))
        notebook = Notebook(folder)
        try:
            for cell in cells:
                notebook.run(cell)
            empty = statistics.median(notebook.run("pass") for _ in range(calls))
            print(f"{assignment}  (an empty cell takes {1000 * empty:.0f} ms)")
            for name in exercises:
                slow += [_print_times(notebook, name, calls, broken) for broken in (False, True)]
        finally:
            notebook.close()
    return slow


def _print_times(notebook: Notebook, name: str, calls: int, broken: bool) -> float:
    if broken:
        notebook.run(_BREAK.format(name=name))
    first = notebook.run(f'check("{name}")')
    before = notebook.processor_seconds()
    times = [notebook.run(f'check("{name}")') for _ in range(calls)]
    worked = (notebook.processor_seconds() - before) / calls
    if broken:
        notebook.run(f"{name} = _kept")
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    state = "broken" if broken else "right"
    waits = f"first {1000 * first:5.0f}  p50 {1000 * p50:4.0f}  p95 {1000 * p95:4.0f}  processor {1000 * worked:4.0f}"
    print(f"  {name:38} {state:7} {waits}", flush=True)
    return p95


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the self-check in live kernels.")
    parser.add_argument("assignments", nargs="*")
    parser.add_argument("--calls", type=int, default=20)
    options = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    assignments = options.assignments or sorted(path.name for path in (ROOT / "release").iterdir() if path.is_dir())
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f} before; times in ms, between sending a cell and its end")
    slow = [p95 for assignment in assignments for p95 in measure(assignment, options.calls)]
    over = sum(p95 > TARGET for p95 in slow)
    print(f"{over} of {len(slow)} have a p95 over {TARGET} s; load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
