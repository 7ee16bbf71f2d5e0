"""The whole loop on the example class: `autograder demo`, then nbgrader itself, from the same notebooks."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import read_course
from autograder.demo import MISTAKES
from autograder.records import decode

ROOT = Path(__file__).parent.parent
EXPECTED = Path(__file__).parent / "submissions"
ASSIGNMENT = "01_attention"
BIN = Path(sys.executable).parent
UNLIKE = {
    *("deleted-cell", "exits-early", "half-finished"),
    *("not-a-notebook", "reads-the-reference", "syntax-error", "untouched"),
}
"""Of the class, those who differ in kind; what nbgrader needs for the rest of it is only more time."""


def run(*command, cwd, may_fail=False):
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "110"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert may_fail or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    done = run("autograder", "demo", "--folder", str(folder), "--workers", "2", cwd=ROOT)
    return folder, done.stdout


@pytest.fixture(scope="module")
def records(demo):
    folder, _ = demo
    return {path.stem: decode(path.read_bytes()) for path in (folder / "results" / ASSIGNMENT).glob("*.json")}


@pytest.fixture(scope="module")
def graded_by_nbgrader(demo, tmp_path_factory):
    """Some of that class in a course of its own, graded by nbgrader's own commands on one worker."""
    folder, _ = demo
    course = tmp_path_factory.mktemp("nbgrader")
    for part in ("assignments", "solutions", "source", "release", *(f"submitted/{name}" for name in UNLIKE)):
        shutil.copytree(folder / part, course / part)
    shutil.copy(folder / "nbgrader_config.py", course)
    run("nbgrader", "generate_assignment", ASSIGNMENT, "--force", cwd=course)
    done = run("nbgrader", "autograde", ASSIGNMENT, cwd=course, may_fail=True)
    return course, done


def shape_of(record):
    """What must stay the same of a record whatever the wording of a message."""
    return {
        "status": record.status,
        "score": record.score,
        "exercises": {
            e.id: {
                "status": e.status,
                "score": e.score,
                "verdicts": [c.verdict for c in e.checks],
                "misconceptions": sorted({c.misconception for c in e.checks if c.misconception}),
            }
            for e in record.exercises
        },
        "notes": record.notes,
    }


def situations():
    return sorted(path.parent.name for path in EXPECTED.glob("*/expected.json"))


@pytest.mark.parametrize("situation", situations())
def test_each_situation_gets_the_result_written_down_for_it(records, situation):
    """Set UPDATE_EXPECTED=1 to write the results down anew, and read the difference before you commit it."""
    found = json.loads(json.dumps(shape_of(records[situation])))
    path = EXPECTED / situation / "expected.json"
    if os.environ.get("UPDATE_EXPECTED"):
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == found


def test_every_situation_of_the_class_is_written_down(records):
    assert situations() == sorted(records)


def test_the_class_has_at_least_sixteen_submissions(records):
    assert len(records) >= 16


@pytest.mark.parametrize("style", ["perfect-plain", "perfect-first-style", "perfect-other-style"])
def test_perfect_work_gets_everything_in_whatever_style(records, style):
    assert records[style].score == records[style].max_score == 115


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_known_mistake_is_told_its_name_and_no_other(records, mistake):
    record = records[mistake.replace("_", "-")]
    said = {c.misconception for e in record.exercises for c in e.checks if c.misconception}
    assert said == {mistake}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_known_mistake_is_paid_for_once(records, mistake):
    """Later exercises stand on the wrong one, and still get all their points."""
    record = records[mistake.replace("_", "-")]
    assert len([e for e in record.exercises if e.score < e.max_score]) == 1


def test_the_untouched_release_is_not_attempted_and_scores_nothing(records):
    record = records["untouched"]
    assert (record.status, record.score) == ("graded", 0)
    assert {e.status for e in record.exercises} == {"not_attempted"}


def test_what_is_no_notebook_has_no_score_and_a_reason(records):
    record = records["not-a-notebook"]
    assert (record.status, record.score) == ("not_gradable", None)
    assert "not a notebook" in record.notes[0]


def test_an_endless_loop_costs_its_own_exercise(records):
    exercises = {e.id: e for e in records["endless-loop"].exercises}
    assert "timeout" in {c.verdict for c in exercises["attention_scores"].checks}
    assert all(e.score == e.max_score for e in exercises.values() if e.id != "attention_scores")


def test_leaving_early_reads_as_crashed_and_earns_nothing(records):
    exercises = {e.id: e for e in records["exits-early"].exercises}
    assert {c.verdict for c in exercises["softmax"].checks} == {"crashed"}
    assert exercises["softmax"].score == 0


def test_the_reference_cannot_be_read(records):
    exercise = next(e for e in records["reads-the-reference"].exercises if e.id == "attention_weights")
    assert exercise.score == 0
    assert {c.verdict for c in exercise.checks} <= {"error", "wrong"}
    assert "no reference anywhere" in exercise.checks[0].message


