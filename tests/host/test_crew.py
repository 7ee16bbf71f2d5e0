"""Processes that share the work on a class."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import pytest
from host_course import ASSIGNMENT, hand_in, honest, not_graded, record

from autograder.errors import GraderFault
from autograder.host import gradebook
from autograder.host.crew import JOBS_TO_BE_WORTH_IT, crew, workers_for


def test_a_small_class_is_not_worth_a_process() -> None:
    assert workers_for(2 * JOBS_TO_BE_WORTH_IT - 1, cores=2) == 0
    assert workers_for(2 * JOBS_TO_BE_WORTH_IT, cores=2) == 2
    assert workers_for(1000, cores=1) == 0
    assert workers_for(100_000, cores=64) == 8


def test_two_processes_leave_the_same_as_one(course: Path, tmp_path: Path) -> None:
    names = [f"student-{number}" for number in range(6)]
    for name in names:
        hand_in(course, name, honest(course))
    (course / "submitted" / names[1] / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").unlink()
    records = [record(name, number / 2) for number, name in enumerate(names)] + [not_graded("eve")]
    other = Path(shutil.copytree(course, tmp_path / "other"))
    problems = [gradebook.fill_gradebook(root, ASSIGNMENT, records, workers=w) for root, w in ((course, 0), (other, 2))]
    assert problems[0] == problems[1]
    assert list(problems[0]) == [names[1]]
    assert gradebook.read_scores(course, ASSIGNMENT) == gradebook.read_scores(other, ASSIGNMENT)
    assert files(course) == files(other)
    assert not psutil.Process().children()


def files(root: Path) -> dict[str, bytes]:
    found = (path for step in ("autograded", "feedback") for path in (root / step).rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def test_a_disk_that_is_full_is_the_same_error_in_another_process(course: Path) -> None:
    hand_in(course, "ada", honest(course))
    (course / "autograded").write_text("a file in the place of the folder")
    with pytest.raises(GraderFault, match=r"could not be filled: .*autograded"):
        gradebook.fill_gradebook(course, ASSIGNMENT, [record("ada")], workers=1)
    assert not psutil.Process().children()


def test_a_process_that_ends_is_said() -> None:
    """`map(os._exit, [3])` ends the process that goes through it."""
    with crew(1) as hands, pytest.raises(GraderFault, match=r"ended\. Run the same command again"):
        list(hands.run(map, os._exit, [3]))
