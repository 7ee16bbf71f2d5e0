"""The locks, tried from within: every refused thing is really asked for, in Python and at the system call."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from autograder.cell import Cell
from autograder.course import Limits
from autograder.errors import GraderFault, StudentCrashed, StudentError, StudentMemory, StudentTimeout
from autograder.inside import landlock, scratch
from autograder.sandbox import Sandbox
from autograder.wire import Call, Load

seccomp = pytest.importorskip("pyseccomp")

COURSE = Path(__file__).parents[2]

SYSTEM_CALL = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
parent, HOME = os.getppid(), os.environ["HOME"].encode()

def f(number, arguments):
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in eval(f"[{arguments}]")]
    if libc.syscall(ctypes.c_long(number), *given) != -1:
        os._exit(0)  # it was allowed: end here, in both processes if there are two now
    return ctypes.get_errno()
"""

REFUSED_CALLS = [
    ("fork", ""),
    ("vfork", ""),
    ("clone", "17, 0, 0, 0, 0"),
    ("clone", "17 | 0x100, 0, 0, 0, 0"),
    ("clone", "17 | 0x10000000, 0, 0, 0, 0"),
    ("clone3", "buffer, 88"),
    ("execve", "b'/bin/true', None, None"),
    ("execveat", "-100, b'/bin/true', None, None, 0"),
    ("ptrace", "0, 0, 0, 0"),
    ("ptrace", "0x4206, parent, 0, 0"),
    ("process_vm_readv", "parent, buffer, 1, buffer, 1, 0"),
    ("kill", "parent, 0"),
    ("kill", "1, 0"),
    ("kill", "0, 0"),
    ("kill", "-1, 0"),
    ("tkill", "parent, 0"),
    ("tgkill", "parent, parent, 0"),
    ("rt_sigqueueinfo", "parent, 0, b'\\0' * 8 + b'\\xff' * 4 + b'\\0' * 116"),
    ("pidfd_open", "parent, 0"),
    ("pidfd_send_signal", "0, 0, None, 0"),
    ("setrlimit", "9, buffer"),
    ("prlimit64", "0, 9, buffer, None"),
    ("prlimit64", "parent, 9, buffer, None"),
    ("chmod", "HOME, 0o777"),
    ("fchmodat", "-100, HOME, 0o777"),
    ("chown", "HOME, 1, 1"),
    ("chroot", "HOME"),
    ("mount", "b'none', b'/no/such/folder', b'tmpfs', 0, None"),
    ("umount2", "b'/no/such/folder', 0"),
    ("unshare", "0x10000000"),
    ("setns", "0, 0"),
    ("io_uring_setup", "8, buffer"),
    ("socket", "2, 1, 0"),
    ("socket", "10, 2, 0"),
    ("socket", "1, 1, 0"),
    ("socket", "16, 3, 0"),
    ("socketpair", "1, 1, 0, buffer"),
    ("bpf", "0, buffer, 64"),
    ("userfaultfd", "0"),
    ("perf_event_open", "buffer, 0, -1, -1, 0"),
    ("add_key", "b'user', b'a', b'b', 1, -2"),
    ("shmget", "0, 4096, 0o1600"),
    ("msgget", "0, 0o1600"),
    ("mq_open", "b'a', 0o102, 0o600, None"),
    ("seccomp", "0, 0, None"),
    ("prctl", "4, 1, 0, 0, 0"),
    ("prctl", "1, 0, 0, 0, 0"),
    ("ioctl", "0, 0x5412, buffer"),
    ("symlink", "b'/etc', b'etc'"),
    ("link", "b'/etc/passwd', b'passwd'"),
    ("mknodat", "-100, b'pipe', 0o010600, 0"),
    ("open_by_handle_at", "-100, buffer, 0"),
    ("sched_setaffinity", "0, 8, buffer"),
    ("setpriority", "0, 0, 19"),
    ("setsid", ""),
    ("timer_create", "0, None, buffer"),
    ("openat", "-100, b'/etc/passwd', 0"),
    ("openat", "-100, b'/', 0"),
    ("openat", "-100, b'/proc/self', 0"),
    ("openat", "-100, b'/proc/self/mem', 2"),
    ("openat", "-100, b'/proc/%d/environ' % parent, 0"),
    ("openat", "-100, b'/tmp/left-behind', 0o101, 0o600"),
    ("readlinkat", "-100, b'/proc/%d/cwd' % parent, buffer, 4096"),
    ("mkdirat", "-100, b'/tmp/left-behind', 0o700"),
    ("openat", "-100, b'/etc/hostname', 1"),
    ("rmdir", "HOME"),
]

