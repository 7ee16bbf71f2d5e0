"""The self-check: the public checks, run against a live notebook or against a notebook file, in this very process.

    check("softmax")            in a notebook: a card that says what passes, what does not, and why
    hint("softmax")             the next hint: for the mistake that was named, else for the exercise
    with after("softmax"): ...  a demonstration that waits until the student has written `softmax`

It is the student's own code on the student's own machine, so there is no wall here. The checks are the same plain
pytest files with the same `student` fixture as in grading.
"""

from __future__ import annotations

import gc
import inspect
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from autograder.authoring import Misconception
from autograder.checks.runner import Check, Finding
from autograder.course import Assignment, Exercise, read_release_folder
from autograder.errors import AutograderError, NotPassed, OutOfTime, StudentError, StudentTimeout, UsageError
from autograder.homework.evidence import evidence
from autograder.homework.hints import hint_text
from autograder.homework.live import LiveChecks, calm
from autograder.homework.prerequisites import Prerequisites, is_stub
from autograder.homework.recordings import FILE, OTHER_INPUTS, Mistake, Recordings, open_recordings
from autograder.inside import plots
from autograder.records import ExerciseResult
from autograder.report.card import Aid, Help, exercise_card_html, exercise_card_text
from autograder.score import check_result, exercise_result, unrun_result
from autograder.students import Step
from autograder.wire import Own

CHECK_SECONDS = 10


class Card:
    """The result of a self-check: HTML in a notebook, plain text elsewhere."""

    def __init__(self, result: ExerciseResult, help: Help | None = None) -> None:
        self.result, self.help = result, help

    @property
    def passed(self) -> bool:
        """Whether every check passes."""
        return self.result.passed

    def _repr_html_(self) -> str:
        return exercise_card_html(self.result, help=self.help)

    def __repr__(self) -> str:
        return exercise_card_text(self.result, help=self.help)


