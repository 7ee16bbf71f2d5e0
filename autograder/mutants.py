"""Tests the checks with mutants of the reference: each must be rejected, or be known to be no different.

A mutant that survives is one of two things: a check is missing, or the change makes no difference that a check could
see. For the second kind there is a list beside the checks, `equivalent_mutants.toml`, with a reason for each:

    [[equivalent]]
    exercise = "softmax"
    mutants = ["softmax: 'powers = torch.exp(x - peak)': ...", ...]
    reason = "why no input tells these from the solution"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from autograder.catalogue import Catalogue
from autograder.cell import Cell
from autograder.checks.draw import seed_for
from autograder.checks.runner import Check, CheckRunner, run_session
from autograder.course import Assignment, Course, Exercise
from autograder.errors import GraderFault, UsageError
from autograder.grade import prepare_process
from autograder.inside.executor import Executor
from autograder.mutate import Mutant, mutants
from autograder.sandbox import Sandbox
from autograder.students import Student, live_asker
from autograder.submission import read, read_release
from autograder.suspects import Suspects
from autograder.verify import OnStep
from autograder.wire import Load

LIST = "equivalent_mutants.toml"


class Equivalent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mutants that no check can reject, because they are as right as the reference."""

    exercise: str
    mutants: list[str]
    """Their names, as they are printed."""
    reason: str


class _ListFile(msgspec.Struct, forbid_unknown_fields=True):
    equivalent: list[Equivalent] = []


class Tally(msgspec.Struct, kw_only=True):
    """What became of the mutants of one exercise."""

    exercise: str
    made: int = 0
    rejected: int = 0
    equivalent: int = 0
    survivors: list[Mutant] = []


class Survey(msgspec.Struct, kw_only=True):
    """What became of the mutants of an assignment."""

    assignment: Assignment
    tallies: list[Tally] = []
    stale: list[str] = []
    """What is wrong with the list of equivalent mutants, in words."""

    @property
    def in_order(self) -> bool:
        """Whether every mutant is rejected or known to be equivalent, and the list is as it should be."""
        return not self.stale and not any(tally.survivors for tally in self.tallies)


def read_equivalents(assignment: Assignment) -> list[Equivalent]:
    """Return the list of equivalent mutants of an assignment; a file that is missing is an empty list.

    Raises:
        UsageError: when the file is not valid.
    """
    path = assignment.folder / LIST
    if not path.is_file():
        return []
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _ListFile).equivalent
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} is not valid: {error}") from None


def try_mutants(course: Course, assignment: Assignment, on_step: OnStep = lambda text: None) -> Survey:
    """Run every mutant of the reference through the hidden checks of its exercise, until one rejects it.

    What they let pass must be rejected by the checks of an exercise that stands on it.

    Raises:
        RefusedToStart: when the sandbox cannot be locked here.
        GraderFault: when the checks cannot be read, or fail with the reference.
        UsageError: when the list of equivalent mutants is not valid.
    """
    survey = Survey(assignment=assignment)
    catalogue, known = Catalogue(assignment), read_equivalents(assignment)
    prepare_process()

    def loop(runner: CheckRunner) -> None:
        with Sandbox(course.limits) as sandbox:
            judge = _Judge(course, catalogue, runner, sandbox)
            judge.expect_the_reference_to_pass()
            for exercise in assignment.exercises:
                # A test that the student writes may look at less than ours, as long as it tells all suspects apart.
                if exercise.id.startswith("test_"):
                    continue
                tally = _try_exercise(exercise, judge, catalogue, known, survey.stale, on_step)
                survey.tallies.append(tally)

    run_session([assignment.folder / "test_hidden.py"], loop)
    there = {e.id for e in assignment.exercises}
    survey.stale += [f"{e.exercise} is no exercise of {assignment.id}" for e in known if e.exercise not in there]
    return survey


