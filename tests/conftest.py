"""What the tests of the engine share: one locked process for all of them, a small course, and notebooks as bytes."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from autograder.catalogue import Catalogue
from autograder.cell import Cell
from autograder.course import Course, Limits, read_course
from autograder.sandbox import Sandbox
from autograder.wire import Call, Load

sys.path.insert(0, str(Path(__file__).parent))

from browser import chromium, lab, page  # only now can they be found
from small import RIGHT, build_small, hand_in

__all__ = ["chromium", "lab", "page"]  # fixtures: here, and nowhere else, because a process has one Playwright

IN_A_BROWSER_LAST = (
    *("test_second_lesson.py", "test_first_lesson.py", "test_states.py"),
    *("test_in_notebook_7.py", "test_arithmetic_in_browser.py"),
)
"""Playwright keeps an event loop running in its process, and programs as its children; other tests want neither."""
SLOWEST_FIRST = (
    *("test_demo.py", "test_grader_faults.py", "test_attacks.py", "test_killed.py", "test_chain.py"),
    *("test_grade_command.py", "test_trouble.py", "test_mutate.py", "test_selfcheck.py", "test_cluster.py"),
    *("test_killed_processes.py", "test_wall.py", "test_arrived.py", "test_intake.py", "test_terminal.py"),
)
"""Files of tests that take longest, so that none of them is begun when there is nothing else left to do beside it."""

SOLUTION = '''
"""Three exercises, each standing on the one before."""


def double(x):
    """Twice x."""
    return 2 * x


def shift(x, by):
    """Twice x, moved."""
    return double(x) + by


def centre(x):
    """Twice x, moved so that its mean is 0."""
    return shift(x, -double(x).mean())
'''

EXERCISES = """
[[exercise]]
id = "double"
title = "Doubling"
points = 4
returns = ["doubled"]
hints = ["How many times?"]

[[exercise]]
id = "shift"
title = "Moving"
points = 2
depends_on = ["double"]

[[exercise]]
id = "centre"
title = "Centring"
points = 4
depends_on = ["shift"]
"""

MISCONCEPTIONS = """
from autograder.authoring import misconception

HINTS = ("a question", "where to look", "an example")


@misconception("double", title="x is squared", hints=HINTS, seen_in="plausible")
def squared(x):
    return x * x  # a comment that stays


@misconception("double", title="x is taken three times", hints=HINTS, seen_in="plausible")
def tripled(x):
    return 3 * x


@misconception("shift", title="x is moved before it is doubled", hints=HINTS, seen_in="plausible")
def moved_too_early(x, by):
    return double(x + by)  # noqa: F821
"""

ALTERNATIVES = """
from autograder.authoring import alternative


@alternative("double", why="a sum is no product")
def added(x):
    return x + x
"""

COURSE = """
title = "Small"
salt = "public"

[limits]
check_seconds = 1.0

[[assignments]]
id = "01_small"
title = "Three small exercises"
solution = "small.py"
weight = 2.0
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, and those with a browser last; all else stays as it is."""
    order = {name: place for place, name in enumerate((*SLOWEST_FIRST, "any other", *IN_A_BROWSER_LAST))}
    items.sort(key=lambda item: order.get(item.path.name, order["any other"]))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A real sandbox with short limits; each `open` is a new child, so tests cannot disturb each other."""
    if sys.platform != "linux":
        pytest.skip("the locks are made of what Linux offers")
    with Sandbox(Limits(check_seconds=1.0, load_seconds=1.2, memory_mib=1024, file_mib=2, reply_mib=4)) as sandbox:
        yield sandbox


Ask = Callable[..., Any]


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    """Run one cell in a child of its own and call its `f`."""

    def ask(source: str, *args: Any, want: str = "value", toward: Any = None, **load: Any) -> Any:
        with sandbox.open(Load(cells=[Cell("f", dedent(source))], **load)) as inside:
            return inside.call(Call(target="f", args=args, want=want, toward=toward))

    return ask


class TookTooLong(BaseException):
    """Not an Exception, and no TimeoutError: nothing that is tested here may take it for its own."""


@pytest.fixture
def within() -> Callable[[float], Any]:
    """Say how long something may take, and break it off when it takes longer."""

    def broken_off(*_: object) -> None:
        raise TookTooLong

    @contextmanager
    def within(seconds: float) -> Iterator[None]:
        old = signal.signal(signal.SIGALRM, broken_off)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)

    return within


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """The files of a course with one assignment of three exercises."""
    root = tmp_path / "course"
    files = {
        "assignments/course.toml": COURSE,
        "assignments/01_small/exercises.toml": EXERCISES,
        "assignments/01_small/misconceptions.py": MISCONCEPTIONS,
        "assignments/01_small/alternatives.py": ALTERNATIVES,
        "solutions/small.py": SOLUTION,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def small(small_root: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """The small course, read."""
    monkeypatch.delenv("AUTOGRADER_SALT", raising=False)
    return read_course(small_root)


@pytest.fixture
def catalogue(small: Course) -> Catalogue:
    """The catalogue of the small course."""
    return Catalogue(small.assignments[0])


@pytest.fixture
def notebook() -> Callable[..., bytes]:
    """Make a notebook of cells; a cell is its source, or (grade id, source), or a dictionary as it stands."""

    def cell(given: Any) -> Any:
        if isinstance(given, str):
            given = {"source": given}
        elif isinstance(given, tuple):
            given = {"source": given[1], "metadata": {"nbgrader": {"grade_id": given[0]}}}
        elif not isinstance(given, dict):
            return given
        return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, **given}

    def notebook(*cells: Any, **more: Any) -> bytes:
        whole = {"cells": [cell(given) for given in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps({**whole, **more}).encode()

    return notebook


@pytest.fixture(scope="session")
def built_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course of small.py, built, with nothing handed in; not to be changed."""
    return build_small(tmp_path_factory.mktemp("small"))


@pytest.fixture
def small_course(built_small: Path, tmp_path: Path) -> Path:
    """A copy of it, with one right submission by `right`."""
    root = Path(shutil.copytree(built_small, tmp_path / "course"))
    hand_in(root, "right", RIGHT)
    return root
