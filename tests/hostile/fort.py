"""The small course that is attacked, and the real commands that are run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from attack import ASSIGNMENT, COURSE

from autograder import build
from autograder.catalogue import Catalogue
from autograder.course import read_course
from autograder.handin import fill
from autograder.records import Record, decode

REPOSITORY = Path(__file__).parents[2]


def make_fort(root: Path) -> Path:
    """Write and build the small course at `root`, with the repository's own nbgrader_config.py."""
    shutil.copytree(COURSE, root)
    shutil.copyfile(REPOSITORY / "nbgrader_config.py", root / "nbgrader_config.py")
    build.write(read_course(root))
    return root


def solved(root: Path) -> dict[str, str]:
    """Return a right source for each exercise."""
    course = read_course(root)
    catalogue = Catalogue(course.assignment(ASSIGNMENT))
    return {e.id: catalogue.reference_source(e.id) for e in catalogue.assignment.exercises}


def release_of(root: Path) -> bytes:
    """Return the notebook that students get."""
    course = read_course(root)
    return course.notebook(course.assignment(ASSIGNMENT))


def right_notebook(root: Path, **answers: str) -> bytes:
    """Return a notebook in which everything is right, but for the given answers."""
    return fill(release_of(root), solved(root) | answers)


def hand_in(root: Path, student: str, notebook: bytes, name: str = f"{ASSIGNMENT}.ipynb") -> Path:
    """Write a submission into nbgrader's folder, and return the notebook's path."""
    path = root / "submitted" / student / ASSIGNMENT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook)
    return path


def autograder(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in the course, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "autograder", *arguments],
        cwd=root,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def records_of(root: Path) -> dict[str, Record]:
    """Return the records that were written, by student."""
    folder = root / "results" / ASSIGNMENT
    return {path.stem: decode(path.read_bytes(), str(path)) for path in sorted(folder.glob("*.json"))}
