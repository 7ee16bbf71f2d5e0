"""The release that `autograder build` writes is the one that nbgrader writes."""

from __future__ import annotations

import filecmp
import os
import sys
from pathlib import Path

import nbformat
import pytest
from host_course import ASSIGNMENT, POINTS, index_of, released
from nbgrader.api import Gradebook

from autograder.host.environment import put_programs_on_path, quietly
from autograder.host.gradebook import read_config
from autograder.stubs import STUB, stub_source

NAMES = {f"{ASSIGNMENT}.ipynb", "test_public.py", "exercises.toml", "release.json"}


def test_nbgrader_makes_the_same_release_also_without_alembic_on_path(prepared: Path) -> None:
    ours, theirs = prepared / "release-of-build" / ASSIGNMENT, prepared / "release" / ASSIGNMENT
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()} == NAMES
    assert set(filecmp.cmpfiles(ours, theirs, NAMES, shallow=False)[0]) == NAMES


def test_the_gradebook_knows_cells_and_points_but_no_solution(prepared: Path) -> None:
    with Gradebook(f"sqlite:///{prepared}/gradebook.db") as book:
        notebook = book.find_notebook(ASSIGNMENT, ASSIGNMENT)
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == {
            f"check-{name}": points for name, points in POINTS.items()
        }
        assert {cell.name for cell in notebook.solution_cells} == set(POINTS)
    assert b"FACTOR_IN_SECRET" not in (prepared / "gradebook.db").read_bytes()


def test_the_stub_is_what_nbgrader_leaves_of_the_solution(prepared: Path) -> None:
    notebook = released(prepared)
    for name in POINTS:
        assert notebook["cells"][index_of(notebook, name)]["source"] == stub_source(
            prepared / "solutions" / "small.py", name
        )


def test_nothing_of_the_solution_is_released(prepared: Path) -> None:
    text = "".join(path.read_text() for path in (prepared / "release").rglob("*") if path.is_file())
    for secret in ("FACTOR_IN_SECRET", "secret of doubling", "BEGIN SOLUTION", "HIDDEN_CHECKS", "inner", "last word"):
        assert secret not in text


def test_the_release_is_a_valid_notebook(prepared: Path) -> None:
    notebook = nbformat.from_dict(released(prepared))
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert [cell.id for cell in notebook.cells] == [
        "text-00", "setup", "show-02", "double", "check-double", "text-05", "Scale", "check-Scale",
    ]  # fmt: skip
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_the_config_and_the_build_use_the_same_stub(prepared: Path) -> None:
    assert read_config(prepared).ClearSolutions.code_stub == {"python": STUB}


def test_programs_are_put_on_path_once(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", "/usr/bin")
    put_programs_on_path()
    put_programs_on_path()
    assert os.environ["PATH"].split(os.pathsep) == [here, "/usr/bin"]
    monkeypatch.setenv("PATH", "")
    put_programs_on_path()
    assert os.environ["PATH"] == here


def test_nothing_of_nbgraders_run_stays_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with quietly() as (log, said):
        os.chdir("/")
        os.environ["NBGRADER_EXECUTION"] = "autograde"
        log.info("working")
        log.warning("careful")
    assert said == ["careful"]
    assert Path.cwd() == tmp_path
    assert "NBGRADER_EXECUTION" not in os.environ
