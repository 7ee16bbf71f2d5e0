"""A grading process: takes notebooks, one after the other, and gives back records.

    python -I -m autograder.worker      with a socket as standard input, JSON lines both ways, the settings first

It keeps one pytest session and one sandbox for all of them. It is the trusted side: it knows the hidden checks and the
reference, and it never runs a line of student code itself.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from io import BufferedRWPair
from pathlib import Path

import msgspec

from autograder.catalogue import Catalogue
from autograder.checks.runner import CheckRunner, run_session
from autograder.course import Assignment, Course, read_course
from autograder.errors import AutograderError, GraderFault, NotGradable, RefusedToStart
from autograder.grade import Grader, prepare_process
from autograder.jobs import Answer, Done, Fatal, Job, Ready, Settings
from autograder.records import Record, ungraded
from autograder.sandbox import Sandbox
from autograder.score import total
from autograder.submission import read, read_release

_GRACE_SECONDS = 1.0


def main() -> None:
    """Grade what comes in until the socket closes."""
    listener = socket.socket(fileno=os.dup(0))
    threading.Thread(target=_end_when_abandoned, args=(listener,), daemon=True).start()
    channel = listener.makefile("rwb")
    settings = msgspec.json.decode(channel.readline(), type=Settings)
    try:
        course = msgspec.structs.replace(read_course(Path(settings.root)), salt=settings.salt)
        desk = Desk(course, course.assignment(settings.assignment), settings.confined)
        run_session([desk.assignment.folder / "test_hidden.py"], lambda runner: desk.serve(runner, channel))
    except AutograderError as error:
        _send(channel, Fatal(refused=isinstance(error, RefusedToStart), reason=str(error)))


class Desk:
    """Where notebooks become records.

    Args:
        course: with limits and salt
        assignment: the one that is graded here
        confined: whether the locks are on
    """

    def __init__(self, course: Course, assignment: Assignment, confined: bool) -> None:
        self.assignment, self._course, self._confined = assignment, course, confined
        self._catalogue = Catalogue(assignment)
        prepare_process()
        self._released = read_release(course.notebook(assignment), assignment)
        self._sandbox: Sandbox | None = None

    def serve(self, runner: CheckRunner, channel: BufferedRWPair) -> None:
        """Answer jobs from a channel of JSON lines."""
        try:
            self._grader(runner).examine_reference()
            _send(channel, Ready())
            while line := channel.readline():
                _send(channel, Done(record=self.record(runner, msgspec.json.decode(line, type=Job))))
        finally:
            self.close()

    def record(self, runner: CheckRunner, job: Job) -> Record:
        """Grade one notebook; whatever goes wrong becomes a status, never an exception."""
        record = ungraded(
            self.assignment.id,
            job.student,
            self.assignment.points,
            confined=self._confined,
            status="grader_fault",
            notes=job.notes,
            fingerprint=job.fingerprint,
        )
        try:
            submission = read(job.notebook, self.assignment, self._released)
            exercises, notes = self._grader(runner).grade(submission, job.student)
        except NotGradable as reason:
            return msgspec.structs.replace(record, status="not_gradable", notes=[str(reason), *job.notes])
        except Exception as error:  # whatever it is, it is ours, and the next submission must not suffer
            self.close()
            text = str(error) if isinstance(error, GraderFault) else f"{type(error).__name__}: {error}"
            return msgspec.structs.replace(record, notes=[f"The grader failed: {text}", *job.notes])
        score = total(e.score for e in exercises)
        return msgspec.structs.replace(
            record, status="graded", score=score, exercises=exercises, notes=[*job.notes, *notes]
        )

    def _grader(self, runner: CheckRunner) -> Grader:
        if self._sandbox is None:
            self._sandbox = Sandbox(self._course.limits, self._confined)
        return Grader(runner, self._sandbox, self._catalogue, self._course.salt)

    def close(self) -> None:
        """End the sandbox, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None


def _send(channel: BufferedRWPair, answer: Answer) -> None:
    channel.write(msgspec.json.encode(answer) + b"\n")
    channel.flush()


def _end_when_abandoned(listener: socket.socket) -> None:
    """End this process when nobody is at the other end any more, not even the one who would stop it: it was killed."""
    poll = select.poll()
    poll.register(listener, 0)  # hanging up is reported unasked
    poll.poll()
    time.sleep(_GRACE_SECONDS)  # one that waits for jobs has noticed by now and ends in good order
    os._exit(1)


if __name__ == "__main__":
    main()
