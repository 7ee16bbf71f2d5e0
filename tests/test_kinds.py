"""Two kinds of exercise beside "write this": mend this bug, and write the test. Same sandbox, same records."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder import build
from autograder.course import Course, read_course
from autograder.handin import fill
from autograder.jobs import Job
from autograder.pool import Pool
from autograder.records import Record
from autograder.verify import Verdicts, verify

ROOT = Path(__file__).parent.parent

COURSE = """
title = "Two kinds"
salt = "public"

[[assignments]]
id = "01_kinds"
title = "Two kinds"
solution = "kinds.py"
"""

SOLUTION = '''"""A function, the same one to mend, and a test of it."""


def centre(x):
    """Move the numbers of each row so that their mean is 0."""
    # The mean of each row, kept as an axis.
    return x - x.mean(dim=-1, keepdim=True)


def centre_columns(x):
    """Move the numbers of each column so that their mean is 0.

    Shapes: x (N, D) -> (N, D)
    """
    return x - x.mean(dim=0)


def test_centre(centre):
    """Stop every wrong `centre` by an exception, and no right one."""
    x = torch.tensor([[1.0, 2.0, 6.0], [0.0, 4.0, 5.0]])
    assert torch.allclose(centre(x), torch.tensor([[-2.0, -1.0, 3.0], [-3.0, 1.0, 2.0]]))
    x.requires_grad_()
    (centre(x) ** 2).sum().backward()
    assert torch.allclose(x.grad, torch.tensor([[-4.0, -2.0, 6.0], [-6.0, 2.0, 4.0]]))
'''
SOLUTION = SOLUTION.replace('to mend, and a test of it."""\n', 'to mend, and a test of it."""\n\nimport torch\n')

EXERCISES = """
[[exercise]]
id = "centre"
title = "Centre"
points = 1
hints = ["?"]

[[exercise]]
id = "centre_columns"
title = "Mend this"
points = 2
starts_from = "rows_centred"
hints = ["?"]

[[exercise]]
id = "test_centre"
title = "Write the test"
points = 4
hints = ["?"]
"""

LESSON = "# %% setup\nimport torch\nfrom autograder.homework.selfcheck import check\n" + "".join(
    f'\n# %% solution="{name}"\n\n# %% check="{name}"\n' for name in ("centre", "centre_columns", "test_centre")
)

PUBLIC = '''
import torch

from autograder.checks import assert_tells_apart, exercise, suspect


def by_hand(x):
    return torch.stack([row - sum(row) / len(row) for row in x])


@exercise("test_centre")
def test_it_tells_zeros_from_the_right_numbers(student, draw):
    """Zeros are no answer."""
    right, wrong = suspect(by_hand, "the mean, taken by hand."), suspect(lambda x: 0 * x, "all is 0")
    assert_tells_apart(student.test_centre, [right], [wrong], draw)
'''

HIDDEN = '''
from autograder.checks import assert_close, assert_tells_apart, catches, exercise, points


@exercise("centre")
@points(1)
@catches("not_centred", "columns", "taken_from_the_first", "cut_off")
def test_rows(student, draw):
    """Every row has the mean 0."""
    x = draw.normal(5, 3)
    found = [student.centre(x), student.centre(-x)]
    gradient = student.centre.gradients(x, toward=x).arguments[0]
    assert_close(found[0], x - x.mean(1, keepdim=True), "attention")
    assert_close(found[1], -found[0], "attention")
    assert gradient is not None


@exercise("centre_columns")
@points(2)
@catches("rows_centred")
def test_columns(student, draw):
    """Every column has the mean 0."""
    x = draw.normal(5, 3)
    found = student.centre_columns(x), student.centre_columns(-x)
    assert_close(found[0], x - x.mean(0), "attention")
    assert_close(found[1], x.mean(0) - x, "attention")


@exercise("test_centre")
@points(1)
@catches("stops_nothing", "stops_everything", "asks_for_a_shape")
def test_numbers(student, draw, suspects):
    """It stops solutions whose numbers are wrong."""
    wrong = suspects.wrong("centre", "not_centred", "columns", "taken_from_the_first")
    assert_tells_apart(student.test_centre, suspects.right("centre"), wrong, draw)


@exercise("test_centre")
@points(3)
@catches("stops_nothing", "stops_everything", "asks_for_a_shape", "looks_at_numbers_alone")
def test_everything(student, draw, suspects):
    """It stops every wrong solution."""
    assert_tells_apart(student.test_centre, suspects.right("centre"), suspects.wrong("centre"), draw)
'''

MISCONCEPTIONS = """
import torch

