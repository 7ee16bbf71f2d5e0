"""`autograder progress`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.course import Assignment
from autograder.errors import NotGradable, UsageError
from autograder.homework.standing import Place, Standing, assignments_in, places, recall, remember, standing_of
from autograder.homework.worksheet import Worksheet, find_worksheet

_BAR = 20
_COLOURS = {"✓": "green", "✗": "red"}


def run(out: Console, folder: Path) -> int:
    """Print the course as a map; returns 0 when all that is part of the course is done."""
    ready: list[tuple[Path, Place]] = []
    done = total = 0
    for assignment in assignments_in(folder):
        try:
            worksheet = Worksheet(find_worksheet(assignment.folder), assignment)
            here = list(places(assignment, _standings(out, worksheet, assignment)))
        except (NotGradable, UsageError) as reason:
            out.print(f"{assignment.id}\n  cannot be looked at: {reason}\n", markup=False)
            here = list(places(assignment, {e.id: Standing("missing", ()) for e in assignment.exercises}))
        else:
            _print_assignment(out, assignment.id, here)
            ready += [(worksheet.path, p) for p in here if not (p.extra or p.standing.done or p.waits_for)]
        counted = [place for place in here if not place.extra]
        done, total = done + sum(place.standing.done for place in counted), total + len(counted)
    out.print(f"{done} of {total} exercises done.")
    if ready:
        path, place = ready[0]
        out.print(f"Next: {place.name} in {_as_seen_from_here(path)}", markup=False, soft_wrap=True)
    return 0 if done == total and total else 1


def _standings(out: Console, worksheet: Worksheet, assignment: Assignment) -> dict[str, Standing]:
    content = worksheet.content()
    if (known := recall(assignment, content)) is not None:
        return known
    from autograder.commands.checking import results  # late: torch is wanted only for what is not known

    submission = worksheet.read()
    names = [e.id for e in assignment.exercises]
    tried = [name for name in names if submission.status[name] == "attempted"]
    found = {e.result.id: standing_of(e.result) for e in results(out, submission.cells, assignment, tried)}
    standings = {name: found.get(name, Standing(submission.status[name], ())) for name in names}
    if set(found) == set(tried):
        remember(assignment, content, standings)
    return standings


def _print_assignment(out: Console, name: str, here: list[Place]) -> None:
    counted = [place for place in here if not place.extra]
    done = sum(place.standing.done for place in counted)
    filled = _BAR * done // len(counted) if counted else 0
    out.print(Text.assemble((name, "bold"), f"  {'█' * filled}{'░' * (_BAR - filled)}  {done} of {len(counted)}"))
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    for place in here:
        mark = Text(f"  {place.standing.mark}", style=_COLOURS.get(place.standing.mark, ""))
        table.add_row(mark, place.name, _state(place), _beyond(place))
    out.print(table)
    out.print()


def _state(place: Place) -> str:
    if place.standing.done:
        return "done"
    if place.standing.status != "not_attempted":
        return place.standing.in_words
    return "waits" if place.waits_for else "open"


def _beyond(place: Place) -> str:
    """Say what an exercise waits for, or what it leads to."""
    if place.waits_for and not place.standing.done:
        return f"for {', '.join(place.waits_for)}"
    if place.leads_to:
        return f"{'unlocked' if place.standing.done else 'unlocks'} {', '.join(place.leads_to)}"
    return "an extra" if place.extra else ""


def _as_seen_from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
