"""`fill_gradebook` and nbgrader's own commands leave the same: every row, every copy, every page."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from damage import DAMAGED
from host_course import ASSIGNMENT, hand_in, honest, not_graded, record, run_nbgrader
from nbgrader.api import Base, Gradebook
from sqlalchemy import create_engine, text

from autograder.host import gradebook
from autograder.host.feedback import PageJob, PageSetup, write_pages
from autograder.host.rows import open_rows, read, read_source
from autograder.records import Record

LATE = {"late": "2026-10-02 12:00:00 UTC", "early": "2026-09-30 12:00:00 UTC", "extended": "2026-10-02 12:00:00 UTC"}
DUE = datetime(2026, 10, 1)
NO_NOTEBOOK = "The file is not a notebook: it is not JSON."
REGRADED = {"forged": record("forged", 4.0, 6.0), "ada": not_graded("ada"), "late": record("late", 1.0, 1.0)}
"""Who has another result when the class is graded for the second time."""


def prepare(root: Path) -> Path:
    """A class with damaged notebooks, late ones, one that is no notebook; late work counts nothing."""
    with (root / "nbgrader_config.py").open("a") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    for name, damage in DAMAGED.items():
        notebook = honest(root)
        damage(notebook)
        hand_in(root, name, notebook)
    for name in ["ada", "fault", *LATE]:
        path = hand_in(root, name, honest(root))
        if name in LATE:
            path.with_name("timestamp.txt").write_text(LATE[name])
    hand_in(root, "letter", "Dear teacher")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate=DUE.isoformat())
        book.add_student("extended")
        book.add_submission(ASSIGNMENT, "extended")
        book.grant_extension(ASSIGNMENT, "extended", days=7)
    return root


def first_records() -> dict[str, Record]:
    names = [*DAMAGED, "ada", *LATE]
    found = {name: record(name, number / 4, 6.0 - number / 8) for number, name in enumerate(names)}
    letter = record("letter", status="not_gradable", score=None, exercises=[], notes=[NO_NOTEBOOK])
    return {**found, "fault": not_graded("fault"), "letter": letter}


def a_person_grades(root: Path) -> None:
    """Enter a manual score, extra credit, and a comment."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        for student in ("forged", "doubled", "ada"):
            book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, student).manual_score = 3.5
            book.find_grade("check-Scale", ASSIGNMENT, ASSIGNMENT, student).extra_credit = 0.5
            book.find_comment("double", ASSIGNMENT, ASSIGNMENT, student).manual_comment = "Well *done*."
        book.db.commit()


def rows(root: Path) -> dict[str, list[dict[str, str]]]:
    """Every table of the gradebook, each id replaced by the name of what it leads to."""
    engine = create_engine(f"sqlite:///{root}/gradebook.db")
    with engine.connect() as connection:
        tables = {
            name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]
            for name in Base.metadata.tables
        }
    engine.dispose()
    names = {row["id"]: row["name"] for name in ("assignment", "notebook", "base_cell") for row in tables[name]}
    names |= {row["id"]: f"of {row['student_id']}" for row in tables["submitted_assignment"]}
    names |= {row["id"]: f"notebook {names[row['assignment_id']]}" for row in tables["submitted_notebook"]}

    def named(row: dict[str, Any]) -> dict[str, str]:
        return {key: str(names.get(value, value)) for key, value in row.items() if key != "id" or value in names}

    return {table: sorted(map(named, found), key=lambda row: sorted(row.items())) for table, found in tables.items()}


def files(root: Path, step: str) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in (root / step).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def both(prepared: Path, chain: dict[str, Record], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two copies of the class, graded twice with a person's work between, by nbgrader and by us."""
    folder = tmp_path_factory.mktemp("both")
    theirs, ours = (prepare(Path(shutil.copytree(prepared, folder / name))) for name in ("theirs", "ours"))
    records = first_records()
    for _ in range(2):
        chain.clear()
        chain.update(records)
        run_nbgrader(theirs, "autograde", ASSIGNMENT, "--force")
        assert run_nbgrader(theirs, "generate_feedback", ASSIGNMENT, "--force") == 0
        assert gradebook.fill_gradebook(ours, ASSIGNMENT, records.values()) == {}
        a_person_grades(theirs)
        a_person_grades(ours)
        records |= REGRADED
    return theirs, ours


@pytest.mark.parametrize("table", list(Base.metadata.tables))
def test_the_gradebook_has_the_same_rows(both: tuple[Path, Path], table: str) -> None:
    theirs, ours = (rows(root)[table] for root in both)
    assert ours == theirs


def test_the_class_is_not_all_the_same(both: tuple[Path, Path]) -> None:
    scores = gradebook.read_scores(both[1], ASSIGNMENT)
    assert len(set(scores.values())) > 5
    assert {name for name, score in scores.items() if score is None} == {"ada", "fault", "letter"}
    found = rows(both[1])["submitted_notebook"]
    penalised = [row["assignment_id"] for row in found if row["late_submission_penalty"] not in ("None", "0.0")]
    assert penalised == ["of late"]


def test_the_autograded_copies_are_the_same(both: tuple[Path, Path]) -> None:
    theirs, ours = (files(root, "autograded") for root in both)
    assert ours == theirs


def test_the_feedback_is_the_same(both: tuple[Path, Path]) -> None:
    """nbconvert parses its page and writes it down again; ours, so treated, is the same to the byte."""
    theirs, ours = (files(root, "feedback") for root in both)
    assert ours.keys() == theirs.keys()
    for name, data in theirs.items():
        found = str(BeautifulSoup(ours[name], "html.parser")).encode() if name.endswith(".html") else ours[name]
        assert found == data, name


def test_a_page_with_a_picture_is_the_same_too(both: tuple[Path, Path], tmp_path: Path) -> None:
    """Such a page is parsed again, for pictures without a description."""
    theirs, ours = (Path(shutil.copytree(root, tmp_path / root.name)) for root in both)
    for root in (theirs, ours):
        path = root / "autograded" / "early" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.chmod(0o644)
        path.write_text(path.read_text().replace("# Small", "# Small <img src='https://example.org/a.png'>"))
    assert run_nbgrader(theirs, "generate_feedback", ASSIGNMENT, "--force", "--student", "early") == 0
    db_url = f"sqlite:///{ours}/gradebook.db"
    with open_rows(db_url) as session:
        source = read_source(session, ASSIGNMENT)
        held = read(session, source)["early"]
    assert list(write_pages(PageSetup(ours, source), [PageJob("early", held)])) == [("early", "")]
    pages = [(root / "feedback" / "early" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_bytes() for root in (theirs, ours)]
    assert b"No description has been provided" in pages[0]
    assert pages[0] == pages[1]


def test_files_have_the_same_permissions(both: tuple[Path, Path]) -> None:
    def modes(root: Path) -> dict[str, int]:
        return {str(path.relative_to(root)): path.stat().st_mode for path in root.glob("[af]*d*/*/*/*")}

    assert modes(both[1]) == modes(both[0])
