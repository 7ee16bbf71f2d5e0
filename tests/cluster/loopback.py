"""A Dask cluster of real processes on this machine, for tests: a scheduler, and workers that come and go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from distributed import Client

HERE = Path(__file__).parent
SECONDS = 30
"""How long anything may take to come up or to end, on a busy machine."""

WITHOUT_LANDLOCK = """
import errno, runpy, pyseccomp
old_kernel = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
old_kernel.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "landlock_create_ruleset")
old_kernel.load()
runpy.run_module("dask", run_name="__main__", alter_sys=True)
"""

Process = subprocess.Popen[bytes]


class Loopback:
    """A scheduler on a free port of 127.0.0.1, and its workers.

    Args:
        folder: for whatever the processes write
        environment: of all its processes, besides this one's
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder, self._environment = folder, environment
        self.workers: list[Process] = []
        where = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "scheduler", "--port", "0", "--scheduler-file", str(where))
        wait_for(where.exists)
        self.address = str(json.loads(where.read_text())["address"])

    def add(self, threads: int = 1, nanny: bool = False, landlock: bool = True, **environment: str) -> Process:
        """Start a worker, which comes as soon as it can; without `landlock`, one of the locks is missing there."""
        number = str(len(self.workers))
        options = ("--nthreads", str(threads), "--nanny" if nanny else "--no-nanny", "--name", number)
        program = ("-m", "dask") if landlock else ("-c", WITHOUT_LANDLOCK)
        arguments = ("worker", self.address, *options)
        self.workers.append(self._start(f"worker-{number}", *arguments, program=program, **environment))
        return self.workers[-1]

    def threads(self) -> int:
        """Return how many threads have come."""
        with Client(self.address, set_as_default=False) as client:
            return sum(client.nthreads().values())

    def said(self) -> str:
        """Return what all processes have printed, for a failing test."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.txt")))

    def _start(
        self, name: str, *arguments: str, program: tuple[str, ...] = ("-m", "dask"), **environment: str
    ) -> Process:
        with (self._folder / f"{name}.txt").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, *program, *arguments, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=self._folder,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(
                        [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
                    ),  # where the tasks of these tests are
                    "DASK_TEMPORARY_DIRECTORY": str(self._folder),
                    **self._environment,
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def close(self) -> None:
        """End everything, and see that nothing is left."""
        ours = [process for process in (*self.workers, self.scheduler) if process.poll() is None]
        all_of_them = [p for process in ours for p in (psutil.Process(process.pid), *below(process))]
        for process in ours:  # the scheduler last: workers want to take leave of it
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in (*self.workers, self.scheduler):
            process.wait()
        assert not psutil.wait_procs(all_of_them, SECONDS)[1], self.said()


def below(process: Process) -> list[psutil.Process]:
    """Return the processes that a process has started, and they, and so on."""
    return psutil.Process(process.pid).children(recursive=True)


def desks_of(worker: Process) -> int:
    """Return how many grading processes a worker has."""
    children = psutil.Process(worker.pid).children()
    return sum("autograder.worker" in child.cmdline() for child in children)


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until something is so, and fail if it never is."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
