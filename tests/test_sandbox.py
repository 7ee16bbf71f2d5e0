"""Each way in which a call can end, with programs that really end so."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autograder import variables
from autograder.cell import Cell
from autograder.errors import (
    StudentCrashed,
    StudentError,
    StudentForbidden,
    StudentMissing,
    StudentTimeout,
)
from autograder.inside.executor import Executor
from autograder.sandbox import CellStopped, Inside, Sandbox
from autograder.wire import Call, Foreign, Load, Message, Own, Picture, Value

SEND = """
import os, pickle, struct, time
from autograder.wire import Call, CellStarted, Loaded, Raised, Value, encode

def frame(text, payload=b""):
    return struct.pack(">II", len(text), len(payload)) + text + payload

def send(data):
    for fd in range(3, 64):
        try: os.write(fd, data)
        except OSError: pass
"""


def opened(sandbox: Sandbox, *sources: str, **load: Any) -> Any:
    return sandbox.open(Load(cells=[Cell(f"cell {i}", source) for i, source in enumerate(sources)], **load))


# ---- a value ------------------------------------------------------------------------------------------------------


def test_a_call_gives_its_value(ask: Any) -> None:
    x = torch.randn(3, 5)
    assert torch.equal(ask("def f(x): return x + 1", x), x + 1)


def test_a_function_of_the_notebook_can_be_an_argument(ask: Any) -> None:
    source = "def double(x): return 2 * x\ndef f(g): return g(3)"
    assert ask(source, Own("double")) == 6
    with pytest.raises(StudentError, match="NameError"):
        ask(source, Own("triple"))


def test_a_call_does_not_change_the_callers_tensor(ask: Any) -> None:
    x = torch.ones(3)
    assert torch.equal(ask("def f(x): return x.zero_()", x), torch.zeros(3))
    assert torch.equal(x, torch.ones(3))


def test_one_child_answers_many_calls_and_remembers(sandbox: Sandbox) -> None:
    with opened(sandbox, "n = 0\ndef f():\n    global n\n    n += 1\n    return n") as inside:
        assert [inside.call(Call(target="f")) for _ in range(3)] == [1, 2, 3]


def test_nothing_is_remembered_from_one_child_to_the_next(ask: Any) -> None:
    source = """
        import os, torch
        def f():
            before = torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled() and "MARK" not in os.environ
            torch.set_default_dtype(torch.float64)
            torch.set_grad_enabled(False)
            os.environ["MARK"] = "1"
            torch.allclose = lambda *_: True
            return before
    """
    assert ask(source) is True
    assert ask(source) is True


def test_each_child_draws_the_same_random_numbers(ask: Any) -> None:
    source = "import random, numpy, torch\ndef f(): return random.random(), float(numpy.random.rand()), torch.rand(3)"
    (a, b, c), (d, e, f) = ask(source), ask(source)
    assert (a, b) == (d, e)
    assert torch.equal(c, f)


@pytest.mark.parametrize("text", ["\\ud800", "\\udcff", "a\\0b", "\\U0001F600"])
def test_any_text_can_be_returned(ask: Any, text: str) -> None:
    assert isinstance(ask(f"def f(): return '{text}'"), str)


def test_what_is_printed_goes_nowhere(ask: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask("import sys\ndef f():\n    print('x' * 10**6)\n    print('y', file=sys.stderr)\n    return 1") == 1
    assert capfd.readouterr() == ("", "")


# ---- an error -----------------------------------------------------------------------------------------------------


def test_an_error_names_the_students_own_line(ask: Any) -> None:
    with pytest.raises(StudentError) as caught:
        ask("import torch\ndef f(x):\n    y = 1\n    return torch.cat([x, y])", torch.ones(2))
    assert caught.value.kind == "TypeError"
    assert caught.value.where == "line 4 of f: return torch.cat([x, y])"


def test_an_error_in_another_cell_names_that_cell(sandbox: Sandbox) -> None:
    with (
        opened(sandbox, "def helper(x):\n    return x / 0", "def f(x): return helper(x)") as inside,
        pytest.raises(StudentError) as caught,
    ):
        inside.call(Call(target="f", args=(1,)))
    assert str(caught.value) == "ZeroDivisionError: division by zero"
    assert caught.value.where == "line 2 of cell 0: return x / 0"


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "NotImplementedError"])
def test_whatever_is_raised_is_an_error_and_the_child_goes_on(sandbox: Sandbox, kind: str) -> None:
    with opened(sandbox, f"def f(): raise {kind}(0)\ndef g(): return 1") as inside:
        with pytest.raises(StudentError, match=kind):
            inside.call(Call(target="f"))
        assert inside.call(Call(target="g")) == 1


def test_leaving_with_sys_exit_is_an_error_and_no_pass(ask: Any) -> None:
    with pytest.raises(StudentError, match="SystemExit: 0"):
        ask("import sys\ndef f(): sys.exit(0)")


def test_reading_the_keyboard_finds_nobody_there(ask: Any) -> None:
    with pytest.raises(StudentError, match="EOFError"):
        ask("def f(): return input()")


def test_endless_recursion_is_an_error(ask: Any) -> None:
    with pytest.raises(StudentError, match="RecursionError"):
        ask("def f(): return f()")


def test_the_text_of_an_error_is_the_same_in_every_run_and_not_too_long(ask: Any) -> None:
    with pytest.raises(StudentError) as caught:
        ask("def f(): raise ValueError(f'{object()}' + 'x' * 10**6)")
    assert "0x..." in caught.value.message
    assert len(caught.value.message) <= 2000


def test_an_exception_without_a_text_of_its_own_is_still_an_error(ask: Any) -> None:
    source = "class Evil(Exception):\n    def __str__(self): raise KeyboardInterrupt\ndef f(): raise Evil"
    with pytest.raises(StudentError) as caught:
        ask(source)
    assert (caught.value.kind, caught.value.message) == ("Evil", "")


@pytest.mark.parametrize("text", ["\\ud800", "\\udcff", "a\\0b", "\\U0001F600"])
def test_an_error_may_say_anything(ask: Any, text: str) -> None:
    with pytest.raises(StudentError, match="ValueError"):
        ask(f"def f(): raise ValueError('{text}')")


# ---- a timeout ----------------------------------------------------------------------------------------------------

ENDLESS = {
    "a loop in Python": "while True: pass",
    "a loop that catches everything": "while True:\n        try: time.sleep(0.1)\n        except BaseException: pass",
    "a loop in C": "x = torch.randn(2500, 2500)\n    for _ in range(10**6): x @ x",
    "sleeping": "time.sleep(10**6)",
    "ignoring signals": (
        "for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):\n"
        "        signal.signal(number, signal.SIG_IGN)\n    signal.alarm(0)\n    while True: pass"
    ),
    "a deadlock": "lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_ended(ask: Any, within: Any, body: str) -> None:
    begun = time.monotonic()
    with within(5), pytest.raises(StudentTimeout, match="did not finish within 1 s"):
        ask(f"import signal, threading, time, torch\ndef f():\n    {body}")
    assert time.monotonic() - begun < 3


def test_all_calls_of_a_check_together_have_one_limit(sandbox: Sandbox, within: Any) -> None:
    with within(5), opened(sandbox, "import time\ndef f(): time.sleep(0.6)") as inside:
        inside.call(Call(target="f"))
        with pytest.raises(StudentTimeout):
            inside.call(Call(target="f"))


def test_an_answer_that_trickles_in_does_not_extend_the_time(ask: Any, within: Any) -> None:
    source = f"""{SEND}
