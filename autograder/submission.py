"""Reads a notebook as a submission: which cell belongs to which exercise, without running anything.

A student can do anything to a notebook: cells deleted, doubled, moved, retyped, merged; a file that is no notebook at
all. Reading recovers what it can, notes what it recovered, and raises `NotGradable` with the reason for the rest.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from autograder.cell import Cell
from autograder.course import Assignment
from autograder.errors import NotGradable
from autograder.records import ExerciseStatus

_MIB = 1024 * 1024
_MOST_CODE = 256 * 1024
"""Characters of code in a notebook that is graded: many times what a course needs, and read in well under a second."""
_LONGEST_PARSED = 100_000
"""Characters of a cell that is looked at as Python; parsing a longer one takes longer than it can be worth."""
CHECK_PREFIX = "check-"
GIVEN_PREFIX = "given-"
STARTS_FROM = "starts_from"
"""In the metadata of a solution cell of the source: what the student gets in its place, other than a stub."""
_NO_WORK = {
    *("test_public.py", "exercises.toml", "mistakes.safetensors", "release.json"),
    *("timestamp.txt", "submission_secret.txt", "__pycache__", "backups"),
}
"""What lies beside a notebook without the student's doing: released with it, or put there by programs."""
_NAMED = 3
"""Files that a note names where there are more."""
_LONGEST_NAME = 80
"""Characters of a file's name in a note."""


class Released(msgspec.Struct, frozen=True):
    """What the release notebook holds, to tell the student's own work from what they were given."""

    stubs: dict[str, str]
    """Source of each exercise's stub."""
    demonstrations: frozenset[str]
    """Sources of the cells that only show something: figures, timings, tables."""
    givens: dict[str, str] = {}
    """Sources of the cells that hold what earlier assignments made, by name."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook, read."""

    cells: list[Cell]
    """The code cells to run, in the notebook's order; demonstrations as they were released are left out."""
    status: dict[str, ExerciseStatus]
    """For each exercise whether the student worked on it."""
    notes: list[str]
    """What was recovered, in words for the student."""


def find_notebook(folder: Path, assignment_id: str) -> tuple[Path, list[str]]:
    """Return the notebook that a student handed in, and notes on the choice and on the files beside it.

    The one named like the assignment counts; else the only one there is. Nothing else in the folder is ever read.

    Raises:
        NotGradable: when there is none, or several of which none has the right name.
    """
    expected = f"{assignment_id}.ipynb"
    if folder.is_symlink() or folder.parent.is_symlink():
        # It could lead to another student's work, or to the solution.
        raise NotGradable("What was handed in is a symbolic link, not a folder.")
    try:
        with os.scandir(folder) as entries:
            files = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    except OSError as error:
        raise NotGradable(f"What was handed in cannot be read: {error.strerror}.") from None
    handed_in = [name for name in files if not name.startswith(".")]
    called = sorted(name for name in handed_in if name.endswith(".ipynb"))
    # What is no ordinary file counts only where there is nothing else: the reason is then said on reading it.
    found = [name for name in called if files[name]] or called
    if not found:
        raise NotGradable(f"No notebook was handed in: expected {expected}.")
    if expected not in found and len(found) > 1:
        raise NotGradable(f"Expected {expected}, found {_some(found)}: which one counts?")
    chosen = expected if expected in found else found[0]
    if not _is_text(chosen):
        raise NotGradable(f"Expected {expected}, found {_some([chosen])}, whose name is not text: rename it.")
    others = [name for name in called if name != chosen]
    beside = sorted({*handed_in} - {*called} - _NO_WORK)
    notes = []
    if chosen != expected:
        notes.append(f"Graded {_some([chosen])}, expected the name {expected}.")
    if others:
        notes.append(f"Graded {_some([chosen])}; not read: {_some(others)}.")
    if beside:
        notes.append(f"Not read: {_some(beside)}.")
    return folder / chosen, notes


def _is_text(name: str) -> bool:
    """Say whether a file's name is UTF-8; Linux takes any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _some(names: list[str]) -> str:
    """Name the first of many files, and say how many more there are; the names may be anything."""
    # Bytes that are no UTF-8 could not be written into a record, and a line break would end the note.
    shown = [name.encode(errors="surrogateescape").decode(errors="replace")[:_LONGEST_NAME] for name in names[:_NAMED]]
    text = ", ".join("".join(letter if letter.isprintable() else "\ufffd" for letter in name) for name in shown)
    return text if len(names) <= _NAMED else f"{text} and {len(names) - _NAMED:,} more"


def read_bytes(path: Path, limit_mib: float) -> bytes:
    """Return the file's content.

    Raises:
        NotGradable: when it is larger than the limit, no ordinary file, or cannot be read.
    """
    try:
        if not path.is_file() or path.is_symlink():
            raise NotGradable(f"{path.name} is not an ordinary file.")
        if (size := path.stat().st_size) > limit_mib * _MIB:
            raise NotGradable(f"{path.name} has {size / _MIB:.1f} MiB, at most {limit_mib:g} MiB are graded.")
        return path.read_bytes()
    except OSError as error:
        raise NotGradable(f"{path.name} cannot be read: {error.strerror}.") from None


def read_notebook(data: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook of format 4, as plain dictionaries with "cell_type", "source" and "metadata".

    Raises:
        NotGradable: when the bytes are not such a notebook; the text says what they are.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotGradable("The file is not a notebook: it is not text in UTF-8.") from None
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        conflict = "<<<<<<<" in text and ">>>>>>>" in text
        reason = "it holds the marks of an unresolved merge" if conflict else "it is not JSON"
        raise NotGradable(f"The file is not a notebook: {reason}.") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        old = isinstance(notebook, dict) and "worksheets" in notebook
        reason = "its format is older than 4, open and save it in JupyterLab" if old else "it has no cells"
        raise NotGradable(f"The file is not a notebook that can be graded: {reason}.")
    return [_plain_cell(cell) for cell in cells if isinstance(cell, dict)]


def _plain_cell(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    text = source if isinstance(source, str) else ""
    return {
        "cell_type": cell.get("cell_type"),
        "source": text.encode("utf-8", "replace").decode(),  # half a character cannot be sent inside
        "metadata": metadata if isinstance(metadata, dict) else {},
    }


def grade_id(cell: dict[str, Any]) -> str:
    """Return the cell's nbgrader id, or "" when it has none."""
    nbgrader = cell["metadata"].get("nbgrader")
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else ""


