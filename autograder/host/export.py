"""Marks as CSV: nbgrader's columns, quoted, without formulas, and empty where there is no mark."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from autograder.host.marks import is_graded

COLUMNS = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a text for a formula, or skip to one; in East Asia the wide ones, too."""


class CsvExport(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    """One line for each student and assignment, as nbgrader's own exporter, which calls an ungraded submission 0.

    A student who handed in nothing has 0, as there.
    """

    def export(self, gradebook: Gradebook) -> None:
        """Write the file named by `--to`, or grades.csv."""
        assignments = [a for a in gradebook.assignments if self._wanted(a.name, self.assignment)]
        students = [s for s in gradebook.students if self._wanted(s.id, self.student)]
        path = Path(self.to or "grades.csv")
        self.log.info("Exporting grades to %s", path)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            for assignment in assignments:
                for student in students:
                    row = self._row(gradebook, assignment, student)
                    writer.writerow({column: defused(value) for column, value in row.items()})

    @staticmethod
    def _wanted(name: str, chosen: list[Any]) -> bool:
        return not chosen or name in [str(entry) for entry in chosen]

    def _row(self, gradebook: Gradebook, assignment: Any, student: Any) -> dict[str, Any]:
        row = {
            "assignment": assignment.name,
            "duedate": assignment.duedate,
            "student_id": student.id,
            "last_name": student.last_name,
            "first_name": student.first_name,
            "email": student.email,
            "max_score": assignment.max_score,
        }
        try:
            submission = gradebook.find_submission(assignment.name, student.id)
        except MissingEntry:
            return {**row, "raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}
        row["timestamp"] = submission.timestamp
        if not is_graded(submission):
            self.log.error("%s of %s is not graded: its score is left empty", assignment.name, student.id)
            return row
        penalty = submission.late_submission_penalty or 0.0
        score = max(0.0, submission.score - penalty)
        return {**row, "raw_score": submission.score, "late_submission_penalty": penalty, "score": score}


def defused(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: such a text gets an apostrophe, a number stays one."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
