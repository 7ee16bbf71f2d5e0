"""What is left of IPython inside: its magics and commands are understood, so that they do not cost the rest of a cell.

`%matplotlib inline`, `!pip install torch` and `softmax?` do nothing. `%time` and `%%time` and their like run the code
that they are about, without what they would say of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

RUN_THE_LINE = {"time", "timeit", "prun", "memit"}
RUN_THE_CELL = RUN_THE_LINE | {"capture", "python", "python3"}


def to_python(source: str) -> str:
    """Return a cell's source with IPython's own syntax turned into calls of `get_ipython()`; Python stays as it is."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        try:
            return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
        except SyntaxError:
            return source  # neither: the error will be found, with its line, when the cell is compiled
    return source


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
            exec(compile(line, f"%{name}", "exec", dont_inherit=True), self.user_ns)

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Run the code that a cell magic is about, if it is about Python."""
        if name in RUN_THE_CELL:
            exec(compile(to_python(cell), f"%%{name}", "exec", dont_inherit=True), self.user_ns)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return nothing


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing, for whatever only matters when somebody looks."""
