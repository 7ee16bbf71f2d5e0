"""Finds the student's own line in a traceback: which cell, which line, what stands there."""

from __future__ import annotations

import linecache
import traceback

_SCHEME = "<notebook: "


def register(name: str, source: str) -> str:
    """Make a cell's source known to tracebacks; returns the file name to compile it with."""
    filename = f"{_SCHEME}{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return filename


def own_line(error: BaseException) -> str:
    """Return where in the student's own cells it happened, as in 'line 3 of softmax: return y / 0', or ""."""
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(_SCHEME):
        return _words(error.filename or "", error.lineno or 0, (error.text or "").strip())
    own = [f for f in traceback.extract_tb(error.__traceback__) if _is_own(f.filename)]
    return _words(own[-1].filename, own[-1].lineno or 0, (own[-1].line or "").strip()) if own else ""


def _is_own(filename: str) -> bool:
    # In a live notebook, IPython compiles each cell under a file name of its own, in a folder named after the kernel.
    return filename.startswith((_SCHEME, "<ipython-input")) or "ipykernel_" in filename


def _words(filename: str, line: int, text: str) -> str:
    name = filename.removeprefix(_SCHEME).removesuffix(">") if filename.startswith(_SCHEME) else "your cell"
    return f"line {line} of {name}: {text[:200]}" if text else f"line {line} of {name}"
