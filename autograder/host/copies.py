"""The autograded copy of a submission: what `nbgrader autograde` writes, one after the other in one process.

nbgrader's own steps do the work, in the order of the settings. Those that look into the gradebook or write to it, a
dozen times for each student, have stand-ins here that know its rows already and hand back what is to be written.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import preprocessors as stock
from nbgrader import utils
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import MetadataValidator
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.errors import AutograderError, GraderFault, NotGradable
from autograder.host import preprocessors as ours
from autograder.host.environment import quietly
from autograder.host.exporter import tidied
from autograder.host.rows import Cell, Marks, Source
from autograder.host.settings import read_config
from autograder.host.wording import comment_on
from autograder.records import Record
from autograder.submission import find_notebook

TIMESTAMP = "timestamp.txt"
_FOUND = "autograder_found"
"""Where the steps put what is to be written into the gradebook."""
_MOST_KEPT = 10_000
"""Kinds of metadata that are known to be valid; students can make up more."""


@dataclass(frozen=True)
class CopySetup:
    """What is the same for all copies of a class."""

    root: Path
    submitted: Path
    source: Source


@dataclass(frozen=True)
class CopyJob:
    """One submission to copy."""

    record: Record
    timestamp: bool
    """Whether its time can be read, so that the file with it belongs to the copy."""


@dataclass(frozen=True)
class Copied:
    """How that went: marks for the gradebook, or what went wrong."""

    student: str
    marks: Marks | None
    problem: str = ""


def write_copies(setup: CopySetup, jobs: Iterable[CopyJob]) -> Iterator[Copied]:
    """Write copies, and give for each what belongs into the gradebook.

    Raises:
        OSError: when a copy cannot be written.
    """
    config = copy.deepcopy(read_config(setup.root))
    with quietly() as (log, _):
        copier = _Copier(setup, config, log)
        for job in jobs:
            yield copier.write(job)


class _Copier:
    def __init__(self, setup: CopySetup, config: Config, log: logging.Logger) -> None:
        self._setup = setup
        config.GradeOutside.record_for = lambda root, assignment, student: self._record
        self._course = CourseDirectory(config=config, log=log, assignment_id=setup.source.assignment)
        self._settings = Autograde(coursedir=self._course, config=config, log=log, force=True)
        self._exporter = self._settings.exporter_class(parent=self._settings, config=self._settings.config)
        self._sanitize = self._steps(self._settings.sanitize_preprocessors)
        self._autograde = self._steps(self._settings.autograde_preprocessors)
        os.chdir(self._course.root)

    def write(self, job: CopyJob) -> Copied:
        """Write one copy. Whatever is wrong with a submission costs this student alone."""
        student = job.record.student
        folder = self._folder(self._course.autograded_directory, student)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            notebook, marks = self._graded(job)
        except AutograderError as error:
            return Copied(student, None, str(error))
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            return Copied(student, None, f"{type(error).__name__}: {first}")
        self._write(folder, notebook, job)
        return Copied(student, marks)

    def _graded(self, job: CopyJob) -> tuple[Any, Marks]:
        self._record, student = job.record, job.record.student
        source = self._setup.source
        try:
            path, _ = find_notebook(self._setup.submitted / student / source.assignment, source.assignment)
            notebook = tidied(path, float("inf"))
        except (OSError, NotGradable) as error:
            raise GraderFault(f"the notebook cannot be read any more: {error}") from None
        marks = Marks({}, {})
        who = {"student": student, "assignment": source.assignment, "notebook": source.name}
        resources = {
            "unique_key": source.name,
            "output_files_dir": f"{source.name}_files",
            "metadata": {"name": source.name, "path": str(path.parent)},
            "nbgrader": {**who, "db_url": self._course.db_url},
            "config_dir": "",
            _FOUND: marks,
        }
        for step in self._sanitize:
            notebook, resources = step(notebook, resources)
        with utils.setenv(NBGRADER_EXECUTION="autograde"):
            for step in self._autograde:
                notebook, resources = step(notebook, resources)
        nbformat.validate(notebook, relax_add_props=True)
        return notebook, marks

    def _write(self, folder: Path, notebook: Any, job: CopyJob) -> None:
        folder.mkdir(parents=True)
        name, assignment, student = self._setup.source.name, self._setup.source.assignment, job.record.student
        if job.timestamp:
            shutil.copyfile(self._setup.submitted / student / assignment / TIMESTAMP, folder / TIMESTAMP)
        source = self._folder(self._course.source_directory, ".")
        kept = set(self._settings.exclude_overwriting.get(assignment, []))
        for found in utils.find_all_files(str(source), [*self._course.ignore, "*.ipynb"]):
            beside = Path(found).relative_to(source)
            if str(beside) not in kept:
                (folder / beside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, folder / beside)
        text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
        (folder / f"{name}.ipynb").write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        self._settings.set_permissions(assignment, student)

    def _folder(self, step: str, student: str) -> Path:
        return Path(self._course.format_path(step, student, self._setup.source.assignment))

    def _steps(self, chosen: list[Any]) -> list[Any]:
        """Return the steps of a list of the settings, made, with stand-ins for those that use the gradebook."""
        known = Known(self._setup.source)
        self._exporter._preprocessors = []
        for entry in chosen:
            step = import_item(entry) if isinstance(entry, str) else entry
            if step is stock.AssignLatePenalties:
                continue  # they depend on what a person has entered, and come when the marks are written
            self._exporter.register_preprocessor(_STAND_INS.get(step, step))
        steps: list[Any] = self._exporter._preprocessors
        for step in steps:
            if isinstance(step, (_OverwriteKernelspec, _OverwriteCells)):
                step.known = known
        return steps


class Known:
    """Answers the questions about the source that nbgrader's steps ask a gradebook."""

    def __init__(self, source: Source) -> None:
        """Index the cells of the source by name."""
        self._source = source
        self._cells = {cell.name: cell for cell in source.source_cells}
        self._graded = {cell.name: cell for cell in (*source.task_cells, *source.grade_cells)}

    def find_notebook(self, notebook: str, assignment: str) -> Source:
        """Return the source notebook."""
        return self._source

    def find_source_cell(self, name: str, notebook: str, assignment: str) -> Cell:
        """Return a cell of the source.

        Raises:
            MissingEntry: when there is none of this name; nbgrader's steps expect this error.
        """
        return self._one(self._cells, name)

    def find_graded_cell(self, name: str, notebook: str, assignment: str) -> Cell:
        """Return a cell that earns points; raises as `find_source_cell` does."""
        return self._one(self._graded, name)

    @staticmethod
    def _one(cells: dict[str, Cell], name: str) -> Cell:
        if name not in cells:
            raise MissingEntry(f"No such cell: {name}")
        return cells[name]


