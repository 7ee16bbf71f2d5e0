"""Seccomp: an allow-list of system calls, compiled once before forking and put on in each child.

What torch, NumPy, matplotlib and the interpreter need is allowed. There are no sockets, no exec, no new processes (only
threads), no ptrace, no signals to anybody else, no change of limits, owners or modes. A call that is not allowed fails
with EPERM instead of killing, so that student code gets an exception and the student a message.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import tempfile

_NAMES = """
access alarm arch_prctl brk chdir clock_getres clock_gettime clock_nanosleep close close_range copy_file_range dup
dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group faccessat faccessat2 fadvise64
fallocate fchdir fdatasync flock fstat fstatfs fsync ftruncate futex get_robust_list getcwd getcpu getdents64
getegid geteuid getgid getgroups getitimer getpgrp getpid getppid getpriority getrandom getrlimit getrusage getsid
gettid gettimeofday getuid getresuid getresgid lseek lstat madvise membarrier mincore mkdir mkdirat
mmap mprotect mremap msync munmap nanosleep newfstatat open openat pause pipe pipe2 poll ppoll pread64 preadv
pselect6 pwrite64 pwritev read readahead readlink readlinkat readv rename renameat renameat2 restart_syscall rmdir
rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_get_priority_max
sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler sched_yield select sendfile
set_robust_list set_tid_address setitimer sigaltstack stat statfs statx sysinfo time times truncate umask uname
unlink unlinkat wait4 waitid write writev
"""
_ALLOWED = _NAMES.split()

_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag
_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA = 15, 16, 0x53564D41
_TTY_QUESTIONS = (0x5401, 0x5413, 0x5421, 0x5450, 0x5451, 0x541B)  # TCGETS, TIOCGWINSZ, FIONBIO, FIO(N)CLEX, FIONREAD
# Descriptors, flags, locks, pipe sizes, seals; not F_SETOWN and F_SETSIG, by which the kernel sends signals for others.
_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032, 1033, 1034)
_PID_PLACEHOLDER = 0x5EC0_4D1D

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def compile_filter() -> bytes:
    """Return the filter as BPF code, with a placeholder where the pid of the child will stand.

    Raises:
        OSError: when libseccomp is missing or refuses a rule.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise OSError(f"libseccomp cannot be loaded: {error}") from None

    program = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        # A name that this architecture does not have is not needed there either.
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:
            program.add_rule(seccomp.ALLOW, name)
    threads_only = seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD | _CLONE_NAMESPACES, _CLONE_THREAD)
    program.add_rule(seccomp.ALLOW, "clone", threads_only)
    # The C library falls back from clone3, whose flags a filter cannot read, to clone when it seems not to exist.
    program.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        program.add_rule(seccomp.ALLOW, name, seccomp.Arg(0, seccomp.EQ, _PID_PLACEHOLDER))
    for option in (_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA):
        program.add_rule(seccomp.ALLOW, "prctl", seccomp.Arg(0, seccomp.EQ, option))
    for command in _FCNTL_COMMANDS:
        program.add_rule(seccomp.ALLOW, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for request in _TTY_QUESTIONS:
        program.add_rule(seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.EQ, request))
    # Limits may be read (the third argument, the new ones, is null) but not raised, which root could do.
    program.add_rule(seccomp.ALLOW, "prlimit64", seccomp.Arg(2, seccomp.EQ, 0))
    with tempfile.TemporaryFile() as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()


def put_on(code: bytes) -> None:
    """Put the compiled filter on this process, for good; threads and their threads inherit it.

    Raises:
        OSError: when the kernel refuses it.
    """
    code = code.replace(struct.pack("=I", _PID_PLACEHOLDER), struct.pack("=I", os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
