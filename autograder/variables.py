"""The environment variables of the processes that grade: nothing of ours but what makes them work."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_COMMON = {
    "PATH": "/usr/bin:/bin",
    "MPLBACKEND": "Agg",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",  # or the order of a set of texts, and what depends on it, would differ from run to run
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Memory in huge pages makes a fork of torch cheaper, and a heap that is never tidied up does not copy the pages of
    # its free lists in each child.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mxfast=0:glibc.malloc.trim_threshold=1073741824",
}


def of_student_code(scratch: Path) -> dict[str, str]:
    """Return the variables of the process that student code runs in; all that it may write is in `scratch`."""
    home = str(scratch)
    return {**_COMMON, "HOME": home, "TMPDIR": home, "MPLCONFIGDIR": str(_font_cache())}


def of_grading() -> dict[str, str]:
    """Return the variables of a grading process, which splits off the one that student code runs in."""
    folder = tempfile.gettempdir()
    return {**_COMMON, "HOME": folder, "TMPDIR": folder, "XDG_CACHE_HOME": str(_cache())}


def _font_cache() -> Path:
    """Return the folder where matplotlib keeps its list of fonts, which takes seconds to build."""
    folder = _cache() / "autograder" / "matplotlib"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