class _OverwriteKernelspec(stock.OverwriteKernelspec):  # type: ignore[misc]  # nbgrader has no types
    known: Known

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        kernelspec = json.loads(self.known.find_notebook("", "").kernelspec or "null")
        if kernelspec:
            nb.metadata["kernelspec"] = kernelspec
        return nb, resources


class _OverwriteCells(stock.OverwriteCells):  # type: ignore[misc]  # nbgrader has no types
    known: Known

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        who = resources["nbgrader"]
        self.notebook_id, self.assignment_id, self.gradebook = who["notebook"], who["assignment"], self.known
        nb, resources = super(stock.OverwriteCells, self).preprocess(nb, resources)
        if self.add_missing_cells:
            nb, resources = self.add_missing_grade_cells(nb, resources)
            nb, resources = self.add_missing_task_cells(nb, resources)
        return nb, resources


class _CheckCellMetadata(stock.CheckCellMetadata):  # type: ignore[misc]  # nbgrader has no types
    """Checks the metadata of cells; nbgrader's way examines its own schema again for each cell of each student."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        _VALIDATOR.validate_nb(nb)
        return nb, resources


class _Validator(MetadataValidator):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's, with a memory for what is valid."""

    def __init__(self) -> None:
        super().__init__()
        self._valid: set[str] = set()

    def validate_cell(self, cell: Any) -> None:
        key = f"{cell.cell_type} {json.dumps(cell.metadata.get('nbgrader'), sort_keys=True)}"
        if key not in self._valid:
            super().validate_cell(cell)
            if len(self._valid) < _MOST_KEPT:
                self._valid.add(key)


_VALIDATOR = _Validator()


class _FindScores(stock.SaveAutoGrades):  # type: ignore[misc]  # nbgrader has no types
    """Finds the scores and comments that nbgrader would save."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        done: tuple[Any, Any] = super(stock.SaveAutoGrades, self).preprocess(nb, resources)
        return done

    def _add_score(self, cell: Any, resources: Any) -> None:
        resources[_FOUND].scores[cell.metadata["nbgrader"]["grade_id"]] = utils.determine_grade(cell, self.log)[0]

    def _add_comment(self, cell: Any, resources: Any) -> None:
        role = cell.metadata["nbgrader"]
        untouched = role.get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
        resources[_FOUND].comments[role["grade_id"]] = "No response." if untouched else None


class _FindComments(ours.WriteComments):
    """Finds the comments that `WriteComments` would write."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        record = resources[ours.RECORD]
        found = resources[_FOUND].comments
        for exercise in record.exercises:
            if exercise.id not in found:
                raise GraderFault(f"no cell {exercise.id} for the comment in the notebook. Run `autograder build`")
            found[exercise.id] = comment_on(exercise, record.isolation)
        return nb, resources


_STAND_INS = {
    stock.CheckCellMetadata: _CheckCellMetadata,
    stock.OverwriteKernelspec: _OverwriteKernelspec,
    stock.OverwriteCells: _OverwriteCells,
    stock.SaveAutoGrades: _FindScores,
    ours.WriteComments: _FindComments,
}
