"""The executor: what a call is given, and what becomes of whatever it returns."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from autograder.inside.executor import Executor, describe
from autograder.wire import Call, Foreign, FreshAxes, Handle, Missing, Picture, Raised, Value


def answer(function: Any, *args: Any, want: str = "value", toward: Any = None, **kwargs: Any) -> Any:
    return Executor({"f": function}).answer(Call(target="f", args=args, kwargs=kwargs, want=want, toward=toward))


def value(function: Any, *args: Any, **more: Any) -> Any:
    found = answer(function, *args, **more)
    assert isinstance(found, Value), found
    return found.value


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(2.0))
        self.unused = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.by * x, x


# ---- values -------------------------------------------------------------------------------------------------------


def test_arguments_are_copies() -> None:
    x = torch.ones(2)
    given = [x, (x, [x]), {"x": x}]
    value(lambda a, b, c: (a.zero_(), b[1][0].zero_(), c["x"].zero_()), *given)
    assert torch.equal(x, torch.ones(2))


@pytest.mark.parametrize("returned", [None, True, 3, 2.5, "text", (1, [2, {"a": None}]), torch.float32])
def test_plain_values_come_back_as_they_are(returned: Any) -> None:
    assert value(lambda: returned) == returned


def test_a_tensor_comes_back_plain_without_its_graph() -> None:
    found = value(lambda x: (x.requires_grad_() * 2, nn.Parameter(x.detach())), torch.ones(2))
    assert [type(t) for t in found] == [Tensor, Tensor]
    assert not any(t.requires_grad for t in found)


def test_a_returned_tensor_is_a_copy_of_its_own() -> None:
    kept = torch.ones(2)
    found = value(lambda: kept)
    kept.zero_()
    assert torch.equal(found, torch.ones(2))


class Evil(Tensor):
    @classmethod
    def __torch_function__(cls, *_: Any) -> Any:
        return True


class LyingInt(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Everything:
    def __eq__(self, other: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        (torch.ones(2).as_subclass(Evil), "Evil"),
        (LyingInt(3), "LyingInt"),
        (Everything(), "Everything"),
        (torch.ones(2).numpy(), "ndarray"),
        ({1, 2}, "set"),
        (1j, "complex"),
        (print, "builtin_function_or_method"),
        (int, "type"),
    ],
)
def test_of_any_other_type_only_the_name_comes_back(returned: Any, kind: str) -> None:
    assert value(lambda: returned) == Foreign(kind)
    assert value(lambda: [returned]) == [Foreign(kind)]


def test_a_text_is_cut_and_keys_become_texts() -> None:
    assert len(value(lambda: "x" * 10**6)) == 2000
    assert value(lambda: {1: 2}) == {"1": 2}


def test_a_value_that_holds_itself_is_an_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    found = answer(lambda: endless)
    assert isinstance(found, Raised)
    assert found.kind == "RecursionError"


def test_gradients_are_on_whatever_the_notebook_switched_off() -> None:
    with torch.no_grad():
        assert value(lambda x: (x.requires_grad_() * 2).requires_grad, torch.ones(1)) is True
        _, (gradient,), _ = value(lambda x: x * 2, torch.ones(1), want="gradients")
    assert torch.equal(gradient, torch.full((1,), 2.0))


# ---- objects that stay --------------------------------------------------------------------------------------------


def test_a_module_stays_and_is_called_by_its_handle() -> None:
    executor = Executor({"Twice": Twice, "call": lambda module, x: module(x)[0]})
    handle = executor.answer(Call(target="Twice"))
    assert handle == Value(value=Handle(0, "Twice"))
    assert executor.answer(Call(target="Twice")) == Value(value=Handle(1, "Twice"))
    found = executor.answer(Call(target=0, args=(torch.ones(1),)))
    assert torch.equal(found.value[0], torch.full((1,), 2.0))  # type: ignore[attr-defined]
    passed_on = executor.answer(Call(target="call", args=(Handle(1), torch.ones(1))))
    assert torch.equal(passed_on.value, torch.full((1,), 2.0))  # type: ignore[attr-defined]


def test_methods_are_called_by_name() -> None:
    executor = Executor({"Twice": Twice})
    executor.answer(Call(target="Twice"))
    executor.answer(
        Call(target=0, method="load_state_dict", args=({"by": torch.tensor(3.0), "unused": torch.ones(())},))
    )
    state = executor.answer(Call(target=0, method="state_dict"))
    assert {name: float(t) for name, t in state.value.items()} == {"by": 3.0, "unused": 1.0}  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", ["g", 0, 7])
def test_what_is_not_there_is_missing(target: str | int) -> None:
    found = Executor({"f": print}).answer(Call(target=target))
    assert found == Missing(name=str(target))


def test_what_cannot_be_called_is_an_error() -> None:
    found = Executor({"f": 3}).answer(Call(target="f"))
    assert isinstance(found, Raised)
    assert found.kind == "TypeError"


class Diary:
    """A class of the student's that is no module."""

    def __init__(self) -> None:
        self.pages = 3

    @property
    def torn(self) -> int:
        raise KeyError("page")

    def turn(self, by: int) -> int:
        return self.pages + by


