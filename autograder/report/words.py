"""The vocabulary of the report: every verdict and every state has its words here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.records import CheckResult, ExerciseStatus, Isolation, Record, SubmissionStatus, Verdict


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """How a verdict is shown."""

    mark: str
    """One character, never without its label beside it."""
    label: str
    """What the student reads."""
    short: str
    """What the instructor reads in a summary: "timeout" as in "timeout in softmax"."""
    reason: str
    """What the student reads when the check gave no message of its own."""


VERDICTS: dict[Verdict, VerdictWords] = {
    "pass": VerdictWords("✓", "Passes", "passed", ""),
    "wrong": VerdictWords("✗", "Not right yet", "wrong", "Your code ran, but its result is not the expected one."),
    "error": VerdictWords("!", "Stopped with an error", "error", "Your code raised an exception."),
    "timeout": VerdictWords(
        "…", "Took too long", "timeout", "Your code was stopped before it was done. Is there a loop that never ends?"
    ),
    "memory": VerdictWords(
        "≫", "Needed too much memory", "out of memory", "Your code asked for more memory than it may have."
    ),
    "crashed": VerdictWords(
        "↯", "Ended without an answer", "crash", "The process that ran your code ended before it gave an answer."
    ),
    "forbidden": VerdictWords(
        "⊘", "Takes a shortcut", "forbidden shortcut", "Your code calls what this exercise asks you to build by hand."
    ),
    "missing": VerdictWords("?", "Not found", "missing name", "The notebook defines nothing of this name."),
    "skipped": VerdictWords(
        "-", "Not judged", "not judged", "It builds on something that does not work yet, so it could not be tried."
    ),
}

EXERCISE_STATES: dict[ExerciseStatus, str] = {
    "attempted": "attempted",
    "not_attempted": "not attempted",
    "missing": "missing",
}

EXERCISE_LEADS: dict[ExerciseStatus, str] = {
    "attempted": "",
    "not_attempted": "Not attempted yet. The code is still as it was handed out, so there was nothing to check.",
    "missing": "Not found. The notebook defines nothing of this name: was the cell deleted, or the name changed?",
}

SUBMISSION_STATES: dict[SubmissionStatus, str] = {
    "graded": "graded",
    "not_gradable": "not gradable",
    "grader_fault": "grader fault",
}

SUBMISSION_REASONS: dict[SubmissionStatus, str] = {
    "graded": "",
    "not_gradable": "the notebook could not be graded, and the grader gave no reason",
    "grader_fault": "the grader failed, and gave no reason",
}

ISOLATION: dict[Isolation, str] = {
    "confined": "",
    "unconfined": "unconfined",
}

UNCONFINED = "Ran unconfined, with the locks off: this result is only as honest as the code behind it."

ALL_PASS = "everything passes"
NOTHING_ATTEMPTED = "nothing attempted"


def number(value: float) -> str:
    """Write points without needless decimals: 15, 7.5, 3.33."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: 1 check, 2 checks."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def points(earned: float, max_score: float) -> str:
    """Write points: "9 of 15 points"."""
    return f"{number(earned)} of {number(max_score)} {'point' if max_score == 1 else 'points'}"


def score(record: Record) -> str:
    """Write the score of a submission in short: "82.5 / 100", or "none" when it was not graded."""
    return "none" if record.score is None else f"{number(record.score)} / {number(record.max_score)}"


def state(record: Record) -> str:
    """Write the state of a submission, with a word more when the locks were off: "graded, unconfined"."""
    return ", ".join(word for word in (SUBMISSION_STATES[record.status], ISOLATION[record.isolation]) if word)


def percent(earned: float, max_score: float) -> int:
    """Return a score as a whole percentage, rounded down so that only full marks read 100, and kept within 0 to 100."""
    # A ten-thousandth of a percent is added because 0.29 * 100 is 28.999999999999996.
    return max(0, min(100, int(100 * earned / max_score + 1e-4))) if max_score > 0 else 0


def mistake(name: str) -> str:
    """Write the name of a misconception for people: mask_after_softmax becomes "mask after softmax"."""
    return name.replace("_", " ")


def failed(check: CheckResult) -> bool:
    """Return whether a check was judged and did not pass."""
    return check.verdict not in ("pass", "skipped")