REFUSED_IN_PYTHON = {
    "the list of users": "open('/etc/passwd')",
    "the hidden checks": f"open({str(COURSE / 'assignments/01_attention/test_hidden.py')!r})",
    "the solutions": f"open({str(COURSE / 'solutions/attention.py')!r})",
    "the course's folder": f"os.listdir({str(COURSE)!r})",
    "the root folder": "os.listdir('/')",
    "the folder of all scratch folders": "os.listdir('/tmp')",
    "its own entry in /proc": "os.listdir('/proc/self')",
    "its own environment": "open('/proc/self/environ')",
    "the parent's command line": "open(f'/proc/{os.getppid()}/cmdline')",
    "the parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb')",
    "the parent's open files": "os.listdir(f'/proc/{os.getppid()}/fd')",
    "a device": "open('/dev/kmsg', 'rb')",
    "shared memory": "open('/dev/shm/left-behind', 'w')",
    "a file in /tmp": "open('/tmp/left-behind', 'w')",
    "a file beside the scratch folder": "open(os.environ['HOME'] + '-left-behind', 'w')",
    "a file in a package": "open(torch.__file__, 'a')",
    "the scratch folder's name": "os.rename(os.environ['HOME'], os.environ['HOME'] + '-left-behind')",
    "the Internet": "socket.create_connection(('127.0.0.1', 9), 1)",
    "a local socket": "socket.socket(socket.AF_UNIX)",
    "a fork": "os.fork()",
    "a program": "subprocess.run(['/bin/true'])",
    "a spawned program": "os.posix_spawn('/bin/true', ['true'], {})",
    "a process of multiprocessing": "multiprocessing.get_context('fork').Process(target=print).start()",
    "a signal to the parent": "os.kill(os.getppid(), 0)",
    "a signal to everybody in the group": "os.killpg(0, 0)",
    "other rights": "os.chmod('.', 0o777)",
}

IMPORTS = "import multiprocessing, os, resource, socket, subprocess, torch\n"


@pytest.mark.parametrize(("name", "arguments"), REFUSED_CALLS, ids=[f"{n}({a})" for n, a in REFUSED_CALLS])
def test_a_system_call_is_refused(ask: Any, name: str, arguments: str) -> None:
    number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
    if number < 0:
        pytest.skip(f"this architecture has no {name}")
    answer = ask(SYSTEM_CALL, number, arguments)
    assert errno.errorcode[answer] in (["ENOSYS"] if name == "clone3" else ["EPERM", "EACCES"])


@pytest.mark.parametrize("expression", REFUSED_IN_PYTHON.values(), ids=REFUSED_IN_PYTHON)
def test_in_python_too_it_is_refused(ask: Any, expression: str) -> None:
    with pytest.raises(StudentError) as caught:
        ask(f"{IMPORTS}def f(): {expression}")
    assert caught.value.kind == "PermissionError"
    assert not list(Path("/tmp").glob("*left-behind"))


@pytest.mark.parametrize(
    "expression", ["open('/etc/passwd')", "socket.socket()", "os.fork()", "os.kill(os.getppid(), 0)"]
)
@pytest.mark.parametrize("depth", [1, 2], ids=["a thread", "a thread of a thread"])
def test_threads_inherit_the_locks(ask: Any, expression: str, depth: int) -> None:
    source = f"""
        import os, socket, threading
        def f(depth, found=None):
            found = [] if found is None else found
            def work():
                if depth > 1: return f(depth - 1, found)
                try: {expression}
                except PermissionError: found.append("refused")
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return found
    """
    assert ask(source, depth) == ["refused"]


def test_a_limit_cannot_be_raised(ask: Any) -> None:
    with pytest.raises(StudentError, match="ValueError: not allowed to raise maximum limit"):
        ask(f"{IMPORTS}def f(): resource.setrlimit(resource.RLIMIT_AS, (-1, -1))")


