"""Grades one submission: which checks to run against what, with whose help, and what that comes to.

The rules: the stub untouched is "not_attempted" and nothing is run. A cell that does not come to its end is left out
and named; the rest is graded without it. A later exercise is judged with the reference standing in for an earlier one
that failed. What a check finds wrong is the student's fault only if the reference passes it on the same inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch

from autograder.catalogue import Catalogue
from autograder.checks.draw import seed_for
from autograder.checks.runner import Check, CheckRunner, Finding
from autograder.course import Exercise
from autograder.diagnose import name_the_mistakes
from autograder.errors import GraderFault, StudentFailure
from autograder.inside.eager import stay_eager
from autograder.inside.executor import Executor
from autograder.records import CheckResult, ExerciseResult
from autograder.sandbox import CellStopped, Inside, Sandbox
from autograder.score import check_result, exercise_result, unrun_result
from autograder.stand_in import stand_in_for
from autograder.students import Step, Student, live_asker
from autograder.submission import Submission
from autograder.suspects import Suspects
from autograder.wire import Load

_MOST_STOPPED_CELLS = 3


def prepare_process() -> None:
    """Make this process ready to grade: torch on one thread, and without the compiler that it loads on first use."""
    stay_eager()
    torch.set_num_threads(1)  # there is a process for each core, and sums come out the same everywhere


class Grader:
    """Grades submissions of one assignment, one after the other.

    Args:
        runner: the session of checks
        sandbox: where student code runs
        catalogue: the reference and the known mistakes
        salt: from which hidden inputs are drawn

    `margins` holds, for each check that was run last, by how many tolerances it missed.
    """

    def __init__(self, runner: CheckRunner, sandbox: Sandbox, catalogue: Catalogue, salt: str) -> None:
        self._runner, self._sandbox, self._catalogue, self._salt = runner, sandbox, catalogue, salt
        self._assignment, self._suspects = catalogue.assignment, Suspects(catalogue)
        self.margins: dict[str, float] = {}
        self._checks: dict[str, list[Check]] = {e.id: [] for e in self._assignment.exercises}
        for check in runner.checks:
            if check.info.exercise not in self._checks:
                raise GraderFault(f"{check.id} belongs to the unknown exercise {check.info.exercise!r}")
            self._checks[check.info.exercise].append(check)

    def grade(self, submission: Submission, student: str) -> tuple[list[ExerciseResult], list[str]]:
        """Return the results of all exercises, and notes.

        Raises:
            GraderFault: when the grader, a check or the reference is at fault.
        """
        work = Work(submission)
        failed: set[str] = set()
        results = []
        try:
            for exercise in self._assignment.exercises:
                status = submission.status[exercise.id]
                if status == "attempted":
                    checks = self.judge(exercise, work, student, failed)
                else:
                    text = "Not attempted yet." if status == "not_attempted" else "Its cell is gone from the notebook."
                    checks = [unrun_result(check, "missing", text, exercise) for check in self._checks[exercise.id]]
                if any(check.verdict != "pass" for check in checks):
                    failed.add(exercise.id)
                results.append(exercise_result(exercise, status, checks))
        finally:
            self._sandbox.dismiss()  # nobody else's code may run where this student's has
        return results, submission.notes + work.notes

    def examine_reference(self) -> None:
        """Make sure that the reference passes all checks: where it does not, a mark would mean nothing.

        Raises:
            GraderFault: when it fails one; the text says which.
        """
        for check in self._runner.checks:
            self._expect_reference_to_pass(check, seed_for(self._salt, self._assignment.id, "the reference", check.id))

    def checks_of(self, exercise: str) -> list[Check]:
        """Return the checks of one exercise."""
        return self._checks[exercise]

    def judge(self, exercise: Exercise, work: Work, student: str, failed: set[str]) -> list[CheckResult]:
        """Run the checks of one exercise and say what was wrong.

        Args:
            exercise: which one
            work: the notebook's cells
            student: whose inputs are drawn
            failed: earlier exercises that are not right; the reference stands in for them

        Raises:
            GraderFault: when the grader, a check or the reference is at fault.
        """
        broken = [name for name in self._assignment.prerequisites(exercise.id) if name in failed]
        replaced = [name for name in broken if not isinstance(self._catalogue.reference[name], type)]
        findings: dict[str, Finding] = {}
        for check in self._checks[exercise.id]:
            finding = self._run(check, exercise, work, student, replaced)
            if finding.error is not None and replaced:
                alone = self._run(check, exercise, work, student, [])
                finding = alone if alone.error is None else finding
            findings[check.id] = finding
            self.margins[check.id] = finding.margin
        wrong = {id: f.transcript for id, f in findings.items() if f.error is not None}

        def run_again(id: str) -> list[Step]:
            check = next(c for c in self._checks[exercise.id] if c.id == id)
            return self._run(check, exercise, work, student, replaced, "on other inputs").transcript

        named = name_the_mistakes(self._catalogue, exercise.id, wrong, run_again)
        return [
            unrun_result(check, "skipped", f"Needs {' and '.join(broken)}, which nothing can stand in for.", exercise)
            if findings[check.id].error is not None and len(replaced) < len(broken)
            else check_result(check, findings[check.id].error, named.get(check.id), exercise, hidden=True)
            for check in self._checks[exercise.id]
        ]

    def _run(
        self, check: Check, exercise: Exercise, work: Work, student: str, replaced: list[str], inputs: str = ""
    ) -> Finding:
        """Run one check, again without each cell that does not come to its end."""
        seed = seed_for(self._salt, self._assignment.id, student, check.id + inputs)
        while True:
            if (cause := work.stopped.get(exercise.id)) is not None:
                return Finding(error=cause, transcript=[], margin=0.0)
            finding = self._run_once(check, exercise, work, seed, replaced)
            if not isinstance(finding.error, CellStopped):
                break
            if not work.leave_out(finding.error):
                return Finding(error=finding.error.cause, transcript=[], margin=0.0)
        if isinstance(finding.error, GraderFault):
            raise finding.error
        if finding.error is not None and not isinstance(finding.error, StudentFailure):
            self._expect_reference_to_pass(check, seed)
        return finding

    def _run_once(self, check: Check, exercise: Exercise, work: Work, seed: int, replaced: list[str]) -> Finding:
        """Run one check where earlier ones have run; what that finds wrong must be found in a new process as well.

        A process costs more than most checks. What one check has left behind in it, another may stumble over, but that
        makes no wrong number right.
        """
        used: list[Inside] = []

        @contextmanager
        def open_student() -> Iterator[Student]:
            parameters = {name: list(signature(self._catalogue.reference[name]).parameters) for name in replaced}
            load = Load(cells=work.cells, stand_ins=parameters, forbidden=exercise.forbids)
            alone = exercise.id in work.alone
            with self._sandbox.open(load, stand_in_for(self._catalogue.reference, replaced), alone=alone) as inside:
                used.append(inside)
                work.note_errors(inside.errors)
                yield Student(inside.call, self._assignment.exercises)

        finding = self._runner.run(check, open_student, seed, self._reference(), self._suspects)
        if finding.error is None or exercise.id in work.alone or isinstance(finding.error, GraderFault):
            return finding
        self._sandbox.dismiss()
        # More of it will fail, as a rule, and need a process of its own anyway.
        work.alone.add(exercise.id)
        was_new = not used or used[0].loads == 1
        return finding if was_new else self._run_once(check, exercise, work, seed, replaced)

    def _expect_reference_to_pass(self, check: Check, seed: int) -> None:
        """Run a check against the reference, so that what it finds in a student's work is the student's.

        Raises:
            GraderFault: when the reference does not pass.
        """

        @contextmanager
        def open_reference() -> Iterator[Student]:
            yield self._reference()

        error = self._runner.run(check, open_reference, seed, self._reference(), self._suspects).error
        if error is not None:
            raise GraderFault(
                f"{check.id} fails with the reference: {type(error).__name__}: {error}. `autograder verify` says more"
            )

    def _reference(self) -> Student:
        return Student(live_asker(Executor(self._catalogue.reference)), self._assignment.exercises)


class Work:
    """The cells of one submission, less those that turned out not to come to their end."""

    def __init__(self, submission: Submission) -> None:
        self.cells = list(submission.cells)
        self.stopped: dict[str, StudentFailure] = {}
        self.notes: list[str] = []
        self.alone: set[str] = set()
        """Exercises in which something was wrong: each of their checks is given a process of its own."""
        self._status = submission.status
        self._stops = 0
        self._noted = False

    def leave_out(self, stop: CellStopped) -> bool:
        """Leave a cell out from now on; returns False when there have been too many of them."""
        self._stops += 1
        if not 0 <= stop.index < len(self.cells) or self._stops > _MOST_STOPPED_CELLS:
            return False
        name = self.cells.pop(stop.index).name
        if name in self._status and all(cell.name != name for cell in self.cells):
            self.stopped[name] = stop.cause
        self.notes.append(f"Running {name} ended it: {stop.cause}. The rest was graded without it.")
        self._noted = False
        return True

    def note_errors(self, errors: dict[str, Any]) -> None:
        """Write down, once, which of the cells that are no exercise raised."""
        if self._noted:
            return
        self._noted = True
        for name, error in errors.items():
            if name not in self._status:
                note = f"{name} raised {error.kind}: {error.message}" + (f" ({error.where})" if error.where else "")
                if note not in self.notes:
                    self.notes.append(note)
