"""The command line: prints, asks the other modules to work, and turns errors into exit codes.

0 done; 1 done, but some submission could not be graded or some check failed; 2 bad usage or refused to start.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape

from autograder import __version__
from autograder.errors import AutograderError

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


class _Commands(click.Group):
    """Lists commands in the order in which a newcomer meets them, and shows our errors without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AutograderError as error:
            if ctx.params.get("debug"):
                raise
            from autograder.report.clean import clean  # a name of a file may be in it

            _refuse(clean(str(error)))
        except ImportError as error:
            if ctx.params.get("debug"):
                raise
            _refuse(f"a package is missing or broken: {error}. Install the packages of requirements.txt again")


def _refuse(reason: str) -> NoReturn:
    _err.print(f"[bold red]Error:[/] {escape(reason)}", soft_wrap=True)
    sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__)
def main(debug: bool) -> None:
    """Build, check and grade a course in which students write a Transformer by hand.

    New here? `autograder demo` shows the whole loop on an example class. Students need `check`, `hint`, `progress` and
    `reset`; instructors `grade`; authors `build` and `verify`. `autograder COMMAND --help` says more about each.
    """


@main.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the example course is set up; what an earlier demo left there is replaced.",
)
@click.option("--all", "everything", is_flag=True, help="Grade every assignment, not only the first.")
@click.option("--workers", type=click.IntRange(1), default=None, help="Grading processes.  [default: one per core]")
def demo(folder: Path, everything: bool, workers: int | None) -> None:
    """Show the whole loop: build, hand in, grade, give feedback, on an example class.

    Sets up an nbgrader course of its own, with the notebooks of a class that did everything from perfect work to
    forging marks, grades it, and says where to look.
    """
    from autograder.commands import demo as command

    sys.exit(command.run(_out, folder, everything, workers or _cores()))


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when source/ or release/ are not fresh.")
def build(check: bool) -> None:
    """Build the notebooks: assignments/ and solutions/ become source/, and nbgrader turns that into release/.

    Both are written anew each time and are the same, byte for byte, as long as nothing was edited. Do not edit them.
    """
    from autograder.commands import build as command

    sys.exit(command.run(_out, check))


@main.command()
@click.argument("assignment", required=False)
@click.option("--mutate", is_flag=True, help="Try mutants instead: the solutions with one small change each.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the error rates of the whole course to this file, beside those of naive checks.",
)
@click.option(
    "--check-report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only say whether this file of error rates is fresh.",
)
def verify(assignment: str | None, mutate: bool, report: Path | None, check_report: Path | None) -> None:
    """Test the checks of ASSIGNMENT (all, when left out) against known right and known wrong solutions.

    The untouched stub must score 0 and the solution everything; every misconception must be rejected by each check that
    names it, every alternative must pass. Prints the kill matrix (which check rejects which mistake), both error rates
    and how clearly each check tells right from wrong. Exits with 1 when anything of this is not so.

    With --mutate every small change of the solutions must be rejected as well, or stand with its reason in the
    assignment's equivalent_mutants.toml.
    """
    if sum((mutate, report is not None, check_report is not None)) > 1:
        raise click.UsageError("--mutate, --report and --check-report do not go together")
    if assignment and (report or check_report):
        raise click.UsageError("the report is about the whole course: leave ASSIGNMENT out")
    if check_report:
        from autograder.commands import check_report as quick

        sys.exit(quick.run(_out, check_report))
    from autograder.commands import verify as command

    if report:
        sys.exit(command.write_report(_out, report))
    if mutate:
        sys.exit(command.mutate(_out, assignment))
    sys.exit(command.run(_out, assignment))


_NOTEBOOK = click.option(
    "--notebook",
    type=click.Path(exists=True, path_type=Path),
    default=Path(),
    help="Your notebook, or its folder.  [default: this folder]",
)


@main.command()
@click.argument("notebook", type=click.Path(exists=True, path_type=Path))
@click.argument("exercise", required=False)
@click.option("--watch", is_flag=True, help="Check again each time the notebook is saved, and show what changed.")
def check(notebook: Path, exercise: str | None, watch: bool) -> None:
    """Check your own NOTEBOOK with the public checks beside it: all exercises, or the one named EXERCISE.

    NOTEBOOK is an .ipynb, or a .py in percent format. Exits with 0 only when everything passes. Runs your cells on your
    machine as they are; figures and other demonstrations of the lesson are left out.
    """
    from autograder.commands import check as command

    sys.exit(command.run(_out, notebook, exercise, watch))


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
def progress(folder: Path) -> None:
    """Show the course in FOLDER as a map: what is done, what is open, and what a finished exercise unlocks.

    FOLDER holds the folders of the assignments, or is one of them; this one when left out. Exits with 0 when everything
    but extras is done.
    """
    from autograder.commands import progress as command

    sys.exit(command.run(_out, folder))


