"""`student`: what a check sees of a notebook, wherever the notebook's code runs.

    student.softmax(x, dim=0)                       a call
    student.softmax.gradients(x, toward=w)          the gradients of (result * w).sum()
    student.softmax.aftermath(x)                    what the call did to its arguments and to the random state
    layer = student.SelfAttention(7, 5)             an object that stays there
    layer.load_state_dict(weights); layer(x)        calls of its methods
    layer.attribute("training")                     what it knows about itself
    model = student.props.TableModel(table, 5)      something of ours beside it, see inside/props.py
    student.test_softmax(student.softmax)           a function of theirs, handed to another one

Every call is written down in a transcript. Replaying it against a known mistake tells whether that is the student's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from torch import Tensor

from autograder.course import Exercise
from autograder.errors import CheckFailed, StudentFailure
from autograder.failures import failure
from autograder.inside.executor import Executor
from autograder.wire import PROP, Call, Foreign, Handle, Own, Value

Ask = Callable[[Call], Any]


class Step(msgspec.Struct, frozen=True):
    """One call and what came of it."""

    call: Call
    outcome: Any
    """The value, or the StudentFailure that was raised instead."""


class Gradients(msgspec.Struct, frozen=True):
    """Gradients of a call."""

    arguments: list[Tensor | None]
    """One for each positional argument; None where no gradient arrives."""
    parameters: dict[str, Tensor | None]
    """By name, for the parameters of a layer."""


class Aftermath(msgspec.Struct, frozen=True):
    """What a call left behind."""

    arguments: list[Any]
    """The positional arguments as they were after the call."""
    random_state_kept: bool
    """Whether torch's global generator is where it was."""


class Student:
    """A notebook seen through calls.

    Args:
        ask: makes a call; returns its value or raises a StudentFailure
        exercises: say what each function returns
    """

    def __init__(self, ask: Ask, exercises: list[Exercise]) -> None:
        self._ask = ask
        self._returns = {e.id: e.returns for e in exercises}
        self.transcript: list[Step] = []

    def __getattr__(self, name: str) -> Callee:
        if name.startswith("_"):
            raise AttributeError(name)
        return Callee(self, name, returns=self._returns.get(name, []))

    @property
    def props(self) -> Props:
        """What a check may need beside the student's own work."""
        return Props(self)

    def _call(self, call: Call) -> Any:
        try:
            value = self._ask(call)
        except StudentFailure as error:
            self.transcript.append(Step(call, error))
            raise
        self.transcript.append(Step(call, value))
        return value


class Props:
    """The things in `inside/props.py`, made where the student's are."""

    def __init__(self, student: Student) -> None:
        self._student = student

    def __getattr__(self, name: str) -> Callee:
        if name.startswith("_"):
            raise AttributeError(name)
        return Callee(self._student, PROP + name, returns=[])


class Callee:
    """A function of the student's, or a method of an object of theirs."""

    def __init__(self, student: Student, target: str | int, method: str = "__call__", *, returns: list[str]) -> None:
        self._student, self._target, self._method, self._returns = student, target, method, returns

    def _make(self, args: Any, kwargs: Any, want: str, toward: Any = None) -> Any:
        args, kwargs = _by_reference(args), _by_reference(kwargs)
        call = Call(target=self._target, method=self._method, args=args, kwargs=kwargs, want=want, toward=toward)
        return self._student._call(call)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it; returns plain tensors, numbers and texts, or a Layer."""
        value = self._make(args, kwargs, "value")
        if isinstance(value, Handle):
            return Layer(self._student, value, self._returns)
        return self._as_declared(value)

    def gradients(self, *args: Any, toward: Any = None, **kwargs: Any) -> Gradients:
        """Return the gradients of (first result * toward).sum(); a tuple weighs several results."""
        value = self._make(args, kwargs, "gradients", toward)
        match value:
            case [result, list() as by_argument, dict() as by_parameter]:
                result = self._as_declared(result)
            case _:
                raise CheckFailed("the gradients could not be taken")
        if not by_argument:
            raise CheckFailed(f"{self._name} must return a tensor, it returned {in_words(result)}")
        return Gradients(by_argument, by_parameter)

    def aftermath(self, *args: Any, **kwargs: Any) -> Aftermath:
        """Call it and return what that did to its arguments and to the random state."""
        value = self._make(args, kwargs, "aftermath")
        match value:
            case [list() as arguments, random_state_kept]:
                return Aftermath(arguments, random_state_kept is True)
        raise CheckFailed("what the call left behind could not be seen")

    def _as_declared(self, value: Any) -> Any:
        """Insist on the number of results that the exercise declares, with a message that says what is missing."""
        if self._method != "__call__" or not self._returns:
            return value
        what = f"must return {' and '.join(self._returns)}"
        if value is None:
            raise CheckFailed(f"{self._name} {what}, it returned None: is a return statement missing?")
        if len(self._returns) > 1 and not (isinstance(value, (tuple, list)) and len(value) == len(self._returns)):
            raise CheckFailed(f"{self._name} {what}, {len(self._returns)} values, it returned {in_words(value)}")
        if len(self._returns) == 1 and isinstance(value, tuple):
            raise CheckFailed(f"{self._name} {what} alone, it returned {in_words(value)}")
        return value

    @property
    def _name(self) -> str:
        return f"`{self._target}`" if isinstance(self._target, str) else "`forward`"


class Layer(Callee):
    """An object of the student's, usually an `nn.Module`; its methods are called by name."""

    def __init__(self, student: Student, handle: Handle, returns: list[str]) -> None:
        super().__init__(student, handle.number, returns=returns)
        self.handle = handle

    def __getattr__(self, name: str) -> Callee:
        if name.startswith("_"):
            raise AttributeError(name)
        return Callee(self._student, self._target, name, returns=[])

    def attribute(self, name: str) -> Any:
        """Return an attribute, which is not called: plain tensors, numbers and texts, or a Layer."""
        return Callee(self._student, self._target, name, returns=[])._make((), {}, "attribute")


def _by_reference(value: Any) -> Any:
    """Put in the place of what is the student's own how it is called where it lives."""
    if isinstance(value, Layer):
        return value.handle
    if isinstance(value, Callee) and isinstance(value._target, str):
        return Own(value._target)
    if isinstance(value, tuple):
        return tuple(_by_reference(item) for item in value)
    if isinstance(value, dict):
        return {key: _by_reference(item) for key, item in value.items()}
    return value


def name_of(callee: Callee) -> str:
    """Return how messages call it, such as `softmax` with its quotes."""
    return callee._name


def live_asker(executor: Executor) -> Ask:
    """Return an `ask` for code in this very process: a notebook's own namespace, the reference, a known mistake."""

    def ask(call: Call) -> Any:
        message = executor.answer(call)
        if isinstance(message, Value):
            return message.value
        raise failure(message)

    return ask


def in_words(value: Any) -> str:
    """Describe a returned value by its kind and shape, never by its numbers."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list)):
        kind = type(value).__name__
        return (
            f"a {kind} of {len(value)}: {', '.join(in_words(item) for item in value[:4])}"
            if value
            else f"an empty {kind}"
        )
    if value is None:
        return "None"
    if isinstance(value, Layer):
        value = value.handle
    if isinstance(value, (Foreign, Handle)):
        return f"an object of type {value.kind}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"
