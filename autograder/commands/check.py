"""`autograder check`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from autograder.errors import NotGradable, UsageError
from autograder.inside.notebook import run_cells
from autograder.selfcheck import check_cards, read_release_folder
from autograder.submission import read, read_release
from autograder.wire import Raised


def run(out: Console, notebook: Path, exercise: str | None) -> int:
    """Run a notebook's cells and the public checks; returns 0 only when everything passes."""
    assignment = read_release_folder(notebook.resolve().parent)
    names = [assignment.exercise(exercise).id] if exercise else [e.id for e in assignment.exercises]
    try:
        data = notebook.read_bytes()
        submission = read(data, assignment, read_release(data, assignment))
    except NotGradable as reason:
        raise UsageError(f"{notebook}: {reason}") from None
    with out.status("running the notebook's cells"):
        namespace, loaded = run_cells(submission.cells, lambda index: None)
    for index, error in loaded.errors.items():
        out.print(f"{submission.cells[index].name}: {_in_words(error)}\n", markup=False)
    cards = check_cards(namespace, assignment, names)
    for card in cards:
        out.print(f"{card!r}\n", markup=False)
    return 0 if all(card.passed for card in cards) else 1


def _in_words(error: Raised) -> str:
    text = f"{error.kind}: {error.message}" if error.message else error.kind
    return f"{text} ({error.where})" if error.where else text
