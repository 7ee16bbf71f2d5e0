"""`autograder doctor`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.doctor import examine


def run(out: Console) -> int:
    """Print what this machine offers; returns 1 when something that grading needs is missing."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    symptoms = examine(Path.cwd())
    for symptom in symptoms:
        mark = "[green]ok[/]" if symptom.fine else "[bold red]missing[/]"
        table.add_row(mark, symptom.what, symptom.found + ("" if symptom.fine else f"\n{symptom.do}"))
    out.print(table)
    return 0 if all(symptom.fine for symptom in symptoms) else 1
