"""Reading the files of an author: what is right is read, what is wrong is named with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course, Limits, find_root, read_assignment, read_course
from autograder.errors import UsageError

REPOSITORY = Path(__file__).parents[1]


def change(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_course_is_read(small: Course) -> None:
    assert small.title == "Small"
    assert small.limits == Limits(check_seconds=1.0)
    (assignment,) = small.assignments
    assert (assignment.id, assignment.title, assignment.weight) == ("01_small", "Three small exercises", 2.0)
    assert [e.id for e in assignment.exercises] == ["double", "shift", "centre"]
    assert assignment.points == 10
    assert assignment.solution == small.root / "solutions" / "small.py"


def test_the_course_of_this_repository_is_read() -> None:
    course = read_course(REPOSITORY)
    assert [a.id for a in course.assignments] == [
        *("01_attention", "02_multi_head", "03_positions", "04_encoder_block", "06_decoder"),
    ]
    assert all(assignment.points == 115 for assignment in course.assignments)


def test_prerequisites_are_those_of_prerequisites_too_in_the_order_of_the_assignment(small: Course) -> None:
    assignment = small.assignments[0]
    assert assignment.prerequisites("double") == []
    assert assignment.prerequisites("shift") == ["double"]
    assert assignment.prerequisites("centre") == ["double", "shift"]


def test_the_salt_is_public_unless_one_is_set(small_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOGRADER_SALT", raising=False)
    course = read_course(small_root)
    assert (course.salt, course.salt_is_public) == ("public", True)
    monkeypatch.setenv("AUTOGRADER_SALT", "secret")
    course = read_course(small_root)
    assert (course.salt, course.salt_is_public) == ("secret", False)


def test_an_unknown_name_is_answered_with_the_known_ones(small: Course) -> None:
    with pytest.raises(UsageError, match=r"no assignment '02' in this course; it has 01_small"):
        small.assignment("02")
    with pytest.raises(UsageError, match=r"01_small has no exercise 'triple'; it has double, shift, centre"):
        small.assignments[0].exercise("triple")


def test_a_notebook_that_was_not_built_is_asked_for(small: Course) -> None:
    with pytest.raises(UsageError, match="run `autograder build` first"):
        small.notebook(small.assignments[0])


def test_the_root_is_found_from_below(small_root: Path) -> None:
    assert find_root(small_root / "assignments" / "01_small") == small_root.resolve()


def test_where_there_is_no_course_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no course here"):
        find_root(tmp_path)


def test_an_assignment_in_a_release_folder_has_no_solution(small_root: Path) -> None:
    assignment = read_assignment(small_root / "assignments" / "01_small")
    assert (assignment.id, assignment.solution) == ("01_small", None)


COURSE, EXERCISES = "assignments/course.toml", "assignments/01_small/exercises.toml"
WRONG = {
    "a missing field": (COURSE, 'salt = "public"', "", "salt"),
    "an unknown field": (COURSE, "weight = 2.0", "wieght = 2.0", "wieght"),
    "an unknown limit": (COURSE, "check_seconds", "seconds", "seconds"),
    "a text for a number": (COURSE, "check_seconds = 1.0", 'check_seconds = "1"', "check_seconds"),
    "no TOML": (COURSE, 'title = "Small"', "title = ", "not valid"),
    "an unknown field of an exercise": (EXERCISES, "points = 4", "points = 4\npiont = 4", "piont"),
    "a number for a text": (EXERCISES, 'title = "Doubling"', "title = 2", "title"),
    "an exercise twice": (EXERCISES, 'id = "shift"', 'id = "double"', "two exercises are called 'double'"),
    "a prerequisite that comes later": (EXERCISES, '["double"]', '["centre"]', "shift depends on centre"),
    "a prerequisite that does not exist": (EXERCISES, '["double"]', '["triple"]', "shift depends on triple"),
    "a prerequisite that is itself": (EXERCISES, '["double"]', '["shift"]', "shift depends on shift"),
}


@pytest.mark.parametrize(("file", "old", "new", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_file(small_root: Path, file: str, old: str, new: str, says: str) -> None:
    change(small_root, file, old, new)
    with pytest.raises(UsageError, match=says) as caught:
        read_course(small_root)
    assert str(small_root / file) in str(caught.value)


@pytest.mark.parametrize("file", [COURSE, EXERCISES])
def test_a_file_that_is_missing_or_not_text_is_named(small_root: Path, file: str) -> None:
    (small_root / file).write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not valid"):
        read_course(small_root)
    (small_root / file).unlink()
    with pytest.raises(UsageError, match="is missing"):
        read_course(small_root)
    (small_root / file).mkdir()
    with pytest.raises(UsageError):
        read_course(small_root)


def give_points(small_root: Path, table: str) -> None:
    change(small_root, COURSE, 'solution = "small.py"', f'solution = "small.py"\npoints = {{ {table} }}')


def test_an_extra_earns_nothing_unless_the_course_gives_it_points(small_root: Path) -> None:
    change(small_root, EXERCISES, "points = 4", "points = 4\nextra = true")
    assert read_course(small_root).assignments[0].exercises[0].points == 0
    give_points(small_root, "double = 4")
    assert read_course(small_root).assignments[0].exercises[0].points == 4


def test_a_course_may_weigh_an_exercise_otherwise_or_leave_it_out(small_root: Path) -> None:
    give_points(small_root, "double = 6, shift = 0")
    double, shift, centre = read_course(small_root).assignments[0].exercises
    assert (double.points, double.scale) == (6, 1.5)
    assert (shift.points, shift.scale) == (0, 0)
    assert (centre.points, centre.scale) == (4, 1)


@pytest.mark.parametrize(("table", "says"), [("treble = 4", "has no exercise treble"), ("double = -1", "not valid")])
def test_points_that_make_no_sense_are_refused(small_root: Path, table: str, says: str) -> None:
    give_points(small_root, table)
    with pytest.raises(UsageError, match=says):
        read_course(small_root)
