"""Seeded inputs: fresh for every course, student and check, and the same whenever that student is graded again."""

from __future__ import annotations

import hashlib
import hmac

import torch
from torch import Tensor


def seed_for(salt: str, assignment: str, student: str, check: str) -> int:
    """Return the seed of one check for one student: nobody without the salt can compute it in advance."""
    text = "\0".join((assignment, student, check)).encode()
    return int.from_bytes(hmac.digest(salt.encode(), text, hashlib.sha256)[:7])


class Draw:
    """Draws inputs from one generator of its own.

    Args:
        seed: from `seed_for`
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Return float32 numbers with mean 0 and variance 1."""
        return torch.randn(*shape, generator=self._generator)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return float32 numbers, evenly spread over [low, high)."""
        return low + (high - low) * torch.rand(*shape, generator=self._generator)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Return int64 numbers in [low, high)."""
        return torch.randint(low, high, shape, generator=self._generator)

    def permutation(self, length: int) -> Tensor:
        """Return the numbers 0 to length - 1 in random order, which is never the sorted one when length > 1."""
        order = torch.randperm(length, generator=self._generator)
        return order if length < 2 or not torch.equal(order, torch.arange(length)) else order.roll(1)

    def mask(self, *shape: int, keep: float = 0.6) -> Tensor:
        """Return a bool mask with at least one True and, where there is room, one False in every row."""
        mask = torch.rand(*shape, generator=self._generator) < keep
        width = shape[-1]
        first = self.integers(0, width, *shape[:-1], 1)
        mask.scatter_(-1, first, True)
        if width > 1:
            # Another place than the first one, so that neither guarantee takes the other back.
            mask.scatter_(-1, (first + self.integers(1, width, *shape[:-1], 1)) % width, False)
        return mask
