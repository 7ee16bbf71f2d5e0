"""Answers calls: runs a function of the student's, and makes of whatever it returns something that can be compared.

The same executor answers in the locked process, in a notebook's own process for the self-check, and for the reference
and the known mistakes, so that all of them are asked in exactly the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.errors import OutOfTime
from autograder.inside import plots
from autograder.inside.frames import own_line
from autograder.inside.props import PROPS
from autograder.inside.shortcuts import Watch
from autograder.inside.stand_ins import Ask, stand_in
from autograder.wire import (
    PROP,
    SUSPECT,
    Call,
    Forbidden,
    Foreign,
    FreshAxes,
    Handle,
    Message,
    Missing,
    Own,
    Raised,
    Suspect,
    Value,
)

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_LONGEST_TEXT = 2000


class Executor:
    """Calls into one namespace and keeps the objects that stay inside.

    Args:
        namespace: where functions and classes are looked up, by name
        forbidden: dotted names of shortcuts that must not be taken

    `ask`, when it is set, carries questions to suspects out of this process.
    """

    def __init__(self, namespace: dict[str, Any], forbidden: list[str] | None = None) -> None:
        self.namespace = namespace
        self.watch = Watch(forbidden or [])
        self.ask: Ask | None = None
        self._kept: list[Any] = []

    def answer(self, call: Call) -> Message:
        """Run one call and return its answer: a Value, what it Raised, or that it was Forbidden."""
        try:
            target = self._find(call.target)
        except LookupError:
            return Missing(name=plain_text(str(call.target)))
        try:
            with self.watch, plots.off_stage(), torch.enable_grad():
                if not isinstance(call.target, str):
                    target = getattr(target, call.method)
                answer: Message = Value(value=_WAYS[call.want](self, target, call))
        except OutOfTime:
            raise
        except BaseException as error:  # also what is no Exception is the student's to read about
            answer = describe(error)
        return Forbidden(name=self.watch.taken) if self.watch.taken else answer

    def _find(self, target: str | int) -> Any:
        """Return the function or class of a name, a prop, or what stays here under a number."""
        if isinstance(target, int):
            return self._kept[target]
        prop = target.removeprefix(PROP)
        return self.namespace[target] if prop == target else PROPS[prop]

    def _own(self, name: str) -> Any:
        """Return a function of the notebook's own, which it gets as an argument."""
        try:
            return self._find(name)
        except LookupError:
            raise NameError(f"name {name!r} is not defined") from None

    def _value(self, target: Callable[..., Any], call: Call) -> Any:
        args, kwargs = self._inward((call.args, call.kwargs))
        return self._outward(target(*args, **kwargs), args)

    def _attribute(self, target: Any, call: Call) -> Any:
        return self._outward(target)

    def _aftermath(self, target: Callable[..., Any], call: Call) -> Any:
        args, kwargs = self._inward((call.args, call.kwargs))
        with torch.random.fork_rng(devices=[]):
            torch.rand(1)  # whoever seeds in every call must not find the state as they left it
            before = torch.get_rng_state()
            target(*args, **kwargs)
            kept = torch.equal(before, torch.get_rng_state())
        return [self._outward(list(args)), kept]

    def _gradients(self, target: Callable[..., Any], call: Call) -> Any:
        """Differentiate the sum of result * toward; returns the result, its gradients by argument and by parameter."""
        args, kwargs = self._inward((call.args, call.kwargs))
        leaves = [a.requires_grad_() if isinstance(a, Tensor) and a.is_floating_point() else None for a in args]
        module = getattr(target, "__self__", target)
        named = dict(module.named_parameters()) if isinstance(module, nn.Module) else {}
        result = target(*args, **kwargs)
        outputs = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        towards = call.toward if isinstance(call.toward, tuple) else (call.toward,) + (None,) * (len(outputs) - 1)
        weighed = []
        for index, (output, toward) in enumerate(zip(outputs, towards, strict=False)):
            if toward is not None or index == 0:
                if not isinstance(output, Tensor):
                    return [self._outward(result), [], {}]
                weighed.append((output if toward is None else output * toward).sum())
        wanted = [leaf for leaf in leaves if leaf is not None] + list(named.values())
        total = torch.stack([w.sum() for w in weighed]).sum()
        # A result that is cut off from its inputs has no gradient at all, which is an answer and not an error.
        cut_off: tuple[Tensor | None, ...] = (None,) * len(wanted)
        found = iter(torch.autograd.grad(total, wanted, allow_unused=True) if total.requires_grad else cut_off)
        by_argument = [None if leaf is None else next(found) for leaf in leaves]
        return [self._outward(result), by_argument, dict(zip(named, found, strict=True))]

    def _inward(self, value: Any) -> Any:
        """Copy what was passed, so that a call cannot change the caller's tensors."""
        if isinstance(value, Tensor):
            return value.detach().clone()
        if isinstance(value, (list, tuple)):
            return type(value)(self._inward(item) for item in value)
        if isinstance(value, dict):
            return {key: self._inward(item) for key, item in value.items()}
        if isinstance(value, Handle):
            return self._kept[value.number]
        if isinstance(value, FreshAxes):
            return plots.fresh_axes()
        if isinstance(value, Suspect):
            return stand_in(SUSPECT, value.parameters, self.ask or value.nearby)
        if isinstance(value, Own):
            return self._own(value.name)
        return value

    def _outward(self, value: Any, args: tuple[Any, ...] = ()) -> Any:
        """Turn what came back into plain values; everything else becomes a handle or only the name of its type."""
        if type(value) in (Tensor, nn.Parameter):
            return value.detach().clone()
        if value is None or type(value) in (bool, int, float, str):
            return plain_text(value) if isinstance(value, str) else value
        if isinstance(value, (list, tuple)):
            items = [self._outward(item, args) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, dict):
            return {plain_text(str(key)): self._outward(item, args) for key, item in value.items()}
        if isinstance(value, torch.dtype):
            return value
        if isinstance(value, (nn.Module, torch.Generator)) or self._is_of_own_class(value):
            self._kept.append(value)
            return Handle(len(self._kept) - 1, plain_text(type(value).__name__))
        return plots.describe_axes(value, args) or Foreign(plain_text(type(value).__name__))

    def _is_of_own_class(self, value: Any) -> bool:
        """Say whether its class was written in the notebook."""
        return type(value).__module__ == self.namespace.get("__name__")


_WAYS: dict[str, Callable[[Executor, Callable[..., Any], Call], Any]] = {
    "value": Executor._value,
    "attribute": Executor._attribute,
    "aftermath": Executor._aftermath,
    "gradients": Executor._gradients,
}


def describe(error: BaseException) -> Raised:
    """Say what was raised, and at which of the student's own lines; the same in every run."""
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:  # an exception whose own text raises is still an exception
        message = ""
    message = plain_text(_ADDRESS.sub("0x...", message))
    return Raised(kind=plain_text(type(error).__name__), message=message, where=plain_text(own_line(error)))


def plain_text(text: str) -> str:
    """Return text that can be put on the wire: not too long, and without halves of characters."""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
