"""otter-grader as its documentation says: a master notebook, `otter assign`, `otter run`, results.json."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import exam
import nbformat
from judging import Sheet, leaks
from running import Ended, harm_of, run, shared_traces

HERE = Path(__file__).parent
LIMIT = 60.0
"""Seconds for a submission. `otter run` has no limit of its own."""


def make_environment(folder: Path) -> Path:
    """Make otter's own environment, once, and return the folder of its programs.

    It borrows torch and the notebook tools from the environment of this program by a line in a .pth file: otter's own
    packages come first, and nothing is changed in the environment that lends.

    Raises:
        subprocess.CalledProcessError: when pip fails.
    """
    programs, requirements = folder / "bin", HERE / "requirements.txt"
    ready = folder / "ready"
    if ready.exists() and ready.read_text() == requirements.read_text():
        return programs
    folder.parent.mkdir(exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n")
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    own = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    (Path(own) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [str(programs / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(requirements)], check=True)
    ready.write_text(requirements.read_text())
    return programs


class StockOtter:
    """An assignment of otter-grader."""

    name = "otter run"
    usual = 12.0
    """Seconds that an honest submission takes on a machine with nothing else to do."""

    def __init__(self, root: Path, solved: dict[str, str], programs: Path) -> None:
        """Make the assignment at `root`: the notebook for students, and the zip that grades it.

        Raises:
            RuntimeError: when `otter assign` fails; it also runs the tests against the solutions.
        """
        self.secret = exam.new_secret()
        self.stretch = 1.0
        self.root = root
        self.programs = programs
        making = root / "making"
        exam.write_notebook(making / "fort.ipynb", _master(solved, self.secret))
        ended = self._otter(making, making, "assign", "fort.ipynb", "dist")
        zips = sorted((making / "dist" / "autograder").glob("*.zip"))
        if ended.code != 0 or len(zips) != 1:
            raise RuntimeError(f"otter assign made no autograder:\n{ended.output}")
        self.release = _with_names((making / "dist" / "student" / "fort.ipynb").read_bytes())
        self.autograder = zips[0].rename(root / "autograder.zip")
        shutil.rmtree(making)

    def grade(self, name: str, notebook: bytes, *, alone: bool = False) -> Sheet:
        """Grade one submission with the real command; look into places shared by all if nobody else is graded now."""
        own, before = self.root / name, shared_traces() if alone else None
        results = own / "results"
        results.mkdir(parents=True)
        (own / "fort.ipynb").write_bytes(notebook)
        ended = self._otter(own, own, "run", "-a", self.autograder, "-o", results, "fort.ipynb")
        harm = harm_of(ended, own, before)
        said = _read(results / "results.json")
        if leaks(said, self.secret) or leaks(ended.output, self.secret):
            harm.append("hidden test leaked")
        scores = _scores(said)
        shutil.rmtree(own, ignore_errors=True)
        return Sheet(scores, "" if scores is not None else _problem(ended), harm)

    def _otter(self, cwd: Path, own: Path, *arguments: str | Path) -> Ended:
        path = f"{self.programs}:/usr/local/bin:/usr/bin:/bin"
        return run([self.programs / "otter", *arguments], cwd, own, LIMIT * self.stretch, PATH=path)


def _master(solved: dict[str, str], secret: str) -> list[dict[str, Any]]:
    """Return the cells of the instructor's notebook."""
    raw, code = nbformat.v4.new_raw_cell, nbformat.v4.new_code_cell
    cells = [raw("# ASSIGNMENT CONFIG\nname: fort\nexport_cell: false\n"), code(exam.SETUP)]
    for exercise in exam.EXERCISES:
        cells += [raw(f"# BEGIN QUESTION\nname: {exercise}"), raw("# BEGIN SOLUTION")]
        cells += [code(f"# BEGIN SOLUTION\n{solved[exercise].strip()}\n# END SOLUTION"), raw("# END SOLUTION")]
        cells += [raw("# BEGIN TESTS")]
        if exercise == "softmax":
            cells.append(code(_configured(exam.PUBLIC, points=0, hidden=False)))
        for test in exam.HIDDEN:
            if test.exercise == exercise:
                cells.append(code(_configured(test.armed(secret), points=test.points, hidden=True)))
        cells += [raw("# END TESTS"), raw("# END QUESTION")]
    return cells


def _configured(source: str, *, points: int, hidden: bool) -> str:
    """Return a test cell with its settings, as otter wants them."""
    settings = f"points: {points}\nhidden: {str(hidden).lower()}"
    return f'""" # BEGIN TEST CONFIG\n{settings}\n""" # END TEST CONFIG\n{source}'


def _with_names(release: bytes) -> bytes:
    """Name the cells to answer in, in order, by their exercises, as nbgrader does: attacks look for these names."""
    notebook = json.loads(release)
    answers = [cell for cell in notebook["cells"] if "otter_answer_cell" in cell["metadata"].get("tags", [])]
    for exercise, cell in zip(exam.EXERCISES, answers, strict=True):
        cell["metadata"]["nbgrader"] = {"grade_id": exercise}
    return json.dumps(notebook).encode()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _scores(results: str) -> dict[str, float] | None:
    """Return the points by exercise."""
    try:
        tests = json.loads(results)["tests"]
        scores = {str(test["name"]): float(test["score"]) for test in tests if "score" in test}
    except (ValueError, KeyError, TypeError):
        return None
    return scores if set(scores) & set(exam.EXERCISES) else None


def _problem(ended: Ended) -> str:
    """Return why there is no result."""
    return "no points in results.json" if ended.code == 0 else ended.problem
