"""Builds the notebooks of an assignment: `lesson.py` and `solutions/` to `source/`, and with nbgrader to `release/`.

In `lesson.py` (jupytext, py:percent) a cell says what it is in its first line:

    # %% setup                    imports; run before everything else
    # %% solution="softmax"       replaced by the reference solution, of which the student gets the stub
    # %% check="softmax"          replaced by the graded cell of that exercise
    # %% given="attention: softmax attention_weights"
    #                             replaced by solutions of an earlier assignment, from solutions/attention.py
    # %%                          a demonstration: shows something, is not run when grading
    # %% [markdown]               text

Every build gives the same bytes: cell ids come from exercise ids and positions, and nothing of the notebook is run.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from autograder.course import Assignment, Course
from autograder.errors import UsageError
from autograder.homework.recordings import FILE as RECORDINGS
from autograder.recorder import recordings_of
from autograder.release_file import FILE as RELEASE_FILE
from autograder.release_file import ReleaseFile, encode_release_file
from autograder.stubs import bugged_source, marked_source, solution_source, stub_source
from autograder.submission import CHECK_PREFIX, GIVEN_PREFIX, STARTS_FROM

__all__ = ["build", "check_fresh", "solution_source", "source_notebook", "stub_source", "write"]

STEPS = ("source", "release")
SIDE_FILES = ("test_public.py", "exercises.toml")
"""What a student gets beside the notebook as it is here; nbgrader hands on every file that lies there."""
_NOT_OURS = {".ipynb_checkpoints", "__pycache__"}
_JUPYTEXTS = {"lines_to_next_cell", "lines_to_end_of_cell_marker"}
"""What jupytext remembers about blank lines; it is no marker of ours."""
_MARKERS = 'known are setup, solution="EXERCISE", check="EXERCISE", given="MODULE: NAMES" and [markdown]'
_NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


def build(assignment: Assignment, target: Path) -> None:
    """Write `target/source/ASSIGNMENT/` and `target/release/ASSIGNMENT/`.

    Raises:
        UsageError: when the lesson, a solution or a side file is not as it should be.
    """
    from autograder.host.release import generate_release  # late: nbgrader takes seconds to import

    folder = target / "source" / assignment.id
    folder.mkdir(parents=True)
    (folder / f"{assignment.id}.ipynb").write_text(source_notebook(assignment), encoding="utf-8")
    for name in SIDE_FILES:
        if not (assignment.folder / name).is_file():
            raise UsageError(f"{assignment.folder / name} is missing; students get it beside the notebook")
        shutil.copyfile(assignment.folder / name, folder / name)
    (folder / RELEASE_FILE).write_bytes(encode_release_file(ReleaseFile(assignment.id, _stubs(assignment))))
    _add_recordings(assignment, folder)
    generate_release(target, assignment.id)


def _add_recordings(assignment: Assignment, folder: Path) -> None:
    """Put beside the notebook what names a mistake on the student's machine, where there are known mistakes."""
    old = assignment.folder.parent.parent / "release" / assignment.id
    if (data := recordings_of(assignment, old)) is not None:
        (folder / RECORDINGS).write_bytes(data)


def _stubs(assignment: Assignment) -> dict[str, dict[str, Any]]:
    """Return the cells of the exercises as students get them, by exercise."""
    assert assignment.solution is not None  # else there would be no notebook
    stubs = {}
    for name in (exercise.id for exercise in assignment.exercises):
        metadata = _solution_cell(assignment, name)["metadata"]
        bugged = metadata.pop("autograder", {}).get(STARTS_FROM)
        source = bugged or stub_source(assignment.solution, name)
        stubs[name] = {"id": name, "metadata": metadata, "source": source}
    return stubs


