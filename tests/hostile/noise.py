"""What a hostile child may say, from plain noise to what is nearly an answer: strategies for hypothesis and atheris."""

from __future__ import annotations

import json
import struct
from typing import Any

import torch
from hypothesis import strategies as some
from puppet import frame
from safetensors.torch import save

from autograder.wire import Call, Foreign, FreshAxes, Handle, Loaded, Picture, Raised, Value, encode

# ---- values that can be sent --------------------------------------------------------------------------------------

_WIDE = [0, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**4000]
_scalars = (
    some.none() | some.booleans() | some.sampled_from(_WIDE) | some.integers() | some.floats() | some.text(max_size=5)
)
_DTYPES = [
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.bool),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8),
]
tensors = some.builds(
    lambda fill, shape, dtype: torch.full(shape, fill).to(dtype),
    some.sampled_from([0.0, 1.0, -2.5, float("nan"), float("inf"), 1e30]),
    some.lists(some.sampled_from([0, 1, 2, 3, 5]), max_size=4) | some.sampled_from([[1] * 64, [2**24, 0], [5000]]),
    some.sampled_from(_DTYPES),
)
_pictures = some.builds(
    Picture,
    image=some.none() | tensors,
    limits=some.none() | some.tuples(some.floats(), some.floats()),
    x_labels=some.lists(some.text(max_size=3), max_size=2).map(tuple),
    y_labels=some.just(()),
    in_given_axes=some.booleans(),
    shown=some.booleans(),
)
_odd = some.sampled_from([Handle(0), Handle(2**31 - 1), Foreign("set"), FreshAxes(), torch.float32]) | _pictures
values = some.recursive(
    _scalars | tensors | tensors | _odd,
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.lists(inner, max_size=4).map(tuple)
        | some.dictionaries(some.text(max_size=3) | some.sampled_from(["$", "v", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)
"""What the wire carries, as it comes to a check."""

_answers = some.builds(Value, to=some.sampled_from([0, 0, 0, 1, -1]), value=values)
questions = some.builds(
    Call,
    target=some.sampled_from(["double", "double", "double", "secret", 0]),
    args=some.lists(tensors | values, max_size=2).map(tuple) | values,
    kwargs=some.dictionaries(some.sampled_from(["x", "out", "self"]), values, max_size=1) | values,
    want=some.sampled_from(["value", "gradients", "gradients", "aftermath", "__class__"]),
    toward=some.none() | tensors | values,
)
"""Calls of the reference, of which few make sense."""

_others = some.builds(Raised, kind=some.text(max_size=3), to=some.integers(-1, 1)) | some.builds(
    Loaded, errors=some.dictionaries(some.integers(), some.builds(Raised, kind=some.just("E")), max_size=2)
)
sound = (_answers | _answers | questions | questions | _others).map(encode)
"""Frames that can be read."""

# ---- values that cannot be sent -----------------------------------------------------------------------------------

_json = some.recursive(
    some.none() | some.booleans() | some.integers(-1, 3) | some.sampled_from([*_WIDE, 1e308, "", "nan", "bool", "0"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["$", "v", "to"]), inner),
    max_leaves=5,
)
_KINDS = ["float", "tensor", "list", "tuple", "dict", "dtype", "handle", "foreign", "axes", "picture", "code"]
_trees = some.recursive(
    _json | some.builds(lambda n: {"$": "tensor", "v": n}, some.integers(-1, 3)),
    lambda inner: some.fixed_dictionaries(
        {"$": some.sampled_from(_KINDS), "v": inner | some.lists(inner | some.tuples(_json, inner), max_size=6)}
    ),
    max_leaves=8,
)
_messages = some.fixed_dictionaries(
    {"type": some.sampled_from(["value", "value", "call", "load", "loaded", "raised", "forbidden", "cell_started"])},
    optional={
        **dict.fromkeys(("value", "args", "kwargs", "toward"), _trees),
        **dict.fromkeys(("cells", "errors", "stand_ins", "defined", "to", "number", "index", "kind", "name"), _json),
        "target": some.just("double") | _json,
        "want": some.just("gradients") | _json,
    },
)

_lengths = some.integers(0, 4) | some.sampled_from([2**24, 2**31, 2**40, 2**62, 2**63, 2**64 - 1, -1])
_entries = some.fixed_dictionaries(
    {
        "dtype": some.sampled_from(["F32", "F32", "BOOL", "BF16", "C64", "F4", "F8_E5M2", "U64", "X"]),
        "shape": some.lists(_lengths, max_size=4) | some.just([1] * 100),
        "data_offsets": some.lists(some.sampled_from([0, 4, 8, 16]) | _lengths, min_size=2, max_size=2),
    }
)
_headers = some.dictionaries(some.sampled_from(["0", "1", "-1", "__metadata__"]), _entries | _json, max_size=3)


def _payload(header: Any, length: int | None, padding: bytes, data: bytes) -> bytes:
    text = json.dumps(header).encode() + padding
    return struct.pack("<Q", len(text) if length is None else length) + text + data


_payloads = (
    some.sampled_from([b"", save({str(i): torch.ones(i) for i in range(3)})])
    | some.builds(
        _payload,
        _headers,
        some.none() | some.sampled_from([0, 1, 2**31, 2**63, 2**64 - 1]),
        some.sampled_from([b"", b" " * 7, b"\0"]),
        some.binary(max_size=32),
    )
    | some.binary(max_size=32)
)
_texts = _messages.map(lambda message: json.dumps(message).encode())
unsound = some.builds(frame, _texts | some.binary(max_size=32), _payloads)
"""Frames of which hardly one can be read, though their lengths are right."""

_SAMPLE = encode(Value(value={"a": [torch.ones(2, 3), 1.5, "x"]}))
damaged = some.builds(
    lambda place, noise, longer: _SAMPLE[:place] + noise + _SAMPLE[place if longer else place + len(noise) :],
    some.integers(8, len(_SAMPLE)),
    some.binary(max_size=8),
    some.booleans(),
)
"""One good frame with some bytes changed, put in or left out."""

_lies = some.builds(
    lambda text, payload, rest: struct.pack(">II", text, payload) + rest,
    some.integers(0, 64) | some.sampled_from([2**19, 2**22, 2**32 - 1]),
    some.integers(0, 64) | some.sampled_from([2**19, 2**22, 2**32 - 1]),
    some.binary(max_size=64),
)
_frames = sound | sound | unsound | damaged | _lies | some.binary(max_size=64)
_several = some.lists(_frames, min_size=1, max_size=4).map(b"".join)
streams = _several | some.builds(lambda data, end: data[: -1 - end], _several, some.integers(0, 40))
"""All that a child writes: frames, lies about lengths, noise; whole or cut short."""
