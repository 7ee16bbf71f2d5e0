"""Serves one check from inside the locked process: runs the notebook's cells, then answers calls until it is killed."""

from __future__ import annotations

import os
from typing import Any

from autograder.inside.executor import Executor
from autograder.inside.notebook import run_cells
from autograder.inside.stand_ins import stand_in
from autograder.wire import Call, CellStarted, Channel, Load, Message


def serve(channel: Channel) -> None:
    """Answer what comes over the channel; returns when the other side closes it."""
    load = channel.receive()
    if not isinstance(load, Load):
        raise TypeError(f"expected a notebook to load, got {type(load).__name__}")
    namespace, loaded = run_cells(load.cells, lambda index: channel.send(CellStarted(index=index)))
    channel.send(loaded)

    def ask(call: Call) -> Any:
        channel.send(call)
        return channel.receive()

    for name, parameters in load.stand_ins.items():
        namespace[name] = stand_in(name, parameters, ask)
    executor = Executor(namespace, load.forbidden)
    while True:
        try:
            call = channel.receive()
        except EOFError:
            return
        _send_or_die(channel, executor.answer(call))


def _send_or_die(channel: Channel, answer: Message) -> None:
    """Send an answer; one that cannot be put on the wire is no answer, and ends the process."""
    try:
        channel.send(answer)
    except Exception:
        os._exit(70)