def _try_exercise(
    exercise: Exercise,
    judge: _Judge,
    catalogue: Catalogue,
    known: list[Equivalent],
    stale: list[str],
    on_step: OnStep,
) -> Tally:
    """Try the mutants of one exercise; what is wrong with the list goes into `stale`."""
    reference = catalogue.reference_source(exercise.id)
    listed = {name for e in known if e.exercise == exercise.id for name in e.mutants}
    made = mutants(exercise.id, reference)
    tally = Tally(exercise=exercise.id, made=len(made))
    for number, mutant in enumerate(made, 1):
        on_step(f"{exercise.id}: mutant {number} of {len(made)}, {len(tally.survivors)} survived")
        rejected = judge.rejects(exercise, mutant.source)
        tally.rejected += rejected
        tally.equivalent += mutant.name in listed and not rejected
        if rejected and mutant.name in listed:
            stale.append(f"is listed as equivalent, but rejected: {mutant.name}")
        elif not rejected and mutant.name not in listed:
            tally.survivors.append(mutant)
    there = {mutant.name for mutant in made}
    stale += [f"is listed as equivalent, but there is no such mutant: {name}" for name in sorted(listed - there)]
    return tally


class _Judge:
    """Says whether the checks reject a changed solution, in a notebook that is the reference elsewhere.

    It does without what `grade` does for a student: no name for the mistake, no second opinion, no other checks once
    one has rejected. That the reference passes the same checks on the same inputs is made sure once for all mutants.
    """

    def __init__(self, course: Course, catalogue: Catalogue, runner: CheckRunner, sandbox: Sandbox) -> None:
        self._salt, self._catalogue, self._runner, self._sandbox = course.salt, catalogue, runner, sandbox
        self._assignment, self._suspects = catalogue.assignment, Suspects(catalogue)
        notebook = course.notebook(self._assignment)
        self._cells = read(notebook, self._assignment, read_release(notebook, self._assignment)).cells
        self._sources = {e.id: catalogue.reference_source(e.id) for e in self._assignment.exercises}
        self._rejections: dict[str, int] = {}

    def expect_the_reference_to_pass(self) -> None:
        """Make sure that a right solution passes: else a rejection would mean nothing.

        Raises:
            GraderFault: when a check rejects it.
        """
        for exercise in self._assignment.exercises:
            for check in self._checks(exercise):
                if (error := self._run(check, exercise, {})) is not None:
                    raise GraderFault(f"{check.id} fails with the reference: {error}. `autograder verify` says more")

    def rejects(self, exercise: Exercise, source: str) -> bool:
        """Say whether a check rejects the solution, one of its own or of an exercise that stands on it."""
        later = [e for e in self._assignment.exercises if exercise.id in self._assignment.prerequisites(e.id)]
        return any(self._one_rejects(judged, {exercise.id: source}) for judged in (exercise, *later))

    def _one_rejects(self, exercise: Exercise, changed: dict[str, str]) -> bool:
        """Ask the checks of one exercise, first those that have rejected most."""
        for check in self._checks(exercise):
            if self._run(check, exercise, changed) is not None:
                self._rejections[check.id] = self._rejections.get(check.id, 0) + 1
                return True
        return False

    def _checks(self, exercise: Exercise) -> list[Check]:
        own = [check for check in self._runner.checks if check.info.exercise == exercise.id]
        return sorted(own, key=lambda check: -self._rejections.get(check.id, 0))

    def _run(self, check: Check, exercise: Exercise, changed: dict[str, str]) -> BaseException | None:
        sources = self._sources | changed
        cells = [Cell(cell.name, sources.get(cell.name, cell.source)) for cell in self._cells]

        @contextmanager
        def open_student() -> Iterator[Student]:
            with self._sandbox.open(Load(cells=cells, stand_ins={}, forbidden=exercise.forbids)) as inside:
                yield Student(inside.call, self._assignment.exercises)

        reference = Student(live_asker(Executor(self._catalogue.reference)), self._assignment.exercises)
        seed = seed_for(self._salt, self._assignment.id, "mutants", check.id)
        error = self._runner.run(check, open_student, seed, reference, self._suspects).error
        if isinstance(error, GraderFault):
            raise error
        return error
