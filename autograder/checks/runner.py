"""Runs checks with pytest: a plugin that collects once and then runs the checks as often as there are notebooks.

pytest's own main loop is replaced by a function of the caller's, which asks for one check at a time. So a whole class
is graded in one pytest session, and every check is still plain pytest, with fixtures, parameters and all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import msgspec
import pytest

from autograder.authoring import CheckInfo, check_info
from autograder.checks.compare import margins
from autograder.checks.draw import Draw
from autograder.errors import GraderFault
from autograder.students import Step, Student
from autograder.wire import Suspect


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check, as collected; parametrised checks are one for each case."""

    id: str
    """File and test, as it stands in the record."""
    title: str
    info: CheckInfo
    item: Any
    """pytest's own object for it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What running one check gave."""

    error: BaseException | None
    """None is a pass."""
    transcript: list[Step]
    margin: float
    """By how many tolerances the worst comparison missed; 0 when nothing was compared."""


OpenStudent = Callable[[], AbstractContextManager[Student]]


class FindSuspects(Protocol):
    """Finds known solutions of an exercise."""

    def right(self, exercise: str) -> list[Suspect]:
        """Return the reference and all alternatives."""

    def wrong(self, exercise: str, *names: str) -> list[Suspect]:
        """Return these known mistakes, or all of them."""


class CheckRunner:
    """The plugin: knows the checks, and runs one of them against one student.

    Args:
        loop: called once, with this runner, in the place of pytest's main loop
    """

    def __init__(self, loop: Callable[[CheckRunner], None]) -> None:
        self._loop = loop
        self.checks: list[Check] = []
        self.problems: list[str] = []
        self._error: BaseException | None = None
        self._open: OpenStudent | None = None
        self._reference: Student | None = None
        self._suspects: FindSuspects | None = None
        self._draw: Draw | None = None
        self._students: list[Student] = []

    def run(
        self,
        check: Check,
        open_student: OpenStudent,
        seed: int,
        reference: Student | None = None,
        suspects: FindSuspects | None = None,
    ) -> Finding:
        """Run one check.

        Args:
            check: which one
            open_student: opens the notebook that is to be checked, when the check asks for it
            seed: for the inputs that the check draws
            reference: the reference solutions, for hidden checks
            suspects: finds known solutions of an exercise, for hidden checks
        """
        self._open, self._reference, self._draw = open_student, reference, Draw(seed)
        self._suspects = suspects
        self._error, self._students = None, []
        token = margins.set([])
        try:
            # No next item: whatever the check set up is torn down before the next one begins.
            check.item.ihook.pytest_runtest_protocol(item=check.item, nextitem=None)
            missed = margins.get() or [0.0]
        finally:
            margins.reset(token)
        transcript = [step for student in self._students for step in student.transcript]
        return Finding(error=self._error, transcript=transcript, margin=max(missed))

    # ---- pytest's hooks

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember files that could not be collected: they are the author's to mend."""
        if report.failed:
            self.problems.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take over what was collected."""
        for item in session.items:
            function = getattr(item, "function", None)
            doc = (getattr(function, "__doc__", None) or "").strip()
            self.checks.append(
                Check(
                    id=f"{item.path.name}::{item.name}",
                    title=doc.splitlines()[0] if doc else item.name.removeprefix("test_").replace("_", " "),
                    info=check_info(function) if function else CheckInfo(),
                    item=item,
                )
            )

    def pytest_runtestloop(self) -> bool:
        """Run the caller's loop instead of pytest's."""
        if not self.problems:
            self._loop(self)
        return True

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Keep the first exception of a check; pytest's own report of it, with a traceback, nobody would read."""
        if call.excinfo is not None and self._error is None:
            self._error = call.excinfo.value
        outcome: Literal["passed", "failed"] = "passed" if call.excinfo is None else "failed"
        when = cast("Literal['setup', 'call', 'teardown']", call.when)
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, when)

    # ---- fixtures that checks may ask for

    @pytest.fixture
    def student(self) -> Iterator[Student]:
        """The student's notebook."""
        assert self._open is not None
        with self._open() as student:
            self._students.append(student)
            yield student

    @pytest.fixture
    def reference(self) -> Student:
        """The reference solutions, through the same calls."""
        if self._reference is None:
            raise GraderFault("the reference is not at hand here: only hidden checks may ask for it")
        return self._reference

    @pytest.fixture
    def suspects(self) -> FindSuspects:
        """Known solutions of an exercise, right ones and wrong ones, for a test of the student's to judge."""
        if self._suspects is None:
            raise GraderFault("known solutions are not at hand here: only hidden checks may ask for them")
        return self._suspects

    @pytest.fixture
    def draw(self) -> Draw:
        """Seeded inputs."""
        assert self._draw is not None
        return self._draw


_QUIET = [
    *("-c", os.devnull),
    *("--assert", "plain"),
    *("--import-mode", "importlib"),
    *("--capture", "no"),
    "--disable-plugin-autoload",
    *(f"-pno:{name}" for name in ("cacheprovider", "terminal", "logging", "doctest", "unraisableexception",
                                  "threadexception", "junitxml", "pastebin", "debugging", "warnings", "faulthandler")),
]  # fmt: skip


def run_session(files: list[Path], loop: Callable[[CheckRunner], None]) -> None:
    """Collect checks from files and hand them to `loop`.

    Raises:
        GraderFault: when a file of checks is missing or cannot be collected, or the session ended early.
    """
    for path in files:
        if not path.is_file():
            raise GraderFault(f"the file of checks {path.name} is missing in {path.parent}")
    raised: list[BaseException] = []

    def guarded(runner: CheckRunner) -> None:
        try:
            loop(runner)
        except BaseException as error:  # pytest would turn it into an exit code; the caller wants the exception
            raised.append(error)

    runner = CheckRunner(guarded)
    # What somebody set for tests of their own must not decide what is checked here, and how.
    others = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    try:
        code = pytest.main([*_QUIET, "--rootdir", str(files[0].parent), *map(str, files)], plugins=[runner])
    finally:
        os.environ.update(others)
        _forget(files)
    if raised:
        raise raised[0]
    if runner.problems:
        raise GraderFault(f"the checks cannot be read: {'; '.join(runner.problems)}")
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise GraderFault(f"the session of checks ended early (pytest exit code {int(code)})")


def _forget(files: list[Path]) -> None:
    """Take the modules of checks out of memory: pytest would take the old one for the next file of that name."""
    paths = {str(path) for path in files}
    for name in [n for n, module in sys.modules.items() if getattr(module, "__file__", None) in paths]:
        del sys.modules[name]