def f():
    data = encode(Value(value="x" * 1000))
    for i in range(len(data)):
        time.sleep(0.01)
        send(data[i : i + 1])
"""
    with within(5), pytest.raises(StudentTimeout):
        ask(source)


def test_a_child_that_reads_no_more_cannot_hold_the_grader_up(sandbox: Sandbox, within: Any) -> None:
    """It answers the first call itself and sleeps; the second call does not fit into the channel."""
    source = f"{SEND}\ndef f(x):\n    send(encode(Value(value=1)))\n    time.sleep(10**6)"
    with within(3), opened(sandbox, source) as inside:
        assert inside.call(Call(target="f", args=(1,))) == 1
        with pytest.raises(StudentTimeout):
            inside.call(Call(target="f", args=(torch.ones(2**20),)))


# ---- a crash ------------------------------------------------------------------------------------------------------

CRASHES = {
    "os._exit(0)": ("os._exit(0)", "exit code 0"),
    "os._exit(3)": ("os._exit(3)", "exit code 3"),
    "os.abort()": ("os.abort()", "SIGABRT"),
    "a signal to itself": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "a segmentation fault": ("ctypes.string_at(0)", "SIGSEGV"),
    "an illegal instruction": ("os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
    "an alarm": ("signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(9)", "SIGALRM"),
    "an exit in a thread": ("threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(9)", "exit code 0"),
    "closing the channel": ("os.closerange(3, 256); time.sleep(9)", "process"),
}


@pytest.mark.parametrize(("body", "says"), CRASHES.values(), ids=CRASHES)
def test_a_process_that_ends_without_an_answer_has_crashed(ask: Any, within: Any, body: str, says: str) -> None:
    with within(5), pytest.raises(StudentCrashed, match=says):
        ask(f"import ctypes, os, signal, threading, time\ndef f():\n    {body}")


GARBAGE = {
    "bytes": "b'PASS' * 100",
    "zeros": "bytes(64)",
    "a length beyond the limit": "b'\\xff' * 64",
    "JSON": """frame(b'{"verdict": "pass"}')""",
    "a tensor that is none": """frame(b'{"type":"value","value":{"$":"tensor","v":0}}', b'\\xff' * 8)""",
    "a pickle": "frame(pickle.dumps(1), pickle.dumps(1))",
    "the end of loading": "encode(Loaded())",
    "the start of a cell": "encode(CellStarted(index=0))",
    "a question that nobody may ask": "encode(Call(target='softmax', args=(1,)))",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_bytes_that_are_no_answer_are_a_crash(ask: Any, within: Any, data: str) -> None:
    with within(5), pytest.raises(StudentCrashed, match="no answer"):
        ask(f"{SEND}\ndef f():\n    send({data})\n    time.sleep(9)")


def test_an_answer_that_is_too_large_is_a_crash(ask: Any) -> None:
    with pytest.raises(StudentCrashed, match=r"a message of \d+ MiB, the limit is 4 MiB"):
        ask("import torch\ndef f(): return torch.zeros(2**21)")


def test_an_answer_just_below_the_limit_is_one(ask: Any) -> None:
    assert ask("import torch\ndef f(): return torch.zeros(2**20 - 2**10)").numel() == 2**20 - 2**10


@pytest.mark.parametrize(
    "value", ["torch.eye(3).to_sparse()", "torch.ones(2, device='meta')", "eval('[' * 20 + ']' * 20)"]
)
def test_a_value_that_cannot_be_sent_is_no_pass_and_no_fault_of_the_grader(ask: Any, value: str) -> None:
    with pytest.raises((StudentCrashed, StudentError)):
        ask(f"import torch\ndef f(): return {value}")


@pytest.mark.parametrize(
    "answer",
    ["[1, 2, 3]", "[[], 'x', 3]", "None", "[1, [], {}]", "['x', 'y', 'z']"],
)
def test_forged_gradients_are_at_most_a_value(sandbox: Sandbox, answer: str) -> None:
    source = f"{SEND}\ndef f(x):\n    send(encode(Value(value={answer})))\n    time.sleep(9)"
    with opened(sandbox, source) as inside:
        inside.call(Call(target="f", args=(torch.ones(1),), want="gradients"))


# ---- forbidden and missing ----------------------------------------------------------------------------------------


def test_a_forbidden_shortcut_is_named(ask: Any) -> None:
    with pytest.raises(StudentForbidden, match=r"calls torch\.softmax, which this exercise asks you to write yourself"):
        ask("import torch\ndef f(x): return torch.softmax(x, -1)", torch.ones(2), forbidden=["torch.softmax"])


def test_what_is_not_defined_is_missing(sandbox: Sandbox) -> None:
    with opened(sandbox, "x = 1") as inside, pytest.raises(StudentMissing, match="no function or class 'softmax'"):
        inside.call(Call(target="softmax"))


def test_what_is_missing_because_its_cell_raised_is_that_error(sandbox: Sandbox) -> None:
    with (
        sandbox.open(Load(cells=[Cell("softmax", "def softmax(x:\n    return x")])) as inside,
        pytest.raises(StudentError) as caught,
    ):
        inside.call(Call(target="softmax"))
    assert caught.value.kind == "SyntaxError"
    assert caught.value.where.startswith("line 1 of softmax: def softmax(x:")


# ---- cells --------------------------------------------------------------------------------------------------------


def test_a_cell_that_raises_does_not_stop_the_next(sandbox: Sandbox) -> None:
    raising = ["1 / 0", "raise SystemExit", "this is no Python", "class Own(BaseException): pass\nraise Own"]
    with opened(sandbox, "a = 1", *raising, "def f(): return a") as inside:
        assert inside.call(Call(target="f")) == 1
        kinds = [error.kind for error in inside.errors.values()]
        assert kinds == ["ZeroDivisionError", "SystemExit", "SyntaxError", "Own"]
        assert list(inside.errors) == ["cell 1", "cell 2", "cell 3", "cell 4"]


STOPS = {"while True: pass": "timeout", "import os; os._exit(0)": "crashed"}


@pytest.mark.parametrize(("source", "verdict"), STOPS.items())
def test_a_cell_that_does_not_end_is_named(sandbox: Sandbox, within: Any, source: str, verdict: str) -> None:
    with within(5), pytest.raises(CellStopped) as caught, opened(sandbox, "a = 1", source, "b = 2"):
        pass
    assert caught.value.index == 1
    assert caught.value.verdict == caught.value.cause.verdict == verdict


def test_a_cell_that_runs_out_of_time_is_told_the_limit_that_it_had(sandbox: Sandbox) -> None:
    with pytest.raises(CellStopped, match=r"1\.2 s"), opened(sandbox, "while True: pass"):
        pass


def test_loading_does_not_take_from_the_time_of_the_check(sandbox: Sandbox) -> None:
    with opened(sandbox, "import time\ntime.sleep(0.6)\ndef f():\n    time.sleep(0.6)\n    return 1") as inside:
        assert inside.call(Call(target="f")) == 1


@pytest.mark.parametrize("index", [-1, 0, 99])
def test_a_cell_cannot_pretend_that_another_one_started(sandbox: Sandbox, index: int) -> None:
    source = f"{SEND}\nsend(encode(CellStarted(index={index})))"
    with pytest.raises(CellStopped) as caught, opened(sandbox, source):
        pass
    assert (caught.value.index, caught.value.verdict) == (0, "crashed")


def test_an_error_text_that_cannot_be_written_stops_no_other_cell(sandbox: Sandbox) -> None:
    with opened(sandbox, "raise ValueError('\\ud800')", "def f(): return 1") as inside:
        assert inside.call(Call(target="f")) == 1


# ---- stand-ins ----------------------------------------------------------------------------------------------------


def double(x: Tensor) -> Tensor:
    return 2 * x


def reference(call: Call) -> Message:
    return Executor({"double": double}).answer(call)


def test_the_reference_stands_in_for_what_is_wrong(sandbox: Sandbox) -> None:
    cells = [Cell("double", "def double(x): return x"), Cell("f", "def f(x): return double(x) + 1")]
    x = torch.ones(3)
    with sandbox.open(Load(cells=cells, stand_ins={"double": ["x"]}), reference) as inside:
        assert torch.equal(inside.call(Call(target="f", args=(x,))), 2 * x + 1)
        result, (gradient,), _ = inside.call(Call(target="f", args=(x,), want="gradients", toward=3 * x))
        assert torch.equal(result, 2 * x + 1)
        assert torch.equal(gradient, 6 * x)


def test_a_failure_of_the_reference_is_the_callers_error(sandbox: Sandbox) -> None:
    cells = [Cell("f", "def f(x): return double(x, x)")]
    load = Load(cells=cells, stand_ins={"double": ["x"]})
    with sandbox.open(load, reference) as inside, pytest.raises(StudentError) as caught:
        inside.call(Call(target="f", args=(torch.ones(2),)))
    assert caught.value.where == "line 1 of f: def f(x): return double(x, x)"


def test_a_reference_that_is_asked_for_ever_does_not_extend_the_time(sandbox: Sandbox, within: Any) -> None:
    cells = [Cell("f", "def f(x):\n    while True: double(x)")]
    with (
        within(5),
        sandbox.open(Load(cells=cells, stand_ins={"double": ["x"]}), reference) as inside,
        pytest.raises(StudentTimeout),
    ):
        inside.call(Call(target="f", args=(torch.ones(2),)))


# ---- before it begins ---------------------------------------------------------------------------------------------


def test_the_salt_does_not_enter(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("AUTOGRADER_SALT", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert "secret" not in variables.of_student_code(sandbox.scratch).values()


def test_a_picture_and_a_foreign_object_arrive_as_what_they_are(ask: Any) -> None:
    source = """
        import matplotlib.pyplot as plt
        def f(x):
            _, axes = plt.subplots()
            axes.imshow(x)
            return axes, object()
    """
    picture, foreign = ask(source, torch.ones(2, 3))
    assert isinstance(picture, Picture)
    assert foreign == Foreign("object")


def test_no_file_descriptor_is_left_open(sandbox: Sandbox) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for source in ("def f(): return 1", "import os\ndef f(): os._exit(1)", "1 / 0"):
        with opened(sandbox, source) as inside:
            assert isinstance(inside, Inside)
            try:
                inside.call(Call(target="f"))
            except (StudentCrashed, StudentMissing):
                continue
    assert count() == before


def slow_reference(seconds: float) -> Callable[[Call], Message]:
    """Answer every question with 1, after a while."""

    def answer(call: Call) -> Message:
        time.sleep(seconds)
        return Value(value=torch.ones(()))

    return answer


def test_the_time_that_the_reference_takes_is_not_the_students(sandbox: Sandbox) -> None:
    load = Load(cells=[Cell("f", "def f(): return g() + g()")], stand_ins={"g": []})
    with sandbox.open(load, slow_reference(0.6)) as inside:  # 1.2 s, of the 1.0 s that a check has
        assert inside.call(Call(target="f")) == 2


def test_whoever_asks_without_end_gets_no_time_without_end(sandbox: Sandbox, within: Any) -> None:
    load = Load(cells=[Cell("f", "def f():\n    while True: g()")], stand_ins={"g": []})
    with sandbox.open(load, slow_reference(0.01)) as inside, within(1.9), pytest.raises(StudentTimeout):
        inside.call(Call(target="f"))


# ---- the same process for one check after the other -----------------------------------------------------------------

COUNTS_ITS_USES = """
import sys

