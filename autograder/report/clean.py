"""Makes text from anywhere safe to show: nothing in it moves the cursor, turns the line around or fills the page.

Escaping for HTML is not done here but by the templates, which escape everything.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_MESSAGE = 1000
"""Characters of a message, a hint or a note that are shown to the student."""
LONGEST_LINE = 200
"""Characters of a text that is shown in one line, to the instructor."""
LONGEST_NAME = 80
"""Characters of an id."""

_ANSI = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|\x1b[ -/]*[0-~]"
)
# Marks that sit on the letter before them: four suit every script, hundreds paint over the lines above.
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARK}{{4}}){_MARK}+")
_JOINERS = "\u200c\u200d"  # Persian and emoji need them, and they cannot hide anything


def clean(text: str, limit: int = LONGEST_MESSAGE) -> str:
    r"""Return text that is safe to show on several lines, cut at `limit` characters with a notice.

    ANSI escapes disappear. Other control characters, and those that change the direction of writing, become visible
    as \x07 or \u202e.
    """
    # Four times the limit is looked at, so that a text of many megabytes costs no more than a long one.
    shown = _ANSI.sub("", text[: 4 * limit])
    shown = _STACKED.sub(r"\1", shown.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    if not shown.isprintable():
        shown = "".join(character if _harmless(character) else _visible(character) for character in shown)
    return _cut(shown.strip("\n"), limit, len(text))


def one_line(text: str, limit: int = LONGEST_LINE) -> str:
    """Return text that is safe to show, with all its white space, line breaks included, turned into single spaces."""
    return " ".join(clean(text, limit).split())


def name(text: str) -> str:
    """Return an id that is safe to show in one line."""
    return one_line(text, LONGEST_NAME)


def _harmless(character: str) -> bool:
    if character.isprintable() or character == "\n" or character in _JOINERS:
        return True
    return unicodedata.category(character) == "Zs"


def _visible(character: str) -> str:
    return "\n" if character in "\u2028\u2029" else character.encode("unicode_escape").decode("ascii")


def _cut(text: str, limit: int, length: int) -> str:
    if len(text) <= limit and length <= 4 * limit:
        return text
    kept = text[:limit]
    return f"{kept}… [cut: {len(kept):,} of {max(length, len(text)):,} characters]"
