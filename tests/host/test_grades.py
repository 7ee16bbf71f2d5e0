"""Marks in nbgrader's gradebook: put there, taken back, and never given by accident."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from host_course import (
    ASSIGNMENT,
    POINTS,
    hand_in,
    honest,
    index_of,
    not_graded,
    record,
    released,
    result,
    run_nbgrader,
)
from nbgrader import utils
from nbgrader.api import Gradebook

from autograder.errors import GraderFault, UsageError
from autograder.host import gradebook
from autograder.host.mend import mend
from autograder.host.preprocessors import GradeOutside, result_output, write_results
from autograder.host.wording import comment_on, escaped
from autograder.records import Record


def auto_scores(root: Path, student: str) -> dict[str, float | None]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        submission = book.find_submission(ASSIGNMENT, student)
        return {grade.name: grade.auto_score for notebook in submission.notebooks for grade in notebook.grades}


# ---- nbgrader's own commands --------------------------------------------------------------------------------------


def test_an_old_grade_does_not_survive_a_fault(course: Path, chain: dict[str, Record]) -> None:
    hand_in(course, "ada", honest(course))
    chain["ada"] = record("ada")
    assert run_nbgrader(course, "autograde", ASSIGNMENT) == 0
    assert run_nbgrader(course, "generate_feedback", ASSIGNMENT) == 0
    assert auto_scores(course, "ada") == {"check-double": 4.0, "check-Scale": 6.0}
    chain["ada"] = not_graded("ada")
    assert run_nbgrader(course, "autograde", ASSIGNMENT, "--force") == 1
    assert auto_scores(course, "ada") == {"check-double": None, "check-Scale": None}
    assert not (course / "feedback" / "ada" / ASSIGNMENT).exists()


def test_an_old_grade_does_not_survive_a_file_that_is_no_notebook(course: Path, chain: dict[str, Record]) -> None:
    hand_in(course, "ada", honest(course))
    chain["ada"] = record("ada")
    assert run_nbgrader(course, "autograde", ASSIGNMENT) == 0
    hand_in(course, "ada", "no notebook")
    assert run_nbgrader(course, "autograde", ASSIGNMENT, "--force") == 1
    assert gradebook.read_scores(course, ASSIGNMENT) == {"ada": None}


def test_no_execute_does_not_let_forged_outputs_count(course: Path, chain: dict[str, Record]) -> None:
    notebook = honest(course)
    for name in POINTS:
        forged = {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
        notebook["cells"][index_of(notebook, f"check-{name}")]["outputs"] = [forged]
    hand_in(course, "eve", notebook)
    chain["eve"] = record("eve", 1.0, 0.0)
    assert run_nbgrader(course, "autograde", ASSIGNMENT, "--no-execute") == 0
    assert auto_scores(course, "eve") == {"check-double": 1.0, "check-Scale": 0.0}


def test_grading_cannot_be_switched_off(course: Path, chain: dict[str, Record]) -> None:
    hand_in(course, "eve", honest(course))
    chain["eve"] = record("eve", 1.0, 0.0)
    assert run_nbgrader(course, "autograde", ASSIGNMENT, "--GradeOutside.enabled=False") == 0
    assert auto_scores(course, "eve") == {"check-double": 1.0, "check-Scale": 0.0}


def test_a_manual_score_outlives_regrading(course: Path, chain: dict[str, Record]) -> None:
    hand_in(course, "ada", honest(course))
    chain["ada"] = record("ada", 1.0)
    assert run_nbgrader(course, "autograde", ASSIGNMENT) == 0
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, "ada").manual_score = 3.5
        book.db.commit()
    chain["ada"] = not_graded("ada")
    assert run_nbgrader(course, "autograde", ASSIGNMENT, "--force") == 1
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, "ada").manual_score == 3.5
    assert gradebook.read_scores(course, ASSIGNMENT) == {"ada": None}


# ---- for `autograder grade` ---------------------------------------------------------------------------------------


def test_the_gradebook_is_filled_from_records(course: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (course / "gradebook.db").unlink()  # as in a course that has never seen nbgrader
    release = {path: path.stat().st_mtime_ns for path in (course / "release").rglob("*")}
    path = hand_in(course, "ada", honest(course))
    path.with_name("timestamp.txt").write_text("2026-10-01 12:00:00 UTC")
    path.with_name("notes.txt").write_text("notes")
    path = hand_in(course, "bob [1]", honest(course))
    path.with_name("timestamp.txt").write_text("some time ago")
    hand_in(course, "carl", honest(course), name="my attention.ipynb")
    seen: list[str] = []
    records = [record("ada"), record("carl", 1.5), not_graded("eve"), not_graded("nobody", "not_gradable")]
    assert gradebook.fill_gradebook(course, ASSIGNMENT, records, on_student=seen.append) == {}
    assert gradebook.read_scores(course, ASSIGNMENT) == {"ada": 10.0, "carl": 7.5, "eve": None, "nobody": None}
    assert sorted(seen) == ["ada", "carl", "eve", "nobody"]
    assert capfd.readouterr() == ("", "")
    names = {path.name for path in (course / "feedback" / "ada" / ASSIGNMENT).iterdir()}
    assert names == {f"{ASSIGNMENT}.html", "test_public.py", "exercises.toml", "release.json", "timestamp.txt"}
    assert release == {path: path.stat().st_mtime_ns for path in (course / "release").rglob("*")}
    assert not list(course.glob(".grading-*"))

    # Grading again replaces marks, and takes back the one of a submission that is not graded this time.
    records = [not_graded("ada"), record("carl", 2.0), record("bob [1]", 1.0)]
    problems = gradebook.fill_gradebook(course, ASSIGNMENT, records)
    assert list(problems) == ["bob [1]"]  # nbgrader takes brackets for a pattern
    assert gradebook.read_scores(course, ASSIGNMENT) == {
        "ada": None, "carl": 8.0, "eve": None, "nobody": None, "bob [1]": None,
    }  # fmt: skip
    assert not (course / "feedback" / "ada" / ASSIGNMENT).exists()
    assert not (course / "autograded" / "ada" / ASSIGNMENT).exists()


def test_a_result_that_does_not_fit_is_reported_and_gives_no_mark(course: Path) -> None:
    for name in ("ada", "eve", "gone"):
        hand_in(course, name, honest(course))
    (course / "submitted" / "gone" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").unlink()
    other = result("double", 4.0).__class__(id="double", status="attempted", score=5.0, max_score=5.0, checks=[])
    records = [record("ada"), record("eve", exercises=[other, result("Scale", 6.0)]), record("gone")]
    problems = gradebook.fill_gradebook(course, ASSIGNMENT, records)
    assert sorted(problems) == ["eve", "gone"]
    assert "double is worth 5 points, in the gradebook 4" in problems["eve"]
    assert "cannot be read any more" in problems["gone"]
    assert gradebook.read_scores(course, ASSIGNMENT) == {"ada": 10.0, "eve": None, "gone": None}


def test_a_submission_that_the_gradebook_knows_with_other_cells_costs_one_student(course: Path) -> None:
    for name in ("ada", "bob"):
        hand_in(course, name, honest(course))
    assert gradebook.fill_gradebook(course, ASSIGNMENT, [record("ada"), record("bob")]) == {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.db.delete(book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, "ada"))
        book.db.commit()
    problems = gradebook.fill_gradebook(course, ASSIGNMENT, [record("ada"), record("bob", 1.0)])
    assert list(problems) == ["ada"]
    assert "other cells" in problems["ada"]
    assert gradebook.read_scores(course, ASSIGNMENT) == {"ada": None, "bob": 7.0}


def test_new_points_reach_the_gradebook(course: Path) -> None:
    hand_in(course, "ada", honest(course))
    assert gradebook.fill_gradebook(course, ASSIGNMENT, [record("ada")]) == {}
    source = course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    source.write_text(source.read_text().replace('"points": 4.0', '"points": 8.0'))
    release = course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    release.write_text(release.read_text().replace('"points": 4.0', '"points": 8.0'))
    more = result("double", 4.0).__class__(id="double", status="attempted", score=8.0, max_score=8.0, checks=[])
    assert gradebook.fill_gradebook(course, ASSIGNMENT, [record("ada", exercises=[more, result("Scale", 6.0)])]) == {}
    assert gradebook.read_scores(course, ASSIGNMENT) == {"ada": 14.0}


def test_what_is_missing_is_said(course: Path) -> None:
    with pytest.raises(UsageError, match="Run `autograder build`"):
        gradebook.fill_gradebook(course, "02_none", [])
    (course / "nbgrader_config.py").write_text("1 / 0")
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        gradebook.fill_gradebook(course, ASSIGNMENT, [])
    (course / "nbgrader_config.py").unlink()
    with pytest.raises(UsageError, match=r"nbgrader_config.py is missing"):
        gradebook.read_scores(course, ASSIGNMENT)


# ---- outputs and comments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", [0.0, 0.1 + 0.2, 1 / 3, 4.0, 5.0, -1.0])
def test_nbgrader_reads_the_score_that_was_written(prepared: Path, score: float) -> None:
    cell = nbformat.from_dict(released(prepared)["cells"][index_of(released(prepared), "check-double")])
    cell.outputs = [result_output(result("double", score), 4.0)]
    assert utils.determine_grade(cell) == (min(max(score, 0.0), 4.0), 4.0)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_a_fault(score: float) -> None:
    with pytest.raises(GraderFault, match="no number of points"):
        result_output(result("double", score), 4.0)


def test_a_graded_cell_without_result_is_a_fault_and_not_full_marks(prepared: Path) -> None:
    notebook = nbformat.from_dict(released(prepared))
    with pytest.raises(GraderFault, match="check-Scale has no result"):
        write_results(notebook, record("ada", exercises=[result("double", 4.0)]))
    notebook.cells = [cell for cell in notebook.cells if "check" not in cell.source]
    with pytest.raises(GraderFault, match="no graded cell check-Scale, check-double"):
        write_results(notebook, record("ada"))


def test_mending_an_untouched_notebook_changes_nothing(prepared: Path) -> None:
    text = json.dumps(released(prepared))
    notebook = nbformat.reads(text, as_version=4)
    assert mend(notebook, nbformat.reads(text, as_version=4)) == []
    assert notebook == nbformat.reads(text, as_version=4)


def test_comments() -> None:
    assert comment_on(result("double", 4.0)) == "All checks pass."
    missing = result("double", 0.0).__class__(id="double", status="missing", score=0, max_score=4, checks=[])
    assert comment_on(missing).startswith("Not found.")
    unnamed = result("double", 0.0)
    check = unnamed.checks[0].__class__(
        id="t", title="It is right.", verdict="error", points=0, max_points=4, message="E: <b>*x*</b> ![](http://a)"
    )
    unnamed = unnamed.__class__(id="double", status="attempted", score=0, max_score=4, checks=[check])
    assert comment_on(unnamed) == (r"0 of 1 checks pass. It is right. E: &lt;b&gt;\*x\*&lt;/b&gt; \!\[\](http&#58;//a)")
    assert escaped("a\n\n# b") == r"a \# b"


def test_the_grader_is_no_execute() -> None:
    assert "Execute" not in [cls.__name__ for cls in GradeOutside.__mro__]
