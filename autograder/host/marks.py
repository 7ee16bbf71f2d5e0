"""Marks in nbgrader's gradebook: taking them back, and reading them."""

from __future__ import annotations

import math
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.host.environment import unwarned

TOLERANCE = 1e-6
"""Two sums of points that differ by less are the same mark."""


def withdraw(db_url: str, assignment_id: str, student: str, reason: str) -> None:
    """Leave no automatic grade of a submission standing, and say why in its comments.

    What a person has entered (manual scores, extra credit, comments) stays. The submission then needs manual grading,
    which is how nbgrader shows that something has no grade yet. A submission that the gradebook does not know is
    entered: otherwise it would count as not handed in, with 0 points.
    """
    with unwarned(), Gradebook(db_url) as gradebook:
        gradebook.update_or_create_student(student)
        submission = gradebook.update_or_create_submission(assignment_id, student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score = None
                grade.needs_manual_grade = True
            for comment in notebook.comments:
                comment.auto_comment = reason
        gradebook.db.commit()


def is_graded(submission: Any) -> bool:
    """Say whether every graded cell of a submission has a score, from the grader or from a person."""
    return all(
        grade.auto_score is not None or grade.manual_score is not None
        for notebook in submission.notebooks
        for grade in notebook.grades
    )


def read_scores(db_url: str, assignment_id: str) -> dict[str, float | None]:
    """Return each student's score in the gradebook, None for a submission that is not graded."""
    with Gradebook(db_url) as gradebook:
        try:
            submissions = gradebook.assignment_submissions(assignment_id)
        except MissingEntry:
            return {}
        return {s.student_id: float(s.score) if is_graded(s) else None for s in submissions}


def read_auto_scores(db_url: str, assignment_id: str, student: str) -> dict[str, float | None]:
    """Return the automatic score of each graded cell of one submission; empty when there is no submission."""
    with Gradebook(db_url) as gradebook:
        try:
            submission = gradebook.find_submission(assignment_id, student)
        except MissingEntry:
            return {}
        return {grade.name: grade.auto_score for notebook in submission.notebooks for grade in notebook.grades}


def same(a: float | None, b: float | None) -> bool:
    """Say whether two marks are the same; no mark is only the same as no mark."""
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=0.0, abs_tol=TOLERANCE)
