"""Text from anywhere becomes safe to show."""

from __future__ import annotations

import time

import pytest

from autograder.report.clean import LONGEST_LINE, LONGEST_NAME, clean, name, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H\x9b5mgone", "gone"),
        ("\x1b]0;a new window title\x07text", "text"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcreset", "reset"),
        ("half an escape \x1b", "half an escape \\x1b"),
    ],
)
def test_ansi_escapes_disappear(text: str, expected: str) -> None:
    assert expected == clean(text)


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x08", "\x85", "\u200b", "\u202e", "\u2066", "\ufeff", "\ud800"]
)
def test_what_could_hide_or_reorder_text_becomes_visible(character: str) -> None:
    """Control characters, zero-width ones, direction overrides and half surrogates are written as escapes."""
    escape = character.encode("unicode_escape").decode()

    assert f"a{escape}b" == clean(f"a{character}b")
    clean(character).encode("utf-8")


@pytest.mark.parametrize("text", ["naïve Ünïcode", "שלום", "مرحبا", "می\u200cشود", "你好", "👩\u200d🔬", "a\u00a0b"])
def test_honest_text_in_any_script_is_left_alone(text: str) -> None:
    assert text == clean(text)


def test_lines_and_indentation_survive_in_messages_and_vanish_in_lines() -> None:
    text = "RuntimeError: no\r\n\tin line 4:\n\t\treturn q\n"

    assert clean(text) == "RuntimeError: no\n    in line 4:\n        return q"
    assert one_line(text) == "RuntimeError: no in line 4: return q"


def test_long_text_is_cut_and_says_so() -> None:
    assert clean("a" * 5000, limit=10) == "a" * 10 + "… [cut: 10 of 5,000 characters]"
    assert one_line("a" * (LONGEST_LINE + 1)).endswith("[cut: 200 of 201 characters]")
    assert name("a" * (LONGEST_NAME + 1)).endswith("[cut: 80 of 81 characters]")


def test_text_of_just_the_limit_is_whole() -> None:
    assert clean("a" * 10, limit=10) == "a" * 10


def test_a_huge_text_costs_no_more_than_a_long_one() -> None:
    """Fifty megabytes of escapes and control characters take about a second at most."""
    start = time.perf_counter()

    shown = clean("\x1b[" * 10_000_000 + "\x07" * 30_000_000)

    assert shown.endswith("of 50,000,000 characters]")
    assert time.perf_counter() - start < 3.0


def test_stacked_marks_do_not_paint_over_the_lines_above() -> None:
    assert clean("a" + "\u0301" * 300 + "b") == "a" + "\u0301" * 4 + "b"


def test_cleaning_twice_changes_nothing() -> None:
    once = clean("\x1b[31m\u202ered\x07 " + "x" * 500)

    assert once == clean(once)