def test_an_object_of_the_students_own_class_stays_too() -> None:
    executor = Executor({"Diary": Diary, "read": lambda diary: diary.pages, "__name__": __name__})
    assert executor.answer(Call(target="Diary")) == Value(value=Handle(0, "Diary"))
    assert executor.answer(Call(target=0, method="turn", args=(2,))) == Value(value=5)
    assert executor.answer(Call(target="read", args=(Handle(0),))) == Value(value=3)


def test_an_object_of_anybody_elses_class_does_not_stay() -> None:
    executor = Executor({"Diary": Diary, "__name__": "__main__"})
    assert executor.answer(Call(target="Diary")) == Value(value=Foreign("Diary"))


def test_an_attribute_is_returned_and_not_called() -> None:
    executor = Executor({"Diary": Diary, "Twice": Twice, "__name__": __name__})
    executor.answer(Call(target="Diary"))
    executor.answer(Call(target="Twice"))
    assert executor.answer(Call(target=0, method="pages", want="attribute")) == Value(value=3)
    assert executor.answer(Call(target=1, method="training", want="attribute")) == Value(value=True)


@pytest.mark.parametrize(("name", "kind"), [("torn", "KeyError"), ("lost", "AttributeError")])
def test_an_attribute_that_cannot_be_had_is_an_error_of_the_students(name: str, kind: str) -> None:
    executor = Executor({"Diary": Diary, "__name__": __name__})
    executor.answer(Call(target="Diary"))
    found = executor.answer(Call(target=0, method=name, want="attribute"))
    assert isinstance(found, Raised)
    assert found.kind == kind


# ---- gradients ----------------------------------------------------------------------------------------------------


def test_gradients_of_the_weighed_sum() -> None:
    x, w = torch.randn(3), torch.randn(3)
    result, by_argument, by_parameter = value(lambda x: x.exp(), x, want="gradients", toward=w)
    assert torch.allclose(result, x.exp())
    assert torch.allclose(by_argument[0], x.exp() * w)
    assert by_parameter == {}


def test_without_weights_all_count_as_one() -> None:
    assert torch.equal(value(lambda x: 3 * x, torch.ones(2), want="gradients")[1][0], torch.full((2,), 3.0))


def test_only_floating_arguments_have_gradients_and_their_places_are_kept() -> None:
    mask, x = torch.tensor([True, False]), torch.ones(2)
    _, by_argument, _ = value(lambda m, n, x, i: x * m * n, mask, 2, x, torch.tensor([1, 2]), want="gradients")
    assert [None if g is None else g.tolist() for g in by_argument] == [None, None, [2.0, 0.0], None]


def test_of_several_results_the_first_counts_unless_weights_say_otherwise() -> None:
    def f(x: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * x, 3 * x

    x, one = torch.ones(1), torch.ones(1)
    for toward, expected in ((None, 2.0), (one, 2.0), ((one, one), 5.0), ((None, one), 5.0), ((0 * one, one), 3.0)):
        assert float(value(f, x, want="gradients", toward=toward)[1][0]) == expected


def test_parameters_have_gradients_by_name_and_none_where_unused() -> None:
    executor = Executor({"Twice": Twice})
    executor.answer(Call(target="Twice"))
    found = executor.answer(Call(target=0, args=(torch.tensor([1.0, 4.0]),), want="gradients"))
    (result, weights), by_argument, by_parameter = found.value  # type: ignore[attr-defined]
    assert torch.equal(result, torch.tensor([2.0, 8.0]))
    assert torch.equal(weights, torch.tensor([1.0, 4.0]))
    assert torch.equal(by_argument[0], torch.full((2,), 2.0))
    assert float(by_parameter["by"]) == 5.0
    assert by_parameter["unused"] is None


@pytest.mark.parametrize("cut", [lambda x: x.detach(), lambda x: torch.zeros(2), lambda x: torch.tensor(x.tolist())])
def test_a_result_that_is_cut_off_has_no_gradients(cut: Any) -> None:
    assert value(cut, torch.ones(2), want="gradients")[1] == [None]


@pytest.mark.parametrize("returned", [None, 3, "text", {"a": torch.ones(1)}])
def test_what_is_no_tensor_has_no_gradients(returned: Any) -> None:
    _, by_argument, by_parameter = value(lambda x: returned, torch.ones(1), want="gradients")
    assert (by_argument, by_parameter) == ([], {})


# ---- aftermath ----------------------------------------------------------------------------------------------------


def test_changes_to_the_arguments_are_seen() -> None:
    def f(x: Tensor, pair: list[Tensor], untouched: Tensor) -> None:
        x.add_(1)
        pair[0].zero_()

    x = torch.ones(2)
    (first, (second,), third), _ = value(f, x, [x], x, want="aftermath")
    assert first.tolist() == [2.0, 2.0]
    assert second.tolist() == [0.0, 0.0]
    assert third.tolist() == x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "draw", [lambda: torch.rand(1), lambda: torch.manual_seed(0), lambda: nn.Dropout()(torch.ones(9))]
)
def test_a_random_state_that_moved_is_seen(draw: Any) -> None:
    with torch.random.fork_rng():
        assert value(draw, want="aftermath")[1] is False


