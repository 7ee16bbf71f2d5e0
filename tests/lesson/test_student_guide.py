"""docs/student.md shows the pictures that the tests of this folder make, and no others."""

from __future__ import annotations

import re

from pictures import FOLDER, NAMES

GUIDE = FOLDER.parent / "student.md"
SHOWN = re.findall(r"!\[([^\]]+)\]\(student/([\w-]+)\.png\)", GUIDE.read_text(encoding="utf-8"))


def test_every_picture_of_the_guide_is_there_and_is_told_in_words() -> None:
    assert SHOWN
    for told, name in SHOWN:
        assert (FOLDER / f"{name}.png").is_file(), f"{name}.png is missing: run these tests with UPDATE_PICTURES=1"
        assert len(told.split()) >= 2


def test_every_picture_is_shown_and_is_one_that_the_tests_make() -> None:
    there = {path.stem for path in FOLDER.iterdir()}
    assert there == {name for _, name in SHOWN} == set(NAMES)


def test_the_pictures_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 500_000
