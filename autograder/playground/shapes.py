"""The tensors of multi-head attention, step by step: their axes, the multiplications they cost and their memory.

This table is the only place that knows them. The widget gets it as data, and fills in the numbers by the same products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BYTES = 4
"""Of one number: float32."""


@dataclass(frozen=True)
class Step:
    """One step on the way from the input to the output.

    Args:
        name: what the step makes
        note: how, in a few words
        axes: of each tensor that it makes; B batch, L positions, D width, H heads, d width of a head
        copies: the names of the tensors, when there are several
        multiplied: the axes whose sizes, multiplied, are the multiplications for each tensor; "" for none
        view: the numbers are those of the step before, in the same memory
        striped: each head has its own columns in it
    """

    name: str
    note: str
    axes: str
    copies: str = ""
    multiplied: str = ""
    view: bool = False
    striped: bool = False


STEPS = (
    Step("input", "one vector per position", "BLD"),
    Step("Q, K, V", "three linear maps", "BLD", copies="QKV", multiplied="BLDD", striped=True),
    Step("split heads", "cut into strips", "BHLd", copies="QKV", view=True, striped=True),
    Step("scores", "Q · Kᵀ in each head", "BHLL", multiplied="BHLLd", striped=True),
    Step("weights", "softmax of each row", "BHLL", striped=True),
    Step("averages", "weights · V in each head", "BHLd", multiplied="BHLLd", striped=True),
    Step("merge heads", "strips side by side", "BLD", striped=True),
    Step("output", "a last linear map", "BLD", multiplied="BLDD"),
)


def sizes(batch: int, length: int, d_model: int, heads: int) -> dict[str, int]:
    """Return the size of each axis by its letter; d is 0 when the width cannot be split into so many heads."""
    return {"B": batch, "L": length, "D": d_model, "H": heads, "d": 0 if d_model % heads else d_model // heads}


def fitting_heads(d_model: int) -> list[int]:
    """Return the numbers of heads into which a width can be split."""
    return [heads for heads in range(1, d_model + 1) if d_model % heads == 0]


def shape(step: Step, size: dict[str, int]) -> tuple[int, ...]:
    """Return the shape of each tensor that a step makes."""
    return tuple(size[axis] for axis in step.axes)


def multiplications(step: Step, size: dict[str, int]) -> int:
    """Return how many multiplications the matrix products of a step take."""
    return _copies(step) * _product(step.multiplied, size) if step.multiplied else 0


def memory(step: Step, size: dict[str, int]) -> int:
    """Return how many bytes of new memory a step takes: none for a view."""
    return 0 if step.view else BYTES * _copies(step) * _product(step.axes, size)


def possible_steps(size: dict[str, int]) -> tuple[Step, ...]:
    """Return the steps that these sizes allow: those before the split, when D cannot be split into H heads."""
    split = next(place for place, step in enumerate(STEPS) if "H" in step.axes)
    return STEPS if size["d"] else STEPS[:split]


def summary(size: dict[str, int]) -> str:
    """Say what all steps cost together; or why D cannot be split into H heads, and which numbers of heads fit."""
    if not size["d"]:
        fits = ", ".join(map(str, fitting_heads(size["D"])))
        return f"D = {size['D']} cannot be split into {size['H']} heads. Numbers of heads that fit: {fits}."
    work, room = (sum(count(step, size) for step in STEPS) for count in (multiplications, memory))
    return f"Together {work:,} multiplications, {in_bytes(room)} in float32."


def in_bytes(count: int) -> str:
    """Return a number of bytes as it is read: 480 B, 1.9 KiB."""
    return (
        f"{count} B" if count < 1024 else f"{int(count * 10 / 1024 + 0.5) / 10:,.1f} KiB"
    )  # halves up, as browsers do


def as_text(size: dict[str, int]) -> str:
    """Return all steps as lines of text, for a terminal and for whoever cannot see a picture."""
    lines = ["Multi-head attention: " + ", ".join(f"{axis} = {size[axis]}" for axis in "BLDH")]
    for step in possible_steps(size):
        times = f"{_copies(step)} x " if step.copies else ""
        cost = f"{multiplications(step, size):,} multiplications, {in_bytes(memory(step, size))}"
        lines.append(f"{step.name:12} {times + str(shape(step, size)):20} {cost}")
    return "\n".join([*lines, summary(size)])


def _copies(step: Step) -> int:
    return len(step.copies) or 1


def _product(axes: Sequence[str], size: dict[str, int]) -> int:
    return math.prod(size[axis] for axis in axes)
