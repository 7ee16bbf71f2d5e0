"""What a release folder says about itself, in `release.json`, beside a notebook that a student changes and renames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from autograder.errors import UsageError

FILE = "release.json"


class ReleaseFile(msgspec.Struct, frozen=True):
    """A release."""

    assignment: str
    """Its id, whatever the folder is called by now."""
    stubs: dict[str, dict[str, Any]]
    """By exercise the cell as it was handed out: "id", "metadata" and "source"."""


def encode_release_file(file: ReleaseFile) -> bytes:
    """Return the file."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def read_release_file(folder: Path) -> ReleaseFile:
    """Return what a release folder says about itself.

    Raises:
        UsageError: when its file is missing, or not as it was released.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReleaseFile)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}). It comes with the notebook: take it from there again"
        ) from None
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path} is not as it was released ({error}): take it from there again") from None
