"""Watches for shortcuts that an exercise forbids, such as `torch.softmax` where softmax is what is to be written.

Three nets, because torch can be entered at three heights: a function mode sees torch's Python functions, whatever they
were imported as; a hook sees modules; a dispatch mode sees the operators below all of them, and so also
`torch.ops.aten._softmax` and `torch._C`. Mentioning a shortcut in a comment does nothing.

Modes are a thread's own, so threads that begin during a call get them too; and what was taken is written down, so that
code which catches the exception has gained nothing.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from torch.nn import Module
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_OPERATORS_BELOW = {
    "softmax": ("_softmax", "_safe_softmax", "_masked_softmax"),
    "log_softmax": ("_log_softmax",),
    "scaled_dot_product_attention": (
        "_scaled_dot_product",
        "_safe_softmax",
        "_efficient_attention",
        "_flash_attention",
    ),
    "layer_norm": ("native_layer_norm",),
    "LayerNorm": ("native_layer_norm",),
    "group_norm": ("native_group_norm",),
    "batch_norm": ("native_batch_norm", "_native_batch_norm"),
    "gelu": ("gelu",),
    "GELU": ("gelu",),
    "MultiheadAttention": ("_native_multi_head_attention", "_transform_bias_rescale_qkv"),
}
"""For the last part of a dotted name, how the names of the operators begin that it ends in."""


class ForbiddenShortcut(BaseException):
    """A forbidden shortcut was taken. Not an Exception, so that `except Exception` does not hide it."""


@cache
def resolve(dotted: str) -> Any:
    """Return the object that a dotted name such as "torch.nn.functional.softmax" stands for.

    Raises:
        LookupError: when there is none.
    """
    package, *parts = dotted.split(".")
    try:
        found: Any = import_module(package)
        for part in parts:
            found = getattr(found, part)
    except (ImportError, AttributeError):
        raise LookupError(f"there is no {dotted}") from None
    if not callable(found):
        raise LookupError(f"{dotted} is no function or class")
    return found


class Watch:
    """While it is entered, taking one of the forbidden shortcuts raises ForbiddenShortcut.

    `taken` is the name of the first that was taken since it was entered, in whatever thread, or "".
    """

    def __init__(self, forbidden: list[str]) -> None:
        resolved = {name: resolve(name) for name in forbidden}
        self._functions = {f: n for n, f in resolved.items() if not isinstance(f, type)}
        self._modules = {m: n for n, m in resolved.items() if isinstance(m, type)}
        self._operators = {
            beginning: name for name in forbidden for beginning in _OPERATORS_BELOW.get(name.rpartition(".")[2], ())
        }
        self._stack = ExitStack()
        self._entered = False
        self.taken = ""

    def __enter__(self) -> Self:
        self._entered, self.taken = True, ""
        if self._modules:
            self._stack.callback(register_module_forward_pre_hook(self._on_module).remove)
        self._stack.enter_context(self.new_threads())
        self._watch_thread(self._stack)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._entered = False
        self._stack.close()

    @contextmanager
    def new_threads(self) -> Iterator[None]:
        """Have threads that begin meanwhile watched, too, whenever the watch is entered, now or later."""
        if self._functions or self._operators:
            with _every_new_thread(self._watch_thread):
                yield
        else:
            yield

    def _watch_thread(self, stack: ExitStack) -> None:
        """Watch the thread that runs this, until the stack is closed."""
        if self._functions:
            stack.enter_context(_FunctionWatch(self._functions, self._refuse))
        if self._operators:
            stack.enter_context(_OperatorWatch(self._operators, self._refuse))

    def _on_module(self, module: Module, _: Any) -> None:
        for kind, name in self._modules.items():
            if isinstance(module, kind):
                self._refuse(name)

    def _refuse(self, name: str) -> None:
        if self._entered:
            self.taken = self.taken or name
            raise ForbiddenShortcut(name)


@contextmanager
def _every_new_thread(prepare: Callable[[ExitStack], None]) -> Iterator[None]:
    """Have each thread that begins meanwhile call `prepare` first, in itself."""
    original = _thread.start_new_thread

    def start(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> int:
        def prepared() -> None:
            with ExitStack() as stack:
                prepare(stack)
                function(*args, **(kwargs or {}))

        return original(prepared, ())

    threading._start_new_thread = _thread.start_new_thread = start  # type: ignore[attr-defined]  # Python's own
    try:
        yield
    finally:
        threading._start_new_thread = _thread.start_new_thread = original  # type: ignore[attr-defined]  # as above


class _FunctionWatch(TorchFunctionMode):
    def __init__(self, functions: dict[Any, str], refuse: Callable[[str], None]) -> None:
        super().__init__()
        self._functions, self._refuse = functions, refuse

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = self._functions.get(function)
        if name is not None:
            self._refuse(name)
        return function(*args, **kwargs) if kwargs else function(*args)


class EagerDispatchMode(TorchDispatchMode):
    """A dispatch mode that does not first load torch's compiler, which takes more than a second."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch's own way to say it, see its TorchDispatchMode


class _OperatorWatch(EagerDispatchMode):
    def __init__(self, beginnings: dict[str, str], refuse: Callable[[str], None]) -> None:
        super().__init__()
        self._shortcuts, self._refuse = _ShortcutsByOperator(beginnings), refuse

    def __torch_dispatch__(self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        # This runs for every operator of a call, thousands of times: no more than a look into a dictionary.
        name = self._shortcuts[operator.__name__]
        if name is not None:
            self._refuse(name)
        return operator(*args, **kwargs) if kwargs else operator(*args)


class _ShortcutsByOperator(dict[str, "str | None"]):
    """The shortcut that an operator belongs to, or None; worked out when an operator is first met."""

    def __init__(self, beginnings: dict[str, str]) -> None:
        super().__init__()
        self._beginnings = beginnings

    def __missing__(self, operator: str) -> str | None:
        self[operator] = next((n for begins, n in self._beginnings.items() if operator.startswith(begins)), None)
        return self[operator]
