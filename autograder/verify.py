"""Tests the checks: stubs score nothing, solutions everything, known mistakes are caught, all right ways pass.

The known solutions go through the same sandbox, the same checks and the same diagnosis as a student's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from autograder.authoring import Misconception
from autograder.catalogue import Catalogue, Variant
from autograder.cell import Cell
from autograder.checks.runner import CheckRunner, run_session
from autograder.course import Assignment, Course, Exercise
from autograder.grade import Grader, Work, prepare_process
from autograder.records import CheckResult, ExerciseStatus
from autograder.sandbox import Sandbox
from autograder.submission import Submission, read, read_release

LEAST_MARGIN = 100.0
LEAST_NAMED = 0.85
LEAST_MISCONCEPTIONS, LEAST_ALTERNATIVES = 5, 3

_NOT_THERE = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError")

OnStep = Callable[[str], None]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of one exercise said of one known wrong solution."""

    name: str
    exercise: str
    inlined: bool
    """Whether the mistake belongs to an earlier exercise and was made inside this one."""
    rejected_by: list[str]
    """Ids of the checks that did not pass."""
    named: list[str]
    """Names of the misconceptions that were said."""
    margins: dict[str, float]
    """By how many tolerances each check missed."""


class Verdicts(msgspec.Struct, kw_only=True):
    """All that `verify` found out about an assignment."""

    assignment: Assignment
    checks: dict[str, list[str]] = {}
    """Ids of the hidden checks by exercise."""
    catches: dict[str, tuple[str, ...]] = {}
    """What each check says it catches."""
    trials: list[Trial] = []
    alternatives: int = 0
    false_rejects: list[str] = []
    """Right solutions that lost points, in words."""
    refused: dict[str, set[str]] = {}
    """Their names, by exercise."""
    smallest_margin: dict[str, float] = {}
    """For each check the smallest effect of a misconception that it names, in tolerances."""
    problems: list[str] = []
    """Everything that must not be, in words; empty when all is well."""
    advice: list[str] = []
    """What would make the exercise better."""

    @property
    def own_trials(self) -> list[Trial]:
        """The known mistakes in their own exercises."""
        return [t for t in self.trials if not t.inlined]

    @property
    def false_accepts(self) -> list[Trial]:
        """Known mistakes that no check of their exercise rejects."""
        return [t for t in self.trials if not t.rejected_by]

    @property
    def share_named(self) -> float:
        """How many of the known mistakes are told their name, of those tried in their own exercise."""
        own = self.own_trials
        return sum(t.name in t.named for t in own) / len(own) if own else 1.0


def verify(course: Course, assignment: Assignment, on_step: OnStep = lambda text: None) -> Verdicts:
    """Run all that is known about an assignment through its hidden checks.

    Raises:
        RefusedToStart: when the sandbox cannot be locked here.
        GraderFault: when the checks cannot be read, or fail with the reference.
    """
    verdicts = Verdicts(assignment=assignment)
    catalogue = Catalogue(assignment)
    prepare_process()

    def loop(runner: CheckRunner) -> None:
        with Sandbox(course.limits) as sandbox:
            _Trials(course, catalogue, Grader(runner, sandbox, catalogue, course.salt), verdicts, on_step).run()

    run_session([assignment.folder / "test_hidden.py"], loop)
    return verdicts


