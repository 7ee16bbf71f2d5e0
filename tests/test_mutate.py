"""Mutants: small changes of a solution, which the hidden checks of a small course must reject."""

import ast
import re

import pytest
from click.testing import CliRunner

from autograder import build
from autograder.cli import main
from autograder.course import read_course
from autograder.errors import GraderFault, UsageError
from autograder.mutants import LIST, try_mutants
from autograder.mutate import mutants

WEIGHTS = '''
def weights(scores: Tensor, mask: Tensor, scale: float = 2.0) -> Tensor:
    """Scores become weights: -1, not 0."""
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, got {mask.dtype} and {1 + 1}")
    scores = scores.masked_fill(~mask, -math.inf)  # before the softmax
    peak = scores.max(dim=-1, keepdim=True)
    return torch.exp(scores / scale - peak).transpose(-2, -1)
'''

LAYER = """
class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.w_q = nn.Linear(width, width)
        self.w_k = nn.Linear(width, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.w_q(x), self.w_k(x)
"""


def changes(source):
    """What the mutants change, in words."""
    return [mutant.name.rpartition("': ")[2] for mutant in mutants("it", source)]


@pytest.mark.parametrize(
    "change",
    [
        "scores / scale became scores * scale",
        "scores / scale became scale / scores",
        "scores / scale became scores",
        "scores / scale became scores.div_(scale)",
        "mask.dtype != torch.bool became mask.dtype == torch.bool",
        "`if mask.dtype != torch.bool` is never taken",
        "`if mask.dtype != torch.bool` is always taken",
        "~mask became mask",
        "dropped",
        ".detach() on it",
        ".detach() on the result",
        ".float() on the result",
        "scores.masked_fill became scores.masked_fill_",
        "math.inf became 1000000000.0",
        "-math.inf became math.inf",
        "-1 became 0",
        "-1 became -2",
        "True became False",
        "2.0 became 0.0",
        "scores.max(dim=-1, keepdim=True) became scores.max(dim=-1)",
        "scores.max(dim=-1, keepdim=True) became scores.max(dim=True, keepdim=-1)",
        "scores.max became scores.min",
        "scores became mask",
    ],
)
def test_a_change_is_among_the_mutants(change):
    assert change in changes(WEIGHTS)


def test_each_layer_is_mistaken_for_another_of_its_kind():
    assert {"self.w_q became self.w_k", "self.w_k became self.w_q"} <= set(changes(LAYER))


def test_each_result_is_cut_off_on_its_own():
    assert "self.w_k(x): .detach() on the result" in changes(LAYER)


def test_no_two_mutants_are_the_same_and_none_is_the_solution():
    found = [mutant.source for mutant in mutants("it", WEIGHTS)]
    assert len(found) > 50
    assert len({ast.dump(ast.parse(source)) for source in [*found, WEIGHTS]}) == len(found) + 1


def test_every_mutant_has_a_name_of_its_own():
    names = [mutant.name for mutant in mutants("it", "def f(x):\n    return x + x + x + 1 + 1\n")]
    assert len(set(names)) == len(names)
    assert "it: 'return x + x + x + 1 + 1': 1 became 2 (2)" in names


def test_docstrings_annotations_and_the_text_of_errors_are_left_alone():
    for mutant in mutants("it", WEIGHTS):
        assert '"""Scores become weights: -1, not 0."""' in mutant.source
        assert "(scores: Tensor, mask: Tensor, scale: float=" in mutant.source
        if "raise" in mutant.source:
            assert "got {mask.dtype} and {1 + 1}" in mutant.source


def test_a_name_tells_the_line_and_survives_changes_elsewhere():
    name = "it: 'scores = scores.masked_fill(~mask, -math.inf)': ~mask became mask"
    assert name in [m.name for m in mutants("it", WEIGHTS)]
    longer = WEIGHTS.replace("    if mask", "    # a comment\n    extra = scores + 1\n    if mask", 1)
    assert name in [m.name for m in mutants("it", longer)]


def test_the_difference_is_two_lines():
    (mutant,) = (m for m in mutants("it", WEIGHTS) if m.name.endswith("~mask became mask"))
    assert mutant.diff == (
        "- scores = scores.masked_fill(~mask, -math.inf)\n+ scores = scores.masked_fill(mask, -math.inf)"
    )


# ---- a small course, with the real checks and the real sandbox

LESSON = '# %% setup\nimport torch\n\n# %% solution="double"\n\n# %% check="double"\n'
EXERCISES = '[[exercise]]\nid = "double"\ntitle = "Doubling"\npoints = 1\n'
SOLUTION = '''
def double(x, times=2):
    """Twice x."""
    while times > 2:
        times = times - 1
    return times * x
'''
CHECK = '''
from autograder.checks import assert_close, exercise, points


@exercise("double")
@points(1)
def test_numbers(student, draw):
    """Every number is doubled."""
    x = draw.normal(2, 3)
    assert_close(student.double(x), 2 * x, "attention")
'''
CLOSER = (
    CHECK
    + """
    for times in (1, 3, 5):
        assert_close(student.double(x, times), min(times, 2) * x, "attention")
"""
)


@pytest.fixture
def root(small_root, monkeypatch):
    """A course whose only check overlooks something."""
    folder = small_root / "assignments" / "01_small"
    files = {"lesson.py": LESSON, "exercises.toml": EXERCISES, "test_hidden.py": CHECK, "test_public.py": ""}
    for name, text in {**files, "misconceptions.py": "", "alternatives.py": ""}.items():
        (folder / name).write_text(text)
    (small_root / "solutions" / "small.py").write_text('"""One exercise."""\n\n' + SOLUTION)
    monkeypatch.delenv("AUTOGRADER_SALT", raising=False)
    build.write(read_course(small_root))
    return small_root


