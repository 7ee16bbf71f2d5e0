"""The page of error rates: what it says, what it compares with, and when it is stale."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import build
from autograder.catalogue import load_module
from autograder.cli import main
from autograder.course import read_course
from autograder.error_rates import Errors, Row, Section, fingerprint, is_fresh, page
from autograder.errors import UsageError
from autograder.naive import NaiveCheck, all_close, read_naive, same_shapes

ROOT = Path(__file__).parent.parent

FILES = {
    "exercises.toml": """
[[exercise]]
id = "double"
title = "Doubling"
points = 1
hints = ["a"]

[[exercise]]
id = "Scale"
title = "A layer"
points = 1
hints = ["a"]

[[exercise]]
id = "name"
title = "A word"
points = 1
hints = ["a"]
""",
    "lesson.py": "# %% setup\nimport torch\nfrom torch import nn\n\n"
    + "\n\n".join(f'# %% solution="{name}"\n\n# %% check="{name}"' for name in ("double", "Scale", "name")),
    "test_public.py": "",
    "test_hidden.py": '''
from autograder.checks import assert_close, assert_equal, catches, exercise, points


@exercise("double")
@points(1)
@catches("tripled", "first_rows_only", "flattened")
def test_numbers(student, draw):
    """Every number is doubled."""
    for x in (draw.normal(7, 3), draw.normal(5, 2)):
        assert_close(student.double(x), 2 * x, "attention")


@exercise("Scale")
@points(1)
@catches("forgets_to_scale")
def test_layer(student, draw):
    """Every number is multiplied."""
    layer, x = student.Scale(3), draw.normal(2, 3)
    layer.load_state_dict({"by": x[0]}, strict=False)
    assert_close(layer(x), x * x[0], "attention")


@exercise("name")
@points(1)
@catches("shouts")
def test_word(student):
    """The word is the right one."""
    assert_equal(student.name(), "softmax", "the word")
''',
    "misconceptions.py": """
import torch
from torch import nn
from autograder.authoring import misconception

HINTS = ("a", "b", "c")


@misconception("double", title="it is taken three times", hints=HINTS, seen_in="plausible")
def tripled(x):
    return 3 * x


@misconception("double", title="only four rows are doubled", hints=HINTS, seen_in="plausible")
def first_rows_only(x):
    return torch.cat([2 * x[:4], x[4:]])


@misconception("double", title="it is flattened", hints=HINTS, seen_in="plausible")
def flattened(x):
    return 2 * x.flatten()


@misconception("Scale", title="it is not scaled", hints=HINTS, seen_in="plausible")
class forgets_to_scale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.by = nn.Parameter(torch.rand(width))

    def forward(self, x):
        return x


@misconception("name", title="it is written in capitals", hints=HINTS, seen_in="plausible")
def shouts():
    return "SOFTMAX"
""",
    "alternatives.py": """
import torch
from torch import nn
from autograder.authoring import alternative


@alternative("double", why="a sum is no product")
def added(x):
    return x + x


@alternative("Scale", why="starts from another place")
class from_ones(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.by = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.by


@alternative("Scale", why="keeps something more")
class with_a_buffer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.by = nn.Parameter(torch.ones(width))
        self.register_buffer("more", torch.zeros(1))

    def forward(self, x):
        return x * self.by
""",
    "naive.py": """
NAIVE = {
    "double": lambda draw: ((draw.normal(4, 4),), {}),
    "Scale": lambda draw: ((4,), (draw.normal(4, 4),)),
}
""",
}
SOLUTION = '''"""A function, a layer and a word."""

import torch
from torch import nn


def double(x):
    """Twice x."""
    return 2 * x


class Scale(nn.Module):
    """Multiplies each column."""

    def __init__(self, width):
        super().__init__()
        self.by = nn.Parameter(torch.rand(width))

    def forward(self, x):
        """Multiply."""
        return x * self.by


def name():
    """Return the word."""
    return "softmax"
'''


@pytest.fixture
def root(small_root, monkeypatch):
    """A small course in which naive checks are wrong in every way."""
    for name, text in FILES.items():
        (small_root / "assignments" / "01_small" / name).write_text(text)
    (small_root / "solutions" / "small.py").write_text(SOLUTION)
    monkeypatch.delenv("AUTOGRADER_SALT", raising=False)
    monkeypatch.chdir(small_root)
    return small_root


def cells(text, exercise):
    """The row of an exercise."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {exercise} |")]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_the_page_counts_what_the_hidden_checks_and_the_naive_ones_get_wrong(root):
    build.write(read_course(root))
    done = CliRunner().invoke(main, ["verify", "--report", "docs/rates.md"])
    assert done.exit_code == 0, done.output
    text = (root / "docs" / "rates.md").read_text()

    wrong, right, margin, named, *naive = cells(text, "double")
    assert (wrong, right, named) == ("0 of 3", "0 of 2", "3 of 3")
    assert int(margin.replace(",", "")) > 100
    # Numbers that are wrong have the right shape; and four rows are doubled, as long as there are four.
    assert naive == ["2 of 3", "0 of 2", "1 of 3", "0 of 2"]
    # A layer that holds something more cannot be given the reference's weights alone, unless one says so.
    assert cells(text, "Scale")[4:] == ["1 of 1", "1 of 3", "0 of 1", "1 of 3"]
    assert cells(text, "name")[4:] == ["-", "-", "-", "-"]
    assert cells(text, "**together**")[4:6] == ["**3 of 4**", "**1 of 5**"]
    assert is_fresh(root / "docs" / "rates.md", read_course(root))

    # Again, under another salt: the same bytes.
    again = CliRunner().invoke(main, ["verify", "--report", "docs/rates.md"], env={"AUTOGRADER_SALT": "of a teacher"})
    assert again.exit_code == 0, again.output
    assert (root / "docs" / "rates.md").read_text() == text