kept = []

def f():
    sys.uses = getattr(sys, "uses", 0) + 1
    kept.append(1)
    return (sys.uses, len(kept))
"""


def uses(sandbox: Sandbox, source: str = COUNTS_ITS_USES, **options: Any) -> Any:
    with sandbox.open(Load(cells=[Cell("f", source)]), **options) as inside:
        return inside.call(Call(target="f"))


def test_each_opening_is_a_new_process_unless_one_asks_for_less(sandbox: Sandbox) -> None:
    assert [uses(sandbox), uses(sandbox)] == [(1, 1), (1, 1)]


def test_a_process_can_be_used_again_and_its_cells_are_run_anew(sandbox: Sandbox) -> None:
    assert [uses(sandbox, alone=False) for _ in range(3)] == [(1, 1), (2, 1), (3, 1)]
    sandbox.dismiss()
    assert uses(sandbox, alone=False) == (1, 1)
    sandbox.dismiss()


def test_other_cells_never_run_where_these_have(sandbox: Sandbox) -> None:
    assert uses(sandbox, alone=False) == (1, 1)
    assert uses(sandbox, COUNTS_ITS_USES + "\n# another student's", alone=False) == (1, 1)
    assert uses(sandbox, alone=False) == (1, 1)
    sandbox.dismiss()


@pytest.mark.parametrize(
    "last_deed", ["open('left-behind', 'w').write('for the next')", "__import__('os')._exit(3)"], ids=["writes", "dies"]
)
def test_a_process_that_left_something_behind_or_died_is_not_used_again(sandbox: Sandbox, last_deed: str) -> None:
    source = f"{COUNTS_ITS_USES}\ndef g():\n    {last_deed}\n"
    load = Load(cells=[Cell("f", source)])
    with sandbox.open(load, alone=False) as inside, contextlib.suppress(StudentCrashed):
        inside.call(Call(target="g"))
    assert not list(sandbox.scratch.iterdir())
    assert uses(sandbox, source, alone=False) == (1, 1)
    sandbox.dismiss()


def test_a_process_that_is_used_again_has_its_libraries_as_at_first(sandbox: Sandbox) -> None:
    source = """
import random
import numpy as np
import torch

def f():
    drawn = (random.random(), float(np.random.rand()), torch.rand(1), torch.zeros(1).dtype, torch.is_grad_enabled())
    random.seed(1), np.random.seed(1), torch.manual_seed(1), torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    return drawn
"""
    assert uses(sandbox, source, alone=False) == uses(sandbox, source, alone=False)
    sandbox.dismiss()
