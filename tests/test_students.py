"""`student`, as a check sees it: calls, what they did, and a transcript of all of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from autograder.course import Exercise
from autograder.errors import CheckFailed, StudentCrashed, StudentError, StudentMissing
from autograder.inside.executor import Executor
from autograder.students import Layer, Student, in_words, live_asker
from autograder.wire import Foreign


def student_of(namespace: dict[str, Any], **returns: list[str]) -> Student:
    exercises = [Exercise(id=name, title="", points=1, returns=values) for name, values in returns.items()]
    return Student(live_asker(Executor(namespace)), exercises)


class Scale(nn.Module):
    def __init__(self, by: float = 2.0) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(by))

    def forward(self, x: Any) -> Any:
        return self.by * x


# ---- calls --------------------------------------------------------------------------------------------------------


def test_a_function_is_called_with_what_was_passed() -> None:
    student = student_of({"f": lambda *args, **kwargs: [list(args), kwargs]})
    assert student.f(1, "a", (2, [None]), dim=0) == [[1, "a", (2, [None])], {"dim": 0}]


def test_the_checks_own_tensors_stay_as_they_are() -> None:
    x = torch.ones(3)
    assert torch.equal(student_of({"f": lambda x: x.mul_(7)}).f(x), torch.full((3,), 7.0))
    assert torch.equal(x, torch.ones(3))


def test_a_class_gives_a_layer_whose_methods_can_be_called() -> None:
    student = student_of({"Scale": Scale})
    layer = student.Scale(3.0)
    assert isinstance(layer, Layer)
    assert torch.equal(layer(torch.ones(2)), torch.full((2,), 3.0))
    layer.load_state_dict({"by": torch.tensor(5.0)})
    assert torch.equal(layer(torch.ones(2)), torch.full((2,), 5.0))
    assert torch.equal(layer.state_dict()["by"], torch.tensor(5.0))


def test_two_layers_are_two_and_can_be_passed_on() -> None:
    student = student_of({"Scale": Scale, "f": lambda layer, x, also: layer(x) + also["layer"](x)})
    two, three = student.Scale(2.0), student.Scale(3.0)
    assert torch.equal(student.f(two, torch.ones(1), {"layer": three}), torch.tensor([5.0]))


def test_a_function_of_theirs_can_be_handed_to_another_one() -> None:
    student = student_of({"twice": lambda f, x: f(f(x)), "double": lambda x: 2 * x})
    assert student.twice(student.double, 3) == 12
    assert student.twice(f=student.double, x=3) == 12


def test_a_function_that_is_handed_over_and_is_not_there_is_the_students_error() -> None:
    student = student_of({"twice": lambda f, x: f(f(x))})
    with pytest.raises(StudentError, match="NameError: name 'double' is not defined"):
        student.twice(student.double, 3)


def test_a_method_that_is_not_there_is_the_students_error() -> None:
    layer = student_of({"Scale": Scale}).Scale()
    with pytest.raises(StudentError, match="AttributeError"):
        layer.attend(1)


def test_what_does_not_exist_is_missing() -> None:
    with pytest.raises(StudentMissing):
        student_of({}).softmax(1)


def test_private_names_are_not_asked_for() -> None:
    with pytest.raises(AttributeError):
        student_of({})._secret  # noqa: B018


# ---- gradients and aftermath --------------------------------------------------------------------------------------


def test_gradients_of_arguments() -> None:
    x, w = torch.randn(3), torch.randn(3)
    gradients = student_of({"f": lambda x, n, m: x**n}).f.gradients(x, 2, torch.ones(1), toward=w)
    assert torch.allclose(gradients.arguments[0], 2 * x * w)  # type: ignore[arg-type]
    assert gradients.arguments[1:] == [None, None]
    assert gradients.parameters == {}


def test_gradients_of_parameters() -> None:
    layer = student_of({"Scale": Scale}).Scale(3.0)
    gradients = layer.gradients(torch.tensor([1.0, 2.0]), toward=torch.tensor([1.0, 10.0]))
    assert torch.equal(gradients.parameters["by"], torch.tensor(21.0))  # type: ignore[arg-type]
    assert torch.equal(gradients.arguments[0], torch.tensor([3.0, 30.0]))  # type: ignore[arg-type]


def test_gradients_of_what_is_no_tensor_say_what_came_back() -> None:
    with pytest.raises(CheckFailed, match=r"`f` must return a tensor, it returned None"):
        student_of({"f": lambda x: None}).f.gradients(torch.ones(1))


def test_gradients_of_a_pair_that_is_none_say_so() -> None:
    with pytest.raises(CheckFailed, match="must return output and weights, 2 values"):
        student_of({"f": lambda x: x}, f=["output", "weights"]).f.gradients(torch.ones(1))


def test_the_aftermath_shows_arguments_and_random_state() -> None:
    aftermath = student_of({"f": lambda x: x.zero_()}).f.aftermath(torch.ones(2))
    assert torch.equal(aftermath.arguments[0], torch.zeros(2))
    assert aftermath.random_state_kept
    assert not student_of({"f": lambda x: torch.rand(1)}).f.aftermath(torch.ones(2)).random_state_kept


@pytest.mark.parametrize("forged", [None, 1, [], [1], [[], [], []], "text"])
def test_a_forged_answer_is_no_gradient_and_no_aftermath(forged: Any) -> None:
    student = Student(lambda call: forged, [])
    for ask in (student.f.gradients, student.f.aftermath):
        with pytest.raises(CheckFailed):
            ask(torch.ones(1))


# ---- the declared number of results -------------------------------------------------------------------------------


def test_a_missing_return_statement_is_asked_for() -> None:
    with pytest.raises(CheckFailed) as caught:
        student_of({"f": lambda: None}, f=["weights"]).f()
    assert str(caught.value) == "`f` must return weights, it returned None: is a return statement missing?"


def test_two_values_are_two() -> None:
    student = student_of({"f": lambda *values: values}, f=["output", "weights"])
    assert student.f(1, 2) == (1, 2)
    with pytest.raises(CheckFailed, match=r"must return output and weights, 2 values, it returned a tuple of 3"):
        student.f(1, 2, 3)
    with pytest.raises(CheckFailed, match=r"it returned a tensor of shape \(2, 3\)"):
        student_of({"f": lambda: torch.ones(2, 3)}, f=["output", "weights"]).f()


def test_one_value_is_no_tuple() -> None:
    with pytest.raises(CheckFailed, match="must return weights alone, it returned a tuple of 2: an int, an int"):
        student_of({"f": lambda: (1, 2)}, f=["weights"]).f()


# ---- the transcript -----------------------------------------------------------------------------------------------


def test_every_call_is_written_down_with_what_came_of_it() -> None:
    def f(x: int) -> float:
        return 1 / x

    student = student_of({"f": f})
    student.f(2)
    with pytest.raises(StudentError):
        student.f(0)
    first, second = student.transcript
    assert (first.call.args, first.outcome) == ((2,), 0.5)
    assert isinstance(second.outcome, StudentError)
    assert second.outcome.kind == "ZeroDivisionError"


def test_a_failure_is_raised_and_not_turned_into_a_value() -> None:
    def crashed(_: Any) -> Any:
        raise StudentCrashed("the process was ended by SIGSEGV")

    student = Student(crashed, [])
    with pytest.raises(StudentCrashed):
        student.f(1)
    assert isinstance(student.transcript[0].outcome, StudentCrashed)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(2, 3), "a tensor of shape (2, 3)"),
        ((torch.zeros(1), None), "a tuple of 2: a tensor of shape (1,), None"),
        ([], "an empty list"),
        (Foreign("ndarray"), "an object of type ndarray"),
        (3, "an int"),
        ("secret", "a str"),
        (2.5, "a float"),
    ],
)
def test_a_value_is_described_without_its_numbers(value: Any, words: str) -> None:
    assert in_words(value) == words
