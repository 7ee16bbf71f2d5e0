"""Props: what a check needs beside the student's own work, such as a language model that is only a table.

A check asks for them by name, `student.props.TableModel(table, 5)`, and passes them on. They are made where the
student's objects are, and hold nothing that a student must not see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class TableModel(nn.Module):
    """A language model that looks its logits up, so that what it continues can be worked out by hand.

    The logits of position t are the row

        last + 3 * first + 5 * t + 7 * (training) + 11 * (gradients are on)

    of the table, modulo its length, where `last` is the word at t and `first` the first one that the model was given.
    So a text that was cropped wrongly, the wrong position or the wrong mode lead to another row.

    Args:
        table: (rows, V)
        max_len: it raises a ValueError for a longer text
    """

    def __init__(self, table: Tensor, max_len: int) -> None:
        super().__init__()
        self.table, self.max_len = table, max_len

    def forward(self, ids: Tensor) -> tuple[Tensor, None]:
        """Return the logits of every position (B, T, V), and no loss."""
        length = ids.size(1)
        if not 0 < length <= self.max_len:
            raise ValueError(f"the model reads 1 to {self.max_len} words, got {length}")
        mode = 7 * self.training + 11 * torch.is_grad_enabled()
        rows = ids + 3 * ids[:, :1] + 5 * torch.arange(length) + mode
        return self.table[rows % len(self.table)], None


def Generator(seed: int) -> torch.Generator:
    """Return a generator of random numbers with a seed."""
    return torch.Generator().manual_seed(seed)


def seed(number: int) -> None:
    """Set the global generator, so that what a model starts with is the same in every replay."""
    torch.manual_seed(number)


PROPS: dict[str, Callable[..., Any]] = {"TableModel": TableModel, "Generator": Generator, "seed": seed}
"""What a check can ask for."""
