"""The result of grading: frozen records, and their form as JSON.

One file per submission, `RESULTS/ASSIGNMENT/STUDENT.json`. The shape is versioned by `schema` and relied on by others:
fields may be added, none may change. The same submission always gives the same bytes, so a record holds no times, no
host names and no process ids.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from autograder.errors import UsageError

SCHEMA = 1

Verdict = Literal["pass", "wrong", "error", "timeout", "memory", "crashed", "forbidden", "missing", "skipped"]
ExerciseStatus = Literal["attempted", "not_attempted", "missing"]
SubmissionStatus = Literal["graded", "not_gradable", "grader_fault"]
Isolation = Literal["confined", "unconfined"]


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found."""

    id: str
    """File and test, such as "test_hidden.py::test_weights_sum_to_one"."""
    title: str
    """The line the student reads: the first line of the check's docstring."""
    verdict: Verdict
    """Only "pass" earns points."""
    points: float
    """Points earned."""
    max_points: float
    """Points that a pass earns."""
    message: str = ""
    """What was expected and what was found, never a hidden input or an expected value."""
    misconception: str | None = None
    """Name of the known mistake whose numbers these are, if there is exactly one explanation."""
    hint: str = ""
    """A question that leads on, without the answer."""


class ExerciseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of one exercise found."""

    id: str
    """The name of the function or class."""
    status: ExerciseStatus
    """Whether the student worked on it: "not_attempted" is the untouched stub, "missing" that it is gone."""
    score: float
    """Points earned in this exercise."""
    max_score: float
    """Points that this exercise can earn."""
    checks: list[CheckResult]
    """In the order in which they stand in the file of checks."""

    @property
    def passed(self) -> bool:
        """Whether every check passes."""
        return all(check.verdict == "pass" for check in self.checks)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one submission."""

    schema: int = SCHEMA
    """Version of this shape."""
    assignment: str
    """Id of the assignment, such as "01_attention"."""
    student: str
    """Id of the student, as nbgrader knows them."""
    status: SubmissionStatus
    """Only a "graded" submission has a score."""
    score: float | None
    """Points earned, or None when the submission was not graded: None is not zero."""
    max_score: float
    """Points that the assignment can earn."""
    isolation: Isolation
    """Whether the locks were on while student code ran."""
    exercises: list[ExerciseResult] = []
    """In the order of the assignment; empty when the submission was not graded."""
    notes: list[str] = []
    """What the grader wants to say about the notebook as a whole, such as why it could not be graded."""
    fingerprint: str = ""
    """Hash of everything that this result depends on; the same fingerprint means that regrading changes nothing."""


def ungraded(
    assignment: str,
    student: str,
    max_score: float,
    *,
    confined: bool,
    status: SubmissionStatus,
    notes: list[str],
    fingerprint: str = "",
) -> Record:
    """Return a record without a score; the first note is the reason."""
    return Record(
        assignment=assignment,
        student=student,
        status=status,
        score=None,
        max_score=max_score,
        isolation="confined" if confined else "unconfined",
        notes=notes,
        fingerprint=fingerprint,
    )


def encode(record: Record) -> bytes:
    """Return the record as indented JSON, UTF-8, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def decode(data: bytes, origin: str = "record") -> Record:
    """Read a record from JSON.

    Raises:
        UsageError: when it is not a record of this schema; `origin` says where the bytes came from.
    """
    try:
        record = msgspec.json.decode(data, type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{origin} is not a result record: {error}") from None
    if record.schema != SCHEMA:
        raise UsageError(f"{origin} has schema {record.schema}, this kit reads {SCHEMA}: grade again or update the kit")
    return record


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed over the old one.

    Raises:
        OSError: when it cannot be written; an old file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed while they wrote into a folder have left there; none may be at work."""
    for part in folder.glob(".*.*[0-9].part"):
        part.unlink(missing_ok=True)
