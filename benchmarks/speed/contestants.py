"""The graders that are compared: each is given the same class and says what that has cost."""

from __future__ import annotations

import copy
import csv
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from asserts import Exam, Test
from classroom import HandedIn
from measuring import Measured, intervals, run
from names import FLOOR, FLOOR_ALONE, OTTER, PREPROCESSOR, STOCK, STOCK_BARE, ours_with
from nbgrader.api import Gradebook

from autograder.course import Assignment, read_course
from autograder.handin import fill
from autograder.records import decode

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
CELL_LIMIT = 120
"""Seconds for a cell of stock nbgrader: no honest one comes near it."""

_AFTER = """from contextlib import contextmanager


@contextmanager
def after(*names):
    try:
        yield
    except (NotImplementedError, NameError):
        print("Finish", *names, "first.")
"""
"""In the place of the kit's import in the notebooks of others."""

Class = Mapping[str, HandedIn]


@dataclass(frozen=True)
class Ground:
    """What all contestants share."""

    root: Path
    """A folder of their own for each."""
    assignment: Assignment
    exam: Exam
    otter: Path | None
    """Folder of otter's programs."""

    def source(self, *, whole: bool) -> list[dict[str, Any]]:
        """Return the cells of the instructor's notebook, or those that do not only demonstrate something."""
        path = REPOSITORY / "source" / self.assignment.id / f"{self.assignment.id}.ipynb"
        cells = json.loads(path.read_bytes())["cells"]
        return [cell for cell in cells if whole or cell["metadata"].get("autograder") != {"role": "demonstration"}]

    def new_folder(self, name: str) -> Path:
        """Return an empty folder."""
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


Grade = Callable[[Ground, Class], Measured]


def hand_in(course: Path, assignment: str, release: bytes, class_: Class) -> None:
    """Write the notebooks of a class into nbgrader's folder of submissions."""
    for student, work in class_.items():
        path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(fill(release, work.answers))


def nbgrader(*arguments: str) -> list[str]:
    """Return a command of nbgrader's."""
    return [sys.executable, "-m", "nbgrader", *arguments]


def programs() -> str:
    """Return a path on which nbgrader finds `alembic`, which it calls by name."""
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


# ---- stock nbgrader ------------------------------------------------------------------------------------------------


def stock_nbgrader(*, whole: bool) -> Grade:
    """Grade with nbgrader as its documentation says: hidden tests in cells, a kernel for each notebook.

    Without `whole`, the lesson's demonstrations are taken out of all notebooks: stock nbgrader runs every cell.
    """

    def grade(ground: Ground, class_: Class) -> Measured:
        name, id = f"stock-nbgrader-{'whole' if whole else 'bare'}", ground.assignment.id
        course = ground.new_folder(name)
        log = course.with_name(f"{name}.log")
        notebook = course / "source" / id / f"{id}.ipynb"
        notebook.parent.mkdir(parents=True)
        nbformat.write(nbformat.from_dict(_notebook(_stock_cells(ground, whole))), notebook)
        run(nbgrader("generate_assignment", id), course, log, PATH=programs())
        hand_in(course, id, (course / "release" / id / f"{id}.ipynb").read_bytes(), class_)
        command = nbgrader("autograde", id, f"--Execute.timeout={CELL_LIMIT}")
        cost = run(command, course, log, PATH=programs())
        scores = _gradebook_scores(course / "gradebook.db", id)
        done = intervals((course / "autograded").glob(f"*/{id}/*.ipynb"))
        return _measured(STOCK if whole else STOCK_BARE, class_, cost, done, scores, ground)

    return grade


def _stock_cells(ground: Ground, whole: bool) -> list[dict[str, Any]]:
    cells = [_tests_cell("prelude", ground.exam.prelude, 0)]
    for cell in ground.source(whole=whole):
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        exercise = name.removeprefix("check-")
        if name.startswith("check-"):
            public = "\n\n".join(test.source for test in ground.exam.public if test.exercise == exercise)
            cells.append(nbformat.v4.new_code_cell(public))
            for test in _of(ground.exam.hidden, exercise):
                cells.append(_tests_cell(test.name, test.source, test.points))
        else:
            cells.append(_without_kit(cell))
    # The helpers come after the imports of the notebook, as they would.
    cells.insert(next(i for i, c in enumerate(cells[1:], 1) if c["cell_type"] == "code") + 1, cells.pop(0))
    return cells


