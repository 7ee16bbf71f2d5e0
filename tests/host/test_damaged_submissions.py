"""One `nbgrader autograde` over a class in which most notebooks are damaged: who gets which mark, and who none."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from damage import DAMAGED
from host_course import ASSIGNMENT, hand_in, honest, not_graded, record, result, run_nbgrader
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from autograder.host import gradebook
from autograder.records import Record

NOT_NOTEBOOKS: dict[str, bytes | str] = {
    "not-json": "print('hello')",
    "not-text": b"\xff\xfe\x00",
    "merge-conflict": "<<<<<<< mine\n=======\n>>>>>>> yours",
    "format-3": json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
    "no-cells": "[]",
    "too-large": " " * (2 << 20),
    "empty": "",
}
FAULTS: dict[str, Record] = {
    "fault": not_graded("fault"),
    "not-gradable": not_graded("not-gradable", "not_gradable"),
    "nan": record("nan", exercises=[result("double", math.nan), result("Scale", 6.0)]),
    "infinite": record("infinite", exercises=[result("double", math.inf), result("Scale", 6.0)]),
    "exercise-left-out": record("exercise-left-out", exercises=[result("Scale", 6.0)]),
    "exercise-too-many": record(
        "exercise-too-many", exercises=[result("double", 4.0), result("Scale", 6.0), result("Scale", 6.0).__class__(
            id="third", status="attempted", score=1.0, max_score=1.0, checks=[])],
    ),
    "record-of-another": record("zoe"),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(module_course: Path, chain: dict[str, Record]) -> Path:
    """The course after everybody was graded in one batch; damaged notebooks have 3 of 4 points for `double`."""
    root = module_course
    chain.update({name: record(name, 3.0) for name in [*DAMAGED, *NOT_NOTEBOOKS, "side-files", "a-link"]})
    chain.update(FAULTS)
    chain.update(ada=record("ada"), zoe=record("zoe", 0.0, 0.0), beyond=record("beyond", 4.0000001, -0.0000001))
    for name, damage in DAMAGED.items():
        notebook = honest(root)
        damage(notebook)
        hand_in(root, name, notebook)
    for name, content in NOT_NOTEBOOKS.items():
        hand_in(root, name, content)
    for name in ["ada", "zoe", "beyond", "side-files", *FAULTS]:
        path = hand_in(root, name, honest(root))
    path = hand_in(root, "side-files", honest(root))
    path.with_name("notes.txt").write_text("my notes")
    path.with_name("secret.py").symlink_to(root / "solutions" / "small.py")
    path.with_name("test_public.py").write_text("# my own version")
    (path.parent / "deep" / "er").mkdir(parents=True)
    (path.parent / "deep" / "er" / "gradebook.db").write_text("x")
    link = hand_in(root, "a-link", "")
    link.unlink()
    link.symlink_to(root / "submitted" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    assert run_nbgrader(root, "autograde", ASSIGNMENT) == 1  # loud: some could not be graded
    assert run_nbgrader(root, "generate_feedback", ASSIGNMENT) == 0
    return root


@pytest.fixture(scope="module")
def scores(graded: Path) -> dict[str, float | None]:
    return gradebook.read_scores(graded, ASSIGNMENT)


@pytest.mark.parametrize("name", [*DAMAGED, "side-files"])
def test_a_damaged_notebook_gets_the_mark_of_its_record(scores: dict[str, float | None], name: str) -> None:
    assert scores[name] == 9.0


@pytest.mark.parametrize("name", [*NOT_NOTEBOOKS, *FAULTS, "a-link"])
def test_what_was_not_graded_has_no_mark(scores: dict[str, float | None], graded: Path, name: str) -> None:
    assert name in scores
    assert scores[name] is None
    assert not (graded / "autograded" / name / ASSIGNMENT).exists()
    assert not (graded / "feedback" / name / ASSIGNMENT).exists()


def test_the_others_get_theirs(scores: dict[str, float | None]) -> None:
    assert (scores["ada"], scores["zoe"], scores["beyond"]) == (10.0, 0.0, 4.0)


def test_the_formgrader_shows_them_as_not_graded(graded: Path) -> None:
    api = NbGraderAPI(config=gradebook.read_config(graded))
    shown = {entry["student"]: entry["autograded"] for entry in api.get_submissions(ASSIGNMENT)}
    assert {name for name, done in shown.items() if not done} == {*NOT_NOTEBOOKS, *FAULTS, "a-link"}
    assert shown["ada"]


def test_the_export_leaves_their_scores_empty(graded: Path) -> None:
    assert run_nbgrader(graded, "export", "--to", "marks.csv") == 0
    with (graded / "marks.csv").open(newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert rows["ada"]["score"] == "10.0"
    assert rows["zoe"]["score"] == "0.0"
    assert {name for name, row in rows.items() if row["score"] == ""} == {*NOT_NOTEBOOKS, *FAULTS, "a-link"}


def test_each_graded_cell_has_one_output_and_nothing_else_has_any(graded: Path) -> None:
    for name in [*DAMAGED, "ada"]:
        notebook = json.loads((graded / "autograded" / name / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text())
        outputs = {
            cell["metadata"].get("nbgrader", {}).get("grade_id"): cell["outputs"]
            for cell in notebook["cells"]
            if cell.get("outputs")
        }
        assert set(outputs) == {"check-double", "check-Scale"}
        assert [len(some) for some in outputs.values()] == [1, 1]
        assert outputs["check-Scale"][0]["data"]["text/plain"] == ["6.0"]


def test_the_last_of_two_cells_counts_and_the_other_stays_to_be_seen(graded: Path) -> None:
    text = (graded / "autograded" / "doubled" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text()
    cells = [cell for cell in json.loads(text)["cells"] if "def double" in "".join(cell["source"])]
    assert ["the second one" in "".join(cell["source"]) for cell in cells] == [False, True]
    assert ["nbgrader" in cell["metadata"] for cell in cells] == [False, True]


def test_nothing_of_the_students_files_reaches_the_feedback(graded: Path) -> None:
    allowed = {f"{ASSIGNMENT}.html", "test_public.py", "exercises.toml", "release.json"}
    for student in ("ada", "side-files"):
        folder = graded / "feedback" / student / ASSIGNMENT
        assert {path.relative_to(folder).as_posix() for path in folder.rglob("*")} == allowed
        assert (folder / "test_public.py").read_text() == '"""Public checks."""\n'


def test_the_feedback_shows_results_and_nothing_hidden(graded: Path) -> None:
    page = (graded / "feedback" / "deleted" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
    assert "The numbers of double are right." in page
    assert "What does twice mean?" in page
    for secret in ("FACTOR_IN_SECRET", "HIDDEN_CHECKS", "secret of doubling"):
        assert secret not in page
    assert "<script>alert" not in page
    hostile = (graded / "feedback" / "hostile_text" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
    assert "alert(1)" in hostile
    assert "<script>alert" not in hostile
    assert 'src="http://evil' not in hostile


def test_comments_name_the_mistake_and_escape_what_students_wrote(graded: Path) -> None:
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as book:
        comments = {
            (name, cell): book.find_comment(cell, ASSIGNMENT, ASSIGNMENT, name).comment
            for name in ("ada", "forged", "fault")
            for cell in ("double", "Scale")
        }
    assert comments["ada", "double"] == "All checks pass."
    assert comments["forged", "double"] == (
        "0 of 1 checks pass. Known mistake: **adds instead**. Hint: What does twice mean?"
    )
    assert comments["fault", "Scale"] == "Not graded: The disk of the grader was full."
