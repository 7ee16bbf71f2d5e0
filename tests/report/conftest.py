"""A factory of records in every state: tests take what they need from the fixture `make`."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from autograder.records import CheckResult, ExerciseResult, Record, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
HOSTILE = (
    "<script>alert(1)</script> \x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \u202etxt.exe \x07 {{ 7 * 7 }}"
)
MAXIMA = {
    "softmax": 15.0,
    "attention_scores": 15.0,
    "attention_weights": 20.0,
    "scaled_dot_product_attention": 25.0,
    "SelfAttention": 20.0,
    "plot_attention": 5.0,
}
TITLES = (
    "The weights of one query sum to 1 over the keys that it may attend to.",
    "A key that a query may not attend to has no influence at all.",
    "A query that may attend to nothing gets only zeros.",
    "Scores of 1000 and more do not overflow.",
    "The arguments are left as they were.",
)
MASK_LATE = {
    "message": "The weights of a row do not sum to 1: found a sum of 0.41.\n"
    "These are the numbers you get when the mask is applied after the softmax.",
    "misconception": "mask_after_softmax",
    "hint": "Which keys have already taken their share of the sum when the mask is applied?",
}
MESSAGES: dict[Verdict, str] = {
    "wrong": "`weights` must have shape (B, Lq, Lk) = (2, 3, 5), got (2, 5, 3).",
    "error": "RuntimeError: mat1 and mat2 shapes cannot be multiplied (3x7 and 5x7)\n    in attention_weights, line 4:"
    "\n        return q @ k",
    "timeout": "No answer after 5 seconds.",
    "memory": "Asked for more than 1,024 MiB.",
    "crashed": "The process ended with signal 11 (SIGSEGV).",
    "forbidden": "`torch.softmax` was called.",
    "missing": "There is no `w_q` on the layer.",
    "skipped": "",
}


class Make:
    """Makes parts of records; every field can be set by name."""

    verdicts = VERDICTS
    hostile = HOSTILE

    def check(self, verdict: Verdict = "pass", number: int = 0, **fields: Any) -> CheckResult:
        """One check; `number` picks its title and its id."""
        values = {
            "id": f"test_hidden.py::test_secret_name_{number}",
            "title": TITLES[number % len(TITLES)],
            "verdict": verdict,
            "points": 3.0 if verdict == "pass" else 0.0,
            "max_points": 3.0,
            "message": MESSAGES.get(verdict, ""),
        }
        return CheckResult(**(values | fields))

    def exercise(self, *checks: CheckResult, **fields: Any) -> ExerciseResult:
        """One exercise, whose score is that of its checks unless stated otherwise."""
        values = {
            "id": "attention_weights",
            "status": "attempted",
            "score": sum(check.points for check in checks),
            "max_score": sum(check.max_points for check in checks),
            "checks": list(checks),
        }
        return ExerciseResult(**(values | fields))

    def every_verdict(self) -> ExerciseResult:
        """An exercise with one check of each verdict."""
        return self.exercise(*(self.check(verdict, number) for number, verdict in enumerate(VERDICTS)))

    def unscored(self, exercise: ExerciseResult) -> ExerciseResult:
        """The same exercise as the self-check shows it: without points."""
        checks = [
            self.check(check.verdict, number, points=0.0, max_points=0.0)
            for number, check in enumerate(exercise.checks)
        ]
        return self.exercise(*checks, id=exercise.id, status=exercise.status)

    def five(self, exercise: str, *verdicts: Verdict, status: str = "attempted", **failure: Any) -> ExerciseResult:
        """An exercise of 01_attention with five checks; those that fail carry the fields of `failure`."""
        each = MAXIMA[exercise] / 5
        filled = verdicts + ("pass",) * (5 - len(verdicts))
        checks = [
            self.check(
                verdict,
                n,
                id=f"test_hidden.py::test_{exercise}_{n}",
                max_points=each,
                points=each if verdict == "pass" else 0.0,
                **({} if verdict == "pass" else failure),
            )
            for n, verdict in enumerate(filled)
        ]
        return self.exercise(*checks, id=exercise, status=status)

    def record(self, student: str = "all-right", *exercises: ExerciseResult, **fields: Any) -> Record:
        """One graded submission of 01_attention; exercises that are not given are solved."""
        given = {exercise.id: exercise for exercise in exercises}
        whole = [given.get(name) or self.five(name) for name in MAXIMA]
        values = {
            "assignment": "01_attention",
            "student": student,
            "status": "graded",
            "score": sum(exercise.score for exercise in whole),
            "max_score": 100.0,
            "isolation": "confined",
            "exercises": whole,
        }
        return Record(**(values | fields))

    def ungraded(self, student: str, status: str, *notes: str) -> Record:
        """One submission without a score."""
        return Record(
            assignment="01_attention",
            student=student,
            status=status,
            score=None,
            max_score=100.0,
            isolation="confined",
            notes=list(notes),
        )

    def untouched(self, student: str = "untouched") -> Record:
        """A submission in which every stub is as it was handed out."""
        stubs = [self.five(name, *("skipped",) * 5, status="not_attempted") for name in MAXIMA]
        return self.record(student, *stubs)

    def a_class(self) -> list[Record]:
        """A class in which everything happens."""
        gone = self.five("SelfAttention", *("missing",) * 5, status="missing")
        stub = self.five("plot_attention", *("skipped",) * 5, status="not_attempted")
        late = self.five("attention_weights", "wrong", "wrong", "wrong", **MASK_LATE)
        unscaled = self.five("attention_scores", "wrong", "wrong", misconception="no_scale", message="", hint="")
        looped = self.five("softmax", *("timeout",) * 5)
        return [
            self.record("all-right"),
            self.record("all-right-too"),
            self.record("mask-after-softmax", late),
            self.record("mask-late-no-scale", late, unscaled, stub),
            self.record("no-scale", unscaled),
            self.record("half-way", self.five("SelfAttention", "error", "error"), stub),
            self.record("endless-loop", looped),
            self.record("shape-slips", self.five("softmax", "wrong"), self.five("attention_scores", "wrong", "wrong")),
            self.record("cell-deleted", gone, stub, notes=["The cell `SelfAttention` is not in the notebook."]),
            self.record("shortcut", self.five("softmax", *("forbidden",) * 5), isolation="unconfined"),
            self.record("memory-bomb", self.five("SelfAttention", "memory", "crashed", "skipped")),
            self.untouched(),
            self.ungraded("merge-conflict", "not_gradable", "The notebook is not JSON: line 12 reads `<<<<<<< HEAD`."),
            self.ungraded("twenty-megabytes", "not_gradable", "The notebook has 31 MiB, the limit is 20 MiB."),
            self.ungraded("disk-full", "grader_fault", "No space left in the scratch folder."),
            self.record(HOSTILE, self.five("softmax", "error", message=HOSTILE), notes=[HOSTILE]),
        ]


@pytest.fixture
def make() -> Make:
    """The factory."""
    return Make()