def read_release(data: bytes, assignment: Assignment) -> Released:
    """Return what the release notebook of an assignment holds."""
    ids = {e.id for e in assignment.exercises}
    code = [cell for cell in read_notebook(data) if cell["cell_type"] == "code"]
    return Released(
        stubs={grade_id(cell): cell["source"] for cell in code if grade_id(cell) in ids},
        demonstrations=frozenset(
            cell["source"] for cell in code if cell["metadata"].get("autograder") == {"role": "demonstration"}
        ),
        givens={grade_id(cell): cell["source"] for cell in code if grade_id(cell).startswith(GIVEN_PREFIX)},
    )


def read(data: bytes, assignment: Assignment, released: Released) -> Submission:
    """Read a submission.

    Raises:
        NotGradable: when the bytes are not a notebook, or it holds too much code.
    """
    ids = [e.id for e in assignment.exercises]
    notes: list[str] = []
    cells: list[Cell] = []
    raws = read_notebook(data)
    code = sum(len(raw["source"]) for raw in raws if raw["cell_type"] == "code")
    if code > _MOST_CODE:
        raise NotGradable(f"The notebook holds {code // 1024} KiB of code, at most {_MOST_CODE // 1024} are graded.")
    for index, raw in enumerate(raws):
        name = grade_id(raw)
        if raw["cell_type"] != "code":
            if name in ids:
                notes.append(f"The cell of {name} is no code cell any more, so it was not run.")
            continue
        if name.startswith(CHECK_PREFIX) or raw["source"] in released.demonstrations or not raw["source"].strip():
            continue
        if name not in released.givens:
            cells.append(Cell(name if name in ids else f"cell {index + 1}", raw["source"]))
        elif all(cell.name != name for cell in cells):
            cells.append(Cell(name, released.givens[name]))  # as it was released, whatever became of it
    cells = _with_givens(cells, released.givens, ids)
    defined = [_defined_in(cell.source) for cell in cells]
    status: dict[str, ExerciseStatus] = {}
    hiding: list[Cell] = []
    for name in ids:
        stub = released.stubs.get(name, "")
        own = [cell for cell in cells if cell.name == name]
        touched = [cell for cell in own if not _same_code(cell.source, stub)]
        elsewhere = [c for c, names in zip(cells, defined, strict=True) if c.name != name and name in names]
        status[name] = "attempted" if touched or elsewhere else "not_attempted" if own else "missing"
        notes += _notes_on(name, cells, own, touched, elsewhere)
        # An untouched stub below the student's definition would take its place again.
        hiding += [cell for cell in own if elsewhere and cell not in touched]
    return Submission(cells=[cell for cell in cells if cell not in hiding], status=status, notes=notes)


def _with_givens(cells: list[Cell], givens: dict[str, str], ids: list[str]) -> list[Cell]:
    """Return the cells with those that are given but were deleted put back, in front of the first exercise."""
    lost = [Cell(name, source) for name, source in givens.items() if all(cell.name != name for cell in cells)]
    place = next((index for index, cell in enumerate(cells) if cell.name in ids), len(cells))
    return [*cells[:place], *lost, *cells[place:]]


def _notes_on(
    name: str, cells: list[Cell], own: list[Cell], touched: list[Cell], elsewhere: list[Cell]
) -> Iterator[str]:
    """Say what was recovered of one exercise."""
    if len(own) > 1:
        yield f"{name} has {len(own)} cells; the last one counts."
    where = ", ".join(cell.name for cell in elsewhere)
    if elsewhere and not touched:
        yield f"{name} was found in {where} instead of its own cell."
    elif elsewhere and cells.index(elsewhere[-1]) > cells.index(touched[-1]):
        yield f"{name} is defined again in {where}; the last definition counts."


def _defined_in(source: str) -> set[str]:
    """Return the names that the top level of a cell defines."""
    if len(source) > _LONGEST_PARSED:
        return set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _same_code(source: str, stub: str) -> bool:
    """Say whether two sources differ in nothing but comments, layout and docstrings."""
    if source == stub:
        return True
    if len(source) > _LONGEST_PARSED:
        return False
    try:
        return _code_only(source) == _code_only(stub)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _code_only(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                del body[0]
    return ast.dump(tree)
