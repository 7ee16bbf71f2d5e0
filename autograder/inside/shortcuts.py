"""Watches for shortcuts that an exercise forbids, such as `torch.softmax` where softmax is what is to be written.

Torch tells its own operators apart below their Python names: a function mode sees every call of a torch function,
whatever it was imported as, and a mode of its own sees modules. Mentioning a shortcut in a comment does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import Any

from torch.nn import Module
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle


class ForbiddenShortcut(BaseException):
    """A forbidden shortcut was taken. Not an Exception, so that `except Exception` does not hide it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@cache
def resolve(dotted: str) -> Any:
    """Return the object that a dotted name such as "torch.nn.functional.softmax" stands for.

    Raises:
        LookupError: when there is none.
    """
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        try:
            for part in parts[cut:]:
                found = getattr(found, part)
        except AttributeError:
            break
        return found
    raise LookupError(f"there is no {dotted}")


class Watch:
    """While it is entered, taking one of the forbidden shortcuts raises ForbiddenShortcut."""

    def __init__(self, forbidden: list[str]) -> None:
        resolved = {name: resolve(name) for name in forbidden}
        self._functions = {f: n for n, f in resolved.items() if not isinstance(f, type)}
        self._modules = {m: n for n, m in resolved.items() if isinstance(m, type)}
        self._mode: _FunctionWatch | None = None
        self._hook: RemovableHandle | None = None

    def __enter__(self) -> None:
        if self._functions:
            self._mode = _FunctionWatch(self._functions)
            self._mode.__enter__()  # type: ignore[no-untyped-call]  # torch has no types here
        if self._modules:
            self._hook = register_module_forward_pre_hook(self._on_module)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._mode is not None:
            self._mode.__exit__(kind, error, tb)  # type: ignore[no-untyped-call]
        if self._hook is not None:
            self._hook.remove()

    def _on_module(self, module: Module, _: Any) -> None:
        for kind, name in self._modules.items():
            if isinstance(module, kind):
                raise ForbiddenShortcut(name)


class _FunctionWatch(TorchFunctionMode):
    def __init__(self, functions: dict[Any, str]) -> None:
        super().__init__()
        self._functions = functions

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = self._functions.get(function)
        if name is not None:
            raise ForbiddenShortcut(name)
        return function(*args, **(kwargs or {}))
