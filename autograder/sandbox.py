"""Starts locked processes, talks to them, kills them, and says why they ended.

    with Sandbox(limits) as sandbox:
        with sandbox.open(Load(cells=...)) as inside:
            inside.call(Call(target="softmax", args=(x,)))

One `Sandbox` keeps one zygote; `open` forks a child from it, or runs the cells anew in the child that has run them
before. Everything received is treated as hostile: it is capped, validated, and answered by a `StudentFailure` when it
is not what was asked for.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import msgspec

from autograder import launch
from autograder.cell import Cell
from autograder.cores import part, stay_together
from autograder.course import Limits
from autograder.errors import (
    GraderFault,
    RefusedToStart,
    StudentCrashed,
    StudentFailure,
    StudentMemory,
    StudentTimeout,
    WireError,
)
from autograder.failures import failure
from autograder.inside.scratch import empty, overflows
from autograder.inside.zygote import FAILED_TO_LOCK, FORK, PID, READY, REFUSED, WAIT, Settings
from autograder.launch import Zygote
from autograder.wire import (
    SUSPECT,
    Answer,
    Call,
    CellStarted,
    Channel,
    Load,
    Loaded,
    Message,
    Raised,
    Suspect,
    Value,
)

_START_SECONDS = 60.0
_GRACE_SECONDS = 0.5
"""By so much the questions of one check to the reference may extend its time, at most."""
_MIB = 1024 * 1024


class CellStopped(StudentFailure):
    """Running the cells of the notebook ended in one of them.

    Args:
        index: which cell it was
        cause: the failure that it caused
    """

    def __init__(self, index: int, cause: StudentFailure) -> None:
        super().__init__(str(cause))
        self.index, self.cause = index, cause
        self.verdict = cause.verdict


class Sandbox:
    """A zygote, and the children that it forks one at a time.

    Args:
        limits: for the children
        confined: whether to put the locks on; without them nothing is safe, and every record says so
        zygote: one that is there already; else one is started

    Raises:
        RefusedToStart: when a lock cannot be put on here; the text says which.
    """

    def __init__(self, limits: Limits, confined: bool = True, zygote: Zygote | None = None) -> None:
        self.limits, self.confined = limits, confined
        self._standing: Inside | None = None
        self._zygote = zygote or launch.start()
        self.scratch, self._control = self._zygote.scratch, self._zygote.control
        try:
            self._wait_for_it()
        except BaseException:
            self.close()
            raise

    def _wait_for_it(self) -> None:
        settings = Settings(
            memory_mib=self.limits.memory_mib,
            file_mib=self.limits.file_mib,
            reply_mib=self.limits.reply_mib,
            cpu_seconds=int(self.limits.load_seconds + self.limits.check_seconds) + 1,
            confined=self.confined,
        )
        self._control.settimeout(_START_SECONDS)
        try:
            self._control.sendall(msgspec.json.encode(settings) + b"\n")
            answer = self._control.recv(512)
        except OSError:
            answer = b""
        if answer[:1] == REFUSED:
            reason = answer[1:].decode(errors="replace")
            raise RefusedToStart(
                f"student code cannot be locked in on this machine: {reason}. `autograder doctor` says more;"
                " --allow-unconfined grades without the wall, and every result then says so"
            )
        if answer != READY:
            raise GraderFault("the process that runs student code did not start; try `autograder doctor`")

    @contextmanager
    def open(
        self, load: Load, reference: Callable[[Call], Message] | None = None, *, alone: bool = True
    ) -> Iterator[Inside]:
        """Run the notebook's cells in a locked process, and yield it for calls.

        Args:
            load: the cells, and what stands in
            reference: answers the stand-ins' questions
            alone: in a process of its own, killed at the end; else in the one that ran the same cells before, if it is
                still there and left nothing behind, and it is kept for the next time

        Raises:
            CellStopped: when a cell did not come to its end.
            GraderFault: when the process could not be started or locked in.
        """
        self._make_sure_of_room()
        if alone or self._standing is None or self._standing.cells != load.cells:
            self.dismiss()
            self._standing = Inside(self, load.cells)
            stay_together(self._standing.pid)
        try:
            self._standing.load(load, reference)
            yield self._standing
        finally:
            if alone or not self._standing.alive or any(self.scratch.iterdir()):
                self.dismiss()

    def dismiss(self) -> None:
        """Kill the process that is kept for the next time, if there is one, and remove what it has written."""
        if self._standing is not None:
            part()
            self._standing.kill()
            self._standing = None
            self._empty_scratch()

    def _make_sure_of_room(self) -> None:
        """See that student code can have the files that it may have: a full disk is not the student's fault."""
        disk = os.statvfs(self.scratch)
        room = disk.f_bavail * disk.f_frsize // _MIB
        if room < self.limits.scratch_mib:
            raise GraderFault(
                f"student code may write {self.limits.scratch_mib} MiB, and {self.scratch.parent} has room for {room}:"
                " make room there, or set TMPDIR to another folder"
            )
        if disk.f_files and disk.f_favail < self.limits.scratch_files:
            raise GraderFault(f"{self.scratch.parent} has no room for more files: remove some, or set TMPDIR")

    def scratch_overflows(self) -> bool:
        """Say whether student code has put more into its scratch folder than it may."""
        return overflows(self.scratch, self.limits.scratch_mib * _MIB, self.limits.scratch_files)

    def fork(self) -> tuple[Channel, int, int]:
        """Fork a child; returns its channel, its pid and a pidfd."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [FORK], [theirs.fileno()])
                data, fds, _, _ = socket.recv_fds(self._control, PID.size, 1)
            except OSError as error:
                raise GraderFault(f"the process that runs student code is gone: {error}") from None
        if len(data) != PID.size or len(fds) != 1:
            raise GraderFault("the process that runs student code is gone")
        return Channel(ours.detach(), self.limits.reply_mib), PID.unpack(data)[0], fds[0]

    def wait(self) -> int:
        """Wait for the child that was forked last; returns its status as `os.waitpid` does."""
        self._control.sendall(WAIT)
        data = self._control.recv(PID.size)
        if len(data) != PID.size:
            raise GraderFault("the process that runs student code is gone")
        return int(PID.unpack(data)[0])

    def _empty_scratch(self) -> None:
        try:
            empty(self.scratch)
        except OSError as error:
            raise GraderFault(f"the scratch folder of student code cannot be emptied: {error}") from None

    def close(self) -> None:
        """End the zygote, which ends its child and removes the scratch folder."""
        with contextlib.suppress(GraderFault, OSError):  # it may be gone already
            self.dismiss()
        self._zygote.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class Inside:
    """One child: a loaded notebook that answers calls, until it is killed.

    Args:
        sandbox: which forks it
        cells: of the notebook that it is for
    """

    def __init__(self, sandbox: Sandbox, cells: list[Cell]) -> None:
        self._sandbox, self.cells = sandbox, cells
        self.loads = 0
        self._reference: Callable[[Call], Message] | None = None
        self._channel, self.pid, self._pidfd = sandbox.fork()
        self._channel.meanwhile = self._look_at_scratch
        self.alive = True
        self._heard = False
        self._end: StudentFailure | None = None
        self._calls = 0
        self._suspect: Suspect | None = None
        self._status = 0
        self._limit_s = self._deadline = self._grace = 0.0

    def load(self, load: Load, reference: Callable[[Call], Message] | None = None) -> None:
        """Run the cells, for the first time or again; see Sandbox.open."""
        self._reference, running = reference, -1
        self.loads += 1
        self._allow(self._sandbox.limits.load_seconds)
        try:
            self._send(load)
            while not isinstance(message := self._receive(), Loaded):
                self._look_at_scratch()
                if not isinstance(message, CellStarted) or not running < message.index < len(load.cells):
                    raise WireError("expected the next cell to start")
                running = message.index
            self._look_at_scratch()
        except (WireError, StudentFailure) as error:
            raise CellStopped(running, error if isinstance(error, StudentFailure) else self._garbage(error)) from None
        errors = {i: self._same_everywhere(e) for i, e in message.errors.items() if 0 <= i < len(load.cells)}
        self.errors = {load.cells[i].name: error for i, error in errors.items()}
        self._allow(self._sandbox.limits.check_seconds)

    def _allow(self, seconds: float) -> None:
        self._limit_s, self._deadline, self._grace = seconds, time.monotonic() + seconds, _GRACE_SECONDS

    def call(self, call: Call) -> Any:
        """Make one call and return its value.

        Raises:
            StudentFailure: when there is none; the class says why.
        """
        if self._end is not None:
            raise self._end
        self._suspect = next((a for a in call.args if isinstance(a, Suspect)), None)
        try:
            message = self._exchange(msgspec.structs.replace(call, number=self._calls))
        except StudentFailure as error:
            self._end = error
            raise
        self._calls += 1
        if isinstance(message, Value):
            return message.value
        if isinstance(message, Raised):
            message = self._same_everywhere(message)
        raise failure(message, self.errors.get(str(call.target)))

    def _exchange(self, call: Call) -> Answer:
        """Send a call, answer what is asked meanwhile, and return the answer.

        Raises:
            StudentFailure: when there is none, and will be none to any other call.
        """
        try:
            self._send(call)
            while isinstance(message := self._receive(), Call):
                self._send(self._ask_reference(message))
            if not isinstance(message, Answer) or message.to != call.number:
                raise WireError("expected the answer to this call")
        except WireError as error:
            raise self._garbage(error) from None
        self._look_at_scratch()  # here too: what is too much must not depend on when one looked
        return message

    def _same_everywhere(self, raised: Raised) -> Raised:
        """Take the name of the scratch folder, which is another in each run, out of an exception's text."""
        scratch = str(self._sandbox.scratch)
        return msgspec.structs.replace(raised, message=raised.message.replace(scratch, "the scratch folder"))

    def _ask_reference(self, call: Call) -> Message:
        answers = self._suspect.answer if call.target == SUSPECT and self._suspect is not None else self._reference
        if answers is None:
            raise WireError("a question that nobody asked for")
        asked = time.monotonic()
        answer: Message = answers(call)
        # The student does not pay for our time; but whoever asks without end must not get time without end.
        granted = min(time.monotonic() - asked, self._grace)
        self._grace -= granted
        self._deadline += granted
        return answer

    def _send(self, message: Message) -> None:
        try:
            self._channel.send(message, self._deadline)
        except TimeoutError:
            raise self._too_late() from None
        except OSError:
            raise self._died() from None

    def _receive(self) -> Any:
        try:
            message = self._channel.receive(self._deadline)
        except TimeoutError:
            raise self._too_late() from None
        except (EOFError, OSError):
            raise self._died() from None
        except MemoryError:  # what is received is capped, so it is not the student's doing
            raise GraderFault("no memory is left to read an answer: grade with fewer workers") from None
        self._heard = True
        return message

    def _look_at_scratch(self) -> None:
        if self._sandbox.scratch_overflows():
            self.kill()
            limits = self._sandbox.limits
            raise StudentMemory(f"wrote more than {limits.scratch_mib} MiB, or more than {limits.scratch_files} files")

    def _too_late(self) -> StudentFailure:
        self.kill()
        return StudentTimeout(f"did not finish within {self._limit_s:g} s")

    def _garbage(self, error: WireError) -> StudentFailure:
        self.kill()
        return StudentCrashed(f"the process answered with something that is no answer ({error})")

    def _died(self) -> StudentFailure:
        status = self.kill()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                return StudentTimeout("used up its CPU time")
            name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
            return StudentCrashed(f"the process was ended by {name}")
        code = os.WEXITSTATUS(status)
        if code == FAILED_TO_LOCK and not self._heard:  # student code runs only after the first word
            raise GraderFault("the locks could not be put on the process that runs student code")
        return StudentCrashed(f"the process ended itself with exit code {code} instead of answering")

    def kill(self) -> int:
        """Kill the child if it is still there; returns how it ended."""
        if not self.alive:
            return self._status
        self.alive = False
        # A process that closed its channel may be about to end by itself; how it does is worth a moment.
        select.select([self._pidfd], [], [], 0.05 if _hung_up(self._channel.fd) else 0)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self._status = self._sandbox.wait()
        os.close(self._pidfd)
        os.close(self._channel.fd)
        return self._status


def _hung_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLHUP)
    return bool(poll.poll(0))
