"""`autograder check`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from autograder.commands.checking import cells_of, print_event, showing
from autograder.commands.watching import Watch
from autograder.homework.apart import Apart, Checked
from autograder.homework.worksheet import open_worksheet


def run(out: Console, notebook: Path, exercise: str | None, watch: bool) -> int:
    """Run a file's cells and the public checks; returns 0 only when everything passes."""
    worksheet, assignment = open_worksheet(notebook)
    names = [assignment.exercise(exercise).id] if exercise else [e.id for e in assignment.exercises]
    if watch:
        return Watch(out, worksheet, assignment, names).run()
    cards: list[Checked] = []
    for event in showing(out, Apart(cells_of(worksheet), assignment, names).events()):
        if isinstance(event, Checked):
            cards.append(event)
            out.print(event.text, markup=False, soft_wrap=True)
        else:
            print_event(out, event, names[len(cards) :])
    return 0 if len(cards) == len(names) and all(card.result.passed for card in cards) else 1
