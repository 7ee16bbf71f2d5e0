"""A process that has imported torch and forks one child for each check.

It is started with `python -I -m autograder.inside.zygote SETTINGS`, with a control socket as its standard input. It
never runs student code, and it knows nothing that is worth stealing: no checks, no reference, no names. On the control
socket it reads one byte and answers:

    b"F" + a channel's file descriptor   fork a child that serves this channel; answer: pid and a pidfd
    b"W"                                 wait for that child; answer: how it ended
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import struct
import sys
from pathlib import Path

import msgspec

PID = struct.Struct("=i")
FORK, WAIT, READY = b"F", b"W", b"R"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the zygote is told when it starts."""

    scratch: str
    memory_mib: int
    file_mib: int
    reply_mib: int
    cpu_seconds: int
    confined: bool


def main() -> None:
    """Warm up, say so, then fork on demand until the control socket closes."""
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    control = socket.socket(fileno=os.dup(0))
    try:
        locks = prepare(settings)
    except OSError as error:
        control.sendall(b"E" + str(error).encode()[:500])
        return
    control.sendall(READY)
    child = 0
    while request := control.recv(1, socket.MSG_PEEK):
        if request == FORK:
            _, fds, _, _ = socket.recv_fds(control, 1, 1)
            child = fork_child(settings, locks, fds[0], control)
            os.close(fds[0])
            pidfd = os.pidfd_open(child)
            socket.send_fds(control, [PID.pack(child)], [pidfd])
            os.close(pidfd)
        elif request == WAIT:
            control.recv(1)
            control.sendall(PID.pack(os.waitpid(child, 0)[1]))


def prepare(settings: Settings):  # type: ignore[no-untyped-def]  # the type would need the import that is put off
    """Import what children need, once, and get the locks ready."""
    import torch

    torch.set_num_threads(1)
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.figure
    import matplotlib.pyplot

    from autograder.inside import worker  # noqa: F401  # children must find it in memory
    from autograder.inside.locks import Locks

    # What is loaded late must be loaded before the file system is closed: the description of the processor, fonts.
    torch.softmax(torch.randn(4, 4) @ torch.randn(4, 4), dim=-1)
    matplotlib.figure.Figure().add_subplot().set_title("warm")
    locks = None
    if settings.confined:
        locks = Locks(Path(settings.scratch), settings.memory_mib, settings.file_mib, settings.cpu_seconds)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    return locks


def fork_child(settings: Settings, locks, channel_fd: int, control: socket.socket) -> int:  # type: ignore[no-untyped-def]
    """Fork; the child locks itself in and serves, and never returns."""
    pid = os.fork()
    if pid:
        return pid
    code = 71
    with contextlib.suppress(BaseException):
        control.close()
        os.closerange(0, 3)
        for _ in range(3):
            os.open(os.devnull, os.O_RDWR)
        os.chdir(settings.scratch)
        from autograder.inside.locks import set_limits
        from autograder.inside.worker import serve
        from autograder.wire import Channel

        if locks is not None:
            locks.put_on()
        else:
            set_limits(settings.memory_mib, settings.file_mib, settings.cpu_seconds)
        code = 72
        serve(Channel(channel_fd, settings.reply_mib * 4))
        code = 0
    os._exit(code)


if __name__ == "__main__":
    main()
