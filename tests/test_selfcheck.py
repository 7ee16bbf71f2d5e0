"""The student's self-check: in a namespace, in a real kernel, under `nbgrader validate`, and in the terminal."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.catalogue import Catalogue
from autograder.course import read_course
from autograder.errors import UsageError
from autograder.handin import fill
from autograder.hints import next_hint
from autograder.selfcheck import Card, check_namespace, read_release_folder

ROOT = Path(__file__).parent.parent
ASSIGNMENT = "01_attention"
BIN = Path(sys.executable).parent
ENV = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(read_course(ROOT).assignment(ASSIGNMENT))


@pytest.fixture
def release(tmp_path):
    return Path(shutil.copytree(ROOT / "release" / ASSIGNMENT, tmp_path / ASSIGNMENT))


@pytest.fixture
def assignment(release):
    return read_release_folder(release)


def check_one(assignment, name, namespace):
    return Card(check_namespace(namespace, assignment, [name])[0])


def test_the_reference_passes_every_public_check(assignment, catalogue):
    names = [e.id for e in assignment.exercises]
    results = check_namespace(catalogue.reference, assignment, names)
    assert [f"{c.id}: {c.message}" for r in results for c in r.checks if c.verdict != "pass"] == []
    assert all(len(result.checks) >= 2 for result in results)


@pytest.mark.filterwarnings("ignore::UserWarning")  # a student's code may make torch warn
def test_every_alternative_passes_the_public_checks_of_its_exercise(assignment, catalogue):
    for variant in catalogue.alternatives:
        card = check_one(assignment, variant.exercise, catalogue.namespace(variant))
        assert card.passed, f"{variant.entry.name}: {card!r}"


def test_most_known_mistakes_are_noticed_in_public_already(assignment, catalogue):
    noticed = [not check_one(assignment, v.exercise, catalogue.namespace(v)).passed for v in catalogue.misconceptions]
    assert sum(noticed) / len(noticed) > 0.6


def test_public_checks_carry_no_points(assignment, catalogue):
    card = check_one(assignment, "softmax", catalogue.reference)
    assert card.result.max_score == 0


def test_a_stub_is_not_attempted(assignment, catalogue):
    def softmax(x, dim=-1):
        raise NotImplementedError

    card = check_one(assignment, "softmax", catalogue.reference | {"softmax": softmax})
    assert card.result.status == "not_attempted"
    assert "not attempted yet" in repr(card).lower()


def test_a_name_that_is_not_there_is_missing(assignment):
    card = check_one(assignment, "softmax", {})
    assert card.result.status == "missing"


def test_a_wrong_solution_is_told_what_was_expected_and_found(assignment, catalogue):
    wrong = catalogue.namespace(next(v for v in catalogue.misconceptions if v.entry.name == "no_keepdim"))
    card = check_one(assignment, "softmax", wrong)
    assert not card.passed
    assert "Traceback" not in repr(card)


def test_an_endless_loop_is_interrupted(assignment, catalogue, monkeypatch):
    monkeypatch.setattr("autograder.selfcheck.CHECK_SECONDS", 1)

    def softmax(x, dim=-1):
        while True:
            pass

    begin = time.monotonic()
    card = check_one(assignment, "softmax", {"softmax": softmax})
    assert {check.verdict for check in card.result.checks} == {"timeout"}
    assert time.monotonic() - begin < len(card.result.checks) + 3


def test_a_check_leaves_no_figures_open(assignment, catalogue):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    check_one(assignment, "plot_attention", catalogue.reference)
    assert plt.get_fignums() == before


def test_a_notebook_outside_its_folder_is_told_where_it_belongs(tmp_path):
    with pytest.raises(UsageError, match=r"no test_public.py and exercises.toml.*folder in which it was released"):
        read_release_folder(tmp_path)


# ---- in a real kernel


def run_notebook(folder, answers):
    """Run the release notebook as JupyterLab's "run all" does, and return its cells."""
    path = folder / f"{ASSIGNMENT}.ipynb"
    path.write_bytes(fill(path.read_bytes(), answers))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook.cells


