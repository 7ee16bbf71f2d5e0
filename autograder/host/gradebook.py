"""Fills nbgrader's gradebook with the results of a class, and writes the copies and pages that belong to them.

First the autograded copies are written, then the marks of the whole class in one transaction, then the feedback pages.
Before that ends the gradebook is read back: a mark that did not arrive is reported. What has arrived and has not
changed since is not done again (`arrived`).
"""

from __future__ import annotations

import fcntl
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from autograder.errors import AutograderError, GraderFault, UsageError
from autograder.host import arrived, marks, rows
from autograder.host.copies import TIMESTAMP, CopyJob, CopySetup, write_copies
from autograder.host.crew import Crew, crew, workers_for
from autograder.host.environment import put_programs_on_path, quietly
from autograder.host.feedback import PageJob, PageSetup, write_pages
from autograder.host.penalties import late_penalties
from autograder.host.release import last_words
from autograder.host.settings import CONFIG, read_config
from autograder.host.wording import escaped
from autograder.records import Record, remove_parts
from autograder.submission import CHECK_PREFIX

__all__ = ["CONFIG", "LOCK", "fill_gradebook", "look_at_gradebook", "read_config", "read_scores", "register"]

LOCK = ".gradebook.lock"

_PATTERN = re.compile(r"^\.|[\[\]*?]")
"""nbgrader finds folders by pattern: such a name hits those of others, or none."""
_UNFIT = "nbgrader takes this name for a pattern. Rename the folder of the submission and grade again"
_MARKUP = re.compile(r"[<>\"\\\x00-\x1f\x7f]")
"""The formgrader writes ids into its pages and scripts as they are, and a line break stops nbgrader's whole batch."""
_UNSAFE = "nbgrader cannot show this name safely. Rename the folder of the submission and grade again"

_LONGEST_ID = 128
"""Characters of an id in nbgrader's tables; SQLite takes longer ones, a server does not."""
_TOO_LONG = f"nbgrader takes names of {_LONGEST_ID} characters. Rename the folder of the submission and grade again"
_NO_ROWS = "the gradebook knows this submission with other cells. Remove it with `nbgrader db` and grade again"


def look_at_gradebook(root: Path, assignment_id: str) -> None:
    """Make sure, without changing anything, that the gradebook of the course at `root` can take results.

    Raises:
        UsageError: when there is no `nbgrader_config.py` or no source.
        GraderFault: when the gradebook is locked, damaged, or none of this nbgrader.
    """
    config = read_config(root)
    _source(config, root, assignment_id)
    marks.look(CourseDirectory(config=config).db_url)


def fill_gradebook(
    root: Path,
    assignment_id: str,
    records: Iterable[Record],
    submitted: Path | None = None,
    on_student: Callable[[str], None] = lambda student: None,
    on_wait: Callable[[], None] = lambda: None,
    workers: int | None = None,
) -> dict[str, str]:
    """Put results into the gradebook of the course at `root`, and write `autograded/` and `feedback/` for them.

    A submission that was not graded loses the automatic grade, the feedback and the autograded copy of an earlier run.
    What is not known to have arrived is written anew, so a run that was stopped half-way is made good by the next one.

    Args:
        root: the course
        assignment_id: the assignment that all records belong to
        records: one for each student
        submitted: where the submissions are; by default nbgrader's folder in the course
        on_student: called with each student, for progress
        on_wait: called when another grader is filling the gradebook, which has to be waited for
        workers: how many processes share the work; by default as many as there are cores if the class is large

    Returns:
        for each student whose results did not arrive whole, what went wrong

    Raises:
        UsageError: when there is no `nbgrader_config.py` or no release, or nbgrader refuses the assignment.
        GraderFault: when the gradebook cannot be read or written.
    """
    by_student = {record.student: record for record in records}
    course = CourseDirectory(config=read_config(root))
    submitted = submitted or Path(course.root, course.submitted_directory)
    with _only_filler(Path(course.root), on_wait), marks.faults(course.db_url):
        left = arrived.as_left(root, assignment_id)
        if left is not None and left.holds(by_student.values(), submitted):
            for student in by_student:
                on_student(student)
            return {}
        try:
            with crew(workers_for(len(by_student)) if workers is None else workers) as hands:
                return _Filling(root, course, assignment_id, submitted.resolve(), hands, on_student).fill(by_student)
        except OSError as error:
            where, reason = error.filename or course.root, str(error.strerror or error).lower()
            raise GraderFault(
                f"the gradebook could not be filled: {where}: {reason}. "
                "The records are kept; mend that and run the same command again"
            ) from None


