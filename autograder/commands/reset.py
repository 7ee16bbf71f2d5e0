"""`autograder reset`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from autograder.errors import NotGradable, UsageError
from autograder.homework.kept import reset
from autograder.homework.worksheet import open_worksheet


def run(out: Console, exercise: str, notebook: Path) -> int:
    """Restore a stub, and say where the old cell is."""
    worksheet, assignment = open_worksheet(notebook)
    name = assignment.exercise(exercise).id
    try:
        kept = reset(worksheet, assignment.folder, name)
    except NotGradable as reason:
        raise UsageError(f"{worksheet.path}: {reason}") from None
    if kept is None:
        out.print(f"{name} is still as it was handed out: there is nothing to put back.", markup=False)
        return 0
    out.print(f"{name} is as it was handed out again, in {worksheet.path}.", markup=False, soft_wrap=True)
    for path in kept:
        out.print(f"What you had written is in {path}.", markup=False, soft_wrap=True)
    if worksheet.path.suffix == ".ipynb":
        out.print("Is the notebook open in JupyterLab? Then choose File, Reload Notebook from Disk.", soft_wrap=True)
    return 0
