"""`autograder demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from autograder.build import write
from autograder.chain import make_plan, only_grader
from autograder.commands.grade import fill_gradebook_with_progress, grade_with_progress, print_class
from autograder.course import Course, find_root, read_course
from autograder.demo import write_class
from autograder.errors import UsageError

_COURSE_PARTS = ("assignments", "solutions", "nbgrader_config.py")
_MARK = ".autograder-demo"


def run(out: Console, folder: Path, workers: int) -> int:
    """Set up an example course, grade its class, and say where to look; returns 0 when all went as it should."""
    course = _set_up(find_root(), folder.resolve())
    assignment = course.assignments[0]
    with out.status("building the course"):
        write(course)
        plan = make_plan(course.root, assignment.id)
        students = write_class(course, assignment, plan.submitted)
    out.print(f"A class of {len(students)} handed in {assignment.id}.")
    with only_grader(plan):
        records = grade_with_progress(out, plan, students, workers)
        problems = fill_gradebook_with_progress(out, plan, records)
    print_class(out, plan, records, problems)
    out.print(
        f"feedback pages          {folder / 'feedback'}/STUDENT/{assignment.id}/{assignment.id}.html", markup=False
    )
    out.print(f"gradebook               {folder / 'gradebook.db'}", markup=False)
    out.print("\nNext: open the overview in a browser,", markup=False)
    out.print(f"      see nbgrader's formgrader with `cd {folder} && jupyter lab`,", markup=False)
    out.print(f"      or take the lesson: {folder / 'release' / assignment.id / assignment.id}.ipynb", markup=False)
    # One of them is no notebook at all, which is part of the demonstration and not a failure of it.
    return 1 if problems or any(record.status == "grader_fault" for record in records) else 0


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
        else:
            shutil.copy(source, folder / part)
    return read_course(folder)
