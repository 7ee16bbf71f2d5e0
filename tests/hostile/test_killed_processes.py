"""Whatever process of a grader is killed: the others go, nothing is left, and one submission at most was lost."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest
from attack import ASSIGNMENT
from fort import hand_in, records_of, right_notebook
from lane import Lane, assert_nothing_is_left, hand_in_class, wait_for

ENDLESS = "def softmax(x, dim=-1):\n    import time\n\n    time.sleep(1000)\n"


@pytest.fixture(scope="module")
def handed_in(module_fort: Path) -> Path:
    """The course with a class of four."""
    hand_in_class(module_fort)
    return module_fort


@pytest.fixture(scope="module")
def undisturbed(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What is written when nobody is killed."""
    lane = Lane(Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("undisturbed") / "lane")))
    assert lane.start("--no-gradebook").wait(300) == 1, lane.output.read_text()  # one of them is no notebook
    return {path.name: path.read_bytes() for path in lane.results.glob("*.json")}


@pytest.fixture
def lane(handed_in: Path, tmp_path: Path) -> Lane:
    return Lane(Path(shutil.copytree(handed_in, tmp_path / "lane")))


def test_a_grader_that_is_killed_takes_its_processes_with_it(lane: Lane) -> None:
    hand_in(lane.root, "endless", right_notebook(lane.root, softmax=ENDLESS))
    command = lane.start("--no-gradebook", "--student", "endless")
    wait_for(lambda: len(lane.processes()) >= 4)  # the command, the worker, the zygote and its child, which sleeps
    assert list(lane.temporary.iterdir())
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert_nothing_is_left(lane)
    assert not list(lane.results.glob("*.json"))


def test_a_worker_that_is_killed_costs_one_submission_its_grading_until_the_next_run(
    lane: Lane, undisturbed: dict[str, bytes]
) -> None:
    hand_in(lane.root, "endless", right_notebook(lane.root, softmax=ENDLESS))
    students = [word for name in ("ada", "endless", "none") for word in ("--student", name)]
    command = lane.start("--no-gradebook", *students)
    wait_for(lambda: (lane.results / "ada.json").exists())
    time.sleep(0.3)  # a submission takes less, but for the endless one, and that comes next
    worker = next(p for p in psutil.Process(command.pid).children() if "autograder.worker" in p.cmdline())
    worker.send_signal(signal.SIGKILL)
    assert command.wait(120) == 1
    records = records_of(lane.root)
    assert {name: record.status for name, record in records.items()} == {
        "ada": "graded", "endless": "grader_fault", "none": "graded",
    }  # fmt: skip
    assert records["endless"].score is None
    assert "signal 9" in records["endless"].notes[0]
    assert lane.start("--no-gradebook", *students).wait(120) == 0
    assert records_of(lane.root)["endless"].score == 14.0
    for name in ("ada", "none"):
        assert (lane.results / f"{name}.json").read_bytes() == undisturbed[f"{name}.json"]
    assert_nothing_is_left(lane)


def test_what_a_killed_run_left_half_written_is_cleared_away_and_nothing_else(
    lane: Lane, undisturbed: dict[str, bytes]
) -> None:
    lane.results.mkdir(parents=True)
    half = lane.results / ".ada.json.12345.part"
    half.write_bytes(undisturbed["ada.json"][:100])
    notes = lane.results / ".notes.part"
    notes.write_text("my own")
    scratch = lane.root / ".grading-abc"
    (scratch / "ada" / ASSIGNMENT).mkdir(parents=True)
    assert lane.start("--student", "ada").wait(120) == 0, lane.output.read_text()
    assert not half.exists()
    assert notes.read_text() == "my own"
    assert not scratch.exists()
    assert (lane.results / "ada.json").read_bytes() == undisturbed["ada.json"]
