"""Keeps two processes that take turns on one core: waking a process on another core takes longer than most calls.

Grading is such a pair: the check outside and the student's code inside, of which one always waits for the other. They
stay where the first one happens to be, for one student at a time, so that the kernel can move the next pair elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

_libc = ctypes.CDLL(None)
_everywhere = os.sched_getaffinity(0)


def stay_together(pid: int) -> None:
    """Keep this thread on the core where it is now, and another process there as well; if it can be had."""
    with contextlib.suppress(OSError):
        here = {_libc.sched_getcpu()}
        os.sched_setaffinity(0, here)
        os.sched_setaffinity(pid, here)


def part() -> None:
    """Let this thread run on any core again."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, _everywhere)
