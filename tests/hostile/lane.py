"""A course with a class in it, in which the real command is started and killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
from attack import ASSIGNMENT
from fort import hand_in, right_notebook

from autograder.host.gradebook import read_scores

NO_NUMBERS = "def softmax(x, dim=-1):\n    return None\n"
WRONG_AXIS = "def attention(q, k, v):\n    w = softmax(q @ k.transpose(-2, -1), dim=1)\n    return w @ v, w\n"


def hand_in_class(root: Path) -> None:
    """Hand in for four students, each another case; one of them no notebook."""
    hand_in(root, "ada", right_notebook(root))
    hand_in(root, "none", right_notebook(root, softmax=NO_NUMBERS))
    hand_in(root, "wrong", right_notebook(root, attention=WRONG_AXIS))
    hand_in(root, "letter", b"Dear teacher, my notebook would not open.")


class Lane:
    """One course with a class in it, and everything that is started there, told by the temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temporary = root.with_name(f"{root.name}-temporary")
        self.temporary.mkdir()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the real command."""
        command = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--workers", "1", *arguments]
        with self.output.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.root,
                env={**os.environ, "TMPDIR": str(self.temporary), "COLUMNS": "200"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> Path:
        """Return where the command writes what it says."""
        return self.root.with_name(f"{self.root.name}-said.txt")

    @property
    def results(self) -> Path:
        return self.root / "results" / ASSIGNMENT

    def processes(self) -> list[psutil.Process]:
        """Return all processes that this course or its temporary folder is known to."""
        ours = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            words = [*(process.info["cmdline"] or []), (process.info["environ"] or {}).get("TMPDIR", "")]
            if any(str(self.root) in word for word in words):
                ours.append(process)
        return ours

    def outcome(self) -> Outcome:
        """Return everything that a run leaves for people."""
        return Outcome(
            files={path.name: path.read_bytes() for path in self.results.iterdir() if path.name != ".lock"},
            scores=read_scores(self.root, ASSIGNMENT),
            feedback={
                f"{path.parent.parent.name}/{path.name}": path.read_text(encoding="utf-8")
                for path in (self.root / "feedback").glob(f"*/{ASSIGNMENT}/*.html")
            },
        )

    def start_afresh(self) -> None:
        """Remove everything that a run leaves."""
        for name in ("results", "autograded", "feedback"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for path in self.root.glob("gradebook.db*"):
            path.unlink()


class Outcome(msgspec.Struct):
    """What a run leaves for people."""

    files: dict[str, bytes]
    scores: dict[str, float | None]
    feedback: dict[str, str]


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something is so; fails when it does not become so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def assert_nothing_is_left(lane: Lane) -> None:
    """Everything that was started is gone, and so is what it wrote for itself."""
    wait_for(lambda: not lane.processes(), 15.0)
    assert list(lane.temporary.iterdir()) == []
    assert not list(lane.results.glob(".*.part"))
    assert not list(lane.root.glob(".grading-*"))
