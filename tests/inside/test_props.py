"""Props: what a check brings along, made where the student's objects are."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder.errors import StudentError, StudentMissing
from autograder.inside.executor import Executor
from autograder.students import Layer, Student, live_asker


def student_of(**namespace: Any) -> Student:
    return Student(live_asker(Executor(namespace)), [])


TABLE = torch.arange(17.0).unsqueeze(1).expand(17, 3)  # row i holds i


def test_a_table_model_looks_its_rows_up() -> None:
    model = student_of().props.TableModel(TABLE, 5)
    assert isinstance(model, Layer)
    model.eval()
    logits, loss = model(torch.tensor([[2, 0, 1], [1, 2, 2]]))
    # 11, because gradients are on; then last + 3 * first + 5 * position.
    expected = [[(11 + last + 3 * 2 + 5 * t) % 17 for t, last in enumerate((2, 0, 1))],
                [(11 + last + 3 * 1 + 5 * t) % 17 for t, last in enumerate((1, 2, 2))]]  # fmt: skip
    assert logits[..., 0].tolist() == expected
    assert logits.shape == (2, 3, 3)
    assert loss is None


def test_its_rows_tell_the_mode_and_whether_gradients_are_on() -> None:
    def without_gradients(model: Any, ids: Any) -> Any:
        with torch.no_grad():
            return model(ids)[0]

    student, ids = student_of(f=without_gradients), torch.tensor([[0]])
    model = student.props.TableModel(TABLE, 5)
    assert float(student.f(model, ids)[0, 0, 0]) == 7  # in training
    model.eval()
    assert float(student.f(model, ids)[0, 0, 0]) == 0
    assert float(model(ids)[0][0, 0, 0]) == 11


@pytest.mark.parametrize("length", [0, 6])
def test_it_reads_no_more_than_it_says_and_no_less_than_a_word(length: int) -> None:
    model = student_of().props.TableModel(TABLE, 5)
    assert model.attribute("max_len") == 5
    with pytest.raises(StudentError, match="ValueError"):
        model(torch.zeros(1, length, dtype=torch.int64))


def test_a_generator_is_passed_on_and_its_state_can_be_asked_for() -> None:
    student = student_of(draw=lambda generator: torch.rand(3, generator=generator))
    one, other, third = (student.props.Generator(seed) for seed in (7, 7, 8))
    before = one.get_state()
    assert torch.equal(student.draw(one), student.draw(other))
    assert not torch.equal(student.draw(one), student.draw(third))
    assert not torch.equal(one.get_state(), before)


def test_a_seed_makes_what_is_drawn_the_same_again() -> None:
    student = student_of(draw=lambda: torch.rand(3))
    with torch.random.fork_rng(devices=[]):
        student.props.seed(5)
        first = student.draw()
        student.props.seed(5)
        assert torch.equal(student.draw(), first)


def test_what_is_no_prop_is_missing() -> None:
    with pytest.raises(StudentMissing):
        student_of().props.Unicorn()
