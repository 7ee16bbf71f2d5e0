"""The gradebook on a PostgreSQL server: a real one, from Debian's package, that lives as long as these tests."""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import nbgrader
import pytest
from alembic.script import ScriptDirectory
from host_course import ASSIGNMENT, hand_in, honest, not_graded, record, run_nbgrader
from nbgrader.api import Base, Gradebook
from sqlalchemy import create_engine, inspect, text

from autograder.errors import GraderFault
from autograder.host import gradebook

OWNER = "postgres"
"""The user that Debian's package makes: the server refuses to be root's."""


def programs() -> Path:
    """Return the folder of the newest server's programs, or skip and say why."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("no PostgreSQL server is installed here (`apt-get install postgresql`)")
    if os.geteuid() == 0 and OWNER not in {user.pw_name for user in pwd.getpwall()}:
        pytest.skip(f"the PostgreSQL server does not run as root, and there is no user {OWNER}")
    return found[-1].parent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server without the name of a database."""
    pytest.importorskip("psycopg", reason="the driver is not installed (`pip install psycopg[binary]`)")
    folder, bin = Path("/tmp", f"autograder-postgres-{os.getpid()}"), programs()
    folder.mkdir(mode=0o755)
    user = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        user = OWNER
        shutil.chown(folder, OWNER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: str) -> None:
        start = {"user": OWNER} if os.geteuid() == 0 else {}
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60, **start)  # type: ignore[call-overload]

    data = str(folder / "data")
    try:
        run(str(bin / "initdb"), "-D", data, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8")
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        run(str(bin / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{user}@127.0.0.1:{port}"
        finally:
            run(str(bin / "pg_ctl"), "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def course_on_server(course: Path, server: str) -> tuple[Path, str]:
    """A course whose gradebook is a new and empty database, and its address."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    (course / "gradebook.db").unlink()
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f'\nc.CourseDirectory.db_url = "{server}/{name}"\n')
    return course, f"{server}/{name}"


def test_a_class_is_graded_and_exported(course_on_server: tuple[Path, str]) -> None:
    root, db_url = course_on_server
    path = hand_in(root, "ada", honest(root))
    path.with_name("timestamp.txt").write_text("2026-10-01 12:00:00 UTC")
    hand_in(root, "carl", honest(root))
    gradebook.look_at_gradebook(root, ASSIGNMENT)
    records = [record("ada"), record("carl", 1.5), not_graded("eve")]
    assert gradebook.fill_gradebook(root, ASSIGNMENT, records) == {}
    assert gradebook.read_scores(root, ASSIGNMENT) == {"ada": 10.0, "carl": 7.5, "eve": None}
    assert not (root / "gradebook.db").exists()

    with Gradebook(db_url) as book:
        book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, "carl").manual_score = 3.0
        book.db.commit()
    gradebook.look_at_gradebook(root, ASSIGNMENT)
    assert gradebook.fill_gradebook(root, ASSIGNMENT, [not_graded("ada"), *records[1:]]) == {}
    assert gradebook.read_scores(root, ASSIGNMENT) == {"ada": None, "carl": 9.0, "eve": None}
    assert "Score: 9.0 / 10.0" in (root / "feedback" / "carl" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()

    assert run_nbgrader(root, "export", "--to", "marks.csv") == 0
    with (root / "marks.csv").open(newline="", encoding="utf-8") as file:
        assert {row["student_id"]: row["score"] for row in csv.DictReader(file)} == {
            "ada": "",
            "carl": "9.0",
            "eve": "",
        }


def test_nbgraders_own_command_fills_the_same_gradebook(
    course_on_server: tuple[Path, str], chain: dict[str, object]
) -> None:
    root, _ = course_on_server
    hand_in(root, "ada", honest(root))
    hand_in(root, "bob", honest(root))
    chain["ada"], chain["bob"] = record("ada", 3.0), record("bob", 2.0)
    assert gradebook.fill_gradebook(root, ASSIGNMENT, [record("ada", 1.0)]) == {}
    assert run_nbgrader(root, "autograde", ASSIGNMENT, "--force") == 0
    assert run_nbgrader(root, "generate_feedback", ASSIGNMENT, "--force") == 0
    assert gradebook.read_scores(root, ASSIGNMENT) == {"ada": 9.0, "bob": 8.0}


def test_a_new_gradebook_has_the_tables_that_nbgrader_would_make(course_on_server: tuple[Path, str]) -> None:
    root, db_url = course_on_server
    gradebook.register(root, ASSIGNMENT)
    engine = create_engine(db_url)
    versions = ScriptDirectory(str(Path(nbgrader.__file__).with_name("alembic")))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()
    assert found == versions.get_current_head()


def test_a_name_that_is_too_long_for_the_server_costs_one_student(course_on_server: tuple[Path, str]) -> None:
    root, _ = course_on_server
    long = "a" * 150
    for student in (long, "ada"):
        hand_in(root, student, honest(root))
    problems = gradebook.fill_gradebook(root, ASSIGNMENT, [record(long), record("ada")])
    assert list(problems) == [long]
    assert "128" in problems[long]
    assert gradebook.read_scores(root, ASSIGNMENT) == {"ada": 10.0}


def test_a_server_that_does_not_answer_is_said(course: Path) -> None:
    pytest.importorskip("psycopg", reason="the driver is not installed (`pip install psycopg[binary]`)")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('\nc.CourseDirectory.db_url = "postgresql://ada:secret@127.0.0.1:1/none"\n')
    with pytest.raises(GraderFault, match="cannot be used") as said:
        gradebook.look_at_gradebook(course, ASSIGNMENT)
    assert "secret" not in str(said.value)