def write(course: Course) -> list[Path]:
    """Build every assignment into `source/` and `release/` and return the folders written.

    All is built in a scratch folder before anything is replaced; when that fails, or replacing does, the old folders
    stay. Folders of other assignments are left alone.

    Raises:
        UsageError: as `build`.
    """
    scratch = Path(tempfile.mkdtemp(prefix=".build-", dir=course.root))
    try:
        for assignment in course.assignments:
            build(assignment, scratch / "new")
        names = [Path(step) / assignment.id for assignment in course.assignments for step in STEPS]
        _swap(names, scratch, course.root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [course.root / name for name in names]


def _swap(names: Iterable[Path], scratch: Path, root: Path) -> None:
    """Put the new folders in the place of the old ones, all of them or none."""
    done: list[Path] = []
    try:
        for name in names:
            (scratch / "old" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).parent.mkdir(exist_ok=True)
            done.append(name)
            if (root / name).exists():
                (root / name).rename(scratch / "old" / name)
            (scratch / "new" / name).rename(root / name)
    except OSError as error:
        for name in done:
            if (scratch / "old" / name).exists():
                shutil.rmtree(root / name, ignore_errors=True)
                (scratch / "old" / name).rename(root / name)
            elif not (scratch / "new" / name).exists():
                shutil.rmtree(root / name, ignore_errors=True)
        raise UsageError(f"{error.filename}: {error.strerror}; source/ and release/ are as they were") from None


def check_fresh(course: Course) -> list[str]:
    """Say in which files `source/` and `release/` differ from what a build would write; empty when in none.

    Raises:
        UsageError: as `build`.
    """
    with tempfile.TemporaryDirectory(prefix="autograder-build-") as scratch:
        for assignment in course.assignments:
            build(assignment, Path(scratch))
        expected, found = _files(Path(scratch)), _files(course.root)
    lines = [f"{name} is missing" for name in expected if name not in found]
    lines += [f"{name} is stale" for name in expected if found.get(name, expected[name]) != expected[name]]
    lines += [f"{name} is not expected here" for name in found if name not in expected]
    return sorted(lines)


def _files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for step in STEPS
        for path in (root / step).rglob("*")
        if path.is_file() and not _NOT_OURS & set(path.relative_to(root).parts)
    }


# ---- the source notebook ------------------------------------------------------------------------------------------


def source_notebook(assignment: Assignment) -> str:
    """Return the instructor's notebook as text.

    Raises:
        UsageError: when the lesson's cells and the exercises do not fit together.
    """
    lesson = assignment.folder / "lesson.py"
    cells: list[dict[str, Any]] = []
    seen: list[tuple[str, str]] = []
    for index, raw in enumerate(_lesson_cells(lesson)):
        kind, exercise = _marker(raw, f"{lesson}, cell {index + 1}", assignment)
        if exercise and (kind, exercise) in seen:
            raise UsageError(f'{lesson}: two cells are marked {kind}="{exercise}"; one is expected')
        seen.append((kind, exercise))
        if kind == "solution":
            cells.append(_solution_cell(assignment, exercise))
        elif kind == "check":
            cells.append(_check_cell(exercise, assignment.exercise(exercise).points))
        elif kind == "given":
            cells.append(_given_cell(assignment, exercise, f"{lesson}, cell {index + 1}"))
        else:
            cells.append(_other_cell(kind, index, raw["source"], first=seen.count(("setup", "")) == 1))
    for kind in ("solution", "check"):
        if missing := [e.id for e in assignment.exercises if (kind, e.id) not in seen]:
            raise UsageError(
                f'{lesson} has no {kind} cell for {", ".join(missing)}. Add a line `# %% {kind}="{missing[0]}"`'
            )
    return _as_text({"cells": cells, "metadata": _NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5})


def _as_text(notebook: dict[str, Any]) -> str:
    node = nbformat.from_dict(notebook)
    nbformat.validate(node)
    text: str = nbformat.writes(node)
    return text.rstrip("\n") + "\n"


def _lesson_cells(lesson: Path) -> list[dict[str, Any]]:
    try:
        notebook = jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="py:percent")
    except FileNotFoundError:
        raise UsageError(f"{lesson} is missing; it is the notebook as text (jupytext, py:percent)") from None
    except (UnicodeDecodeError, ValueError, nbformat.ValidationError) as error:
        raise UsageError(f"{lesson} cannot be read as py:percent: {str(error).splitlines()[0]}") from None
    return [dict(cell) for cell in notebook.cells]


