"""Runs the cells of a notebook inside, as Jupyter would, but without Jupyter."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from autograder.cell import Cell
from autograder.inside import plots
from autograder.inside.executor import describe
from autograder.inside.frames import register
from autograder.inside.shell import Shell, compiled, nothing
from autograder.wire import Loaded, Raised

_SEED = 20170612  # any constant: two runs of one notebook must not differ by what torch drew


def run_cells(cells: list[Cell], started: Callable[[int], None]) -> tuple[dict[str, Any], Loaded]:
    """Run cells one after the other in a new namespace; a cell that raises does not stop the next.

    What an earlier run in this process may have changed in the libraries is put back first, as far as it is known to
    matter: seeds, default dtype, what is drawn.

    Args:
        cells: what to run
        started: called with a cell's index before it runs
    """
    _reset()
    namespace: dict[str, Any] = {"__name__": "__main__", "display": nothing}
    shell = Shell(namespace)
    namespace["get_ipython"] = lambda: shell
    errors: dict[int, Raised] = {}
    for index, cell in enumerate(cells):
        started(index)
        try:
            exec(compiled(cell.source, register(cell.name, cell.source)), namespace)
        except BaseException as error:  # SystemExit, KeyboardInterrupt and what students derive from it, too
            errors[index] = describe(error)
    defined = sorted(name for name, value in namespace.items() if callable(value) and not name.startswith("_"))
    return namespace, Loaded(errors=errors, defined=defined)


def prepare() -> None:
    """Make this process ready to run notebooks in its children, who all inherit the same state."""
    _reset()
    # `check`, `hint` and `after` of the notebook have nothing to do here, and the package itself nothing to tell.
    kit = types.ModuleType("autograder")
    kit.__dict__.update(check=nothing, hint=nothing, after=_after)
    playground = types.ModuleType("autograder.playground")
    playground.__dict__.update(TensorPlayground=nothing, SamplingPlayground=nothing)
    sys.modules.update({"autograder": kit, "autograder.playground": playground})


def _reset() -> None:
    """Put back what two runs of one notebook must not differ by."""
    random.seed(_SEED)
    np.random.seed(_SEED)
    torch.default_generator.manual_seed(_SEED)  # as torch.manual_seed, which also looks for accelerators for 2 ms
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    plots.close_figures(but=set())


@contextmanager
def _after(*_: str) -> Iterator[None]:
    yield
