"""What has arrived in the gradebook is not done again; whatever changed since is."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from host_course import ASSIGNMENT, hand_in, honest, not_graded, record
from nbgrader.api import Gradebook

from autograder.host import arrived, gradebook
from autograder.records import Record

RECORDS = {"ada": record("ada", 3.0), "bob": record("bob", 1.0), "eve": not_graded("eve")}
SCORES = {"ada": 9.0, "bob": 7.0, "eve": None}


@pytest.fixture
def filled(course: Path) -> Path:
    """A course in which everything has arrived."""
    hand_in(course, "ada", honest(course))
    hand_in(course, "bob", honest(course))
    assert fill(course) == {}
    return course


def fill(root: Path, **changed: Record) -> dict[str, str]:
    return gradebook.fill_gradebook(root, ASSIGNMENT, {**RECORDS, **changed}.values())


def nothing_to_do(root: Path, **changed: Record) -> bool:
    left = arrived.as_left(root, ASSIGNMENT)
    return left is not None and left.holds({**RECORDS, **changed}.values(), root / "submitted")


def page(root: Path, student: str) -> Path:
    return root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"


def copy_of(root: Path, student: str) -> Path:
    return root / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"


def written(root: Path) -> dict[str, int]:
    """When each copy and each page was written."""
    return {
        str(path.relative_to(root)): path.stat().st_mtime_ns
        for step in ("autograded", "feedback")
        for path in (root / step).rglob("*")
    }


def test_the_second_run_has_nothing_to_do(filled: Path) -> None:
    before, book = written(filled), (filled / "gradebook.db").read_bytes()
    assert nothing_to_do(filled)
    seen: list[str] = []
    assert gradebook.fill_gradebook(filled, ASSIGNMENT, RECORDS.values(), on_student=seen.append) == {}
    assert sorted(seen) == sorted(RECORDS)
    assert written(filled) == before
    assert (filled / "gradebook.db").read_bytes() == book


def test_finding_that_out_does_not_import_nbgrader(filled: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autograder.host import arrived;"
        f"left = arrived.as_left(Path({str(filled)!r}), {ASSIGNMENT!r}); assert left is not None;"
        "assert not {'nbgrader', 'sqlalchemy', 'nbconvert', 'nbformat', 'jsonschema'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def a_person_enters_a_score(root: Path) -> None:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, "ada").manual_score = 4.0
        book.db.commit()


def the_gradebook_is_gone(root: Path) -> None:
    (root / "gradebook.db").unlink()


def the_gradebook_is_an_older_one(root: Path) -> None:
    data = (root / "gradebook.db").read_bytes()
    gradebook.fill_gradebook(root, ASSIGNMENT, [record("ada", 0.0)])
    (root / "gradebook.db").write_bytes(data)


def a_mark_is_gone(root: Path) -> None:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.find_grade("check-double", ASSIGNMENT, ASSIGNMENT, "bob").auto_score = None
        book.db.commit()


def a_copy_is_gone(root: Path) -> None:
    shutil.rmtree(root / "autograded" / "ada")


def a_page_is_gone(root: Path) -> None:
    page(root, "ada").unlink()


def all_pages_are_gone(root: Path) -> None:
    shutil.rmtree(root / "feedback")


def a_page_was_edited(root: Path) -> None:
    page(root, "ada").write_text("something else")


def a_page_of_one_who_has_no_mark(root: Path) -> None:
    page(root, "eve").parent.mkdir(parents=True)
    page(root, "eve").write_text("10 points")


def a_new_notebook_was_handed_in(root: Path) -> None:
    hand_in(root, "ada", honest(root))


def a_time_was_handed_in(root: Path) -> None:
    (root / "submitted" / "ada" / ASSIGNMENT / "timestamp.txt").write_text("2026-10-01 12:00:00 UTC")


def the_settings_changed(root: Path) -> None:
    with (root / "nbgrader_config.py").open("a") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')


def the_release_changed(root: Path) -> None:
    path = root / "source" / ASSIGNMENT / "test_public.py"
    path.write_text(path.read_text() + "# more\n")


def the_note_is_gone(root: Path) -> None:
    arrived.note_path(root, ASSIGNMENT).unlink()


def the_note_is_garbage(root: Path) -> None:
    arrived.note_path(root, ASSIGNMENT).write_text('{"schema": 1')


CHANGES: list[Callable[[Path], None]] = [
    a_person_enters_a_score, the_gradebook_is_gone, the_gradebook_is_an_older_one, a_mark_is_gone, a_copy_is_gone,
    a_page_is_gone, all_pages_are_gone, a_page_was_edited, a_page_of_one_who_has_no_mark, a_new_notebook_was_handed_in,
    a_time_was_handed_in, the_settings_changed, the_release_changed, the_note_is_gone, the_note_is_garbage,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_after_any_change_the_next_run_makes_it_good(filled: Path, change: Callable[[Path], None]) -> None:
    change(filled)
    assert not nothing_to_do(filled)
    assert fill(filled) == {}
    expected = SCORES | ({"ada": 10.0} if change is a_person_enters_a_score else {})
    assert gradebook.read_scores(filled, ASSIGNMENT) == expected
    assert f"Score: {expected['ada']} / 10.0" in page(filled, "ada").read_text()
    assert copy_of(filled, "ada").exists()
    assert not page(filled, "eve").exists()
    assert nothing_to_do(filled)


def test_only_who_changed_is_done_again(filled: Path) -> None:
    before = written(filled)
    assert not nothing_to_do(filled, bob=record("bob", 4.0))
    assert fill(filled, bob=record("bob", 4.0)) == {}
    after = written(filled)
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert {name.split("/")[1] for name in changed} == {"bob"}
    assert gradebook.read_scores(filled, ASSIGNMENT) == SCORES | {"bob": 10.0}


def test_one_student_alone_does_not_make_others_arrive(filled: Path) -> None:
    a_mark_is_gone(filled)
    assert gradebook.fill_gradebook(filled, ASSIGNMENT, [RECORDS["ada"]]) == {}
    assert not nothing_to_do(filled)
    assert fill(filled) == {}
    assert gradebook.read_scores(filled, ASSIGNMENT) == SCORES


def test_a_gradebook_in_use_is_looked_at(filled: Path) -> None:
    other = sqlite3.connect(filled / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        assert not nothing_to_do(filled)
    finally:
        other.close()
    assert nothing_to_do(filled)


def test_a_copy_of_the_course_is_another_course(filled: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(filled, tmp_path / "other"))
    assert not nothing_to_do(other)
    assert fill(other) == {}
    assert gradebook.read_scores(other, ASSIGNMENT) == SCORES
    assert nothing_to_do(filled)


def test_who_did_not_arrive_is_tried_again(filled: Path) -> None:
    hand_in(filled, "bob [1]", honest(filled))
    more = {"bob [1]": record("bob [1]")}
    for _ in range(2):
        assert list(fill(filled, **more)) == ["bob [1]"]
        assert not nothing_to_do(filled, **more)


def test_a_note_that_cannot_be_written_only_costs_time(filled: Path) -> None:
    note = arrived.note_path(filled, ASSIGNMENT)
    note.unlink()
    note.mkdir()
    for _ in range(2):
        assert fill(filled) == {}
        assert not nothing_to_do(filled)
    assert gradebook.read_scores(filled, ASSIGNMENT) == SCORES
