"""One line on what went wrong."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.report import what_went_wrong


def test_nothing_went_wrong(make: Any) -> None:
    assert what_went_wrong(make.record()) == "everything passes"


def test_known_mistakes_come_first_and_each_once(make: Any) -> None:
    record = make.record(
        "s",
        make.five("attention_scores", "wrong", misconception="no_scale"),
        make.five("attention_weights", "wrong", "wrong", misconception="mask_after_softmax"),
        make.five("softmax", "wrong"),
    )

    assert what_went_wrong(record) == "no scale, mask after softmax"


def test_no_more_than_three_known_mistakes_are_named(make: Any) -> None:
    checks = [make.check("wrong", misconception=f"mistake_{letter}") for letter in "abcde"]

    expected = "mistake a, mistake b, mistake c and 2 more"
    assert expected == what_went_wrong(make.record("s", make.exercise(*checks, id="softmax")))


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("timeout", "timeout in softmax"),
        ("memory", "out of memory in softmax"),
        ("crashed", "crash in softmax"),
        ("error", "error in softmax"),
        ("forbidden", "forbidden shortcut in softmax"),
        ("missing", "missing name in softmax"),
    ],
)
def test_what_stopped_an_exercise_is_said_with_its_place(make: Any, verdict: Any, expected: str) -> None:
    assert expected == what_went_wrong(make.record("s", make.five("softmax", verdict, verdict, "wrong")))


def test_a_known_mistake_and_a_timeout_elsewhere_are_both_said(make: Any) -> None:
    record = make.record(
        "s", make.five("softmax", "timeout"), make.five("attention_scores", "wrong", misconception="no_scale")
    )

    assert what_went_wrong(record) == "timeout in softmax; no scale"


def test_wrong_numbers_without_a_name_are_counted(make: Any) -> None:
    assert what_went_wrong(make.record("s", make.five("softmax", "wrong", "wrong", "wrong"))) == "3 of 30 checks failed"


def test_checks_that_were_not_judged_have_not_failed(make: Any) -> None:
    record = make.record("s", make.five("softmax", "wrong", "skipped", "skipped"))

    assert what_went_wrong(record) == "1 of 30 checks failed; 2 checks not judged"


def test_what_is_not_there_stands_at_the_end_and_does_not_count_as_failed(make: Any) -> None:
    record = make.record(
        "s",
        make.five("softmax", "wrong"),
        make.five("plot_attention", *("error",) * 5, status="not_attempted"),
        make.five("SelfAttention", *("missing",) * 5, status="missing"),
    )

    expected = "1 of 20 checks failed; not attempted: plot_attention; missing: SelfAttention"
    assert expected == what_went_wrong(record)


def test_an_untouched_notebook_is_said_to_be_one(make: Any) -> None:
    assert what_went_wrong(make.untouched()) == "nothing attempted"


def test_a_submission_without_a_score_gives_its_reason(make: Any) -> None:
    assert what_went_wrong(make.ungraded("s", "not_gradable", "Not JSON.", "second")) == "Not JSON."
    assert "gave no reason" in what_went_wrong(make.ungraded("s", "not_gradable"))
    assert "the grader failed" in what_went_wrong(make.ungraded("s", "grader_fault"))


def test_it_is_one_safe_line(make: Any) -> None:
    line = what_went_wrong(make.ungraded("s", "not_gradable", make.hostile + "\n" + "x" * 1000))

    assert not set(line) & set("\n\x1b\x07\u202e")
    assert line.endswith("characters]")
