import shutil
from pathlib import Path

import pytest

from autograder.course import read_release_folder
from autograder.handin import fill
from autograder.homework.worksheet import Worksheet
from autograder.stubs import solution_source

ROOT = Path(__file__).parent.parent.parent
ASSIGNMENT = "01_attention"
SOLUTION = ROOT / "solutions" / "attention.py"


@pytest.fixture
def release(tmp_path):
    """A release folder, as a student has it."""
    return Path(shutil.copytree(ROOT / "release" / ASSIGNMENT, tmp_path / ASSIGNMENT))


@pytest.fixture
def assignment(release):
    return read_release_folder(release)


@pytest.fixture
def notebook(release):
    return release / f"{ASSIGNMENT}.ipynb"


@pytest.fixture
def worksheet(notebook, assignment):
    return Worksheet(notebook, assignment)


@pytest.fixture
def write(notebook):
    """Write the cells of exercises into the notebook: sources, or True for the solution."""

    def write(**answers):
        sources = {n: solution_source(SOLUTION, n) if a is True else a for n, a in answers.items()}
        notebook.write_bytes(fill(notebook.read_bytes(), sources))

    return write