@main.command()
@click.argument("exercise")
@_NOTEBOOK
def hint(exercise: str, notebook: Path) -> None:
    """Give the next hint for EXERCISE: first a question, then where to look, then a small example.

    Where the checks recognise a mistake the hints are about that. Remembers how far you got; the last hint is repeated.
    """
    from autograder.commands import hint as command

    sys.exit(command.run(_out, exercise, notebook))


@main.command()
@click.argument("exercise")
@_NOTEBOOK
def reset(exercise: str, notebook: Path) -> None:
    """Put EXERCISE back to what it was when it was handed out; what you wrote is kept in a file in backups/."""
    from autograder.commands import reset as command

    sys.exit(command.run(_out, exercise, notebook))


@main.command()
@click.argument("assignment")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--roster", type=click.Path(path_type=Path), help="CSV file: a column `id`, and what else names a student."
)
@click.option("--submitted", type=click.Path(path_type=Path), help="Where they are put.  [default: submitted]")
@click.option("--report", type=click.Path(path_type=Path), help="Also write what became of each file here, as JSON.")
def collect(assignment: str, source: Path, roster: Path | None, submitted: Path | None, report: Path | None) -> None:
    """Take in what was handed in for ASSIGNMENT from SOURCE: the zip that an LMS gives, or a folder.

    Each student's notebook is copied to submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb. Nothing else is taken, nothing
    is executed, nothing that is there is lost; collecting twice changes nothing. A path says whose notebook it is:

    \b
      STUDENT/ASSIGNMENT/*.ipynb                          nbgrader
      STUDENT/*.ipynb, STUDENT.ipynb                      a folder or a file for each student
      Full Name_12345_assignsubmission_file/*.ipynb       Moodle
      name[_LATE]_USER_FILE_original.ipynb                Canvas
      submission_12345/*.ipynb                            Gradescope

    A roster says which of the course's students that is: in the row of each stands their `id`, and in any other column
    what the LMS calls them, such as Canvas's user number, Moodle's participant or full name. Without one, they are
    called as in the LMS. Exits with 1 when there is something to look at.
    """  # noqa: D301  # \b tells click to leave the lines below it as they are
    from autograder.commands import collect as command

    sys.exit(command.run(_out, assignment, source, roster, submitted, report))


@main.command()
@click.argument("assignment")
@click.option("--submitted", type=click.Path(path_type=Path), help="Folder of submissions.  [default: submitted]")
@click.option("--student", "students", multiple=True, metavar="ID", help="Grade only this student; may be repeated.")
@click.option("--results", type=click.Path(path_type=Path), help="Folder for the records.  [default: results]")
@click.option("--workers", type=click.IntRange(1), default=None, help="Grading processes.  [default: one per core]")
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Grade on the workers of a Dask cluster: its scheduler's address, tcp:// or tls://.",
)
@click.option("--no-gradebook", is_flag=True, help="Write records only: no gradebook, no feedback pages.")
@click.option(
    "--diff",
    is_flag=True,
    help="Only show whose mark would change, and by which check; nothing that counts is written.",
)
@click.option(
    "--allow-unconfined",
    is_flag=True,
    help="Grade even where student code cannot be locked in. Every result then says `unconfined`.",
)
def grade(
    assignment: str,
    submitted: Path | None,
    students: tuple[str, ...],
    results: Path | None,
    workers: int | None,
    cluster: str | None,
    no_gradebook: bool,
    diff: bool,
    allow_unconfined: bool,
) -> None:
    """Grade what was handed in for ASSIGNMENT.

    Reads nbgrader's submitted/STUDENT/ASSIGNMENT/*.ipynb, writes results/ASSIGNMENT/STUDENT.json and an overview of
    the class, fills gradebook.db and writes the feedback pages. What is graded already and has not changed is kept, so
    a run that was stopped can be started again. Exits with 1 when a submission could not be graded.
    """
    from autograder.commands import grade as command

    if cluster and workers:
        raise click.UsageError("--workers is about this machine: leave it out with --cluster")
    code = command.run(
        _out,
        assignment,
        submitted,
        students,
        results,
        workers=workers or _cores(),
        cluster=cluster,
        gradebook=not no_gradebook,
        confined=not allow_unconfined,
        diff=diff,
    )
    sys.exit(code)


@main.command()
def doctor() -> None:
    """Say what this machine offers: the locks, the versions, the notebook kernel, the disk."""
    from autograder.commands import doctor as command

    sys.exit(command.run(_out))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
