"""A later lesson, up to its end: widgets under mouse and keyboard, and nbgrader's button that validates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from answers import assignment, right
from browser import Lab
from pictures import Picture, still
from student import Student, bring

LESSON = "02_multi_head"
EXERCISES = [exercise.id for exercise in assignment(LESSON).exercises]


@pytest.fixture(scope="module")
def student(chromium: Any, lab: Lab) -> Iterator[Student]:
    """A student who has opened the notebook of the lesson; the tests go on from one another."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1200})
    student = Student(page, lab, bring(lab, LESSON, shows="show-06"))
    student.open()
    yield student
    page.close()


def test_the_blocks_follow_the_mouse_and_the_keyboard(student: Student, picture: Picture) -> None:
    widget = shown(student, "show-06")
    shape = widget.get_by_role("row", name="scores").get_by_role("cell").nth(1)  # after the picture
    assert "(2, 3, 5, 5)" in shape.inner_text()
    click_at_the_end(student.page, widget.get_by_role("slider", name="L length"))
    assert "(2, 3, 10, 10)" in shape.inner_text()
    active = student.page.locator(".jp-Notebook .jp-mod-active")
    before = active.get_attribute("data-windowed-list-index")
    for key in ("ArrowRight", "ArrowUp"):
        widget.get_by_role("slider", name="B batch").press(key)
    assert "(4, 3, 10, 10)" in shape.inner_text()
    assert active.get_attribute("data-windowed-list-index") == before  # Jupyter keeps its hands off the keys
    picture(widget, "tensor-playground")


def test_the_words_follow_the_mouse_and_the_keyboard(page: Any, lab: Lab, picture: Picture) -> None:
    """In the lesson on the decoder."""
    student = Student(page, lab, bring(lab, "06_decoder", shows="show-71"))
    student.open()
    widget = shown(student, "show-71")
    words, left = widget.locator("tbody tr"), widget.locator("tbody tr:not(.lm-cut)")
    assert left.count() < words.count()
    click_at_the_end(page, widget.get_by_role("slider", name="top-p"))
    assert left.count() == words.count()
    before = words.first.inner_text()
    widget.get_by_role("slider", name="temperature").press("Home")
    assert left.count() == 1
    assert words.first.inner_text() != before
    picture(widget, "sampling-playground")


def test_validate_says_which_exercises_are_open(student: Student, picture: Picture) -> None:
    said = validate(student, picture, "validate-open")
    for exercise in EXERCISES:
        assert f'check("{exercise}")' in said
    assert "split_heads: not attempted" in said
    for ours in ("Traceback", "selfcheck"):
        assert ours not in said


def test_validate_says_when_everything_passes(student: Student, picture: Picture) -> None:
    for exercise in EXERCISES:
        student.write(student.cell(exercise), right(exercise, of=LESSON))
    assert "Success" in validate(student, picture, "validate-done")


def shown(student: Student, cell: str) -> Any:
    """Run a cell with a widget and return the widget."""
    widget = student.run(student.cell(cell)).locator(".lm-play")
    widget.wait_for(timeout=30_000)
    return still(widget)


def click_at_the_end(page: Any, slider: Any) -> None:
    box = still(slider).bounding_box()
    page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)


def validate(student: Student, picture: Picture, name: str) -> str:
    """Press the button, and return what nbgrader says when it has run the whole notebook."""
    student.page.get_by_role("button", name="Validate").click()
    dialog = student.page.get_by_role("dialog").filter(has_text="Validation Results")
    dialog.wait_for(timeout=120_000)
    picture(dialog.locator(".jp-Dialog-content"), name)
    said = str(dialog.inner_text())
    dialog.get_by_role("button", name="Ok").click()
    return said
