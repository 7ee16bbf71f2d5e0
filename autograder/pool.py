"""Keeps grading processes busy: a job each, and a new process for one that died."""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import msgspec

from autograder.course import Assignment, Course
from autograder.errors import GraderFault, RefusedToStart
from autograder.records import Record, ungraded
from autograder.worker import Answer, Done, Fatal, Job, Settings

_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_STOP_SECONDS = 10.0


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
        self._processes = [_Process(self._settings) for _ in range(max(1, workers))]

    def grade(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Grade the jobs and yield their records as they are done, in any order.

        Raises:
            RefusedToStart: when student code cannot be locked in here.
            GraderFault: when the checks or the reference cannot be read.
        """
        waiting = iter(jobs)
        with selectors.DefaultSelector() as selector:
            busy = sum(self._give_next(process, waiting, selector) for process in self._processes)
            while busy:
                for key, _ in selector.select():
                    process: _Process = key.data
                    yield self._take(process)
                    selector.unregister(key.fileobj)
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
        return ungraded(
            self._assignment.id,
            job.student,
            self._assignment.points,
            confined=self._confined,
            status="grader_fault",
            notes=["The grading process ended while it worked on this submission.", *job.notes],
            fingerprint=job.fingerprint,
        )

    def close(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class _Process:
    """One grading process and the socket to it; the process warms up while the first job is on its way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.socket, theirs = socket.socketpair()
        self._file = self.socket.makefile("rwb")
        self.job = Job(student="", notebook=b"")
        self.alive = True
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "autograder.worker", msgspec.json.encode(settings).decode()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )

    def give(self, job: Job) -> None:
        """Hand over a job; a process that has died is noticed when its answer is taken."""
        self.job = job
        with contextlib.suppress(BrokenPipeError):
            self._file.write(msgspec.json.encode(job) + b"\n")
            self._file.flush()

    def take(self) -> Record | None:
        """Return the answer to the job, or None when the process died over it."""
        while line := self._read_line():
            answer = _decoder.decode(line)
            if isinstance(answer, Fatal):
                raise RefusedToStart(answer.reason) if answer.refused else GraderFault(answer.reason)
            if isinstance(answer, Done):
                return answer.record
        self.alive = False
        return None

    def _read_line(self) -> bytes:
        try:
            return self._file.readline()
        except ConnectionError:
            return b""

    def successor(self) -> _Process:
        """Return a new process in the place of this one."""
        self.close()
        return _Process(self._settings)

    def close(self) -> None:
        """End the process: it stops by itself when the socket closes."""
        with contextlib.suppress(BrokenPipeError):
            self._file.close()
        self.socket.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
