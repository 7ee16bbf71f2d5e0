"""Makes notebooks as students hand them in: the release, with cells filled in and, if need be, damaged."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

Cells = list[dict[str, Any]]


def fill(release: bytes, answers: dict[str, str], then: Callable[[Cells], None] | None = None) -> bytes:
    """Return the release notebook with the sources of some solution cells replaced.

    Args:
        release: the notebook that students get
        answers: source by exercise id
        then: changes the list of cells in place, for the kinds of damage that notebooks suffer
    """
    notebook = json.loads(release)
    cells: Cells = notebook["cells"]
    for name, source in answers.items():
        cell_of(cells, name)["source"] = source
    if then is not None:
        then(cells)
    return json.dumps(notebook, indent=1).encode()


def cell_of(cells: Cells, grade_id: str) -> dict[str, Any]:
    """Return the cell with this nbgrader id.

    Raises:
        KeyError: when there is none.
    """
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            return cell
    raise KeyError(grade_id)


def delete(name: str) -> Callable[[Cells], None]:
    """Return the damage of a deleted cell."""
    return lambda cells: cells.remove(cell_of(cells, name))


def duplicate(name: str) -> Callable[[Cells], None]:
    """Return the damage of a cell that was copied with everything it carries."""

    def damage(cells: Cells) -> None:
        cell = cell_of(cells, name)
        twin = copy.deepcopy(cell)
        twin["id"] = f"{cell['id']}-copy"
        cells.insert(cells.index(cell) + 1, twin)

    return damage
