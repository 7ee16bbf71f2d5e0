"""A process that has imported torch and forks one child for each check.

It is started with `python -m autograder.inside.zygote`, or split off from a process that has imported no more than
this, with a control socket as its standard input and the scratch folder as its working folder. It never runs student
code, and it knows nothing that is worth stealing: no checks, no reference, no names. On the control socket it is told
its settings, a line of JSON, and answers that it is ready; then it reads one byte and answers:

    b"F" + a channel's file descriptor   fork a child that serves this channel; answer: pid and a pidfd
    b"W"                                 wait for that child; answer: how it ended
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import struct
import tempfile
from pathlib import Path
from typing import NoReturn

import msgspec
import torch

from autograder.cell import Cell
from autograder.inside import huge_pages, notebook
from autograder.inside.eager import stay_eager
from autograder.inside.executor import Executor
from autograder.inside.locks import Locks, die_with_parent, limits, set_limits
from autograder.inside.scratch import remove
from autograder.inside.worker import serve
from autograder.wire import LENGTHS, Call, Channel, Load, decode, encode

PID = struct.Struct("=i")
FORK, WAIT, READY, REFUSED = b"F", b"W", b"R", b"E"
FAILED_TO_LOCK, FAILED_TO_SERVE = 71, 72


_REHEARSAL = """
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

plt.rcParams["font.size"] = plt.rcParams["font.size"]


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return self.linear(x)


def rehearse(x):
    # The operators that a first course in attention is made of: torch makes an object for each when it is first used.
    y = Layer(3)(x)[None].expand(2, 3, 3).transpose(-2, -1).reshape(2, 3, 3)
    scores = torch.einsum("bik,bjk->bij", y, y) + y @ y.transpose(-2, -1) / math.sqrt(3)
    mask = torch.ones(3, 3, dtype=torch.bool).tril() & ~torch.zeros(3, 3, dtype=torch.bool)
    scores = scores.masked_fill(~mask, -math.inf) * 1.0 - 0.0
    powers = torch.exp(scores - scores.detach().amax(-1, keepdim=True).masked_fill(mask.any(), 0.0))
    total = powers.sum(-1, keepdim=True)
    weights = torch.where(total == 0, torch.zeros_like(powers), powers / total.clamp(min=1e-9))
    weights = torch.cat([weights, torch.stack([weights[0], weights[1]])]).softmax(-1).max(-1, keepdim=True).values
    return weights.logsumexp(-1).mean().sqrt(), weights
"""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the zygote is told when it starts."""

    memory_mib: int
    file_mib: int
    reply_mib: int
    cpu_seconds: int
    confined: bool


def main() -> None:
    """Warm up, say so, then fork on demand until the control socket closes."""
    control, scratch = socket.socket(fileno=os.dup(0)), Path.cwd()
    try:
        warm_up()
        with control.makefile("rb") as lines:
            settings = lines.readline()
        if settings:
            _serve(control, scratch, msgspec.json.decode(settings, type=Settings))
    finally:  # whoever wanted children is gone, perhaps killed, and tidies up nothing any more
        remove(scratch)


def become(control: int, scratch: Path, variables: dict[str, str]) -> NoReturn:
    """Be a zygote, in a process that was forked for it; never returns.

    What the process before it had open is closed, its standard error among it: a pipe that somebody waits for.

    Args:
        control: file descriptor of the control socket
        scratch: the folder to work in
        variables: of the environment; no others are left
    """
    with contextlib.suppress(BaseException):
        os.setsid()
        os.chdir(scratch)
        os.environ.clear()
        os.environ.update(variables)
        tempfile.tempdir = None  # as it is remembered, it is still the other process's
        os.dup2(control, 0)
        for fd in (1, 2):
            os.dup2(_devnull(), fd)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        main()
    os._exit(0)


