"""One small course, built and known to nbgrader, copied for each test; nbgrader's commands run in this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from autograder import build
from autograder.course import read_course
from autograder.records import Record

sys.path.insert(0, str(Path(__file__).parent))
from host_course import ASSIGNMENT, REPOSITORY, make_course


def pytest_configure(config: pytest.Config) -> None:
    """Let nbgrader's own code warn: how it talks to SQLAlchemy is not ours to mend."""
    config.addinivalue_line("filterwarnings", r"ignore::sqlalchemy.exc.SAWarning:nbgrader\..*")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course after `autograder build` and `nbgrader generate_assignment`, the latter without its programs on PATH."""
    root = make_course(tmp_path_factory.mktemp("course"))
    build.write(read_course(root))
    shutil.copytree(root / "release", root / "release-of-build")
    bare = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", ASSIGNMENT, "--force"]
    done = subprocess.run(command, cwd=root, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def module_course(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the prepared course for a whole module of tests that only look."""
    return Path(shutil.copytree(prepared, tmp_path_factory.mktemp("module") / "course"))


@pytest.fixture
def course(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared course."""
    return Path(shutil.copytree(prepared, tmp_path / "course"))


@pytest.fixture(scope="session")
def chain() -> Iterator[dict[str, Record]]:
    """Records by student, in the place of the real chain: what `record_for` returns."""
    records: dict[str, Record] = {}
    fake = ModuleType("autograder.chain")
    fake.record_for = lambda root, assignment, student: records[student]  # type: ignore[attr-defined]
    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "autograder.chain", fake)
    yield records
    patch.undo()
