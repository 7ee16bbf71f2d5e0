"""Fills nbgrader's gradebook with results, and writes the feedback: nbgrader's own `autograde`, run in this process.

What nbgrader is shown is a scratch copy of the notebooks that were graded, under the name that it expects, without the
other files that students hand in. Afterwards the gradebook is read back: a mark that did not arrive is reported.
"""

from __future__ import annotations

import copy
import fcntl
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import AutograderError, GraderFault, NotGradable, UsageError
from autograder.host import marks
from autograder.host.environment import put_programs_on_path, quietly
from autograder.host.release import last_words
from autograder.host.wording import escaped
from autograder.records import Record
from autograder.submission import CHECK_PREFIX, find_notebook, read_bytes

CONFIG = "nbgrader_config.py"
LOCK = ".gradebook.lock"

_PATTERN = re.compile(r"^\.|[\[\]*?]")
"""nbgrader finds folders by pattern: such a name hits those of others, or none."""
_UNFIT = "nbgrader takes this name for a pattern. Rename the folder of the submission and grade again"
_MARKUP = re.compile(r"[<>\"\\\x00-\x1f\x7f]")
"""The formgrader writes ids into its pages and scripts as they are, and a line break stops nbgrader's whole batch."""
_UNSAFE = "nbgrader cannot show this name safely. Rename the folder of the submission and grade again"


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
) -> dict[str, str]:
    """Put results into the gradebook of the course at `root`, and write `autograded/` and `feedback/` for them.

    A submission that was not graded loses the automatic grade, the feedback and the autograded copy of an earlier run.
    Everything is written anew, so a run that was stopped half-way is made good by the next one.

    Args:
        root: the course
        assignment_id: the assignment that all records belong to
        records: one for each student
        submitted: where the submissions are; by default nbgrader's folder in the course
        on_student: called with each student, for progress
        on_wait: called when another grader is filling the gradebook, which has to be waited for

    Returns:
        for each student whose results did not arrive whole, what went wrong

    Raises:
        UsageError: when there is no `nbgrader_config.py` or no release, or nbgrader refuses the assignment.
        GraderFault: when the gradebook cannot be read or written.
    """
    by_student = {record.student: record for record in records}
    config = read_config(root)
    course = CourseDirectory(config=config)
    with _only_filler(Path(course.root), on_wait), marks.faults(course.db_url):
        try:
            return _fill(config, course, assignment_id, by_student, submitted, on_student)
        except OSError as error:
            where, reason = error.filename or course.root, str(error.strerror or error).lower()
            raise GraderFault(
                f"the gradebook could not be filled: {where}: {reason}. "
                "The records are kept; mend that and run the same command again"
            ) from None


def _fill(
    config: Config,
    course: Any,
    assignment_id: str,
    by_student: dict[str, Record],
    submitted: Path | None,
    on_student: Callable[[str], None],
) -> dict[str, str]:
    problems = {student: _UNSAFE for student in by_student if _MARKUP.search(student)}
    by_student = {student: record for student, record in by_student.items() if student not in problems}
    graded = {name: record for name, record in by_student.items() if record.status == "graded"}
    register(Path(course.root), assignment_id)
    for student, record in by_student.items():
        if student not in graded:
            on_student(student)
            _take_back(course, assignment_id, student, " ".join(record.notes))
    for student in [name for name in graded if _PATTERN.search(name)]:
        on_student(student)
        problems[student] = _UNFIT
        _take_back(course, assignment_id, student, _UNFIT)
        del graded[student]
    if not graded:
        return problems
    scratch = Path(tempfile.mkdtemp(prefix=marks.SCRATCH, dir=course.root))
    try:
        problems |= _stage(submitted or Path(course.root, course.submitted_directory), scratch, assignment_id, graded)
        said = _autograde(config, assignment_id, scratch.name, _handing_over(graded, on_student))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for student, record in graded.items():
        if not _arrived(course, record):
            problems.setdefault(student, _reason(said, student, assignment_id))
            _take_back(course, assignment_id, student, problems[student])
    problems |= _write_feedback(config, assignment_id, set(graded) - set(problems))
    return problems


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
        yield


def read_scores(root: Path, assignment_id: str) -> dict[str, float | None]:
    """Return each student's score as the gradebook has it, None where there is none."""
    put_programs_on_path()
    db_url = CourseDirectory(config=read_config(root)).db_url
    with marks.faults(db_url):
        return marks.read_scores(db_url, assignment_id)


