"""A small course for the tests of the host, and submissions in every state of damage."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path
from typing import Any

from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp

from autograder.records import CheckResult, ExerciseResult, Record

REPOSITORY = Path(__file__).parents[2]
ASSIGNMENT = "01_small"
POINTS = {"double": 4.0, "Scale": 6.0}

COURSE = """
title = "Small"
salt = "salt"
[limits]
notebook_mib = 1
[[assignments]]
id = "01_small"
title = "Small"
solution = "small.py"
"""

EXERCISES = """
[[exercise]]
id = "double"
title = "Doubling"
points = 4

[[exercise]]
id = "Scale"
title = "Scaling"
points = 6
depends_on = ["double"]
"""

LESSON = """\
# %% [markdown]
# # Small
# Text with $x < y$.

# %% setup
import math

from autograder import check

# %%
print("a demonstration")

# %% solution="double"

# %% check="double"

# %% [markdown]
# More text.

# %% solution="Scale"

# %% check="Scale"
"""

SOLUTIONS = '''\
"""Solutions."""

import functools

FACTOR = 2  # not part of any exercise


@functools.cache
def double(
    x: float,
) -> float:
    """Return twice x.

    Shapes: any
    """

    # The secret of doubling.
    return FACTOR_IN_SECRET * x
    # A last word.


class Scale:
    """Multiply by a factor."""

    kind = "linear"

    def __init__(self, factor: float) -> None:
        """Keep the factor."""
        self.factor = factor

    # Between two methods.
    def __call__(self, x: float) -> float:
        # No docstring here.
        def inner(y: float) -> float:
            return y * self.factor

        return inner(x)
'''


def make_course(root: Path) -> Path:
    """Write the small course, with the repository's own nbgrader_config.py."""
    folder = root / "assignments" / ASSIGNMENT
    files = {
        root / "assignments" / "course.toml": COURSE,
        folder / "exercises.toml": EXERCISES,
        folder / "lesson.py": LESSON,
        folder / "test_public.py": '"""Public checks."""\n',
        folder / "test_hidden.py": '"""HIDDEN_CHECKS."""\n',
        root / "solutions" / "small.py": SOLUTIONS,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copyfile(REPOSITORY / "nbgrader_config.py", root / "nbgrader_config.py")
    return root


def released(root: Path) -> dict[str, Any]:
    """Return the release notebook."""
    notebook: dict[str, Any] = json.loads((root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def index_of(notebook: dict[str, Any], name: str) -> int:
    """Return the position of a cell by its grade id."""
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in notebook["cells"]]
    return ids.index(name)


def hand_in(root: Path, student: str, content: dict[str, Any] | str | bytes, name: str = f"{ASSIGNMENT}.ipynb") -> Path:
    """Write a submission."""
    path = root / "submitted" / student / ASSIGNMENT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def honest(root: Path) -> dict[str, Any]:
    """Return a notebook in which both exercises were worked on."""
    notebook = copy.deepcopy(released(root))
    for name in POINTS:
        cell = notebook["cells"][index_of(notebook, name)]
        cell["source"] = cell["source"].replace("raise NotImplementedError()", "return 'my own work'")
    return notebook


def record(student: str, double: float = 4.0, scale: float = 6.0, **more: Any) -> Record:
    """Return the result of a graded submission."""
    scores = {"double": double, "Scale": scale}
    return Record(
        **{
            "assignment": ASSIGNMENT,
            "student": student,
            "status": "graded",
            "score": double + scale,
            "max_score": 10.0,
            "isolation": "confined",
            "exercises": [result(name, score) for name, score in scores.items()],
        }
        | more
    )


def result(name: str, score: float) -> ExerciseResult:
    """Return the result of one exercise that has one check."""
    right = score == POINTS[name]
    check = CheckResult(
        id=f"test_hidden.py::test_{name}",
        title=f"The numbers of {name} are right.",
        verdict="pass" if right else "wrong",
        points=score,
        max_points=POINTS[name],
        message="" if right else "Found <script>alert(1)</script> and *stars*.",
        misconception=None if right else "adds_instead",
        hint="" if right else "What does twice mean?",
    )
    return ExerciseResult(id=name, status="attempted", score=score, max_score=POINTS[name], checks=[check])


def not_graded(student: str, status: str = "grader_fault") -> Record:
    """Return the record of a submission without a mark."""
    return record(student, status=status, score=None, exercises=[], notes=["The disk of the grader was full."])


def run_nbgrader(root: Path, *args: str) -> int:
    """Run an nbgrader command in a folder and return its exit code."""
    before = Path.cwd()
    os.chdir(root)
    NbGraderApp.clear_instance()
    app = NbGraderApp.instance()
    try:
        app.initialize([*args])
        app.start()
    except NoStart:  # how the outer command ends when the inner one is done
        return 0
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        app.reset()
        os.environ.pop("NBGRADER_EXECUTION", None)
        os.chdir(before)
    return 0
