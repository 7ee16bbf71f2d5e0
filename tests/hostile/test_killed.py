"""The grader is killed at any moment and started again: it resumes, and ends as if nothing had happened.

The command alone is killed, without a chance to clean up, as the system does when memory is short. What it had started
must notice that and go.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psutil
import pytest
from attack import ASSIGNMENT
from fort import hand_in, records_of, right_notebook, solved

from autograder.host.gradebook import read_scores
from autograder.records import decode

SEED = 35
LANES = 2
KILLS = 10
"""For each of the lanes, which are killed side by side to save time."""
ENDLESS = "def softmax(x, dim=-1):\n    while True:\n        pass\n"
NO_NUMBERS = "def softmax(x, dim=-1):\n    return None\n"
WRONG_AXIS = "def attention(q, k, v):\n    w = softmax(q @ k.transpose(-2, -1), dim=1)\n    return w @ v, w\n"


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


class Undisturbed(msgspec.Struct):
    """A run that nobody killed."""

    outcome: Outcome
    seconds: float


@pytest.fixture(scope="module")
def handed_in(module_fort: Path) -> Path:
    """The course with a class of eight."""
    for name in ("ada", "bob", "cem", "dora"):
        hand_in(module_fort, name, right_notebook(module_fort))
    hand_in(module_fort, "emma", right_notebook(module_fort))
    hand_in(module_fort, "none", right_notebook(module_fort, softmax=NO_NUMBERS))
    hand_in(module_fort, "wrong", right_notebook(module_fort, attention=WRONG_AXIS))
    hand_in(module_fort, "letter", b"Dear teacher, my notebook would not open.")
    return module_fort


@pytest.fixture
def lane(handed_in: Path, tmp_path: Path) -> Lane:
    return Lane(Path(shutil.copytree(handed_in, tmp_path / "lane")))


@pytest.fixture(scope="module")
def undisturbed(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    lane = Lane(Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("undisturbed") / "lane")))
    began = time.monotonic()
    assert lane.start().wait(300) == 1, lane.output.read_text()  # one of them is no notebook
    seconds = time.monotonic() - began
    assert_nothing_is_left(lane)
    return Undisturbed(outcome=lane.outcome(), seconds=seconds)


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


def moments(undisturbed: Undisturbed, lane: int) -> Iterator[float]:
    """Draw when to kill: after which part of the time that a whole run takes."""
    chance = random.Random(SEED + lane)
    for _ in range(KILLS):
        yield chance.random() * undisturbed.seconds


def killed_again_and_again(lane: Lane, undisturbed: Undisturbed, number: int) -> list[str]:
    """Kill the command at each moment and start it again; returns how far it was each time."""
    reached = []
    for seconds in moments(undisturbed, number):
        command = lane.start()
        try:
            command.wait(seconds)
        except subprocess.TimeoutExpired:
            command.send_signal(signal.SIGKILL)
        ended = command.wait() != -signal.SIGKILL
        assert not ended or command.returncode == 1, lane.output.read_text()
        found = {path.name: path.read_bytes() for path in lane.results.glob("*.*") if not path.name.startswith(".")}
        for name, data in found.items():
            if name.endswith(".json"):
                assert data == undisturbed.outcome.files[name], f"{name} after a kill at {seconds:.2f} s"
                decode(data)
        reached.append("end" if ended else f"{len(found)} files{', gradebook' * (lane.root / 'gradebook.db').exists()}")
        if ended:
            lane.start_afresh()
    return reached


def test_killed_at_twenty_moments_it_ends_with_the_same_bytes(
    handed_in: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    lanes = [Lane(Path(shutil.copytree(handed_in, tmp_path / f"lane{n}" / "course"))) for n in range(LANES)]
    with ThreadPoolExecutor(LANES) as threads:
        numbers = range(LANES)
        reached = list(threads.map(killed_again_and_again, lanes, [undisturbed] * LANES, numbers))
        ends = list(threads.map(lambda lane: lane.start().wait(300), lanes))
    # Else the moments were not spread over the run, and this test would have seen less than it says.
    stages = {stage for lane in reached for stage in lane}
    assert len(stages - {"end"}) >= 3, reached
    assert any("gradebook" in stage for stage in stages), reached
    for lane, code in zip(lanes, ends, strict=True):
        assert code == 1, lane.output.read_text()
        assert lane.outcome() == undisturbed.outcome
        assert_nothing_is_left(lane)


def test_a_grader_that_is_killed_takes_its_processes_with_it(lane: Lane) -> None:
    hand_in(lane.root, "endless", right_notebook(lane.root, softmax=ENDLESS))
    command = lane.start("--no-gradebook", "--student", "endless")
    wait_for(
        lambda: len(lane.processes()) >= 4
    )  # the command, the worker, the zygote and its child in the endless loop
    assert list(lane.temporary.iterdir())
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert_nothing_is_left(lane)
    assert not list(lane.results.glob("*.json"))


def test_a_worker_that_is_killed_costs_one_submission_its_grading_until_the_next_run(
    lane: Lane, undisturbed: Undisturbed
) -> None:
    hand_in(lane.root, "endless", right_notebook(lane.root, softmax=ENDLESS))
    students = [word for name in ("dora", "endless", "none") for word in ("--student", name)]
    command = lane.start("--no-gradebook", *students)
    wait_for(lambda: (lane.results / "dora.json").exists())
    time.sleep(0.3)  # a submission takes less, but for the endless one, and that comes next
    worker = next(p for p in psutil.Process(command.pid).children() if "autograder.worker" in p.cmdline())
    worker.send_signal(signal.SIGKILL)
    assert command.wait(120) == 1
    records = records_of(lane.root)
    assert {name: record.status for name, record in records.items()} == {
        "dora": "graded", "endless": "grader_fault", "none": "graded",
    }  # fmt: skip
    assert records["endless"].score is None
    assert "signal 9" in records["endless"].notes[0]
    assert lane.start("--no-gradebook", *students).wait(120) == 0
    assert records_of(lane.root)["endless"].score == 14.0
    for name in ("dora", "none"):
        assert (lane.results / f"{name}.json").read_bytes() == undisturbed.outcome.files[f"{name}.json"]
    assert_nothing_is_left(lane)


def test_what_a_killed_run_left_half_written_is_cleared_away_and_nothing_else(
    lane: Lane, undisturbed: Undisturbed
) -> None:
    lane.results.mkdir(parents=True)
    half = lane.results / ".ada.json.12345.part"
    half.write_bytes(undisturbed.outcome.files["ada.json"][:100])
    notes = lane.results / ".notes.part"
    notes.write_text("my own")
    scratch = lane.root / ".grading-abc"
    (scratch / "ada" / ASSIGNMENT).mkdir(parents=True)
    assert lane.start("--student", "ada").wait(120) == 0, lane.output.read_text()
    assert not half.exists()
    assert notes.read_text() == "my own"
    assert not scratch.exists()
    assert (lane.results / "ada.json").read_bytes() == undisturbed.outcome.files["ada.json"]


def test_the_class_is_not_all_the_same(undisturbed: Undisturbed, handed_in: Path) -> None:
    """Else the same bytes would say little."""
    assert set(solved(handed_in)) == {"softmax", "attention", "Head", "sample"}
    assert undisturbed.outcome.scores["ada"] == 20.0
    assert undisturbed.outcome.scores["letter"] is None
    assert len(set(undisturbed.outcome.scores.values())) == 3
    assert len(undisturbed.outcome.feedback) == 7
