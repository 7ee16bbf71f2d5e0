"""Joins the stages: finds submissions, grades what is not graded yet, writes records.

submitted/STUDENT/ASSIGNMENT/*.ipynb  ->  RESULTS/ASSIGNMENT/STUDENT.json
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec

from autograder import __version__
from autograder.course import Assignment, Course, read_course
from autograder.errors import GraderFault, NotGradable, UsageError
from autograder.jobs import Job
from autograder.pool import Pool
from autograder.records import SCHEMA, Record, decode, encode, remove_parts, ungraded, write_atomically
from autograder.submission import find_notebook, read_bytes

OnRecord = Callable[[Record], None]
_LONGEST_ID = 200
"""Bytes: a file's name has 255, and a record is written as ".ID.json.PID.part" first."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to do for one assignment."""

    course: Course
    assignment: Assignment
    submitted: Path
    results: Path
    confined: bool = True

    @property
    def folder(self) -> Path:
        """Return where the records of the assignment are, or will be."""
        return self.results / self.assignment.id

    def record_path(self, student: str) -> Path:
        """Return where the record of a student is, or will be."""
        return self.folder / f"{student}.json"


OpenPool = Callable[[Plan, int], AbstractContextManager[Pool]]


def _new_pool(plan: Plan, workers: int) -> Pool:
    return Pool(plan.course, plan.assignment, workers, plan.confined)


def make_plan(
    root: Path, assignment: str, submitted: Path | None = None, results: Path | None = None, confined: bool = True
) -> Plan:
    """Return the plan for one assignment of the course at `root`; folders default to nbgrader's and `results/`."""
    course = read_course(root)
    return Plan(
        course=course,
        assignment=course.assignment(assignment),
        submitted=submitted or root / "submitted",
        results=results or root / "results",
        confined=confined,
    )


def students_of(plan: Plan) -> list[str]:
    """Return who handed in something for the assignment, sorted.

    Raises:
        UsageError: when there is no folder of submissions, or nothing in it for this assignment.
    """
    if not plan.submitted.is_dir():
        raise UsageError(
            f"no folder of submissions: {plan.submitted} is missing. Collect them, or name it by --submitted"
        )
    found = [name for name in _folders(plan) if _can_be_an_id(name)]
    if not found:
        raise UsageError(f"nothing to grade: no {plan.submitted / 'STUDENT' / plan.assignment.id} holds a submission")
    return found


def nameless(plan: Plan) -> list[str]:
    """Return the folders of submissions whose name can be no student's id, as text: no record can be theirs."""
    return [os.fsencode(name).decode(errors="replace") for name in _folders(plan) if not _can_be_an_id(name)]


def _folders(plan: Plan) -> list[str]:
    return sorted(f.name for f in plan.submitted.iterdir() if (f / plan.assignment.id).is_dir())


def _can_be_an_id(name: str) -> bool:
    """Say whether a folder's name is text, and short enough for the name of a record's file."""
    try:
        return len(name.encode()) <= _LONGEST_ID
    except UnicodeEncodeError:
        return False


def grade(
    plan: Plan,
    students: list[str],
    workers: int = 1,
    on_record: OnRecord = lambda record: None,
    open_pool: OpenPool = _new_pool,
) -> list[Record]:
    """Grade these students' submissions and return their records, in the order of `students`.

    A record that is there already and still true is kept. Each record is written as soon as it is known, so grading
    that was stopped goes on where it was.

    Args:
        plan: what to grade and where to write
        students: whose submissions
        workers: how many processes
        on_record: called with each record, for progress
        open_pool: gives grading processes, when there is anything to grade

    Raises:
        UsageError: when another grader is at work on the same results.
        RefusedToStart: when student code cannot be locked in here.
        GraderFault: when the checks or the reference cannot be read, or the results cannot be written.
    """
    with only_grader(plan):
        return grade_alone(plan, students, workers, on_record, open_pool)


def grade_alone(
    plan: Plan,
    students: list[str],
    workers: int = 1,
    on_record: OnRecord = lambda record: None,
    open_pool: OpenPool = _new_pool,
) -> list[Record]:
    """Do what `grade` does, for a caller who is the `only_grader` already."""
    records: dict[str, Record] = {}

    def finish(record: Record, write: bool = True) -> None:
        if write:
            write_result(plan, plan.record_path(record.student).name, encode(record))
        records[record.student] = record
        on_record(record)

    base = _fingerprint_base(plan)
    jobs = []
    for student in students:
        job = _job(plan, student, base)
        if isinstance(job, Record):
            finish(job)
        elif (old := _still_true(plan, job)) is not None:
            finish(old, write=False)
        else:
            jobs.append(job)
    if jobs:
        with open_pool(plan, min(workers, len(jobs))) as pool:
            for record in pool.grade(jobs):
                finish(record)
    return [records[student] for student in students]