def row(**more):
    return Row(**{"exercise": "it", "hidden": Errors(wrong=7, right=2), "margin": 1234.5, "named": 3, "own": 5} | more)


def test_rows_are_added_up():
    one = row(shapes=Errors(wrong=7, accepted=4, right=2), allclose=Errors(wrong=7, accepted=1, right=2, rejected=1))
    text = page(
        [Section(assignment="01_small", rows=[one, row(margin=math.inf, exercise="other")])], "sha256:0", "x.md"
    )
    assert cells(text, "01_small") == ["0 of 14", "0 of 4", "1,234", "6 of 10", "4 of 7", "0 of 2", "1 of 7", "1 of 2"]
    assert cells(text, "other")[2:] == ["any", "3 of 5", "-", "-", "-", "-"]


def page_of(root):
    path = root / "rates.md"
    path.write_text(page([Section(assignment="01_small", rows=[row()])], fingerprint(read_course(root)), "rates.md"))
    return path


@pytest.mark.parametrize(
    "name",
    ["solutions/small.py", *(f"assignments/01_small/{n}" for n in FILES if n not in ("lesson.py", "test_public.py"))],
)
def test_a_page_is_stale_when_something_it_depends_on_has_changed(root, name):
    path = page_of(root)
    (root / name).write_text((root / name).read_text() + "\n# more\n")
    assert not is_fresh(path, read_course(root))
    done = CliRunner().invoke(main, ["verify", "--check-report", "rates.md"])
    assert done.exit_code == 1
    assert "autograder verify --report rates.md" in done.output


def test_a_page_stays_fresh_when_the_lesson_is_told_in_other_words(root):
    path = page_of(root)
    (root / "assignments" / "01_small" / "lesson.py").write_text("# another story\n")
    assert is_fresh(path, read_course(root))


def test_asking_whether_a_page_is_fresh_needs_no_torch(root):
    page_of(root)
    code = "import sys; sys.modules['torch'] = None; from autograder.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "verify", "--check-report", "rates.md"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "rates.md is fresh\n"), done.stderr


def test_a_page_that_is_not_there_is_said(root):
    done = CliRunner().invoke(main, ["verify", "--check-report", "nowhere.md"])
    assert done.exit_code == 2
    with pytest.raises(UsageError, match="verify --report"):
        is_fresh(root / "nowhere.md", read_course(root))


def test_naive_checks_of_an_exercise_that_is_not_there_are_refused(root):
    (root / "assignments" / "01_small" / "naive.py").write_text('NAIVE = {"triple": lambda draw: ((), {})}\n')
    with pytest.raises(UsageError, match="no exercise 'triple'"):
        read_naive(read_course(root).assignments[0])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mutate", "--report", "x.md"],
        ["--report", "x.md", "--check-report", "x.md"],
        ["01_small", "--report", "x.md"],
    ],
)
def test_options_that_do_not_go_together_are_refused(root, arguments):
    assert CliRunner().invoke(main, ["verify", *arguments]).exit_code == 2
    assert not (root / "x.md").exists()


WITH_NAIVE_CHECKS = [a for a in read_course(ROOT).assignments if (a.folder / "naive.py").is_file()]


@pytest.mark.parametrize("assignment", WITH_NAIVE_CHECKS, ids=lambda assignment: assignment.id)
def test_naive_checks_accept_the_reference(assignment):
    """Else they would be no comparison."""
    reference = vars(load_module(assignment.solution))
    for exercise, inputs in read_naive(assignment).items():
        check = NaiveCheck(exercise, reference, inputs)
        assert check.passes(reference, same_shapes), exercise
        assert check.passes(reference, all_close), exercise


def test_the_page_of_this_course_is_fresh():
    """If not: `autograder verify --report docs/error-rates.md`, which takes minutes."""
    assert is_fresh(ROOT / "docs" / "error-rates.md", read_course(ROOT))
