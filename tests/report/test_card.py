"""What a student sees of one exercise."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from autograder.report import exercise_card_html, exercise_card_text, words
from autograder.report.card import TEXT_WIDTH, Aid, Help
from autograder.report.picture import Figure, Panel

MASK_LATE = {"misconception": "mask_after_softmax", "hint": "Which keys have taken their share already?"}


def visible(html: str) -> str:
    """Return the text of a card as a reader gets it: no styles, no tags, entities resolved."""
    without_style = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", "", without_style)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return " ".join(text.split())


def both(exercise: Any) -> list[str]:
    """Return both forms of a card, as text with single spaces."""
    return [visible(exercise_card_html(exercise)), " ".join(exercise_card_text(exercise).split())]


@pytest.mark.parametrize("verdict", list(words.VERDICTS))
def test_each_verdict_is_told_in_words_and_by_its_mark(make: Any, verdict: Any) -> None:
    said = words.VERDICTS[verdict]
    for card in both(make.exercise(make.check(verdict))):
        assert f"{said.label}" in card
        assert said.mark in card


@pytest.mark.parametrize("verdict", [verdict for verdict in words.VERDICTS if verdict != "pass"])
def test_a_check_without_a_message_still_gives_a_reason(make: Any, verdict: Any) -> None:
    for card in both(make.exercise(make.check(verdict, message=""))):
        assert words.VERDICTS[verdict].reason in card


def test_a_known_mistake_is_named_and_its_hint_given(make: Any) -> None:
    for card in both(make.exercise(make.check("wrong", **MASK_LATE))):
        assert "Known mistake: mask after softmax" in card
        assert f"Hint: {MASK_LATE['hint']}" in card


def test_the_same_hint_is_given_only_once(make: Any) -> None:
    exercise = make.exercise(make.check("wrong", 0, **MASK_LATE), make.check("wrong", 1, **MASK_LATE))
    for card in both(exercise):
        assert card.count(MASK_LATE["hint"]) == 1
        assert card.count("Known mistake: mask after softmax") == 2
        assert "Hint: The same as above." in card


def test_cases_of_one_check_that_say_the_same_are_one_line(make: Any) -> None:
    cases = [make.check("wrong", id=f"test_hidden.py::test_x[{case}]") for case in "abc"]
    for card in both(make.exercise(*cases, make.check("pass", 1))):
        assert f"{cases[0].title} (3 cases)" in card
        assert card.count(cases[0].title) == 1
        assert "0 of 9 points" in card
        assert "1 of 4 checks pass" in card


def test_the_score_is_shown_only_where_there_are_points(make: Any) -> None:
    """The self-check has no points and counts checks instead."""
    exercise = make.five("attention_scores", "wrong", "error")
    for card in both(exercise):
        assert "9 of 15 points" in card
    for card in both(make.unscored(exercise)):
        assert "3 of 5 checks pass" in card
        assert "point" not in card


@pytest.mark.parametrize(("status", "said"), [("not_attempted", "Not attempted yet."), ("missing", "Not found.")])
def test_an_exercise_that_is_not_there_lists_its_checks_without_a_verdict(make: Any, status: str, said: str) -> None:
    exercise = make.five("softmax", *("error",) * 5, status=status)
    for card in both(exercise):
        assert said in card
        assert "What will be checked" in card
        assert exercise.checks[0].title in card
        assert words.VERDICTS["error"].label not in card


@pytest.mark.parametrize("status", ["attempted", "not_attempted", "missing"])
def test_a_card_says_when_the_locks_were_off(make: Any, status: str) -> None:
    exercise = make.five("softmax", "wrong", status=status)
    for card in both(exercise):
        assert "unconfined" not in card
    for card in (visible(exercise_card_html(exercise, "unconfined")), exercise_card_text(exercise, "unconfined")):
        assert words.UNCONFINED in " ".join(card.split())


def test_checks_that_were_not_judged_are_counted_apart(make: Any) -> None:
    for card in both(make.exercise(make.check(), make.check("wrong", 1), make.check("skipped", 2))):
        assert "1 of 3 checks pass, 1 not judged" in card.replace("Checks", "checks")


def test_checks_that_pass_are_folded_away_but_there(make: Any) -> None:
    """They are inside <details>, which opens without a script."""
    html = exercise_card_html(make.exercise(make.check("wrong"), make.check("pass", 1)))
    before, folded = html.split("<details>")

    assert make.check("pass", 1).title in folded
    assert make.check("wrong").title in before


def test_html_of_a_student_is_shown_and_not_obeyed(make: Any) -> None:
    html = exercise_card_html(make.exercise(make.check("error", message=make.hostile), id=make.hostile))

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }}" in html  # a template's own syntax is text as well


@pytest.mark.parametrize("field", ["title", "message", "hint", "misconception"])
def test_no_field_brings_control_characters_into_a_card(make: Any, field: str) -> None:
    """Neither ANSI escapes nor direction overrides get through, whichever field they come in."""
    exercise = make.exercise(make.check("error", **{field: make.hostile}))
    for card in (exercise_card_html(exercise), exercise_card_text(exercise)):
        assert not set(card) & set("\x1b\x07\u202e")
        assert "\\u202e" in card


def test_an_attribute_cannot_be_left_by_a_quote(make: Any) -> None:
    html = exercise_card_html(make.exercise(make.check(), id='"><img src=x onerror=alert(1)>'))

    assert "<img" not in html


def test_formulas_in_messages_are_left_to_the_reader(make: Any) -> None:
    """MathJax, old or new, skips the card: it would follow links and mangle dollars in what a student wrote."""
    root = exercise_card_html(make.exercise(make.check())).splitlines()[0]

    assert "mathjax_ignore" in root
    assert "tex2jax_ignore" in root


def test_backticks_become_code_in_html_and_stay_in_text(make: Any) -> None:
    exercise = make.exercise(make.check("wrong", message="`w_q` <b> must be there, `once"))

    assert "<code>w_q</code> &lt;b&gt; must be there, `once" in exercise_card_html(exercise)
    assert "`w_q` <b> must be there, `once" in exercise_card_text(exercise)


def test_a_card_needs_nothing_from_outside(make: Any) -> None:
    html = exercise_card_html(make.every_verdict())

    assert not re.search(r"<(script|link|img|iframe|object)|@import|url\(|https?:|\son\w+=|javascript:", html)


def test_a_card_shows_no_field_that_it_does_not_name(make: Any) -> None:
    """Ids of hidden checks stay hidden, and so would a field that is added to the record."""
    exercise = make.every_verdict()
    for card in (exercise_card_html(exercise), exercise_card_text(exercise)):
        assert "test_hidden" not in card
        assert "secret_name" not in card
    shown = {"title", "verdict", "points", "max_points", "message", "misconception", "hint"}
    assert shown | {"id"} == set(msgspec.structs.asdict(exercise.checks[0]))


def test_screen_readers_get_a_named_group_and_lists(make: Any) -> None:
    html = exercise_card_html(make.five("softmax", "wrong"))

    assert 'role="group" aria-label="softmax: 12 of 15 points"' in html
    assert 'aria-label="Checks that do not pass"' in html
    assert 'aria-label="Checks that pass"' in html
    assert html.count('class="ag-mark" aria-hidden="true"') == 5


def test_the_same_exercise_gives_the_same_bytes(make: Any) -> None:
    first, second = make.every_verdict(), make.every_verdict()

    assert exercise_card_html(first).encode() == exercise_card_html(second).encode()
    assert exercise_card_text(first).encode() == exercise_card_text(second).encode()


def test_the_text_card_keeps_to_its_width(make: Any) -> None:
    """Long sentences and words without a space are wrapped, under their own indentation."""
    exercise = make.exercise(make.check("error", message="word " * 100 + "x" * 300, hint="why " * 60, title="t " * 80))
    text = exercise_card_text(exercise)

    assert max(map(len, text.splitlines())) <= TEXT_WIDTH
    assert sum("x" * 20 in line for line in text.splitlines()) == 5


def test_the_text_card_keeps_the_indentation_of_quoted_code(make: Any) -> None:
    text = exercise_card_text(
        make.exercise(make.check("error", message="TypeError: no\n    in line 4:\n        return q"))
    )

    assert "  TypeError: no\n      in line 4:\n          return q\n" in text


def test_a_whole_text_card_reads_like_this(make: Any) -> None:
    exercise = make.exercise(
        make.check("wrong", 1, message="Found a sum of 0.41.", **MASK_LATE),
        make.check("pass", 2),
        id="attention_weights",
    )
    expected = """\
