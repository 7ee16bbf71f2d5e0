"""From the files of a source to one notebook of each student: sorted by student, the right one chosen, and placed."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from autograder.errors import NotGradable, UsageError
from autograder.intake.names import (
    Claim,
    Roster,
    is_notebook,
    looks_like_a_student,
    marked,
    read_claim,
    safe_id,
    shown,
)
from autograder.intake.place import keep, place
from autograder.intake.sources import Entry, Source

MOST_READ = 20
"""Notebooks of one student that are read."""
_NAMED = 3
"""Files that are named where there are more."""
_DEBRIS = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
"""What operating systems leave behind; hidden files besides."""
Outcome = Literal["new", "replaced", "unchanged", "nothing"]


class Line(msgspec.Struct, frozen=True):
    """What became of one student's files."""

    student: str
    outcome: Outcome
    """"nothing" when there was no notebook that could be taken."""
    file: str
    """Which file of the source is graded, or ""."""
    notes: list[str]
    """What else there is to say."""
    look: bool
    """Whether somebody should look at it: something was refused, unclear or not what it should be."""


class Report(msgspec.Struct, frozen=True):
    """What became of a source."""

    assignment: str
    lines: list[Line]
    """By student."""
    absent: list[str]
    """Students on the roster who handed in nothing."""
    of_nobody: list[str]
    """Notes on files that belong to no student."""
    passed_over: list[str]
    """Which files are nobody's business, and how many."""

    @property
    def look(self) -> bool:
        """Say whether there is anything to look at."""
        return bool(self.of_nobody) or any(line.look for line in self.lines)


class Student(msgspec.Struct):
    """One student's files in a source."""

    claim: Claim
    id: str = ""
    candidates: list[tuple[Entry, Claim]] = []
    others: list[str] = []
    """Files that are no notebooks."""
    refused: list[str] = []
    """Other files that are refused, and why."""
    doubt: str = ""
    """Why it is not sure who this is, or ""."""


class Intake(msgspec.Struct):
    """The files of a source, sorted by student."""

    source: Source
    assignment: str
    students: list[Student]
    absent: list[str]
    """Students on the roster who handed in nothing."""
    of_nobody: list[str]
    """Notes on files that belong to no student."""
    passed_over: list[str]
    """Which files are nobody's business, and how many."""

    def place(self, student: Student, submitted: Path, limit: int) -> Line:
        """Write one student's notebook into the folder `submitted`; notebooks of more bytes than `limit` are not read.

        What goes wrong with one student's files is in their line, and no reason to stop.
        """
        folder = submitted / student.id / self.assignment
        ordered = sorted(student.candidates, key=lambda pair: _rank(pair[0], pair[1], self.assignment), reverse=True)
        outcome: Outcome = "nothing"
        graded, notes, problems, seen = "", [], [], set()
        for entry, claim in ordered[:MOST_READ]:
            name = shown("/".join(claim.rest))
            try:
                notebook = self.source.read(entry, limit)
                if (digest := hashlib.sha256(notebook).digest()) in seen:
                    continue
                if graded:
                    problems.append(f"{name} is not graded, but kept as {keep(folder, notebook)}")
                else:
                    outcome, earlier = place(folder, notebook)
                    graded = name
                    notes += [f"what was there is kept as {earlier}"] if earlier else []
                seen.add(digest)
            except NotGradable as reason:
                problems.append(f"{name} {reason}")
        if (unread := len(ordered) - MOST_READ) > 0:
            problems.append(f"{unread:,} more notebooks were not read")
        doubts = [student.doubt] if student.doubt else []
        look = bool(doubts or problems or student.refused or not graded)
        notes = [*doubts, *problems, *([] if graded else ["no notebook was taken"]), *notes]
        notes += _some(student.refused, "; ")
        notes += [f"left where they are: {text}" for text in _some(student.others)]
        return Line(student.id, outcome, graded, notes, look)


