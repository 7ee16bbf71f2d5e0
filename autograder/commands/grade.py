"""`autograder grade`."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from autograder.chain import (
    Plan,
    grade_alone,
    make_plan,
    nameless,
    only_grader,
    records_so_far,
    students_of,
    write_result,
)
from autograder.course import SALT_VARIABLE, find_root
from autograder.errors import UsageError
from autograder.records import Record
from autograder.report.clean import name, one_line
from autograder.report.overview import class_overview_html
from autograder.report.table import class_table

OVERVIEW = "overview.html"


def run(
    out: Console,
    assignment: str,
    submitted: Path | None,
    students: tuple[str, ...],
    results: Path | None,
    workers: int,
    no_gradebook: bool,
    confined: bool,
) -> int:
    """Grade, and print the class; returns 1 when a submission could not be graded."""
    plan = make_plan(find_root(), assignment, submitted, results, confined)
    everybody = students_of(plan)
    if unknown := [name for name in students if name not in everybody]:
        raise UsageError(f"nothing handed in by {', '.join(unknown)}; {len(everybody)} students did: {plan.submitted}")
    chosen = sorted(set(students)) or everybody
    if not no_gradebook:
        from autograder.host.gradebook import look_at_gradebook

        look_at_gradebook(plan.course.root, plan.assignment.id)  # what is wrong with it shows before hours of grading
    # Held until the gradebook is filled: it must not get older records after newer ones.
    with only_grader(plan):
        records = grade_with_progress(out, plan, chosen, workers)
        problems = {} if no_gradebook else fill_gradebook_with_progress(out, plan, records)
    print_class(out, plan, records, problems)
    unnamed = [] if students else nameless(plan)
    for folder in unnamed:
        out.print(f"not graded: {name(folder)}: this can be no student's id. Rename the folder", markup=False)
    if plan.course.salt_is_public:
        out.print(f"Note: hidden inputs were drawn from the public salt. For a real class, set {SALT_VARIABLE}.")
    return 0 if not problems and not unnamed and all(record.status == "graded" for record in records) else 1


def grade_with_progress(out: Console, plan: Plan, students: list[str], workers: int) -> list[Record]:
    """Grade with a progress bar, and write the overview of the class; the caller is the `only_grader`."""
    with _progress(out, "grading", len(students)) as advance:
        records = grade_alone(plan, students, workers, lambda record: advance(record.status != "graded"))
    title = f"{plan.course.title}: {plan.assignment.title}"
    # Of the whole class, also when only some of it was graded now.
    page = class_overview_html(records_so_far(plan), title).encode()
    write_result(plan, OVERVIEW, page)
    return records


def fill_gradebook_with_progress(out: Console, plan: Plan, records: list[Record]) -> dict[str, str]:
    """Fill nbgrader's gradebook and write the feedback pages; returns what went wrong, by student."""
    from autograder.host.gradebook import fill_gradebook

    with _progress(out, "gradebook", len(records)) as advance:
        return fill_gradebook(
            plan.course.root,
            plan.assignment.id,
            records,
            plan.submitted,
            on_student=lambda student: advance(False),
            on_wait=lambda: out.print("another grader is filling the gradebook: waiting for it"),
        )


def print_class(out: Console, plan: Plan, records: Iterable[Record], problems: dict[str, str]) -> None:
    """Print the table of the class, and where to look next."""
    out.print(class_table(list(records)))
    for student, problem in problems.items():
        out.print(f"gradebook: {one_line(student)}: {one_line(problem)}", markup=False)
    out.print(f"overview of the class   {_near(plan.folder / OVERVIEW)}", markup=False)
    out.print(f"results, one a student  {_near(plan.folder)}{'/STUDENT.json'}", markup=False)


def _near(path: Path) -> Path:
    """Return a path relative to where the user stands, if it lies there."""
    here = Path.cwd()
    return path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path


@contextmanager
def _progress(out: Console, what: str, total: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(max(10, min(40, shutil.get_terminal_size().columns - 60))),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with Progress(*columns, console=out) as progress:
        yield Advance(progress, what, total)


class Advance:
    """Moves a progress bar on by one, and counts what could not be graded."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress, self._failed = progress, 0
        self._task = progress.add_task(what, total=total, failed="")

    def __call__(self, failed: bool) -> None:
        """Count one more."""
        self._failed += failed
        self._progress.update(self._task, advance=1, failed=f"{self._failed} not graded" if self._failed else "")