from autograder.authoring import misconception

HINTS = ("a question", "where to look", "an example")


@misconception("centre", title="nothing is moved", hints=HINTS, seen_in="plausible")
def not_centred(x):
    return x


@misconception("centre", title="the columns are centred", hints=HINTS, seen_in="plausible")
def columns(x):
    return x - x.mean(dim=0)


@misconception("centre", title="the first number is taken for the mean", hints=HINTS, seen_in="plausible")
def taken_from_the_first(x):
    return x - x[..., :1]


@misconception("centre", title="the result is cut off from its input", hints=HINTS, seen_in="plausible")
def cut_off(x):
    return (x - x.mean(dim=-1, keepdim=True)).detach()


@misconception("centre", title="the numbers are added up", hints=HINTS, seen_in="plausible")
def added_up(x):
    return x.sum(dim=-1)


@misconception("centre_columns", title="the rows are centred", hints=HINTS, seen_in="plausible")
def rows_centred(x):
    # It looks right.
    return x - x.mean(dim=-1, keepdim=True)


@misconception("test_centre", title="the test stops nothing", hints=HINTS, seen_in="plausible")
def stops_nothing(centre):
    centre(torch.ones(2, 3))


@misconception("test_centre", title="the test stops everything", hints=HINTS, seen_in="plausible")
def stops_everything(centre):
    raise AssertionError


@misconception("test_centre", title="the test looks at the shape alone", hints=HINTS, seen_in="plausible")
def asks_for_a_shape(centre):
    assert centre(torch.ones(2, 3)).shape == (2, 3)


@misconception("test_centre", title="the test never asks for gradients", hints=HINTS, seen_in="plausible")
def looks_at_numbers_alone(centre):
    x = torch.tensor([[1.0, 2.0, 6.0], [0.0, 4.0, 5.0]])
    assert torch.allclose(centre(x), torch.tensor([[-2.0, -1.0, 3.0], [-3.0, 1.0, 2.0]]))
"""

ALTERNATIVES = """
import torch

from autograder.authoring import alternative


@alternative("centre", why="The mean is a matrix product.")
def by_product(x):
    return x - x @ torch.full((x.size(-1), 1), 1 / x.size(-1))


