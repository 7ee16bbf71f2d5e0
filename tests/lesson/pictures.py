"""The pictures of docs/student.md, which the tests make while they play the lesson.

With UPDATE_PICTURES=1 in the environment they are written into docs/student, else into a temporary folder.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

FOLDER = Path(__file__).parent.parent.parent / "docs" / "student"
NAMES = (
    *("notebook", "not-attempted", "raised", "wrong", "hint", "forbidden", "right"),
    *("unwritten", "mask-dropped", "validate-open", "validate-done", "dark-wrong"),
)
"""Those that the guide shows; every other picture is made for whoever looks into the temporary folder."""

_COLOURS = 64
"""Enough for text and a few shades; a picture is then a third of its size."""

Picture = Callable[[Any, str], None]


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    """Take a picture of something on a page, under a name."""
    spare = tmp_path_factory.mktemp("pictures")

    def picture(what: Any, name: str) -> None:
        update = os.environ.get("UPDATE_PICTURES") == "1" and name in NAMES
        shot = Image.open(io.BytesIO(still(what).screenshot(animations="disabled")))
        small = shot.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        small.save((FOLDER if update else spare) / f"{name}.png", optimize=True)

    return picture


def still(what: Any) -> Any:
    """Scroll to something and return it once it stays where it is: Jupyter lays out cells when they come into view."""
    what.scroll_into_view_if_needed()
    before = None
    while (now := what.bounding_box()) != before:
        before = now
        what.page.wait_for_timeout(100)
    return what
