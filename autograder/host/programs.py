"""Programs that nbgrader starts by name; importing this imports nothing of nbgrader."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def put_programs_on_path() -> None:
    """Make sure that nbgrader finds `alembic`, which it starts by name for every new gradebook.

    Called by the path of its interpreter, without the environment being active, it would not.
    """
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if here not in path.split(os.pathsep):
        os.environ["PATH"] = here + os.pathsep + path if path else here
