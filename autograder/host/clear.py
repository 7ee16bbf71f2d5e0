"""Takes solutions out of the release: nbgrader's own preprocessor, which also knows exercises that start from a bug."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import ClearSolutions

from autograder.submission import STARTS_FROM


class ClearSolutionsAndLeaveBugs(ClearSolutions):  # type: ignore[misc]  # nbgrader has no types
    """Puts a stub in the place of each solution, or the wrong code that the student is to mend."""

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Clear one cell."""
        ours = cell.metadata.get("autograder", {})
        if STARTS_FROM not in ours:
            cleared: tuple[Any, Any] = super().preprocess_cell(cell, resources, cell_index)
            return cleared
        cell.source = ours.pop(STARTS_FROM)
        if not ours:
            del cell.metadata["autograder"]
        return cell, resources
