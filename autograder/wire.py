"""What crosses the line between the grader and the locked process: JSON and safetensors, nothing else.

A frame is two lengths, a JSON message and the tensors that it refers to:

    uint32 length of JSON | uint32 length of safetensors | JSON | safetensors

Nothing is ever unpickled. Whoever reads caps the sizes first, validates the JSON against the message types below, and
gets `WireError` for everything else: the other side may be hostile. What a frame becomes in memory stays in proportion
to it. JSON grows most, empty lists to thirty times their text: so it may be a small part of a frame only, with few
brackets; and a tensor may stand in one place only, so that nobody copies it a thousand times.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import struct
import time
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import torch
from torch import Tensor

from autograder.cell import Cell
from autograder.errors import WireError
from autograder.tensors import DTYPES, pack, unpack

LENGTHS = struct.Struct(">II")
_MAX_DEPTH = 12
_LOOK_SECONDS = 0.1
_MIB = 1024 * 1024
_AT_ONCE = 64 * 1024
"""Bytes: so much is read where less is needed, as the next message often lies there already."""
_LONGEST_TEXT, _SHARE_OF_TEXT = _MIB, 8
"""JSON from a hostile side: so many bytes, and one in so many of the largest frame."""
_MOST_BRACKETS = 30_000
PROP = "a prop: "
"""How the target of a call begins that asks for a prop; no function can be called so."""
SUSPECT = "the solution under test"
"""The target of a call that asks for the results of a suspect."""
Text = Annotated[str, msgspec.Meta(max_length=2000)]
"""What is shown to people."""


# ---- values that are not plain data -------------------------------------------------------------------------------


class Handle(msgspec.Struct, frozen=True):
    """An object that stays inside, such as a layer: calls refer to it by number."""

    number: int
    kind: str = "object"
    """The name of its type, for messages."""


class Foreign(msgspec.Struct, frozen=True):
    """A returned object of a type that does not cross the line; only the name of its type does."""

    kind: str


class FreshAxes(msgspec.Struct, frozen=True):
    """An argument that stands for a new matplotlib Axes, made inside."""


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """An argument that stands for a solution, right or wrong, which a student's own test has to judge.

    Inside it is a function that asks here for its results, so that neither its code nor its name is there to be read.
    """

    parameters: list[str]
    answer: Any = None
    """Answers its calls, which may be hostile; it stays on this side of the wire."""
    nearby: Any = None
    """Answers the calls of code in this very process, which nobody has to be guarded from. It stays here as well."""
    says: str = ""
    """What it is, for messages: what is wrong with it, or why a right one might look wrong. It stays here as well."""


class Own(msgspec.Struct, frozen=True):
    """An argument that stands for a function of the student's own, by its name."""

    name: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What can be seen on a matplotlib Axes."""

    image: Tensor | None
    """Numbers of the first image, or None when there is none."""
    limits: tuple[float, float] | None
    """Smallest and largest number of the image's colour scale."""
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    in_given_axes: bool
    """Whether it was drawn into the Axes that was passed as an argument."""
    shown: bool
    """Whether `plt.show` was called."""


# ---- messages -----------------------------------------------------------------------------------------------------


class Message(msgspec.Struct, tag_field="type", frozen=True, kw_only=True):
    """Base of all messages."""


class Load(Message, tag="load", frozen=True, kw_only=True):
    """To the inside: run these cells."""

    cells: list[Cell]
    stand_ins: dict[str, list[str]] = {}
    """Functions to be replaced by calls back to the reference once the cells have run, and their parameters."""
    forbidden: list[str] = []
    """Dotted names of shortcuts, such as "torch.softmax"."""


class CellStarted(Message, tag="cell_started", frozen=True, kw_only=True):
    """To the outside: cell `index` is about to run, so that it can be named if nothing is heard any more."""

    index: int


class Loaded(Message, tag="loaded", frozen=True, kw_only=True):
    """To the outside: all cells were run; `errors` maps the index of a cell to what it raised."""

    errors: dict[int, Raised] = {}
    defined: list[str] = []
    """Names of the functions and classes that the cells defined."""


class Call(Message, tag="call", frozen=True, kw_only=True):
    """Call a function or class by name, or a method of an object by its handle."""

    number: int = 0
    """Which call it is; its answer says so too, so that no other answer is taken for it."""
    target: str | int
    method: str = "__call__"
    args: Any = ()
    kwargs: Any = {}
    want: str = "value"
    """"value"; "gradients" of the sum of result * toward; "aftermath": arguments and world after the call; or
    "attribute": what `method` names is not called but returned."""
    toward: Any = None


