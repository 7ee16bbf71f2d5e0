"""Answers, outside, the questions of stand-ins: the reference in the place of an earlier exercise that failed.

The questions come out of the locked process, so they are hostile: only the functions that stand in are answered, only
for plain arguments, only with numbers, and only when a rehearsal without numbers shows that the answer stays small.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from autograder.inside.executor import Executor
from autograder.inside.shortcuts import EagerDispatchMode
from autograder.wire import SUSPECT, Call, Message, Raised, Suspect

_LARGEST_ARGUMENT, _LARGEST = 5_000, 1_000_000
"""Elements that an argument may have (or how large an integer may be), and any tensor on the way to the answer; checks
stay far below."""
_DEEPEST = 6
_MOST_FORMS = 1000
"""So many kinds of questions whose answer is small are remembered; a student's code could ask ever new ones."""


@cache
def rehearse() -> None:
    """Ask once, so that what torch loads on first use is not loaded while a student's clock runs.

    It is the better part of a second, for sympy: whoever needs no stand-in need not wait for it.
    """

    def attend(q: Tensor, mask: Tensor) -> Tensor:
        scores = (q @ q.transpose(-2, -1) / 2.0).masked_fill(~mask, -1.0)
        powers = torch.exp(scores - scores.detach().amax(-1, keepdim=True))
        total = powers.sum(-1, keepdim=True)
        return powers / total.masked_fill(total == 0, 1.0) @ q

    q, mask = torch.ones(1, 2, 3), torch.ones(2, 2, dtype=torch.bool)
    for want in ("value", "gradients"):
        _answerer({"attend": attend})(Call(target="attend", args=(q, mask), want=want))


def stand_in_for(reference: dict[str, Any], names: list[str]) -> Callable[[Call], Message]:
    """Return what answers for the functions `names` of the reference."""
    if names:
        rehearse()
    return _answerer({name: reference[name] for name in names})


def _answerer(functions: dict[str, Any]) -> Callable[[Call], Message]:
    executor = Executor(functions)
    found_small: set[Any] = set()

    def answer(call: Call) -> Message:
        if not isinstance(call.target, str) or call.target not in functions or call.want not in ("value", "gradients"):
            return _refused("it stands in for other functions")
        if not _plain((call.args, call.kwargs, call.toward)):
            return _refused("only tensors and numbers can be passed")
        form = (call.target, _form(call.args), _form(call.kwargs))
        if form not in found_small:
            if not _stays_small(functions[call.target], call):
                return _refused(f"more than {_LARGEST} numbers on the way")
            if len(found_small) == _MOST_FORMS:
                found_small.clear()
            found_small.add(form)
        return executor.answer(call)

    return answer


def suspect(function: Callable[..., Any], says: str = "") -> Suspect:
    """Return a solution that a student's own test has to judge: an argument of a call.

    Args:
        function: it takes and returns tensors and numbers
        says: what is wrong with it, or why it might look wrong, for messages
    """
    functions = {SUSPECT: function}
    parameters = list(signature(function).parameters)
    return Suspect(parameters=parameters, answer=_answerer(functions), nearby=Executor(functions).answer, says=says)


def _refused(reason: str) -> Raised:
    return Raised(kind="ValueError", message=f"the reference does not answer this: {reason}")


def _plain(value: Any, depth: int = 0) -> bool:
    if isinstance(value, Tensor):
        return value.numel() <= _LARGEST_ARGUMENT and value.dim() <= _DEEPEST
    if isinstance(value, (tuple, list)):
        return depth < _DEEPEST and all(_plain(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return depth < _DEEPEST and all(_plain(item, depth + 1) for item in value.values())
    if isinstance(value, int):  # a number may become a size, or the rounds of a loop
        return abs(value) <= _LARGEST_ARGUMENT
    return value is None or isinstance(value, float)


def _stays_small(function: Callable[..., Any], call: Call) -> bool:
    """Say whether the call makes no large tensors, by running it on tensors that have shapes and no numbers."""
    try:
        with _SmallTensorsOnly():
            function(*_without_numbers(call.args), **_without_numbers(call.kwargs))
    except _TooLarge:
        return False
    except Exception:
        return True  # then it raises with numbers as well, and that is its answer
    return True


def _form(value: Any) -> Any:
    """Return what the size of an answer depends on: shapes instead of tensors, and all else as it is."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype
    if isinstance(value, (tuple, list)):
        return tuple(_form(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _form(item)) for key, item in value.items())
    return type(value), value


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to("meta")
    if isinstance(value, (tuple, list)):
        return type(value)(_without_numbers(item) for item in value)
    if isinstance(value, dict):
        return {key: _without_numbers(item) for key, item in value.items()}
    return value


class _TooLarge(BaseException):
    """A tensor with too many elements would be made."""


class _SmallTensorsOnly(EagerDispatchMode):
    def __torch_dispatch__(self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        result = operator(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, Tensor) and tensor.numel() > _LARGEST:
                raise _TooLarge
        return result
