"""Records: their form, and that they are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from autograder.errors import UsageError
from autograder.records import CheckResult, ExerciseResult, Record, decode, encode, write_atomically

CHECK = CheckResult(
    id="test_hidden.py::test_a", title="Ä title.", verdict="wrong", points=0.0, max_points=2.0, message="m", hint="h"
)
RECORD = Record(
    assignment="01_small",
    student="no-scale",
    status="graded",
    score=7.5,
    max_score=10.0,
    isolation="confined",
    exercises=[ExerciseResult(id="double", status="attempted", score=0.0, max_score=2.0, checks=[CHECK])],
    notes=["n"],
    fingerprint="f",
)


def test_a_record_is_read_as_it_was_written() -> None:
    assert decode(encode(RECORD)) == RECORD


def test_the_shape_that_others_rely_on_is_there() -> None:
    found = json.loads(encode(RECORD))
    assert list(found)[:7] == ["schema", "assignment", "student", "status", "score", "max_score", "isolation"]
    assert found["schema"] == 1
    check = found["exercises"][0]["checks"][0]
    assert {"id", "title", "verdict", "points", "max_points", "message", "misconception"} <= set(check)


def test_the_same_record_always_has_the_same_bytes_and_ends_with_a_line_feed() -> None:
    again = msgspec.structs.replace(RECORD, notes=["n"])
    assert encode(again) == encode(RECORD)
    assert encode(RECORD).endswith(b"}\n")
    assert "Ä title.".encode() in encode(RECORD)


def test_what_was_not_graded_has_no_score() -> None:
    record = msgspec.structs.replace(RECORD, status="not_gradable", score=None, exercises=[])
    assert json.loads(encode(record))["score"] is None
    assert decode(encode(record)).score is None


def test_a_field_of_a_later_kit_does_not_matter() -> None:
    later = encode(RECORD).replace(b'"schema": 1,', b'"schema": 1, "colour": "blue",')
    assert decode(later) == RECORD


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"graded"', b'"excellent"'),
        (b'"wrong"', b'"right"'),
        (b'"confined"', b'"perhaps"'),
        (b"7.5", b'"7.5"'),
        (b'"student"', b'"pupil"'),
        (b"}\n", b"\n"),
        (b"\xc3\x84", b"\xff"),
    ],
)
def test_what_is_no_record_is_refused_with_its_origin(old: bytes, new: bytes) -> None:
    data = encode(RECORD)
    assert old in data
    with pytest.raises(UsageError, match=r"^results/a\.json is not a result record"):
        decode(data.replace(old, new), "results/a.json")


def test_a_record_of_another_schema_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="has schema 2, this kit reads 1: grade again or update the kit"):
        decode(encode(RECORD).replace(b'"schema": 1', b'"schema": 2'))


def test_a_file_is_written_with_its_folders_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "results" / "01_small" / "a.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
