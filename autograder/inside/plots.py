"""Makes and describes matplotlib Axes inside, so that only plain numbers and texts leave."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from autograder.wire import Picture

_MOST_LABELS = 200


class _Stage:
    """What happened while a call was on."""

    shown = False


def fresh_axes() -> Any:
    """Return new Axes in a figure of their own."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def open_figures() -> set[int]:
    """Return the numbers of pyplot's open figures."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def close_figures(but: set[int]) -> None:
    """Close pyplot's figures except these."""
    for number in open_figures() - but:
        sys.modules["matplotlib.pyplot"].close(number)


@contextmanager
def off_stage() -> Iterator[None]:
    """Keep figures to ourselves: those made meanwhile are closed, and `plt.show` only notes that it was called."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        yield
        return
    before, show = open_figures(), pyplot.show
    _Stage.shown = False
    pyplot.show = _note_that_it_was_shown  # type: ignore[attr-defined]  # mypy sees only a module
    try:
        yield
    finally:
        pyplot.show = show  # type: ignore[attr-defined]  # mypy sees only a module
        close_figures(but=before)


def _note_that_it_was_shown(*_: Any, **__: Any) -> None:
    _Stage.shown = True


def describe_axes(value: Any, args: tuple[Any, ...]) -> Picture | None:
    """Return what can be seen on the Axes, or None when `value` is no Axes."""
    if "matplotlib.axes" not in sys.modules:
        return None
    from matplotlib.axes import Axes

    if not isinstance(value, Axes):
        return None
    image = value.images[0] if value.images else None
    return Picture(
        image=None if image is None else torch.as_tensor(np.asarray(image.get_array(), dtype=np.float64)),
        limits=None if image is None else _limits(image.get_clim()),
        x_labels=_labels(value.get_xticklabels()),
        y_labels=_labels(value.get_yticklabels()),
        in_given_axes=any(arg is value for arg in args),
        shown=_Stage.shown,
    )


def _limits(limits: tuple[float, float]) -> tuple[float, float]:
    return float(limits[0]), float(limits[1])


def _labels(texts: list[Any]) -> tuple[str, ...]:
    return tuple(text.get_text()[:80] for text in texts[:_MOST_LABELS])
