"""Puts what a student handed in into nbgrader's folder: whole or not at all, and nothing that is there is lost."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from autograder.errors import NotGradable
from autograder.records import write_atomically

Outcome = Literal["new", "replaced", "unchanged"]


def place(folder: Path, notebook: bytes) -> tuple[Outcome, str]:
    """Write the notebook to grade as FOLDER/ASSIGNMENT.ipynb; a different one that is there already moves aside.

    Args:
        folder: submitted/STUDENT/ASSIGNMENT
        notebook: its content

    Returns:
        what became of it, and under which name an earlier one is kept, or ""

    Raises:
        NotGradable: when something stands in the way; the text says what.
    """
    target = folder / f"{folder.name}.ipynb"
    try:
        _look_out(target)
        if not target.exists():
            write_atomically(target, notebook)
            return "new", ""
        if target.stat().st_size == len(notebook) and target.read_bytes() == notebook:
            return "unchanged", ""
        with target.open("rb") as file:
            aside = _aside(folder, hashlib.file_digest(file, "sha256").hexdigest())
        _look_out(aside)
        target.rename(aside)
        write_atomically(target, notebook)
        return "replaced", aside.name
    except OSError as error:
        raise NotGradable(f"cannot be written to {folder.parent.name}/{folder.name}: {error.strerror}") from None


def keep(folder: Path, notebook: bytes) -> str:
    """Write a notebook that is not to be graded beside the other, and return its name.

    It is named after its content, so that doing the same again changes nothing, and not like a notebook, so that nobody
    grades it.

    Raises:
        NotGradable: when something stands in the way; the text says what.
    """
    aside = _aside(folder, hashlib.sha256(notebook).hexdigest())
    try:
        _look_out(aside)
        if not aside.exists():
            write_atomically(aside, notebook)
    except OSError as error:
        raise NotGradable(f"cannot be written to {folder.parent.name}/{folder.name}: {error.strerror}") from None
    return aside.name


def _aside(folder: Path, digest: str) -> Path:
    return folder / f"{folder.name}.ipynb.kept-{digest[:12]}"


def _look_out(target: Path) -> None:
    """Refuse to write to submitted/STUDENT/ASSIGNMENT/FILE when one of the last three is there and something else."""
    _must_be(target.parent.parent, stat.S_ISDIR, "a folder")
    _must_be(target.parent, stat.S_ISDIR, "a folder")
    _must_be(target, stat.S_ISREG, "an ordinary file")


def _must_be(path: Path, is_right: Callable[[int], bool], words: str) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not is_right(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "something else"
        raise NotGradable(f"cannot be written: {path.parent.name}/{path.name} is {what}, not {words}")
