"""The gradebook's rows of one assignment, for a whole class at a time.

nbgrader's own interface looks up one cell of one student per query and commits each. Here its tables are read in four
queries and written in one transaction, and hold afterwards what its own commands would have put there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    GradeCell,
    Notebook,
    SolutionCell,
    SourceCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
    new_uuid,
)
from sqlalchemy import create_engine, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from autograder.errors import UsageError


@dataclass(frozen=True)
class Cell:
    """One cell of the source notebook; what a kind of cell does not have is None."""

    name: str
    id: str = ""
    max_score: float | None = None
    cell_type: str | None = None
    locked: bool | None = None
    source: str | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class Source:
    """The notebook of an assignment as the gradebook knows it; its lists are called like those of nbgrader's own."""

    id: str
    name: str
    assignment: str
    duedate: datetime | None
    kernelspec: str | None
    grade_cells: tuple[Cell, ...]
    task_cells: tuple[Cell, ...]
    solution_cells: tuple[Cell, ...]
    source_cells: tuple[Cell, ...]

    @property
    def points(self) -> float:
        """Return what the notebook can earn."""
        return sum(cell.max_score or 0.0 for cell in (*self.grade_cells, *self.task_cells))


@dataclass
class GradeRow:
    """What one graded cell of one submission has."""

    id: str
    auto: float | None
    manual: float | None
    extra: float | None
    open: bool
    """Whether a person has to look at it."""

    @property
    def score(self) -> float:
        """Return what counts: a person's score before the automatic one, with extra credit; nothing counts as 0."""
        counted = self.manual if self.manual is not None else self.auto
        return 0.0 if counted is None else counted + (self.extra or 0.0)

    @property
    def has_score(self) -> bool:
        """Say whether a grader or a person has given a score."""
        return self.auto is not None or self.manual is not None


@dataclass
class CommentRow:
    """The comments on one solution of one submission."""

    id: str
    auto: str | None
    manual: str | None

    @property
    def text(self) -> str | None:
        """Return the one that is shown: a person's before the automatic one."""
        return self.manual if self.manual is not None else self.auto


@dataclass
class Held:
    """What the gradebook holds of one submission, by the names of cells."""

    id: str
    notebook_id: str
    timestamp: datetime | None
    extension: timedelta | None
    penalty: float | None
    grades: dict[str, GradeRow] = field(default_factory=dict)
    comments: dict[str, CommentRow] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """Return the points of all cells, before any penalty."""
        return sum((row.score for row in self.grades.values()), 0.0)

    @property
    def is_graded(self) -> bool:
        """Say whether every graded cell has a score."""
        return all(row.has_score for row in self.grades.values())

    def seconds_late(self, duedate: datetime | None) -> float:
        """Return by how much the submission came after the due date of this student."""
        if self.timestamp is None or duedate is None:
            return 0.0
        return max(0.0, (self.timestamp - duedate - (self.extension or timedelta())).total_seconds())

    def digest(self, duedate: datetime | None) -> str:
        """Return a hash of everything that a mark and a feedback page depend on."""
        grades = sorted((name, r.auto, r.manual, r.extra, r.open) for name, r in self.grades.items())
        comments = sorted((name, r.auto, r.manual) for name, r in self.comments.items())
        parts = (grades, comments, self.timestamp, self.extension, self.penalty, duedate)
        return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Marks:
    """What grading found for one submission, by the names of cells."""

    scores: dict[str, float | None]
    comments: dict[str, str | None]


@contextmanager
def open_rows(db_url: str) -> Iterator[Session]:
    """Open the gradebook for one transaction: written as a whole at the end, or not at all."""
    engine = create_engine(db_url, poolclass=NullPool)
    with Session(engine) as session, session.begin():
        yield session