@pytest.mark.parametrize("draw", [lambda: None, lambda: torch.rand(1, generator=torch.Generator())])
def test_a_random_state_that_was_left_alone_is_seen(draw: Any) -> None:
    assert value(draw, want="aftermath")[1] is True


# ---- pictures -----------------------------------------------------------------------------------------------------


def draw_into(axes: Axes | None, image: Tensor, show: bool = False) -> Axes:
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots()
    axes.imshow(image.numpy(), vmin=0.0, vmax=1.0)
    axes.set_xticks(range(3), labels=["a", "b", "c"])
    axes.set_yticks(range(2), labels=["d", "e"])
    if show:
        plt.show()
    return axes


IMAGE = torch.tensor([[0.0, 0.5, 1.0], [0.25, 0.5, 0.75]])


def test_a_picture_is_what_can_be_seen_on_it() -> None:
    found = value(draw_into, FreshAxes(), IMAGE)
    assert isinstance(found, Picture)
    assert torch.equal(found.image, IMAGE.double())  # type: ignore[arg-type]
    assert found.limits == (0.0, 1.0)
    assert (found.x_labels, found.y_labels) == (("a", "b", "c"), ("d", "e"))
    assert (found.in_given_axes, found.shown) == (True, False)


def test_a_picture_in_new_axes_and_one_that_was_shown_are_told_apart() -> None:
    assert value(draw_into, None, IMAGE).in_given_axes is False
    assert value(draw_into, None, IMAGE, True).shown is True
    assert value(draw_into, None, IMAGE).shown is False


def test_a_picture_without_an_image_has_none() -> None:
    found = value(lambda axes: axes, FreshAxes())
    assert (found.image, found.limits) == (None, None)


def test_axes_that_were_drawn_into_but_not_returned_are_no_picture() -> None:
    assert value(lambda axes: axes.imshow(IMAGE.numpy()), FreshAxes()) == Foreign("AxesImage")


# ---- what was raised ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(1), MemoryError()]
)
def test_whatever_is_raised_is_an_answer(error: BaseException) -> None:
    def f() -> None:
        raise error

    found = answer(f)
    assert isinstance(found, Raised)
    assert found.kind == type(error).__name__


def test_an_unknown_wish_is_an_error_and_no_end() -> None:
    assert isinstance(answer(print, want="points"), Raised)


def test_addresses_are_taken_out() -> None:
    assert describe(ValueError("at 0x7f3a91b2c4d0 and 0x10")).message == "at 0x... and 0x10"


def test_an_error_from_no_line_of_the_students_has_no_line() -> None:
    assert describe(ValueError("x")).where == ""


def test_a_number_that_is_not_finite_comes_back() -> None:
    assert math.isnan(value(lambda: math.nan))
    assert value(lambda: -math.inf) == -math.inf


def test_whoever_seeds_in_every_call_is_found_out() -> None:
    def seeds(x: Tensor) -> Tensor:
        torch.manual_seed(0)
        return x

    seeds(torch.ones(1))
    found = Executor({"f": seeds}).answer(Call(target="f", args=(torch.ones(1),), want="aftermath"))
    assert isinstance(found, Value)
    assert found.value[1] is False


def test_looking_at_the_aftermath_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    answer(lambda x: torch.rand(3), torch.ones(1), want="aftermath")
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_no_exception_at_all_is_an_error_all_the_same() -> None:
    class Mine(BaseException):
        pass

    def raises() -> None:
        raise Mine("text")

    found = Executor({"f": raises}).answer(Call(target="f"))
    assert isinstance(found, Raised)
    assert (found.kind, found.message) == ("Mine", "text")
