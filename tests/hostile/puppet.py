"""A child that says what it is told to: the real `Inside` on one end of a socket, any bytes at the other."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from autograder.course import Limits
from autograder.sandbox import Inside, Sandbox
from autograder.wire import Call, Channel, Load, Message

LOADED = b'{"type":"loaded"}'


class Puppets:
    """Stands in for a Sandbox: each of its children writes what it was told, then hangs up or keeps silent.

    What is killed with each of them is a process that has ended already and that nobody has waited for.

    Args:
        limits: for the children
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.scratch = Path("/nowhere")
        self.data, self.silent = b"", False
        self._dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
        os.waitid(os.P_PID, self._dead.pid, os.WEXITED | os.WNOWAIT)
        self._theirs: socket.socket | None = None
        self._writer: threading.Thread | None = None

    def fork(self) -> tuple[Channel, int, int]:
        ours, self._theirs = socket.socketpair()
        self._writer = threading.Thread(target=self._write, args=(self._theirs,))
        self._writer.start()
        return Channel(ours.detach(), self.limits.reply_mib), self._dead.pid, os.pidfd_open(self._dead.pid)

    def _write(self, theirs: socket.socket) -> None:
        with contextlib.suppress(OSError):  # whoever has heard enough hangs up
            theirs.sendall(self.data)
            if not self.silent:
                theirs.shutdown(socket.SHUT_WR)

    def wait(self) -> int:
        return int(signal.SIGKILL)

    def scratch_overflows(self) -> bool:
        return False

    def close(self) -> None:
        self._dead.wait()

    @contextmanager
    def open(self, data: bytes, silent: bool) -> Iterator[Inside]:
        """Yield an Inside whose child writes `data`; nothing has been received of it."""
        self.data, self.silent = data, silent
        inside = Inside(cast(Sandbox, self), [])
        try:
            yield inside
        finally:
            inside.kill()
            assert self._theirs is not None
            assert self._writer is not None
            self._writer.join(10)
            self._theirs.close()

    def ask(
        self, data: bytes, *calls: Call, silent: bool = False, reference: Callable[[Call], Message] | None = None
    ) -> list[Any]:
        """Load nothing and make calls; the child's words are `data` in all. Returns the answers."""
        with self.open(frame(LOADED) + data, silent) as inside:
            inside.load(Load(cells=[]), reference)
            return [inside.call(call) for call in calls]


def frame(text: bytes, payload: bytes = b"") -> bytes:
    """Return a frame of any text and any tensors."""
    return len(text).to_bytes(4) + len(payload).to_bytes(4) + text + payload
