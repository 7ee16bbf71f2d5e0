"""Draws the cost of a class against its size, from the figures of a run.

python benchmarks/speed/plot.py speed.json docs/scale.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from names import FLOOR, OTTER, PREPROCESSOR, STOCK, STOCK_BARE

COLOURS = {
    STOCK: "#b2182b",
    STOCK_BARE: "#ef8a62",
    OTTER: "#762a83",
    PREPROCESSOR: "#7fbc41",
    FLOOR: "#888888",
    "autograder grade, 1 worker": "#4393c3",
    "workers": "#2166ac",
}
SIZES = (10, 1000)
"""From where to where lines are drawn."""


def main(figures: Path, picture: Path) -> None:
    """Draw."""
    found: list[dict[str, Any]] = json.loads(figures.read_text())
    plt.rcParams["svg.hashsalt"] = "speed"  # the same figures give the same file
    figure, axes = plt.subplots(figsize=(8.6, 5.2), layout="constrained")
    labels: list[tuple[float, str, str]] = []
    for name in dict.fromkeys(m["contestant"] for m in found):
        key = "workers" if name.endswith("workers") else name
        if key in COLOURS:
            labels.append((*_line(axes, [m for m in found if m["contestant"] == name], COLOURS[key]), name))
    _name_lines(axes, labels)
    axes.set(xscale="log", yscale="log", xlabel="submissions in the class", ylabel="time for the class")
    axes.set_xticks([10, 100, 1000], ["10", "100", "1,000"])
    axes.set_yticks([10, 60, 600, 3600, 36000], ["10 s", "1 min", "10 min", "1 h", "10 h"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None)


def _line(axes: Any, measured: list[dict[str, Any]], colour: str) -> tuple[float, str]:
    """Draw one grader; returns where its line ends and its colour."""
    whole = [m for m in measured if m["size"] == m["of"]]
    axes.plot([m["of"] for m in whole], [m["seconds"] for m in whole], "o", color=colour)
    first, last = whole[0], whole[-1]
    if last["each"]:
        each = sum(last["each"]) / len(last["each"])
    else:
        each = (last["seconds"] - first["seconds"]) / (last["size"] - first["size"])
    start = max(0.0, last["seconds"] - each * last["size"])
    sizes = [SIZES[0] * (SIZES[1] / SIZES[0]) ** (i / 40) for i in range(41)]
    line = [start + each * size for size in sizes]
    seen = sum(size <= last["of"] for size in sizes)
    axes.plot(sizes[:seen], line[:seen], color=colour)
    axes.plot(sizes, line, ":", color=colour)
    return line[-1], colour


def _name_lines(axes: Any, labels: list[tuple[float, str, str]]) -> None:
    """Write the names at the ends of the lines, apart from each other."""
    place = 0.0
    for end, colour, name in sorted(labels):
        place = max(end, place * 1.45)
        there = (SIZES[1], place)
        axes.annotate(name, there, (6, 0), textcoords="offset points", color=colour, va="center", fontsize=9)
    axes.set_xlim(8, 12_000)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
