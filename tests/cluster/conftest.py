"""What the tests of the cluster share: clusters on this machine, and the small course of the hostile tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "hostile"))

from fort import hand_in, make_fort, right_notebook  # only now can it be found
from loopback import Loopback

SALT = "a salt of the tests"


@pytest.fixture(autouse=True)
def salt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The salt that the command has; the workers get the same from their environment."""
    monkeypatch.setenv("AUTOGRADER_SALT", SALT)


@pytest.fixture(scope="package")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small course with a class of seven; nobody changes it."""
    root = make_fort(tmp_path_factory.mktemp("cluster") / "fort")
    wrong_axis = "def attention(q, k, v):\n    w = softmax(q @ k.transpose(-2, -1), dim=1)\n    return w @ v, w\n"
    hand_in(root, "ada", right_notebook(root))
    hand_in(root, "bob", right_notebook(root, softmax="def softmax(x, dim=-1):\n    return None\n"))
    hand_in(root, "cy", right_notebook(root, attention=wrong_axis))
    hand_in(root, "dee", right_notebook(root, sample="def sample(p, n, seed):\n    import os\n    os._exit(0)\n"))
    hand_in(root, "eve", b"Dear teacher, my notebook would not open.")
    hand_in(root, "fay", right_notebook(root, Head="def Head("))
    hand_in(root, "gus", right_notebook(root))
    return root


@pytest.fixture
def course(handed_in: Path, tmp_path: Path) -> Path:
    """A copy of the course for one test."""
    return Path(shutil.copytree(handed_in, tmp_path / "fort"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Loopback]]:
    """Start a cluster; all that were started in a module end with it, and nothing of them may be left."""
    clusters: list[Loopback] = []

    def start(**environment: str) -> Loopback:
        clusters.append(Loopback(tmp_path_factory.mktemp("loopback"), AUTOGRADER_SALT=SALT, **environment))
        return clusters[-1]

    yield start
    for cluster in clusters:
        cluster.close()