def _serve(control: socket.socket, scratch: Path, settings: Settings) -> None:
    nursery = Nursery(settings, scratch, control)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    huge_pages.collapse()
    try:
        nursery.rehearse_locks()
    except OSError as error:
        control.sendall(REFUSED + str(error).encode()[:500])
        return
    try:
        control.sendall(READY)
        while request := control.recv(1, socket.MSG_PEEK):
            nursery.fork() if request == FORK else nursery.wait()
    finally:
        nursery.end()


def warm_up() -> None:
    """Load once what every child needs: what is loaded late must be loaded before the file system is closed."""
    torch.set_num_threads(1)
    stay_eager()
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.figure
    import matplotlib.pyplot

    matplotlib.figure.Figure().add_subplot().set_title("warm")
    rehearse()
    notebook.prepare()


def rehearse() -> None:
    """Do once what every child does, so that what is made on first use is made here and not in each of them."""
    message = encode(Load(cells=[Cell("rehearsal", _REHEARSAL)], forbidden=["torch.log_softmax", "torch.nn.Softmax"]))
    load = decode(message[LENGTHS.size :], b"")
    namespace, _ = notebook.run_cells(load.cells, lambda index: None)
    executor = Executor(namespace, load.forbidden)
    for want in ("value", "gradients", "aftermath"):
        encode(executor.answer(Call(target="rehearse", args=(torch.randn(3, 3),), want=want)))


class Nursery:
    """Forks children and locks them in.

    Args:
        settings: limits
        scratch: the folder that they may write to
        control: the socket on which children are asked for
    """

    def __init__(self, settings: Settings, scratch: Path, control: socket.socket) -> None:
        self._settings, self._scratch, self._control = settings, scratch, control
        self._limits = limits(settings.memory_mib, settings.file_mib, settings.cpu_seconds)
        self._locks: Locks | None = None
        self._child = 0

    def rehearse_locks(self) -> None:
        """Prepare the locks, and put them on a child that does nothing else.

        Raises:
            OSError: when one of them cannot be had on this machine; the text says which.
        """
        if not self._settings.confined:
            return
        self._locks = Locks(self._scratch, self._limits)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                try:
                    self._locks.put_on()
                except Exception as error:
                    os.write(writing, str(error).encode()[:500])
                else:
                    os.write(writing, READY)
            os._exit(0)
        os.close(writing)
        said = os.read(reading, 512)
        os.close(reading)
        os.waitpid(child, 0)
        if said != READY:
            raise OSError(said.decode(errors="replace") or "the locks end the process that they are put on")

    def fork(self) -> None:
        """Fork a child for the channel that came with the request."""
        _, fds, _, _ = socket.recv_fds(self._control, 1, 1)
        parent = os.getpid()
        self._child = os.fork()
        if not self._child:
            self._live(fds[0], parent)
        os.close(fds[0])
        pidfd = os.pidfd_open(self._child)
        socket.send_fds(self._control, [PID.pack(self._child)], [pidfd])
        os.close(pidfd)

    def _live(self, channel_fd: int, parent: int) -> None:
        """Be the child: lock oneself in and serve; never returns."""
        code = FAILED_TO_LOCK
        with contextlib.suppress(BaseException):
            die_with_parent(parent)
            self._control.close()
            for fd in range(3):
                os.dup2(_devnull(), fd)
            os.chdir(self._scratch)
            if self._locks is not None:
                self._locks.put_on()
            else:
                set_limits(self._limits)
            code = FAILED_TO_SERVE
            serve(Channel(channel_fd, self._settings.reply_mib * 4))
            code = 0
        os._exit(code)

    def wait(self) -> None:
        """Wait for the child that was forked last and say how it ended."""
        self._control.recv(1)
        status = os.waitpid(self._child, 0)[1]
        self._child = 0
        self._control.sendall(PID.pack(status))

    def end(self) -> None:
        """Kill the child that nobody waits for any more, if there is one."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)


def _devnull() -> int:
    return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


if __name__ == "__main__":
    main()
