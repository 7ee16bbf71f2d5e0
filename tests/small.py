"""A course of two exercises, the second on the first, in which a submission is graded in a moment."""

from autograder import build
from autograder.chain import grade, make_plan, students_of
from autograder.course import read_course
from autograder.handin import fill

ASSIGNMENT = "01_attention"

SOLUTION = '''"""Two exercises, one on the other."""


def double(x):
    """Twice x."""
    return 2 * x


def quadruple(x):
    """Four times x."""
    return double(double(x))
'''

FILES = {
    "exercises.toml": (
        '[[exercise]]\nid = "double"\ntitle = "Doubling"\npoints = 2\nhints = ["How often?"]\n\n'
        '[[exercise]]\nid = "quadruple"\ntitle = "Twice doubled"\npoints = 3\ndepends_on = ["double"]\n'
    ),
    "lesson.py": (
        '# %% setup\nimport torch\n\n# %% solution="double"\n\n# %% check="double"\n\n'
        '# %% solution="quadruple"\n\n# %% check="quadruple"\n'
    ),
    "test_public.py": "",
    "misconceptions.py": "",
    "alternatives.py": "",
    "test_hidden.py": '''
from autograder.checks import assert_close, exercise, points


@exercise("double")
@points(2)
def test_double(student, draw):
    """Every number is doubled."""
    x = draw.normal(2, 3)
    assert_close(student.double(x), 2 * x, "attention")


@exercise("quadruple")
@points(3)
def test_quadruple(student, draw):
    """Every number is taken four times."""
    x = draw.normal(2, 3)
    assert_close(student.quadruple(x), 4 * x, "attention")
''',
}

RIGHT = {"double": "def double(x):\n    return x + x", "quadruple": "def quadruple(x):\n    return double(double(x))"}


def build_small(root):
    """Write and build the course at `root`."""
    folder = root / "assignments" / ASSIGNMENT
    folder.mkdir(parents=True)
    (root / "solutions").mkdir()
    (root / "assignments" / "course.toml").write_text(
        'title = "One"\nsalt = "public-example-salt"\n\n[limits]\ncheck_seconds = 3.0\n\n'
        f'[[assignments]]\nid = "{ASSIGNMENT}"\ntitle = "Attention"\nsolution = "attention.py"\n'
    )
    (root / "solutions" / "attention.py").write_text(SOLUTION)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    build.write(read_course(root))
    return root


def hand_in(root, student, answers, then=None):
    folder = root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    release = read_course(root).notebook(read_course(root).assignments[0])
    (folder / f"{ASSIGNMENT}.ipynb").write_bytes(fill(release, answers, then))


def grade_all(root, **options):
    plan = make_plan(root, ASSIGNMENT)
    return {record.student: record for record in grade(plan, students_of(plan), **options)}