class Hint:
    """One hint, as a notebook and a terminal show it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def check(name: str) -> Card:
    """Check one exercise of the notebook in which this is called, with the public checks beside it.

    Args:
        name: the exercise, such as "softmax"

    Raises:
        NotPassed: under `nbgrader validate` and its button, which can say "passed" or "failed" and nothing else.
        UsageError: when the notebook does not lie in its release folder, or has no such exercise.
    """
    namespace = _namespace_of_caller()
    card = check_cards(namespace, read_release_folder(Path.cwd()), [name])[0]
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and not card.passed:
        raise NotPassed(repr(card))
    return card


def hint(name: str) -> Hint:
    """Give the next hint for one exercise of the notebook in which this is called; after the last, the last again.

    Where the checks name a mistake the hints are about that, else about the exercise.

    Args:
        name: the exercise, such as "softmax"

    Raises:
        UsageError: when the notebook does not lie in its release folder, or has no such exercise.
    """
    assignment = read_release_folder(Path.cwd())
    exercise = assignment.exercise(name)
    check = LiveSelfCheck(_namespace_of_caller(), assignment, exercise)
    passed = check.card().passed
    return Hint(hint_text(exercise, assignment.folder, check.named, passed))


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


def prepare_here() -> None:
    """Prepare for the notebook of this folder while its set-up cell runs, so that the first `check` need not.

    Where there are no checks, or they cannot be read, nothing happens: `check` will say so.
    """
    with suppress(AutograderError, OSError):
        prepare(read_release_folder(Path.cwd()))
        # Torch's modules are a quarter of a million objects. To go through them in search of garbage takes a tenth of a
        # second, and would do so in the middle of a check.
        gc.freeze()


def check_cards(namespace: dict[str, Any], assignment: Assignment, names: list[str]) -> list[Card]:
    """Run the public checks of some exercises against functions and classes in a namespace, and make their cards."""
    return [LiveSelfCheck(namespace, assignment, assignment.exercise(name)).card() for name in names]


def check_namespace(namespace: dict[str, Any], assignment: Assignment, names: list[str]) -> list[ExerciseResult]:
    """Run the public checks of some exercises against functions and classes in a namespace."""
    return [card.result for card in check_cards(namespace, assignment, names)]


def prepare(assignment: Assignment) -> None:
    """Do what takes a while and is then done for all self-checks: collect the checks, load the recordings."""
    LiveChecks(assignment)
    _recordings(assignment.folder)


class LiveSelfCheck:
    """The self-check of one exercise.

    Args:
        namespace: the student's functions and classes
        assignment: in its release folder
        exercise: which one
        ask: how the student asks for a hint, by default the call in a notebook

    `named` is, once there is a card, the known mistake behind the first check that does not pass.
    """

    def __init__(
        self, namespace: dict[str, Any], assignment: Assignment, exercise: Exercise, ask: str | None = None
    ) -> None:
        self._namespace, self._assignment, self._exercise, self._ask = namespace, assignment, exercise, ask
        self._checks = LiveChecks(assignment)
        self.named: Mistake | None = None

    def card(self) -> Card:
        """Run the checks and say what came of them."""
        exercise, checks = self._exercise, self._checks.of(self._exercise.id)
        if exercise.id not in self._namespace:
            text = f"There is no {exercise.id} here yet: run its cell first."
            return self._untried("missing", text, checks)
        findings: dict[str, Finding] = {}
        for check in checks:
            findings[check.id] = finding = self._run(check, exercise)
            if _raised(finding, "NotImplementedError"):
                if is_stub(self._namespace[exercise.id]):
                    return self._untried("not_attempted", "Not attempted yet.", checks)
                if below := self._below().first_stub(exercise.id) or self._stub_handed_over(finding):
                    return self._waiting(below, checks)
            if _raised(finding, "KeyboardInterrupt"):
                break
        return self._tried(checks, findings)

    def _untried(self, status: str, text: str, checks: list[Check]) -> Card:
        results = [unrun_result(check, "missing", text, self._exercise) for check in checks]
        result = exercise_result(self._exercise, status, results)
        return Card(result, Help(hints=tuple(self._exercise.hints), ask=self._call_for_a_hint()))

    def _waiting(self, below: str, checks: list[Check]) -> Card:
        text = f"It calls `{below}`, which is not written yet."
        results = [unrun_result(check, "skipped", text, self._exercise) for check in checks]
        said = f"This stands on `{below}`, which is not written yet: write that first."
        return Card(exercise_result(self._exercise, "attempted", results), Help(stands_on=said))

    def _tried(self, checks: list[Check], findings: dict[str, Finding]) -> Card:
        exercise = self._exercise
        failed = [check for check in checks if check.id in findings and findings[check.id].error is not None]
        named = self._name_the_mistakes(failed, findings)
        results = [
            check_result(check, findings[check.id].error, _as_misconception(named.get(check.id)), exercise)
            if check.id in findings
            else unrun_result(check, "skipped", "Interrupted before it ran.", exercise)
            for check in checks
        ]
        result = exercise_result(exercise, "attempted", results)
        if not failed:
            return Card(result, Help())
        first = failed[0]
        self.named = named.get(first.id)
        return Card(
            result,
            Help(
                first=self._evidence(findings[first.id]),
                stands_on=self._stands_on(),
                hints=self.named.hints if self.named else tuple(exercise.hints),
                ask=self._call_for_a_hint(),
            ),
        )

    def _run(self, check: Check, exercise: Exercise, inputs: str = "") -> Finding:
        with _time_limit(CHECK_SECONDS):
            finding = self._checks.run(check, self._namespace, exercise.forbids, inputs)
        if isinstance(finding.error, OutOfTime):
            late = StudentTimeout(f"did not finish within {CHECK_SECONDS} s")
            return msgspec.structs.replace(finding, error=late)
        return finding

    def _name_the_mistakes(self, failed: list[Check], findings: dict[str, Finding]) -> dict[str, Mistake]:
        recordings = _recordings(self._assignment.folder) if failed else None
        if recordings is None:
            return {}
        by_id = {check.id: check for check in failed}

        def run_again(id: str) -> list[Step]:
            return self._run(by_id[id], self._exercise, OTHER_INPUTS).transcript

        # A shortcut, an endless loop, an error of its own: there the numbers are not what is to be mended.
        wrong = {id: findings[id].transcript for id in by_id if isinstance(findings[id].error, AssertionError)}
        return recordings.name_the_mistakes(self._exercise.id, wrong, run_again)

    def _evidence(self, finding: Finding) -> Aid:
        try:
            with _time_limit(CHECK_SECONDS), calm():
                return evidence(finding.error, finding.transcript, self._namespace)
        except OutOfTime:
            return Aid()

    def _stands_on(self) -> str:
        """Say which earlier exercise does not pass yet, when there is one."""

        def passes(exercise: Exercise) -> bool:
            return all(self._run(check, exercise).error is None for check in self._checks.of(exercise.id))

        below = self._below().first_broken(self._exercise.id, passes)
        return f"This stands on `{below}`, which does not pass yet: mend that first." if below else ""

    def _below(self) -> Prerequisites:
        return Prerequisites(self._assignment, self._namespace)

    def _stub_handed_over(self, finding: Finding) -> str:
        """Return which function of the student's own a check handed to another one before it was written, or ""."""
        handed = [arg.name for step in finding.transcript for arg in step.call.args if isinstance(arg, Own)]
        return next((name for name in handed if is_stub(self._namespace.get(name))), "")

    def _call_for_a_hint(self) -> str:
        if self._ask is not None:
            return self._ask
        call = f'hint("{self._exercise.id}")'
        return call if self._namespace.get("hint") is hint else f"from autograder import hint; {call}"


def _raised(finding: Finding, kind: str) -> bool:
    return isinstance(finding.error, StudentError) and finding.error.kind == kind


def _as_misconception(mistake: Mistake | None) -> Misconception | None:
    if mistake is None:
        return None
    fields = msgspec.structs.asdict(mistake)
    return Misconception(**fields, seen_in="")


_opened: dict[Path, tuple[int, Recordings | None]] = {}


def _recordings(folder: Path) -> Recordings | None:
    """Return the recordings of a release folder; they are read once."""
    path = folder.resolve() / FILE
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    if path not in _opened or _opened[path][0] != stamp:
        _opened[path] = (stamp, open_recordings(folder))
    return _opened[path][1]


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
