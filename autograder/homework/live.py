"""Runs public checks in this very process: against a notebook's own functions, or against known solutions.

Collecting a file of checks takes longer than most checks, so a session is kept: until its file changes, the next call
finds the checks as they were collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

from autograder.checks.draw import seed_for
from autograder.checks.runner import Check, CheckRunner, Finding, run_session
from autograder.course import PUBLIC, Assignment
from autograder.inside.eager import stay_eager
from autograder.inside.executor import Executor
from autograder.students import Student, live_asker

_MOST_SESSIONS = 8

_sessions: dict[Path, tuple[bytes, CheckRunner]] = {}
"""By file of checks: what stood in it, and the checks that were found there."""


class LiveChecks:
    """The public checks of an assignment.

    Args:
        assignment: with `test_public.py` in its folder

    Raises:
        GraderFault: when the checks cannot be collected.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._runner = _session(assignment.folder.resolve() / PUBLIC)
        _stay_eager()

    def of(self, exercise: str) -> list[Check]:
        """Return the checks of one exercise, in the order of the file."""
        return [check for check in self._runner.checks if check.info.exercise == exercise]

    def run(
        self, check: Check, namespace: dict[str, Any], forbids: list[str], inputs: str = "", chance: int = 0
    ) -> Finding:
        """Run one check; torch's random state and number of threads are afterwards what they were.

        Args:
            check: one of these
            namespace: where functions and classes are looked up, by name
            forbids: dotted names of shortcuts that must not be taken
            inputs: another text draws other inputs; everybody gets the same for the same text
            chance: another number starts the global random generator elsewhere
        """

        @contextmanager
        def open_student() -> Iterator[Student]:
            yield Student(live_asker(Executor(namespace, forbids)), self._assignment.exercises)

        seed = seed_for("", self._assignment.id, "", check.id + inputs)
        with calm(seed + chance):
            return self._runner.run(check, open_student, seed)


@contextmanager
def calm(seed: int = 0) -> Iterator[None]:
    """Seed torch's global generator, so that a check says the same each time, and compute on one thread.

    The tensors of checks are so small that a second thread only costs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


@cache
def _stay_eager() -> None:
    """Spare the first check with gradients the seconds that loading torch's compiler takes; it is wanted by nobody."""
    stay_eager()


def _session(path: Path) -> CheckRunner:
    source = path.read_bytes() if path.is_file() else b""
    if path not in _sessions or _sessions[path][0] != source:
        kept: list[CheckRunner] = []
        run_session([path], kept.append)
        _release_output(kept[0])
        while len(_sessions) >= _MOST_SESSIONS:
            del _sessions[next(iter(_sessions))]
        _sessions[path] = (source, kept[0])
    return _sessions[path][1]


def _release_output(runner: CheckRunner) -> None:
    """Take away what captures output: it ended with the session, and would be asked before each check."""
    for check in runner.checks[:1]:
        plugins = check.item.config.pluginmanager
        plugins.unregister(plugins.getplugin("capturemanager"))
