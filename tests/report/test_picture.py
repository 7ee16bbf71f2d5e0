"""Small pictures of numbers."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from autograder.report.picture import Figure, Panel, figure_html, figure_text, fits, short


def masks() -> Figure:
    wrong = frozenset({(0, 1), (1, 0)})
    yours = Panel(title="yours", values=((1, 1), (0, 1)), said="row 0 sees 1", wrong=wrong, yes_or_no=True)
    right = Panel(title="right", values=((1, 0), (1, 1)), said="row 0: 0; row 1: 0, 1", yes_or_no=True)
    return Figure(rows="query", columns="key", panels=(yours, right))


def numbers(*values: float, columns: int = 2) -> Figure:
    row = (*values, *(0.0,) * (columns - len(values)))
    return Figure(rows="word", columns="channel", panels=(Panel(title="yours", values=(row,), said="all of it"),))


def drawn(figure: Figure) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", figure_html(figure), re.DOTALL)]


def test_each_panel_is_an_image_with_its_words() -> None:
    yours, right = drawn(masks())
    assert yours.get("role") == "img"
    assert yours.get("aria-label") == "yours: row 0 sees 1"
    assert right.findtext("title") == "right: row 0: 0; row 1: 0, 1"


def test_what_is_wrong_has_a_frame_and_not_only_a_colour() -> None:
    yours, right = drawn(masks())
    assert len(yours.findall("rect[@class='ag-wrong-cell']")) == 2
    assert not right.findall("rect[@class='ag-wrong-cell']")


def test_few_columns_have_room_for_numbers_and_many_do_not() -> None:
    assert [t.text for t in drawn(numbers(0.25, math.nan))[0].findall("text")][-2:] == ["0.25", "nan"]
    assert "0.25" not in figure_html(numbers(0.25, columns=9))


def test_yes_and_no_can_be_read_in_a_terminal() -> None:
    lines = figure_text(masks())
    assert lines[:3] == ["yours   right", "# !     # .", "? #     # #"]
    assert "a row is a query, a column a key" in lines[3]
    assert figure_text(numbers(0.5)) == []


def test_a_title_is_text_and_never_markup() -> None:
    panel = Panel(title="<script>", values=((1.0, 2.0),), said='"><img src=x>')
    assert not re.search("<script|<img", figure_html(Figure(rows="<b>", columns="c", panels=(panel,))))


def test_a_picture_needs_no_script_and_nothing_from_outside() -> None:
    assert not re.search(r"<script|https?:|url\(|\son\w+=|style=", figure_html(masks()))


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.25, "0.25"), (0.0, "0"), (-0.0, "0"), (1234.5, "1.23e+03"), (1.5e-7, "1.50e-07"), (-math.inf, "-∞")],
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert short(value) == said


def test_only_small_matrices_fit() -> None:
    assert fits(3, 4)
    assert not fits(40, 4)
    assert not fits(3, 40)
    assert not fits(0, 4)