def read_source(session: Session, assignment: str) -> Source:
    """Return the notebook of an assignment that is called like it.

    Raises:
        UsageError: when the gradebook does not know it.
    """
    query = (
        select(Notebook.id, Notebook.kernelspec, Assignment.duedate)
        .join(Assignment, Assignment.id == Notebook.assignment_id)
        .where(Assignment.name == assignment, Notebook.name == assignment)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise UsageError(f"the gradebook knows no notebook {assignment} of {assignment}. Run `autograder build`")

    def cells(kind: Any, *columns: str) -> tuple[Cell, ...]:
        wanted = ("name", "id", *columns)
        rows = session.execute(select(*(getattr(kind, name) for name in wanted)).where(kind.notebook_id == found.id))
        return tuple(Cell(**dict(zip(wanted, row, strict=True))) for row in rows)

    return Source(
        id=found.id,
        name=assignment,
        assignment=assignment,
        duedate=found.duedate,
        kernelspec=found.kernelspec,
        grade_cells=cells(GradeCell, "max_score", "cell_type"),
        task_cells=cells(TaskCell, "max_score", "cell_type"),
        solution_cells=cells(SolutionCell),
        source_cells=cells(SourceCell, "cell_type", "locked", "source", "checksum"),
    )


def enter(session: Session, source: Source, timestamps: dict[str, datetime | None]) -> None:
    """Make sure that students and their submissions are in the gradebook, each with a row for every cell.

    Args:
        session: the gradebook
        source: of the assignment that was handed in
        timestamps: when, by student, in UTC; None leaves what is there
    """
    assignment_id = session.execute(select(Assignment.id).where(Assignment.name == source.assignment)).scalar_one()
    known = set(session.execute(select(Student.id)).scalars())
    _add(session, Student, ({"id": student} for student in timestamps if student not in known))
    query = select(SubmittedAssignment.student_id, SubmittedAssignment.id)
    submissions: dict[str, str] = dict(
        session.execute(query.where(SubmittedAssignment.assignment_id == assignment_id)).all()
    )
    moved = [
        {"id": submissions[student], "timestamp": timestamp}
        for student, timestamp in timestamps.items()
        if timestamp is not None and student in submissions
    ]
    _change(session, SubmittedAssignment, moved)
    new = {student: new_uuid() for student in timestamps if student not in submissions}
    fresh = [
        {"id": new[student], "assignment_id": assignment_id, "student_id": student, "timestamp": timestamps[student]}
        for student in new
    ]
    _add(session, SubmittedAssignment, fresh)
    notebooks = [{"id": new_uuid(), "assignment_id": id, "notebook_id": source.id} for id in new.values()]
    _add(session, SubmittedNotebook, notebooks)
    ids = [notebook["id"] for notebook in notebooks]
    graded, solved = (*source.grade_cells, *source.task_cells), (*source.solution_cells, *source.task_cells)
    _add(session, Grade, ({"cell_id": cell.id, "notebook_id": id} for id in ids for cell in graded))
    _add(session, Comment, ({"cell_id": cell.id, "notebook_id": id} for id in ids for cell in solved))


def read(session: Session, source: Source) -> dict[str, Held]:
    """Return what the gradebook holds of each submission of an assignment, by student."""
    query = select(
        SubmittedAssignment.student_id,
        SubmittedAssignment.id,
        SubmittedNotebook.id,
        SubmittedAssignment.timestamp,
        SubmittedAssignment.extension,
        SubmittedNotebook.late_submission_penalty,
    ).join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
    rows = session.execute(query.where(SubmittedNotebook.notebook_id == source.id))
    found: dict[str, Held] = {student: Held(*rest) for student, *rest in rows}
    by_notebook = {held.notebook_id: held for held in found.values()}
    grade_columns = (Grade.id, Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade)
    for notebook, name, *rest in _of_cells(session, source, Grade, grade_columns):
        by_notebook[notebook].grades[name] = GradeRow(*rest)
    comment_columns = (Comment.id, Comment.auto_comment, Comment.manual_comment)
    for notebook, name, *rest in _of_cells(session, source, Comment, comment_columns):
        by_notebook[notebook].comments[name] = CommentRow(*rest)
    return found


def _of_cells(session: Session, source: Source, kind: Any, columns: Iterable[Any]) -> Iterable[Any]:
    query = (
        select(kind.notebook_id, BaseCell.name, *columns)
        .join(BaseCell, BaseCell.id == kind.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
        .where(SubmittedNotebook.notebook_id == source.id)
    )
    return session.execute(query)


def write(session: Session, held: dict[str, Held], marks: dict[str, Marks]) -> None:
    """Put automatic scores and comments into the gradebook; what a person has entered stays.

    Args:
        session: the gradebook
        held: what it holds, by student; brought up to date
        marks: what was found, for some of these students
    """
    grades, comments = [], []
    for student, found in marks.items():
        for name, score in found.scores.items():
            row = held[student].grades[name]
            row.auto, row.open = score, score is None or row.manual is not None
            grades.append({"id": row.id, "auto_score": row.auto, "needs_manual_grade": row.open})
        for name, text in found.comments.items():
            comment = held[student].comments[name]
            comment.auto = text
            comments.append({"id": comment.id, "auto_comment": text})
    _change(session, Grade, grades)
    _change(session, Comment, comments)


def write_penalties(session: Session, held: dict[str, Held], penalties: dict[str, float | None]) -> None:
    """Put penalties for late submissions into the gradebook, by student; None takes one away."""
    for student, penalty in penalties.items():
        held[student].penalty = penalty
    ids = {student: held[student].notebook_id for student in penalties}
    _change(session, SubmittedNotebook, [{"id": ids[s], "late_submission_penalty": p} for s, p in penalties.items()])


def withdraw(session: Session, held: dict[str, Held], reasons: dict[str, str]) -> None:
    """Leave no automatic grade of these submissions standing, and say why in their comments; see `marks.withdraw`."""
    write(
        session,
        held,
        {
            student: Marks(dict.fromkeys(held[student].grades), dict.fromkeys(held[student].comments, reason))
            for student, reason in reasons.items()
            if student in held
        },
    )


def _add(session: Session, kind: Any, rows: Iterable[dict[str, Any]]) -> None:
    if found := list(rows):
        session.execute(insert(kind), found)


def _change(session: Session, kind: Any, rows: Iterable[dict[str, Any]]) -> None:
    if found := list(rows):
        session.execute(update(kind), found)
