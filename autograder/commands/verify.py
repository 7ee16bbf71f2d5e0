"""`autograder verify`."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autograder.catalogue import Catalogue
from autograder.course import Assignment, Course, find_root, read_course
from autograder.error_rates import Section, fingerprint, page
from autograder.mutants import LIST, Survey, try_mutants
from autograder.naive import SALT, rows
from autograder.verify import LEAST_MARGIN, Verdicts, verify


def run(out: Console, assignment: str | None) -> int:
    """Verify one assignment or all; returns 1 when something is not as it must be."""
    course = read_course(find_root())
    healthy = True
    for one in _chosen(course, assignment):
        with out.status("") as status:
            verdicts = verify(course, one, lambda text: status.update(f"trying {escape(text)}"))
        _print(out, verdicts)
        healthy = healthy and not verdicts.problems
    return 0 if healthy else 1


def mutate(out: Console, assignment: str | None) -> int:
    """Try the mutants of one assignment or all; returns 1 when one survives or the list of equivalents is stale."""
    course = read_course(find_root())
    in_order = True
    for one in _chosen(course, assignment):
        with out.status("") as status:
            survey = try_mutants(course, one, lambda text: status.update(f"trying {escape(text)}"))
        _print_survey(out, survey)
        in_order = in_order and survey.in_order
    return 0 if in_order else 1


def write_report(out: Console, path: Path) -> int:
    """Verify all assignments and write the page of error rates; returns 1 when something is not as it must be."""
    course = msgspec.structs.replace(read_course(find_root()), salt=SALT)
    sections, healthy = [], True
    for one in course.assignments:
        with out.status("") as status:
            verdicts = verify(course, one, lambda text: status.update(f"trying {escape(text)}"))
        for text in verdicts.problems:
            out.print(f"[bold red]problem[/]  {one.id}: {escape(text)}", soft_wrap=True)
        healthy = healthy and not verdicts.problems
        sections.append(Section(assignment=one.id, rows=rows(Catalogue(one), verdicts)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(sections, fingerprint(course), path.as_posix()), encoding="utf-8")
    out.print(f"wrote {escape(str(path))}", soft_wrap=True)
    return 0 if healthy else 1


def _chosen(course: Course, assignment: str | None) -> list[Assignment]:
    return [course.assignment(assignment)] if assignment else course.assignments


def _print_survey(out: Console, survey: Survey) -> None:
    id = survey.assignment.id
    out.print(f"[bold]{id}[/]: mutants of the solutions, each with one small change, and what the hidden checks say")
    table = Table(box=None, padding=(0, 1), pad_edge=True)
    table.add_column("")
    for heading in ("mutants", "rejected", "equivalent", "survivors"):
        table.add_column(heading, justify="right")
    for tally in survey.tallies:
        numbers = (tally.made, tally.rejected, tally.equivalent, len(tally.survivors))
        table.add_row(tally.exercise, *map(str, numbers))
    out.print(table)
    for mutant in (m for tally in survey.tallies for m in tally.survivors):
        out.print(f"\n[bold red]survives[/]  {escape(mutant.name)}", soft_wrap=True)
        out.print(mutant.diff, markup=False, soft_wrap=True)
    for text in survey.stale:
        out.print(f"[bold red]stale[/]     {LIST}: {escape(text)}", soft_wrap=True)
    if not survey.in_order:
        out.print(f"\nA survivor needs a check that rejects it, or a place with its reason in {id}/{LIST}.")
    out.print("[green]All in order.[/]" if survey.in_order else "[bold red]Not in order.[/]")


def _print(out: Console, verdicts: Verdicts) -> None:
    out.print(
        f"[bold]{verdicts.assignment.id}[/]: the kill matrix. A row is a known wrong solution, a column a hidden "
        "check.\n  x rejected, X rejected by a check that names it, . passes; (inlined) made inside a later exercise"
    )
    for exercise, checks in verdicts.checks.items():
        _print_matrix(out, verdicts, exercise, checks)
    own = verdicts.own_trials
    accepted = len(verdicts.false_accepts)
    right = verdicts.alternatives
    margins = [m for m in verdicts.smallest_margin.values() if math.isfinite(m)]
    out.print(
        f"\nfalse accepts   {accepted} of {len(verdicts.trials)} known wrong solutions"
        f" ({len(own)} in their own exercise, {len(verdicts.trials) - len(own)} inlined)"
    )
    out.print(f"false rejects   {len(verdicts.false_rejects)} complaints about {right} right alternatives")
    out.print(f"named           {verdicts.share_named:.0%} of {len(own)} known wrong solutions are told their name")
    if margins:
        out.print(f"margin          {min(margins):,.0f} tolerances at least ({LEAST_MARGIN:g} needed)")
    for text in verdicts.advice:
        out.print(f"[yellow]advice[/]          {escape(text)}", soft_wrap=True)
    for text in verdicts.problems:
        out.print(f"[bold red]problem[/]         {escape(text)}", soft_wrap=True)
    out.print("[bold red]Not in order.[/]" if verdicts.problems else "[green]All in order.[/]")


def _print_matrix(out: Console, verdicts: Verdicts, exercise: str, checks: list[str]) -> None:
    out.print(f"\n[bold]{exercise}[/]")
    for number, id in enumerate(checks, 1):
        margin = verdicts.smallest_margin.get(id)
        clear = "" if margin is None else "  (any margin)" if math.isinf(margin) else f"  (margin {margin:,.0f})"
        out.print(f"  {number}  {id.partition('::')[2]}{clear}", markup=False)
    table = Table(box=None, padding=(0, 1), pad_edge=True)
    table.add_column("")
    for number in range(1, len(checks) + 1):
        table.add_column(str(number), justify="center")
    table.add_column("told")
    for trial in verdicts.trials:
        if trial.exercise != exercise:
            continue
        cells = [
            Text("." if id not in trial.rejected_by else "X" if trial.name in verdicts.catches[id] else "x")
            for id in checks
        ]
        told = "its name" if trial.name in trial.named else ", ".join(trial.named) or "-"
        table.add_row(trial.name + (" (inlined)" if trial.inlined else ""), *cells, told)
    out.print(table)