def _marker(cell: dict[str, Any], where: str, assignment: Assignment) -> tuple[str, str]:
    """Return what a cell is, and of which exercise."""
    said = {key: value for key, value in cell["metadata"].items() if key not in _JUPYTEXTS}
    if cell["cell_type"] == "markdown" and not said:
        return "text", ""
    setup = [said.pop("title", None) == "setup", said.pop("tags", None) == ["setup"]]
    names = {kind: said.pop(kind) for kind in ("solution", "check", "given") if kind in said}
    if cell["cell_type"] != "code" or said or len(names) + any(setup) > 1 or not (names or any(setup) or _plain(cell)):
        raise UsageError(f"{where}: unknown marker {_as_written(cell)}; {_MARKERS}")
    if not names:
        return ("setup" if any(setup) else "show"), ""
    kind, exercise = names.popitem()
    ids = [e.id for e in assignment.exercises]
    if kind != "given" and exercise not in ids:
        raise UsageError(f"{where}: there is no exercise {exercise!r} in exercises.toml; it has {', '.join(ids)}")
    if cell["source"].strip():
        raise UsageError(f'{where}: the cell {kind}="{exercise}" is filled by `build` and must be empty in the lesson')
    return kind, exercise


def _plain(cell: dict[str, Any]) -> bool:
    return not set(cell["metadata"]) - _JUPYTEXTS


def _as_written(cell: dict[str, Any]) -> str:
    said = " ".join(f"{key}={value!r}" for key, value in cell["metadata"].items())
    return f"[{cell['cell_type']}] {said}".removeprefix("[code] ").strip()


def _solution_cell(assignment: Assignment, exercise: str) -> dict[str, Any]:
    if assignment.solution is None:
        raise UsageError(f"{assignment.id} names no solution module; set `solution` in assignments/course.toml")
    metadata = _nbgrader(exercise, grade=False, locked=False, solution=True)
    if mistake := assignment.exercise(exercise).starts_from:
        wrong = assignment.folder / "misconceptions.py"
        metadata["autograder"] = {STARTS_FROM: bugged_source(assignment.solution, exercise, wrong, mistake)}
    return _code_cell(exercise, marked_source(assignment.solution, exercise), metadata)


def _check_cell(exercise: str, points: float) -> dict[str, Any]:
    name = CHECK_PREFIX + exercise
    role = {"grade": True, "locked": True, "solution": False, "points": points}
    return _code_cell(name, f'check("{exercise}")', _nbgrader(name, **role))


def _given_cell(assignment: Assignment, given: str, where: str) -> dict[str, Any]:
    """Return the read-only cell with what earlier assignments made, as "module: name name"."""
    module, _, names = given.partition(":")
    if assignment.solution is None or not names.split():
        raise UsageError(f'{where}: expected given="MODULE: NAME NAME", found {given!r}')
    path = assignment.solution.with_name(f"{module.strip()}.py")
    source = "\n\n\n".join(solution_source(path, name) for name in names.split())
    name = f"{GIVEN_PREFIX}{module.strip()}-{names.split()[0]}"
    return _code_cell(name, source, _nbgrader(name, grade=False, locked=True, solution=False))


def _nbgrader(grade_id: str, **role: Any) -> dict[str, Any]:
    return {"nbgrader": {"cell_type": "code", "grade_id": grade_id, "schema_version": 3, "task": False, **role}}


def _other_cell(kind: str, index: int, source: str, first: bool) -> dict[str, Any]:
    if kind == "text":
        return {"cell_type": "markdown", "id": f"text-{index:02}", "metadata": {}, "source": source}
    role = {"autograder": {"role": "setup" if kind == "setup" else "demonstration"}}
    return _code_cell("setup" if kind == "setup" and first else f"{kind}-{index:02}", source, role)


def _code_cell(name: str, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }
