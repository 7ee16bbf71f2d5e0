"""Brings up the process that forks a child for each check, and ends it.

It is started afresh, or split off from a process that has imported torch and knows nothing else yet: that saves the
seconds of a second import, and the two share its memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol

from autograder import variables
from autograder.inside import zygote
from autograder.inside.scratch import remove

_STOP_SECONDS = 10.0
_FLAGS = "-sP"
"""Nothing is imported from the folder one stands in, or from the user's own; all variables are ours."""


class Process(Protocol):
    """What is asked of a process, whether it was started or forked."""

    pid: int

    def poll(self) -> int | None:
        """Return how it ended, None when it has not."""

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended; raises subprocess.TimeoutExpired."""

    def kill(self) -> None:
        """Kill it."""


class Zygote:
    """The process, the socket on which it is told what to do, and the one folder that its children may write to."""

    def __init__(self, process: Process, control: socket.socket, scratch: Path) -> None:
        self.process, self.control, self.scratch = process, control, scratch

    def end(self) -> None:
        """End the process, which ends its child and removes the scratch folder."""
        self.control.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.scratch.exists():  # the zygote could not do it any more
            with contextlib.suppress(OSError):
                remove(self.scratch)


def start() -> Zygote:
    """Start a zygote afresh."""
    scratch = _new_scratch()
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, _FLAGS, "-m", "autograder.inside.zygote"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=variables.of_student_code(scratch),
                cwd=scratch,
                start_new_session=True,
            )
    except BaseException:
        ours.close()
        remove(scratch)
        raise
    return Zygote(process, ours, scratch)


def split_off() -> Zygote:
    """Fork this process into a zygote: everything that is known here at this moment is known there for good."""
    scratch = _new_scratch()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        zygote.become(theirs.fileno(), scratch, variables.of_student_code(scratch))
    theirs.close()
    return Zygote(_Forked(pid), ours, scratch)


def _new_scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="autograder-scratch-"))


class _Forked:
    """A process that was forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None when it has not."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended; raises subprocess.TimeoutExpired."""
        if self._code is None:
            if not select.select([self._pidfd], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("zygote", timeout or 0)
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._pidfd)
        return self._code

    def kill(self) -> None:
        """Kill it."""
        if self._code is None:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
