"""The wire under fire: whatever the locked process says, its check gets a verdict, and nothing else happens."""

from __future__ import annotations

import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from noise import questions, streams, tensors, unsound, values
from puppet import LOADED, Puppets, frame

from autograder.cell import Cell
from autograder.checks.compare import assert_close, assert_equal, assert_true
from autograder.course import Limits
from autograder.diagnose import same
from autograder.errors import StudentCrashed, StudentFailure, StudentTimeout, WireError
from autograder.sandbox import CellStopped, Sandbox
from autograder.score import verdict_of
from autograder.stand_in import rehearse, stand_in_for
from autograder.students import Student
from autograder.wire import Call, CellStarted, Load, Raised, Value, decode, encode

calmly = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CALL = Call(target="f")


def weighed(q: torch.Tensor, k: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    weights = scale * (q @ k.transpose(-2, -1))
    return weights @ k, weights


REFERENCE = {"double": lambda x: 2 * x, "weighed": weighed, "secret": os.getpid}
outside = stand_in_for(REFERENCE, ["double", "weighed"])


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    rehearse()  # what torch loads for the first question takes seconds


@pytest.fixture(scope="module")
def puppets() -> Iterator[Puppets]:
    children = Puppets(Limits(load_seconds=5.0, check_seconds=5.0, reply_mib=4))
    yield children
    children.close()


@pytest.fixture(scope="module")
def hasty() -> Iterator[Puppets]:
    children = Puppets(Limits(load_seconds=0.03, check_seconds=0.03, reply_mib=4))
    yield children
    children.close()


# ---- what a child answers -----------------------------------------------------------------------------------------


def verdict_after(puppets: Puppets, data: bytes, *calls: Call, silent: bool = False) -> str:
    """Return the verdict, or "a value" when each call was answered by one."""
    try:
        puppets.ask(data, *calls, silent=silent, reference=outside)
    except StudentFailure as error:
        return error.verdict
    return "a value"


@calmly
@given(values)
def test_a_value_that_can_be_sent_arrives_as_it_was(puppets: Puppets, value: Any) -> None:
    (found,) = puppets.ask(encode(Value(value=value)), CALL)
    assert repr(found) == repr(value)


@calmly
@given(streams)
def test_whatever_a_child_says_is_a_value_or_a_verdict(puppets: Puppets, data: bytes) -> None:
    verdict = verdict_after(puppets, data, CALL, CALL)
    assert verdict in ("a value", "crashed", "error", "forbidden", "missing", "memory")


@calmly
@given(some.lists(unsound | some.binary(max_size=64), min_size=1, max_size=3).map(b"".join))
def test_what_is_hardly_a_message_is_a_crash_unless_it_is_one(puppets: Puppets, data: bytes) -> None:
    is_one = refused(data) is None
    assert (verdict_after(puppets, data, CALL) == "crashed") or is_one


def refused(data: bytes) -> WireError | None:
    """Say why the first frame is no message; an independent reading of the format."""
    text, payload = (int.from_bytes(data[i : i + 4]) for i in (0, 4))
    try:
        decode(data[8 : 8 + text], data[8 + text : 8 + text + payload])
    except WireError as error:
        return error
    return None


@calmly
@given(streams)
def test_whatever_a_child_says_while_its_cells_run_is_a_crash_or_their_end(puppets: Puppets, data: bytes) -> None:
    stop = None
    with puppets.open(data, silent=False) as inside:
        try:
            inside.load(Load(cells=[Cell("a", ""), Cell("b", "")]))
        except CellStopped as stopped:
            stop = stopped
    assert stop is None or (stop.verdict == "crashed" and stop.index in (-1, 0, 1))


@settings(calmly, max_examples=40)
@given(streams)
def test_a_child_that_falls_silent_is_out_of_time(hasty: Puppets, data: bytes) -> None:
    begun = time.monotonic()
    verdict = verdict_after(hasty, data, CALL, silent=True)
    assert verdict in ("timeout", "a value", "crashed", "error", "forbidden", "missing", "memory")
    assert time.monotonic() - begun < 3


def test_silence_alone_is_out_of_time(hasty: Puppets) -> None:
    with pytest.raises(StudentTimeout):
        hasty.ask(b"", CALL, silent=True)
    with pytest.raises(StudentTimeout):
        hasty.ask(encode(Value(value=torch.ones(100)))[:-1], CALL, silent=True)


def test_hanging_up_is_a_crash(puppets: Puppets) -> None:
    with pytest.raises(StudentCrashed):
        puppets.ask(b"", CALL)


# ---- which call an answer is for ----------------------------------------------------------------------------------


def test_a_second_answer_to_one_call_is_no_answer_to_the_next(puppets: Puppets) -> None:
    first, second = (encode(Value(to=to, value=to)) for to in (0, 1))
    assert puppets.ask(first + second, CALL, CALL) == [0, 1]
    with pytest.raises(StudentCrashed, match="no answer"):
        puppets.ask(first + first, CALL, CALL)


@pytest.mark.parametrize("to", [-1, 1, 2**40])
def test_an_answer_to_another_call_is_none(puppets: Puppets, to: int) -> None:
    for message in (Value(to=to, value=1), Raised(to=to, kind="ValueError")):
        with pytest.raises(StudentCrashed, match="expected the answer to this call"):
            puppets.ask(encode(message), CALL)


def test_an_answer_that_is_forged_while_a_call_runs_costs_the_next_call(sandbox: Sandbox) -> None:
    with sandbox.open(
        Load(cells=[Cell("f", f"{SEND}\ndef f(x):\n    send(encode(Value(value=7)))\n    return x")])
    ) as inside:
        assert inside.call(Call(target="f", args=(1,))) == 7
        with pytest.raises(StudentCrashed, match="expected the answer to this call"):
            inside.call(Call(target="f", args=(2,)))


def test_after_the_end_every_call_ends_in_the_same_way_and_nothing_is_sent(puppets: Puppets) -> None:
    with puppets.open(frame(LOADED), silent=False) as inside:
        inside.load(Load(cells=[]))
        number = inside._channel.fd
        with pytest.raises(StudentCrashed) as first:
            inside.call(CALL)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert number in (ours.fileno(), theirs.fileno())  # somebody else's by now
            with pytest.raises(StudentCrashed) as second:
                inside.call(CALL)
            assert second.value is first.value
            for end in (ours, theirs):
                end.setblocking(False)
                with pytest.raises(BlockingIOError):
                    end.recv(1)


# ---- questions ----------------------------------------------------------------------------------------------------


@calmly
@given(questions)
def test_every_question_is_answered_or_refused(question: Call) -> None:
    answer = outside(question)
    assert isinstance(answer, (Value, Raised))
    assert len(encode(answer)) < 8 * 2**20
    assert question.target != "secret" or isinstance(answer, Raised)


def test_a_sensible_question_is_answered() -> None:
    answer = outside(Call(target="double", args=(torch.ones(2),)))
    assert isinstance(answer, Value)
    assert torch.equal(answer.value, torch.full((2,), 2.0))


def test_questions_without_end_do_not_extend_the_time(sandbox: Sandbox, within: Any) -> None:
    """One thread asks without waiting, another throws the answers away: there is always something to read."""
    source = f"""{SEND}
import threading

def drain():
    while True:
        for fd in range(3, 16):
            try: os.read(fd, 2**16)
            except OSError: pass

def f(x):
    threading.Thread(target=drain).start()
    question = encode(Call(target="double", args=(x,)))
    while True: send(question)
"""
    load = Load(cells=[Cell("f", source)], stand_ins={"double": ["x"]})
    begun = time.monotonic()
    with within(10), sandbox.open(load, outside) as inside, pytest.raises((StudentTimeout, StudentCrashed)):
        inside.call(Call(target="f", args=(torch.ones(2),)))
    assert time.monotonic() - begun < 5


def test_cells_that_start_without_end_are_a_crash(puppets: Puppets) -> None:
    data = b"".join(encode(CellStarted(index=i)) for i in range(1000))
    with pytest.raises(CellStopped) as caught, puppets.open(data, silent=False) as inside:
        inside.load(Load(cells=[Cell(f"cell {i}", "") for i in range(3)]))
    assert (caught.value.index, caught.value.verdict) == (2, "crashed")


# ---- what a check makes of it -------------------------------------------------------------------------------------

EXPECTED = torch.tensor([[0.125, 0.875], [0.375, 0.625]])

CHECKS: dict[str, Callable[[Student], None]] = {
    "close": lambda student: assert_close(student.f(1), EXPECTED, "softmax"),
    "close to an empty tensor": lambda student: assert_close(student.f(1), torch.zeros(0, 3), "exact"),
    "equal": lambda student: assert_equal(student.f(1), (2, "no", None), "the result"),
    "true": lambda student: assert_true(student.f(1) is EXPECTED, "the result"),
    "two": lambda student: _assert_two(*student.f(1)),
    "gradients": lambda student: assert_close(student.f.gradients(1).arguments[0], EXPECTED, "gradient"),
    "parameters": lambda student: assert_close(student.f.gradients(1).parameters["w"], EXPECTED, "gradient"),
    "aftermath": lambda student: assert_close(student.f.aftermath(1).arguments[0], EXPECTED, "exact"),
}


def _assert_two(output: Any, weights: Any) -> None:
    assert_close(output, EXPECTED, "attention", "the output")
    assert_close(weights, EXPECTED, "attention", "the weights")


def verdict_for(check: Callable[[Student], None], value: Any) -> str:
    try:
        check(Student(lambda call: value, []))
    except Exception as error:
        return verdict_of(error)
    return "pass"


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@settings(calmly, max_examples=60)
@given(value=values | some.tuples(values, values) | some.tuples(some.lists(tensors), some.just(True)).map(list))
def test_no_value_but_the_right_one_passes_a_check(check: Any, value: Any) -> None:
    assert verdict_for(check, value) == "wrong"


def test_the_right_value_passes() -> None:
    right = {"close": EXPECTED, "two": (EXPECTED, EXPECTED), "gradients": [EXPECTED, [EXPECTED], {}]}
    assert {verdict_for(CHECKS[name], value) for name, value in right.items()} == {"pass"}


@calmly
@given(values, values)
def test_any_two_outcomes_can_be_compared_in_search_of_a_mistake(a: Any, b: Any) -> None:
    assert same(a, b) in (True, False)
    assert same(a, a) or "nan" in repr(a)


# ---- the real thing -----------------------------------------------------------------------------------------------

SEND = """
import os, time
from autograder.wire import Call, Value, encode

def send(data):
    for fd in range(3, 64):
        try: os.write(fd, data)
        except OSError: pass
"""

BURSTS = {
    "noise": b"\x00\xff" * 500,
    "an empty frame": frame(b""),
    "a lie about lengths": b"\xff" * 8,
    "deep nesting": frame(b'{"type":"value","value":' + b'{"$":"list","v":[' * 500 + b"]}" * 500 + b"}"),
    "an answer to another call": encode(Value(to=1, value=1)),
    "a text without end": frame(b"[" * 600_000),
    "many empty lists": frame(b'{"type":"value","value":{"$":"list","v":[' + b"[]," * 100_000 + b"1]}}"),
    "many frames": frame(b'{"type":"cell_started","index":0}') * 1000,
}


@pytest.mark.parametrize("data", BURSTS.values(), ids=BURSTS)
def test_garbage_on_the_channel_costs_one_check_and_the_next_child_is_fine(ask: Any, within: Any, data: bytes) -> None:
    source = f"import zlib{SEND}\ndef f(x):\n    send(zlib.decompress({zlib.compress(data)!r}))\n    time.sleep(9)"
    with within(10):
        with pytest.raises(StudentCrashed, match="no answer"):
            ask(source, 1)
        assert ask("def f(x): return x", 1) == 1


@pytest.mark.parametrize("code", [71, 72])
def test_no_exit_code_makes_the_grader_take_the_blame(sandbox: Sandbox, code: int) -> None:
    """The child itself ends with these when it cannot be locked in, or cannot serve."""
    in_a_call, in_a_cell = f"import os\ndef f(): os._exit({code})", f"import os\nos._exit({code})"
    with sandbox.open(Load(cells=[Cell("f", in_a_call)])) as inside, pytest.raises(StudentCrashed, match=f"{code}"):
        inside.call(CALL)
    with pytest.raises(CellStopped, match=f"{code}"), sandbox.open(Load(cells=[Cell("f", in_a_cell)])):
        pass


UNSENDABLE = {
    "too many tensors": "[torch.ones(1) for _ in range(5000)]",
    "too deep": "[[[[[[[[[[[[[[1]]]]]]]]]]]]]]",
    "a sparse tensor": "torch.eye(3).to_sparse()",
    "a dtype that does not cross": "torch.ones(2, dtype=torch.complex128)",
    "a number that is too long": "10**5000",
}


@pytest.mark.parametrize("result", UNSENDABLE.values(), ids=UNSENDABLE)
def test_a_result_that_cannot_be_handed_over_is_an_error_that_says_so(ask: Any, result: str) -> None:
    with pytest.raises(StudentFailure, match="in the result: ") as caught:
        ask(f"import torch\ndef f(): return {result}")
    assert caught.value.verdict == "error"


def test_many_numbers_are_an_answer(ask: Any) -> None:
    found = ask("import math, torch\ndef f(): return [math.sqrt(i) for i in range(10_000)], [torch.ones(1)] * 1000")
    assert found[0][4] == 2.0
    assert len(found[1]) == 1000
