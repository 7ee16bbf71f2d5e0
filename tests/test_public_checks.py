"""Public checks give nothing away: what stands in their files beside the checks is no solution of an exercise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from autograder.catalogue import Catalogue, load_module
from autograder.checks.draw import seed_for
from autograder.checks.runner import Check, CheckRunner, run_session
from autograder.course import Course, Exercise, read_course
from autograder.homework.live import PUBLIC, calm
from autograder.inside.executor import Executor
from autograder.students import Student, live_asker
from autograder.suspects import Suspects

ROOT = Path(__file__).parent.parent
ASSIGNMENTS = sorted(path.parent.name for path in ROOT.glob(f"assignments/*/{PUBLIC}"))

COMPREHENSION = ("comp>", "<genexpr>")

Helper = Callable[..., Any]


def helpers_in(path: Path) -> list[Helper]:
    """Return the functions and classes of a file that are no checks, also those inside functions."""
    module = load_module(path)
    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", "") == module.__name__]
    inner = [function for thing in own if isinstance(thing, FunctionType) for function in functions_inside(thing)]
    return [thing for thing in own if not thing.__name__.startswith("test_")] + inner


def functions_inside(function: FunctionType) -> Iterator[FunctionType]:
    """Yield what is defined inside a function and needs nothing of it, and so could be copied as it stands."""
    for code in function.__code__.co_consts:
        if isinstance(code, CodeType) and not code.co_freevars and not code.co_name.endswith(COMPREHENSION):
            inner = FunctionType(code, function.__globals__)
            yield inner
            yield from functions_inside(inner)


class Trial:
    """Hands helpers in as answers, and lets the hidden checks judge them in this very process."""

    def __init__(self, catalogue: Catalogue, runner: CheckRunner) -> None:
        self._catalogue, self._runner, self._suspects = catalogue, runner, Suspects(catalogue)
        self._exercises = catalogue.assignment.exercises

    def solved(self, helpers: list[Helper]) -> set[tuple[str, str]]:
        """Return who solves what: names of helpers and exercises."""
        return {(h.__name__, e.id) for h in helpers for e in self._exercises if self.solves(h, e)}

    def solves(self, helper: Helper, exercise: Exercise) -> bool:
        """Say whether a helper passes all hidden checks of an exercise, with all else right."""
        namespace = {**self._catalogue.reference, exercise.id: helper}
        checks = [check for check in self._runner.checks if check.info.exercise == exercise.id]
        assert checks
        return all(self._passes(check, namespace, exercise.forbids) for check in checks)

    def _passes(self, check: Check, namespace: dict[str, Any], forbids: list[str]) -> bool:
        seed = seed_for("", self._catalogue.assignment.id, "", check.id)
        with calm(seed):
            opened, reference = self._opener(namespace, forbids), self._student(self._catalogue.reference, [])
            return self._runner.run(check, opened, seed, reference, self._suspects).error is None

    def _student(self, namespace: dict[str, Any], forbids: list[str]) -> Student:
        return Student(live_asker(Executor(namespace, forbids)), self._exercises)

    def _opener(self, namespace: dict[str, Any], forbids: list[str]) -> Any:
        @contextmanager
        def opened() -> Iterator[Student]:
            yield self._student(namespace, forbids)

        return opened


def solved_by(catalogue: Catalogue, helpers: list[Helper]) -> set[tuple[str, str]]:
    """Return which helper solves which exercise of an assignment."""
    found: set[tuple[str, str]] = set()
    hidden = catalogue.assignment.folder / "test_hidden.py"
    run_session([hidden], lambda runner: found.update(Trial(catalogue, runner).solved(helpers)))
    return found


@pytest.fixture(scope="module")
def course() -> Course:
    return read_course(ROOT)


@pytest.mark.filterwarnings("ignore::UserWarning")  # helpers in a place that they were not made for
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_helper_of_public_checks_solves_an_exercise(course: Course, name: str) -> None:
    assignment = course.assignment(name)
    helpers = helpers_in(assignment.folder / PUBLIC)
    assert helpers
    assert solved_by(Catalogue(assignment), helpers) == set()


@pytest.mark.filterwarnings("ignore::UserWarning")  # as above
def test_a_helper_that_solves_an_exercise_is_found_wherever_it_stands(course: Course, tmp_path: Path) -> None:
    assignment = course.assignment("02_multi_head")
    solution = """
def {name}(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible")
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)
"""
    beside, inside = solution.format(name="beside"), "\n    ".join(solution.format(name="inside").splitlines())
    (tmp_path / PUBLIC).write_text(f"{beside}\n\ndef test_heads(student):{inside}\n    inside(0, 1)\n")
    helpers = helpers_in(tmp_path / PUBLIC)
    assert solved_by(Catalogue(assignment), helpers) == {("beside", "split_heads"), ("inside", "split_heads")}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_assertions_of_public_checks_name_what_the_self_check_shows(course: Course, name: str) -> None:
    """It looks for `found` and `expected` in the frames of a failed check, see `autograder/homework/evidence.py`."""
    helpers = helpers_in(course.assignment(name).folder / PUBLIC)
    assertions = [helper for helper in helpers if helper.__name__.startswith("assert_")]
    assert [a.__name__ for a in assertions if list(signature(a).parameters)[:2] != ["found", "expected"]] == []