def check_cells(cells):
    return {
        c.metadata["nbgrader"]["grade_id"]: c
        for c in cells
        if c.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check-")
    }


def test_the_untouched_release_runs_from_top_to_bottom(release):
    """No cell raises, and each check cell says that nothing was attempted yet."""
    cells = run_notebook(release, {})
    errors = [
        output for cell in cells if cell.cell_type == "code" for output in cell.outputs if output.output_type == "error"
    ]
    assert errors == []
    checks = check_cells(cells)
    assert len(checks) == 8
    for cell in checks.values():
        assert "not attempted yet" in cell.outputs[0]["data"]["text/plain"].lower()
        assert "text/html" in cell.outputs[0]["data"]


def test_the_finished_notebook_runs_and_passes_every_check(release, catalogue):
    answers = {e.id: catalogue.reference_source(e.id) for e in catalogue.assignment.exercises}
    cells = run_notebook(release, answers)
    errors = [
        output for cell in cells if cell.cell_type == "code" for output in cell.outputs if output.output_type == "error"
    ]
    assert errors == []
    for cell in check_cells(cells).values():
        (output,) = cell.outputs
        assert "not" not in output["data"]["text/plain"].splitlines()[0].lower()
    printed = [o.text for c in cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"]
    assert not [text for text in printed if "first, then run this cell again" in text]


def test_validate_fails_a_stub_with_one_readable_message(release):
    command = ["nbgrader", "validate", f"{ASSIGNMENT}.ipynb"]
    done = subprocess.run(command, cwd=release, env=ENV, capture_output=True, text=True, check=True)
    assert "not attempted yet" in done.stdout.lower()
    assert "VALIDATION FAILED ON 8 CELL(S)" in done.stdout


# ---- in the terminal


def test_the_terminal_says_the_same_and_the_exit_code_tells(release, catalogue):
    path = release / f"{ASSIGNMENT}.ipynb"
    path.write_bytes(fill(path.read_bytes(), {"softmax": catalogue.reference_source("softmax")}))
    passed = subprocess.run(
        ["autograder", "check", str(path), "softmax"], env=ENV, capture_output=True, text=True, check=False
    )
    everything = subprocess.run(
        ["autograder", "check", str(path)], env=ENV, capture_output=True, text=True, check=False
    )
    assert (passed.returncode, everything.returncode) == (0, 1), passed.stdout + passed.stderr
    assert "not attempted yet" in everything.stdout.lower()


def test_the_terminal_names_a_cell_that_raises(release):
    path = release / f"{ASSIGNMENT}.ipynb"
    path.write_bytes(fill(path.read_bytes(), {"softmax": "def softmax(x:\n    return x"}))
    done = subprocess.run(
        ["autograder", "check", str(path), "softmax"], env=ENV, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "SyntaxError" in done.stdout
    assert "line 1 of softmax" in done.stdout


def test_what_is_no_notebook_is_bad_usage(release):
    path = release / f"{ASSIGNMENT}.ipynb"
    path.write_text("a letter")
    done = subprocess.run(["autograder", "check", str(path)], env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not JSON" in done.stderr


# ---- hints


def test_hints_come_tier_by_tier_and_the_last_one_stays(assignment, release):
    exercise = assignment.exercise("softmax")
    told = [next_hint(exercise, release) for _ in range(len(exercise.hints) + 1)]
    assert [text for _, text in told] == [*exercise.hints, exercise.hints[-1]]
    assert [tier for tier, _ in told] == [1, 2, 3, 3]


def test_a_spoilt_memory_begins_anew(assignment, release):
    exercise = assignment.exercise("softmax")
    next_hint(exercise, release)
    (release / ".autograder-hints.json").write_text("{")
    assert next_hint(exercise, release)[0] == 1
    assert json.loads((release / ".autograder-hints.json").read_text()) == {"softmax": 1}