def test_it_is_the_locks_that_refuse() -> None:
    source = """
import os, socket
def f(): return len(open('/etc/passwd').read()), len(os.listdir('/')), socket.socket().fileno()
"""
    with Sandbox(Limits(), confined=False) as unlocked, unlocked.open(Load(cells=[Cell("f", source)])) as inside:
        assert all(number > 0 for number in inside.call(Call(target="f")))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has other sets of system calls")
@pytest.mark.parametrize(
    "way",
    [
        "ctypes.CDLL(None).syscall(0x40000000 + 41, 2, 1, 0)",
        "machine_code('b814000000cd80c3')",  # mov eax, 20; int 0x80; ret
    ],
    ids=["x32", "i386"],
)
def test_another_set_of_system_calls_is_no_way_around(ask: Any, way: str) -> None:
    source = f"""
        import ctypes, mmap

        def machine_code(text):
            memory = mmap.mmap(-1, 4096, prot=7)
            memory.write(bytes.fromhex(text))
            return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()

        def f(): return {way}
    """
    try:
        answer = ask(source)
    except StudentCrashed as ended:
        answer = str(ended)
    assert answer in (-1, "the process was ended by SIGSYS", "the process was ended by SIGSEGV")


def test_a_signal_cannot_take_the_way_of_a_file_that_becomes_ready(ask: Any) -> None:
    source = """
        import fcntl, os, signal, time

        def f():
            reading, writing = os.pipe()
            fcntl.fcntl(reading, fcntl.F_SETOWN, os.getppid())
            fcntl.fcntl(reading, 10, signal.SIGKILL)  # F_SETSIG
            fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
            os.write(writing, b"now")
            time.sleep(0.1)
            return "done"
    """
    with contextlib.suppress(StudentError):  # refused at once, or done in vain
        assert ask(source) == "done"
    assert ask("def f(): return 'the parent lives'") == "the parent lives"


@pytest.mark.skipif(landlock.abi() >= 6, reason="here Landlock keeps signals in")
def test_a_file_cannot_be_told_to_send_signals_where_nothing_else_keeps_them_in(ask: Any) -> None:
    with pytest.raises(StudentError, match="PermissionError"):
        ask("import fcntl, os\ndef f(): fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())")


# ---- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    ["torch.empty(10**11)", "bytearray(2**30)", "np.ones(2**28)", "[0] * 2**28", "torch.ones(1).expand(2**29).clone()"],
)
def test_memory_beyond_the_limit_is_not_to_be_had(ask: Any, expression: str) -> None:
    with pytest.raises(StudentMemory):
        ask(f"import numpy as np, torch\ndef f(): return {expression}")


def test_memory_that_grows_bit_by_bit_is_stopped_at_the_limit(ask: Any) -> None:
    with pytest.raises(StudentMemory):
        ask("import torch\ndef f():\n    kept = []\n    while True: kept.append(torch.empty(2**24))")


def test_files_in_memory_are_no_way_around_the_limit(ask: Any) -> None:
    with pytest.raises(StudentError):
        ask("import os\ndef f(): return [os.memfd_create('a') for _ in range(200)]")


def test_a_file_beyond_the_limit_cannot_be_written(ask: Any) -> None:
    with pytest.raises(StudentError, match="File too large"):
        ask("def f():\n    with open('a', 'wb') as file: file.write(bytes(3 * 2**20))")


def test_only_so_many_files_can_be_open(ask: Any) -> None:
    with pytest.raises(StudentError, match="Too many open files"):
        ask("import os\ndef f():\n    while True: os.dup(0)")


# ---- what must go on working --------------------------------------------------------------------------------------

