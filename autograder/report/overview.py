"""What an instructor sees of a class: one page that needs nothing but itself.

It shows more than a student may see, such as the names of hidden checks, and is not for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.records import ExerciseResult, Record
from autograder.report import tally, words
from autograder.report.clean import name, one_line
from autograder.report.summary import what_went_wrong
from autograder.report.templating import render

MOST_FAILING = 5
"""So many failing checks are shown per exercise; more are counted."""
OUTCOME_WORDS = {
    "full": "all points",
    "part": "some points",
    "none": "no points",
    "not_attempted": words.EXERCISE_STATES["not_attempted"],
    "missing": words.EXERCISE_STATES["missing"],
}


@dataclass(frozen=True, slots=True)
class Cell:
    """How one exercise of one student went."""

    text: str
    outcome: str
    percent: int


@dataclass(frozen=True, slots=True)
class Row:
    """One student."""

    student: str
    score: str
    status: str
    graded: bool
    cells: tuple[Cell, ...]
    wrong: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A submission that somebody has to look at."""

    student: str
    state: str
    reason: str


def class_overview_html(records: Sequence[Record], title: str) -> str:
    """Return the page for these records, which may come in any order; `title` is its heading."""
    records = sorted(records, key=lambda record: (record.assignment, record.student))
    exercises = tally.exercises(records)
    return render(
        "overview.html.j2",
        title=one_line(title),
        assignments=[name(assignment) for assignment in dict.fromkeys(record.assignment for record in records)],
        total=len(records),
        states=_states(records),
        alarms=_alarms(records),
        unconfined=[record.student for record in records if record.isolation == "unconfined"],
        scores=tally.scores(records),
        mistakes=tally.mistakes(records),
        exercises=exercises,
        rows=[_row(record, [exercise.id for exercise in exercises]) for record in records],
        outcome_words=OUTCOME_WORDS,
        verdict_words=words.VERDICTS,
        most_failing=MOST_FAILING,
    )


def _states(records: Sequence[Record]) -> list[tuple[str, int]]:
    counts = Counter(record.status for record in records)
    return [(said, counts[status]) for status, said in words.SUBMISSION_STATES.items()]


def _alarms(records: Sequence[Record]) -> list[Alarm]:
    """Return what was not graded, faults of the grader first: those are not the students' to mend."""
    return [
        Alarm(name(record.student), words.SUBMISSION_STATES[record.status], what_went_wrong(record))
        for status in ("grader_fault", "not_gradable")
        for record in records
        if record.status == status
    ]


def _row(record: Record, exercise_ids: list[str]) -> Row:
    graded = record.score is not None
    results = {exercise.id: exercise for exercise in record.exercises}
    # The reason why a submission was not graded is its first note, and stands in `wrong` already.
    notes = record.notes if graded else record.notes[1:]
    return Row(
        student=name(record.student),
        score=words.score(record),
        status=words.state(record),
        graded=graded,
        cells=tuple(_cell(results.get(id)) for id in exercise_ids),
        wrong=what_went_wrong(record),
        notes=tuple(one_line(note) for note in notes),
    )


def _cell(exercise: ExerciseResult | None) -> Cell:
    if exercise is None:
        return Cell("none", "absent", 0)
    outcome = tally.outcome(exercise)
    if exercise.status != "attempted":
        return Cell(words.EXERCISE_STATES[exercise.status], outcome, 0)
    earned, possible = tally.earned(exercise)
    return Cell(f"{words.number(earned)} / {words.number(possible)}", outcome, words.percent(earned, possible))
