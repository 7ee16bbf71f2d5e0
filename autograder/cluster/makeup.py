"""What the bytes of a record depend on besides the notebook, part by part: no worker may have anything else.

The fingerprint of a record says only whether all of it is the same. Here the parts have names, so that a worker that
is set up in another way can say what it has and what it should have.
"""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import msgspec

from autograder import __version__
from autograder.course import SALT_VARIABLE, Assignment, Course
from autograder.fingerprint import base_of, files_of


class Makeup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything besides the notebook that grading depends on."""

    versions: dict[str, str]
    """Of what is installed, by name."""
    digests: dict[str, str]
    """Of what is secret or long, by what people call it; a file is called by its path in the course."""
    base: str
    """What the fingerprint of each record rests on."""


def makeup_of(course: Course, assignment: Assignment, confined: bool) -> Makeup:
    """Return what grading an assignment depends on here.

    Args:
        course: with its root, limits and salt
        assignment: the one to grade
        confined: whether student code is locked in

    Raises:
        UsageError: when a file of the course cannot be read.
    """
    base = base_of(course, assignment, confined)  # reads all files, and says which cannot be read
    notebook = course.notebook(assignment)
    digests = {
        f"salt ({SALT_VARIABLE})": _digest(course.salt.encode()),
        "assignments/course.toml (limits or points)": _digest(
            repr((course.limits, [exercise.points for exercise in assignment.exercises])).encode()
        ),
        f"release/{assignment.id}/{assignment.id}.ipynb": _digest(notebook),
    }
    for path in files_of(assignment):
        digests[path.relative_to(course.root).as_posix()] = _digest(path.read_bytes())
    versions = {
        "autograder": __version__,
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy")},
    }
    return Makeup(versions=versions, digests=digests, base=base)


def differences(wanted: Makeup, found: Makeup) -> list[str]:
    """Say what is found besides what is wanted, such as "another salt"; empty when all is the same."""
    said = [
        f"{name} {found.versions.get(name, 'missing')} instead of {value}"
        for name, value in wanted.versions.items()
        if found.versions.get(name) != value
    ]
    names = dict.fromkeys([*wanted.digests, *found.digests])
    said += [_other(name, wanted, found) for name in names if wanted.digests.get(name) != found.digests.get(name)]
    if not said and wanted.base != found.base:
        said.append("other files of the kit itself")
    return said


def _other(name: str, wanted: Makeup, found: Makeup) -> str:
    if name not in found.digests:
        return f"no {name}"
    return f"another {name}" if name in wanted.digests else f"a {name} too many"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
