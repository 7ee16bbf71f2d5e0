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
import sys
import sysconfig
from pathlib import Path

from autograder.inside import landlock, seccomp

_PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 38, 4
_CAPABILITY_VERSION_3 = 0x20080522
_MIB = 1024 * 1024
_libc = ctypes.CDLL(None, use_errno=True)


class Locks:
    """The locks, ready to be put on.

    Args:
        scratch: the one folder that stays writable
        memory_mib: what may be allocated on top of what the process has now
        file_mib: largest file that may be written
        cpu_seconds: CPU time after which the kernel kills

    Raises:
        OSError: when the machine does not offer one of them; the text says which.
    """

    def __init__(self, scratch: Path, memory_mib: int, file_mib: int, cpu_seconds: int) -> None:
        self._memory_mib, self._file_mib, self._cpu_seconds = memory_mib, file_mib, cpu_seconds
        self._ruleset = landlock.make_ruleset(readable_paths(), [scratch, Path(os.devnull)])
        self._filter = seccomp.compile_filter()

    def put_on(self) -> None:
        """Lock this process, for good. Raises OSError when a lock does not hold."""
        set_limits(self._memory_mib, self._file_mib, self._cpu_seconds)
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


def set_limits(memory_mib: int, file_mib: int, cpu_seconds: int) -> None:
    """Set the resource limits of this process; memory counts on top of what is mapped now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limits = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + memory_mib * _MIB,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_mib * _MIB,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in limits.items():
        resource.setrlimit(which, (value, value))


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
