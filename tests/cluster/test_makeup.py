"""What a worker must have in common with the command, and how it says what it has not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from attack import ASSIGNMENT

from autograder.cluster.makeup import Makeup, differences, makeup_of
from autograder.course import read_course


def makeup(root: Path, confined: bool = True) -> Makeup:
    course = read_course(root)
    return makeup_of(course, course.assignment(ASSIGNMENT), confined)


def test_the_same_course_at_another_place_is_the_same(course: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(course, tmp_path / "copy"))
    assert differences(makeup(course), makeup(copy)) == []


@pytest.mark.parametrize(
    "name",
    ["assignments/01_fort/exercises.toml", "assignments/01_fort/misconceptions.py", "release/01_fort/01_fort.ipynb"],
)
def test_another_file_is_named(course: Path, name: str) -> None:
    before = makeup(course)
    with (course / name).open("a") as file:
        file.write("\n")
    assert differences(before, makeup(course)) == [f"another {name}"]


def test_a_file_that_is_missing_and_one_too_many_are_named(course: Path) -> None:
    before = makeup(course)
    (course / "solutions" / "more.py").touch()
    assert differences(before, makeup(course)) == ["a solutions/more.py too many"]
    assert differences(makeup(course), before) == ["no solutions/more.py"]


def test_another_salt_is_named_and_not_told(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = makeup(course)
    monkeypatch.setenv("AUTOGRADER_SALT", "another one")
    after = makeup(course)
    assert differences(before, after) == ["another salt (AUTOGRADER_SALT)"]
    assert b"another one" not in msgspec.json.encode(after)


def test_other_points_are_named(course: Path) -> None:
    before = makeup(course)
    toml = course / "assignments" / "course.toml"
    toml.write_text(toml.read_text().replace('solution = "', 'points = { softmax = 1 }\nsolution = "'))
    assert differences(before, makeup(course)) == ["another assignments/course.toml (limits or points)"]


def test_another_version_is_told(course: Path) -> None:
    found = makeup(course)
    other = msgspec.structs.replace(found, versions=found.versions | {"torch": "1.0"})
    assert differences(found, other) == [f"torch 1.0 instead of {found.versions['torch']}"]


def test_whatever_else_the_fingerprint_rests_on_counts_too(course: Path) -> None:
    found = makeup(course)
    assert differences(found, msgspec.structs.replace(found, base="0")) == ["other files of the kit itself"]


def test_neither_dask_nor_torch_is_imported_before_it_is_used() -> None:
    code = "import sys, autograder.cluster.node; print({'distributed', 'dask', 'torch'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
