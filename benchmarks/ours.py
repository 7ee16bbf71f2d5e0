"""The kit itself: the small course of the hostile tests, and `autograder grade`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import exam
from fort import hand_in, make_fort, records_of, release_of
from fort import solved as solved_of
from judging import Sheet, leaks
from running import harm_of, run, shared_traces

ASSIGNMENT = "01_fort"
LIMIT = 1800.0
"""Seconds for the whole class."""


class Ours:
    """The small course; the class is graded in one run, as an instructor does."""

    name = "autograder grade"

    def __init__(self, root: Path) -> None:
        """Make the course at `root`, with a secret in its hidden checks."""
        self.secret = exam.new_secret()
        self.root = root
        self.course = make_fort(root / "course")
        hidden = self.course / "assignments" / ASSIGNMENT / "test_hidden.py"
        hidden.write_text(hidden.read_text() + f'\nsecret = "{self.secret}"\n')
        self.solved = solved_of(self.course)
        self.release = release_of(self.course)

    def grade(self, notebooks: Mapping[str, bytes]) -> dict[str, Sheet]:
        """Grade a class with the real command, and return the sheets by student."""
        before = shared_traces()
        for student, notebook in notebooks.items():
            hand_in(self.course, student, notebook)
        command = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--workers", "1"]
        ended = run(command, self.course, self.root, LIMIT, PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin")
        harm = harm_of(ended, self.root, before)
        records = records_of(self.course)
        if leaks(ended.output, self.secret):
            harm.append("hidden test leaked")
        sheets = {}
        for student in notebooks:
            record, own = records.get(student), list(harm)
            text = "".join(p.read_text(errors="replace") for p in self._papers(student))
            if leaks(text, self.secret):
                own.append("hidden test leaked")
            if record is None or record.status != "graded":
                why = "no record" if record is None else record.status.replace("_", " ")
                sheets[student] = Sheet(None, why, own)
            else:
                sheets[student] = Sheet({e.id: e.score for e in record.exercises}, "", own)
        shutil.rmtree(self.root)
        return sheets

    def _papers(self, student: str) -> list[Path]:
        """Return the record and the feedback pages of a student."""
        pages = (self.course / "feedback" / student).rglob("*.html")
        return [p for p in (self.course / "results" / ASSIGNMENT / f"{student}.json", *pages) if p.exists()]
