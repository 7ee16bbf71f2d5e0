"""What a student installs: the wheel and nothing of the repository, and the whole way from the stub to the mark."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from environment import install_in_empty_environment

from autograder.course import read_course
from autograder.handin import fill
from autograder.records import decode
from autograder.stubs import solution_source

ROOT = Path(__file__).parent.parent
ASSIGNMENT = "01_attention"
WRONG = "def softmax(x, dim=-1):\n    e = (x - x.amax()).exp()\n    return e / e.sum()"


@pytest.fixture(scope="module")
def solutions():
    assignment = read_course(ROOT).assignment(ASSIGNMENT)
    return {e.id: solution_source(assignment.solution, e.id) for e in assignment.exercises}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the student's environment, the student's own folder, the exchange, and the instructor's course."""
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    install_in_empty_environment(wheel, place / "environment")
    for name in ("student", "exchange", "course"):
        (place / name).mkdir()
    (place / "exchange").chmod(0o777)
    for part in ("assignments", "solutions", "source", "release"):
        shutil.copytree(ROOT / part, place / "course" / part)
    shutil.copy(ROOT / "nbgrader_config.py", place / "course")
    return place


class Machine:
    """Runs programs of one environment in one folder; `home` is where a person's own settings would be."""

    def __init__(self, programs, folder, home):
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUPYTER"))}
        self._env = kept | {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(home), "COLUMNS": "100"}

    def run(self, *command, code=0, cwd=None):
        done = subprocess.run(
            command, cwd=cwd or self.folder, env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def student(place):
    return Machine(place / "environment" / "bin", place / "student", place / "student")


@pytest.fixture(scope="module")
def instructor(place):
    return Machine(Path(sys.executable).parent, place / "course", place / "course")


@pytest.fixture
def exchange(place):
    return f"--Exchange.root={place / 'exchange'}"


def test_the_environment_holds_the_wheel_and_nothing_of_the_repository(place, student):
    said = student.run("python", "-c", "import autograder; print(autograder.__file__)")
    assert Path(said.strip()).is_relative_to(place / "environment")
    for name in ("solutions", "assignments", "hypothesis", "distributed", "psycopg"):
        student.run("python", "-c", f"import {name}", code=1)


def test_a_student_works_from_the_stub_to_the_mark(place, student, instructor, exchange, solutions):
    """Fetch, stub, wrong, hint, right, the whole notebook in a kernel, submit; the instructor collects and grades."""
    course = ["--CourseDirectory.course_id=transformers", exchange]
    instructor.run("nbgrader", "release_assignment", ASSIGNMENT, *course)
    nbgrader = ["python", "-m", "nbgrader"]
    student.run(*nbgrader, "fetch_assignment", ASSIGNMENT, "--course=transformers", exchange)
    folder = student.folder / ASSIGNMENT
    notebook = folder / f"{ASSIGNMENT}.ipynb"

    def write(**answers):
        notebook.write_bytes(fill(notebook.read_bytes(), answers))

    def autograder(*arguments, code=0):
        return student.run("autograder", *arguments, code=code, cwd=folder)

    assert "Not attempted yet" in autograder("check", notebook.name, "softmax", code=1)
    write(softmax=WRONG)
    assert "Known mistake: softmax over everything" in autograder("check", notebook.name, "softmax", code=1)
    assert "Hint 1 of 3 for softmax (you get these numbers when" in autograder("hint", "softmax")
    write(softmax=solutions["softmax"])
    assert "all 5 checks pass" in autograder("check", notebook.name, "softmax")

    write(**solutions)
    execute = ["nbconvert", "--to", "notebook", "--execute", "--inplace", notebook.name]
    student.run("python", "-m", *execute, cwd=folder)
    cells = nbformat.read(notebook, as_version=4).cells
    cards = [c.outputs[0]["data"]["text/plain"] for c in cells if c.cell_type == "code" and c.id.startswith("check-")]
    assert [card for card in cards if ": all " not in card.splitlines()[0]] == []
    assert len(cards) == 8
    printed = [o.text for c in cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"]
    assert not [text for text in printed if "first, then run this cell again" in text]

    student.run(*nbgrader, "submit", ASSIGNMENT, "--course=transformers", exchange)
    instructor.run("nbgrader", "collect", ASSIGNMENT, *course)
    instructor.run("autograder", "grade", ASSIGNMENT, "--workers", "1")
    (record,) = (place / "course" / "results" / ASSIGNMENT).glob("*.json")
    record = decode(record.read_bytes())
    assert record.score == record.max_score
    assert record.notes == []
