"""What the command asks a worker of the cluster for; the answer is `Done` or `Fatal` of `jobs`."""

from __future__ import annotations

import msgspec

from autograder.cluster.makeup import Makeup
from autograder.jobs import Done, Fatal, Job

COURSE_VARIABLE = "AUTOGRADER_COURSE"
"""Names the folder of the course on a worker, where that is not the one of the command."""

Reply = Done | Fatal


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One notebook, and how it must be graded.

    The salt is not in it: what is in a task stands in the scheduler's memory, and crosses the network. Each worker has
    the salt from its environment, as the command has, and `makeup` shows whether it is the same one.
    """

    root: str
    """Where the course is, unless the worker's environment names another folder."""
    assignment: str
    confined: bool
    makeup: Makeup
    """What the worker must have."""
    job: Job


_orders = msgspec.json.Decoder(Order)
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def encode(message: Order | Reply) -> bytes:
    """Return a message as JSON."""
    return msgspec.json.encode(message)


def decode_order(data: bytes) -> Order:
    """Read an order.

    Raises:
        msgspec.MsgspecError: when it is none; the kit there and here are not the same.
    """
    return _orders.decode(data)


def decode_reply(data: bytes) -> Reply:
    """Read a reply.

    Raises:
        msgspec.MsgspecError: when it is none; the kit there and here are not the same.
    """
    return _replies.decode(data)