class _Trials:
    def __init__(
        self, course: Course, catalogue: Catalogue, grader: Grader, verdicts: Verdicts, on_step: OnStep
    ) -> None:
        self._course, self._catalogue, self._grader, self._said = course, catalogue, grader, verdicts
        self._assignment, self._on_step = catalogue.assignment, on_step
        notebook = course.notebook(self._assignment)
        self._release = read_release(notebook, self._assignment)
        self._cells = read(notebook, self._assignment, self._release).cells
        verdicts.catches = self._catches = {
            check.id: check.info.catches for e in self._assignment.exercises for check in grader.checks_of(e.id)
        }

    def run(self) -> None:
        """Try everything."""
        self._look_at_the_checks()
        self._try_notebook("release", 0.0)
        self._try_notebook("source", 1.0)
        for exercise in self._assignment.exercises:
            for variant in self._catalogue.mistakes_in(exercise.id):
                self._try_mistake(exercise, variant)
            for variant in self._catalogue.alternatives:
                if variant.exercise == exercise.id:
                    self._try_alternative(exercise, variant)
        self._judge_the_trials()

    def _look_at_the_checks(self) -> None:
        known = {v.entry.name: v.exercise for v in self._catalogue.misconceptions}
        for exercise in self._assignment.exercises:
            checks = self._grader.checks_of(exercise.id)
            self._said.checks[exercise.id] = [check.id for check in checks]
            points = sum(check.info.points for check in checks)
            declared = exercise.points / exercise.scale if exercise.scale else points
            if not math.isclose(points, declared):
                self._problem(f"{exercise.id}: its checks have {points:g} points, exercises.toml says {declared:g}")
            if not exercise.hints:
                self._problem(f"{exercise.id} has no hints")
            within = {exercise.id, *self._assignment.prerequisites(exercise.id)}
            for check in checks:
                for name in check.info.catches:
                    if known.get(name) not in within:
                        self._problem(f"{check.id} catches {name!r}, which is no misconception of {exercise.id}")
            self._count(exercise, list(known.values()).count(exercise.id))

    def _count(self, exercise: Exercise, misconceptions: int) -> None:
        alternatives = sum(v.exercise == exercise.id for v in self._catalogue.alternatives)
        self._said.alternatives += alternatives
        if misconceptions < LEAST_MISCONCEPTIONS:
            self._said.advice.append(
                f"{exercise.id} has {misconceptions} misconceptions: {LEAST_MISCONCEPTIONS} are better"
            )
        if alternatives < LEAST_ALTERNATIVES:
            self._said.advice.append(f"{exercise.id} has {alternatives} alternatives: {LEAST_ALTERNATIVES} are better")

    def _try_notebook(self, step: str, share: float) -> None:
        """Grade a whole notebook that must get this share of every exercise's points."""
        self._on_step(f"{step}/{self._assignment.id}")
        submission = read(self._course.notebook(self._assignment, step), self._assignment, self._release)
        results, _ = self._grader.grade(submission, "verify")
        status = "attempted" if share else "not_attempted"
        for result in results:
            if result.score != share * result.max_score or result.status != status:
                what = f"{result.score:g} of {result.max_score:g} points, {result.status}"
                self._problem(f"{step}: {result.id} has {what}; expected {share:.0%}, {status}")

    def _judge(self, exercise: Exercise, source: str) -> list[CheckResult]:
        """Judge one exercise of a notebook that is the reference everywhere else."""
        sources = {e.id: self._catalogue.reference_source(e.id) for e in self._assignment.exercises}
        sources[exercise.id] = source
        cells = [Cell(cell.name, sources.get(cell.name, cell.source)) for cell in self._cells]
        status: dict[str, ExerciseStatus] = dict.fromkeys(sources, "attempted")
        return self._grader.judge(exercise, Work(Submission(cells=cells, status=status, notes=[])), "verify", set())

    def _try_mistake(self, exercise: Exercise, variant: Variant) -> None:
        entry = variant.entry
        assert isinstance(entry, Misconception)
        inlined = entry.exercise != exercise.id
        if inlined and not any(entry.name in self._catches[id] for id in self._said.checks[exercise.id]):
            return
        self._on_step(f"{exercise.id}: {entry.name}")
        results = self._judge(exercise, variant.source)
        if any(f"raised {kind}" in r.message for r in results for kind in _NOT_THERE):
            self._problem(f"{entry.name} ends in an error that is no student's: it uses what no notebook has")
        self._said.trials.append(
            Trial(
                name=entry.name,
                exercise=exercise.id,
                inlined=inlined,
                rejected_by=[r.id for r in results if r.verdict != "pass"],
                named=sorted({r.misconception for r in results if r.misconception}),
                margins={r.id: _margin(self._grader.margins[r.id]) for r in results if r.verdict != "pass"},
            )
        )

    def _try_alternative(self, exercise: Exercise, variant: Variant) -> None:
        self._on_step(f"{exercise.id}: {variant.entry.name}")
        for result in self._judge(exercise, variant.source):
            if result.verdict != "pass":
                complaint = f"{result.id} says {result.verdict}: {result.message}"
                self._said.false_rejects.append(f"{variant.entry.name} ({exercise.id}) is right, but {complaint}")
                self._said.refused.setdefault(exercise.id, set()).add(variant.entry.name)

    def _judge_the_trials(self) -> None:
        said = self._said
        for text in said.false_rejects:
            self._problem(text)
        for trial in said.trials:
            if not trial.rejected_by:
                self._problem(f"{trial.name} passes every check of {trial.exercise}")
            for id in said.checks[trial.exercise]:
                if trial.name not in self._catches[id]:
                    continue
                if id not in trial.rejected_by:
                    self._problem(f"{id} says that it catches {trial.name}, but lets it pass")
                    continue
                said.smallest_margin[id] = min(said.smallest_margin.get(id, math.inf), trial.margins[id])
        for id, margin in said.smallest_margin.items():
            if margin < LEAST_MARGIN:
                self._problem(f"{id} has a discrimination margin of {margin:.1f}, at least {LEAST_MARGIN:g} are needed")
        for trial in said.own_trials:
            if wrong := [name for name in trial.named if name != trial.name]:
                self._problem(f"{trial.name} is called {', '.join(wrong)}")
        if said.share_named < LEAST_NAMED:
            self._problem(
                f"{said.share_named:.0%} of the known mistakes are named, at least {LEAST_NAMED:.0%} are needed"
            )

    def _problem(self, text: str) -> None:
        self._said.problems.append(text)


def _margin(missed: float) -> float:
    """Return the margin of a failed check; one that no comparison of numbers explains is infinitely far off."""
    return missed if missed > 1 else math.inf
