"""The grader is killed at any moment and started again: it resumes, and ends as if nothing had happened.

The command alone is killed, without a chance to clean up, as the system does when memory is short. What it had started
must notice that and go.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from fort import solved
from lane import Lane, Outcome, assert_nothing_is_left, hand_in_class

from autograder.records import decode

SEED = 35
LANES = 2
KILLS = 10
"""For each of the lanes, which are killed side by side to save time."""


class Undisturbed(msgspec.Struct):
    """A run that nobody killed."""

    outcome: Outcome
    seconds: float


@pytest.fixture(scope="module")
def handed_in(module_fort: Path) -> Path:
    """The course with a class of four."""
    hand_in_class(module_fort)
    return module_fort


@pytest.fixture(scope="module")
def undisturbed(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    lane = Lane(Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("undisturbed") / "lane")))
    began = time.monotonic()
    assert lane.start().wait(300) == 1, lane.output.read_text()  # one of them is no notebook
    seconds = time.monotonic() - began
    assert_nothing_is_left(lane)
    return Undisturbed(outcome=lane.outcome(), seconds=seconds)


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


def test_the_class_is_not_all_the_same(undisturbed: Undisturbed, handed_in: Path) -> None:
    """Else the same bytes would say little."""
    assert set(solved(handed_in)) == {"softmax", "attention", "Head", "sample"}
    assert undisturbed.outcome.scores["ada"] == 20.0
    assert undisturbed.outcome.scores["letter"] is None
    assert len(set(undisturbed.outcome.scores.values())) == 3
    assert len(undisturbed.outcome.feedback) == 3
