"""Keeps torch's compiler out: nothing is compiled here, and loading it takes seconds.

Torch marks functions that must not be compiled, among them the methods of optimizers. When such a function is first
called, torch loads its whole compiler, some 800 modules, only to ask it for a version of the function that is left
alone. Here every function is its own such version.

Likewise, `torch.testing.assert_close` loads all that torch has for tensors spread over many machines, only to ask
whether it was given one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
import torch._compile
import torch.testing._comparison


def stay_eager() -> None:
    """Have torch do what is asked of it, here and now, without loading what it would only ask in return."""
    torch.testing._comparison._HAS_DTENSOR = False
    _never_compile()


def _never_compile() -> None:
    """Have torch call the functions that it must not compile as they are, those marked already and those to come."""
    marked = torch._compile._disable_dynamo(lambda: None).__code__
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__ is marked:
            # Not `__wrapped__`: torch puts something else there now and then.
            place = function.__code__.co_freevars.index("fn")
            original = (function.__closure__ or ())[place].cell_contents
            original.__dynamo_disable = original
    torch._compile._disable_dynamo = torch._disable_dynamo = _unmarked  # type: ignore[assignment,attr-defined]  # torch's


def _unmarked(function: Callable[..., Any] | None = None, recursive: bool = True) -> Any:
    """Stand for torch's decorator: `@mark`, or `@mark(recursive=False)`."""
    return function if function is not None else lambda decorated: decorated
