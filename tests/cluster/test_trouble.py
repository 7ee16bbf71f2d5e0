"""What goes wrong on a cluster, and what the operator is told."""

from __future__ import annotations

import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tasks
from attack import ASSIGNMENT
from fort import right_notebook
from loopback import Loopback, wait_for

from autograder.cluster import ClusterPool, flow
from autograder.course import Course, read_course
from autograder.errors import GraderFault, RefusedToStart, UsageError
from autograder.jobs import Job
from autograder.records import Record

Start = Callable[..., Loopback]
SECONDS = 15
"""How long an operator may have to wait for an error, on a busy machine."""


@pytest.fixture
def small(handed_in: Path) -> Course:
    return read_course(handed_in)


@pytest.fixture(scope="module")
def cluster(start: Start) -> Loopback:
    """A cluster of two workers."""
    cluster = start()
    cluster.add()
    cluster.add()
    wait_for(lambda: cluster.threads() == 2)
    return cluster


def pool_of(course: Course, address: str, task: flow.Task | None = None) -> ClusterPool:
    more = {} if task is None else {"task": task}
    return ClusterPool(address, course, course.assignment(ASSIGNMENT), **more)


def jobs(number: int, notebook: bytes = b"{}") -> Iterator[Job]:
    return (Job(student=f"s{n}", notebook=notebook, fingerprint=str(n)) for n in range(number))


def grade_one(course: Course, address: str) -> list[Record]:
    with pool_of(course, address) as pool:
        return list(pool.grade([Job(student="ada", notebook=right_notebook(course.root))]))


def test_a_worker_with_another_salt_and_other_checks_is_refused(start: Start, small: Course, tmp_path: Path) -> None:
    other = Path(shutil.copytree(small.root, tmp_path / "other"))
    checks = other / "assignments" / ASSIGNMENT / "test_hidden.py"
    checks.write_text(checks.read_text() + "\n# edited\n")
    (other / "solutions" / "new.py").touch()
    cluster = start()
    cluster.add(AUTOGRADER_SALT="a salt of its own", AUTOGRADER_COURSE=str(other))
    with pytest.raises(RefusedToStart) as refused:
        grade_one(small, cluster.address)
    assert str(refused.value).startswith("the worker tcp://127.0.0.1:")
    differ = "another salt (AUTOGRADER_SALT), another assignments/01_fort/test_hidden.py, a solutions/new.py too many"
    assert f"its results would be other ones, for it has {differ}." in str(refused.value)
    assert "a salt of" not in cluster.said()


def test_a_worker_without_the_course_is_refused(start: Start, small: Course) -> None:
    cluster = start()
    cluster.add(AUTOGRADER_COURSE="/nowhere")
    with pytest.raises(RefusedToStart, match=r"worker tcp://.*/nowhere/assignments/course.toml is missing") as refused:
        grade_one(small, cluster.address)
    assert f"at {small.root} there as well, or where AUTOGRADER_COURSE says" in str(refused.value)


def test_a_worker_that_cannot_lock_student_code_in_is_refused(start: Start, small: Course) -> None:
    cluster = start()
    cluster.add(landlock=False)
    with pytest.raises(RefusedToStart, match=r"the worker tcp://.*Landlock"):
        grade_one(small, cluster.address)


def test_a_notebook_that_kills_every_worker_is_a_fault_of_the_grader_and_the_others_are_graded(
    start: Start, small: Course
) -> None:
    cluster = start(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    cluster.add(nanny=True)
    poison = Job(student="poison", notebook=b"{}", notes=["a note"], fingerprint="abc")
    with pool_of(small, cluster.address, tasks.die_over_poison) as pool:
        records = {record.student: record for record in pool.grade([*jobs(3), poison])}
    assert {name for name, record in records.items() if record.status == "not_gradable"} == {"s0", "s1", "s2"}
    assert records["poison"].status == "grader_fault"
    assert records["poison"].score is None
    assert records["poison"].fingerprint == "abc"
    assert records["poison"].notes == [
        "2 workers of the cluster ended while they worked on this submission.",
        "a note",
    ]


def test_a_scheduler_that_is_lost_is_named_and_what_was_graded_stays(
    start: Start, small: Course, within: Callable
) -> None:
    cluster = start()
    cluster.add(threads=2)
    records = []

    def grade() -> None:
        with pool_of(small, cluster.address, tasks.answer_slowly) as pool:
            for record in pool.grade(jobs(1000)):
                records.append(record)
                if len(records) == 10:
                    cluster.scheduler.kill()

    with within(SECONDS), pytest.raises(GraderFault, match="scheduler of the cluster is lost"):
        grade()
    assert 10 <= len(records) < 1000


def test_no_scheduler_at_the_address_is_said_soon(small: Course, within: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
    with within(SECONDS), pytest.raises(UsageError, match=f"no Dask scheduler answers at {address}"):
        pool_of(small, address)


def test_something_else_at_the_address_is_said_soon(small: Course, within: Callable) -> None:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with within(SECONDS), pytest.raises(UsageError, match=f"no Dask scheduler answers at {address}"):
            pool_of(small, address)


def test_the_address_of_a_page_is_said_soon(small: Course, within: Callable) -> None:
    """Dask's own dashboard is a page, and its port is next to the scheduler's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        address = f"tcp://127.0.0.1:{page.server_port}"
        with within(SECONDS), pytest.raises(UsageError, match=f"no Dask scheduler answers at {address}"):
            pool_of(small, address)
        page.shutdown()


@pytest.mark.parametrize("address", ["nonsense", "carrier-pigeon://127.0.0.1:8786", "tls://127.0.0.1:8786"])
def test_an_address_that_is_none_is_said_soon(small: Course, address: str, within: Callable) -> None:
    with within(SECONDS), pytest.raises(UsageError, match="no Dask scheduler answers at"):
        pool_of(small, address)


def test_without_the_extra_the_command_to_install_it_is_said(small: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r'pip install "autograder\[cluster\]"'):
        pool_of(small, "tcp://127.0.0.1:8786")


def test_a_task_that_fails_as_none_should_stops_grading(cluster: Loopback, small: Course) -> None:
    with pool_of(small, cluster.address, tasks.stumble) as pool, pytest.raises(GraderFault, match="KeyError"):
        list(pool.grade(jobs(3)))


def test_the_scheduler_holds_a_bounded_number_of_notebooks(cluster: Loopback, small: Course) -> None:
    taken, most = 0, 0

    def counted() -> Iterator[Job]:
        nonlocal taken
        for job in jobs(500):
            taken += 1
            yield job

    with pool_of(small, cluster.address, tasks.answer) as pool:
        for given_back, _ in enumerate(pool.grade(counted())):
            most = max(most, taken - given_back)
    assert taken == 500
    assert most <= 2 * flow.PER_THREAD * 2  # on their way, and as many whose answers are being given back


def test_large_notebooks_come_through(cluster: Loopback, small: Course) -> None:
    with pool_of(small, cluster.address, tasks.answer) as pool:
        assert len(list(pool.grade(jobs(6, notebook=b"x" * 20 * 2**20)))) == 6