attention_weights: 3 of 6 points
1 of 2 checks pass.

✗ A key that a query may not attend to has no influence at all.
  Not right yet, 0 of 3 points.
  Found a sum of 0.41.
  Known mistake: mask after softmax
  Hint: Which keys have taken their share already?

✓ A query that may attend to nothing gets only zeros. Passes.
"""
    assert expected == exercise_card_text(exercise)


# ---- with what the self-check knows besides


def figure() -> Figure:
    return Figure(rows="query", columns="key", panels=(Panel(title="yours", values=((1.0, 0.0),), said="all"),))


def test_help_is_about_the_first_check_that_does_not_pass(make: Any) -> None:
    exercise = make.unscored(make.five("softmax", "pass", "wrong", "error"))
    aid = Aid(
        reason="Because.", where="line 2 of your cell", code="return <x>", facts=("Yours is 1.",), figure=figure()
    )
    shown = Help(first=aid, stands_on="This stands on `a`.", hints=("one?", "two?"), ask='hint("softmax")')

    html, text = exercise_card_html(exercise, help=shown), exercise_card_text(exercise, help=shown)

    for card in (visible(html), " ".join(text.split())):
        assert "Because." in card
        assert "Line 2 of your cell:" in card
        assert "return <x>" in card
        assert "Yours is 1." in card
        assert 'hint("softmax")' in card
    assert html.count("<svg") == 1
    assert visible(html).index("Show a hint (1 of 2)") < visible(html).index("Show the next hint (2 of 2)")
    assert "Checks that do not pass either" in html


def test_without_help_a_card_has_no_state_no_picture_and_no_fold_of_hints(make: Any) -> None:
    html = exercise_card_html(make.every_verdict())

    assert not re.search(r"ag-state|ag-badge|ag-tier|<svg|<pre", html)


def test_a_hint_that_is_folded_leaves_no_empty_frame(make: Any) -> None:
    html = exercise_card_html(make.exercise(make.check("wrong", hint="one?")), help=Help(hints=("one?",)))

    assert '<div class="ag-help">' not in html


@pytest.mark.parametrize("field", ["reason", "where", "code", "stands_on", "hint", "fact"])
def test_help_is_text_and_never_markup(make: Any, field: str) -> None:
    aid = Aid(
        **{name: make.hostile for name in ("reason", "where", "code") if name == field},
        facts=(make.hostile,) if field == "fact" else (),
    )
    shown = Help(
        first=aid,
        stands_on=make.hostile if field == "stands_on" else "",
        hints=(make.hostile,) if field == "hint" else (),
    )
    html = exercise_card_html(make.exercise(make.check("error")), help=shown)

    assert "<script>" not in html


def test_what_can_be_opened_can_be_opened_with_a_key(make: Any) -> None:
    """Folds are <details>, which need no script; Jupyter's own shortcuts are kept away from each."""
    html = exercise_card_html(make.five("softmax", "wrong", "wrong"), help=Help(hints=("one?", "two?"), ask="hint()"))

    assert html.count("<summary") == html.count('<summary data-lm-suppress-shortcuts="true">') == 3


