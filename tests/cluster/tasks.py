"""What the workers of these tests do in the place of grading, where a test is about something else."""

from __future__ import annotations

import os
import signal
import time

from autograder.cluster.order import decode_order, encode
from autograder.jobs import Done
from autograder.records import ungraded


def answer(order: bytes) -> bytes:
    """Answer at once, with a record that has no score."""
    job = decode_order(order).job
    record = ungraded("01_fort", job.student, 1.0, confined=True, status="not_gradable", notes=["a stub"])
    return encode(Done(record=record))


def answer_slowly(order: bytes) -> bytes:
    """Answer after a moment."""
    time.sleep(0.2)
    return answer(order)


def die_over_poison(order: bytes) -> bytes:
    """Kill the worker over one student's notebook."""
    if decode_order(order).job.student == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer(order)


def stumble(order: bytes) -> bytes:
    """Fail as no task should."""
    raise KeyError("unforeseen")
