"""Processes that share the work on a class; what they do is a function from jobs to results, one for each job.

They are started afresh and not forked from the command, which may have threads, and end when it does, even when it is
killed: they only ever wait for its next word.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from autograder.errors import AutograderError, GraderFault

Setup = TypeVar("Setup")
Job = TypeVar("Job")
Result = TypeVar("Result")

JOBS_TO_BE_WORTH_IT = 40
"""For each process: starting one takes as long as so many jobs."""
_MOST = 8
"""Beyond that, the gradebook itself takes most of the time."""


def workers_for(jobs: int, cores: int | None = None) -> int:
    """Return how many processes are worth starting; 0 is to do it all in this one."""
    cores = len(os.sched_getaffinity(0)) if cores is None else cores
    workers = min(cores, _MOST, jobs // JOBS_TO_BE_WORTH_IT)
    return workers if workers > 1 else 0


class Crew:
    """Some processes; none at all means that this one does the work."""

    def __init__(self, channels: list[Connection]) -> None:
        """Take the channels to the processes."""
        self._channels = channels

    def run(
        self, function: Callable[[Setup, Iterable[Job]], Iterator[Result]], setup: Setup, jobs: Iterable[Job]
    ) -> Iterator[Result]:
        """Give the results of a function of this module's kind, in the order in which they come.

        Raises:
            OSError: when a process could not write.
            GraderFault: when a process failed in another way, or ended.
        """
        if not self._channels:
            yield from function(setup, jobs)
            return
        left = iter(jobs)
        try:
            for channel in self._channels:
                channel.send((function, setup))
            busy = [channel for channel in self._channels if _give(channel, left)]
            while busy:
                for channel in _ready(busy):
                    result = channel.recv()
                    if isinstance(result, Exception):
                        raise result
                    yield result
                    if not _give(channel, left):
                        busy.remove(channel)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise GraderFault("a process that fills the gradebook ended. Run the same command again") from None


def _ready(busy: list[Connection]) -> list[Connection]:
    return [channel for channel in wait(busy) if isinstance(channel, Connection)]


def _give(channel: Connection, left: Iterator[Any]) -> bool:
    """Give a process its next job, or say that there is none; it waits, so neither side blocks the other."""
    job = next(left, None)
    channel.send(job)
    return job is not None


@contextmanager
def crew(workers: int) -> Iterator[Crew]:
    """Have so many processes ready, and end them afterwards."""
    channels: list[Connection] = []
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(workers):
            near, far = multiprocessing.Pipe()
            with far:
                # -P: what lies in the folder where the command was given is never imported.
                command = [sys.executable, "-P", "-m", "autograder.host.crew", str(far.fileno())]
                started.append(subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL))
            channels.append(near)
        yield Crew(channels)
    finally:
        for channel in channels:
            channel.close()
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def serve(channel: Connection) -> None:
    """Work for who holds the other end of a channel, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; who started us says what follows
    import_module("autograder.host.feedback")  # takes seconds, in which the first job is made ready
    import_module("autograder.host.copies")
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            function, setup = channel.recv()
            try:
                for result in function(setup, iter(channel.recv, None)):
                    channel.send(result)
            except (EOFError, BrokenPipeError, ConnectionResetError):
                raise
            except (OSError, AutograderError) as error:
                channel.send(error)
            except Exception as error:
                first = (str(error).splitlines() or [""])[0]
                channel.send(GraderFault(f"{type(error).__name__}: {first}"))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
