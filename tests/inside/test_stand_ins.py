"""Stand-ins: the reference's numbers and gradients, and nothing else of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from torch import Tensor

from autograder.inside.stand_ins import stand_in
from autograder.stand_in import stand_in_for
from autograder.wire import PROP, Call, Foreign, Handle, Message, Raised, Value, decode, encode


def weighed(q: Tensor, k: Tensor, mask: Tensor | None = None, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """A reference with two results and an argument that has no gradient."""
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError("mask must be bool")
    weights = scale * (q @ k.transpose(-2, -1))
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ k, weights


def double(x: Tensor) -> Tensor:
    return 2 * x


REFERENCE = {"weighed": weighed, "double": double, "secret": double}
outside = stand_in_for(REFERENCE, ["weighed", "double"])


def over_the_wire(call: Call) -> Message:
    """Ask outside, as the locked process does: as bytes, both ways."""
    asked: list[Message] = []
    for message in (call, None):
        frame = encode(message or outside(asked[0]))  # type: ignore[arg-type]
        length = int.from_bytes(frame[:4])
        asked.append(decode(frame[8 : 8 + length], frame[8 + length :]))
    return asked[1]


ours = stand_in("weighed", ["q", "k", "mask", "scale"], over_the_wire)
Q, K, MASK = torch.randn(3, 4), torch.randn(5, 4), torch.rand(3, 5) > 0.5


def gradients(function: Any, call: Any) -> list[Tensor]:
    q, k = Q.clone().requires_grad_(), K.clone().requires_grad_()
    output, weights = call(function, q, k)
    (output.sin().sum() + weights.cos().sum()).backward()
    return [q.grad, k.grad]  # type: ignore[list-item]


WAYS = {
    "by position": lambda f, q, k: f(q, k, MASK, 0.5),
    "by name": lambda f, q, k: f(q=q, k=k, mask=MASK, scale=0.5),
    "by name in another order": lambda f, q, k: f(scale=0.5, k=k, mask=MASK, q=q),
    "both": lambda f, q, k: f(q, k, scale=0.5, mask=MASK),
    "with a gap": lambda f, q, k: f(q, k, scale=0.5),
    "with one that is a function of the other": lambda f, q, k: f(q, k + 2 * k.detach(), MASK),
    "with the same twice": lambda f, q, k: f(q, torch.cat([q, k])),
}


@pytest.mark.parametrize("call", WAYS.values(), ids=WAYS)
def test_numbers_and_gradients_are_those_of_the_reference(call: Any) -> None:
    for found, expected in zip(call(ours, Q, K), call(weighed, Q, K), strict=True):
        assert torch.allclose(found, expected)
    for found, expected in zip(gradients(ours, call), gradients(weighed, call), strict=True):
        assert torch.allclose(found, expected, atol=1e-5)


def test_gradients_flow_through_one_result_alone() -> None:
    q = Q.clone().requires_grad_()
    ours(q, K)[1].sum().backward()
    assert torch.allclose(q.grad, K.sum(0).expand(3, 4))  # type: ignore[arg-type]


def test_a_single_result_is_no_tuple() -> None:
    found = stand_in("double", ["x"], over_the_wire)(torch.ones(2))
    assert isinstance(found, Tensor)
    assert torch.equal(found, torch.full((2,), 2.0))


def test_the_arguments_stay_as_they_are() -> None:
    q = Q.clone()
    ours(q, K)
    assert torch.equal(q, Q)


def test_a_refusal_of_the_reference_is_the_same_refusal() -> None:
    with pytest.raises(ValueError, match="mask must be bool"):
        ours(Q, K, MASK.float())
    with pytest.raises(RuntimeError, match="weighed cannot be called like this"):
        ours(Q, K[:, :2])


# ---- what is answered outside -------------------------------------------------------------------------------------

REFUSED = {
    "a function that does not stand in": Call(target="secret", args=(Q,)),
    "an object": Call(target=0, method="__init__"),
    "the aftermath": Call(target="double", args=(Q,), want="aftermath"),
    "anything else": Call(target="double", args=(Q,), want="__globals__"),
    "a text": Call(target="double", args=("x" * 100,)),
    "a foreign object": Call(target="double", args=(Foreign("x"),)),
    "a prop": Call(target=PROP + "seed", args=(1,)),
    "a handle": Call(target="double", args=(Handle(0),)),
    "a large tensor": Call(target="double", args=(torch.zeros(10**6),)),
    "a large tensor in a list": Call(target="double", args=([torch.zeros(10**6)],)),
    "a large tensor by name": Call(target="double", kwargs={"x": torch.zeros(10**6)}),
    "a large weight": Call(target="double", args=(Q,), want="gradients", toward=torch.zeros(10**6)),
    "many axes": Call(target="double", args=(torch.zeros((1,) * 30),)),
    "no arguments": Call(target="double", args=3),
    "arguments without names": Call(target="double", kwargs=[1]),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_the_reference_answers_nothing_but_what_it_stands_in_for(call: Call) -> None:
    assert isinstance(outside(call), Raised)


def test_arguments_that_grow_by_broadcasting_are_refused() -> None:
    """Each of them is small; together they would make 200 million numbers."""
    column = torch.zeros(2000, 1)
    begun = time.monotonic()
    found = outside(Call(target="weighed", args=(column, column, torch.ones(50, 1, 1, dtype=torch.bool))))
    assert isinstance(found, Raised)
    assert time.monotonic() - begun < 2


def test_questions_of_an_ordinary_size_are_answered() -> None:
    found = outside(Call(target="weighed", args=(torch.zeros(2, 3, 11, 7), torch.zeros(2, 3, 13, 7))))
    assert isinstance(found, Value)
