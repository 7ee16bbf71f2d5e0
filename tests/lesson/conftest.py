"""A student's lesson, in a real JupyterLab and a real browser."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from pictures import picture

__all__ = ["picture"]