class _Filling:
    """One run, for one assignment."""

    def __init__(
        self,
        root: Path,
        course: Any,
        assignment: str,
        submitted: Path,
        hands: Crew,
        on_student: Callable[[str], None],
    ) -> None:
        self._root, self._course, self._assignment = root, course, assignment
        self._submitted, self._hands, self._on_student = submitted, hands, on_student
        self._problems: dict[str, str] = {}

    def fill(self, by_student: dict[str, Record]) -> dict[str, str]:
        """Do all there is to do; returns what went wrong, by student."""
        # Noted as it is now: what changes while we are at it has not arrived.
        self._base = self._base_now()
        given = {student: arrived.given(record, self._submitted) for student, record in by_student.items()}
        register(self._root, self._assignment)
        self._problems = {student: reason for student in by_student if (reason := self._unnameable(student))}
        todo = {student: record for student, record in by_student.items() if student not in self._problems}
        times = {student: _time_of(self._submitted / student / self._assignment / TIMESTAMP) for student in todo}
        before = self._enter(times)
        kept = self._kept(todo, before)
        for student in kept:
            self._on_student(student)
            del todo[student]
        reasons = {s: " ".join(r.notes) for s, r in todo.items() if r.status != "graded"}
        self._problems |= {s: reason for s in todo if s not in reasons and (reason := self._unfit(s))}
        graded = {s: r for s, r in todo.items() if s not in reasons and s not in self._problems}
        found = self._copy(graded, times)
        reasons |= {student: self._problems[student] for student in todo if student in self._problems}
        held = self._mark(found, graded, reasons)
        self._write_pages([student for student in graded if student not in self._problems], held)
        self._note(given)
        return self._problems

    def _enter(self, times: dict[str, datetime | None]) -> dict[str, rows.Held]:
        """Have everybody in the gradebook, and return what it held of each before."""
        with rows.open_rows(self._course.db_url) as session:
            self._source = rows.read_source(session, self._assignment)
            before = rows.read(session, self._source)
            rows.enter(session, self._source, times)
        return before

    def _kept(self, todo: dict[str, Record], held: dict[str, rows.Held]) -> set[str]:
        """Return for whom everything has arrived already, and is as it was then."""
        note = arrived.read_note(self._root, self._assignment)
        if note is None or note.base != self._base:
            return set()
        return {
            student
            for student, record in todo.items()
            if student in held
            and note.holds_one(record, self._submitted)
            and note.students[student].rows == held[student].digest(self._source.duedate)
        }

    def _base_now(self) -> str:
        """Return what the note depends on; empty where there can be no note."""
        try:
            return arrived.base_of(self._root, self._assignment)
        except UsageError:
            return ""

    def _unnameable(self, student: str) -> str:
        """Return why a student of this id cannot be in the gradebook at all, or an empty text."""
        if _MARKUP.search(student):
            return _UNSAFE
        return _TOO_LONG if len(student) > _LONGEST_ID and not marks.file_of(self._course.db_url) else ""

    def _unfit(self, student: str) -> str:
        """Return why nbgrader cannot take this student's results, or an empty text."""
        if _PATTERN.search(student):
            return _UNFIT
        if student in self._course.student_id_exclude.split(","):
            return f"{CONFIG} leaves this student out (student_id_exclude)"
        return ""

    def _copy(self, graded: dict[str, Record], times: dict[str, datetime | None]) -> dict[str, rows.Marks]:
        """Write the autograded copies, and return what is to be written into the gradebook."""
        found = {}
        jobs = (CopyJob(record, times[student] is not None) for student, record in graded.items())
        for copied in self._hands.run(write_copies, CopySetup(self._root, self._submitted, self._source), jobs):
            if copied.marks is None:
                self._problems[copied.student] = copied.problem
            else:
                found[copied.student] = copied.marks
        return found

    def _mark(
        self, found: dict[str, rows.Marks], graded: dict[str, Record], reasons: dict[str, str]
    ) -> dict[str, rows.Held]:
        """Write the marks of all in one transaction, read them back, and take back what did not arrive."""
        with rows.open_rows(self._course.db_url) as session:
            held = rows.read(session, self._source)
            for student in [student for student in found if _lacks(held.get(student), found[student])]:
                self._problems[student] = reasons[student] = _NO_ROWS
                del found[student]
            rows.write(session, held, found)
            penalties, unknown = late_penalties(self._root, self._source, {s: held[s] for s in found})
            rows.write_penalties(session, held, penalties)
            session.flush()
            held = rows.read(session, self._source)
            for student in found:
                if student in unknown or not _arrived(held[student], graded[student]):
                    self._problems[student] = unknown.get(student, "nbgrader did not take the results")
                    reasons[student] = self._problems[student]
            rows.withdraw(session, held, {s: f"Not graded: {escaped(reason)}" for s, reason in reasons.items()})
        for student in reasons:
            self._on_student(student)
            for folder in self._folders(student):
                shutil.rmtree(folder, ignore_errors=True)
        return held

    def _write_pages(self, students: list[str], held: dict[str, rows.Held]) -> None:
        jobs = (PageJob(student, held[student]) for student in students)
        for student, problem in self._hands.run(write_pages, PageSetup(self._root, self._source), jobs):
            self._on_student(student)
            if problem:
                self._problems[student] = problem

    def _note(self, given: dict[str, str]) -> None:
        """Write down what has arrived; of others than these students what was noted before and still holds."""
        if not self._base:
            return
        path = str(marks.file_of(self._course.db_url) or "")
        stamp = arrived.gradebook_stamp(path) if path else ""
        with rows.open_rows(self._course.db_url) as session:
            digests = {s: h.digest(self._source.duedate) for s, h in rows.read(session, self._source).items()}
        if path and arrived.gradebook_stamp(path) != stamp:
            stamp = ""  # somebody else has written meanwhile
        old = arrived.read_note(self._root, self._assignment)
        students = dict(old.students) if old is not None and old.base == self._base else {}
        students = {s: entry for s, entry in students.items() if digests.get(s) == entry.rows}
        for student in given:
            students.pop(student, None)
            if student not in self._problems:
                folders = self._folders(student)
                students[student] = arrived.Entry(
                    given=given[student],
                    rows=digests[student],
                    folders=[str(folder) for folder in folders],
                    files=[arrived.stamps(folder) for folder in folders],
                )
        arrived.write_note(self._root, self._assignment, self._base, path, stamp, students)

    def _folders(self, student: str) -> list[Path]:
        """Return where the copy and the page of a student are."""
        course = self._course
        steps = (course.autograded_directory, course.feedback_directory)
        return [Path(course.format_path(step, student, self._assignment)) for step in steps]


