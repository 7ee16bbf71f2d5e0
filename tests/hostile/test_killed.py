"""The grader is killed at any moment and started again: it resumes, and ends as if nothing had happened.

The command alone is killed, without a chance to clean up, as the system does when memory is short. What it had started
must notice that and go.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from fort import solved
from lane import Lane, Outcome, assert_nothing_is_left, hand_in_class, wait_for

from autograder.records import decode

SEED = 35
ROUNDS = 5
"""Each begins afresh, and kills once in each phase of a run: twenty kills."""
RECORDS_ONLY = ("--no-gradebook",)
PHASES: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "starting": ("*", 3.0, RECORDS_ONLY),
    "grading": ("results/*/letter.json", 0.3, RECORDS_ONLY),  # no notebook, so it is done when the others begin
    "gradebook": ("gradebook.db", 0.4, ()),
    "feedback": ("feedback/*/*/*.html", 0.1, ()),
}
"""What has to be there for a phase to have begun, up to how many seconds later to kill, and the command's options.

Until the records are written, it makes no difference whether a gradebook comes after them."""


@pytest.fixture(scope="module")
def handed_in(module_fort: Path) -> Path:
    """The course with a class of four."""
    hand_in_class(module_fort)
    return module_fort


@pytest.fixture(scope="module")
def undisturbed(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What is there after a run that nobody killed."""
    lane = Lane(Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("undisturbed") / "lane")))
    assert lane.start().wait(300) == 1, lane.output.read_text()  # one of them is no notebook
    assert_nothing_is_left(lane)
    return lane.outcome()


def kill_in(lane: Lane, phase: str, chance: random.Random) -> int:
    """Start the command and kill it at a random moment of a phase; returns how it ended."""
    pattern, most, options = PHASES[phase]
    command = lane.start(*options)
    wait_for(lambda: command.poll() is not None or any(lane.root.glob(pattern)))
    with contextlib.suppress(subprocess.TimeoutExpired):
        command.wait(chance.random() * most)
    command.send_signal(signal.SIGKILL)  # of no effect when it has ended
    return command.wait()


def assert_whole(lane: Lane, undisturbed: Outcome) -> None:
    """What is written so far is as it would be without a kill."""
    for path in lane.results.glob("[!.]*.json"):
        assert path.read_bytes() == undisturbed.files[path.name], path.name
        decode(path.read_bytes())


def test_killed_at_twenty_moments_it_ends_with_the_same_bytes(
    handed_in: Path, undisturbed: Outcome, tmp_path: Path
) -> None:
    lane = Lane(Path(shutil.copytree(handed_in, tmp_path / "lane" / "course")))
    chance = random.Random(SEED)
    ends = []
    for _ in range(ROUNDS):
        lane.start_afresh()
        for phase in PHASES:
            ends.append(kill_in(lane, phase, chance))
            assert ends[-1] in (-signal.SIGKILL, 1), lane.output.read_text()
            assert_whole(lane, undisturbed)
    assert ends.count(-signal.SIGKILL) >= 18, ends  # else it was hardly ever disturbed
    assert lane.start().wait(300) == 1, lane.output.read_text()
    assert lane.outcome() == undisturbed
    assert_nothing_is_left(lane)


def test_the_class_is_not_all_the_same(undisturbed: Outcome, handed_in: Path) -> None:
    """Else the same bytes would say little."""
    assert set(solved(handed_in)) == {"softmax", "attention", "Head", "sample"}
    assert undisturbed.scores["ada"] == 20.0
    assert undisturbed.scores["letter"] is None
    assert len(set(undisturbed.scores.values())) == 3
    assert len(undisturbed.feedback) == 3