ALLOWED = {
    "threads": """
        import threading
        def f(x):
            found = []
            threads = [threading.Thread(target=found.append, args=(i,)) for i in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            return sorted(found) == [0, 1, 2, 3]
    """,
    "autograd": """
        import torch
        def f(x):
            x.requires_grad_()
            (x ** 2).sum().backward()
            return torch.equal(x.grad, 2 * x.detach())
    """,
    "training": """
        import torch
        def f(x):
            layer = torch.nn.Linear(3, 1)
            before = layer(x).square().sum()
            before.backward()
            with torch.no_grad():
                for weight in layer.parameters(): weight -= 0.01 * weight.grad
            return bool(layer(x).square().sum() < before)
    """,
    "saving": """
        import os, torch
        def f(x):
            os.makedirs("a/b")
            torch.save({"x": x}, "a/b/x.pt")
            return torch.equal(torch.load("a/b/x.pt")["x"], x)
    """,
    "a figure": """
        import os, matplotlib.pyplot as plt
        def f(x):
            figure, axes = plt.subplots()
            axes.imshow(x[None])
            axes.set_title("title")
            figure.savefig("a.png")
            return os.path.getsize("a.png") > 0
    """,
    "the standard library": """
        import os
        def f(x):
            import wave, zipfile
            return "def" in open(os.__file__).read()
    """,
    "what is random": """
        import os, random, secrets
        def f(x): return len(os.urandom(4)) == 4 and secrets.randbelow(2) < 2 and random.random() < 1
    """,
    "a temporary file": """
        import os, tempfile
        def f(x):
            with tempfile.NamedTemporaryFile() as file: return file.name.startswith(os.environ["HOME"])
    """,
    "a signal to itself": """
        import os, signal
        def f(x):
            found = []
            signal.signal(signal.SIGUSR1, lambda *_: found.append(1))
            os.kill(os.getpid(), signal.SIGUSR1)
            return found == [1]
    """,
}


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_ordinary_work_is_allowed(ask: Any, source: str) -> None:
    assert ask(source, torch.ones(3)) is True


# ---- what is there to see, and what remains -----------------------------------------------------------------------


