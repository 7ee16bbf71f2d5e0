"""The class in the terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from autograder.report import class_table


def printed(records: list[Any], width: int = 100) -> str:
    """Return the table as a terminal of that width shows it."""
    console = Console(
        file=io.StringIO(), width=width, color_system="truecolor", force_terminal=True, legacy_windows=False
    )
    console.print(class_table(records))
    return console.file.getvalue()  # type: ignore[attr-defined]


def plain(records: list[Any], width: int = 100) -> str:
    """Return the table without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    console.print(class_table(records))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_row_says_who_how_much_and_what_went_wrong(make: Any) -> None:
    row = next(line for line in plain(make.a_class()).splitlines() if "mask-after-softmax" in line)

    assert [cell for cell in map(str.strip, row.split("  ")) if cell] == [
        "mask-after-softmax",
        "88 / 100",
        "graded",
        "mask after softmax",
    ]


def test_no_score_is_not_a_zero(make: Any) -> None:
    text = plain([make.ungraded("a", "not_gradable", "Not JSON."), make.untouched("b")])
    rows = [line.split() for line in text.splitlines() if line.startswith(("  a ", "  b "))]

    assert rows[0] == ["a", "none", "not", "gradable", "Not", "JSON."]
    assert rows[1] == ["b", "0", "/", "100", "graded", "nothing", "attempted"]


def test_results_without_locks_say_so(make: Any) -> None:
    assert "unconfined" in plain([make.record("a", isolation="unconfined")])


def test_the_last_line_counts_the_class(make: Any) -> None:
    assert "16 submissions: 13 graded, 2 not gradable, 1 grader fault" in plain(make.a_class())
    assert "no submissions" in plain([])


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits_the_terminal_and_loses_no_student(make: Any, width: int) -> None:
    records = make.a_class()
    text = plain(records, width)

    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for record in records[:-1]:
        assert record.student in text


def test_square_brackets_of_a_student_are_no_markup(make: Any) -> None:
    assert "[bold red]boo[/]" in plain([make.record("[bold red]boo[/]")])


def test_a_student_cannot_steer_the_terminal(make: Any) -> None:
    """Even where colours are on, none of the escapes in an id gets through."""
    text = printed([make.record(make.hostile)])

    assert "\x1b[31m" not in text
    assert "\x1b]8" not in text
    assert "\u202e" not in text
    assert "\x07" not in text


def test_the_order_of_the_records_does_not_matter(make: Any) -> None:
    records = make.a_class()

    assert plain(records) == plain(records[::-1])
