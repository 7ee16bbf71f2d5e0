"""The end-to-end tests of the playgrounds use a real JupyterLab and a real browser."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from browser import chromium, lab, page

__all__ = ["chromium", "lab", "page"]
