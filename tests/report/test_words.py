"""The vocabulary of the report."""

from __future__ import annotations

from typing import get_args

import pytest

from autograder.records import ExerciseStatus, Isolation, SubmissionStatus, Verdict
from autograder.report import words


def test_every_verdict_and_state_of_a_record_has_its_words() -> None:
    """A value added to the record fails here until somebody has found words for it."""
    assert set(get_args(Verdict)) == set(words.VERDICTS)
    assert set(get_args(ExerciseStatus)) == set(words.EXERCISE_STATES) == set(words.EXERCISE_LEADS)
    assert set(get_args(SubmissionStatus)) == set(words.SUBMISSION_STATES) == set(words.SUBMISSION_REASONS)
    assert set(get_args(Isolation)) == set(words.ISOLATION)


def test_no_two_verdicts_look_or_read_alike() -> None:
    """Marks, labels and short forms are all different."""
    said = words.VERDICTS.values()

    assert len(words.VERDICTS) == len({entry.mark for entry in said})
    assert len(words.VERDICTS) == len({entry.label for entry in said})
    assert len(words.VERDICTS) == len({entry.short for entry in said})


@pytest.mark.parametrize(
    ("value", "expected"), [(15.0, "15"), (7.5, "7.5"), (10 / 3, "3.33"), (0.0, "0"), (-0.001, "0"), (100.0, "100")]
)
def test_points_are_written_without_needless_decimals(value: float, expected: str) -> None:
    assert expected == words.number(value)


@pytest.mark.parametrize(
    ("score", "max_score", "expected"),
    [(100, 100, 100), (99.99, 100, 99), (0.29, 1, 29), (0, 100, 0), (3, 0, 0), (120, 100, 100), (-5, 100, 0)],
)
def test_only_full_marks_are_a_hundred_percent(score: float, max_score: float, expected: int) -> None:
    assert expected == words.percent(score, max_score)
