"""What grading cannot cost less than: fork a warm process, run the notebook's cells, make the calls of all checks.

    python floor.py COURSE ASSIGNMENT SECONDS.csv [--alone]

There are no locks, no second process, no comparison, no marks. The calls are those that the checks make of the
reference, made ready in memory. With --alone each check gets a process of its own, as a grader has to give it that
trusts nothing that another check has run in.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from autograder.catalogue import Catalogue
from autograder.checks.draw import seed_for
from autograder.checks.runner import CheckRunner, run_session
from autograder.course import read_course
from autograder.grade import prepare_process
from autograder.inside import huge_pages, zygote
from autograder.inside.executor import Executor
from autograder.inside.notebook import run_cells
from autograder.students import Student, live_asker
from autograder.submission import Submission, find_notebook, read, read_release
from autograder.suspects import Suspects
from autograder.wire import Call

Calls = dict[str, list[list[Call]]]
"""By exercise, for each check, its calls."""


def main(root: Path, id: str, said: Path, alone: bool) -> None:
    """Grade nobody, in the shortest time."""
    course = read_course(root)
    assignment = course.assignment(id)
    prepare_process()
    calls = _calls(Catalogue(assignment))
    released = read_release(course.notebook(assignment), assignment)
    zygote.warm_up()
    gc.collect()
    gc.freeze()
    huge_pages.collapse()
    with said.open("w") as file:
        for folder in sorted((root / "submitted").iterdir()):
            start = time.perf_counter()
            notebook, _ = find_notebook(folder / id, id)
            _run(read(notebook.read_bytes(), assignment, released), calls, alone)
            file.write(f"{time.perf_counter() - start}\n")


def _run(submission: Submission, calls: Calls, alone: bool) -> None:
    wanted = [check for name, checks in calls.items() if submission.status[name] == "attempted" for check in checks]
    for group in [[check] for check in wanted] if alone else [wanted]:
        child = os.fork()
        if not child:
            try:
                _make(submission, group)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


def _make(submission: Submission, checks: list[list[Call]]) -> None:
    executor = Executor(run_cells(submission.cells, lambda index: None)[0])
    for check in checks:
        for call in check:
            executor.answer(call)
        executor = Executor(executor.namespace)


def _calls(catalogue: Catalogue) -> Calls:
    """Return the calls that the hidden checks make of the reference."""
    assignment = catalogue.assignment
    calls: Calls = {exercise.id: [] for exercise in assignment.exercises}
    suspects = Suspects(catalogue)

    def student() -> Student:
        return Student(live_asker(Executor(catalogue.reference)), assignment.exercises)

    def loop(runner: CheckRunner) -> None:
        for check in runner.checks:
            seed = seed_for("", assignment.id, "floor", check.id)
            found = runner.run(check, lambda: nullcontext(student()), seed, student(), suspects)
            calls[check.info.exercise].append([step.call for step in found.transcript])

    run_session([assignment.folder / "test_hidden.py"], loop)
    return calls


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), "--alone" in sys.argv)
