"""`autograder hint`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from autograder.commands.checking import cells_of, results
from autograder.homework.hints import hint_text
from autograder.homework.worksheet import open_worksheet


def run(out: Console, exercise: str, notebook: Path) -> int:
    """Check the exercise and print the next hint: for the mistake that the checks name, else for the exercise."""
    worksheet, assignment = open_worksheet(notebook)
    wanted = assignment.exercise(exercise)
    checked = results(out, cells_of(worksheet), assignment, [wanted.id])
    named, passed = (checked[0].named, checked[0].result.passed) if checked else (None, False)
    out.print(hint_text(wanted, assignment.folder, named, passed), markup=False, soft_wrap=True)
    return 0