def read_config(root: Path) -> Config:
    """Return the settings in the course's `nbgrader_config.py`, whatever folder one stands in.

    Raises:
        UsageError: when there is no such file or it fails.
    """
    put_programs_on_path()
    if not (root / CONFIG).is_file():
        raise UsageError(f"{root / CONFIG} is missing; without it nbgrader would run student code itself")
    try:
        config = Config(PyFileConfigLoader(CONFIG, path=str(root)).load_config())
    except Exception as error:  # it is Python, and can fail in any way
        raise UsageError(f"{root / CONFIG} fails: {type(error).__name__}: {error}") from None
    if "root" not in config.CourseDirectory:
        config.CourseDirectory.root = str(root.resolve())
    return config


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


def _stage(submitted: Path, scratch: Path, assignment_id: str, graded: Iterable[str]) -> dict[str, str]:
    """Copy the notebooks that were graded into the scratch folder; returns those that could not be copied."""
    problems = {}
    for student in graded:
        folder, staged = submitted / student / assignment_id, scratch / student / assignment_id
        staged.mkdir(parents=True)
        try:
            notebook, _ = find_notebook(folder, assignment_id)
            data = read_bytes(notebook, float("inf"))
        except (OSError, NotGradable) as error:
            problems[student] = f"the notebook cannot be read any more: {error}"
            continue
        (staged / f"{assignment_id}.ipynb").write_bytes(data)
        if _is_timestamp(folder / "timestamp.txt"):
            shutil.copyfile(folder / "timestamp.txt", staged / "timestamp.txt")
    return problems


def _is_timestamp(path: Path) -> bool:
    """Say whether nbgrader can read the time of a submission; it would stop for one that it cannot."""
    try:
        return path.is_file() and not path.is_symlink() and parse_utc(path.read_text().strip()) is not None
    except (OSError, ValueError, OverflowError):
        return False


def _handing_over(records: dict[str, Record], on_student: Callable[[str], None]) -> Callable[..., Record]:
    def record_for(root: Path, assignment: str, student: str) -> Record:
        on_student(student)
        return records[student]

    return record_for


def _autograde(config: Config, assignment_id: str, submitted: str, record_for: Callable[..., Record]) -> list[str]:
    config = copy.deepcopy(config)
    config.CourseDirectory.submitted_directory = submitted
    config.GradeOutside.record_for = record_for
    return _run(Autograde, config, assignment_id) or []


def _arrived(course: Any, record: Record) -> bool:
    """Say whether the gradebook has exactly the scores of a record."""
    found = marks.read_auto_scores(course.db_url, record.assignment, record.student)
    expected = {CHECK_PREFIX + exercise.id: exercise.score for exercise in record.exercises}
    return set(found) >= set(expected) and all(marks.same(found[name], expected[name]) for name in expected)


def _reason(said: list[str], student: str, assignment_id: str) -> str:
    """Find in nbgrader's log why a submission failed: it names the folder, and the traceback follows."""
    for index, line in enumerate(said):
        if line.startswith("There was an error processing") and line.endswith(f"/{student}/{assignment_id}"):
            return last_words(said[index + 1 : index + 2])
    return "nbgrader did not take the results: " + last_words(said)


def _take_back(course: Any, assignment_id: str, student: str, reason: str) -> None:
    marks.withdraw(course.db_url, assignment_id, student, f"Not graded: {escaped(reason)}")
    for step in (course.autograded_directory, course.feedback_directory):
        shutil.rmtree(course.format_path(step, student, assignment_id), ignore_errors=True)


class _FeedbackFor(GenerateFeedback):  # type: ignore[misc]  # nbgrader has no types
    """Feedback for some students in one run."""

    def __init__(self, *args: Any, students: set[str], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._students = students

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Say whether to go on with this student."""
        return student_id in self._students and bool(super().init_destination(assignment_id, student_id))


def _write_feedback(config: Config, assignment_id: str, students: set[str]) -> dict[str, str]:
    """Write feedback; returns for whom that failed, and why."""
    if not students:
        return {}
    said = _run(_FeedbackFor, config, assignment_id, students=students) or []
    course = CourseDirectory(config=config)
    return {
        student: f"no feedback was written: {_reason(said, student, assignment_id)}"
        for student in sorted(students)
        if not any(Path(course.format_path(course.feedback_directory, student, assignment_id)).glob("*.html"))
    }
