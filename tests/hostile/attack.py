"""Reads attacks: what a hostile student hands in, and what must come of it.

One file is one submission. It begins with a docstring that says what it tries, and a header in TOML that says what must
come of it; its cells follow, each under a line `# %% NAME`:

    softmax      takes the place of the cell of this exercise
    first        a cell of its own before all exercises
    last         a cell of its own after all exercises

All other exercises are solved. So the attacked exercise gets the verdicts that the header names, and every other one
its full points, unless the header says more:

    exercise     which exercise is attacked; "" attacks none of them
    verdicts     the verdicts that the checks of this exercise may get, and no others
    says         a text that stands in a message of this exercise or in a note
    suffers      exercises that may lose points besides
    slow         the attack tries to take time, memory or space: how long it may take is measured on its own
    confined_only   never to be run without the locks: outside it would be unpleasant
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

HERE = Path(__file__).parent
ATTACKS = HERE / "attacks"
COURSE = HERE / "course"
ASSIGNMENT = "01_fort"
EXERCISES = ("softmax", "attention", "Head", "sample")

_HEADER = re.compile(r"^# /// attack\n((?:#.*\n)*?)# ///$", re.MULTILINE)
_CELL = re.compile(r"^# %% (\S+)\n", re.MULTILINE)


class Attack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One hostile submission."""

    name: str
    family: str
    aim: str
    """What it tries, in a sentence."""
    cells: dict[str, str]
    """Source by name of the cell."""
    exercise: str
    verdicts: list[str]
    says: str = ""
    suffers: list[str] = []
    slow: bool = False
    confined_only: bool = False

    @property
    def student(self) -> str:
        """Return the name under which it is handed in."""
        return f"{self.family}-{self.name}".replace("_", "-")


def read_attacks() -> list[Attack]:
    """Return all attacks, by family and name."""
    return [read_attack(path) for path in sorted(ATTACKS.glob("*/*.py"))]


def read_attack(path: Path) -> Attack:
    """Read one attack.

    Raises:
        ValueError: when the file has no header, or the header is not as it should be.
    """
    text = path.read_text(encoding="utf-8")
    header = _HEADER.search(text)
    if header is None:
        raise ValueError(f"{path} has no header of an attack")
    settings = tomllib.loads(re.sub(r"^# ?", "", header[1], flags=re.MULTILINE))
    aim = text[: header.start()].strip().strip('"').strip()
    parts = _CELL.split(text[header.end() :])[1:]
    cells = {name: source.strip() + "\n" for name, source in zip(parts[::2], parts[1::2], strict=True)}
    if not aim or not cells or not set(cells) <= {*EXERCISES, "first", "last"}:
        raise ValueError(f"{path} needs a docstring, and cells called first, last or like an exercise")
    return msgspec.convert(
        {"name": path.stem, "family": path.parent.name, "aim": aim, "cells": cells, **settings}, Attack
    )


def notebook_of(attack: Attack, release: bytes, solved: dict[str, str]) -> bytes:
    """Return the notebook that the attacker hands in.

    Args:
        attack: whose cells to put in
        release: the notebook that students get
        solved: a right source for each exercise
    """
    notebook = json.loads(release)
    cells: list[dict[str, Any]] = notebook["cells"]
    for cell in cells:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in EXERCISES:
            cell["source"] = attack.cells.get(name, solved[name])
    first = next(i for i, c in enumerate(cells) if c["metadata"].get("nbgrader", {}).get("grade_id") in EXERCISES)
    if "last" in attack.cells:
        cells.append(_code_cell("last", attack.cells["last"]))
    if "first" in attack.cells:
        cells.insert(first, _code_cell("first", attack.cells["first"]))
    return json.dumps(notebook, indent=1).encode()


def _code_cell(name: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": [], "execution_count": None,
    }  # fmt: skip