@alternative("test_centre", why="It raises by itself.")
def raises(centre):
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    y = centre(x)
    (gradient,) = torch.autograd.grad(y.sum(), x, allow_unused=True)
    if gradient is None or (y - x + x.mean(1, keepdim=True)).abs().max() > 1e-4:
        raise ValueError("wrong")
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("kinds")
    files = {
        "assignments/course.toml": COURSE,
        "solutions/kinds.py": SOLUTION,
        "assignments/01_kinds/exercises.toml": EXERCISES,
        "assignments/01_kinds/lesson.py": LESSON,
        "assignments/01_kinds/test_public.py": PUBLIC,
        "assignments/01_kinds/test_hidden.py": HIDDEN,
        "assignments/01_kinds/misconceptions.py": MISCONCEPTIONS,
        "assignments/01_kinds/alternatives.py": ALTERNATIVES,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    shutil.copyfile(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    course = read_course(root)
    build.write(course)
    return course


@pytest.fixture(scope="module")
def verdicts(kinds: Course) -> Verdicts:
    return verify(kinds, kinds.assignments[0])


Graded = Callable[..., Record]


@pytest.fixture(scope="module")
def graded(kinds: Course) -> Iterator[Graded]:
    """Grade a notebook with these answers."""
    assignment = kinds.assignments[0]
    with Pool(kinds, assignment) as pool:

        def graded(**answers: str) -> Record:
            notebook = fill(kinds.notebook(assignment), answers)
            (record,) = pool.grade([Job(student="one", notebook=notebook)])
            return record

        yield graded


def cell(notebook: bytes, name: str) -> dict[str, Any]:
    return next(c for c in json.loads(notebook)["cells"] if c["id"] == name)


def test_the_checks_are_in_order(verdicts: Verdicts) -> None:
    assert verdicts.problems == []


def test_each_wrong_test_is_told_what_is_wrong_with_it(verdicts: Verdicts) -> None:
    named = {t.name: t.named for t in verdicts.own_trials if t.exercise == "test_centre"}
    assert named == {name: [name] for name in named}
    assert len(named) == 4


# ---- mend this bug ------------------------------------------------------------------------------------------------


def test_the_student_gets_the_bug_under_the_solutions_docstring(kinds: Course) -> None:
    given = cell(kinds.notebook(kinds.assignments[0]), "centre_columns")
    assert "".join(given["source"]) == (
        'def centre_columns(x):\n    """Move the numbers of each column so that their mean is 0.\n\n'
        '    Shapes: x (N, D) -> (N, D)\n    """\n    # It looks right.\n    return x - x.mean(dim=-1, keepdim=True)'
    )
    assert "autograder" not in given["metadata"]


def test_nbgraders_own_command_releases_the_same(kinds: Course, tmp_path: Path) -> None:
    root = Path(shutil.copytree(kinds.root, tmp_path / "course"))
    ours = (root / "release" / "01_kinds" / "01_kinds.ipynb").read_bytes()
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "01_kinds", "--force"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    theirs = (root / "release" / "01_kinds" / "01_kinds.ipynb").read_bytes()
    assert cell(theirs, "centre_columns") == cell(ours, "centre_columns")


def test_the_bug_as_it_was_given_is_not_attempted_and_mended_it_is_right(graded: Graded) -> None:
    untouched = graded().exercises[1]
    assert (untouched.status, untouched.score) == ("not_attempted", 0.0)
    mended = graded(centre_columns="def centre_columns(x):\n    return x - x.mean(0)").exercises[1]
    assert (mended.status, mended.score) == ("attempted", 2.0)


# ---- write the test -----------------------------------------------------------------------------------------------


def test_a_test_earns_by_what_it_stops(graded: Graded) -> None:
    numbers = "def test_centre(centre):\n    x = torch.rand(2, 3)\n    assert (centre(x).mean(1).abs() < 1e-4).all()"
    result = graded(test_centre=numbers + "\n    assert torch.allclose(centre(x).std(1), x.std(1))").exercises[2]
    assert [check.verdict for check in result.checks] == ["pass", "wrong"]
    assert "the result is cut off from its input" in result.checks[1].message
    assert "stops 4 of 5" in result.checks[1].message


def test_a_test_that_stops_a_right_solution_earns_nothing(graded: Graded) -> None:
    picky = (
        "def test_centre(centre):\n    x = torch.rand(2, 3)\n    assert torch.equal(centre(x), x - x.sum(1)[:, None])"
    )
    result = graded(test_centre=picky).exercises[2]
    assert result.score == 0
    assert "stops a right solution" in result.checks[0].message


def test_the_code_of_a_suspect_is_not_there_to_be_read(graded: Graded) -> None:
    """It would tell which one is right, and how the exercise is solved."""
    looks = """
def test_centre(centre):
    import gc
    texts = [repr(vars(f)) + repr(f.__closure__) + f.__name__ for f in gc.get_objects() if type(f) is type(looks)]
    if any("not_centred" in t or "by_product" in t or "kinds.py" in t for t in texts):
        raise AssertionError("found")

def looks(): pass
"""
    result = graded(test_centre=looks).exercises[2]
    assert [check.verdict for check in result.checks] == ["wrong", "wrong"]
    assert "stops 0 of" in result.checks[0].message


def test_a_test_that_was_not_written_or_cannot_run_says_so(graded: Graded) -> None:
    assert graded().exercises[2].status == "not_attempted"
    result = graded(test_centre="def test_centre(centre):\n    assert nowhere(centre)").exercises[2]
    assert {check.verdict for check in result.checks} == {"error"}
    assert "NameError" in result.checks[0].message


def test_a_suspect_is_asked_for_numbers_alone(graded: Graded) -> None:
    """What comes out of the locked process is hostile here as well."""
    asks = "def test_centre(centre):\n    centre(torch.zeros(10**4))"
    result = graded(test_centre=asks).exercises[2]
    assert "stops a right solution" in result.checks[0].message


def test_the_public_check_runs_on_the_students_machine(kinds: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.homework.selfcheck import check_namespace, read_release_folder

    folder = kinds.root / "release" / "01_kinds"
    namespace: dict[str, object] = {}
    exec("import torch\ndef test_centre(centre):\n    assert centre(torch.eye(3)).any()", namespace)
    (result,) = check_namespace(namespace, read_release_folder(folder), ["test_centre"])
    assert [check.verdict for check in result.checks] == ["pass"]
    exec("def test_centre(centre):\n    return False", namespace)
    (result,) = check_namespace(namespace, read_release_folder(folder), ["test_centre"])
    assert "stop a wrong solution with `assert`" in result.checks[0].message
