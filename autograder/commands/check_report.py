"""`autograder verify --check-report`: apart from `verify`, because it needs no torch."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from autograder.course import find_root, read_course
from autograder.error_rates import is_fresh


def run(out: Console, path: Path) -> int:
    """Say whether the page of error rates is fresh; returns 1 when it is not."""
    if is_fresh(path, read_course(find_root())):
        out.print(f"{escape(str(path))} is fresh", soft_wrap=True)
        return 0
    out.print(
        f"[bold red]stale[/]  {escape(str(path))} was made from other checks, solutions or catalogues. Make it anew:"
        f" autograder verify --report {escape(str(path))}",
        soft_wrap=True,
    )
    return 1
