"""The tensor playground's table, against real tensors and against what torch counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from autograder.playground import shapes
from solutions.attention import attention_scores, attention_weights
from solutions.multi_head import merge_heads, split_heads

SETTINGS = [(2, 5, 12, 3), (1, 1, 1, 1), (4, 10, 24, 8), (3, 7, 10, 5), (2, 3, 7, 1)]


def real_tensors(batch: int, length: int, d_model: int, heads: int) -> dict[str, tuple[list[torch.Tensor], int]]:
    """Go the way with real tensors; return, for each step, what it makes and how many multiplications torch counts."""
    found: dict[str, tuple[list[torch.Tensor], int]] = {}
    maps = [torch.randn(d_model, d_model) for _ in range(4)]

    def go(name: str, make: Any) -> list[torch.Tensor]:
        with FlopCounterMode(display=False) as counter:
            made: list[torch.Tensor] = make()
        found[name] = made, counter.get_total_flops() // 2  # torch counts an addition for each multiplication
        return made

    (x,) = go("input", lambda: [torch.randn(batch, length, d_model)])
    wide = go("Q, K, V", lambda: [x @ w for w in maps[:3]])
    q, k, v = go("split heads", lambda: [split_heads(one, heads) for one in wide])
    (scores,) = go("scores", lambda: [attention_scores(q, k)])
    (weights,) = go("weights", lambda: [attention_weights(scores)])
    (averages,) = go("averages", lambda: [weights @ v])
    (merged,) = go("merge heads", lambda: [merge_heads(averages)])
    go("output", lambda: [merged @ maps[3]])
    return found


@pytest.mark.parametrize("setting", SETTINGS)
def test_shapes_and_multiplications_are_those_of_real_tensors(setting: tuple[int, int, int, int]) -> None:
    real, size = real_tensors(*setting), shapes.sizes(*setting)
    assert [step.name for step in shapes.STEPS] == list(real)
    for step in shapes.STEPS:
        tensors, multiplications = real[step.name]
        assert [tuple(tensor.shape) for tensor in tensors] == [shapes.shape(step, size)] * (len(step.copies) or 1)
        assert shapes.multiplications(step, size) == multiplications, step.name


def test_memory_is_that_of_the_tensors_and_a_view_takes_none() -> None:
    setting = 2, 5, 12, 3
    real, size = real_tensors(*setting), shapes.sizes(*setting)
    for step in shapes.STEPS:
        new = 0 if step.view else sum(tensor.nbytes for tensor in real[step.name][0])
        assert shapes.memory(step, size) == new, step.name


def test_splitting_is_a_view_and_merging_is_not() -> None:
    real = real_tensors(2, 5, 12, 3)
    address = {name: tensors[0].untyped_storage().data_ptr() for name, (tensors, _) in real.items()}
    assert address["split heads"] == address["Q, K, V"]
    assert address["merge heads"] != address["averages"]


def test_a_width_that_cannot_be_split_stops_the_way_at_the_split_and_names_the_heads_that_fit() -> None:
    size = shapes.sizes(2, 5, 10, 4)
    assert size["d"] == 0
    assert [step.name for step in shapes.possible_steps(size)] == ["input", "Q, K, V"]
    assert shapes.summary(size) == "D = 10 cannot be split into 4 heads. Numbers of heads that fit: 1, 2, 5, 10."
    assert shapes.as_text(size).endswith(shapes.summary(size))


def test_the_heads_that_fit_are_those_that_split_heads_accepts() -> None:
    def accepted(heads: int) -> bool:
        try:
            split_heads(torch.zeros(1, 1, 12), heads)
        except ValueError:
            return False
        return True

    assert shapes.fitting_heads(12) == [heads for heads in range(1, 13) if accepted(heads)]


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (52480, "51.3 KiB")])
def test_bytes_are_written_as_they_are_read(count: int, text: str) -> None:
    assert shapes.in_bytes(count) == text
