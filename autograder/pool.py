"""Keeps grading processes busy: a job each, and a new process for one that died."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import msgspec

from autograder import variables
from autograder.course import Assignment, Course
from autograder.errors import GraderFault, RefusedToStart
from autograder.jobs import Answer, Done, Fatal, Job, Ready, Settings
from autograder.records import Record, ungraded

_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_STOP_SECONDS = 10.0
_LAST_LINES = 20
"""So much is remembered of what a process says on its standard error; nobody reads it unless the process fails."""


class Pool:
    """Grading processes for one assignment.

    Args:
        course: with its root, limits and salt
        assignment: the one to grade
        workers: how many processes
        confined: whether student code is locked in
    """

    def __init__(self, course: Course, assignment: Assignment, workers: int = 1, confined: bool = True) -> None:
        self._settings = Settings(root=str(course.root), assignment=assignment.id, salt=course.salt, confined=confined)
        self._assignment, self._confined = assignment, confined
        self._processes: list[_Process] = []
        try:
            for _ in range(max(1, workers)):
                self._processes.append(_Process(self._settings))
        except BaseException:
            self.close()
            raise

    def grade(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Grade the jobs and yield their records as they are done, in any order.

        Raises:
            RefusedToStart: when student code cannot be locked in here.
            GraderFault: when the checks or the reference cannot be read, or a grading process does not even start.
        """
        waiting = iter(jobs)
        with selectors.DefaultSelector() as selector:
            busy = sum(self._give_next(process, waiting, selector) for process in self._processes)
            while busy:
                for key, _ in selector.select():
                    process: _Process = key.data
                    selector.unregister(key.fileobj)
                    yield self._take(process)
                    if not process.alive:
                        self._processes[self._processes.index(process)] = process = process.successor()
                    busy += self._give_next(process, waiting, selector) - 1

    def _give_next(self, process: _Process, waiting: Iterator[Job], selector: selectors.BaseSelector) -> int:
        job = next(waiting, None)
        if job is None:
            return 0
        process.give(job)
        selector.register(process.socket, selectors.EVENT_READ, process)
        return 1

    def _take(self, process: _Process) -> Record:
        job = process.job
        answer = process.take()
        if answer is not None:
            return answer
        reason = f"The grading process ended while it worked on this submission: {process.end()}."
        return given_up(job, self._assignment, self._confined, reason)

    def close(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def given_up(job: Job, assignment: Assignment, confined: bool, reason: str) -> Record:
    """Return the record of a job that whoever worked on it did not survive: a fault of the grader's, and no mark."""
    return ungraded(
        assignment.id,
        job.student,
        assignment.points,
        confined=confined,
        status="grader_fault",
        notes=[reason, *job.notes],
        fingerprint=job.fingerprint,
    )


class _Process:
    """One grading process and the socket to it; the process warms up while the first job is on its way.

    Raises:
        GraderFault: when it cannot be started.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.job = Job(student="", notebook=b"")
        self.alive, self._ready = True, False
        self._said: deque[bytes] = deque(maxlen=_LAST_LINES)
        try:
            self.socket, theirs = socket.socketpair()
            with theirs:
                # -B: Python does not notice when it caches half a module on a full disk, and would fail ever after.
                self._process = subprocess.Popen(
                    [sys.executable, "-sPB", "-m", "autograder.worker"],
                    env=variables.of_grading(),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
        except OSError as error:
            raise GraderFault(f"the grading process does not start: {error.strerror}") from None
        self._file = self.socket.makefile("rwb")
        self._send(settings)  # not on its command line, where everybody on the machine could read the salt
        # A pipe that nobody empties would stop the process one day.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            self._said.extend(line.strip() for line in stream if line.strip())

    def give(self, job: Job) -> None:
        """Hand over a job; a process that has died is noticed when its answer is taken."""
        self.job = job
        self._send(job)

    def _send(self, message: Settings | Job) -> None:
        with contextlib.suppress(ConnectionError):
            self._file.write(msgspec.json.encode(message) + b"\n")
            self._file.flush()

    def take(self) -> Record | None:
        """Return the answer to the job, or None when the process died over it.

        Raises:
            RefusedToStart: when the process says that it cannot lock student code in.
            GraderFault: when it says that it cannot grade, or died before it could: the next one would as well.
        """
        while (line := self._read_line()).endswith(b"\n"):  # else it was killed in the middle of its answer
            answer = _decoder.decode(line)
            if isinstance(answer, Fatal):
                raise RefusedToStart(answer.reason) if answer.refused else GraderFault(answer.reason)
            if isinstance(answer, Done):
                return answer.record
            self._ready = isinstance(answer, Ready)
        self.alive = False
        if not self._ready:
            raise GraderFault(f"the grading process does not start: {self.end()}; try `autograder doctor`")
        return None

    def _read_line(self) -> bytes:
        try:
            return self._file.readline()
        except ConnectionError:
            return b""

    def end(self) -> str:
        """Say how a process that has died came to its end: by its last words, its signal or its exit code."""
        self.close()
        code = self._process.returncode
        if code < 0:
            return f"it was killed by signal {-code} ({signal.strsignal(-code)})"
        self._listener.join(_STOP_SECONDS)
        return self._said[-1].decode(errors="replace") if self._said else f"it ended with exit code {code}"

    def successor(self) -> _Process:
        """Return a new process in the place of this one."""
        self.close()
        return _Process(self._settings)

    def close(self) -> None:
        """End the process: it stops by itself when the socket closes."""
        with contextlib.suppress(ConnectionError):
            self._file.close()
        self.socket.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
