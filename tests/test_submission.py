"""Reading notebooks in every state: what can be recovered is recovered, and the rest is refused with the reason."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Assignment, Course
from autograder.errors import NotGradable
from autograder.submission import Released, Submission, find_notebook, read, read_bytes, read_notebook, read_release

STUBS = {
    "double": 'def double(x):\n    """Twice x."""\n    raise NotImplementedError',
    "shift": "def shift(x, by):\n    raise NotImplementedError",
    "centre": "def centre(x):\n    raise NotImplementedError",
}
DOUBLE = "def double(x):\n    return 2 * x"
DEMONSTRATION = {"source": "print('a picture')", "metadata": {"autograder": {"role": "demonstration"}}}
Notebook = Callable[..., bytes]


@pytest.fixture
def released(notebook: Notebook, small: Course) -> Released:
    cells = ["import torch", DEMONSTRATION]
    for name, stub in STUBS.items():
        cells += [(name, stub), (f"check-{name}", f"check({name!r})")]
    return read_release(notebook(*cells), small.assignments[0])


@pytest.fixture
def hand_in(notebook: Notebook, small: Course, released: Released) -> Callable[..., Submission]:
    def hand_in(*cells: Any, **more: Any) -> Submission:
        return read(notebook(*cells, **more), small.assignments[0], released)

    return hand_in


HandIn = Callable[..., Submission]


# ---- what was worked on -------------------------------------------------------------------------------------------


def test_the_release_itself_is_not_attempted(hand_in: HandIn) -> None:
    submission = hand_in(*STUBS.items())
    assert set(submission.status.values()) == {"not_attempted"}
    assert submission.notes == []


def test_a_stub_that_was_changed_is_attempted(hand_in: HandIn) -> None:
    submission = hand_in(("double", DOUBLE), *list(STUBS.items())[1:])
    assert submission.status == {"double": "attempted", "shift": "not_attempted", "centre": "not_attempted"}


@pytest.mark.parametrize(
    "source",
    [
        "# my solution\n" + STUBS["double"],
        STUBS["double"] + "  # to do\n\n\n",
        STUBS["double"].replace("Twice x.", "Two times x."),
        STUBS["double"].replace('    """Twice x."""\n', ""),
        STUBS["double"].replace("\n", "\r\n"),
        STUBS["double"].replace("(x)", "( x )"),
    ],
)
def test_a_stub_with_other_comments_or_layout_is_not_attempted(hand_in: HandIn, source: str) -> None:
    assert hand_in(("double", source)).status["double"] == "not_attempted"


@pytest.mark.parametrize("source", ["def double(x: return", "\0", "double(", "x = '\ud800'"])
def test_a_cell_that_is_no_python_is_attempted(hand_in: HandIn, source: str) -> None:
    assert hand_in(("double", source)).status["double"] == "attempted"


def test_a_cell_that_is_gone_is_missing(hand_in: HandIn) -> None:
    assert hand_in(("double", DOUBLE)).status["shift"] == "missing"


def test_an_empty_cell_is_missing_and_not_run(hand_in: HandIn) -> None:
    submission = hand_in(("double", "  \n"))
    assert submission.status["double"] == "missing"
    assert submission.cells == []


# ---- where it stands ----------------------------------------------------------------------------------------------


def test_cells_keep_their_order_and_are_named_like_the_student_sees_them(hand_in: HandIn) -> None:
    submission = hand_in("import torch", {"cell_type": "markdown", "source": "text"}, ("double", DOUBLE), "x = 1")
    assert [(cell.name, cell.source) for cell in submission.cells] == [
        ("cell 1", "import torch"),
        ("double", DOUBLE),
        ("cell 4", "x = 1"),
    ]


def test_checks_and_demonstrations_as_released_are_not_run(hand_in: HandIn) -> None:
    submission = hand_in(("double", DOUBLE), ("check-double", "check('double')"), DEMONSTRATION)
    assert [cell.name for cell in submission.cells] == ["double"]


def test_a_demonstration_that_was_changed_is_run(hand_in: HandIn) -> None:
    assert [c.name for c in hand_in({**DEMONSTRATION, "source": "def helper(): ..."}).cells] == ["cell 1"]


@pytest.mark.parametrize("source", [DOUBLE, "double = lambda x: 2 * x", "class double: ...", "x = 1\n" + DOUBLE])
def test_a_definition_in_another_cell_counts(hand_in: HandIn, source: str) -> None:
    submission = hand_in("import torch", source)
    assert submission.status["double"] == "attempted"
    assert submission.notes == ["double was found in cell 2 instead of its own cell."]


@pytest.mark.parametrize(
    "source", ["# def double(x): return 2 * x", "'def double(x): ...'", "double(3)", "def f():\n    double = 1"]
)
def test_a_mention_in_another_cell_does_not_count(hand_in: HandIn, source: str) -> None:
    assert hand_in(source).status["double"] == "missing"


def test_a_cell_that_was_renamed_is_found_by_what_it_defines(hand_in: HandIn) -> None:
    submission = hand_in(("dubble", DOUBLE))
    assert submission.status["double"] == "attempted"
    assert [cell.name for cell in submission.cells] == ["cell 1"]


def test_an_untouched_stub_does_not_hide_a_definition_above_it(hand_in: HandIn) -> None:
    submission = hand_in(DOUBLE, ("double", STUBS["double"]))
    assert submission.status["double"] == "attempted"
    namespace: dict[str, Any] = {}
    for cell in submission.cells:
        exec(cell.source, namespace)
    assert namespace["double"](3) == 6


def test_a_later_definition_counts_and_is_noted(hand_in: HandIn) -> None:
    submission = hand_in(("double", DOUBLE), "def double(x):\n    return x")
    assert submission.status["double"] == "attempted"
    assert submission.notes == ["double is defined again in cell 2; the last definition counts."]


def test_an_earlier_definition_in_another_cell_needs_no_note(hand_in: HandIn) -> None:
    assert hand_in("def double(x):\n    return x", ("double", DOUBLE)).notes == []


def test_a_cell_that_was_doubled_is_noted(hand_in: HandIn) -> None:
    submission = hand_in(("double", STUBS["double"]), ("double", DOUBLE))
    assert submission.status["double"] == "attempted"
    assert submission.notes == ["double has 2 cells; the last one counts."]
    assert submission.cells[-1].source == DOUBLE


@pytest.mark.parametrize("cell_type", ["markdown", "raw", "heading", None, 3])
def test_a_cell_of_another_type_is_not_run_and_noted(hand_in: HandIn, cell_type: Any) -> None:
    cell = {"cell_type": cell_type, "source": DOUBLE, "metadata": {"nbgrader": {"grade_id": "double"}}}
    submission = hand_in(cell)
    assert submission.status["double"] == "missing"
    assert submission.notes == ["The cell of double is no code cell any more, so it was not run."]
    assert submission.cells == []


@pytest.mark.parametrize("nbgrader", [None, 3, "double", [], {}, {"grade_id": None}, {"grade_id": ["double"]}])
def test_damaged_metadata_is_no_id(hand_in: HandIn, nbgrader: Any) -> None:
    submission = hand_in({"source": DOUBLE, "metadata": {"nbgrader": nbgrader}})
    assert [cell.name for cell in submission.cells] == ["cell 1"]
    assert submission.status["double"] == "attempted"


@pytest.mark.parametrize(
    "cell",
    [None, 3, "text", [], {"metadata": None}, {"metadata": []}, {"source": None}, {"source": 3}, {"source": {"a": 1}}],
)
def test_a_damaged_cell_does_not_matter_to_the_others(hand_in: HandIn, cell: Any) -> None:
    damaged = {"cell_type": "code", **cell} if isinstance(cell, dict) else cell
    whole = {
        "cells": [damaged, {"cell_type": "code", "source": DOUBLE, "metadata": {"nbgrader": {"grade_id": "double"}}}]
    }
    assert hand_in(**whole).status["double"] == "attempted"


def test_a_source_in_lines_is_joined(hand_in: HandIn) -> None:
    submission = hand_in(("double", ["def double(x):\n", "    return 2 * x", 3, None]))
    assert submission.cells[0].source == DOUBLE


def test_every_source_that_is_read_can_be_sent_inside(hand_in: HandIn) -> None:
    for cell in hand_in(("double", DOUBLE), "x = '\ud800'").cells:
        cell.source.encode()


# ---- what is no notebook ------------------------------------------------------------------------------------------


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(
    notebook: Notebook, small: Course, released: Released
) -> None:
    data = (
        b"\xef\xbb\xbf" + json.dumps(json.loads(notebook(("double", DOUBLE))), indent=1).replace("\n", "\r\n").encode()
    )
    assert read(data, small.assignments[0], released).status["double"] == "attempted"


NOT_GRADABLE = {
    "empty": (b"", "it is not JSON"),
    "text": (b"def softmax(x): ...", "it is not JSON"),
    "a picture": (b"\x89PNG\r\n", "it is not text in UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "it is not text in UTF-8"),
    "half": (b'{"cells": [', "it is not JSON"),
    "a merge conflict": (b'{"cells": [\n<<<<<<< HEAD\n=======\n>>>>>>> main\n]}', "the marks of an unresolved merge"),
    "a list": (b"[]", "it has no cells"),
    "a number": (b"3", "it has no cells"),
    "no cells": (b"{}", "it has no cells"),
    "cells that are no list": (b'{"cells": {}}', "it has no cells"),
    "an old format": (b'{"worksheets": [{"cells": []}], "nbformat": 3}', "its format is older than 4"),
    "deep JSON": (b"[" * 100_000, "it is not JSON"),
    "deep JSON that ends": (b"[" * 100_000 + b"]" * 100_000, "it is not JSON"),
    "a number with many digits": (b'{"cells": ' + b"1" * 10_000 + b"}", "not a notebook"),
}


@pytest.mark.parametrize(("data", "says"), NOT_GRADABLE.values(), ids=NOT_GRADABLE)
def test_what_is_no_notebook_is_not_graded_and_told_why(data: bytes, says: str) -> None:
    with pytest.raises(NotGradable, match=says):
        read_notebook(data)


def test_a_source_however_strange_is_read_in_no_time(hand_in: HandIn) -> None:
    for source in ("(" * 10**4, "-" * 10**4 + "1", "a" + ".b" * 10**4, "f" + "()" * 10**4, "if 1:\n " * 10**4):
        begun = time.monotonic()
        hand_in(("double", source), source)
        assert time.monotonic() - begun < 4


def test_a_source_of_many_lines_does_not_hold_the_grader_up(hand_in: HandIn) -> None:
    begun = time.monotonic()
    with contextlib.suppress(NotGradable):
        hand_in(("double", "x = 1\n" * 10**5))
    assert time.monotonic() - begun < 2


def test_many_such_cells_do_not_hold_the_grader_up_either(hand_in: HandIn) -> None:
    begun = time.monotonic()
    with contextlib.suppress(NotGradable):
        hand_in(*["x = 1\n" * 15_000] * 20)
    assert time.monotonic() - begun < 2


# ---- files --------------------------------------------------------------------------------------------------------


def test_the_notebook_with_the_right_name_counts(tmp_path: Path) -> None:
    for name in ("01_small.ipynb", "01_small-Copy1.ipynb", "notes.txt", ".01_small.ipynb"):
        (tmp_path / name).touch()
    assert find_notebook(tmp_path, "01_small") == (
        tmp_path / "01_small.ipynb",
        ["Graded 01_small.ipynb; not read: 01_small-Copy1.ipynb.", "Not read: notes.txt."],
    )


def test_the_only_notebook_counts_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "Untitled.ipynb").touch()
    path, notes = find_notebook(tmp_path, "01_small")
    assert path.name == "Untitled.ipynb"
    assert notes == ["Graded Untitled.ipynb, expected the name 01_small.ipynb."]


def test_no_notebook_or_several_with_wrong_names_are_not_graded(tmp_path: Path) -> None:
    with pytest.raises(NotGradable, match=r"expected 01_small\.ipynb"):
        find_notebook(tmp_path, "01_small")
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).touch()
    with pytest.raises(NotGradable, match=r"found a\.ipynb, b\.ipynb: which one counts"):
        find_notebook(tmp_path, "01_small")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    with path.open("wb") as file:
        file.truncate(3 * 2**20)
    with pytest.raises(NotGradable, match=r"a\.ipynb has 3\.0 MiB, at most 2 MiB are graded"):
        read_bytes(path, 2)
    assert len(read_bytes(path, 3)) == 3 * 2**20


@pytest.mark.parametrize("kind", ["link", "broken link", "folder", "pipe", "nothing"])
def test_what_is_no_ordinary_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.ipynb"
    secret = tmp_path / "secret"
    secret.write_text("{}")
    if "link" in kind:
        path.symlink_to(secret if kind == "link" else tmp_path / "nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(NotGradable, match=r"a\.ipynb is not an ordinary file"):
        read_bytes(path, 1)


# ---- the release --------------------------------------------------------------------------------------------------


def test_of_the_release_the_stubs_and_the_demonstrations_are_kept(released: Released, small: Course) -> None:
    assert isinstance(small.assignments[0], Assignment)
    assert released == Released(stubs=STUBS, demonstrations=frozenset({"print('a picture')"}))


# ---- what earlier assignments made --------------------------------------------------------------------------------

GIVEN = ("given-before", "def halve(x):\n    return x / 2")


@pytest.fixture
def with_given(notebook: Notebook, small: Course) -> Released:
    return read_release(notebook("import torch", GIVEN, *STUBS.items()), small.assignments[0])


STATES = {
    "as it was": ["import torch", GIVEN, ("double", DOUBLE)],
    "changed": ["import torch", (GIVEN[0], "def halve(x):\n    return 0"), ("double", DOUBLE)],
    "deleted": ["import torch", ("double", DOUBLE)],
    "doubled": ["import torch", GIVEN, (GIVEN[0], "1 / 0"), ("double", DOUBLE)],
}


@pytest.mark.parametrize("cells", STATES.values(), ids=STATES)
def test_what_is_given_is_run_as_it_was_released_whatever_became_of_it(
    notebook: Notebook, small: Course, with_given: Released, cells: list[Any]
) -> None:
    submission = read(notebook(*cells), small.assignments[0], with_given)
    assert [(cell.name, cell.source) for cell in submission.cells][1:] == [GIVEN, ("double", DOUBLE)]