def _of(tests: list[Test], exercise: str) -> list[Test]:
    return [test for test in tests if test.exercise == exercise]


def _without_kit(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell of the lesson that does not need this kit."""
    lines = "".join(cell["source"]).splitlines()
    kept = copy.deepcopy(cell)
    kept["source"] = "\n".join(_AFTER if line.startswith("from autograder") else line for line in lines)
    kept["metadata"].pop("autograder", None)
    return kept


def _tests_cell(name: str, hidden: str, points: float) -> dict[str, Any]:
    data = {"schema_version": 3, "grade_id": name, "grade": True, "solution": False, "locked": True, "task": False}
    source = f"### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": data | {"points": points}})


def _notebook(cells: list[dict[str, Any]]) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _gradebook_scores(path: Path, id: str) -> dict[str, float]:
    with Gradebook(f"sqlite:///{path}") as book:
        return {submission.student_id: float(submission.score) for submission in book.assignment_submissions(id)}


# ---- otter ---------------------------------------------------------------------------------------------------------


def stock_otter(ground: Ground, class_: Class) -> Measured:
    """Grade with `otter assign` and then `otter run` for each notebook."""
    assert ground.otter is not None
    folder, id = ground.new_folder("stock-otter"), ground.assignment.id
    log = folder.with_name("stock-otter.log")
    nbformat.write(nbformat.from_dict(_notebook(_otter_cells(ground))), folder / "exam.ipynb")
    otter, path = ground.otter / "otter", f"{ground.otter}:/usr/local/bin:/usr/bin:/bin"
    run([otter, "assign", "exam.ipynb", "dist"], folder, log, PATH=path)
    (zipped,) = (folder / "dist" / "autograder").glob("*.zip")
    release = _named((folder / "dist" / "student" / "exam.ipynb").read_bytes(), ground.assignment)
    costs, scores = [], {}
    for student, work in class_.items():
        own = folder / student
        own.mkdir()
        (own / f"{id}.ipynb").write_bytes(fill(release, work.answers))
        costs.append(run([otter, "run", "-a", zipped, "-o", own, f"{id}.ipynb"], own, log, PATH=path))
        if (own / "results.json").is_file():
            tests = json.loads((own / "results.json").read_text())["tests"]
            scores[student] = sum(float(test.get("score", 0.0)) for test in tests)
    cost = (sum(c[0] for c in costs), sum(c[1] for c in costs), max(c[2] for c in costs))
    return _measured(OTTER, class_, cost, [c[0] for c in costs], scores, ground)


def _otter_cells(ground: Ground) -> list[dict[str, Any]]:
    raw, code = nbformat.v4.new_raw_cell, nbformat.v4.new_code_cell
    guarded = "\n".join(f"    {line}" if line else "" for line in ground.exam.prelude.splitlines())
    prelude = f'if "_Student" not in globals():\n{guarded}\n'
    cells = [raw("# ASSIGNMENT CONFIG\nname: exam\nexport_cell: false\n")]
    for cell in ground.source(whole=True):
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name.startswith("check-"):
            continue
        if name not in ground.exam.most:
            new_cell = code if cell["cell_type"] == "code" else nbformat.v4.new_markdown_cell
            cells.append(new_cell(_without_kit(cell)["source"]))
            continue
        lines = [line for line in "".join(cell["source"]).splitlines() if not line.strip().startswith("###")]
        solution = "\n".join(["# BEGIN SOLUTION", *lines, "# END SOLUTION"])
        cells += [raw(f"# BEGIN QUESTION\nname: {name}"), raw("# BEGIN SOLUTION"), code(solution)]
        cells += [raw("# END SOLUTION"), raw("# BEGIN TESTS")]
        tests = [(test, False) for test in _of(ground.exam.public, name)]
        tests += [(test, True) for test in _of(ground.exam.hidden, name)]
        for test, hidden in tests:
            settings = f"points: {test.points if hidden else 0}\nhidden: {str(hidden).lower()}"
            cells.append(code(f'""" # BEGIN TEST CONFIG\n{settings}\n""" # END TEST CONFIG\n{prelude}\n{test.source}'))
        cells += [raw("# END TESTS"), raw("# END QUESTION")]
    return cells


def _named(release: bytes, assignment: Assignment) -> bytes:
    """Name the cells to answer in, in order, by their exercises, as nbgrader does."""
    notebook = json.loads(release)
    answers = [cell for cell in notebook["cells"] if "otter_answer_cell" in cell["metadata"].get("tags", [])]
    for exercise, cell in zip(assignment.exercises, answers, strict=True):
        cell["metadata"]["nbgrader"] = {"grade_id": exercise.id}
    return json.dumps(notebook).encode()


# ---- this kit ------------------------------------------------------------------------------------------------------


def make_course(ground: Ground, name: str, class_: Class) -> Path:
    """Return a course of this kit, with what the class handed in."""
    course = ground.new_folder(name)
    for part in ("assignments", "solutions", "source", "release"):
        shutil.copytree(REPOSITORY / part, course / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(REPOSITORY / "nbgrader_config.py", course / "nbgrader_config.py")
    hand_in(course, ground.assignment.id, read_course(course).notebook(ground.assignment), class_)
    return course


def with_our_preprocessor(ground: Ground, class_: Class) -> Measured:
    """Grade with `nbgrader autograde` in a course of this kit."""
    course, id = make_course(ground, "nbgrader-ours", class_), ground.assignment.id
    log = course.with_name("nbgrader-ours.log")
    run(nbgrader("generate_assignment", id, "--force"), course, log, PATH=programs())
    cost = run(nbgrader("autograde", id), course, log, PATH=programs())
    scores = _gradebook_scores(course / "gradebook.db", id)
    done = intervals((course / "autograded").glob(f"*/{id}/*.ipynb"))
    return _measured(PREPROCESSOR, class_, cost, done, scores, ground)


def ours(workers: int, *, gradebook: bool) -> Grade:
    """Grade with `autograder grade`."""

    def grade(ground: Ground, class_: Class) -> Measured:
        name = f"ours-{workers}{'-gradebook' if gradebook else ''}"
        course, id = make_course(ground, name, class_), ground.assignment.id
        command = [sys.executable, "-m", "autograder", "grade", id, "--workers", str(workers)]
        command += [] if gradebook else ["--no-gradebook"]
        cost = run(command, course, course.with_name(f"{name}.log"), PATH=programs())
        records = sorted((course / "results" / id).glob("*.json"))
        scores = {path.stem: decode(path.read_bytes()).score or 0.0 for path in records}
        label = ours_with(workers, gradebook=gradebook)
        each = intervals(records) if workers == 1 else []
        again = run(command, course, course.with_name(f"{name}.log"), PATH=programs())[0]
        return replace(_measured(label, class_, cost, each, scores, ground), again=again)

    return grade


def floor(alone: bool) -> Grade:
    """Do only what nobody can do without, see floor.py."""

    def grade(ground: Ground, class_: Class) -> Measured:
        name = "floor-alone" if alone else "floor"
        course = make_course(ground, name, class_)
        log = course.with_name(f"{name}.log")
        said = course / "seconds.csv"
        command = [
            sys.executable,
            HERE / "floor.py",
            course,
            ground.assignment.id,
            said,
            *(["--alone"] if alone else []),
        ]
        cost = run(command, course, log, PATH=programs())
        each = [float(row[0]) for row in csv.reader(said.open())]
        return _measured(FLOOR_ALONE if alone else FLOOR, class_, cost, each, None, ground)

    return grade


def _measured(
    name: str,
    class_: Class,
    cost: tuple[float, float, float],
    each: list[float],
    scores: Mapping[str, float] | None,
    ground: Ground,
) -> Measured:
    most = sum(ground.exam.most.values())
    right = [student for student, work in class_.items() if work.kind == "right"]
    full = sum((scores or {}).get(student) == most for student in right)
    return Measured(name, len(class_), *cost, each=each, full_marks=full if scores is not None else -1)
