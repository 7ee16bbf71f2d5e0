"""`verify` says that the course is in order, and says what is wrong when it is not."""

import re
from pathlib import Path

import pytest

from autograder import build
from autograder.course import read_course
from autograder.error_rates import is_fresh
from autograder.verify import verify

ROOT = Path(__file__).parent.parent


PAGE = ROOT / "docs" / "error-rates.md"
ROW = re.compile(
    r"^\| (?P<assignment>\d\d_\w+) \| (?P<accepted>\d+) of (?P<wrong>\d+) \| (?P<rejected>\d+) of (?P<right>\d+)"
    r" \| (?P<margin>[\d,]+) \| (?P<named>\d+) of (?P<own>\d+) \|",
    re.M,
)


# ---- what the whole course came to: the page says it, which `verify --report` writes, and `.ci/run` verifies anew


def test_the_page_of_error_rates_was_made_from_the_checks_solutions_and_catalogues_that_are_here():
    assert is_fresh(PAGE, read_course(ROOT))


def test_every_assignment_is_on_the_page():
    assert [row["assignment"] for row in rows()] == [a.id for a in read_course(ROOT).assignments]


def rows():
    found = ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return [{k: v if k == "assignment" else int(v.replace(",", "")) for k, v in m.groupdict().items()} for m in found]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["assignment"])
def test_an_assignment_tells_right_from_wrong(row):
    """No known wrong solution is accepted and no right one refused; nearly every mistake is told its name."""
    assert (row["accepted"], row["rejected"]) == (0, 0)
    assert row["own"] >= 30
    assert row["right"] >= 15
    assert row["named"] / row["own"] >= 0.85
    assert row["margin"] >= 100


def write_course_file(root):
    """Say that the course has one assignment."""
    (root / "assignments" / "course.toml").write_text(
        'title = "One"\nsalt = "public-example-salt"\n\n'
        '[[assignments]]\nid = "01_attention"\ntitle = "Attention"\nsolution = "attention.py"\n'
    )


# ---- a course with something wrong in it: each of these must be noticed


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """A small course in which every kind of thing is wrong."""
    root = tmp_path_factory.mktemp("spoilt")
    folder = root / "assignments" / "01_attention"
    folder.mkdir(parents=True)
    (root / "solutions").mkdir()
    write_course_file(root)
    (root / "solutions" / "attention.py").write_text(SOLUTION)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    course = read_course(root)
    build.write(course)
    return verify(course, course.assignments[0])


SOLUTION = '''"""One exercise."""


def double(x):
    """Twice x."""
    return 2 * x
'''

FILES = {
    "exercises.toml": '[[exercise]]\nid = "double"\ntitle = "Doubling"\npoints = 5\n',
    "lesson.py": '# %% setup\nimport torch\n\n# %% solution="double"\n\n# %% check="double"\n',
    "test_public.py": "",
    "test_hidden.py": '''
from autograder.checks import assert_close, assert_true, catches, exercise, points


@exercise("double")
@points(3)
@catches("tripled", "nearly_double", "unheard_of")
def test_shape(student, draw):
    """A check that looks at the shape alone."""
    x = draw.normal(2, 3)
    assert_true(student.double(x).shape == x.shape, "the shape is another one")


@exercise("double")
@points(1)
@catches("nearly_double")
def test_numbers(student, draw):
    """Every number is doubled."""
    x = draw.normal(2, 3)
    assert_close(student.double(x), 2 * x, "attention")


@exercise("double")
@points(1)
def test_exactly(student, draw):
    """Not a single bit may differ."""
    x = draw.normal(2, 3)
    assert_true(student.double(x).equal(2 * x), "not the same")
''',
    "misconceptions.py": """
from autograder.authoring import misconception

HINTS = ("a", "b", "c")


@misconception("double", title="it is taken three times", hints=HINTS, seen_in="plausible")
def tripled(x):
    return 3 * x


@misconception("double", title="it is nearly doubled", hints=HINTS, seen_in="plausible")
def nearly_double(x):
    return 2.0005 * x


@misconception("double", title="it uses what is not there", hints=HINTS, seen_in="plausible")
def borrowed(x):
    import a_package_that_is_nowhere
""",
    "alternatives.py": """
from autograder.authoring import alternative


@alternative("double", why="rounds")
def by_logarithms(x):
    return x.sign() * (x.abs().log() + 0.6931471805599453).exp()
""",
}


@pytest.mark.parametrize(
    "problem",
    [
        "double has no hints",
        "test_shape catches 'unheard_of', which is no misconception of double",
        "test_shape says that it catches tripled, but lets it pass",
        "test_numbers has a discrimination margin of",
        "borrowed ends in an error that is no student's",
        "by_logarithms (double) is right, but test_hidden.py::test_exactly says wrong",
    ],
)
def test_a_problem_is_said(spoilt, problem):
    assert [text for text in spoilt.problems if problem in text], spoilt.problems


def test_points_that_do_not_add_up_are_said(tmp_path):
    folder = tmp_path / "assignments" / "01_attention"
    folder.mkdir(parents=True)
    (tmp_path / "solutions").mkdir()
    write_course_file(tmp_path)
    (tmp_path / "solutions" / "attention.py").write_text(SOLUTION)
    for name, text in FILES.items():
        (folder / name).write_text(text.replace("points = 5", "points = 7"))
    course = read_course(tmp_path)
    build.write(course)
    problems = verify(course, course.assignments[0]).problems
    assert "double: its checks have 5 points, exercises.toml says 7" in problems


def test_too_few_known_solutions_get_advice(spoilt):
    assert "double has 3 misconceptions: 5 are better" in spoilt.advice
    assert "double has 1 alternatives: 3 are better" in spoilt.advice
