"""The page for the instructor, and the counts on it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autograder.report import class_overview_html, tally


def text_of(html: str) -> str:
    """Return the text of a page in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)).split())


def section(html: str, heading: str) -> str:
    """Return the text of one section."""
    return text_of(re.search(rf'<section[^>]*aria-labelledby="{heading}">.*?</section>', html, re.DOTALL)[0])  # type: ignore[index]


def test_the_totals_count_every_submission_once(make: Any) -> None:
    totals = re.search(r'<dl class="totals">.*?</dl>', class_overview_html(make.a_class(), "Attention"), re.DOTALL)

    assert totals
    assert "graded 13 not gradable 2 grader fault 1" in text_of(totals[0])
    assert "with full marks 2" in text_of(totals[0])


def test_ungraded_submissions_have_no_share_in_the_scores(make: Any) -> None:
    scores = tally.scores([make.record(), make.untouched(), make.ungraded("x", "not_gradable")])

    assert scores == tally.Scores(bins=(1, 0, 0, 0, 0, 0, 0, 0, 0, 1), mean=50, median=50, full=1)
    assert tally.scores([make.ungraded("x", "grader_fault")]) is None


@pytest.mark.parametrize(("score", "bin"), [(0, 0), (9.99, 0), (10, 1), (89.9, 8), (90, 9), (100, 9)])
def test_a_score_falls_into_the_bin_that_names_it(make: Any, score: float, bin: int) -> None:
    scores = tally.scores([make.record(score=score)])

    assert scores
    assert 1 == scores.bins[bin] == sum(scores.bins)


def test_the_histogram_is_there_in_words_too(make: Any) -> None:
    html = class_overview_html(make.a_class(), "Attention")

    assert "1 with 0 to 9 percent. 2 with 70 to 79 percent. 5 with 80 to 89 percent. 5 with 90 to 100 percent." in html


def test_a_submission_counts_once_for_a_known_mistake(make: Any) -> None:
    """However many checks it failed by it; the mistake that most have comes first."""
    found = tally.mistakes(make.a_class())

    assert [
        tally.MistakeTally("mask_after_softmax", "attention_weights", ("mask-after-softmax", "mask-late-no-scale")),
        tally.MistakeTally("no_scale", "attention_scores", ("mask-late-no-scale", "no-scale")),
    ] == found
    assert "mask after softmax in attention_weights 2 submissions" in section(
        class_overview_html(make.a_class(), "Attention"), "mistakes"
    )


def test_exercises_are_counted_by_how_they_went(make: Any) -> None:
    counts = {exercise.id: exercise.outcomes for exercise in tally.exercises(make.a_class())}

    assert counts["softmax"] == {"full": 8, "part": 2, "none": 2, "not_attempted": 1, "missing": 0}
    assert counts["SelfAttention"] == {"full": 9, "part": 2, "none": 0, "not_attempted": 1, "missing": 1}
    assert counts["plot_attention"] == {"full": 9, "part": 0, "none": 0, "not_attempted": 4, "missing": 0}


def test_the_checks_that_fail_most_come_first_with_how_they_failed(make: Any) -> None:
    """Counted over those who tried: untouched stubs and checks that were not judged are not failures."""
    softmax = tally.exercises(make.a_class())[0]
    first = softmax.failing[0]

    assert (first.check.id, first.failed, first.tried) == ("test_hidden.py::test_softmax_0", 4, 12)
    assert dict(first.verdicts) == {"timeout": 1, "wrong": 1, "forbidden": 1, "error": 1}
    assert [item.failed for item in softmax.failing] == [4, 2, 2, 2, 2]
    layer = tally.exercises(make.a_class())[4]
    assert [item.failed for item in layer.failing] == [2, 2]


def test_more_failing_checks_than_fit_are_counted(make: Any) -> None:
    checks = [make.check("wrong", number) for number in range(7)]
    html = class_overview_html([make.record("s", make.exercise(*checks, id="softmax"))], "Attention")

    assert "2 more checks failed at least once." in section(html, "exercises")


def test_without_points_the_checks_decide_how_an_exercise_went(make: Any) -> None:
    assert tally.outcome(make.unscored(make.five("softmax"))) == "full"
    assert tally.outcome(make.unscored(make.five("softmax", "wrong"))) == "part"
    assert tally.outcome(make.unscored(make.five("softmax", *("wrong",) * 5))) == "none"


def test_every_student_has_a_row_with_scores_and_reason(make: Any) -> None:
    html = class_overview_html(make.a_class(), "Attention")
    students = section(html, "students")

    assert len(re.findall(r'<tr><th scope="row"><bdi>', html)) == 16
    assert (
        "mask-after-softmax 88 / 100 graded 15 / 15 15 / 15 8 / 20 25 / 25 20 / 20 5 / 5 mask after softmax" in students
    )
    assert "untouched 0 / 100 graded not attempted" in students
    assert "disk-full none grader fault not judged No space left in the scratch folder." in students


def test_what_has_no_score_is_called_out_with_faults_of_the_grader_first(make: Any) -> None:
    alarm = section(class_overview_html(make.a_class(), "Attention"), "attention")

    assert alarm.index("disk-full , grader fault") < alarm.index("merge-conflict , not gradable")
    assert "unconfined, with the locks off, so that a result is only as honest as the code behind it: shortcut" in alarm
    assert "Needs your attention" not in class_overview_html([make.record()], "Attention")


def test_text_of_students_is_escaped_and_made_harmless(make: Any) -> None:
    html = class_overview_html(make.a_class(), make.hostile)

    assert "<script" not in html
    assert not set(html) & set("\x1b\x07\u202e")
    assert "&lt;script&gt;" in html
    assert "<bdi>&lt;script&gt;" in html


def test_the_page_needs_nothing_from_outside(make: Any) -> None:
    html = class_overview_html(make.a_class()[:-1], "Attention")

    assert not re.search(r"<(script|link|img|iframe|object)|@import|url\(|https?:|\son\w+=|javascript:", html)
    assert "default-src 'none'" in html


def test_tables_and_pictures_are_made_for_screen_readers(make: Any) -> None:
    html = class_overview_html(make.a_class(), "Attention")

    assert '<html lang="en">' in html
    assert html.count("<table") == html.count("<caption>")
    assert all("scope=" in heading for heading in re.findall(r"<th\b[^>]*>", html))
    assert 'role="img" aria-labelledby="histogram-title histogram-text"' in html
    assert 'tabindex="0"' in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_rows_have_as_many_columns_as_the_head(make: Any) -> None:
    html = class_overview_html(make.a_class(), "Attention")
    table = re.search(r'<table class="students">.*?</table>', html, re.DOTALL)[0]  # type: ignore[index]
    rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    widths = {
        len(re.findall(r"<t[hd]\b", row)) + sum(int(span) - 1 for span in re.findall(r'colspan="(\d+)"', row))
        for row in rows
    }

    assert {10} == widths


def test_the_order_of_the_records_does_not_matter(make: Any) -> None:
    records = make.a_class()

    assert class_overview_html(records, "Attention") == class_overview_html(records[::-1], "Attention")


def test_an_empty_class_and_one_without_scores_have_a_page_too(make: Any) -> None:
    assert "No submission has a score yet." in class_overview_html([], "Attention")
    assert "No submission was graded yet." in class_overview_html([make.ungraded("a", "grader_fault")], "Attention")