@contextmanager
def _only_filler(root: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Be the only one who fills the gradebook of a course, and clear away what a killed run left.

    Graders of other assignments share the gradebook, so another one is waited for and not refused.

    Raises:
        UsageError: when the course's folder cannot be written to.
    """
    try:
        lock = (root / LOCK).open("w")
    except OSError as error:
        raise UsageError(f"{root} cannot be written to: {error.strerror}. The records are kept") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in root.glob(marks.SCRATCH + "*"):
            shutil.rmtree(left, ignore_errors=True)
        remove_parts(root)
        yield


def read_scores(root: Path, assignment_id: str) -> dict[str, float | None]:
    """Return each student's score as the gradebook has it, None where there is none."""
    put_programs_on_path()
    db_url = CourseDirectory(config=read_config(root)).db_url
    with marks.faults(db_url):
        return marks.read_scores(db_url, assignment_id)


def register(root: Path, assignment_id: str) -> None:
    """Make the gradebook know the cells and points of `source/ASSIGNMENT/`; `release/` is not touched.

    Raises:
        UsageError: when there is no such source, or exercises were added or removed after students handed in.
    """
    config = read_config(root)
    _source(config, root, assignment_id)
    marks.make_if_missing(CourseDirectory(config=config).db_url)
    with tempfile.TemporaryDirectory(prefix=marks.SCRATCH, dir=config.CourseDirectory.root) as scratch:
        config.CourseDirectory.release_directory = Path(scratch).name
        said = _run(GenerateAssignment, config, assignment_id)
    if said is not None:
        raise UsageError(f"nbgrader refuses {assignment_id}: {last_words(said)}")


def _source(config: Config, root: Path, assignment_id: str) -> None:
    if not Path(config.CourseDirectory.root, "source", assignment_id).is_dir():
        raise UsageError(f"source/{assignment_id} is missing in {root}. Run `autograder build`")


def _run(converter: Any, config: Config, assignment_id: str, **settings: Any) -> list[str] | None:
    """Run one of nbgrader's converters; returns what it said when it failed, None when it did not.

    Raises:
        SQLAlchemyError: when it failed for the gradebook.
        OSError: when it could not write.
        GraderFault: when it failed in a way of which nbgrader does not know.
    """
    with quietly() as (log, said):
        course = CourseDirectory(config=config, log=log, assignment_id=assignment_id)
        step = converter(coursedir=course, config=config, log=log, force=True, **settings)
        try:
            step.start()
        except NbGraderException as error:
            if isinstance(error.__context__, SQLAlchemyError):
                raise error.__context__ from None
            return said
        except (OSError, SQLAlchemyError, AutograderError):
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            raise GraderFault(f"nbgrader failed over {assignment_id}: {type(error).__name__}: {first}") from error
    return None


def _time_of(path: Path) -> datetime | None:
    """Return the time of a submission, None when nbgrader could not read it; it would stop for that."""
    try:
        return parse_utc(path.read_text().strip()) if path.is_file() and not path.is_symlink() else None
    except (OSError, ValueError, OverflowError):
        return None


def _lacks(held: rows.Held | None, found: rows.Marks) -> bool:
    """Say whether the gradebook has no place for some of the marks."""
    return held is None or not (
        found.scores.keys() <= held.grades.keys() and found.comments.keys() <= held.comments.keys()
    )


def _arrived(held: rows.Held, record: Record) -> bool:
    """Say whether the gradebook has exactly the scores of a record."""
    found = {name: row.auto for name, row in held.grades.items()}
    expected = {CHECK_PREFIX + exercise.id: exercise.score for exercise in record.exercises}
    return set(found) >= set(expected) and all(marks.same(found[name], expected[name]) for name in expected)
