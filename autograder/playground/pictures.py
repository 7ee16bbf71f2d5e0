"""The static pictures of both playgrounds, for exports: what is on the screen, drawn by matplotlib.

Greys and colours are readable on a light and on a dark page, as in the figures of the lessons.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from autograder.playground import shapes
from autograder.playground.sampling import Outcome
from autograder.playground.shapes import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREY, _BLUE, _ORANGE = "#797979", "#0072b2", "#d55e00"
_TINTS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b5b000", "#7d6bd0")
_WIDTH = 9.0  # of a page; all lengths are in inches
_LEFT, _ROOM, _LARGEST = 1.55, 4.2, 0.11  # where blocks begin, their room, the side of a number
_BETWEEN_HEADS, _BETWEEN_TENSORS, _SHEET, _LABELS = 0.04, 0.2, 0.045, 0.36
_COLUMNS = 7.05, 8.25, 9.0  # right ends of shape, multiplications, memory


class _Block(NamedTuple):
    copy: str
    head: int
    columns: int
    gap: float


def tensor_picture(size: dict[str, int]) -> bytes:
    """Return the tensors of multi-head attention as blocks in one scale, and what they cost: a PNG.

    Args:
        size: the size of each axis by its letter, from `shapes.sizes`
    """
    steps = shapes.possible_steps(size)
    unit = _unit(steps, size)
    row = size["L"] * unit + (size["B"] - 1) * _SHEET + _LABELS
    ax = _page(row * len(steps) + 0.6)
    sizes = "  ".join(f"{axis} = {number}" for axis, number in size.items() if number)
    ax.text(0, row * len(steps) + 0.35, f"Multi-head attention:  {sizes}", weight="bold")
    for x, name in zip(_COLUMNS, ("shape", "multiplications", "memory"), strict=True):
        ax.text(x, row * len(steps) + 0.35, name, ha="right")
    for number, step in enumerate(reversed(steps)):
        _draw_step(ax, step, size, unit, row * number + 0.45)
    ax.text(0, 0.05, shapes.summary(size), weight="bold")
    return _png(ax)


def sampling_picture(outcomes: Sequence[Outcome], title: str) -> bytes:
    """Return a bar for each word that stays, a hatched one for each that is gone: a PNG.

    Args:
        outcomes: from `sampling.outcomes`
        title: the knobs, in words
    """
    top = 0.2 * len(outcomes) + 0.1
    ax = _page(top + 0.65)
    ax.text(0, top + 0.42, title, weight="bold")
    for x, name in ((6.6, "probability"), (7.6, "sum before it")):
        ax.text(x, top + 0.07, name, ha="right")
    for place, outcome in enumerate(outcomes):
        _draw_word(ax, outcome, top - 0.2 * (place + 1))
    return _png(ax)


def _blocks(step: Step, size: dict[str, int]) -> list[_Block]:
    """Return the blocks of a step from left to right: each tensor, and in it each head."""
    apart = "H" in step.axes
    heads = size["H"] if step.striped and size["d"] else 1
    columns = size[step.axes[-1]] if apart else size["D"] // heads
    blocks: list[_Block] = []
    for copy in step.copies or " ":
        for head in range(heads):
            between = (_BETWEEN_HEADS if apart else 0.0) if head else _BETWEEN_TENSORS if blocks else 0.0
            blocks.append(_Block(copy.strip(), head, columns, between))
    return blocks


def _unit(steps: Sequence[Step], size: dict[str, int]) -> float:
    """Return the side of one number, so that the widest step still fits."""
    rows = [_blocks(step, size) for step in steps]
    return min(_LARGEST, *((_ROOM - sum(b.gap for b in row)) / sum(b.columns for b in row) for row in rows))


def _draw_step(ax: Axes, step: Step, size: dict[str, int], unit: float, bottom: float) -> None:
    """Draw one step with its lower edge at `bottom`."""
    height, sheets = size["L"] * unit, (size["B"] - 1) * _SHEET
    middle, x = bottom + height / 2, _LEFT
    ax.text(0, middle, step.name, weight="bold", va="center")
    ax.text(_LEFT - 0.05, middle, f"L {size['L']}", ha="right", va="center", size=8)
    for block in _blocks(step, size):
        x += block.gap
        width = block.columns * unit
        tint = _TINTS[block.head % len(_TINTS)] if step.striped and size["d"] else None
        _draw_front(ax, x, bottom, (size["L"], block.columns), unit, tint)
        for sheet in range(size["B"] - 1):
            _draw_behind(ax, x + sheet * _SHEET, bottom + height + sheet * _SHEET, width, tint)
        if block.head == 0:
            axis = step.axes[-1]
            words = block.copy or f"{axis} {size[axis]}"
            ax.text(x + sheets, bottom + height + sheets + 0.03, words, size=8)
        if step.striped and size["d"] and width >= 0.07:
            ax.text(x + width / 2, bottom - 0.03, f"{block.head}", ha="center", va="top", size=7)
        x += width
    ax.text(x + sheets + 0.05, bottom + height + sheets, f"B {size['B']}", va="top", size=8)
    numbers = str(shapes.shape(step, size)), f"{shapes.multiplications(step, size):,}", _memory(step, size)
    for right, number in zip(_COLUMNS, numbers, strict=True):
        ax.text(right, middle, number, ha="right", va="center")


def _memory(step: Step, size: dict[str, int]) -> str:
    return shapes.in_bytes(shapes.memory(step, size))


def _draw_front(ax: Axes, x: float, y: float, shape: tuple[int, int], unit: float, tint: str | None) -> None:
    """Draw the first text of the batch, with lines between its numbers."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    rows, columns = shape
    ax.add_patch(Rectangle((x, y), columns * unit, rows * unit, facecolor=_face(tint), edgecolor=_GREY, lw=0.7))
    right, top = x + columns * unit, y + rows * unit
    lines = [[(x + column * unit, y), (x + column * unit, top)] for column in range(1, columns)]
    lines += [[(x, y + row * unit), (right, y + row * unit)] for row in range(1, rows)]
    ax.add_collection(LineCollection(lines, color=_GREY, lw=0.25), autolim=False)


