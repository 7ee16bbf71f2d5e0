"""Public checks in this very process: a session that is kept, and nothing left behind."""

from pathlib import Path

import pytest
import torch

from autograder.course import Assignment, Exercise
from autograder.errors import CheckFailed, GraderFault
from autograder.homework.live import LiveChecks

CHECKS = '''
import torch
from autograder.checks import assert_close, assert_true, exercise

@exercise("double")
def test_double(student, draw):
    """Twice as much."""
    x = draw.normal(2, 3)
    assert_close(student.double(x), 2 * x, "exact", "the result")

@exercise("noise")
def test_noise_is_never_negative(student):
    """Noise is not negative."""
    assert_true(bool((student.noise() >= 0).all()), f"it was {student.noise()}")
'''


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    (tmp_path / "test_public.py").write_text(CHECKS)
    exercises = [Exercise(id=name, title=name, points=1) for name in ("double", "noise")]
    return Assignment(id="01_small", folder=tmp_path, exercises=exercises)


def run(assignment, namespace, exercise="double", **more):
    checks = LiveChecks(assignment)
    (check,) = checks.of(exercise)
    return checks.run(check, namespace, [], **more)


def test_a_check_can_be_run_again_and_again(assignment):
    for _ in range(3):
        assert run(assignment, {"double": lambda x: 2 * x}).error is None
        assert isinstance(run(assignment, {"double": lambda x: x}).error, CheckFailed)


def test_checks_that_change_are_read_anew(assignment):
    assert run(assignment, {"double": lambda x: 2 * x}).error is None
    (assignment.folder / "test_public.py").write_text(CHECKS.replace("2 * x,", "3 * x,"))
    assert run(assignment, {"double": lambda x: 3 * x}).error is None


def test_the_same_inputs_come_each_time_and_others_when_asked(assignment):
    first, again, others = (
        run(assignment, {"double": lambda x: 2 * x}, inputs=inputs).transcript[0].call.args[0]
        for inputs in ("", "", "others")
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, others)


def test_chance_is_the_same_each_time_and_the_random_state_stays(assignment):
    before = torch.get_rng_state()
    said = {str(run(assignment, {"noise": lambda: torch.randn(9)}, "noise").error) for _ in range(3)}
    assert len(said) == 1
    assert said != {str(run(assignment, {"noise": lambda: torch.randn(9)}, "noise", chance=1).error)}
    assert torch.equal(before, torch.get_rng_state())


def test_the_number_of_threads_stays(assignment):
    before = torch.get_num_threads()
    run(assignment, {"double": lambda x: 2 * x})
    assert torch.get_num_threads() == before


def test_checks_that_cannot_be_read_are_the_authors_fault(assignment):
    (assignment.folder / "test_public.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(GraderFault, match="cannot be read"):
        LiveChecks(assignment)
