"""One line on what went wrong in a submission."""

from __future__ import annotations

from autograder.records import ExerciseResult, Record
from autograder.report import words
from autograder.report.clean import name, one_line

MOST_NAMED = 3
"""So many known mistakes are named; more are counted."""


def what_went_wrong(record: Record) -> str:
    """Say in one line what went wrong, the most telling thing first.

    What stopped an exercise comes first, such as "timeout in softmax", then known mistakes; failed checks are counted
    only when there is nothing of that kind to say. What was not attempted stands at the end. A submission that was not
    graded gives the reason.
    """
    if record.status != "graded":
        return one_line(record.notes[0]) if record.notes else words.SUBMISSION_REASONS[record.status]
    attempted = [exercise for exercise in record.exercises if exercise.status == "attempted"]
    if record.exercises and all(exercise.status == "not_attempted" for exercise in record.exercises):
        return words.NOTHING_ATTEMPTED
    parts = _stopped(attempted) + _known_mistakes(attempted) or _counted(attempted)
    return one_line("; ".join(parts + _not_there(record)) or words.ALL_PASS)


def known_mistakes(exercise: ExerciseResult) -> list[str]:
    """Return the names of the misconceptions that the checks of an exercise found, each once."""
    return list(dict.fromkeys(check.misconception for check in exercise.checks if check.misconception))


def _known_mistakes(exercises: list[ExerciseResult]) -> list[str]:
    found = dict.fromkeys(words.mistake(name) for exercise in exercises for name in known_mistakes(exercise))
    named = list(found)[:MOST_NAMED]
    more = len(found) - len(named)
    return [", ".join(named) + (f" and {more} more" if more else "")] if named else []


def _stopped(exercises: list[ExerciseResult]) -> list[str]:
    """Name the verdicts that are worse than wrong; an exception that belongs to a known mistake is told with it."""
    return [
        f"{words.VERDICTS[verdict].short} in {name(exercise.id)}"
        for exercise in exercises
        for verdict in dict.fromkeys(check.verdict for check in exercise.checks if not check.misconception)
        if verdict not in ("pass", "wrong", "skipped")
    ]


def _counted(exercises: list[ExerciseResult]) -> list[str]:
    checks = [check for exercise in exercises for check in exercise.checks]
    lost = sum(words.failed(check) for check in checks)
    skipped = sum(check.verdict == "skipped" for check in checks)
    parts = [f"{lost} of {words.plural(len(checks), 'check')} failed"] if lost else []
    return parts + ([f"{words.plural(skipped, 'check')} not judged"] if skipped else [])


def _not_there(record: Record) -> list[str]:
    parts = []
    for status in ("not_attempted", "missing"):
        ids = [name(exercise.id) for exercise in record.exercises if exercise.status == status]
        if ids:
            parts.append(f"{words.EXERCISE_STATES[status]}: {', '.join(ids)}")
    return parts
