"""Notebooks and files in every state of damage, graded as one class by the real command."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attack import ASSIGNMENT, EXERCISES
from fort import autograder, hand_in, records_of, right_notebook

from autograder.handin import cell_of, delete, duplicate
from autograder.records import Record

Notebook = dict[str, Any]
Damage = Callable[[Notebook], Any]
FULL = 20.0


def shuffled(nb: Notebook) -> None:
    solutions = [cell_of(nb["cells"], name) for name in EXERCISES]
    for cell in solutions:
        nb["cells"].remove(cell)
    random.Random(1).shuffle(solutions)
    nb["cells"] += solutions  # setup stays first; a notebook whose imports come last does not run for anybody


def exercise_renamed(nb: Notebook) -> None:
    cell_of(nb["cells"], "softmax")["metadata"]["nbgrader"]["grade_id"] = "my_softmax"


def ids_gone(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell.pop("id", None)
        cell["metadata"] = {}


def ids_all_the_same(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell["id"] = "cell"


def check_cells_edited(nb: Notebook) -> None:
    for name in EXERCISES:
        cell_of(nb["cells"], f"check-{name}")["source"] = "raise SystemExit('full marks')"


def extra_cells(nb: Notebook) -> None:
    nb["cells"].insert(3, code("scratch = [softmax] if 'softmax' in dir() else []\nscratch"))
    nb["cells"].append({"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# My notes"})
    nb["cells"].append({"cell_type": "raw", "id": "r", "metadata": {}, "source": "<script>1</script>"})


def other_languages(nb: Notebook) -> None:
    for number, magic in enumerate(["javascript", "html", "bash", "writefile softmax.py", "no_such_magic"]):
        nb["cells"].insert(2 + number, code(f"%%{magic}\nalert(1) && rm -rf left-behind"))


def in_one_cell(nb: Notebook) -> None:
    first, second = (cell_of(nb["cells"], name) for name in ("softmax", "attention"))
    second["source"] = first["source"] + "\n\n" + second["source"]
    nb["cells"].remove(first)


def markdown_by_mistake(nb: Notebook) -> None:
    cell_of(nb["cells"], "softmax")["cell_type"] = "markdown"


def sources_as_lists(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)


def line_ends_of_windows(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell["source"] = cell["source"].replace("\n", "\r\n")


def huge_outputs(nb: Notebook) -> None:
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 200_000}]


def odd_outputs(nb: Notebook) -> None:
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [None, {"output_type": "execute_result", "data": {"text/plain": "20.0"}}, 3]
            cell["execution_count"] = "many"


def conflict_inside(nb: Notebook) -> None:
    cell = cell_of(nb["cells"], "softmax")
    cell["source"] = f"<<<<<<< mine\n{cell['source']}\n=======\n{cell['source']}\n>>>>>>> yours\n"


def newer_format(nb: Notebook) -> None:
    nb["nbformat_minor"] = 99
    nb["cells"][0]["a_field_of_the_future"] = {"a": 1}


def nonsense_among_cells(nb: Notebook) -> None:
    nb["cells"] = [None, 3, "x", {}, {"cell_type": "code"}, *nb["cells"], [], {"source": 5, "cell_type": "code"}]


def code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "id": "x", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


RECOVERED: list[Damage] = [
    shuffled, exercise_renamed, ids_gone, ids_all_the_same, check_cells_edited, extra_cells, other_languages,
    in_one_cell, sources_as_lists, line_ends_of_windows, huge_outputs, odd_outputs, newer_format,
    nonsense_among_cells,
]  # fmt: skip
"""The work is all there, so all of it counts."""


def cells_only(damage: Callable[[Any], None]) -> Damage:
    return lambda nb: damage(nb["cells"])


COSTS: dict[str, tuple[Damage, str, str]] = {
    "deleted": (cells_only(delete("sample")), "sample", "missing"),
    "markdown_by_mistake": (markdown_by_mistake, "softmax", "missing"),
    "conflict_inside": (conflict_inside, "softmax", "error"),
    "half_a_file": (lambda nb: cell_of(nb["cells"], "Head").update(source="class Head(nn.Module"), "Head", "error"),
}
"""One exercise is lost, and it alone: which, and the verdict of its checks."""


def as_json(damage: Damage, root: Path) -> bytes:
    notebook = json.loads(right_notebook(root))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    damage(notebook)
    return json.dumps(notebook).encode()


def not_notebooks(right: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "a-letter": b"Dear teacher, my notebook would not open.",
        "cut-off": right[: len(right) // 2],
        "in-conflict": b"<<<<<<< HEAD\n" + right + b"=======\n" + right + b">>>>>>> theirs\n",
        "utf-16": right.decode().encode("utf-16"),
        "a-picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
        "a-pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "format-3": json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{}]}).encode(),
        "a-list": b"[1, 2, 3]",
        "a-number": b"20.0",
        "nested": b"[" * 100_000,
        "too-large": b" " * (3 * 2**20),
        "too-much-code": json.dumps({"cells": [code("x = 1\n" * 60_000)], "nbformat": 4, "nbformat_minor": 5}).encode(),
    }


WRITTEN_DIFFERENTLY: dict[str, Callable[[bytes], bytes]] = {
    "byte-order-mark": lambda right: b"\xef\xbb\xbf" + right,
    "lines-of-windows": lambda right: right.replace(b"\n", b"\r\n"),
    "in-one-line": lambda right: json.dumps(json.loads(right), separators=(",", ":")).encode(),
    "escaped": lambda right: json.dumps(json.loads(right), ensure_ascii=True).encode(),
}
NOT_NOTEBOOKS = sorted(not_notebooks(b""))


class Class:
    """What came of grading everybody."""

    def __init__(self, root: Path) -> None:
        self.root = root
        right = right_notebook(root)
        for damage in RECOVERED:
            hand_in(root, damage.__name__, as_json(damage, root))
        for name, (damage, _, _) in COSTS.items():
            hand_in(root, name, as_json(damage, root))
        for name, content in not_notebooks(right).items():
            hand_in(root, name, content)
        for name, written in WRITTEN_DIFFERENTLY.items():
            hand_in(root, name, written(right))
        hand_in(root, "doubled", as_json(cells_only(duplicate("softmax")), root))
        hand_in(root, "another-name", right, "My homework (final) (2).ipynb")
        hand_in(root, "no-notebook", right, f"{ASSIGNMENT}.txt")
        hand_in(root, "neighbour", right)
        self.run = autograder(root, "grade", ASSIGNMENT, "--workers", "2", "--no-gradebook")
        self.records = records_of(root)


@pytest.fixture(scope="module")
def graded(module_fort: Path) -> Class:
    return Class(module_fort)


def verdicts(record: Record) -> dict[str, set[str]]:
    return {e.id: {c.verdict for c in e.checks} for e in record.exercises}


def test_nobody_is_missing_and_what_could_not_be_graded_is_said(graded: Class) -> None:
    assert graded.run.returncode == 1
    assert "Traceback" not in graded.run.stdout + graded.run.stderr
    handed_in = {path.name for path in (graded.root / "submitted").iterdir()}
    assert set(graded.records) == handed_in
    assert f"{len(NOT_NOTEBOOKS) + 1} not gradable" in graded.run.stdout


@pytest.mark.parametrize("name", [damage.__name__ for damage in RECOVERED])
def test_work_that_is_all_there_gets_all_its_points(graded: Class, name: str) -> None:
    assert graded.records[name].score == FULL, verdicts(graded.records[name])


@pytest.mark.parametrize("name", WRITTEN_DIFFERENTLY)
def test_how_a_file_is_written_does_not_matter(graded: Class, name: str) -> None:
    assert graded.records[name].score == FULL


@pytest.mark.parametrize(("name", "exercise", "verdict"), [(name, *rest) for name, (_, *rest) in COSTS.items()])
def test_what_is_lost_costs_its_own_exercise_alone(graded: Class, name: str, exercise: str, verdict: str) -> None:
    record = graded.records[name]
    assert verdicts(record)[exercise] == {verdict}
    lost = {e.id for e in record.exercises if e.score < e.max_score}
    assert lost == {exercise}


@pytest.mark.parametrize("name", [*NOT_NOTEBOOKS, "no-notebook"])
def test_what_is_no_notebook_has_a_reason_and_no_mark(graded: Class, name: str) -> None:
    record = graded.records[name]
    assert (record.status, record.score) == ("not_gradable", None)
    assert len(record.notes[0]) > 20


def test_a_doubled_cell_is_noted(graded: Class) -> None:
    assert graded.records["doubled"].score == FULL
    assert graded.records["doubled"].notes == ["softmax has 2 cells; the last one counts."]


def test_another_name_is_noted(graded: Class) -> None:
    assert graded.records["another-name"].score == FULL
    assert "expected the name 01_fort.ipynb" in graded.records["another-name"].notes[0]


def test_the_neighbour_gets_everything(graded: Class) -> None:
    assert graded.records["neighbour"].score == FULL
    assert graded.records["neighbour"].notes == []
