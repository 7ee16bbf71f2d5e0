"""Gives a submitted notebook back the graded cells of the release: one of each, of the right kind, with its metadata.

Students copy, delete, retype and split cells, and tools rewrite metadata. nbgrader stops a submission for most of that,
and the whole batch for a cell that is there twice.
"""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.errors import GraderFault
from autograder.submission import grade_id

_LINK = re.compile(r"\](?=[(:])(?!\(https?://|: ?https?://)")
"""Between the text of a link and its address, unless that is one of the web."""


class MendNotebook(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Mends the notebook before `DeduplicateIds` sees it."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Mend in place.

        Raises:
            GraderFault: when there is no release to go by.
        """
        who = resources["nbgrader"]
        course = self.parent.parent.coursedir
        folder = course.format_path(course.release_directory, ".", who["assignment"])
        path = Path(folder, f"{who['notebook']}.ipynb")
        try:
            released = _parsed(path.read_bytes())
        except (OSError, ValueError) as error:
            raise GraderFault(f"{path} cannot be read ({error}). Run `autograder build`") from None
        for line in mend(nb, released):
            self.log.warning("%s: %s", who["student"], line)
        return nb, resources


@lru_cache(maxsize=4)
def _parsed(data: bytes) -> Any:
    """Read a release, which is the same for a whole class; it must not be changed."""
    return nbformat.reads(data.decode(), as_version=4)


def mend(notebook: Any, released: Any) -> list[str]:
    """Mend a notebook in place and return what was done, in words."""
    said: list[str] = []
    graded = {grade_id(cell): cell for cell in released.cells if grade_id(cell)}
    kept = _chosen(notebook.cells, graded)
    for index, cell in enumerate(notebook.cells):
        name = grade_id(cell)
        if index in kept.values():
            said += _restored(notebook.cells, index, graded[name])
        elif "nbgrader" in cell.metadata:
            del cell.metadata["nbgrader"]
            said.append(f"a second cell {name} is not graded" if name in graded else f"a cell of unknown id {name!r}")
    _fill_gaps(notebook.cells, graded, said)
    _disarm(notebook.cells, {cell.source for cell in released.cells if cell.cell_type == "markdown"})
    notebook.metadata = copy.deepcopy(released.metadata)
    return said


def _chosen(cells: list[Any], graded: dict[str, Any]) -> dict[str, int]:
    """Return the position of the cell that counts for each id: the last one, of the released kind if there is one."""
    chosen: dict[str, int] = {}
    for index, cell in enumerate(cells):
        name = grade_id(cell)
        if name not in graded:
            continue
        kind = graded[name].cell_type
        if name not in chosen or cell.cell_type == kind or cells[chosen[name]].cell_type != kind:
            chosen[name] = index
    return chosen


def _restored(cells: list[Any], index: int, released: Any) -> list[str]:
    """Put the released cell in the place of the submitted one; what is left of that is the student's solution."""
    old, new = cells[index], copy.deepcopy(released)
    if released.metadata.nbgrader.solution:
        new.source = old.source
    cells[index] = new
    name = grade_id(new)
    said = [f"the cell {name} was {old.cell_type}, expected {new.cell_type}"] if old.cell_type != new.cell_type else []
    if old.metadata.nbgrader != new.metadata.nbgrader:
        said.append(f"the metadata of {name} was changed")
    if old.source != new.source:
        said.append(f"the source of {name} was changed")
    return said


def _disarm(cells: list[Any], ours: set[str]) -> None:
    """Take HTML, images and links to anything but the web out of the student's own text.

    They would act in the browser of whoever reads it: nbconvert's Markdown makes links even of `javascript:`.
    """
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source not in ours:
            cell.source = _LINK.sub(r"]\\", cell.source.replace("<", "&lt;").replace("![", "!\\["))


def _fill_gaps(cells: list[Any], graded: dict[str, Any], said: list[str]) -> None:
    """Add the released cells that are missing, each behind the one before it in the release."""
    place = 0
    for name, cell in graded.items():
        there = [index for index, own in enumerate(cells) if grade_id(own) == name]
        if there:
            place = there[0] + 1
        else:
            cells.insert(place, copy.deepcopy(cell))
            place += 1
            said.append(f"the cell {name} was missing")
