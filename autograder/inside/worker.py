"""Serves checks from inside the locked process: runs the notebook's cells, then answers calls, until it is killed."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from autograder.errors import WireError
from autograder.inside.executor import Executor, describe
from autograder.inside.notebook import run_cells
from autograder.inside.stand_ins import stand_in
from autograder.wire import Call, CellStarted, Channel, Load


def serve(channel: Channel) -> None:
    """Answer what comes over the channel; returns when the other side closes it.

    A notebook comes first. When one comes again, everything begins anew: cells, namespace, kept objects.
    """
    executor = Executor({})
    while True:
        try:
            message = channel.receive(trusted=True)
        except EOFError:
            return
        if isinstance(message, Load):
            executor = _load(channel, message)
        else:
            _answer(channel, executor, message)


def _load(channel: Channel, load: Load) -> Executor:
    """Run the cells of a notebook; returns what answers calls into it."""
    executor = Executor({}, load.forbidden)
    with executor.watch.new_threads():
        executor.namespace, loaded = run_cells(load.cells, lambda index: channel.send(CellStarted(index=index)))
    channel.send(loaded)

    def ask(call: Call) -> Any:
        channel.send(call)
        return channel.receive(trusted=True)

    executor.ask = ask
    for name, parameters in load.stand_ins.items():
        executor.namespace[name] = stand_in(name, parameters, ask)
    return executor


def _answer(channel: Channel, executor: Executor, call: Call) -> None:
    """Answer one call; a result that cannot be put on the wire is an error of the student's."""
    answer = executor.answer(call)
    try:
        channel.send(msgspec.structs.replace(answer, to=call.number))
    except OSError:  # half of it may be on its way, so nothing sensible can follow
        os._exit(70)
    except Exception as error:
        raised = describe(error)
        kind = "TypeError" if isinstance(error, WireError) else raised.kind
        text = f"in the result: {raised.message}"[:2000]
        channel.send(msgspec.structs.replace(raised, to=call.number, kind=kind, message=text))
