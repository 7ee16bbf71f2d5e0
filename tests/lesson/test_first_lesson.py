"""The first lesson as a student meets it: the release of 01_attention, from the first look to the first pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from answers import DROPS_THE_MASK, RAISES, STANDS_ON_SOFTMAX, TAKES_A_SHORTCUT, right, wrong
from browser import Lab
from pictures import Picture
from student import Student, bring

RAISED = "[data-mime-type='application/vnd.jupyter.stderr']"
"""Where JupyterLab shows what a cell has raised."""
EXERCISES = (
    *("softmax", "attention_scores", "attention_weights", "scaled_dot_product_attention", "SelfAttention"),
    *("plot_attention", "causal_weights", "test_attention_weights"),
)


@pytest.fixture(scope="module")
def student(chromium: Any, lab: Lab) -> Iterator[Student]:
    """A student who has opened the notebook and run all of it; the tests go on from one another."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1200})
    student = Student(page, lab, bring(lab, "01_attention"))
    student.open_and_run(until="Finish `attention_weights`")
    yield student
    page.close()


def badge(card: Any) -> str:
    """Return in which state a card says that the exercise is."""
    return str(card.locator(".ag-badge").inner_text())


def test_at_first_nothing_is_attempted(student: Student, picture: Picture) -> None:
    cards = [student.cell(f"check-{name}").locator(".autograder-card") for name in EXERCISES]
    said = [card.locator(".ag-badge").text_content() for card in cards]
    assert said == [*["○ Not attempted yet"] * 6, "- Not judged", "○ Not attempted yet"]
    assert student.page.locator(RAISED).count() == 0
    picture(cards[0], "not-attempted")


def test_the_mistake_to_mend_waits_for_what_it_stands_on(student: Student, picture: Picture) -> None:
    card = student.check("causal_weights")
    assert "This stands on softmax, which is not written yet: write that first." in card.inner_text()
    picture(card, "unwritten")


def test_an_error_is_told_with_the_students_own_line(student: Student, picture: Picture) -> None:
    card = student.hand_over("softmax", RAISES)
    assert badge(card) == "! Stopped with an error"
    assert "Your code raised TypeError" in card.inner_text()
    assert "Line 3 of your cell:" in card.inner_text()
    assert card.locator(".ag-code").inner_text() == "powers = torch.exp(x - peak)"
    for ours in ("Traceback", "autograder/", ".py"):
        assert ours not in card.inner_text()
    picture(card, "raised")


def test_a_wrong_solution_gets_the_name_of_its_mistake(student: Student, picture: Picture) -> None:
    card = student.hand_over("softmax", wrong("softmax", "softmax_over_everything"))
    assert badge(card) == "✗ Not right yet"
    assert "Known mistake: softmax over everything" in card.inner_text()
    assert "all entries of the tensor together share one sum of 1" in card.inner_text()
    assert card.get_by_role("img", name=re.compile("^yours")).is_visible()
    picture(card, "wrong")
    student.cell("softmax").evaluate("cell => cell.scrollIntoView()")
    picture(student.page.locator(".jp-LabShell"), "notebook")


def test_the_hints_open_one_by_one_with_the_keyboard_alone(student: Student, picture: Picture) -> None:
    card = student.cell("check-softmax").locator(".autograder-card")
    student.page.keyboard.press("Escape")
    summaries = card.locator("summary:visible")
    summaries.first.focus()
    for tier in (1, 2, 3):
        focused = student.page.locator("summary:focus")
        assert f"({tier} of 3)" in focused.inner_text()
        assert focused.locator("xpath=..").get_attribute("open") is None
        student.page.keyboard.press("Enter")
        assert focused.locator("xpath=..").get_attribute("open") is not None
        if tier == 1:
            picture(card.locator(".ag-hints"), "hint")
        student.page.keyboard.press("Tab")
    assert "Print the sum of each row" in card.inner_text()


def test_hint_says_more_each_time_it_is_asked(student: Student) -> None:
    below = student.insert_below("check-softmax", 'hint("softmax")')
    first = student.run(below).inner_text()
    second = student.run(below).inner_text()
    assert "Hint 1 of 3 for softmax (you get these numbers when all entries of the tensor" in first
    assert "Hint 2 of 3" in second


def test_a_slip_in_the_name_is_answered_in_one_line(student: Student) -> None:
    output = student.run(student.insert_below("check-softmax", 'check("sotfmax")'))
    said = output.locator(RAISED).inner_text()
    assert said.startswith("UsageError: 01_attention has no exercise 'sotfmax'; it has softmax, ")
    assert "Traceback" not in said


def test_an_exercise_that_stands_on_a_wrong_one_says_so(student: Student, picture: Picture) -> None:
    card = student.hand_over("attention_weights", STANDS_ON_SOFTMAX)
    assert "This stands on softmax, which does not pass yet: mend that first." in card.inner_text()
    picture(card, "broken-below")


def test_a_shortcut_is_no_solution(student: Student, picture: Picture) -> None:
    card = student.hand_over("softmax", TAKES_A_SHORTCUT)
    assert badge(card) == "⊘ Takes a shortcut"
    assert "torch.softmax" in card.inner_text()
    picture(card, "forbidden")


def test_the_right_solution_passes(student: Student, picture: Picture) -> None:
    card = student.hand_over("softmax", right("softmax"))
    assert badge(card) == "✓ Passes"
    assert "All 5 checks pass" in card.inner_text()
    picture(card, "right")
    printed = student.run(student.cell("show-20")).inner_text()
    assert "the same + 1000" in printed  # the demonstration has waited for softmax


def test_a_dropped_mask_is_drawn_as_who_sees_whom(student: Student, picture: Picture) -> None:
    for name in ("attention_scores", "attention_weights"):
        assert badge(student.hand_over(name, right(name))) == "✓ Passes"
    card = student.hand_over("scaled_dot_product_attention", DROPS_THE_MASK)
    assert "Known mistake: mask without effect" in card.inner_text()
    yours = card.get_by_role("img", name=re.compile("^yours: Query 0 sees keys 0, 1, 2, 3, which the mask forbids"))
    assert yours.is_visible()
    picture(card, "mask-dropped")
