"""`autograder demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from autograder.build import write
from autograder.chain import make_plan, survey
from autograder.commands.grade import fill_gradebook_with_progress, grade_with_progress, print_class
from autograder.course import Course, find_root, read_course
from autograder.demo import write_class
from autograder.errors import UsageError

_COURSE_PARTS = ("assignments", "solutions", "nbgrader_config.py", "release")
"""The release is built anew like everything else; from the old one come the recordings, which take a minute to make."""
_MARK = ".autograder-demo"


def run(out: Console, folder: Path, everything: bool, workers: int) -> int:
    """Set up an example course, grade its class, and say where to look; returns 0 when all went as it should."""
    course = _set_up(find_root(), folder.resolve())
    with out.status("building the course"):
        write(course)
        handed_in = {a.id: write_class(course, a, course.root / "submitted") for a in course.assignments}
    failed = [
        _grade(out, course, name, handed_in[name], workers) for name in list(handed_in)[: None if everything else 1]
    ]
    assignment = course.assignments[0]
    out.print(
        f"feedback pages          {folder / 'feedback'}/STUDENT/{assignment.id}/{assignment.id}.html", markup=False
    )
    out.print(f"gradebook               {folder / 'gradebook.db'}", markup=False)
    if not everything:
        others = ", ".join(a.id for a in course.assignments[1:])
        out.print(
            f"handed in as well       {others}; grade them by `cd {folder} && autograder grade ...`, or all by --all"
        )
    out.print("\nNext: open the overview in a browser,", markup=False)
    out.print(f"      see nbgrader's formgrader with `cd {folder} && jupyter lab`,", markup=False)
    out.print(f"      or take the lesson: {folder / 'release' / assignment.id / assignment.id}.ipynb", markup=False)
    return int(any(failed))


def _grade(out: Console, course: Course, assignment: str, students: list[str], workers: int) -> bool:
    """Grade what the class handed in for one assignment; returns whether something went wrong with that."""
    plan = make_plan(course.root, assignment)
    out.print(f"A class of {len(students)} handed in {assignment}.")
    with plan.shelf.held_alone():
        records = grade_with_progress(out, plan, survey(plan, students), workers)
        problems = fill_gradebook_with_progress(out, plan, records)
    print_class(out, plan, records, problems)
    # One of them is no notebook at all, which is part of the demonstration and not a failure of it.
    return bool(problems) or any(record.status == "grader_fault" for record in records)


def _set_up(root: Path, folder: Path) -> Course:
    """Copy the course into a folder of its own, so that the demo never touches a real class.

    Raises:
        UsageError: when there is something in the folder that an earlier demo did not put there.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UsageError(f"{folder} is not empty and not an earlier demo: name another --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()
    for part in _COURSE_PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copy(source, folder / part)
    return read_course(folder)
