"""The course's own checks as an instructor would write them for stock nbgrader or otter: plain asserts in cells.

Each check is the same function of the same inputs, with the same oracle; only what it calls is plainer, see prelude.py.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from autograder.catalogue import Catalogue, Variant, load_module, renamed
from autograder.checks import TOLERANCES
from autograder.course import Assignment

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Test:
    """One check."""

    exercise: str
    name: str
    points: float
    source: str
    """The function, and the call of it."""


@dataclass(frozen=True)
class Exam:
    """All checks of an assignment."""

    prelude: str
    """Helpers, to be run once before any test."""
    public: list[Test]
    hidden: list[Test]
    most: dict[str, float]
    """Points by exercise."""


def exam_of(catalogue: Catalogue) -> Exam:
    """Return the checks of an assignment as cells."""
    assignment = catalogue.assignment
    public, hidden = (_read(assignment, name) for name in ("test_public.py", "test_hidden.py"))
    prelude = "\n\n\n".join(
        [
            _without_docstring((HERE / "prelude.py").read_text()),
            f"TOLERANCES = {dict(TOLERANCES)!r}",
            public.helpers,
            hidden.helpers,
            _suspects(catalogue),
        ]
    )
    return Exam(prelude, public.tests, hidden.tests, {e.id: e.points for e in assignment.exercises})


@dataclass(frozen=True)
class _File:
    helpers: str
    tests: list[Test]


def _read(assignment: Assignment, name: str) -> _File:
    """Split a file of checks into its tests and what stands beside them."""
    path = assignment.folder / name
    module, source = load_module(path), path.read_text()
    helpers, tests = [], []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom) and "autograder" in ast.unparse(node):
            continue
        if isinstance(node, ast.Expr):
            continue  # the docstring, which otter would take for an answer
        info = getattr(getattr(module, getattr(node, "name", ""), None), "__autograder_check__", None)
        if info is None:
            helpers.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef):
            tests.append(_test(node, info.exercise, info.points, len(tests)))
    return _File("\n\n\n".join(helpers), tests)


def _without_docstring(source: str) -> str:
    return "\n\n\n".join(ast.unparse(node) for node in ast.parse(source).body if not isinstance(node, ast.Expr))


def _test(node: ast.FunctionDef, exercise: str, points: float, seed: int) -> Test:
    node.decorator_list = []
    values = {"student": "_Student()", "draw": f"_Draw({seed})", "suspects": "_Suspects()"}
    arguments = ", ".join(values[argument.arg] for argument in node.args.args)
    return Test(exercise, node.name, points, f"{ast.unparse(node)}\n\n\n{node.name}({arguments})\n")


def _suspects(catalogue: Catalogue) -> str:
    """Return the source of what finds known solutions, for tests of students' tests."""
    functions, right, wrong = [], {}, {}
    judged = {e.id for e in catalogue.assignment.exercises if f"test_{e.id}" in catalogue.reference}
    variants = [*catalogue.alternatives, *catalogue.misconceptions]
    for exercise in sorted(judged):
        right[exercise] = [f"_{exercise}_0"]
        functions.append(_enclosed(catalogue, exercise, catalogue.reference_source(exercise), f"_{exercise}_0"))
    for number, variant in enumerate((v for v in variants if v.exercise in judged), 1):
        name = f"_{variant.exercise}_{number}"
        functions.append(_enclosed(catalogue, variant.exercise, variant.source, name))
        _file(variant, name, right, wrong)
    return "\n\n\n".join([*functions, _FINDER.format(right=_table(right), wrong=_table(wrong))])


def _file(variant: Variant, name: str, right: dict[str, list[str]], wrong: dict[str, list[str]]) -> None:
    is_wrong = hasattr(variant.entry, "title")
    (wrong if is_wrong else right).setdefault(
        f"{variant.exercise}/{variant.entry.name}" if is_wrong else variant.exercise, []
    ).append(name)


def _table(entries: dict[str, list[str]]) -> str:
    return "{" + ", ".join(f"{key!r}: [{', '.join(names)}]" for key, names in entries.items()) + "}"


def _enclosed(catalogue: Catalogue, exercise: str, source: str, name: str) -> str:
    """Return a solution as a function of another name, with what it stands on inside, out of the student's reach."""
    below = catalogue.assignment.prerequisites(exercise)
    parts = [catalogue.reference_source(needed) for needed in below] + [source]
    body = "\n\n".join(ast.unparse(ast.parse(renamed(part, {}))) for part in parts)
    indented = "\n".join(f"    {line}" if line else "" for line in body.splitlines())
    return f"def _make_{name}():\n{indented}\n    return {exercise}\n\n\n{name} = _make_{name}()"


_FINDER = """class _Suspects:
    _right = {right}
    _wrong = {wrong}

    def right(self, exercise):
        return self._right[exercise]

    def wrong(self, exercise, *names):
        return [self._wrong[exercise + "/" + name][0] for name in names]"""
