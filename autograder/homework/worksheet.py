"""A student's file: a notebook, or a Python file in percent format (as jupytext, VS Code and Spyder write it)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from autograder.course import Assignment, read_release_folder
from autograder.errors import NotGradable, UsageError
from autograder.records import write_atomically
from autograder.release_file import FILE, read_release_file
from autograder.submission import Submission, grade_id, read, read_bytes, read_notebook, read_release

SUFFIXES = (".ipynb", ".py")
_MOST_MIB = 100
"""Figures of a notebook count, too; what has more is no notebook of a lesson."""
_NO_WORKSHEET = {"test_public.py"}


def find_worksheet(place: Path) -> Path:
    """Return the file that a student works in.

    Args:
        place: that file, or its folder: there the one called like the assignment counts, else the only one; and a
            notebook before a Python file

    Raises:
        UsageError: when there is none, or several and none is called like the assignment.
    """
    if place.is_file():
        if place.suffix not in SUFFIXES:
            raise UsageError(f"{place}: expected a notebook (.ipynb) or a Python file in percent format (.py)")
        return place
    folder = place.resolve()
    if not folder.is_dir():
        raise UsageError(f"{place}: there is no such file or folder")
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.name not in _NO_WORKSHEET)
    # Where jupytext pairs the two they hold the same, and the notebook is what is handed in.
    found = [path for path in files if path.suffix == ".ipynb"] or files
    called = read_release_file(folder).assignment if (folder / FILE).is_file() else folder.name
    named = [path for path in found if path.stem == called] or found
    if not named:
        raise UsageError(f"no notebook in {folder}: change into the folder of yours, or name it")
    if len(named) > 1:
        raise UsageError(f"{folder} holds {', '.join(path.name for path in named)}: name the one you work in")
    return named[0]


class Worksheet:
    """The file of one assignment.

    Args:
        path: the file
        assignment: whose exercises it holds
    """

    def __init__(self, path: Path, assignment: Assignment) -> None:
        self.path, self._assignment = path, assignment

    def content(self) -> bytes:
        """Return the file's bytes.

        Raises:
            NotGradable: when it cannot be read.
        """
        return read_bytes(self.path, _MOST_MIB)

    def read(self) -> Submission:
        """Return its cells.

        Raises:
            NotGradable: when it cannot be read, or is neither a notebook nor Python in percent format.
            UsageError: when the release folder does not hold the stubs.
        """
        data = self._as_notebook()
        released = read_release(data, self._assignment)
        stubs = {name: cell["source"] for name, cell in read_release_file(self._assignment.folder).stubs.items()}
        return read(data, self._assignment, msgspec.structs.replace(released, stubs=stubs))

    def sources(self, name: str) -> list[str]:
        """Return the source of each code cell of an exercise; mostly there is one.

        Raises:
            NotGradable: as `read`.
        """
        cells = read_notebook(self._as_notebook())
        return [cell["source"] for cell in cells if grade_id(cell) == name and cell["cell_type"] == "code"]

    def replace(self, name: str, cell: dict[str, Any]) -> None:
        """Put a cell in the place of those of an exercise; all else in the file stays as it is.

        Args:
            name: the exercise
            cell: as in a notebook, with "source" and "metadata"

        Raises:
            NotGradable: as `read`.
            UsageError: when its place cannot be found in the file.
        """
        changed = self._in_text(name, cell) if self.path.suffix == ".py" else self._in_notebook(name, cell)
        write_atomically(self.path, changed.encode())

    def _as_notebook(self) -> bytes:
        data = self.content()
        return _notebook_of(data, self.path) if self.path.suffix == ".py" else data

    def _in_notebook(self, name: str, cell: dict[str, Any]) -> str:
        notebook = json.loads(self.content().decode("utf-8-sig"))
        cells = [c for c in notebook["cells"] if isinstance(c, dict)]
        places = [i for i, c in enumerate(cells) if _named(c) == name]
        if not places:
            places = [i for i, c in enumerate(cells) if _named(c) == f"check-{name}"]
            if not places:
                raise UsageError(f"{self.path} has neither a cell of {name} nor its check cell: release it anew")
            cells.insert(places[0], {})
        cells[places[0]] = _as_released(cell)
        notebook["cells"] = [c for i, c in enumerate(cells) if i not in places[1:]]
        return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"

    def _in_text(self, name: str, cell: dict[str, Any]) -> str:
        text, sources = self.content().decode(), self.sources(name)
        if len(sources) != 1 or text.count(sources[0]) != 1:
            raise UsageError(
                f"{self.path}: expected one cell of {name}, found {len(sources)}. Write this there:\n\n{cell['source']}"
            )
        return text.replace(sources[0], str(cell["source"]))


def open_worksheet(place: Path) -> tuple[Worksheet, Assignment]:
    """Return the file that a student works in, and its assignment.

    Args:
        place: the file, or its folder

    Raises:
        UsageError: when there is no such file, or it does not lie in its release folder.
    """
    path = find_worksheet(place)
    assignment = read_release_folder(path.resolve().parent)
    return Worksheet(path, assignment), assignment


def _as_released(cell: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "outputs": [], **cell}


def _named(cell: dict[str, Any]) -> str:
    metadata = cell.get("metadata")
    return grade_id({"metadata": metadata if isinstance(metadata, dict) else {}})


def _notebook_of(data: bytes, path: Path) -> bytes:
    import jupytext  # late: most students have notebooks, and it is a library of its own

    try:
        notebook = jupytext.reads(data.decode("utf-8-sig"), fmt="py:percent")
    except (UnicodeDecodeError, ValueError) as error:
        raise NotGradable(f"{path.name} is not Python in percent format: {str(error).splitlines()[0]}") from None
    return json.dumps({"cells": notebook.cells}).encode()
