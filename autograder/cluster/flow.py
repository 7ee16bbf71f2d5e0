"""Sends orders to a Dask cluster, as many at a time as it can use, and gives back the answers as they come.

The scheduler holds each order until it is answered, and a hundred thousand notebooks would not fit, so it has a bounded
number of them at any time. As answers come in, new orders go out, and workers that are added in the middle get theirs.
"""

from __future__ import annotations

import asyncio
import gc
import queue
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from autograder.errors import GraderFault

if TYPE_CHECKING:
    from dask.typing import Key
    from distributed import Client, Future

T = TypeVar("T")
Task = Callable[[bytes], bytes]
OnWait = Callable[[str], None]

PER_THREAD = 20
"""Orders on their way for each thread of the cluster; all but one or two of them wait at the scheduler."""
PER_THREAD_IF_LARGE = 2
MOST_BYTES = 256 * 2**20
"""Of the orders on their way; if they are that large, there are no more than PER_THREAD_IF_LARGE for each thread."""
LEAST = 40
"""Orders on their way where there are no workers yet: some clusters start workers only when there is work."""
LOOK_SECONDS = 3.0
"""How often the workers are counted."""
FETCH_SECONDS = 0.1
"""How often a look is taken whether values that are being fetched are still there."""


LOST = "the scheduler of the cluster is lost. What was graded so far is kept: start it again and run the same command"


class WorkersDied(msgspec.Struct, frozen=True):
    """No answer: every worker that was given the order died over it, so the scheduler has given the order up."""

    number: int
    """How many died."""


class Flow(Generic[T]):
    """One stream of orders to a cluster.

    Args:
        client: connected to a scheduler
        task: turns an order into an answer; a function of a module that the workers can import
        on_wait: called with a sentence when there are no workers
    """

    def __init__(self, client: Client, task: Task, on_wait: OnWait = lambda sentence: None) -> None:
        self._client, self._task, self._on_wait = client, task, on_wait
        self._name, self._sent = f"grade-{uuid.uuid4().hex}", 0
        self._on_way: dict[Key, tuple[T, int]] = {}
        self._bytes = self._unswept = 0
        self._ended: queue.SimpleQueue[Future[bytes]] = queue.SimpleQueue()
        self._threads, self._looked, self._deserted = 0, float("-inf"), False

    def run(self, orders: Iterable[tuple[T, bytes]]) -> Iterator[tuple[T, bytes | WorkersDied]]:
        """Send out the orders, each with a tag of the caller's, and yield tags with answers, in any order.

        Raises:
            GraderFault: when the scheduler is lost, or a worker cannot even call the task.
        """
        waiting = iter(orders)
        self._send(waiting)
        while self._on_way:
            answers = self._answers(self._next_ended())
            self._send(waiting)  # first, so that the workers go on while the caller is busy with the answers
            yield from answers

    def _send(self, waiting: Iterator[tuple[T, bytes]]) -> None:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._look()
        batch: dict[Key, bytes] = {}
        while self._has_room() and (following := next(waiting, None)) is not None:
            tag, order = following
            batch[self._remember(tag, order)] = order
        if batch:
            self._sweep(sum(map(len, batch.values())))
            with _talking():
                futures = _submit(self._client, self._task, batch)
            self._await(futures)

    def _sweep(self, size: int) -> None:
        """Have the scheduler collect garbage now and then: answered orders lie there in cycles, for it seldom does."""
        self._unswept += size
        if self._unswept > MOST_BYTES:
            self._unswept = 0
            with _talking():
                self._client.run_on_scheduler(gc.collect)

    def _has_room(self) -> bool:
        number = len(self._on_way)
        if self._bytes >= MOST_BYTES:
            return number < PER_THREAD_IF_LARGE * self._threads
        return number < max(LEAST, PER_THREAD * self._threads)

    def _next_ended(self) -> list[Future[bytes]]:
        """Wait for some futures to end; returns all that have."""
        ended: list[Future[bytes]] = []
        while not ended:
            try:
                ended.append(self._ended.get(timeout=LOOK_SECONDS))
            except queue.Empty:
                self._look()
        while not self._ended.empty():
            ended.append(self._ended.get())
        return ended

    def _look(self) -> None:
        """Count the threads of the cluster; when there are none, say so, once."""
        self._looked = time.monotonic()
        with _talking():
            self._threads = sum(self._client.nthreads().values())
        if not self._threads and not self._deserted:
            self._on_wait("the cluster has no workers: waiting for some to come")
        self._deserted = not self._threads

    def _answers(self, ended: list[Future[bytes]]) -> list[tuple[T, bytes | WorkersDied]]:
        with _talking():
            found = self._client.sync(_fetch, self._client, ended)
        if found is None:
            self._await(ended)
            return []
        return [(self._forget(future.key), _answer(future, found[future.key])) for future in ended]

    def _await(self, futures: list[Future[bytes]]) -> None:
        for future in futures:
            future.add_done_callback(self._ended.put)

    def _remember(self, tag: T, order: bytes) -> Key:
        key = (self._name, self._sent)  # says nothing about whose notebook it is: it stands in Dask's logs and pages
        self._sent += 1
        self._on_way[key] = (tag, len(order))
        self._bytes += len(order)
        return key

    def _forget(self, key: Key) -> T:
        tag, size = self._on_way.pop(key)
        self._bytes -= size
        return tag


@contextmanager
def _talking() -> Iterator[None]:
    """Turn what Dask raises when nobody answers into an error for people."""
    from distributed.client import ClosedClientError

    try:
        yield
    except (OSError, CancelledError, ClosedClientError):
        raise GraderFault(LOST) from None


def _submit(client: Client, task: Task, batch: dict[Key, bytes]) -> list[Future[bytes]]:
    import dask

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": 2 * MOST_BYTES}):  # notebooks are large
        return client.map(task, list(batch.values()), key=list(batch), pure=False, retries=0)


async def _fetch(client: Client, ended: list[Future[bytes]]) -> dict[Key, bytes | None] | None:
    """Return what futures that have ended are worth, None for those without a value.

    A worker may have died with values that nobody had fetched. Others work them out again, and Dask would wait for
    that; here nothing is returned then, for there may be no workers any more, which somebody should hear.
    """
    fetching = asyncio.ensure_future(client.gather({f.key: f for f in ended}, errors="skip", asynchronous=True))
    while not fetching.done():
        if any(future.status not in ("finished", "error", "cancelled") for future in ended):
            fetching.cancel()
            return None
        await asyncio.wait([fetching], timeout=FETCH_SECONDS)
    values: dict[Key, bytes | None] = fetching.result()
    return values


def _answer(future: Future[bytes], found: bytes | None) -> bytes | WorkersDied:
    from distributed import KilledWorker

    if found is not None:
        return found
    if future.status == "cancelled":
        raise GraderFault(LOST)
    error = future.exception()
    if isinstance(error, KilledWorker):
        return WorkersDied(error.allowed_failures + 1)
    remedy = "Install the same kit on all of them, with its extra `cluster`"
    raise GraderFault(
        f"a worker of the cluster, or the scheduler, could not even begin: {type(error).__name__}: {error}. {remedy}"
    )
