"""What a worker of the cluster does: grades one notebook in a grading process that stays warm for the next one.

The process is the same as on one machine: `pool` starts it, and student code runs behind its locks, never in the Dask
worker. A Dask worker with several threads gets a grading process for each of them.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from autograder.cluster.makeup import Makeup, differences, makeup_of
from autograder.cluster.order import COURSE_VARIABLE, Order, decode_order, encode
from autograder.course import Assignment, Course, read_course
from autograder.errors import AutograderError, GraderFault, RefusedToStart, UsageError
from autograder.jobs import Done, Fatal
from autograder.pool import Pool
from autograder.records import Record

Key = tuple[str, str]
"""The folder of a course, and the hash of what grading there depends on."""
Look = tuple[Course, Assignment, Makeup]
LOOK_SECONDS = 1.0
"""How long it is taken for granted that nobody has changed the files of the course."""
_looking = threading.Lock()
_looks: dict[tuple[str, str, bool], tuple[float, Look]] = {}

Grade = Callable[[Order, Course, Assignment, str], Record]
"""Grades what is ordered; the text is that hash."""


def grade_one(order: bytes) -> bytes:
    """Grade one notebook; both the order and the reply are messages of `order`."""
    return respond(order, _grade)


def respond(data: bytes, grade: Grade) -> bytes:
    """Reply to an order, once it is clear that everything here is as it must be.

    Errors come back as a reply, for Dask would write the arguments of a function that raises into its log.
    """
    try:
        order = decode_order(data)
        return encode(Done(record=grade(order, *_same(order))))
    except (AutograderError, msgspec.MsgspecError) as error:
        reason = f"the worker {_own_address()} cannot grade: {error}"
        return encode(Fatal(refused=not isinstance(error, GraderFault), reason=reason))


def _grade(order: Order, course: Course, assignment: Assignment, base: str) -> Record:
    key = (str(course.root), base)
    with _desks.borrow(key, lambda: Pool(course, assignment, confined=order.confined)) as desk:
        (record,) = desk.grade([order.job])
        return record


def _same(order: Order) -> tuple[Course, Assignment, str]:
    """Return the course here and the hash of what grading depends on, if nothing is other than it must be."""
    try:
        course, assignment, found = _look(
            os.environ.get(COURSE_VARIABLE) or order.root, order.assignment, order.confined
        )
    except UsageError as error:
        raise RefusedToStart(
            f"{error}. The course must lie at {order.root} there as well, or where {COURSE_VARIABLE} says"
        ) from None
    if differ := differences(order.makeup, found):
        raise RefusedToStart(
            f"its results would be other ones, for it has {', '.join(differ)}. "
            "Set it up as where the command runs, and start it again"
        )
    return course, assignment, found.base


def _look(root: str, name: str, confined: bool) -> Look:
    """Read the course here, unless that was done a moment ago: it takes 20 milliseconds, mostly of parsing.

    One thread at a time: msgspec prepares a type when it is first used, and crashes if two threads do that at once.
    """
    with _looking:
        at, look = _looks.get((root, name, confined), (float("-inf"), None))
        if look is None or time.monotonic() - at > LOOK_SECONDS:
            course = read_course(Path(root))
            assignment = course.assignment(name)
            look = course, assignment, makeup_of(course, assignment, confined)
            _looks[root, name, confined] = time.monotonic(), look
        return look


class Desks:
    """Grading processes that wait for their next notebook: never more of them than notebooks are graded at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Key, Pool]] = []

    @contextmanager
    def borrow(self, key: Key, open_pool: Callable[[], Pool]) -> Iterator[Pool]:
        """Give one of this key to the caller alone: an idle one, or a new one in the place of the idle of another key.

        Raises:
            whatever opening it raises; one that the caller met an error with is closed.
        """
        desk, stale = self._take(key)
        if stale is not None:
            stale.close()
        desk = desk or open_pool()
        try:
            yield desk
        except BaseException:
            desk.close()
            raise
        with self._lock:
            self._idle.append((key, desk))

    def _take(self, key: Key) -> tuple[Pool | None, Pool | None]:
        """Return an idle one of this key, or else the one that must go for it."""
        with self._lock:
            for place, (other, desk) in enumerate(self._idle):
                if other == key:
                    del self._idle[place]
                    return desk, None
            return None, self._idle.pop(0)[1] if self._idle else None

    def close(self) -> None:
        """End the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, desk in idle:
            desk.close()


_desks = Desks()
atexit.register(_desks.close)


def _own_address() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:  # called without a cluster
        return f"of process {os.getpid()}"
