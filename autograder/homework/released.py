"""The cells of exercises as they were released: `stubs.json`, beside the notebook that a student changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from autograder.errors import UsageError

FILE = "stubs.json"


def encode_stubs(cells: dict[str, dict[str, Any]]) -> bytes:
    """Return the file for these cells, by exercise: each with "id", "metadata" and "source"."""
    return msgspec.json.format(msgspec.json.encode(cells), indent=1) + b"\n"


def read_stubs(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the cells of a release folder, by exercise.

    Raises:
        UsageError: when their file is missing, or not as it was released.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}). It comes with the notebook: take it from there again"
        ) from None
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path} is not as it was released ({error}): take it from there again") from None
