"""Marks in nbgrader's gradebook: whether it can be used, taking marks back, and reading them."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbgrader
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from nbgrader.api import Base, Gradebook
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from autograder.errors import GraderFault, UsageError
from autograder.host import rows
from autograder.host.environment import unwarned

TOLERANCE = 1e-6
"""Two sums of points that differ by less are the same mark."""
SCRATCH = ".grading-"
"""How folders begin that live as long as one run."""


@contextmanager
def faults(db_url: str) -> Iterator[None]:
    """Turn errors of the database into one line that says what to do.

    Raises:
        GraderFault: when the gradebook cannot be read or written.
    """
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        remedy = "Close what else has it open" if "locked" in cause else "Mend that"
        raise GraderFault(
            f"the gradebook {_name(db_url)} cannot be used: {cause}. {remedy} and run the same command again; "
            "records are kept, and --no-gradebook writes records alone"
        ) from None


def look(db_url: str) -> None:
    """Make sure that the gradebook is whole, is nbgrader's, and can be written to; one that is not there yet is fine.

    Changes nothing: nbgrader would put its tables into any database that it is shown.

    Raises:
        GraderFault: when it is not so.
    """
    path = file_of(db_url)
    if path is not None:
        # SQLite begins a transaction that only reads when it may not write, and says nothing.
        for needed in (path.parent, path):
            if needed.exists() and not os.access(needed, os.W_OK):
                raise GraderFault(f"the gradebook cannot be written: {needed} is read-only. Mend that and run again")
        if _is_new(path):
            return
    with faults(db_url), create_engine(db_url, poolclass=NullPool).connect() as connection:
        if path is not None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # waits a few seconds for who writes just now
            damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if damage != "ok":
                raise GraderFault(f"the gradebook {path} is damaged ({damage}): put a backup in its place")
        if missing := _missing(connection):
            raise GraderFault(
                f"{_name(db_url)} is no gradebook of this nbgrader: it has no {missing}. "
                "If it is one of an older nbgrader, make a backup and run `nbgrader db upgrade`; else move it away"
            )


def _missing(connection: Connection) -> str:
    """Return a table or column that nbgrader needs and the database lacks, or an empty text."""
    found = inspect(connection)
    tables = set(found.get_table_names())
    if not tables:
        return ""  # nbgrader makes them
    for name, table in Base.metadata.tables.items():
        if name not in tables:
            return f"table {name}"
        columns = {column["name"] for column in found.get_columns(name)}
        if lacking := sorted({column.name for column in table.columns} - columns):
            return f"column {name}.{lacking[0]}"
    return ""


def make_if_missing(db_url: str) -> None:
    """Make a new gradebook if there is none, whole or not at all: nbgrader makes its tables one by one.

    Raises:
        GraderFault: when it cannot be made.
    """
    path = file_of(db_url)
    if path is None:
        with faults(db_url), create_engine(db_url, poolclass=NullPool).begin() as connection:
            if not inspect(connection).get_table_names():
                _make_tables(connection)
        return
    if not _is_new(path):
        return
    with faults(db_url), tempfile.TemporaryDirectory(prefix=SCRATCH, dir=path.parent) as scratch:
        made = Path(scratch, path.name)
        with create_engine(f"sqlite:///{made}", poolclass=NullPool).begin() as connection:
            _make_tables(connection)
        # What SQLite wrote down about an earlier file of this name would be undone in the new one.
        for trace in ("-journal", "-wal", "-shm"):
            path.with_name(path.name + trace).unlink(missing_ok=True)
        made.replace(path)


def _make_tables(connection: Connection) -> None:
    """Do what nbgrader does with an empty database.

    It would start the program `alembic` to learn the version of its own tables, which takes seconds.
    """
    versions = ScriptDirectory(str(Path(nbgrader.__file__).with_name("alembic")))
    with unwarned():
        Base.metadata.create_all(connection)
        MigrationContext.configure(connection).stamp(versions, "head")


def file_of(db_url: str) -> Path | None:
    """Return the file of a gradebook, None when it is no file but on a server."""
    url = make_url(db_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _is_new(path: Path) -> bool:
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _name(db_url: str) -> str:
    return str(file_of(db_url) or make_url(db_url).render_as_string(hide_password=True))


def withdraw(db_url: str, assignment_id: str, student: str, reason: str) -> None:
    """Leave no automatic grade of a submission standing, and say why in its comments.

    What a person has entered (manual scores, extra credit, comments) stays. The submission then needs manual grading,
    which is how nbgrader shows that something has no grade yet. A submission that the gradebook does not know is
    entered: otherwise it would count as not handed in, with 0 points.
    """
    with unwarned(), Gradebook(db_url) as gradebook:
        gradebook.update_or_create_student(student)
        submission = gradebook.update_or_create_submission(assignment_id, student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score = None
                grade.needs_manual_grade = True
            for comment in notebook.comments:
                comment.auto_comment = reason
        gradebook.db.commit()


def is_graded(submission: Any) -> bool:
    """Say whether every graded cell of a submission has a score, from the grader or from a person."""
    return all(
        grade.auto_score is not None or grade.manual_score is not None
        for notebook in submission.notebooks
        for grade in notebook.grades
    )


def read_scores(db_url: str, assignment_id: str) -> dict[str, float | None]:
    """Return each student's score in the gradebook, None for a submission that is not graded.

    Empty when there is no gradebook yet, or it does not know the assignment.
    """
    make_if_missing(db_url)
    with rows.open_rows(db_url) as session:
        try:
            source = rows.read_source(session, assignment_id)
        except UsageError:
            return {}
        return {student: held.score if held.is_graded else None for student, held in rows.read(session, source).items()}


def same(a: float | None, b: float | None) -> bool:
    """Say whether two marks are the same; no mark is only the same as no mark."""
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=0.0, abs_tol=TOLERANCE)
