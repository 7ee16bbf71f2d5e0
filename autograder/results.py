"""The records of one assignment on disk: RESULTS/ASSIGNMENT/STUDENT.json, and who may write them.

Records that were made only to be compared (`autograder grade --diff`) wait beside them, in `.new/`, until they count.
"""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.errors import GraderFault, UsageError
from autograder.records import Record, decode, encode, remove_parts, write_atomically

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Results:
    """The records of an assignment.

    Args:
        folder: where they are, or will be
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting = folder / ".new"

    def path(self, student: str) -> Path:
        """Return where the record of a student is, or will be."""
        return self.folder / f"{student}.json"

    def read(self, student: str) -> Record | None:
        """Return a student's record; None where there is none, or none that can be read."""
        return _read(self.path(student))

    def read_waiting(self, student: str) -> Record | None:
        """Return a student's record that does not count yet, if there is one."""
        return _read(self._waiting / f"{student}.json")

    def read_all(self) -> list[Record]:
        """Return all records that count, by student; files that are no records are passed over."""
        found = map(_read, sorted(self.folder.glob("*.json")))
        return [record for record in found if record is not None]

    def write(self, record: Record) -> None:
        """Write a record that counts; raises GraderFault as `write_file` does."""
        self.write_file(self.path(record.student).name, encode(record))
        (self._waiting / f"{record.student}.json").unlink(missing_ok=True)

    def write_waiting(self, record: Record) -> None:
        """Write a record that does not count yet; raises GraderFault as `write_file` does."""
        self.write_file(f"{self._waiting.name}/{record.student}.json", encode(record))

    def write_file(self, name: str, data: bytes) -> None:
        """Write a file among the results, whole or not at all.

        Raises:
            GraderFault: when it cannot be written; says what is kept and what to do.
        """
        try:
            write_atomically(self.folder / name, data)
        except OSError as error:
            raise GraderFault(self._unwritable(error)) from None

    def _unwritable(self, error: OSError) -> str:
        reason = str(error.strerror or error).lower()
        kept = len(list(self.folder.glob("*.json"))) if self.folder.is_dir() else 0
        if kept:
            what = f"the {kept} records written so far are" if kept > 1 else "the record written so far is"
            reason += f"; {what} kept"
        remedy = "Make room" if error.errno in _NO_ROOM else "Mend that"
        return f"the results cannot be written to {self.folder}: {reason}. {remedy} and run the same command again"

    @contextmanager
    def held_alone(self) -> Iterator[None]:
        """Be the only grader at work here, and clear away what a killed one left half-written.

        Raises:
            UsageError: when another grader is at work, or nothing can be written here.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise UsageError(self._unwritable(error)) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for folder in (self.folder, self._waiting):
                    remove_parts(folder)
            except BlockingIOError:
                raise UsageError(
                    f"another grader is at work on {self.folder}: wait for it, or name another --results"
                ) from None
            except OSError as error:
                raise UsageError(self._unwritable(error)) from None
            yield


def _read(path: Path) -> Record | None:
    try:
        return decode(path.read_bytes(), str(path))
    except (OSError, UsageError):
        return None
