"""The wire: what is sent arrives, and nothing that arrives can do more than be refused."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from safetensors.torch import save

from autograder.cell import Cell
from autograder.errors import WireError
from autograder.wire import (
    Call,
    CellStarted,
    Channel,
    Forbidden,
    Foreign,
    FreshAxes,
    Handle,
    Load,
    Loaded,
    Message,
    Own,
    Picture,
    Raised,
    Value,
    decode,
    encode,
)

LENGTHS = struct.Struct(">II")
calmly = settings(derandomize=True, deadline=None, max_examples=100, database=None)


def split(frame: bytes) -> tuple[bytes, bytes]:
    text, payload = LENGTHS.unpack(frame[:8])
    assert len(frame) == 8 + text + payload
    return frame[8 : 8 + text], frame[8 + text :]


def there_and_back(value: Any) -> Any:
    message = decode(*split(encode(Value(value=value))))
    assert isinstance(message, Value)
    return message.value


def receive(data: bytes, limit_mib: int = 1) -> Any:
    """Receive what another side wrote before it went away."""
    ours, theirs = socket.socketpair()

    def write() -> None:
        with contextlib.suppress(OSError):  # the reader had enough
            theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)

    with ours, theirs:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            return Channel(ours.fileno(), limit_mib).receive(time.monotonic() + 5)
        finally:
            ours.shutdown(socket.SHUT_RDWR)  # whatever was not read need not be written any more
            writer.join()


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours.fileno(), 1), theirs


# ---- what is sent arrives -----------------------------------------------------------------------------------------

PLAIN = [
    None,
    True,
    0,
    -(2**63),
    2**70,
    1.5,
    math.inf,
    -math.inf,
    "",
    "ä \0 \U0001f600",
    (),
    [],
    {},
    (1, [2, (3, "x")], {"a": None}),
    torch.float32,
    torch.bool,
    Handle(3, "Cache"),
    Foreign("Axes"),
    FreshAxes(),
    Own("softmax"),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_a_plain_value_arrives_as_it_was(value: Any) -> None:
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)


def test_nan_arrives_as_nan() -> None:
    assert math.isnan(there_and_back(math.nan))


DTYPES = [
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.complex64,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint8,
    torch.bool,
]
SHAPES = [(), (0,), (3,), (2, 3, 5), (2, 0, 3), (1,) * 9]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_tensor_arrives_with_its_shape_and_dtype(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    sent = torch.randint(0, 2, shape).to(dtype)
    found = there_and_back(sent)
    assert found.dtype == dtype
    assert torch.equal(found, sent)


def test_what_is_not_finite_in_a_tensor_arrives() -> None:
    sent = torch.tensor([math.nan, math.inf, -math.inf, 1.0])
    assert torch.equal(there_and_back(sent).nan_to_num(7.0), sent.nan_to_num(7.0))


def test_views_and_tensors_that_share_memory_arrive_as_tensors_of_their_own() -> None:
    base = torch.arange(6.0).reshape(2, 3)
    transposed, row, spread = there_and_back([base.T, base[0], base[0, 0].expand(4)])
    assert torch.equal(transposed, base.T)
    assert torch.equal(row, base[0])
    assert torch.equal(spread, torch.zeros(4))


def test_a_view_does_not_drag_its_base_along() -> None:
    assert len(encode(Value(value=torch.zeros(10**6)[:2]))) < 1000


def test_a_tensor_with_a_graph_arrives_without_it() -> None:
    assert not there_and_back(torch.ones(2, requires_grad=True) * 2).requires_grad


def test_only_the_name_of_an_unknown_type_arrives() -> None:
    assert there_and_back([object(), {1, 2}, b"bytes", 1j]) == [
        Foreign("object"),
        Foreign("set"),
        Foreign("bytes"),
        Foreign("complex"),
    ]


def test_a_picture_arrives() -> None:
    sent = Picture(
        image=torch.ones(2, 3), limits=(0.0, math.inf), x_labels=("a",), y_labels=(), in_given_axes=True, shown=False
    )
    found = there_and_back({"picture": sent})["picture"]
    assert torch.equal(found.image, torch.ones(2, 3))
    assert msgspec.structs.replace(found, image=None) == msgspec.structs.replace(sent, image=None)


MESSAGES = [
    Load(cells=[Cell("softmax", "def softmax(x): ...")], stand_ins={"softmax": ["x"]}, forbidden=["torch.softmax"]),
    CellStarted(index=3),
    Loaded(errors={2: Raised(kind="ValueError", message="no", where="line 1")}, defined=["f"]),
    Call(target="f", args=(1, "a"), kwargs={"dim": 0}, want="gradients", toward=(None, 1.0)),
    Call(target=0, method="eval"),
    Value(value=(1, 2)),
    Raised(kind="ValueError", message="no", where="line 1 of f"),
    Forbidden(name="torch.softmax"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_each_message_arrives_over_a_channel(pair: tuple[Channel, socket.socket], message: Message) -> None:
    channel, theirs = pair
    Channel(theirs.fileno(), 1).send(message)
    assert channel.receive(time.monotonic() + 1) == message


def test_messages_arrive_one_by_one_in_their_order(pair: tuple[Channel, socket.socket]) -> None:
    channel, theirs = pair
    for i in range(5):
        Channel(theirs.fileno(), 1).send(CellStarted(index=i))
    assert [channel.receive().index for _ in range(5)] == [0, 1, 2, 3, 4]


def test_a_tensor_that_stands_in_two_places_arrives_as_two() -> None:
    tensor = torch.ones(2)
    first, second = there_and_back([tensor, tensor])
    first += 1
    assert torch.equal(second, tensor)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


UNSENDABLE = {
    "nested too deep": nested(20),
    "a sparse tensor": torch.eye(2).to_sparse(),
    "a tensor without numbers": torch.ones(2, device="meta"),
    "a dtype that does not cross": torch.ones(2, dtype=torch.complex128),
    "too many tensors": [torch.ones(1)] * 5000,
    "half a character": "\ud800",
    "a number without end": 10**5000,
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE)
def test_what_cannot_be_sent_is_refused_before_anything_is_written(pair: Any, value: Any) -> None:
    channel, theirs = pair
    with pytest.raises(WireError):
        channel.send(Value(value=value))
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)


# ---- what arrives is refused when it is no message ----------------------------------------------------------------


def refused(data: bytes, limit_mib: int = 1) -> BaseException | None:
    """Receive data of which nothing is known; returns why it was refused."""
    try:
        receive(data, limit_mib)
    except (WireError, EOFError, TimeoutError) as error:
        return error
    return None


def frame(text: bytes, payload: bytes = b"") -> bytes:
    return LENGTHS.pack(len(text), len(payload)) + text + payload


def value(tree: bytes) -> bytes:
    return b'{"type":"value","value":' + tree + b"}"


@calmly
@given(some.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    refused(data)


@calmly
@given(some.binary(max_size=100), some.binary(max_size=100))
def test_any_bytes_in_a_proper_frame_are_a_message_or_refused(text: bytes, payload: bytes) -> None:
    assert refused(frame(text, payload)) is not None


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.sampled_from(["$", "v", "type", "a"]), inner),
    max_leaves=8,
)
kinds = some.sampled_from(["float", "tensor", "list", "tuple", "dict", "dtype", "handle", "foreign", "axes", "picture"])
trees = some.recursive(
    json_values,
    lambda inner: some.fixed_dictionaries({"$": kinds | json_values, "v": inner | some.lists(inner, max_size=6)}),
    max_leaves=8,
)
messages = some.fixed_dictionaries(
    {
        "type": some.sampled_from(["value", "call", "load", "loaded", "raised", "forbidden", "cell_started"])
        | json_values
    },
    optional=dict.fromkeys(
        ("value", "args", "kwargs", "toward", "target", "cells", "errors", "kind", "index", "name", "where"), trees
    ),
)


@calmly
@given(messages, some.sampled_from([b"", save({"0": torch.ones(2)}), save({"0": torch.ones(0), "v": torch.ones(1)})]))
def test_anything_that_looks_like_a_message_is_one_or_refused(message: Any, payload: bytes) -> None:
    refused(frame(json.dumps(message).encode(), payload))


@calmly
@given(some.binary(max_size=64), some.integers(0, 200), some.booleans())
def test_tensors_with_any_bytes_changed_are_tensors_or_refused(noise: bytes, place: int, longer: bool) -> None:
    whole = save({"0": torch.arange(12.0).reshape(3, 4)})
    place = min(place, len(whole))
    damaged = whole[:place] + noise + (whole[place:] if longer else whole[place + len(noise) :])
    refused(frame(value(b'{"$":"tensor","v":0}'), damaged))


headers = some.dictionaries(
    some.sampled_from(["0", "1", "__metadata__"]),
    some.fixed_dictionaries(
        {
            "dtype": some.sampled_from(["F32", "F64", "BOOL", "I64", "C64", "F4", "F8_E5M2", "U64", "", "X"]),
            "shape": some.lists(some.integers(0, 2**64) | some.integers(0, 4), max_size=4),
            "data_offsets": some.lists(some.integers(0, 2**64) | some.integers(0, 32), min_size=2, max_size=2),
        }
    )
    | json_values,
    max_size=3,
)


@calmly
@given(headers, some.binary(max_size=32), some.sampled_from([None, 0, 2**31, 2**63, 2**64 - 1]))
def test_tensors_with_any_header_are_tensors_or_refused(header: Any, data: bytes, length: int | None) -> None:
    text = json.dumps(header).encode()
    payload = struct.pack("<Q", len(text) if length is None else length) + text + data
    refused(frame(value(b'{"$":"tensor","v":"0"}'), payload))


@calmly
@given(some.sampled_from([*MESSAGES, Value(value=torch.ones(50))]), some.integers(0, 500))
def test_a_message_cut_short_is_the_end(message: Message, length: int) -> None:
    whole = encode(message)
    assert isinstance(refused(whole[: min(length, len(whole) - 1)]), EOFError)


HOSTILE = {
    "nothing": b"",
    "not UTF-8": b"\xff\xfe",
    "half a text": b'{"type":"value","value":"\\ud800',
    "no object": b"[]",
    "an unknown type": b'{"type":"pickle","value":"gASVAA=="}',
    "no value": b'{"type":"value"}',
    "two messages": value(b"1") * 2,
    "brackets without end": value(b"[" * 100_000),
    "brackets": value(b"[" * 100_000 + b"]" * 100_000),
    "objects in objects": value(b'{"v":' * 50_000 + b"1" + b"}" * 50_000),
    "lists in lists": value(b'{"$":"list","v":[' * 13 + b"1" + b"]}" * 13),
    "a number with many digits": value(b"1" * 10_000),
    "a number without end": value(b"1e999"),
    "nan": value(b"NaN"),
    "a bare list": value(b"[1]"),
    "an unknown kind": value(b'{"$":"code","v":"1"}'),
    "a kind that is no text": value(b'{"$":[1],"v":"1"}'),
    "a tensor that is not there": value(b'{"$":"tensor","v":0}'),
    "a float that is none": value(b'{"$":"float","v":"1.5"}'),
    "a dtype that is none": value(b'{"$":"dtype","v":"Tensor"}'),
    "a dtype that is a list": value(b'{"$":"dtype","v":[]}'),
    "half a dictionary": value(b'{"$":"dict","v":[["a"]]}'),
    "an empty picture": value(b'{"$":"picture","v":[]}'),
    "a picture of something else": value(b'{"$":"picture","v":[1,null,null,null,true,true]}'),
    "an index beyond all numbers": b'{"type":"cell_started","index":1e30}',
    "a number beyond all digits": value(b"1" + b"0" * 5000),
    "half a character": value(b'"\\ud800"'),
    "a dictionary whose keys are no text": value(b'{"$":"dict","v":[[1,2]]}'),
    "a dictionary of triples": value(b'{"$":"dict","v":[["a",1,2]]}'),
    "a handle below all": value(b'{"$":"handle","v":-1}'),
    "a handle that is true": value(b'{"$":"handle","v":true}'),
    "a handle beyond all": value(b'{"$":"handle","v":99999999999999999999}'),
    "an exception of endless name": b'{"type":"raised","kind":"' + b"x" * 3000 + b'"}',
    "an exception of endless text": b'{"type":"raised","kind":"x","message":"' + b"x" * 3000 + b'"}',
    "a shortcut of endless name": b'{"type":"forbidden","name":"' + b"x" * 3000 + b'"}',
    "an answer to no number": b'{"type":"value","to":"0","value":1}',
    "more brackets than a message needs": value(b'{"$":"list","v":[' + b"[]," * 40_000 + b"1]}"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_that_is_no_message_is_refused(text: bytes) -> None:
    assert isinstance(refused(frame(text)), WireError)


@pytest.mark.parametrize("tree", [b"0", b'"0"', b"true", b"[0]", b"-1", b"1", b"null"])
def test_a_tensor_is_known_by_its_place_alone(tree: bytes) -> None:
    error = refused(frame(value(b'{"$":"tensor","v":' + tree + b"}"), save({"0": torch.ones(1), "-1": torch.ones(1)})))
    assert (error is None) == (tree in (b"0", b"-1"))


def test_a_tensor_cannot_stand_in_two_places() -> None:
    """Whoever copies what arrived would copy it as often as it is mentioned."""
    twice = value(b'{"$":"list","v":[{"$":"tensor","v":0},{"$":"tensor","v":0}]}')
    assert isinstance(refused(frame(twice, save({"0": torch.ones(1)}))), WireError)


def tensor(dtype: str, shape: list[int], offsets: list[int], data: bytes) -> bytes:
    header = json.dumps({"0": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).encode()
    return struct.pack("<Q", len(header)) + header + data


NO_TENSORS = {
    "a dtype of eight bits": tensor("F8_E5M2", [1], [0, 1], b"1"),
    "a dtype of four bits": tensor("F4", [2], [0, 1], b"1"),
    "a dtype without a name": tensor("", [1], [0, 4], b"1234"),
    "too few numbers": tensor("F32", [2], [0, 4], b"1234"),
    "too many numbers": tensor("F32", [1], [0, 8], b"12345678"),
    "numbers after the end": tensor("F32", [1], [4, 8], b"1234"),
    "more than it says": tensor("F32", [1], [0, 4], b"12345678"),
    "an end before the start": tensor("F32", [1], [4, 0], b"1234"),
    "an axis below nothing": tensor("F32", [-1], [0, 4], b"1234"),
    "axes beyond all numbers": tensor("F32", [2**33, 2**33], [0, 4], b"1234"),
    "nothing, on an axis beyond all": tensor("F32", [0, 2**62], [0, 0], b""),
    "nothing, on an axis beyond a number": tensor("F32", [0, 2**63], [0, 0], b""),
    "nothing, on two such axes": tensor("F32", [2**40, 0, 2**40], [0, 0], b""),
    "very many axes": tensor("F32", [1] * 65, [0, 4], b"1234"),
    "a header beyond the end": struct.pack("<Q", 1000) + b"{}",
    "a header beyond all": struct.pack("<Q", 2**64 - 1) + b"{}",
    "a header of blanks": struct.pack("<Q", 600_000) + b"{}" + b" " * 599_998,
    "no header": b"1234",
    "very many tensors": save({str(i): torch.ones(0) for i in range(5000)}),
    "numbers that belong to two": (
        lambda header: struct.pack("<Q", len(header)) + header + b"1234"
    )(b'{"0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"1":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
}  # fmt: skip


@pytest.mark.parametrize("payload", NO_TENSORS.values(), ids=NO_TENSORS)
def test_tensors_that_are_none_are_refused(payload: bytes) -> None:
    assert isinstance(refused(frame(value(b'{"$":"tensor","v":0}'), payload)), WireError)


def test_a_tensor_like_those_is_taken() -> None:
    assert refused(frame(value(b'{"$":"tensor","v":0}'), tensor("F32", [1] * 64, [0, 4], b"1234"))) is None


def test_a_truth_value_is_one_of_two_whatever_its_byte() -> None:
    payload = tensor("BOOL", [4], [0, 4], b"\x00\x01\x02\xff")
    found = receive(frame(value(b'{"$":"tensor","v":0}'), payload)).value
    assert found.view(torch.uint8).tolist() == [0, 1, 1, 1]


def test_a_pickle_is_never_loaded() -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, ("must-not-exist",)

    data = pickle.dumps(Evil())
    assert isinstance(refused(frame(data, data)), WireError)
    assert isinstance(refused(frame(value(b'{"$":"tensor","v":0}'), data)), WireError)
    assert not os.path.exists("must-not-exist")  # noqa: PTH110


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (0, 2**32 - 1), (2**32 - 1, 2**32 - 1), (2**20, 1), (1, 2**20)])
def test_a_frame_beyond_the_limit_is_refused_before_it_is_read(lengths: tuple[int, int]) -> None:
    tracemalloc.start()
    try:
        error = refused(LENGTHS.pack(*lengths) + b" " * 2000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, WireError)
    assert "the limit is 1 MiB" in str(error)
    assert peak < 2**20


def test_a_frame_takes_no_more_memory_than_it_has_bytes() -> None:
    tracemalloc.start()
    try:
        error = refused(LENGTHS.pack(1000, 50 * 2**20) + b" " * 2000, limit_mib=64)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, EOFError)
    assert peak < 3 * 2**20


def grown(read: Callable[[], Any]) -> tuple[int, float]:
    """Return how much memory was taken at most meanwhile, and how many seconds it took without measuring that."""
    begun = time.process_time()
    read()
    seconds = time.process_time() - begun
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1], seconds
    finally:
        tracemalloc.stop()


def filled(item: bytes, length: int, around: bytes = b"[%s]") -> bytes:
    return value(around % b",".join([item] * ((length - 100) // (len(item) + 1))))


SWELLING = [b"[]", b"{}", b'{"":0}', b"[[]]", b"[1]", b"1.5", b'"ab"', b"1" * 4000, b'{"$":"list","v":[]}',
            b'{"$":"dict","v":[["a",0]]}', b'{"$":"axes"}', b'{"$":"float","v":"nan"}']  # fmt: skip


@pytest.mark.parametrize("limit_mib", [4, 16])
@pytest.mark.parametrize("item", SWELLING, ids=lambda item: item[:20].decode())
def test_no_frame_takes_more_than_four_times_the_limit_or_more_than_a_moment(item: bytes, limit_mib: int) -> None:
    """As much text of the kind that grows most as is accepted, and tensors for the rest of the frame."""
    length = min(2**20, limit_mib * 2**17)
    payload = save({"0": torch.zeros(limit_mib * 2**20 - length - 100, dtype=torch.uint8)})
    for around in (b"[%s]", b'{"$":"list","v":[%s]}'):
        data = frame(filled(item, length, around), payload)
        peak, seconds = grown(lambda data=data: refused(data, limit_mib))  # type: ignore[misc]
        assert peak < 4 * limit_mib * 2**20
        assert seconds < 1


def test_without_the_limits_it_would_take_more() -> None:
    text = filled(b'{"$":"axes"}', 2**20, b'{"$":"list","v":[%s]}')
    peak, _ = grown(lambda: decode(text, b""))
    assert peak > 15 * 2**20


@pytest.mark.parametrize("limit_mib", [1, 4, 16, 64])
def test_a_text_is_a_small_part_of_a_frame(limit_mib: int) -> None:
    longest = min(2**20, limit_mib * 2**17)
    assert receive(frame(value(b'"' + b"x" * (longest - 40) + b'"')), limit_mib).value[0] == "x"
    error = refused(LENGTHS.pack(longest + 1, 0), limit_mib)
    assert str(error) == f"a text of {longest // 1024} KiB, the limit is {longest // 1024} KiB"


def test_the_grader_itself_may_send_any_text(pair: Any) -> None:
    channel, theirs = pair
    load = Load(cells=[Cell("f", "[" * 100_000 + "\0" * 50_000)])
    sender = threading.Thread(target=Channel(theirs.fileno(), 1).send, args=(load,))
    sender.start()
    assert channel.receive(time.monotonic() + 5, trusted=True) == load
    sender.join()


# ---- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("so_far", [b"", b"\0\0", LENGTHS.pack(10, 0) + b"12345"], ids=["nothing", "lengths", "text"])
def test_waiting_ends_at_the_deadline(pair: tuple[Channel, socket.socket], so_far: bytes) -> None:
    channel, theirs = pair
    theirs.sendall(so_far)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.receive(begun + 0.1)
    assert time.monotonic() - begun < 2


def receive_for_ever(channel: Channel, deadline: float) -> None:
    while True:
        channel.receive(deadline)


def test_messages_without_end_do_not_extend_the_time(pair: Any, within: Any) -> None:
    channel, theirs = pair

    def flood() -> None:
        data = encode(CellStarted(index=0)) * 100
        with contextlib.suppress(OSError):
            while True:
                theirs.sendall(data)

    writer = threading.Thread(target=flood)
    writer.start()
    try:
        with within(5), pytest.raises(TimeoutError):
            receive_for_ever(channel, time.monotonic() + 0.3)
    finally:
        theirs.shutdown(socket.SHUT_RDWR)
        writer.join()


def test_sending_to_someone_who_does_not_read_ends_at_the_deadline(pair: Any, within: Any) -> None:
    channel, _ = pair
    with within(2), pytest.raises(TimeoutError):
        channel.send(Value(value=torch.ones(2**20)), time.monotonic() + 0.2)


def test_sending_to_someone_who_is_gone_says_so(pair: Any) -> None:
    channel, theirs = pair
    theirs.close()
    with pytest.raises(BrokenPipeError):
        channel.send(Value(value=1), time.monotonic() + 1)
