"""A student's file: found, read and changed as a notebook and as a Python file in percent format."""

import json

import jupytext
import pytest

from autograder.errors import NotGradable, UsageError
from autograder.homework.worksheet import Worksheet, find_worksheet, open_worksheet
from autograder.release_file import read_release_file

RIGHT = "def softmax(x, dim=-1):\n    return x"


@pytest.fixture
def percent(notebook, assignment):
    """The same notebook as a Python file, without the notebook."""
    path = notebook.with_suffix(".py")
    path.write_text(jupytext.writes(jupytext.read(notebook), fmt="py:percent"))
    notebook.unlink()
    return Worksheet(path, assignment)


def cells_of(notebook):
    return json.loads(notebook.read_bytes())["cells"]


def test_the_notebook_of_a_folder_is_found(release, notebook):
    (release / "scratch.py").write_text("")
    assert find_worksheet(release) == notebook
    assert find_worksheet(notebook) == notebook
    (release / "copy.ipynb").write_text("")
    assert find_worksheet(release) == notebook


def test_the_only_notebook_counts_whatever_it_is_called(release, notebook):
    renamed = notebook.rename(release / "mine.ipynb")
    assert find_worksheet(release) == renamed
    (release / "other.ipynb").write_text("")
    with pytest.raises(UsageError, match=r"holds mine\.ipynb, other\.ipynb: name the one"):
        find_worksheet(release)


def test_what_is_no_worksheet_is_refused(release, notebook):
    with pytest.raises(UsageError, match=r"expected a notebook \(\.ipynb\) or a Python file"):
        find_worksheet(release / "exercises.toml")
    notebook.unlink()
    with pytest.raises(UsageError, match="no notebook in"):
        find_worksheet(release)
    with pytest.raises(UsageError, match="no such file or folder"):
        find_worksheet(release / "nowhere")


def test_a_file_outside_its_release_folder_is_told_where_it_belongs(tmp_path, notebook):
    moved = notebook.rename(tmp_path / "moved.ipynb")
    with pytest.raises(UsageError, match="Keep the notebook in the folder in which it was released"):
        open_worksheet(moved)


def test_untouched_exercises_are_not_attempted_the_bug_that_is_given_included(worksheet):
    assert set(worksheet.read().status.values()) == {"not_attempted"}


def test_a_percent_file_has_the_cells_of_its_notebook(notebook, assignment, write):
    write(softmax=RIGHT)
    before = Worksheet(notebook, assignment).read()
    path = notebook.with_suffix(".py")
    path.write_text(jupytext.writes(jupytext.read(notebook), fmt="py:percent"))
    assert Worksheet(path, assignment).read() == before
    assert before.status["softmax"] == "attempted"


def test_a_percent_file_without_metadata_is_read_by_what_it_defines(release, assignment):
    path = release / "plain.py"
    path.write_text("# %%\nimport torch\n\n# %%\ndef softmax(x, dim=-1):\n    return x\n")
    submission = Worksheet(path, assignment).read()
    assert submission.status["softmax"] == "attempted"
    assert submission.status["SelfAttention"] == "missing"


def test_what_cannot_be_read_says_what_it_is(percent, worksheet, notebook):
    percent.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotGradable, match="is not Python in percent format"):
        percent.read()
    with pytest.raises(NotGradable, match="not an ordinary file"):
        worksheet.read()


def test_replacing_a_cell_leaves_all_else_in_the_notebook_as_it_is(worksheet, notebook, write):
    write(softmax=RIGHT)
    before = cells_of(notebook)
    worksheet.replace("softmax", {"id": "softmax", "metadata": {"new": True}, "source": "softmax = 1"})
    after = cells_of(notebook)
    changed = [now for old, now in zip(before, after, strict=True) if old != now]
    assert [(cell["source"], cell["outputs"], cell["metadata"]) for cell in changed] == [
        ("softmax = 1", [], {"new": True})
    ]


def test_replacing_a_cell_leaves_all_else_in_a_percent_file_as_it_is(percent, release):
    text = percent.path.read_text()
    stub = read_release_file(release).stubs["softmax"]
    percent.replace("softmax", stub | {"source": "softmax = 1"})
    assert percent.path.read_text() == text.replace(stub["source"], "softmax = 1")
    assert percent.sources("softmax") == ["softmax = 1"]


def test_a_cell_that_was_deleted_comes_back_in_front_of_its_check(worksheet, notebook, release):
    data = json.loads(notebook.read_bytes())
    data["cells"] = [cell for cell in data["cells"] if cell["id"] != "softmax"]
    notebook.write_text(json.dumps(data))
    worksheet.replace("softmax", read_release_file(release).stubs["softmax"])
    ids = [cell["id"] for cell in cells_of(notebook)]
    assert ids[ids.index("softmax") + 1] == "check-softmax"
    assert worksheet.read().status["softmax"] == "not_attempted"


def test_of_a_cell_that_was_doubled_one_stays(worksheet, notebook, release):
    data = json.loads(notebook.read_bytes())
    cell = next(cell for cell in data["cells"] if cell["id"] == "softmax")
    data["cells"].append({**cell, "id": "twin", "source": "softmax = 2"})
    notebook.write_text(json.dumps(data))
    worksheet.replace("softmax", read_release_file(release).stubs["softmax"])
    assert worksheet.sources("softmax") == [read_release_file(release).stubs["softmax"]["source"]]


def test_a_percent_file_whose_cell_is_gone_gets_the_stub_told(percent):
    percent.path.write_text("# %%\nimport torch\n")
    with pytest.raises(UsageError, match=r"found 0\. Write this there:\n\ndef softmax"):
        percent.replace("softmax", {"source": "def softmax(): ..."})


def test_a_release_that_does_not_say_what_it_is_says_what_to_do(worksheet, release, notebook):
    (release / "release.json").write_text("[]")
    with pytest.raises(UsageError, match=r"release\.json is not as it was released"):
        worksheet.read()
    (release / "release.json").unlink()
    with pytest.raises(UsageError, match=r"has no release\.json\. Keep the notebook in the folder"):
        open_worksheet(notebook)


def test_a_folder_may_be_renamed(release):
    """Browsers and LMSs put numbers behind the names of what is downloaded twice."""
    renamed = release.rename(release.with_name("01_attention (1)"))
    (renamed / "copy.ipynb").write_text("")
    worksheet, assignment = open_worksheet(renamed)
    assert (worksheet.path.name, assignment.id) == ("01_attention.ipynb", "01_attention")