def write_result(plan: Plan, name: str, data: bytes) -> None:
    """Write a file among the results, whole or not at all.

    Raises:
        GraderFault: when it cannot be written; says what is kept and what to do.
    """
    try:
        write_atomically(plan.folder / name, data)
    except OSError as error:
        raise GraderFault(_unwritable(plan, error)) from None


def _unwritable(plan: Plan, error: OSError) -> str:
    reason = str(error.strerror or error).lower()
    kept = len(list(plan.folder.glob("*.json"))) if plan.folder.is_dir() else 0
    if kept:
        reason += f"; the {kept} records written so far are kept" if kept > 1 else "; the record written so far is kept"
    remedy = "Make room" if error.errno in _NO_ROOM else "Mend that"
    return f"the results cannot be written to {plan.folder}: {reason}. {remedy} and run the same command again"


def records_so_far(plan: Plan) -> list[Record]:
    """Return all records that are written already, by student; files that are no records are passed over."""
    found = []
    for path in sorted(plan.folder.glob("*.json")):
        try:
            found.append(decode(path.read_bytes(), str(path)))
        except (OSError, UsageError):
            continue
    return found


def record_for(root: Path, assignment_id: str, student: str) -> Record:
    """Return the record of one submission in the course at `root`, grading it if that has not been done.

    The grading process is kept for the next call: nbgrader asks for one submission at a time.
    """
    plan = make_plan(root, assignment_id)
    return grade(plan, [student], open_pool=_standing_pool)[0]


_standing: dict[tuple[str, str], Pool] = {}


def _standing_pool(plan: Plan, workers: int) -> AbstractContextManager[Pool]:
    """Return a pool that lives until this process ends, or until the course has changed."""
    key = (_fingerprint_base(plan), str(plan.course.root))
    if key not in _standing:
        for old in _standing.values():
            old.close()
        _standing.clear()
        _standing[key] = _new_pool(plan, workers)
        atexit.register(_standing[key].close)
    return nullcontext(_standing[key])


def _job(plan: Plan, student: str, base: str) -> Job | Record:
    """Read one submission; returns the job of grading it, or the record when there is nothing to grade."""
    notes: list[str] = []
    try:
        path, notes = find_notebook(plan.submitted / student / plan.assignment.id, plan.assignment.id)
        data = read_bytes(path, plan.course.limits.notebook_mib)
    except NotGradable as reason:
        return ungraded(
            plan.assignment.id,
            student,
            plan.assignment.points,
            confined=plan.confined,
            status="not_gradable",
            notes=[str(reason), *notes],
        )
    text = "\0".join((base, student, path.name, *notes)).encode()
    return Job(student=student, notebook=data, notes=notes, fingerprint=hashlib.sha256(text + b"\0" + data).hexdigest())


def _still_true(plan: Plan, job: Job) -> Record | None:
    """Return the record that is there already, if grading again could not change it."""
    path = plan.record_path(job.student)
    try:
        record = decode(path.read_bytes(), str(path))
    except (OSError, UsageError):
        return None
    return record if record.fingerprint == job.fingerprint and record.status != "grader_fault" else None


def _fingerprint_base(plan: Plan) -> str:
    """Hash everything but the notebook that a result depends on."""
    digest = hashlib.sha256()
    parts = [str(SCHEMA), __version__, _kit_hash(), version("torch"), plan.course.salt, str(plan.confined)]
    points = [exercise.points for exercise in plan.assignment.exercises]  # course.toml may count extras
    parts += [plan.assignment.id, repr(plan.course.limits), repr(points)]
    for part in parts:
        digest.update(part.encode() + b"\0")
    # All solutions: a later one is built from earlier ones.
    solutions = sorted(plan.assignment.solution.parent.glob("*.py")) if plan.assignment.solution else []
    for path in [*sorted(plan.assignment.folder.glob("*.py")), plan.assignment.folder / "exercises.toml", *solutions]:
        try:
            digest.update(path.read_bytes() + b"\0")
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return digest.hexdigest()


@cache
def _kit_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


@contextmanager
def only_grader(plan: Plan) -> Iterator[None]:
    """Hold the results of the assignment alone, and clear away what a killed grader left half-written there.

    Raises:
        UsageError: when another grader holds them, or nothing can be written there.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        lock = (plan.folder / ".lock").open("w")
    except OSError as error:
        raise UsageError(_unwritable(plan, error)) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_parts(plan.folder)
        except BlockingIOError:
            raise UsageError(
                f"another grader is at work on {plan.folder}: wait for it, or name another --results"
            ) from None
        except OSError as error:
            raise UsageError(_unwritable(plan, error)) from None
        yield
