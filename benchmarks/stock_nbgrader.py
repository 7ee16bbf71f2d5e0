"""nbgrader as its documentation says, with nothing of this kit: source, release, `nbgrader autograde`, gradebook."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import exam
import nbformat
from judging import Sheet, leaks
from nbgrader.api import Gradebook, MissingEntry
from running import Ended, harm_of, run, shared_traces
from sqlalchemy.exc import SQLAlchemyError

ASSIGNMENT = "01_fort"
STUDENT = "somebody"
CELL_LIMIT = 8.0
"""Seconds for a cell, by nbgrader's own setting."""
LIMIT = 120.0
"""Seconds for a submission, after which the scoreboard kills the command."""


class StockNbgrader:
    """A course of stock nbgrader; every submission is graded in a copy of its own."""

    name = "nbgrader autograde"
    usual = 8.0
    """Seconds that an honest submission takes on a machine with nothing else to do."""

    def __init__(self, root: Path, solved: dict[str, str]) -> None:
        """Make the course at `root`, and its release.

        Raises:
            RuntimeError: when nbgrader makes no release of it.
        """
        self.secret = exam.new_secret()
        self.stretch = 1.0
        self.root = root
        self.course = root / "course"
        exam.write_notebook(self.course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", _source(solved, self.secret))
        ended = self._nbgrader(self.course, root / "making", "generate_assignment", ASSIGNMENT)
        if ended.code != 0:
            raise RuntimeError(f"nbgrader generate_assignment made no release:\n{ended.output}")
        self.release = (self.course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_bytes()

    def grade(self, name: str, notebook: bytes, *, alone: bool = False) -> Sheet:
        """Grade one submission with the real command; look into places shared by all if nobody else is graded now."""
        own, before = self.root / name, shared_traces() if alone else None
        course = own / "course"
        shutil.copytree(self.course, course)
        handed_in = course / "submitted" / STUDENT / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        handed_in.parent.mkdir(parents=True)
        handed_in.write_bytes(notebook)
        seconds = math.ceil(CELL_LIMIT * self.stretch)
        ended = self._nbgrader(course, own, "autograde", ASSIGNMENT, f"--Execute.timeout={seconds}")
        autograded = course / "autograded" / STUDENT / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        harm = harm_of(ended, own, before)
        if autograded.exists() and leaks(_spoken(autograded), self.secret):
            harm.append("hidden test leaked")
        scores = _scores(course / "gradebook.db") if ended.code == 0 else None
        shutil.rmtree(own, ignore_errors=True)
        return Sheet(scores, "" if scores is not None else _problem(ended), harm)

    def _nbgrader(self, course: Path, own: Path, *arguments: str) -> Ended:
        return run([sys.executable, "-m", "nbgrader", *arguments], course, own, LIMIT * self.stretch, PATH=_path())


def _path() -> str:
    """Return a path on which nbgrader finds `alembic`, which it calls by name."""
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def _source(solved: dict[str, str], secret: str) -> list[dict[str, Any]]:
    """Return the cells of the instructor's notebook."""
    cells = [nbformat.v4.new_markdown_cell("# Fort"), nbformat.v4.new_code_cell(exam.SETUP)]
    for exercise in exam.EXERCISES:
        solution = f"### BEGIN SOLUTION\n{solved[exercise].strip()}\n### END SOLUTION"
        cells.append(_cell(exercise, solution, grade=False, solution=True))
        for i, test in enumerate(test for test in exam.HIDDEN if test.exercise == exercise):
            hidden = f"### BEGIN HIDDEN TESTS\n{test.armed(secret)}### END HIDDEN TESTS"
            public = exam.PUBLIC if (exercise, i) == ("softmax", 0) else ""
            cells.append(_cell(f"{exercise}-{i + 1}", public + hidden, grade=True, solution=False, points=test.points))
    return cells


def _cell(grade_id: str, source: str, *, grade: bool, solution: bool, points: int | None = None) -> dict[str, Any]:
    """Return a cell that nbgrader knows."""
    data = {
        "schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution, "locked": not solution,
        "task": False,
    }  # fmt: skip
    return nbformat.v4.new_code_cell(
        source, metadata={"nbgrader": data | ({} if points is None else {"points": points})}
    )


def _scores(gradebook: Path) -> dict[str, float] | None:
    """Return the points by exercise; an exercise with a cell that has no score is left out."""
    try:
        with Gradebook(f"sqlite:///{gradebook}") as book:
            grades = book.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, STUDENT).grades
            found = {grade.cell.name: grade.auto_score for grade in grades}
    except (MissingEntry, SQLAlchemyError):
        return None
    scores: dict[str, float] = {}
    for exercise in exam.EXERCISES:
        parts = [score for cell, score in found.items() if cell.rpartition("-")[0] == exercise]
        if parts and all(score is not None for score in parts):
            scores[exercise] = sum(parts)
    return scores


def _spoken(autograded: Path) -> str:
    """Return everything that the executed notebook shows as output."""
    cells = json.loads(autograded.read_bytes())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    said = []
    for output in outputs:
        said += [*output.get("traceback", []), output.get("evalue", ""), "".join(output.get("text", []))]
    return "\n".join(said)


def _problem(ended: Ended) -> str:
    """Return why there is no result."""
    return "autograded without a score" if ended.code == 0 else ended.problem
