"""A code cell, as it is read from a notebook and run inside."""

from __future__ import annotations

import msgspec


class Cell(msgspec.Struct, frozen=True):
    """One code cell of a notebook."""

    name: str
    """How the student would recognise it: the exercise's id, or "cell 7"."""
    source: str