def test_every_tag_of_a_card_is_closed(make: Any) -> None:
    shown = Help(
        first=Aid(where="here", code="x", facts=("a", "b"), figure=figure()), hints=("one?", "two?"), ask="h()"
    )
    for html in (exercise_card_html(make.every_verdict(), help=shown), exercise_card_html(make.every_verdict())):
        for tag in ("div", "ul", "li", "details", "summary", "svg", "span", "pre", "code"):
            assert len(re.findall(f"<{tag}[ >]", html)) == html.count(f"</{tag}>"), tag


@pytest.mark.parametrize(("status", "said"), [("not_attempted", "Not attempted yet"), ("missing", "Not found")])
def test_a_self_check_says_once_that_there_was_nothing_to_check(make: Any, status: str, said: str) -> None:
    html = exercise_card_html(make.unscored(make.five("softmax", *("error",) * 5, status=status)), help=Help())
    assert "ag-score" not in html.split("</style>")[1]
    assert f'aria-label="softmax: {said}"' in html


def test_the_head_of_a_self_check_is_a_heading_and_heard_as_it_is_read(make: Any) -> None:
    html = exercise_card_html(make.unscored(make.five("softmax", "wrong")), help=Help())
    assert 'role="group" aria-label="softmax: Not right yet, 4 of 5 checks pass"' in html
    assert '<div class="ag-name" role="heading" aria-level="3"><code>softmax</code>' in html
