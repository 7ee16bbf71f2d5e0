"""Small pictures of numbers for a card: inline SVG without scripts, and the same as characters for a terminal.

Only the self-check hands pictures to a card, because they show values: those of public checks, which anyone can read. A
record has no place for one, so none can reach a report about hidden checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autograder.report.templating import render

MOST_ROWS, MOST_COLUMNS = 12, 16
"""Larger matrices are no picture but a pattern; words say more about them."""
_WITH_NUMBERS = 6
"""Up to so many columns there is room for the numbers themselves."""
_NARROW, _WIDE, _HEIGHT = 20, 46, 20
_STRONGEST = 0.6
"""Opacity of the darkest cell; what is written on it stays readable, on light ground and on dark."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One matrix, drawn as a grid; rows and columns are counted from 0."""

    title: str
    values: tuple[tuple[float, ...], ...]
    said: str
    """What is to be seen, in words, for those who do not see it."""
    wrong: frozenset[tuple[int, int]] = frozenset()
    """Cells that are not as expected; they get a frame, not only another colour."""
    yes_or_no: bool = False
    """Whether its values are 0 and 1, for "no" and "yes"."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels side by side, with one scale."""

    rows: str
    """What a row stands for."""
    columns: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a panel, ready to be drawn."""

    x: int
    y: int
    opacity: float
    text: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, ready to be drawn."""

    rows: str
    columns: str
    grids: tuple[tuple[Panel, list[Cell]], ...]
    width: int
    """Of a cell, in pixels."""
    height: int


def fits(rows: int, columns: int) -> bool:
    """Say whether a matrix of this size can be drawn."""
    return 1 <= rows <= MOST_ROWS and 2 <= columns <= MOST_COLUMNS


def drawing(figure: Figure) -> Drawing:
    """Return a figure ready to be drawn, with one scale for all its panels."""
    low, high = _range(figure)
    wide = len(figure.panels[0].values[0]) <= _WITH_NUMBERS and not all(panel.yes_or_no for panel in figure.panels)
    width = _WIDE if wide else _NARROW
    grids = tuple((panel, _cells(panel, width, low, high)) for panel in figure.panels)
    return Drawing(rows=figure.rows, columns=figure.columns, grids=grids, width=width, height=_HEIGHT)


def figure_html(figure: Figure) -> str:
    """Return a figure as HTML: a grid for each panel, with its title; every text in it is escaped."""
    return render("picture.svg.j2", drawing=drawing(figure))


def figure_text(figure: Figure) -> list[str]:
    """Return panels of yes and no as lines of characters, side by side; a figure of numbers has none."""
    if not all(panel.yes_or_no for panel in figure.panels):
        return []
    blocks = []
    for panel in figure.panels:
        lines = [" ".join(_character(panel, r, c) for c in range(len(row))) for r, row in enumerate(panel.values)]
        width = max(len(panel.title), *map(len, lines))
        blocks.append([text.ljust(width) for text in (panel.title, *lines)])
    grid = ["   ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]
    return [
        *grid,
        f"# yes, . no, wrong: ! a yes, ? a no; a row is a {figure.rows}, a column a {figure.columns}",
    ]


def _character(panel: Panel, row: int, column: int) -> str:
    yes = panel.values[row][column] > 0
    if (row, column) in panel.wrong:
        return "!" if yes else "?"
    return "#" if yes else "."


def _range(figure: Figure) -> tuple[float, float]:
    finite = [v for panel in figure.panels for row in panel.values for v in row if math.isfinite(v)]
    return min(finite, default=0.0), max(finite, default=0.0)


def _cells(panel: Panel, width: int, low: float, high: float) -> list[Cell]:
    return [
        Cell(
            x=column * width,
            y=row * _HEIGHT,
            opacity=round(_STRONGEST * (value - low) / (high - low), 3) if math.isfinite(value) and high > low else 0.0,
            text=_written(value, panel, width),
            wrong=(row, column) in panel.wrong,
        )
        for row, values in enumerate(panel.values)
        for column, value in enumerate(values)
    ]


def _written(value: float, panel: Panel, width: int) -> str:
    if panel.yes_or_no:
        return "●" if value > 0 else ""
    return short(value, digits=2) if width == _WIDE else ""


def short(value: float, digits: int = 3) -> str:
    """Write a number in a few characters: 0.25, -1.5, 1e-05, nan."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{digits}g}" if abs(value) >= 10.0 ** -(digits + 1) else f"{value:.{digits - 1}e}"
    text = "0" if value == 0 else text
    return "0" if text == "-0" else text
