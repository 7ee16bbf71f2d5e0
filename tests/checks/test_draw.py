"""Drawn inputs: the same for the same student, others for anybody else."""

from __future__ import annotations

import pytest
import torch

from autograder.checks.draw import Draw, seed_for


def everything(seed: int) -> list[torch.Tensor]:
    draw = Draw(seed)
    return [
        draw.normal(3, 4),
        draw.uniform(-1, 1, 5),
        draw.integers(0, 100, 7),
        draw.mask(5, 7),
        draw.permutation(9).float(),
    ]


def test_the_same_seed_draws_the_same() -> None:
    for a, b in zip(everything(7), everything(7), strict=True):
        assert torch.equal(a, b)


def test_another_seed_draws_something_else() -> None:
    for a, b in zip(everything(7), everything(8), strict=True):
        assert not torch.equal(a, b)


def test_nobody_elses_generator_is_touched_or_asked() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = everything(7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(first[0], everything(7)[0])


SEED = ("salt", "01_small", "ada", "test_hidden.py::test_a")


def test_a_seed_depends_on_each_of_its_parts_and_on_where_they_end() -> None:
    others = [tuple(part + "x" if i == j else part for j, part in enumerate(SEED)) for i in range(4)]
    others += [("salt", "01_smal", "lada", SEED[3]), ("salt", "01_small", "ad", "a" + SEED[3])]
    seeds = {seed_for(*parts) for parts in [SEED, *others]}
    assert len(seeds) == 7


def test_a_seed_is_the_same_in_every_process_and_fits_a_generator() -> None:
    assert seed_for(*SEED) == 40987737930308001
    assert 0 <= seed_for(*SEED) < 2**63


def test_shapes_dtypes_and_ranges() -> None:
    draw = Draw(1)
    normal, uniform, integers = draw.normal(1000, 10), draw.uniform(2.0, 5.0, 1000), draw.integers(-3, 4, 1000)
    assert (normal.dtype, uniform.dtype, integers.dtype) == (torch.float32, torch.float32, torch.int64)
    assert abs(float(normal.mean())) < 0.05
    assert abs(float(normal.var()) - 1) < 0.05
    assert 2.0 <= float(uniform.min()) < 2.1 < 4.9 < float(uniform.max()) <= 5.0
    assert sorted(set(integers.tolist())) == [-3, -2, -1, 0, 1, 2, 3]


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_permutation_is_never_the_sorted_one(length: int) -> None:
    for seed in range(50):
        order = Draw(seed).permutation(length).tolist()
        assert order != list(range(length))
        assert sorted(order) == list(range(length))


def test_a_permutation_of_one_or_none_is_what_it_must_be() -> None:
    assert Draw(1).permutation(1).tolist() == [0]
    assert Draw(1).permutation(0).tolist() == []


@pytest.mark.parametrize("keep", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("shape", [(2,), (5, 2), (2, 3, 7)])
def test_every_row_of_a_mask_has_both(keep: float, shape: tuple[int, ...]) -> None:
    for seed in range(30):
        mask = Draw(seed).mask(*shape, keep=keep)
        assert mask.dtype == torch.bool
        assert mask.shape == shape
        assert bool(mask.any(-1).all())
        assert not bool(mask.all(-1).any())


def test_a_row_of_one_may_always_attend() -> None:
    assert bool(Draw(1).mask(4, 1, keep=0.0).all())
