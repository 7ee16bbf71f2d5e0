"""What has arrived in the gradebook, so that a class in which nothing changed costs nothing.

A note beside the gradebook, `.gradebook.ASSIGNMENT.json`, says for each student what was put there, from what, and how
the files then were. It is believed only where everything is as it says: the settings, the kit, the gradebook, the
submission, the record, the copies and the pages. Anything else, or no note at all, means that the work is done.

Importing this imports nothing of nbgrader, which takes seconds.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

import msgspec

from autograder.errors import UsageError
from autograder.host.settings import CONFIG, read_config
from autograder.records import Record, encode, write_atomically

_SCHEMA = 1
_HEADER = 100
"""Bytes at the beginning of an SQLite file; among them a number that grows with each change."""
_MOVED = {"source_directory", "release_directory", "directory_structure"}
"""Settings with which source and release lie elsewhere."""
_KIT = Path(__file__).parent.parent

Stamp = tuple[str, int, int, int] | None
"""Name, inode, size and time of the last change in nanoseconds; None for what is not there."""


class Entry(msgspec.Struct, frozen=True):
    """What arrived for one student."""

    given: str
    """Hash of what it was made from: the record, and the files that were handed in."""
    rows: str
    """Hash of what the gradebook then held."""
    folders: list[str]
    """The copy's and the page's."""
    files: list[list[Stamp]]
    """How these folders were then."""


class Note(msgspec.Struct, frozen=True):
    """What arrived of one assignment."""

    schema: int
    base: str
    """Hash of all that is the same for a class."""
    gradebook: str
    """The file of the gradebook; empty when it is on a server, whose state cannot be told from outside."""
    stamp: str
    """Its state after the last mark was written; empty when that is not known."""
    students: dict[str, Entry]

    def holds(self, records: Iterable[Record], submitted: Path) -> bool:
        """Say whether exactly these records have arrived, and what was made from them is still there."""
        return all(self.holds_one(record, submitted) for record in records)

    def holds_one(self, record: Record, submitted: Path) -> bool:
        """Say whether this record has arrived; whether the gradebook still holds it is for others to say."""
        entry = self.students.get(record.student)
        return (
            entry is not None
            and entry.given == given(record, submitted)
            and entry.files == [stamps(Path(folder)) for folder in entry.folders]
        )


def as_left(root: Path, assignment_id: str) -> Note | None:
    """Return the note on an assignment if the gradebook and all settings are exactly as the last run left them.

    Then there is no need to look whether the gradebook is whole, and those records that the note holds have arrived.
    None where that cannot be said, for whatever reason. Changes nothing; needs a gradebook of SQLite.
    """
    try:
        note = read_note(root, assignment_id)
        if note is None or not note.gradebook or not note.stamp or note.base != base_of(root, assignment_id):
            return None
        return note if gradebook_stamp(note.gradebook) == note.stamp and _writable(note.gradebook) else None
    except (OSError, UsageError):
        return None


def read_note(root: Path, assignment_id: str) -> Note | None:
    """Return the note on an assignment; None when there is none that can be read."""
    try:
        note = msgspec.json.decode(note_path(root, assignment_id).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return note if note.schema == _SCHEMA else None


def write_note(
    root: Path, assignment_id: str, base: str, gradebook: str, stamp: str, students: dict[str, Entry]
) -> None:
    """Write the note on an assignment; where that fails there is none, which only costs time."""
    path = note_path(root, assignment_id)
    note = Note(_SCHEMA, base, gradebook, stamp, students)
    try:
        write_atomically(path, msgspec.json.encode(note))
    except OSError:
        with suppress(OSError):
            path.unlink()


def note_path(root: Path, assignment_id: str) -> Path:
    """Return where the note is, or will be."""
    return root / f".gradebook.{assignment_id}.json"


def base_of(root: Path, assignment_id: str) -> str:
    """Hash what marks, copies and pages of a whole class depend on: settings, release, kit, nbgrader and the folder.

    Raises:
        UsageError: when the settings cannot be read, or put source and release where we do not look.
        OSError: when a file cannot be read.
    """
    config = read_config(root)
    if _MOVED & set(config.CourseDirectory) or Path(config.CourseDirectory.root).resolve() != root.resolve():
        raise UsageError(f"{root / CONFIG} moves folders of the course")
    digest = hashlib.sha256()
    for text in (str(root.resolve()), repr(config), version("nbgrader"), version("nbconvert")):
        digest.update(text.encode(errors="replace") + b"\0")
    folders = [root / step / assignment_id for step in ("source", "release")] + [_KIT / "host", _KIT / "report"]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix != ".pyc"]
    for path in [root / CONFIG, _KIT / "submission.py", *files]:
        if path.is_file():
            digest.update(str(path).encode(errors="replace") + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def given(record: Record, submitted: Path) -> str:
    """Hash what a student's marks and page are made from."""
    handed_in = stamps(submitted / record.student / record.assignment)
    return hashlib.sha256(encode(record) + repr(handed_in).encode(errors="replace")).hexdigest()


def stamps(folder: Path) -> list[Stamp]:
    """Return the state of a folder and of what lies in it, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        own = folder.stat()
        inside = [_stamp(entry.name, entry.stat(follow_symlinks=False)) for entry in found]
    except OSError:
        return [None]
    return [_stamp(".", own), *inside]


def _stamp(name: str, state: os.stat_result) -> Stamp:
    return (
        name.encode(errors="surrogateescape").decode(errors="replace"),
        state.st_ino,
        state.st_size,
        state.st_mtime_ns,
    )


def gradebook_stamp(path: str) -> str:
    """Return a text that is another one after each change of an SQLite file; empty while somebody writes to it.

    Raises:
        OSError: when there is no such file.
    """
    if any(Path(path + more).exists() for more in ("-journal", "-wal")):
        return ""
    with open(path, "rb") as file:
        header = file.read(_HEADER)
        state = os.fstat(file.fileno())
    return f"{state.st_ino} {state.st_size} {state.st_mtime_ns} {header.hex()}"


def _writable(path: str) -> bool:
    """Say whether marks could be written to an SQLite file now."""
    if not all(os.access(needed, os.W_OK) for needed in (path, Path(path).parent)):
        return False
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True
