"""Says what this machine offers: the locks, the versions, the kernel, the disk."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from autograder.course import Limits, find_root, read_course
from autograder.errors import AutograderError, UsageError

_PACKAGES = ("autograder", "torch", "nbgrader", "jupyterlab", "pytest", "safetensors", "msgspec", "pyseccomp")
_MIB = 1024 * 1024
_LITTLE_DISK_MIB = 500
_PEEK = """\
import os

def peek():
    try:
        return os.listdir("/")
    except PermissionError:
        return "refused"
"""


class Symptom(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    found: str
    fine: bool
    do: str = ""
    """What to do when it is not fine."""


def examine(folder: Path) -> list[Symptom]:
    """Look at everything that grading needs, as seen from `folder`."""
    return [
        Symptom("Python", platform.python_version(), sys.version_info >= (3, 11), "Install Python 3.11 or newer."),
        *(_package(name) for name in _PACKAGES),
        *_locks(),
        _alembic(),
        _kernel(),
        _disk(folder),
        *_course(folder),
    ]


def _package(name: str) -> Symptom:
    try:
        return Symptom(name, version(name), True)
    except PackageNotFoundError:
        return Symptom(name, "not installed", False, "Run `make demo` or install the packages of requirements.txt.")


def _locks() -> list[Symptom]:
    if sys.platform != "linux":
        text = "grade on Linux (a container or a virtual machine will do), or with --allow-unconfined code you trust"
        return [Symptom("locks", f"none on {sys.platform}", False, text)]
    from autograder.inside import landlock

    abi = landlock.abi()
    found = [Symptom("Landlock", f"version {abi}" if abi else "missing", bool(abi), "Needs Linux 5.13 or newer.")]
    try:
        from autograder.inside.seccomp import compile_filter

        found.append(Symptom("seccomp", f"filter of {len(compile_filter()) // 8} instructions", True))
    except OSError as error:
        found.append(Symptom("seccomp", str(error), False, "Install libseccomp (Debian: libseccomp2)."))
    return [*found, _all_locks_together()]


def _all_locks_together() -> Symptom:
    """Really lock a process in, call into it, and see that it cannot read what it must not."""
    from autograder.cell import Cell
    from autograder.sandbox import Sandbox
    from autograder.wire import Call, Load

    try:
        with Sandbox(Limits()) as sandbox, sandbox.open(Load(cells=[Cell("peek", _PEEK)])) as inside:
            answer = inside.call(Call(target="peek"))
    except AutograderError as error:
        return Symptom("sandbox", str(error), False, "Grading refuses to start here without --allow-unconfined.")
    return Symptom("sandbox", "student code is locked in", answer == "refused", "The locks do not hold: report this.")


def _alembic() -> Symptom:
    found = shutil.which("alembic") or shutil.which("alembic", path=str(Path(sys.executable).parent))
    return Symptom("alembic", "found" if found else "missing", bool(found), "nbgrader calls it: reinstall nbgrader.")


def _kernel() -> Symptom:
    from jupyter_client.kernelspec import KernelSpecManager

    names = sorted(KernelSpecManager().find_kernel_specs())
    return Symptom("kernel python3", ", ".join(names) or "none", "python3" in names, "Run `pip install ipykernel`.")


def _disk(folder: Path) -> Symptom:
    free = shutil.disk_usage(folder).free // _MIB
    return Symptom("disk", f"{free} MiB free", free > _LITTLE_DISK_MIB, "Make room: records and feedback need it.")


def _course(folder: Path) -> list[Symptom]:
    try:
        course = read_course(find_root(folder))
    except UsageError as error:
        return [Symptom("course", str(error), True)]
    names = ", ".join(a.id for a in course.assignments)
    salt = "public, from course.toml" if course.salt_is_public else "your own"
    # Not a fault: a course that is only tried out needs no secret.
    return [Symptom("course", f"{course.title}: {names}", True), Symptom("salt", salt, True)]
