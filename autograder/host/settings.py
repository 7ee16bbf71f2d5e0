"""The settings of a course, read as nbgrader reads them; importing this imports nothing of nbgrader."""

from __future__ import annotations

from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import UsageError
from autograder.host.programs import put_programs_on_path

CONFIG = "nbgrader_config.py"


def read_config(root: Path) -> Config:
    """Return the settings in the course's `nbgrader_config.py`, whatever folder one stands in.

    Raises:
        UsageError: when there is no such file or it fails.
    """
    put_programs_on_path()
    if not (root / CONFIG).is_file():
        raise UsageError(f"{root / CONFIG} is missing; without it nbgrader would run student code itself")
    try:
        config = Config(PyFileConfigLoader(CONFIG, path=str(root)).load_config())
    except Exception as error:  # it is Python, and can fail in any way
        raise UsageError(f"{root / CONFIG} fails: {type(error).__name__}: {error}") from None
    if "root" not in config.CourseDirectory:
        config.CourseDirectory.root = str(root.resolve())
    return config
