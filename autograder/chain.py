"""Joins the stages: finds submissions, grades what is not graded yet, writes records.

submitted/STUDENT/ASSIGNMENT/*.ipynb  ->  RESULTS/ASSIGNMENT/STUDENT.json
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import msgspec

from autograder.course import Assignment, Course, read_course
from autograder.errors import NotGradable, UsageError
from autograder.fingerprint import base_of, fingerprint_of
from autograder.jobs import Job
from autograder.pool import Pool
from autograder.records import Record, ungraded
from autograder.results import Results
from autograder.submission import find_notebook, read_bytes

OnRecord = Callable[[Record], None]
_LONGEST_ID = 200
"""Bytes: a file's name has 255, and a record is written as ".ID.json.PID.part" first."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to do for one assignment."""

    course: Course
    assignment: Assignment
    submitted: Path
    results: Path
    confined: bool = True

    @property
    def shelf(self) -> Results:
        """Return the records of the assignment."""
        return Results(self.results / self.assignment.id)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """Which submissions have to be graded, and which results are known without grading."""

    students: list[str]
    """Whose submissions were looked at."""
    kept: dict[str, Record]
    """Records that are there and still true, by student."""
    found: dict[str, Record]
    """Records that are new although nothing has to be graded: not gradable, or graded for a comparison."""
    waiting: list[str]
    """Whose submissions are left to grade; a class of notebooks is too large to be held."""
    base: str
    """What the fingerprint of each record rests on."""


class Grading(Protocol):
    """What grades: processes of this machine (`pool.Pool`), or of a cluster (`cluster.ClusterPool`)."""

    def grade(self, jobs: Iterable[Job]) -> Iterable[Record]:
        """Yield the records of the jobs, in any order."""


OpenPool = Callable[[Plan, int], AbstractContextManager[Grading]]


def local_pool(plan: Plan, workers: int) -> Pool:
    """Return grading processes of this machine."""
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


def survey(plan: Plan, students: list[str]) -> Survey:
    """Read these students' submissions and say what has to be graded; writes nothing.

    Raises:
        UsageError: when a file of the course cannot be read.
    """
    base, shelf = base_of(plan.course, plan.assignment, plan.confined), plan.shelf
    looked = Survey(students=students, kept={}, found={}, waiting=[], base=base)
    for student in students:
        job, old = _job(plan, student, base), shelf.read(student)
        if isinstance(job, Record):
            (looked.kept if job == old else looked.found)[student] = job
        elif old is not None and _still_true(old, job):
            looked.kept[student] = old
        elif (new := shelf.read_waiting(student)) is not None and _still_true(new, job):
            looked.found[student] = new
        else:
            looked.waiting.append(student)
    return looked


def grade(
    plan: Plan,
    students: list[str],
    workers: int = 1,
    on_record: OnRecord = lambda record: None,
    open_pool: OpenPool = local_pool,
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
    with plan.shelf.held_alone():
        return grade_surveyed(plan, survey(plan, students), workers, on_record, open_pool)


def grade_surveyed(
    plan: Plan,
    surveyed: Survey,
    workers: int = 1,
    on_record: OnRecord = lambda record: None,
    open_pool: OpenPool = local_pool,
    *,
    counts: bool = True,
) -> list[Record]:
    """Do what `grade` does, for a caller who holds the results alone.

    With `counts` false, new records are put aside: they wait to be compared, and what counts stays as it is.
    """
    records: dict[str, Record] = {}
    write = plan.shelf.write if counts else plan.shelf.write_waiting

    def finish(record: Record) -> None:
        records[record.student] = record
        on_record(record)

    def finish_new(record: Record) -> None:
        write(record)
        finish(record)

    def jobs() -> Iterator[Job]:
        for student in surveyed.waiting:
            job = _job(plan, student, surveyed.base)
            if isinstance(job, Record):  # it was taken back since it was looked at
                finish_new(job)
            else:
                yield job

    for record in surveyed.kept.values():
        finish(record)
    for record in surveyed.found.values():
        finish_new(record)
    if surveyed.waiting:
        with open_pool(plan, min(workers, len(surveyed.waiting))) as pool:
            for record in pool.grade(jobs()):
                finish_new(record)
    return [records[student] for student in surveyed.students]


def record_for(root: Path, assignment_id: str, student: str) -> Record:
    """Return the record of one submission in the course at `root`, grading it if that has not been done.

    The grading process is kept for the next call: nbgrader asks for one submission at a time.
    """
    plan = make_plan(root, assignment_id)
    return grade(plan, [student], open_pool=_standing_pool)[0]


_standing: dict[tuple[str, str], Pool] = {}


def _standing_pool(plan: Plan, workers: int) -> AbstractContextManager[Pool]:
    """Return a pool that lives until this process ends, or until the course has changed."""
    key = (base_of(plan.course, plan.assignment, plan.confined), str(plan.course.root))
    if key not in _standing:
        for old in _standing.values():
            old.close()
        _standing.clear()
        _standing[key] = local_pool(plan, workers)
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
    fingerprint = fingerprint_of(base, student, path.name, notes, data)
    return Job(student=student, notebook=data, notes=notes, fingerprint=fingerprint)


def _still_true(record: Record, job: Job) -> bool:
    """Say whether grading again could not change a record; what failed by the grader's own fault is tried again."""
    return record.fingerprint == job.fingerprint and record.status != "grader_fault"
