"""Stand-ins: functions that ask the reference outside, in the place of an earlier exercise that failed.

So a mistake is paid for once: a later exercise is judged as if the earlier one had been right. Only numbers come in,
the code of the reference stays outside. Gradients flow through, because the reference is asked for them as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.wire import Call, Message, Raised, Value

Ask = Callable[[Call], Message]


def stand_in(name: str, parameters: list[str], ask: Ask) -> Callable[..., Any]:
    """Return a function that answers like the reference's `name`, whose parameters are called `parameters`."""

    def function(*args: Any, **kwargs: Any) -> Any:
        # Gradients are asked for by position, so what was passed by name is put where it belongs.
        for parameter in parameters[len(args) :]:
            if parameter not in kwargs:
                break
            args += (kwargs.pop(parameter),)
        tensors = tuple(a for a in args if isinstance(a, Tensor))
        results = _Remote.apply(ask, name, args, kwargs, *tensors)  # type: ignore[no-untyped-call]  # torch's
        return results[0] if len(results) == 1 else results

    function.__name__ = name
    return function


class _Remote(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ask: Ask, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *tensors: Tensor) -> Any:
        ctx.ask, ctx.call = ask, Call(target=name, args=_detached(args), kwargs=_detached(kwargs))
        results = _answer(ask, ctx.call)
        return results if isinstance(results, tuple) else (results,)

    @staticmethod
    def backward(ctx: Any, *towards: Tensor) -> Any:
        call = Call(
            target=ctx.call.target, args=ctx.call.args, kwargs=ctx.call.kwargs, want="gradients", toward=towards
        )
        _, by_argument, _ = _answer(ctx.ask, call)
        of_tensors = [g for g, a in zip(by_argument, ctx.call.args, strict=True) if isinstance(a, Tensor)]
        return (None, None, None, None, *of_tensors)


def _answer(ask: Ask, call: Call) -> Any:
    reply = ask(call)
    if isinstance(reply, Value):
        return reply.value
    if isinstance(reply, Raised) and reply.kind == "ValueError":
        raise ValueError(reply.message)
    raise RuntimeError(f"{call.target} cannot be called like this: {getattr(reply, 'message', '')}")


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, tuple):
        return tuple(_detached(item) for item in value)
    if isinstance(value, dict):
        return {key: _detached(item) for key, item in value.items()}
    return value
