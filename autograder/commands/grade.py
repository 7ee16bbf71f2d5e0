"""`autograder grade`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from autograder.chain import (
    Grading,
    OpenPool,
    Plan,
    Survey,
    grade_surveyed,
    local_pool,
    make_plan,
    nameless,
    students_of,
    survey,
)
from autograder.commands.bars import progress
from autograder.commands.stopping import stoppable
from autograder.course import SALT_VARIABLE, find_root
from autograder.errors import UsageError
from autograder.host import arrived
from autograder.records import Record
from autograder.report.changes import changes, changes_table
from autograder.report.clean import name, one_line
from autograder.report.overview import class_overview_html
from autograder.report.table import class_table

OVERVIEW = "overview.html"
INTERRUPTED = 130
"""Exit code of a command that was stopped by Ctrl-C, as everywhere on Unix."""


def run(
    out: Console,
    assignment: str,
    submitted: Path | None,
    students: tuple[str, ...],
    results: Path | None,
    *,
    workers: int,
    cluster: str | None,
    gradebook: bool,
    confined: bool,
    diff: bool,
) -> int:
    """Grade, and print the class; returns 1 when a submission could not be graded."""
    plan = make_plan(find_root(), assignment, submitted, results, confined)
    everybody = students_of(plan)
    if unknown := [name for name in students if name not in everybody]:
        raise UsageError(f"nothing handed in by {', '.join(unknown)}; {len(everybody)} students did: {plan.submitted}")
    chosen = sorted(set(students)) or everybody
    open_pool = partial(_open_cluster, out, cluster) if cluster else local_pool
    # Held until the gradebook is filled: it must not get older records after newer ones.
    with plan.shelf.held_alone():
        surveyed = survey(plan, chosen)
        try:
            if diff:
                return _show_changes(out, plan, surveyed, workers, open_pool)
            records, problems = _grade(out, plan, surveyed, workers, open_pool, gradebook)
        except KeyboardInterrupt:
            return _interrupted(out, plan, surveyed, diff)
    print_class(out, plan, records, problems)
    unnamed = [] if students else nameless(plan)
    for folder in unnamed:
        out.print(f"not graded: {name(folder)}: this can be no student's id. Rename the folder", markup=False)
    if plan.course.salt_is_public:
        out.print(f"Note: hidden inputs were drawn from the public salt. For a real class, set {SALT_VARIABLE}.")
    return 0 if not problems and not unnamed and _all_graded(records) else 1


def _grade(
    out: Console, plan: Plan, surveyed: Survey, workers: int, open_pool: OpenPool, gradebook: bool
) -> tuple[list[Record], dict[str, str]]:
    """Grade and fill the gradebook; returns the records, and what did not arrive in the gradebook."""
    root, id = plan.course.root, plan.assignment.id
    note = arrived.as_left(root, id) if gradebook else None
    if gradebook and note is None:
        from autograder.host.gradebook import look_at_gradebook  # late: nbgrader takes a second to import

        look_at_gradebook(root, id)  # what is wrong with it shows before hours of grading
    records = grade_with_progress(out, plan, surveyed, workers, open_pool)
    if not gradebook or (note is not None and note.holds(records, plan.submitted)):
        return records, {}
    return records, fill_gradebook_with_progress(out, plan, records)


def _open_cluster(out: Console, address: str, plan: Plan, workers: int) -> AbstractContextManager[Grading]:
    from autograder.cluster import ClusterPool  # late: only who has a cluster needs Dask

    return ClusterPool(address, plan.course, plan.assignment, plan.confined, on_wait=partial(out.print, markup=False))


def grade_with_progress(
    out: Console, plan: Plan, surveyed: Survey, workers: int, open_pool: OpenPool = local_pool
) -> list[Record]:
    """Grade with a progress bar, and write the overview of the class; the caller holds the results."""
    with _showing_progress(out, surveyed) as on_record:
        records = grade_surveyed(plan, surveyed, workers, on_record, open_pool)
    if surveyed.waiting or surveyed.found or not (plan.shelf.folder / OVERVIEW).exists():
        title = f"{plan.course.title}: {plan.assignment.title}"
        # Of the whole class, also when only some of it was graded now.
        page = class_overview_html(plan.shelf.read_all(), title).encode()
        plan.shelf.write_file(OVERVIEW, page)
    return records


@contextmanager
def _showing_progress(out: Console, surveyed: Survey) -> Iterator[Callable[[Record], None]]:
    """Show a bar, which also stops at the next record when Ctrl-C was pressed and lost."""
    with progress(out, "grading", len(surveyed.students)) as advance, stoppable() as stop_if_asked:

        def on_record(record: Record) -> None:
            advance.by_record(record)
            stop_if_asked()

        yield on_record


def fill_gradebook_with_progress(out: Console, plan: Plan, records: list[Record]) -> dict[str, str]:
    """Fill nbgrader's gradebook and write the feedback pages; returns what went wrong, by student."""
    from autograder.host.gradebook import fill_gradebook

    with progress(out, "gradebook", len(records)) as advance:
        return fill_gradebook(
            plan.course.root,
            plan.assignment.id,
            records,
            plan.submitted,
            on_student=lambda student: advance(),
            on_wait=lambda: out.print("another grader is filling the gradebook: waiting for it"),
        )


def _show_changes(out: Console, plan: Plan, surveyed: Survey, workers: int, open_pool: OpenPool) -> int:
    """Grade what has changed, put it aside, and say whose mark is another one."""
    before = {student: old for student in surveyed.students if (old := plan.shelf.read(student)) is not None}
    with _showing_progress(out, surveyed) as on_record:
        records = grade_surveyed(plan, surveyed, workers, on_record, open_pool, counts=False)
    found = changes(before, records)
    out.print(changes_table(found, len(records)) if found else "No mark and no check would change.")
    out.print(
        f"Nothing that counts was written. `autograder grade {plan.assignment.id}` writes it, without grading again.",
        markup=False,
    )
    return 0 if _all_graded(records) else 1


def _all_graded(records: list[Record]) -> bool:
    return all(record.status == "graded" for record in records)


def _interrupted(out: Console, plan: Plan, surveyed: Survey, diff: bool) -> int:
    done = len(surveyed.students) - len(survey(plan, surveyed.students).waiting)
    same = "the same command with --diff" if diff else "the same command"
    out.print(f"\nStopped. {done} of {len(surveyed.students)} are graded, and kept; {same} goes on.", markup=False)
    return INTERRUPTED


def print_class(out: Console, plan: Plan, records: Iterable[Record], problems: dict[str, str]) -> None:
    """Print the table of the class, and where to look next."""
    out.print(class_table(list(records)))
    for student, problem in problems.items():
        out.print(f"gradebook: {one_line(student)}: {one_line(problem)}", markup=False)
    folder = plan.shelf.folder
    out.print(f"overview of the class   {_near(folder / OVERVIEW)}", markup=False)
    out.print(f"results, one a student  {_near(folder)}{'/STUDENT.json'}", markup=False)


def _near(path: Path) -> Path:
    """Return a path relative to where the user stands, if it lies there."""
    here = Path.cwd()
    return path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path
