"""What the hostile tests share: the small course, built once and copied for each module."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
collect_ignore = ["course", "attacks"]

from fort import make_fort  # noqa: E402  # only now can it be found


@pytest.fixture(scope="session")
def built_fort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small course, built; nobody changes it."""
    return make_fort(tmp_path_factory.mktemp("built") / "fort")


@pytest.fixture
def fort(built_fort: Path, tmp_path: Path) -> Path:
    """A copy of the small course for one test."""
    return Path(shutil.copytree(built_fort, tmp_path / "fort"))


@pytest.fixture(scope="module")
def module_fort(built_fort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the small course for the tests of one module."""
    return Path(shutil.copytree(built_fort, tmp_path_factory.mktemp("module") / "fort"))