def sort_out(source: Source, assignment: str, other_assignments: Iterable[str], roster: Roster | None) -> Intake:
    """Sort the files of a source by student; nothing is read yet.

    Args:
        source: open
        assignment: id of the one to collect
        other_assignments: ids of the course's others, whose folders are passed over
        roster: who takes the course, if that is known

    Raises:
        UsageError: when there is no file at all.
    """
    if not source.entries:
        raise UsageError("nothing to collect: there is no file in it")
    others = set(other_assignments) - {assignment}
    wrapped = _is_wrapped(source.entries, assignment, roster)
    students: dict[tuple[str, str], Student] = {}
    nobody = []
    passed_over = Counter[str]()
    for entry in source.entries:
        parts = entry.parts[1:] if wrapped else entry.parts
        if parts and _is_debris(parts):
            passed_over["hidden files and debris of operating systems"] += 1
        elif len(parts) > 2 and parts[1] in others:
            passed_over["files of other assignments"] += 1
        elif not parts or (claim := read_claim(parts, assignment)) is None:
            nobody.append(f"{shown(entry.name)} {entry.refused or 'names no student'}")
        else:
            _sort_in(students.setdefault(claim.identity, Student(claim)), entry, claim)
    absent = _name_students(list(students.values()), roster)
    return Intake(
        source,
        assignment,
        sorted(students.values(), key=lambda student: student.id),
        absent,
        of_nobody=_some(nobody, "; ", most=10),
        passed_over=[f"{count:,} {what}" for what, count in sorted(passed_over.items())],
    )


def _sort_in(student: Student, entry: Entry, claim: Claim) -> None:
    name = shown("/".join(claim.rest))
    if is_notebook(claim.rest[-1]):
        student.candidates.append((entry, claim))
    elif entry.refused:
        student.refused.append(f"{name} {entry.refused}")
    else:
        student.others.append(name)


def _is_debris(parts: tuple[str, ...]) -> bool:
    return (
        any(part in _DEBRIS or part.startswith("._") for part in parts)
        or any(part.startswith(".") for part in parts[1:])
        or parts[0] in (".DS_Store", ".git", ".ipynb_checkpoints")
    )


def _is_wrapped(entries: Sequence[Entry], assignment: str, roster: Roster | None) -> bool:
    """Say whether there is one folder around everything, and it is not a student's."""
    paths = [entry.parts for entry in entries if entry.parts and not _is_debris(entry.parts)]
    tops = {parts[0] for parts in paths}
    if len(tops) != 1 or any(len(parts) == 1 for parts in paths):
        return False
    (top,) = tops
    return not (
        looks_like_a_student(top)
        or any(parts[1] in (assignment, f"{assignment}.ipynb") for parts in paths)
        or (len(paths) == 1 and len(paths[0]) == 2)
        or (roster is not None and roster.find([top]))
    )


def _name_students(students: list[Student], roster: Roster | None) -> list[str]:
    """Give every student an id of their own, and return who on the roster has handed in nothing."""
    known = roster.students if roster else []
    rows = {student.claim.identity: roster.find(student.claim.keys) if roster else [] for student in students}
    takers = Counter(found[0] for found in rows.values() if len(found) == 1)
    given = set(known)
    for student in sorted(students, key=lambda s: s.claim.identity):
        found = rows[student.claim.identity]
        if len(found) == 1 and takers[found[0]] == 1:
            student.id = found[0]
            continue
        student.id = safe_id(student.claim.student)
        if student.id in given:
            student.id = marked(student.id, "/".join(student.claim.identity))
        given.add(student.id)
        if roster:
            student.doubt = _doubt(found)
    return sorted(set(known) - {student.id for student in students})


def _doubt(rows: list[str]) -> str:
    if not rows:
        return "not on the roster"
    if len(rows) > 1:
        return f"fits {len(rows)} rows of the roster: {', '.join(_some(rows))}"
    return f"fits the row of {rows[0]} on the roster, and so does somebody else"


def _rank(entry: Entry, claim: Claim, assignment: str) -> tuple[bool, int, int, int, tuple[int, ...]]:
    """Say how good a notebook is as the one to grade; see rule 7 of the package."""
    name = claim.rest[-1]
    attempt = claim.identity[0] == "canvas" and re.fullmatch(rf"{re.escape(assignment)}-\d+\.ipynb", name)
    named = 2 if name == f"{assignment}.ipynb" or attempt else 1 if name.startswith(assignment) else 0
    return not entry.refused, named, -len(claim.rest), claim.counter, entry.time


def _some(names: Sequence[str], between: str = ", ", most: int = _NAMED) -> list[str]:
    """Return the first of many names, and how many more there are, as one text; nothing when there are none."""
    if not names:
        return []
    more = len(names) - most
    return [between.join(sorted(names)[:most]) + (f" and {more:,} more" if more > 0 else "")]
