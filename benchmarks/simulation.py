"""How much the cluster's own machinery takes: a hundred thousand submissions through a real scheduler.

    python benchmarks/simulation.py                         100,000 notebooks of 60 KB, nothing is graded
    python benchmarks/simulation.py --number 2000 --grading 0.3 --threads 8
    python benchmarks/simulation.py --json simulation.json

Everything is real but the grading itself: the scheduler and the workers are processes of their own on this machine,
the orders go out and the records come back as in `autograder grade --cluster`, the workers look whether their course is
the same, and the records are written to a temporary folder. In the place of grading, a worker sleeps and returns a
record of the usual length. On a machine that scheduler, workers and command have for themselves, a core each, the rate
is the most that one scheduler can hand out, however many workers there are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from distributed import Client

from autograder.cluster import ClusterPool, node
from autograder.cluster.order import Order
from autograder.course import Assignment, Course, read_course
from autograder.jobs import Job
from autograder.records import CheckResult, ExerciseResult, Record, encode, write_atomically

HERE = Path(__file__).parent
GRADING = "SIMULATION_GRADING_SECONDS"
MESSAGE = "expected shape (2, 3, 5), found (2, 5, 3): rows and columns are exchanged. " * 3
START_SECONDS = 60
END_SECONDS = 15


def stub(order: bytes) -> bytes:
    """Do what a worker does, but for the grading."""
    return node.respond(order, _pretend)


def _pretend(order: Order, course: Course, assignment: Assignment, base: str) -> Record:
    time.sleep(float(os.environ[GRADING]))
    exercises = [
        ExerciseResult(id=exercise.id, status="attempted", score=0.0, max_score=exercise.points, checks=_checks())
        for exercise in assignment.exercises
    ]
    return Record(
        assignment=assignment.id,
        student=order.job.student,
        status="graded",
        score=0.0,
        max_score=assignment.points,
        isolation="confined",
        exercises=exercises,
        fingerprint=order.job.fingerprint,
    )


def _checks() -> list[CheckResult]:
    return [
        CheckResult(
            id=f"test_hidden.py::test_{number}",
            title="The weights are right, also for large scores",
            verdict="wrong",
            points=0.0,
            max_points=1.0,
            message=MESSAGE,
            hint="What is the shape of the scores before the softmax?",
        )
        for number in range(2)
    ]


def jobs(number: int, size: int) -> Iterator[Job]:
    """Yield that many notebooks of `size` bytes, each another one."""
    draw = random.Random(0)
    for place in range(number):
        yield Job(student=f"student-{place:06}", notebook=draw.randbytes(size), fingerprint=f"{place:064x}")


@contextmanager
def cluster(workers: int, threads: int, grading: float, folder: Path) -> Iterator[tuple[str, list[psutil.Popen]]]:
    """Start a scheduler and workers on this machine; gives the address, and the processes, the scheduler first."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "DASK_TEMPORARY_DIRECTORY": str(folder),
        GRADING: str(grading),
    }
    where = folder / "scheduler.json"
    processes: list[psutil.Popen] = []

    def start(*arguments: str) -> None:
        command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        with (folder / f"{len(processes)}.txt").open("wb") as output:
            said = {"stdout": output, "stderr": subprocess.STDOUT}
            processes.append(psutil.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, **said))

    try:
        start("scheduler", "--port", "0", "--scheduler-file", str(where))
        end = time.monotonic() + START_SECONDS
        while not where.exists():
            if time.monotonic() > end:
                raise SystemExit(f"the scheduler does not start:\n{(folder / '0.txt').read_text()}")
            time.sleep(0.1)
        address = json.loads(where.read_text())["address"]
        for _ in range(workers):
            start("worker", address, "--nthreads", str(threads), "--no-nanny")
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, START_SECONDS)
        yield address, processes
    finally:
        for process in reversed(processes):  # the scheduler last: workers want to take leave of it
            _end(process)


def _end(process: psutil.Popen) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()


def run(options: argparse.Namespace, folder: Path) -> dict[str, float | int | str]:
    """Send all through and return what it took; seconds, but where the name says otherwise."""
    course = read_course(HERE.parent)
    records = folder / "records"
    writing, size, done = 0.0, 0, 0
    task = importlib.import_module("simulation").stub  # by its name, as the workers know it, and not as __main__'s
    with cluster(options.workers, options.threads, options.grading, folder) as (address, processes):  # noqa: SIM117
        with ClusterPool(address, course, course.assignments[0], on_wait=print, task=task) as pool:
            begun, used = time.perf_counter(), time.process_time()
            for record in pool.grade(jobs(options.number, options.notebook_kb * 1000)):
                start = time.perf_counter()
                data = encode(record)
                write_atomically(records / f"{record.student}.json", data)
                now = time.perf_counter()
                writing, size, done = writing + now - start, size + len(data), done + 1
                if done % 5000 == 0:
                    print(f"{done:>7} records, {done / (now - begun):.0f} a second", flush=True)
                if now - begun > options.seconds:
                    print("the time is over")
                    break
            wall, used = time.perf_counter() - begun, time.process_time() - used
            scheduler, *others = processes
            usage = {
                "scheduler_cpu": _cpu(scheduler),
                "scheduler_peak_mib": _peak_mib(scheduler),
                "workers_cpu": sum(map(_cpu, others)),
                "largest_worker_peak_mib": max(map(_peak_mib, others)),
            }
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load_at_end": os.getloadavg()[0],
        "workers": options.workers,
        "threads_each": options.threads,
        "grading": options.grading,
        "notebook_kb": options.notebook_kb,
        "asked": options.number,
        "done": done,
        "record_bytes": size // max(done, 1),
        "wall": wall,
        "records_a_second": done / wall,
        "writing_records": writing,
        "command_cpu": used,
        "command_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **usage,
    }


def _cpu(process: psutil.Popen) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_mib(process: psutil.Popen) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Read the options, simulate, print."""
    parser = argparse.ArgumentParser(description="Send many submissions through a real Dask scheduler.")
    parser.add_argument("--number", type=int, default=100_000, help="how many submissions")
    parser.add_argument("--notebook-kb", type=int, default=60, help="size of each notebook")
    parser.add_argument("--grading", type=float, default=0.0, help="seconds of sleep in the place of grading")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--threads", type=int, default=4, help="threads of each")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this long")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        figures = run(options, Path(folder))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):>24}  {value:.1f}" if isinstance(value, float) else f"{name:>24}  {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