def test_the_environment_tells_nothing(monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    environment = ask("import os\ndef f(): return dict(os.environ)")
    assert {"PATH", "HOME"} <= set(environment)
    assert not [name for name in environment if "SALT" in name or "TOKEN" in name or name.startswith("PYTEST")]
    assert not any(str(COURSE) in value for value in environment.values())


def test_the_parts_of_the_kit_that_know_answers_are_not_there(ask: Any) -> None:
    loaded = ask("""
        import sys
        def f():
            # A module that was made up, with nothing in it, has no file.
            files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
            return [name for name, file in files.items() if name.startswith("autograder.") and file]
    """)
    assert "autograder.wire" in loaded
    known = {"autograder.wire", "autograder.tensors", "autograder.errors", "autograder.cell"}
    assert {name for name in loaded if not name.startswith("autograder.inside")} <= known


def test_no_file_is_open_but_the_channel_and_the_null_device(ask: Any) -> None:
    source = """
        import os, stat
        def f():
            found = []
            for fd in range(256):
                try: status = os.fstat(fd)
                except OSError: continue
                null = status.st_rdev == os.stat("/dev/null").st_rdev
                found.append("null" if null else stat.filemode(status.st_mode)[0])
            return found
    """
    found = ask(source)
    assert found.count("s") == 1
    assert set(found) == {"s", "null"}


def test_files_of_one_child_are_gone_for_the_next(ask: Any) -> None:
    source = """
        import os
        def f():
            os.makedirs("a/b")
            for name in ("a/b/c", ".hidden", "x\\udcff"): open(name, "w").close()
            return len(os.listdir("."))
    """
    assert ask(source) == 3
    assert ask("import os\ndef f(): return os.listdir('.')") == []


@pytest.fixture
def tidy(sandbox: Sandbox) -> Iterator[None]:
    """Empty the scratch folder afterwards, whatever happened, for the tests that share the sandbox."""
    yield
    subprocess.run(["find", sandbox.scratch, "-mindepth", "1", "-delete"], check=True)


CROWDED = {
    "many folders": "for i in range(800): os.mkdir(f'{i:0200}')",
    "folders nested deep": "for _ in range(800):\n        os.mkdir('d')\n        os.chdir('d')",
    "names that look like options": "for name in ('-rf', '--', '-', '*', ' ', '\\n'): open(name, 'w').close()",
    "a folder without rights": "os.mkdir('a', 0)",
}
TOO_CROWDED = {
    "too many files": "for i in range(1100): open(str(i), 'w').close()",
    "too many folders": "for i in range(1100): os.mkdir(str(i))",
    "folders nested too deep": "for _ in range(1100):\n        os.mkdir('d')\n        os.chdir('d')",
    "folders whose names are too long together": "for _ in range(20): os.mkdir('d' * 250), os.chdir('d' * 250)",
    "too much in files": "for i in range(40): open(str(i), 'wb').write(bytes(2 * 2**20))",
    "too much in files that are still open": (
        "kept = [open(f'{i}', 'wb') for i in range(40)]\n"
        "    for file in kept: file.write(bytes(2 * 2**20)); file.flush()\n"
        "    time.sleep(0.3)"
    ),
}


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("body", CROWDED.values(), ids=CROWDED)
def test_whatever_fills_the_scratch_folder_is_gone_for_the_next(ask: Any, body: str) -> None:
    try:
        ask(f"import os\ndef f():\n    {body}")
    except (GraderFault, RecursionError) as error:
        pytest.fail(f"the folder cannot be emptied, and somebody pays for it: {str(error)[:200]}", pytrace=False)
    assert ask("import os\ndef f(): return len(os.listdir('.'))") == 0


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("body", TOO_CROWDED.values(), ids=TOO_CROWDED)
def test_too_much_in_the_scratch_folder_ends_the_call_and_is_gone_for_the_next(ask: Any, body: str) -> None:
    with pytest.raises(StudentMemory, match=r"more than 64 MiB, or more than 1000 files"):
        ask(f"import os, time\ndef f():\n    {body}")
    assert ask("import os\ndef f(): return len(os.listdir('.'))") == 0


def test_too_much_is_stopped_while_it_is_written_and_not_only_afterwards(ask: Any) -> None:
    with pytest.raises(StudentMemory):  # and no timeout, which comes after it
        ask("import os\ndef f():\n    while True: os.mkdir(os.urandom(8).hex())")


def test_a_file_that_is_gone_from_its_folder_takes_room_as_long_as_few_can_be_open(ask: Any) -> None:
    """It cannot be counted; but what all open files can hold together is bounded."""
    source = """
        import os
        def f():
            files = []
            try:
                while True:
                    files.append(open("a", "wb"))
                    os.unlink("a")
            except OSError:
                return len(files)
    """
    assert ask(source) < 64


def test_a_full_disk_is_not_the_students_fault(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "limits", msgspec.structs.replace(sandbox.limits, scratch_mib=2**40))
    with pytest.raises(GraderFault, match="make room there"), sandbox.open(Load(cells=[])):
        pass


@pytest.mark.usefixtures("tidy")
def test_files_however_many_can_be_removed(sandbox: Sandbox) -> None:
    for i in range(10_000):
        (sandbox.scratch / f"{i:0240}").touch()
    scratch.empty(sandbox.scratch)
    assert list(sandbox.scratch.iterdir()) == []


def test_no_process_remains(sandbox: Sandbox) -> None:
    start = "threading.Thread(target=time.sleep, args=(99,)).start()"
    source = f"import threading, time\ndef f():\n    for _ in range(4): {start}"
    with sandbox.open(Load(cells=[Cell("f", source)])) as inside:
        inside.call(Call(target="f"))
        assert Path(f"/proc/{inside.pid}").exists()
    assert not Path(f"/proc/{inside.pid}").exists()


def test_a_bomb_of_threads_does_not_reach_the_next_child(ask: Any) -> None:
    source = """
        import threading, time
        threading.stack_size(2**15)
        def f():
            while True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
    """
    with pytest.raises((StudentError, StudentTimeout)):
        ask(source)
    assert ask("def f(): return 1") == 1


def test_closing_ends_everything_even_in_the_middle_of_a_call() -> None:
    sandbox = Sandbox(Limits(check_seconds=5.0))
    scratch, zygote = sandbox.scratch, sandbox._zygote.process
    channel, _, pidfd = sandbox.fork()
    channel.send(Load(cells=[Cell("f", "open('a', 'w').close()\nwhile True: pass")]))
    channel.receive()
    try:
        sandbox.close()
        assert zygote.poll() is not None
        assert not scratch.exists()
        ended, _, _ = select.select([pidfd], [], [], 1.0)
        assert ended, "the child outlives the process that forked it"
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)
        os.close(channel.fd)
