"""Landlock: from here on this process may read what is listed, write to one folder, and touch nothing else on disk.

Three system calls through ctypes, since no well-kept package wraps them. Source: the kernel's
Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_READ = _READ_FILE | _READ_DIR
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
# How many of the file system rights (bits 0, 1, ...) each version of the interface knows.
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_MAKE_DEVICES_AND_SOCKETS = (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11)  # char, socket, fifo, block

_libc = ctypes.CDLL(None, use_errno=True)


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def abi() -> int:
    """Return the version of Landlock that this kernel offers, 0 when it offers none."""
    version = int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))
    return max(version, 0)


def make_ruleset(readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Return the file descriptor of a rule set that allows reading `readable` and reading and writing `writable`.

    Raises:
        OSError: when the kernel has no Landlock or refuses a rule.
    """
    version = abi()
    if not version:
        raise OSError("this kernel has no Landlock")
    handled = (1 << _FS_RIGHTS.get(version, 16)) - 1
    attr = _RulesetAttr(handled, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(attr), size, 0))
    everything = handled & ~_EXECUTE & ~_MAKE_DEVICES_AND_SOCKETS
    for paths, rights in ((readable, _READ), (writable, everything)):
        for path in paths:
            if path.exists():
                _allow(ruleset, path, rights & handled)
    return ruleset


def _allow(ruleset: int, path: Path, rights: int) -> None:
    if not path.is_dir():
        rights &= _FILE_ONLY
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneathAttr(rights, fd)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(fd)


def restrict_self(ruleset: int) -> None:
    """Put the rule set on this process, for good. Needs no_new_privs."""
    _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return int(result)
