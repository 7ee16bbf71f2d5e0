"""Counts over a class: how exercises went, which checks fail, which misconceptions there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from autograder.records import CheckResult, ExerciseResult, Record, Verdict
from autograder.report import words
from autograder.report.summary import known_mistakes

OUTCOMES = ("full", "part", "none", "not_attempted", "missing")
"""How an exercise can have gone: full marks, some points, no points, the untouched stub, or gone."""


@dataclass(frozen=True, slots=True)
class CheckTally:
    """How often one check failed, over the submissions in which it was tried."""

    check: CheckResult
    """The check as it stood in the first submission, for its id and title."""
    tried: int
    verdicts: tuple[tuple[Verdict, int], ...]
    """The verdicts of those that failed, with their counts, most frequent first."""

    @property
    def failed(self) -> int:
        """In how many submissions it failed."""
        return sum(count for _, count in self.verdicts)


@dataclass(frozen=True, slots=True)
class ExerciseTally:
    """How one exercise went in a class."""

    id: str
    outcomes: dict[str, int]
    """How many submissions had each of `OUTCOMES`."""
    mean_percent: int
    """Mean score of all graded submissions that hold the exercise."""
    failing: tuple[CheckTally, ...]
    """The checks that failed at all, most frequent first."""

    @property
    def total(self) -> int:
        """How many graded submissions hold the exercise."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class MistakeTally:
    """In which submissions one misconception was found."""

    name: str
    exercise: str
    students: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """The distribution of the scores of graded submissions, in percent."""

    bins: tuple[int, ...]
    """Ten counts: 0 to 9 percent, 10 to 19, and so on; the last is 90 to 100."""
    mean: int
    median: int
    full: int
    """How many have full marks."""


def earned(exercise: ExerciseResult) -> tuple[float, float]:
    """Return what was earned and what could be earned: points, or checks where there are no points."""
    if exercise.max_score > 0:
        return exercise.score, exercise.max_score
    return float(sum(check.verdict == "pass" for check in exercise.checks)), float(len(exercise.checks))


def outcome(exercise: ExerciseResult) -> str:
    """Return which of `OUTCOMES` an exercise had."""
    if exercise.status != "attempted":
        return exercise.status
    got, possible = earned(exercise)
    if got >= possible:
        return "full"
    return "part" if got > 0 else "none"


def scores(records: Sequence[Record]) -> Scores | None:
    """Count the scores of graded submissions, or return None when there are none."""
    shares = [words.percent(record.score, record.max_score) for record in records if record.score is not None]
    if not shares:
        return None
    counts = Counter(min(share // 10, 9) for share in shares)
    full = sum(share == 100 for share in shares)
    return Scores(tuple(counts[number] for number in range(10)), int(mean(shares)), int(median(shares)), full)


def mistakes(records: Sequence[Record]) -> list[MistakeTally]:
    """Return the misconceptions of a class, the most frequent first; a submission counts once for each."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for exercise in record.exercises:
            for name in known_mistakes(exercise):
                found.setdefault((name, exercise.id), []).append(record.student)
    tallies = [MistakeTally(name, exercise, tuple(students)) for (name, exercise), students in found.items()]
    return sorted(tallies, key=lambda tally: (-len(tally.students), tally.name, tally.exercise))


def exercises(records: Sequence[Record]) -> list[ExerciseTally]:
    """Return the exercises of a class in their order, with how they went."""
    grouped: dict[str, list[ExerciseResult]] = {}
    for record in records:
        for exercise in record.exercises:
            grouped.setdefault(exercise.id, []).append(exercise)
    return [_exercise(id, results) for id, results in grouped.items()]


def _exercise(id: str, results: list[ExerciseResult]) -> ExerciseTally:
    counts = Counter(map(outcome, results))
    shares = [words.percent(*earned(result)) for result in results]
    return ExerciseTally(
        id=id,
        outcomes={name: counts[name] for name in OUTCOMES},
        mean_percent=int(mean(shares)),
        failing=_failing([result for result in results if result.status == "attempted"]),
    )


def _failing(results: list[ExerciseResult]) -> tuple[CheckTally, ...]:
    grouped: dict[str, list[CheckResult]] = {}
    for result in results:
        for check in result.checks:
            if check.verdict != "skipped":
                grouped.setdefault(check.id, []).append(check)
    tallies = []
    for checks in grouped.values():
        counts = Counter(check.verdict for check in checks if words.failed(check))
        tallies.append(CheckTally(checks[0], len(checks), tuple(counts.most_common())))
    # Sorting is stable: checks that fail equally often stay in the order of the file.
    return tuple(sorted((tally for tally in tallies if tally.failed), key=lambda tally: -tally.failed))
