"""Whose file it is: what the name of a file or folder says about the student, and the roster that knows them.

Nothing is guessed. Where a name fits no row of the roster, or more than one, the submission stays under its own name.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePath

import msgspec

from autograder.errors import UsageError

LONGEST_ID = 100
"""Characters of a student's id, which is the name of a folder."""
_MOST_BYTES = 180
"""And bytes of it: a file system has names of 255, and ".json.PID.part" is put behind it."""

# Full name_NUMBER_assignsubmission_file[_], as a folder, or before each file's name. The first fit counts, here and
# below: what stands behind it was chosen by the student, and may look like somebody else's.
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<original>.*))?", re.S)
# name[_LATE]_USER_FILE_original, or with anon_ID in the place of name and user when grading is anonymous.
_CANVAS = re.compile(
    r"(?:(?:LATE_)?(?P<anonymous>anon_[^\W_]+)|(?P<name>.+?)(?:_LATE)?_(?P<user>\d+))_(?P<file>\d+)_(?P<original>.+)",
    re.S,
)
_GRADESCOPE = re.compile(r"submission_(?P<number>\d+)")
_UNSAFE = frozenset('/\\:*?"<>|[]{}%')
_JOINERS = "\u200c\u200d"  # Persian and some other scripts need them between letters


class Claim(msgspec.Struct, frozen=True):
    """What a path says about the student whose file it is."""

    identity: tuple[str, str]
    """The same for all files of one student in one source, and for no other student's."""
    student: str
    """The student's id where no roster knows better; not yet fit for the name of a folder."""
    keys: tuple[str, ...]
    """What may stand in the student's row of the roster."""
    rest: tuple[str, ...]
    """The path as the student made it."""
    counter: int = 0
    """The LMS's number of the file or the submission: later ones have higher numbers."""


def read_claim(parts: tuple[str, ...], assignment: str) -> Claim | None:
    """Return what a path says about its student, or None when it names nobody."""
    top, rest = parts[0], parts[1:]
    if moodle := _MOODLE.fullmatch(top):
        name, number, original = moodle["name"], moodle["number"], moodle["original"]
        student = f"{name}_{number}"
        keys: tuple[str, ...] = (number, f"Participant {number}", name, student, top)
        return Claim(("moodle", _same(student)), student, keys, rest or (original or top,))
    if rest and (gradescope := _GRADESCOPE.fullmatch(top)):
        number = gradescope["number"]
        return Claim(("gradescope", number), top, (number, top), rest, _number(number))
    if rest:
        below = rest[1:] if rest[0] == assignment and len(rest) > 1 else rest
        return Claim(("name", _same(top)), top, (top,), below)
    if canvas := _CANVAS.fullmatch(top):
        student = canvas["anonymous"] or f"{canvas['name']}_{canvas['user']}"
        keys = (canvas["user"] or student.removeprefix("anon_"), student, canvas["name"] or student)
        return Claim(("canvas", _same(student)), student, keys, (canvas["original"],), _number(canvas["file"]))
    stem = PurePath(top).stem
    if not is_notebook(top) or stem == assignment:
        return None
    return Claim(("name", _same(stem)), stem, (stem,), (top,))


def is_notebook(name: str) -> bool:
    """Say whether a file is called like a notebook."""
    return name.casefold().endswith(".ipynb")


def looks_like_a_student(folder: str) -> bool:
    """Say whether an LMS gave a folder the name of one student's submission."""
    return _MOODLE.fullmatch(folder) is not None or _GRADESCOPE.fullmatch(folder) is not None


def safe_id(name: str) -> str:
    r"""Return a student's id that can be the name of a folder everywhere, from a name that may be anything.

    What is unsafe becomes %XX, byte by byte as in a web address, so that it can be read back: control characters and
    those that turn the direction of writing, bytes that are no UTF-8, any of / \ : * ? " < > | [ ] { } %, a dot at
    either end, and white space other than spaces inside. What is too long is cut, and ends in ~ and a hash of
    the whole.
    """
    name = _same(name)
    last = len(name) - 1
    safe = "".join(
        _percent(letter) if _unsafe(letter) or (letter in ". " and index in (0, last)) else letter
        for index, letter in enumerate(name)
    )
    if len(safe) <= LONGEST_ID and len(safe.encode()) <= _MOST_BYTES:
        return safe or "%00"
    kept = safe[: LONGEST_ID - 9].encode()[: _MOST_BYTES - 9].decode(errors="ignore")
    return marked(kept, name)


def marked(student: str, whole: str) -> str:
    """Return an id with a mark that tells it from others: a hash of what it stands for."""
    return f"{student}~{hashlib.sha256(whole.encode(errors='surrogateescape')).hexdigest()[:8]}"


def shown(name: str) -> str:
    r"""Return a name that is valid text: bytes that are no UTF-8 become \xff."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _unsafe(letter: str) -> bool:
    if letter in _UNSAFE:
        return True
    kind = unicodedata.category(letter)
    return (kind[0] == "C" and letter not in _JOINERS) or (kind[0] == "Z" and letter != " ")


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode(errors="surrogateescape"))


def _same(text: str) -> str:
    """Return the one form of a text that can be written in several: é is one letter, not e with an accent."""
    return unicodedata.normalize("NFC", text)


def _fold(text: str) -> str:
    return _same(_same(text).casefold()).strip()


def _number(digits: str) -> int:
    return int(digits[-18:])  # longer ones than any counter are no number that Python would like to read


class Roster:
    """Who takes the course: the students' ids, and what else identifies each of them.

    Args:
        cells: for each id, everything that stands in its row
    """

    def __init__(self, cells: dict[str, list[str]]) -> None:
        self.students = sorted(cells)
        self._rows: dict[str, set[str]] = {}
        for student, row in cells.items():
            for cell in row:
                if key := _fold(cell):
                    self._rows.setdefault(key, set()).add(student)

    def find(self, keys: Iterable[str]) -> list[str]:
        """Return the students in whose row a key stands; a cell that several rows share identifies nobody."""
        rows = [self._rows.get(_fold(key), set()) for key in keys]
        return sorted(set().union(*(row for row in rows if len(row) == 1)))


def read_roster(path: Path) -> Roster:
    """Read a roster: a CSV file with a column `id`, and any other columns.

    Raises:
        UsageError: when it is no such file, or its ids are not different from each other and fit for folders.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=";" if header.count(";") > header.count(",") else ",")
            if "id" not in (reader.fieldnames or ()):
                raise UsageError(f"{path} has no column `id`: expected one with the name of each student's folder")
            rows = list(reader)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a CSV file in UTF-8: {error}") from None
    cells: dict[str, list[str]] = {}
    for number, row in enumerate(rows, start=2):
        student = (row.get("id") or "").strip()
        if not student or safe_id(student) != student:
            raise UsageError(f"{path}, row {number}: the column `id` holds {student!r}, which can be no folder's name")
        if student in cells:
            raise UsageError(f"{path}, row {number}: {student!r} is there twice")
        cells[student] = [cell for cell in row.values() if isinstance(cell, str)]
    if not cells:
        raise UsageError(f"{path} holds no students: expected a row for each of them")
    return Roster(cells)
