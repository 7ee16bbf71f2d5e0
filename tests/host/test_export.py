"""The export as CSV is opened in a spreadsheet: names are shown there, and not computed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from host_course import ASSIGNMENT, hand_in, honest, record, run_nbgrader
from nbgrader.api import Gradebook

from autograder.host import gradebook
from autograder.host.export import defused

FORMULAS = ['=HYPERLINK("http://example.org","x")', "+1+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_defused(text: str) -> None:
    assert defused(text) == "'" + text


@pytest.mark.parametrize("value", ["ada", "a=b", "1-2", "", "'quoted", "王小明", -1.0, 0.0, 3, None])
def test_everything_else_is_left_as_it_is(value: object) -> None:
    assert defused(value) is value


def test_no_cell_of_the_export_is_a_formula(course: Path) -> None:
    hand_in(course, "ada", honest(course))
    gradebook.fill_gradebook(course, ASSIGNMENT, [record("ada", 3.0)])
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.update_or_create_student("ada", first_name="=1+1", last_name="@SUM(1)", email="+a@example.org")
        for number, name in enumerate(FORMULAS[1:4]):
            book.update_or_create_student(name, first_name='a, "b"\nc', last_name=f"-{number}", email=None)
    assert run_nbgrader(course, "export", "--to", "marks.csv") == 0
    with (course / "marks.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"ada", "'+1+1", "'-1", "'@SUM(1)"}
    ada = rows["ada"]
    assert [ada["first_name"], ada["last_name"], ada["email"]] == ["'=1+1", "'@SUM(1)", "'+a@example.org"]
    assert [float(ada[column]) for column in ("raw_score", "score", "max_score")] == [9.0, 9.0, 10.0]
    assert rows["'-1"]["first_name"] == 'a, "b"\nc'  # commas, quotes and lines stay in their cell
    assert float(rows["'-1"]["score"]) == 0.0