def test_no_process_is_left_behind(demo):
    import psutil

    running = [
        " ".join([*(p.info["cmdline"] or []), p.info["cwd"] or ""]) for p in psutil.process_iter(["cmdline", "cwd"])
    ]
    folder, _ = demo
    assert [line for line in running if str(folder) in line] == []


def test_the_demo_prints_each_student_and_where_to_look(demo, records):
    _, printed = demo
    assert [student for student in records if student not in printed] == []
    assert "overview.html" in printed
    assert "feedback" in printed


def feedback_pages(folder):
    return {path.parent.parent.name: path.read_text("utf-8") for path in folder.glob(f"feedback/*/{ASSIGNMENT}/*.html")}


def test_every_graded_student_gets_a_feedback_page(demo, records):
    folder, _ = demo
    assert sorted(feedback_pages(folder)) == sorted(s for s, r in records.items() if r.status == "graded")


def test_a_feedback_page_shows_each_check_with_verdict_reason_and_hint(demo, records):
    page = feedback_pages(demo[0])["mask-after-softmax"]
    exercise = next(e for e in records["mask-after-softmax"].exercises if e.id == "attention_weights")
    failed = [c for c in exercise.checks if c.verdict != "pass"]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    for check in exercise.checks:
        assert check.title.replace("`", "") in text
    assert "mask after softmax" in text
    assert failed[0].hint.split(".")[0] in text


def test_feedback_pages_hold_nothing_hidden(demo):
    """No line of the hidden checks, of the reference or of the catalogue, and no salt."""
    course = read_course(ROOT)
    secret_files = [
        course.assignments[0].folder / name for name in ("test_hidden.py", "misconceptions.py", "alternatives.py")
    ]
    secret_lines = {
        line.strip()
        for path in secret_files
        for line in path.read_text("utf-8").splitlines()
        if "draw." in line or "reference." in line or "__autograder" in line
    }
    assert len(secret_lines) > 30
    for page in feedback_pages(demo[0]).values():
        assert course.salt not in page
        assert [line for line in secret_lines if line in page] == []


def test_grading_again_keeps_every_byte_and_is_quick_about_it(demo):
    folder, _ = demo
    before = {path.name: path.read_bytes() for path in (folder / "results" / ASSIGNMENT).glob("*.json")}
    stamps = {path.name: path.stat().st_mtime_ns for path in (folder / "results" / ASSIGNMENT).glob("*.json")}
    run("autograder", "grade", ASSIGNMENT, "--no-gradebook", cwd=folder, may_fail=True)
    after = {path.name: path.read_bytes() for path in (folder / "results" / ASSIGNMENT).glob("*.json")}
    assert before == after
    rewritten = [n for n, stamp in stamps.items() if (folder / "results" / ASSIGNMENT / n).stat().st_mtime_ns != stamp]
    assert rewritten == []


def test_nbgrader_grades_the_same_class_to_the_same_bytes(graded_by_nbgrader, demo):
    """Two workers or one, our command or nbgrader's: the records are the same."""
    course, _ = graded_by_nbgrader
    ours = {path.stem: path.read_bytes() for path in (demo[0] / "results" / ASSIGNMENT).glob("*.json")}
    theirs = {path.stem: path.read_bytes() for path in (course / "results" / ASSIGNMENT).glob("*.json")}
    # nbgrader cannot even open what is no notebook, so it never asks for that record.
    assert UNLIKE - theirs.keys() == {"not-a-notebook"}
    assert [name for name in theirs if ours[name] != theirs[name]] == []


def test_nbgrader_and_we_write_the_same_scores_into_the_gradebook(graded_by_nbgrader, demo, records):
    from autograder.host.gradebook import read_scores

    expected = {student: record.score for student, record in records.items()}
    assert expected == read_scores(demo[0], ASSIGNMENT)
    assert {name: expected[name] for name in UNLIKE} == read_scores(graded_by_nbgrader[0], ASSIGNMENT)


def test_nbgrader_says_which_submission_it_could_not_grade(graded_by_nbgrader):
    _, done = graded_by_nbgrader
    assert done.returncode == 1
    assert "not-a-notebook" in done.stdout + done.stderr


def test_nbgrader_export_has_every_score_and_no_zero_that_nobody_earned(demo, records):
    folder, _ = demo
    run("nbgrader", "export", "--to", "grades.csv", cwd=folder)
    with (folder / "grades.csv").open(newline="", encoding="utf-8") as file:
        scores = {row["student_id"]: row["score"] for row in csv.DictReader(file)}
    assert scores["not-a-notebook"] == ""
    assert {s: float(v) for s, v in scores.items() if v} == {
        s: r.score for s, r in records.items() if r.score is not None
    }


def test_a_demo_folder_with_somebody_elses_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("three years of work")
    done = run("autograder", "demo", "--folder", str(tmp_path), cwd=ROOT, may_fail=True)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"
