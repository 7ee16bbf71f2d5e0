"""The self-check: the public checks, run against a live notebook or against a notebook file, in this very process.

    check("softmax")            in a notebook: a card that says what passes, what does not, and why
    with after("softmax"): ...  a demonstration that waits until the student has written `softmax`

It is the student's own code on the student's own machine, so there is no wall here. The checks are the same plain
pytest files with the same `student` fixture as in grading.
"""

from __future__ import annotations

import inspect
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from autograder.checks.draw import seed_for
from autograder.checks.runner import Check, CheckRunner, run_session
from autograder.course import Assignment, Exercise, read_assignment
from autograder.errors import OutOfTime, StudentError, StudentTimeout, UsageError
from autograder.inside import plots
from autograder.inside.executor import Executor
from autograder.records import CheckResult, ExerciseResult
from autograder.report.card import exercise_card_html, exercise_card_text
from autograder.score import check_result, exercise_result, unrun_result
from autograder.students import Student, live_asker

CHECK_SECONDS = 10


class Card:
    """The result of a self-check: HTML in a notebook, plain text elsewhere."""

    def __init__(self, result: ExerciseResult) -> None:
        self.result = result

    @property
    def passed(self) -> bool:
        """Whether every check passes."""
        return all(check.verdict == "pass" for check in self.result.checks)

    def _repr_html_(self) -> str:
        return exercise_card_html(self.result)

    def __repr__(self) -> str:
        return exercise_card_text(self.result)


def check(name: str) -> Card:
    """Check one exercise of the notebook in which this is called, with the public checks beside it.

    Args:
        name: the exercise, such as "softmax"

    Raises:
        AssertionError: under `nbgrader validate` and its button, which can say "passed" or "failed" and nothing else.
        UsageError: when the notebook does not lie in its release folder, or has no such exercise.
    """
    __tracebackhide__ = True  # under validate, the student sees the message and not our frames
    namespace = _namespace_of_caller()
    card = Card(check_namespace(namespace, read_release_folder(Path.cwd()), [name])[0])
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and not card.passed:
        raise AssertionError(f"\n{card!r}")
    return card


@contextmanager
def after(*names: str) -> Iterator[None]:
    """Run a demonstration once the exercises it needs are written; until then say so instead of raising."""
    before = plots.open_figures()
    try:
        yield
    except NotImplementedError:
        plots.close_figures(but=before)
        wanted = " and ".join(f"`{name}`" for name in names)
        print(f"Finish {wanted} first, then run this cell again.")


def read_release_folder(folder: Path) -> Assignment:
    """Return the assignment whose public checks lie in `folder`.

    Raises:
        UsageError: when they do not.
    """
    if not (folder / "test_public.py").is_file() or not (folder / "exercises.toml").is_file():
        raise UsageError(
            f"no checks beside this notebook: {folder} has no test_public.py and exercises.toml. "
            "Keep the notebook in the folder in which it was released"
        )
    return read_assignment(folder)


def check_namespace(namespace: dict[str, Any], assignment: Assignment, names: list[str]) -> list[ExerciseResult]:
    """Run the public checks of some exercises against functions and classes in a namespace."""
    exercises = [assignment.exercise(name) for name in names]
    results: list[ExerciseResult] = []

    def loop(runner: CheckRunner) -> None:
        for exercise in exercises:
            checks = [c for c in runner.checks if c.info.exercise == exercise.id]
            results.append(_check_exercise(runner, exercise, checks, namespace, assignment))

    run_session([assignment.folder / "test_public.py"], loop)
    return results


def _check_exercise(
    runner: CheckRunner, exercise: Exercise, checks: list[Check], namespace: dict[str, Any], assignment: Assignment
) -> ExerciseResult:
    if exercise.id not in namespace:
        text = f"There is no {exercise.id} here yet: run its cell first."
        return exercise_result(exercise, "missing", [unrun_result(c, "missing", text, exercise) for c in checks])
    results: list[CheckResult] = []
    interrupted = False
    for check in checks:
        if interrupted:
            results.append(unrun_result(check, "skipped", "Interrupted before it ran.", exercise))
            continue
        error = _run(runner, check, namespace, exercise, assignment)
        if isinstance(error, StudentError) and error.kind == "NotImplementedError":
            text = "Not attempted yet."
            return exercise_result(
                exercise, "not_attempted", [unrun_result(c, "missing", text, exercise) for c in checks]
            )
        interrupted = isinstance(error, StudentError) and error.kind == "KeyboardInterrupt"
        results.append(check_result(check, error, None, exercise))
    return exercise_result(exercise, "attempted", results)


def _run(
    runner: CheckRunner, check: Check, namespace: dict[str, Any], exercise: Exercise, assignment: Assignment
) -> BaseException | None:
    @contextmanager
    def open_student() -> Iterator[Student]:
        yield Student(live_asker(Executor(namespace, exercise.forbids)), assignment.exercises)

    with _time_limit(CHECK_SECONDS):
        error = runner.run(check, open_student, seed_for("", assignment.id, "", check.id)).error
    return StudentTimeout(f"did not finish within {CHECK_SECONDS} s") if isinstance(error, OutOfTime) else error


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raise OutOfTime after a while, where there are alarms: in the main thread of a POSIX system."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def _namespace_of_caller() -> dict[str, Any]:
    """Return the globals of whoever called `check`: the notebook's namespace."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame.f_back if frame is not None else None
    if frame is None:
        raise UsageError("check must be called from a notebook or a script")
    return frame.f_globals
