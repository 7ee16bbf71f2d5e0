"""Turns the source notebook into the release notebook: nbgrader's own `generate_assignment`."""

from __future__ import annotations

from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearSolutions
from traitlets.config import Config

from autograder.errors import UsageError
from autograder.host.clear import ClearSolutionsAndLeaveBugs
from autograder.host.environment import quietly
from autograder.stubs import STUB


def generate_release(root: Path, assignment_id: str) -> None:
    """Write `root/release/ASSIGNMENT/` from `root/source/ASSIGNMENT/`, without opening a gradebook.

    Raises:
        UsageError: when nbgrader refuses; the text says why.
    """
    config = Config()
    config.CourseDirectory.root = str(root.resolve())
    config.ClearSolutions.code_stub = {"python": STUB}
    config.GenerateAssignment.preprocessors = [
        ClearSolutionsAndLeaveBugs if step is ClearSolutions else step
        for step in GenerateAssignment.preprocessors.default()
    ]
    # The gradebook learns of the cells when grading starts; making one only to build would take seconds.
    config.SaveCells.enabled = False
    with quietly() as (log, said):
        converter = GenerateAssignment(coursedir=CourseDirectory(config=config, log=log), config=config, log=log)
        converter.coursedir.assignment_id = assignment_id
        converter.no_database = True
        converter.force = True
        try:
            converter.start()
        except NbGraderException:
            raise UsageError(f"nbgrader could not make the release of {assignment_id}: {last_words(said)}") from None


def last_words(said: list[str]) -> str:
    """Return the line of nbgrader's log that says what went wrong: the last of the last traceback."""
    tracebacks = [text for text in said if text.startswith("Traceback")]
    # Python may end a traceback with a line of carets under the code.
    lines = [line for line in tracebacks[-1].splitlines() if line.strip(" ^~")] if tracebacks else said
    return lines[-1].strip() if lines else "it does not say why"
