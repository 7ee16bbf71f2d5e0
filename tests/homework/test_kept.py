"""Back to a stub, with nothing lost."""

import json
from pathlib import Path

import pytest

from autograder.course import read_course
from autograder.errors import UsageError
from autograder.homework.kept import reset
from autograder.release_file import read_release_file
from autograder.submission import read_release

ROOT = Path(__file__).parent.parent.parent
MINE = "def softmax(x, dim=-1):\n    return x  # nearly"


def test_what_was_written_is_kept_and_the_stub_is_back(worksheet, release, write):
    write(softmax=MINE)
    (kept,) = reset(worksheet, release, "softmax")
    assert kept.read_text() == MINE + "\n"
    assert kept.parent == release / "backups"
    assert worksheet.read().status["softmax"] == "not_attempted"


def test_two_resets_in_one_second_keep_both(worksheet, release, write):
    kept = []
    for number in range(3):
        write(softmax=f"softmax = {number}")
        kept += reset(worksheet, release, "softmax")
    assert [path.read_text() for path in kept] == ["softmax = 0\n", "softmax = 1\n", "softmax = 2\n"]


def test_an_untouched_exercise_is_left_alone(worksheet, release, notebook):
    before = notebook.read_bytes()
    assert reset(worksheet, release, "softmax") is None
    assert notebook.read_bytes() == before
    assert not (release / "backups").exists()


def test_the_bug_to_be_mended_comes_back_as_it_was_given(worksheet, release, write):
    given = worksheet.sources("causal_weights")
    write(causal_weights=True)
    reset(worksheet, release, "causal_weights")
    assert worksheet.sources("causal_weights") == given


def test_what_the_release_does_not_hold_cannot_come_back(worksheet, release):
    (release / "release.json").write_text('{"assignment": "01_attention", "stubs": {}}')
    with pytest.raises(UsageError, match="has no stub of softmax"):
        reset(worksheet, release, "softmax")


@pytest.mark.parametrize("assignment", read_course(ROOT).assignments, ids=lambda a: a.id)
def test_the_stubs_shipped_are_the_cells_released(assignment):
    """Of every assignment: neither another text, nor anything that students do not get anyway."""
    folder = ROOT / "release" / assignment.id
    notebook = (folder / f"{assignment.id}.ipynb").read_bytes()
    stubs = read_release_file(folder).stubs
    assert read_release_file(folder).assignment == assignment.id
    assert {name: cell["source"] for name, cell in stubs.items()} == read_release(notebook, assignment).stubs
    released = {cell["id"]: cell["metadata"] for cell in json.loads(notebook)["cells"]}
    for name, cell in stubs.items():
        assert set(cell) == {"id", "metadata", "source"}
        assert set(cell["metadata"]) == {"nbgrader"}
        assert cell["metadata"]["nbgrader"].items() <= released[name]["nbgrader"].items()
