"""All locks of the sandbox: prepared once before forking, put on in the child before any student code runs.

capabilities    dropped: root inside is nobody
no_new_privs    no program gives them back
Landlock        interpreter and packages readable, one scratch folder writable, nothing else
seccomp         an allow-list of system calls
limits          memory, CPU seconds, size and number of files, no core dump
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
from pathlib import Path

from autograder.inside import landlock, seccomp

_PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE, _PR_SET_PDEATHSIG = 38, 4, 1
_CAPABILITY_VERSION_3 = 0x20080522
_MIB = 1024 * 1024
_libc = ctypes.CDLL(None, use_errno=True)


class Locks:
    """The locks, ready to be put on.

    Args:
        scratch: the one folder that stays writable
        limits: resource limits, from `limits`

    Raises:
        OSError: when the machine does not offer one of them; the text says which.
    """

    def __init__(self, scratch: Path, limits: dict[int, int]) -> None:
        self._limits = limits
        self._ruleset = landlock.make_ruleset(readable_paths(), [scratch, Path(os.devnull)])
        self._filter = seccomp.compile_filter()

    def put_on(self) -> None:
        """Lock this process, for good. Raises OSError when a lock does not hold."""
        set_limits(self._limits)
        _drop_capabilities()
        _prctl(_PR_SET_NO_NEW_PRIVS, 1, "no_new_privs")
        landlock.restrict_self(self._ruleset)
        os.close(self._ruleset)
        seccomp.put_on(self._filter)


def readable_paths() -> list[Path]:
    """Return what the interpreter and its packages need to read, and nothing of the course."""
    paths = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {
        Path(sys.base_prefix) / "lib",
        Path("/usr/lib"),
        Path("/lib"),
        Path("/lib64"),
        Path("/usr/share/zoneinfo"),
    }
    paths |= {Path("/etc/ld.so.cache"), Path("/etc/localtime"), Path("/dev/urandom")}
    return sorted(paths)


def limits(memory_mib: int, file_mib: int, cpu_seconds: int) -> dict[int, int]:
    """Return the resource limits of a child; memory counts on top of what this process has mapped now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return {
        resource.RLIMIT_AS: pages * resource.getpagesize() + memory_mib * _MIB,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_mib * _MIB,
        resource.RLIMIT_NOFILE: 64,  # times the size of a file: what can be written and unlinked at once
        resource.RLIMIT_CORE: 0,
    }


def set_limits(values: dict[int, int]) -> None:
    """Set resource limits of this process, soft and hard; one that is lower already stays.

    Raises:
        OSError: when one cannot be set.
    """
    for which, value in values.items():
        hard = resource.getrlimit(which)[1]
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (lowest, lowest))
        except (OSError, ValueError) as error:
            raise OSError(f"resource limits: {error}") from None


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the one that forked it is gone, whatever ended that one.

    Args:
        parent: its pid; when it is gone already, this process ends at once
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, "parent death signal")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _drop_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capabilities cannot be dropped")
    _prctl(_PR_SET_DUMPABLE, 0, "dumpable")


def _prctl(option: int, value: int, what: str) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
