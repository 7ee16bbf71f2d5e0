"""The command's side: an object with the face of `Pool` whose grading processes are on other machines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from autograder.cluster import node
from autograder.cluster.flow import Flow, OnWait, Task, WorkersDied
from autograder.cluster.makeup import makeup_of
from autograder.cluster.order import Order, decode_reply, encode
from autograder.course import Assignment, Course
from autograder.errors import GraderFault, RefusedToStart, UsageError
from autograder.jobs import Fatal, Job
from autograder.pool import given_up
from autograder.records import Record

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 5
CLOSE_SECONDS = 5


class ClusterPool:
    """Grading processes for one assignment on the workers of a Dask cluster.

    A worker that dies loses nothing: another one gets its notebooks. Workers may come at any time, also later; as long
    as there are none, grading waits for them. The records have the same bytes as those of `Pool`.

    Args:
        address: of the scheduler, such as "tcp://10.0.0.1:8786"; "tls://..." takes keys from Dask's configuration
        course: with its root, limits and salt; each worker must have the same
        assignment: the one to grade
        confined: whether student code is locked in
        on_wait: called with a sentence when there are no workers to grade anything
        task: what a worker does with an order

    Raises:
        UsageError: when Dask is not installed, or no scheduler answers at the address within a few seconds.
    """

    def __init__(
        self,
        address: str,
        course: Course,
        assignment: Assignment,
        confined: bool = True,
        on_wait: OnWait = lambda sentence: None,
        task: Task = node.grade_one,
    ) -> None:
        self._root, self._assignment, self._confined = course.root.resolve(), assignment, confined
        self._makeup = makeup_of(course, assignment, confined)
        self._on_wait, self._task = on_wait, task
        self._client = _connect(address)

    def grade(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Grade the jobs and yield their records as they are done, in any order.

        Raises:
            RefusedToStart: when a worker cannot lock student code in, or its results would be other ones.
            GraderFault: when the checks or the reference cannot be read, or the scheduler is lost.
        """
        flow: Flow[Job] = Flow(self._client, self._task, self._on_wait)
        # What the record of a failure needs is kept, and not the notebook.
        orders = ((msgspec.structs.replace(job, notebook=b""), self._order(job)) for job in jobs)
        for job, answer in flow.run(orders):
            yield self._given_up(job, answer) if isinstance(answer, WorkersDied) else _record(answer)

    def _order(self, job: Job) -> bytes:
        return encode(
            Order(
                root=str(self._root),
                assignment=self._assignment.id,
                confined=self._confined,
                makeup=self._makeup,
                job=job,
            )
        )

    def _given_up(self, job: Job, died: WorkersDied) -> Record:
        reason = f"{died.number} workers of the cluster ended while they worked on this submission."
        return given_up(job, self._assignment, self._confined, reason)

    def close(self) -> None:
        """Leave the cluster; what it still works on for us is dropped, its grading processes stay warm."""
        self._client.close(CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _record(answer: bytes) -> Record:
    reply = decode_reply(answer)
    if isinstance(reply, Fatal):
        raise RefusedToStart(reply.reason) if reply.refused else GraderFault(reply.reason)
    return reply.record


def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise UsageError(
            'grading on a cluster needs Dask, which is not installed: pip install "autograder[cluster]"'
        ) from None
    # It would tell of a lost scheduler in its own words, besides ours.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        asyncio.run(asyncio.wait_for(_knock(address), CONNECT_SECONDS))
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # whatever may come of an address that is not a scheduler's
        remedy = "Start one with `dask scheduler`, which prints its address"
        raise UsageError(f"no Dask scheduler answers at {address} ({_first_line(error)}). {remedy}") from None


async def _knock(address: str) -> None:
    """Ask who is there; a `Client` would wait for ever for a service that takes connections and says nothing."""
    from distributed import rpc
    from distributed.security import Security

    async with rpc(address, connection_args=Security().get_connection_args("client")) as scheduler:
        await scheduler.identity()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [f"nothing within {CONNECT_SECONDS} seconds"])[0]