def survey(root):
    course = read_course(root)
    return try_mutants(course, course.assignments[0])


def list_as_equivalent(root, *names, exercise="double"):
    """Write the list, and return how many are on it."""
    entries = [
        f'[[equivalent]]\nexercise = "{exercise}"\nmutants = ["""{name}"""]\nreason = "a reason"\n' for name in names
    ]
    (root / "assignments" / "01_small" / LIST).write_text("\n".join(entries))


def test_a_mutant_that_no_check_rejects_is_a_survivor(root):
    (tally,) = survey(root).tallies
    survivors = [mutant.name for mutant in tally.survivors]
    assert "double: 'times = times - 1': dropped" in survivors
    assert "double: 'return times * x': times * x became times / x" not in survivors
    assert tally.made == tally.rejected + len(survivors)
    assert tally.equivalent == 0


def test_a_mutant_may_be_rejected_by_an_exercise_that_stands_on_it(root):
    """Here by the only check that makes the loop of `double` run."""
    folder = root / "assignments" / "01_small"
    later = EXERCISES.replace('"double"', '"last"') + 'depends_on = ["double"]\n'
    (folder / "exercises.toml").write_text(EXERCISES + later)
    (folder / "lesson.py").write_text(LESSON + LESSON.partition("torch\n")[2].replace('"double"', '"last"'))
    path = root / "solutions" / "small.py"
    path.write_text(path.read_text() + "\n\ndef last(x):\n    return double(x, 5)\n")
    second = CHECK.partition("\n\n\n")[2].replace("double", "last").replace("test_numbers", "test_last")
    (folder / "test_hidden.py").write_text(f"{CHECK}\n\n{second}")
    build.write(read_course(root))
    survivors = [mutant.name for mutant in survey(root).tallies[0].survivors]
    assert "double: 'times = times - 1': dropped" not in survivors


def test_a_mutant_that_does_not_end_is_rejected(root):
    (root / "assignments" / "01_small" / "test_hidden.py").write_text(CLOSER)
    survivors = [mutant.name for mutant in survey(root).tallies[0].survivors]
    # The loop brings 3 down to 2 as well; all else, endless loops among it, is noticed.
    assert survivors == ["double: 'def double(x, times=2):': 2 became 3"]
    assert "double: 'times = times - 1': times - 1 became times + 1" in [m.name for m in mutants("double", SOLUTION)]


def test_survivors_that_are_listed_are_in_order_and_the_command_exits_with_0(root, monkeypatch):
    survivors = survey(root).tallies[0].survivors
    list_as_equivalent(root, *(mutant.name for mutant in survivors))
    monkeypatch.chdir(root)
    done = CliRunner().invoke(main, ["verify", "--mutate", "01_small"])
    assert done.exit_code == 0, done.output
    assert "All in order." in done.output
    (numbers,) = re.findall(r"double +(\d+) +(\d+) +(\d+) +(\d+)", done.output)
    made, rejected, equivalent, survived = map(int, numbers)
    assert (made - rejected, equivalent, survived) == (len(survivors), len(survivors), 0)


def test_a_listed_mutant_that_is_rejected_makes_the_list_stale(root):
    rejected = "double: 'return times * x': times * x became x"
    list_as_equivalent(root, rejected)
    found = survey(root)
    assert found.stale == [f"is listed as equivalent, but rejected: {rejected}"]
    assert not found.in_order


def test_a_listed_mutant_that_is_not_there_makes_the_list_stale(root):
    list_as_equivalent(root, "double: 'a line that is gone': dropped")
    path = root / "assignments" / "01_small" / LIST
    path.write_text(path.read_text() + path.read_text().replace('exercise = "double"', 'exercise = "triple"'))
    assert survey(root).stale == [
        "is listed as equivalent, but there is no such mutant: double: 'a line that is gone': dropped",
        "triple is no exercise of 01_small",
    ]


def test_a_test_that_students_write_has_no_mutants(root):
    folder = root / "assignments" / "01_small"
    (folder / "exercises.toml").write_text(EXERCISES + EXERCISES.replace('"double"', '"test_double"'))
    (folder / "lesson.py").write_text(LESSON + LESSON.partition("torch\n")[2].replace('"double"', '"test_double"'))
    path = root / "solutions" / "small.py"
    path.write_text(path.read_text() + "\n\ndef test_double(double):\n    assert double(1) == 2\n")
    build.write(read_course(root))
    assert [tally.exercise for tally in survey(root).tallies] == ["double"]


def test_a_list_that_cannot_be_read_is_refused(root):
    (root / "assignments" / "01_small" / LIST).write_text("[[equivalent]]\nexercise = 1\n")
    with pytest.raises(UsageError, match=re.escape(LIST)):
        survey(root)


def test_checks_that_the_reference_fails_say_nothing_about_mutants(root):
    path = root / "assignments" / "01_small" / "test_hidden.py"
    path.write_text(CHECK.replace("2 * x", "3 * x"))
    with pytest.raises(GraderFault, match="test_numbers fails with the reference"):
        survey(root)


def test_the_command_shows_survivors_and_exits_with_1(root, monkeypatch):
    monkeypatch.chdir(root)
    done = CliRunner().invoke(main, ["verify", "--mutate"])
    assert done.exit_code == 1, done.output
    assert "survives  double: 'times = times - 1': dropped" in done.output
    assert "- times = times - 1\n+ pass" in done.output
