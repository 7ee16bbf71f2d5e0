"""Building notebooks: from the lesson and the solutions to source/ and release/."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from autograder import build
from autograder.course import Assignment, Course, Exercise, Limits
from autograder.errors import UsageError

LESSON = """\
# %% [markdown]
# # One

# %% setup
import math

# %%
def shown():
    print(1)

# %% solution="one"

# %% check="one"

# %% tags=["setup"]
import cmath
"""

SOLUTIONS = '''\
def one() -> str:
    """Say one."""
    return "one"
'''


@pytest.fixture
def course(tmp_path: Path) -> Course:
    folder = tmp_path / "assignments" / "01_one"
    folder.mkdir(parents=True)
    (folder / "lesson.py").write_text(LESSON)
    (folder / "test_public.py").write_text("# public\n")
    (folder / "test_hidden.py").write_text("# hidden\n")
    (folder / "exercises.toml").write_text("# toml\n")
    (tmp_path / "one.py").write_text(SOLUTIONS)
    assignment = Assignment(
        id="01_one",
        folder=folder,
        exercises=[Exercise(id="one", title="One", points=2.5)],
        solution=tmp_path / "one.py",
    )
    return Course(
        root=tmp_path, title="One", assignments=[assignment], limits=Limits(), salt="salt", salt_is_public=True
    )


def contents(course: Course) -> dict[str, bytes]:
    return {
        path.relative_to(course.root).as_posix(): path.read_bytes()
        for step in ("source", "release")
        for path in sorted((course.root / step).rglob("*"))
        if path.is_file()
    }


# ---- the source notebook ------------------------------------------------------------------------------------------


def test_cells_of_the_source_notebook(course: Course) -> None:
    cells = json.loads(build.source_notebook(course.assignments[0]))["cells"]
    assert [cell["id"] for cell in cells] == ["text-00", "setup", "show-02", "one", "check-one", "setup-05"]
    assert [cell["metadata"].get("autograder", {}).get("role") for cell in cells] == [
        None, "setup", "demonstration", None, None, "setup",
    ]  # fmt: skip
    common = {"cell_type": "code", "schema_version": 3, "task": False}
    assert cells[3]["metadata"]["nbgrader"] == {
        **common, "grade_id": "one", "grade": False, "locked": False, "solution": True,
    }  # fmt: skip
    assert cells[4]["metadata"]["nbgrader"] == {
        **common, "grade_id": "check-one", "grade": True, "locked": True, "solution": False, "points": 2.5,
    }  # fmt: skip
    assert cells[4]["source"] == ['check("one")']


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('solution="one"', 'solution="won"', "no exercise 'won' in exercises.toml; it has one"),
        ('solution="one"', 'soluton="one"', "cell 4: unknown marker soluton='one'"),
        ("# %% setup", "# %% setpu", "unknown marker title='setpu'"),
        ("# %% setup", '# %% setup check="one"', "unknown marker"),
        ("# %% [markdown]", '# %% [markdown] solution="one"', "unknown marker"),
        ("# %% [markdown]", "# %% [raw]", "unknown marker"),
        ("# %%\ndef shown():\n    print(1)", '# %% check="one"', 'two cells are marked check="one"'),
        ('# %% check="one"', '# %% check="one"\nprint(2)', "must be empty in the lesson"),
        ('# %% check="one"', "", 'has no check cell for one. Add a line `# %% check="one"`'),
        ('# %% solution="one"', "", "has no solution cell for one"),
        ("# %% setup", "# %% name=3", "cannot be read as py:percent"),
    ],
)
def test_a_lesson_that_does_not_fit_is_refused(course: Course, old: str, new: str, message: str) -> None:
    lesson = course.assignments[0].folder / "lesson.py"
    lesson.write_text(LESSON.replace(old, new))
    with pytest.raises(UsageError) as caught:
        build.source_notebook(course.assignments[0])
    assert message in str(caught.value)


# ---- source/ and release/ -----------------------------------------------------------------------------------------


def test_every_build_gives_the_same_bytes(course: Course) -> None:
    build.write(course)
    first = contents(course)
    assert set(first) == {
        f"{step}/01_one/{name}"
        for step in ("source", "release")
        for name in ("01_one.ipynb", "test_public.py", "exercises.toml", "release.json")
    }
    build.write(course)
    assert contents(course) == first
    assert not (course.root / "gradebook.db").exists()
    assert not list(course.root.glob(".build-*"))
    assert all(text.endswith(b"\n") and not text.endswith(b"\n\n") for text in first.values())


def test_check_says_what_is_missing_stale_or_not_expected(course: Course) -> None:
    assert len(build.check_fresh(course)) == 8
    build.write(course)
    assert build.check_fresh(course) == []
    (course.root / "release" / "01_one" / "test_hidden.py").write_text("# hidden\n")
    (course.root / "release" / "01_one" / "exercises.toml").unlink()
    (course.root / "source" / "00_gone").mkdir()
    (course.root / "source" / "00_gone" / "00_gone.ipynb").write_text("{}")
    (course.root / "release" / "01_one" / ".ipynb_checkpoints").mkdir()
    (course.root / "release" / "01_one" / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    assert course.assignments[0].solution is not None
    course.assignments[0].solution.write_text(SOLUTIONS.replace("Say one.", "Say two."))
    assert build.check_fresh(course) == [
        "release/01_one/01_one.ipynb is stale",
        "release/01_one/exercises.toml is missing",
        "release/01_one/release.json is stale",
        "release/01_one/test_hidden.py is not expected here",
        "source/00_gone/00_gone.ipynb is not expected here",
        "source/01_one/01_one.ipynb is stale",
        "source/01_one/release.json is stale",
    ]
    build.write(course)
    assert build.check_fresh(course) == ["source/00_gone/00_gone.ipynb is not expected here"]


def test_a_failing_build_leaves_the_old_folders(course: Course) -> None:
    build.write(course)
    before = contents(course)
    broken = msgspec.structs.replace(course.assignments[0], id="02_two")
    (course.assignments[0].folder / "test_public.py").write_text("# changed\n")
    (course.assignments[0].folder / "lesson.py").write_text("# %%\n1\n")
    with pytest.raises(UsageError):
        build.write(msgspec.structs.replace(course, assignments=[course.assignments[0], broken]))
    assert contents(course) == before


def test_a_failing_swap_puts_the_old_folders_back(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    build.write(course)
    before = contents(course)
    (course.assignments[0].folder / "test_public.py").write_text("# changed\n")
    rename = Path.rename

    def fails_at_the_last(self: Path, target: Path) -> Path:
        if target == course.root / "release" / "01_one" and "new" in self.parts:
            raise OSError(28, "No space left on device", os.fspath(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_at_the_last)
    with pytest.raises(UsageError, match="No space left on device; source/ and release/ are as they were"):
        build.write(course)
    monkeypatch.undo()
    assert contents(course) == before
    assert not list(course.root.glob(".build-*"))


def test_students_need_their_public_checks(course: Course) -> None:
    (course.assignments[0].folder / "test_public.py").unlink()
    with pytest.raises(UsageError, match=r"test_public.py is missing; students get it"):
        build.write(course)


def test_what_earlier_assignments_made_becomes_a_read_only_cell(course: Course) -> None:
    lesson = course.assignments[0].folder / "lesson.py"
    lesson.write_text(LESSON.replace("# %% solution", '# %% given="before: two three"\n\n# %% solution'))
    (course.root / "before.py").write_text("def three():\n    return 3\n\n\ndef two():\n    return 2\n")
    cells = {cell["id"]: cell for cell in json.loads(build.source_notebook(course.assignments[0]))["cells"]}
    given = cells["given-before-two"]
    assert "".join(given["source"]) == "def two():\n    return 2\n\n\ndef three():\n    return 3"
    role = given["metadata"]["nbgrader"]
    assert (role["locked"], role["grade"], role["solution"]) == (True, False, False)


@pytest.mark.parametrize("given", ["before", "before:", "nowhere: two", "before: four"])
def test_what_cannot_be_given_is_named(course: Course, given: str) -> None:
    lesson = course.assignments[0].folder / "lesson.py"
    lesson.write_text(LESSON.replace("# %% solution", f'# %% given="{given}"\n\n# %% solution'))
    (course.root / "before.py").write_text("def two():\n    return 2\n")
    with pytest.raises(UsageError):
        build.source_notebook(course.assignments[0])
