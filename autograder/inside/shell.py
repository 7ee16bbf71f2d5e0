"""What is left of IPython inside: its magics and commands are understood, so that they do not cost the rest of a cell.

`%matplotlib inline`, `!pip install torch` and `softmax?` do nothing. `%time` and `%%time` and their like run the code
that they are about, without what they would say of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

RUN_THE_LINE = {"time", "timeit", "prun", "memit"}
RUN_THE_CELL = RUN_THE_LINE | {"capture", "python", "python3"}


@lru_cache(maxsize=256)
def compiled(source: str, filename: str) -> CodeType:
    """Compile a cell, whether it is Python or has IPython's syntax in it; a process that runs it again remembers.

    Raises:
        SyntaxError: when it is neither.
    """
    try:
        return compile(source, filename, "exec", dont_inherit=True)
    except SyntaxError:
        return compile(to_python(source), filename, "exec", dont_inherit=True)


def to_python(source: str) -> str:
    """Return a cell's source with IPython's own syntax turned into calls of `get_ipython()`."""
    try:
        return str(TransformerManager().transform_cell(source))
    except SyntaxError:
        return source  # neither IPython's syntax nor Python's: compiling it says what is wrong, and where


class Shell:
    """What `get_ipython()` returns inside.

    Args:
        namespace: of the notebook, for magics that run code
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.user_ns = namespace

    def run_line_magic(self, name: str, line: str, *_: Any) -> None:
        """Run the code that a line magic is about, if it is about code."""
        if name in RUN_THE_LINE:
            exec(compiled(line, f"%{name}"), self.user_ns)

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Run the code that a cell magic is about, if it is about Python."""
        if name in RUN_THE_CELL:
            exec(compiled(cell, f"%%{name}"), self.user_ns)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return nothing


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing, for whatever only matters when somebody looks."""
