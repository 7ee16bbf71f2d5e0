"""Grading on a cluster of real processes: the same bytes as on one machine, whoever dies or comes in the middle."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from attack import ASSIGNMENT
from loopback import Loopback, below, desks_of, wait_for

from autograder.chain import Plan, grade, make_plan, students_of
from autograder.cluster import ClusterPool
from autograder.records import Record

Start = Callable[..., Loopback]
OnRecord = Callable[[Record], None]


@pytest.fixture(scope="module")
def here(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The records of the class as this machine writes them on its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_SALT", "a salt of the tests")
        root = Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("here") / "fort"))
        plan = make_plan(root, ASSIGNMENT)
        grade(plan, students_of(plan), workers=2)
    return written(root)


def written(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "results" / ASSIGNMENT).glob("*.json")}


def grade_on(address: str, root: Path, on_record: OnRecord = lambda record: None, **options: object) -> list[Record]:
    plan = make_plan(root, ASSIGNMENT)

    def open_pool(plan: Plan, workers: int) -> ClusterPool:
        return ClusterPool(address, plan.course, plan.assignment, plan.confined, **options)

    return grade(plan, students_of(plan), on_record=on_record, open_pool=open_pool)


def test_records_are_the_same_bytes_as_on_one_machine(
    start: Start, course: Path, here: dict[str, bytes], tmp_path: Path
) -> None:
    """One worker finds the course where the command has it; the other has two threads, and a copy at another place."""
    copy = Path(shutil.copytree(course, tmp_path / "copy"))
    shutil.rmtree(copy / "submitted")  # a worker needs none of it
    cluster = start()
    one, two = cluster.add(), cluster.add(threads=2, AUTOGRADER_COURSE=str(copy))
    wait_for(lambda: cluster.threads() == 3)
    grade_on(cluster.address, course)
    assert written(course) == here
    assert (desks_of(one), desks_of(two)) == (1, 2)
    desks = {child.pid for worker in (one, two) for child in below(worker)}
    shutil.rmtree(course / "results")
    grade_on(cluster.address, course)
    assert written(course) == here
    assert {child.pid for worker in (one, two) for child in below(worker)} == desks, "they stay warm for the next class"


def test_a_worker_that_dies_or_comes_in_the_middle_changes_nothing(
    start: Start, course: Path, here: dict[str, bytes], within: Callable
) -> None:
    """One of two dies after the first record and the other after the fourth; so a third does the rest."""
    cluster = start()
    first, second = cluster.add(), cluster.add()
    wait_for(lambda: cluster.threads() == 2)
    records: list[Record] = []
    desks: list[psutil.Process] = []
    said: list[str] = []

    def kill(record: Record) -> None:
        records.append(record)
        if len(records) in (1, 4):
            worker = first if len(records) == 1 else second
            desks.extend(below(worker))
            worker.kill()

    def add(sentence: str) -> None:
        said.append(sentence)
        cluster.add()

    with within(120):
        grade_on(cluster.address, course, kill, on_wait=add)
    assert written(course) == here
    assert said == ["the cluster has no workers: waiting for some to come"]
    assert not psutil.wait_procs(desks, 30)[1], "they end with their worker"
