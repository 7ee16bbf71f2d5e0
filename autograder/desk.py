"""The trusted side of a grading process: where notebooks become records.

It keeps one pytest session and one sandbox for all of them.
"""

from __future__ import annotations

import gc
from io import BufferedRWPair
from pathlib import Path

import msgspec

from autograder.catalogue import Catalogue
from autograder.checks.runner import CheckRunner, run_session
from autograder.course import Assignment, Course, read_course
from autograder.errors import AutograderError, GraderFault, NotGradable, RefusedToStart
from autograder.grade import Grader, prepare_process
from autograder.jobs import Answer, Done, Fatal, Job, Ready, Settings
from autograder.launch import Zygote
from autograder.records import Record, ungraded
from autograder.sandbox import Sandbox
from autograder.score import total
from autograder.submission import read, read_release


def work(channel: BufferedRWPair, zygote: Zygote) -> None:
    """Take the settings and then jobs from a channel of JSON lines, until it closes."""
    settings = msgspec.json.decode(channel.readline(), type=Settings)
    try:
        course = msgspec.structs.replace(read_course(Path(settings.root)), salt=settings.salt)
        desk = Desk(course, course.assignment(settings.assignment), settings.confined, zygote)
        run_session([desk.assignment.folder / "test_hidden.py"], lambda runner: desk.serve(runner, channel))
    except AutograderError as error:
        _send(channel, Fatal(refused=isinstance(error, RefusedToStart), reason=str(error)))


class Desk:
    """Where notebooks become records.

    Args:
        course: with limits and salt
        assignment: the one that is graded here
        confined: whether the locks are on
        zygote: what forks the processes that student code runs in; should that break down, another one is started
    """

    def __init__(self, course: Course, assignment: Assignment, confined: bool, zygote: Zygote) -> None:
        self.assignment, self._course, self._confined = assignment, course, confined
        self._zygote: Zygote | None = zygote
        self._catalogue = Catalogue(assignment)
        prepare_process()
        self._released = read_release(course.notebook(assignment), assignment)
        self._sandbox: Sandbox | None = None
        self._kept: Grader | None = None

    def serve(self, runner: CheckRunner, channel: BufferedRWPair) -> None:
        """Answer jobs from a channel of JSON lines."""
        try:
            self._grader(runner).examine_reference()
            gc.collect()
            gc.freeze()  # what is there now stays: no collection need go through it again and again
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
        if self._sandbox is None or self._kept is None:
            zygote, self._zygote = self._zygote, None
            self._sandbox = Sandbox(self._course.limits, self._confined, zygote)
            self._kept = Grader(runner, self._sandbox, self._catalogue, self._course.salt)
        return self._kept

    def close(self) -> None:
        """End the sandbox, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = self._kept = None


def _send(channel: BufferedRWPair, answer: Answer) -> None:
    channel.write(msgspec.json.encode(answer) + b"\n")
    channel.flush()