def _draw_behind(ax: Axes, x: float, top: float, width: float, tint: str | None) -> None:
    """Draw what is seen above of a sheet that lies behind another one; nothing shines through on a transparent page."""
    from matplotlib.patches import Polygon

    corners = (x, top), (x + _SHEET, top + _SHEET), (x + width + _SHEET, top + _SHEET), (x + width, top)
    ax.add_patch(Polygon(corners, facecolor=_face(tint), edgecolor=_GREY, lw=0.7))


def _face(tint: str | None) -> tuple[str, float]:
    return (tint, 0.35) if tint else (_GREY, 0.12)


def _draw_word(ax: Axes, outcome: Outcome, y: float) -> None:
    """Draw one word's bar, its numbers and its fate in a line that begins at height `y`."""
    scale, stays = 4.4, outcome.fate == "stays"
    ax.text(1.15, y + 0.03, outcome.word, ha="right", weight="bold" if stays else "normal")
    if stays:
        ax.barh(y + 0.08, scale * outcome.probability, left=1.3, height=0.13, color=_BLUE)
    else:
        ax.barh(
            y + 0.08, scale * outcome.untouched, left=1.3, height=0.13, facecolor="none", edgecolor=_GREY,
            hatch="/////", lw=0.6,
        )  # fmt: skip
    ax.vlines(1.3 + scale * outcome.untouched, y, y + 0.17, color=_ORANGE, lw=1.5)
    numbers = f"{outcome.probability:.3f}", f"{outcome.before:.3f}" if outcome.fate in ("stays", "top-p") else "–"
    for right, number in zip((6.6, 7.6), numbers, strict=True):
        ax.text(right, y + 0.03, number, ha="right")
    ax.text(7.75, y + 0.03, "stays" if stays else f"cut by {outcome.fate}")


def _page(height: float) -> Axes:
    """Return Axes that are measured in inches and fill a figure of this height."""
    from matplotlib.figure import Figure  # late: it takes a while to load, and lessons have it already

    figure = Figure(figsize=(_WIDTH, height))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-0.05, _WIDTH + 0.05), ylim=(0, height))
    ax.axis("off")
    return ax


def _png(ax: Axes) -> bytes:
    from PIL import Image

    for text in ax.texts:
        text.set(color=_GREY, fontsize=min(text.get_fontsize(), 9))
    figure = ax.get_figure(root=True)
    assert figure is not None
    drawn, data = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=144, transparent=True)
    # Few colours make a small file: it is stored in the notebook.
    Image.open(drawn).quantize(64).save(data, format="png", optimize=True)
    return data.getvalue()