class Value(Message, tag="value", frozen=True, kw_only=True):
    """The answer to a call."""

    to: int = 0
    value: Any


class Raised(Message, tag="raised", frozen=True, kw_only=True):
    """A call that raised."""

    to: int = 0
    kind: Text
    message: Text = ""
    where: Text = ""


class Missing(Message, tag="missing", frozen=True, kw_only=True):
    """A call of something that the notebook does not define."""

    to: int = 0
    name: Text


class Forbidden(Message, tag="forbidden", frozen=True, kw_only=True):
    """A call that took a forbidden shortcut."""

    to: int = 0
    name: Text


Answer = Value | Raised | Missing | Forbidden
_decoder = msgspec.json.Decoder(Load | CellStarted | Loaded | Call | Answer)
_encoder = msgspec.json.Encoder()


# ---- values to trees and back -------------------------------------------------------------------------------------


def _to_tree(value: Any, tensors: list[Tensor], depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise WireError(f"value nested deeper than {_MAX_DEPTH} levels")
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$": "float", "v": repr(value)}
    if isinstance(value, Tensor):
        tensors.append(value)
        return {"$": "tensor", "v": len(tensors) - 1}
    if isinstance(value, (list, tuple)):
        return {"$": type(value).__name__, "v": [_to_tree(v, tensors, depth + 1) for v in value]}
    if isinstance(value, dict):
        return {"$": "dict", "v": [[str(k), _to_tree(v, tensors, depth + 1)] for k, v in value.items()]}
    if isinstance(value, torch.dtype) and value in DTYPES.values():
        return {"$": "dtype", "v": str(value).removeprefix("torch.")}
    if isinstance(value, Handle):
        return {"$": "handle", "v": [value.number, value.kind]}
    if isinstance(value, Foreign):
        return {"$": "foreign", "v": value.kind}
    if isinstance(value, FreshAxes):
        return {"$": "axes", "v": None}
    if isinstance(value, Suspect):
        return {"$": "suspect", "v": value.parameters}
    if isinstance(value, Own):
        return {"$": "own", "v": value.name}
    if isinstance(value, Picture):
        return {"$": "picture", "v": [_to_tree(v, tensors, depth + 1) for v in msgspec.structs.astuple(value)]}
    return {"$": "foreign", "v": type(value).__name__}


def _from_tree(tree: Any, tensors: dict[str, Tensor], depth: int = 0) -> Any:
    """Turn a tree into a value; the tensors that it takes are taken out of `tensors`."""
    if depth > _MAX_DEPTH:
        raise WireError(f"value nested deeper than {_MAX_DEPTH} levels")
    if not isinstance(tree, dict):
        if isinstance(tree, list):
            raise WireError("a bare list is not a value")
        return tree
    kind, v = tree.get("$"), tree.get("v")
    if kind == "float" and v in ("nan", "inf", "-inf"):
        return float(v)
    if kind == "tensor" and type(v) is int and (tensor := tensors.pop(str(v), None)) is not None:
        return tensor
    if kind in ("list", "tuple") and isinstance(v, list):
        items = [_from_tree(item, tensors, depth + 1) for item in v]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {key: _from_tree(item, tensors, depth + 1) for key, item in msgspec.convert(v, list[tuple[str, Any]])}
    if kind == "dtype" and v in DTYPES:
        return DTYPES[v]
    if kind == "handle":
        number, name = msgspec.convert(v, tuple[int, str])
        if 0 <= number < 2**31:
            return Handle(number, name[:80])
    if kind == "foreign" and isinstance(v, str):
        return Foreign(v[:80])
    if kind == "axes":
        return FreshAxes()
    if kind == "suspect":
        return Suspect(parameters=msgspec.convert(v, list[str]))
    if kind == "own" and isinstance(v, str):
        return Own(v[:80])
    if kind == "picture" and isinstance(v, list):
        return _picture([_from_tree(item, tensors, depth + 1) for item in v])
    raise WireError("a value of a kind that the wire does not know")


def _picture(fields: list[Any]) -> Picture:
    """Build a Picture from fields that may be anything."""
    try:
        raw = dict(zip(Picture.__struct_fields__, fields, strict=True))
        image = raw.pop("image")
        if image is not None and not isinstance(image, Tensor):
            raise WireError("the image of a picture is not a tensor")
        shell = msgspec.convert({**raw, "image": None}, _PictureShell)
    except (ValueError, TypeError) as error:  # msgspec's ValidationError is a ValueError
        raise WireError(f"not a picture: {error}") from None
    return Picture(image=image, **msgspec.structs.asdict(shell))


class _PictureShell(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a Picture that are plain data."""

    limits: tuple[float, float] | None
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    in_given_axes: bool
    shown: bool


def _tree_fields(message: Message) -> tuple[str, ...]:
    """Return the names of the fields that hold values."""
    if isinstance(message, Call):
        return ("args", "kwargs", "toward")
    return ("value",) if isinstance(message, Value) else ()


def encode(message: Message) -> bytes:
    """Return the frame of a message.

    Raises:
        WireError: when it holds what cannot be sent.
    """
    tensors: list[Tensor] = []
    fields = {f: _to_tree(getattr(message, f), tensors) for f in _tree_fields(message)}
    if fields:
        message = msgspec.structs.replace(message, **fields)
    try:
        text = _encoder.encode(message)
    except (ValueError, TypeError, OverflowError) as error:  # half a character, a number that is too long
        raise WireError(f"a value that cannot be sent: {str(error)[:200]}") from None
    payload = pack(tensors)
    return LENGTHS.pack(len(text), len(payload)) + text + payload


def decode(text: bytes, payload: bytes) -> Any:
    """Return the message in a frame.

    Raises:
        WireError: when it is not exactly one.
    """
    try:
        message = _decoder.decode(text)
        tensors = unpack(payload)
        fields = {f: _from_tree(getattr(message, f), tensors) for f in _tree_fields(message)}
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise WireError(f"not a message: {str(error)[:200]}") from None
    return msgspec.structs.replace(message, **fields) if fields else message


# ---- the channel --------------------------------------------------------------------------------------------------


class Channel:
    """Sends and receives frames over a file descriptor, with plain `read` and `write`.

    Args:
        fd: one end of a socket pair
        limit_mib: largest frame that is accepted from the other side
    """

    def __init__(self, fd: int, limit_mib: int) -> None:
        self.fd = fd
        self._limit = limit_mib * _MIB
        self._longest_text = min(_LONGEST_TEXT, self._limit // _SHARE_OF_TEXT)
        self._ahead = bytearray()
        self.meanwhile: Callable[[], None] = lambda: None
        """Called ten times a second while waiting with a deadline; what it raises ends the waiting."""

    def send(self, message: Message, deadline: float | None = None) -> None:
        """Send one message.

        Raises:
            TimeoutError: when the other side does not take it before `deadline` (of `time.monotonic`).
            BrokenPipeError: when the other side is gone.
        """
        data = memoryview(encode(message))
        os.set_blocking(self.fd, deadline is None)
        while data:
            if deadline is not None:
                self._wait(select.POLLOUT, deadline)
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self.fd, data) :]

    def receive(self, deadline: float | None = None, *, trusted: bool = False) -> Any:
        """Receive one message.

        Args:
            deadline: of `time.monotonic`
            trusted: the other side is the grader, whose messages are as large as they have to be

        Raises:
            EOFError: when the other side is gone, in the middle of a frame or before it.
            TimeoutError: when the frame is not complete at `deadline`.
            WireError: when it is too large or no message.
        """
        lengths = LENGTHS.unpack(self._read(LENGTHS.size, deadline))
        if sum(lengths) > self._limit:
            raise WireError(f"a message of {sum(lengths) // _MIB} MiB, the limit is {self._limit // _MIB} MiB")
        if lengths[0] > self._longest_text and not trusted:
            raise WireError(f"a text of {lengths[0] // 1024} KiB, the limit is {self._longest_text // 1024} KiB")
        text, payload = (self._read(length, deadline) for length in lengths)
        if text.count(b"[") + text.count(b"{") > _MOST_BRACKETS and not trusted:
            raise WireError(f"lists or dictionaries beyond number, the limit is {_MOST_BRACKETS}")
        return decode(text, payload)

    def _read(self, count: int, deadline: float | None) -> bytes:
        """Return the next bytes; all that is there is fetched, so that a small frame takes one look and one read."""
        while len(self._ahead) < count:
            if deadline is not None:
                self._wait(select.POLLIN, deadline)
            try:
                data = os.read(self.fd, max(_AT_ONCE, min(count - len(self._ahead), _MIB)))
            except BlockingIOError:  # woken for nothing
                continue
            if not data:
                raise EOFError("the other side is gone")
            self._ahead += data
        found, self._ahead = bytes(self._ahead[:count]), self._ahead[count:]
        return found

    def _wait(self, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(self.fd, event)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:  # even when there is something to read: what never stops coming must not extend the time
                raise TimeoutError
            if poll.poll(min(_LOOK_SECONDS, left) * 1000):
                return
            self.meanwhile()
