"""`autograder hint`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from autograder.errors import UsageError
from autograder.hints import next_hint
from autograder.selfcheck import read_release_folder


def run(out: Console, exercise: str, folder: Path) -> int:
    """Print the next hint."""
    wanted = read_release_folder(folder).exercise(exercise)
    if not wanted.hints:
        raise UsageError(f"{exercise} has no hints")
    tier, text = next_hint(wanted, folder)
    out.print(f"Hint {tier} of {len(wanted.hints)}: {text}", markup=False)
    return 0
