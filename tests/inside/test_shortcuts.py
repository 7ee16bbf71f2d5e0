"""Forbidden shortcuts: found whatever they are called, and nothing else is."""

from __future__ import annotations

import _thread
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.inside.executor import Executor
from autograder.inside.shortcuts import ForbiddenShortcut, Watch, resolve
from autograder.wire import Call, Forbidden, Message, Value

ASSIGNMENTS = sorted((Path(__file__).parents[2] / "assignments").glob("*/exercises.toml"))
EXERCISES = {e["id"]: e.get("forbids", []) for path in ASSIGNMENTS for e in tomllib.loads(path.read_text())["exercise"]}
SOFTMAX, ATTENTION = EXERCISES["softmax"], EXERCISES["attention_scores"]


def nothing_seen(x: Any) -> Any:
    with torch._C.DisableTorchFunction():
        return torch.softmax(x, -1)


def answer(source: str, forbidden: list[str], *args: Any) -> Message:
    namespace: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "nn": torch.nn, "nothing_seen": nothing_seen}
    exec(source, namespace)
    return Executor(namespace, forbidden).answer(Call(target="f", args=args or (torch.randn(2, 4),)))


@pytest.mark.parametrize("name", sorted({name for names in EXERCISES.values() for name in names}))
def test_every_forbidden_name_of_the_course_exists(name: str) -> None:
    assert callable(resolve(name))


SOFTMAXES = {
    "torch": "torch.softmax(x, -1)",
    "its module": "F.softmax(x, -1)",
    "a method": "x.softmax(-1)",
    "a class": "nn.Softmax(-1)(x)",
    "a class without its call": "nn.Softmax(-1).forward(x)",
    "a class of a class": "type('Mine', (nn.Softmax,), {})(-1)(x)",
    "getattr": "getattr(torch, 'soft' + 'max')(x, -1)",
    "importlib": "__import__('importlib').import_module('torch').softmax(x, -1)",
    "torch._C": "torch._C._VariableFunctions.softmax(x, -1)",
    "the base class": "torch._C.TensorBase.softmax(x, -1)",
    "special": "torch.special.softmax(x, -1)",
    "the logarithm": "torch.log_softmax(x, -1).exp()",
    "softmin": "F.softmin(-x, -1)",
    "a way around in torch.ops": "torch.ops.aten.softmax(x, -1)",
    "its implementation in torch.ops": "torch.ops.aten._softmax(x, -1, False)",
    "its private name": "torch._softmax(x, -1, False)",
    "its operator": "torch.ops.aten._softmax.default(x, -1, False)",
    "the dispatcher": "torch._C._jit_get_operation('aten::softmax')[0](x, -1)",
    "vmap": "torch.vmap(lambda row: torch.softmax(row, -1))(x)",
    "vmap of an operator": "torch.vmap(lambda row: torch.ops.aten.softmax(row, -1))(x)",
    "a gradient": "torch.func.grad(lambda y: torch.softmax(y, -1).sum())(x)",
    "masked": "torch.masked.softmax(x, -1)",
    "a function without its mode": "nothing_seen(x)",
}


@pytest.mark.parametrize("expression", SOFTMAXES.values(), ids=SOFTMAXES)
def test_softmax_is_found_whatever_it_is_called(expression: str) -> None:
    assert isinstance(answer(f"def f(x): return {expression}", SOFTMAX), Forbidden)


def test_an_alias_made_before_is_found() -> None:
    assert answer("from torch import softmax as mine\ndef f(x): return mine(x, -1)", SOFTMAX) == Forbidden(
        name="torch.softmax"
    )


@pytest.mark.parametrize("kind", ["Exception", "BaseException"])
def test_catching_every_exception_does_not_hide_it(kind: str) -> None:
    source = f"def f(x):\n    try: return torch.softmax(x, -1)\n    except {kind}: return x"
    assert answer(source, SOFTMAX) == Forbidden(name="torch.softmax")


THREADS = {
    "a thread": "threads = threading.Thread(target=work); threads.start(); threads.join()",
    "a thread of a thread": "outer = threading.Thread(target=start); outer.start(); outer.join()",
    "a pool": "concurrent.futures.ThreadPoolExecutor(1).submit(work).result()",
    "a thread without its module": "_thread.start_new_thread(work, ()); done.wait(5)",
    "a class of threads": "mine = Mine(); mine.start(); mine.join()",
}
IN_A_THREAD = """
import _thread, concurrent.futures, threading

def f(x):
    found, done = [x], threading.Event()

    def work():
        try: found.append(torch.softmax(x, -1))
        except BaseException: pass
        finally: done.set()

    def start():
        inner = threading.Thread(target=work); inner.start(); inner.join()

    class Mine(threading.Thread):
        def run(self): work()

    {way}
    return found[-1]
"""


@pytest.mark.parametrize("way", THREADS.values(), ids=THREADS)
def test_a_thread_of_its_own_does_not_hide_it(way: str) -> None:
    assert answer(IN_A_THREAD.format(way=way), SOFTMAX) == Forbidden(name="torch.softmax")


@pytest.mark.parametrize("way", THREADS.values(), ids=THREADS)
def test_threads_that_take_no_shortcut_are_allowed(way: str) -> None:
    assert isinstance(answer(IN_A_THREAD.format(way=way).replace("torch.softmax(x, -1)", "x.exp()"), SOFTMAX), Value)


FROM_BEFORE = """
import queue, threading
questions, answers = queue.Queue(), queue.Queue()

def work():
    answers.put(torch.ones(2).softmax(-1))  # while the cells run it is nobody's business
    while True:
        try: answers.put(torch.softmax(questions.get(), -1))
        except BaseException: answers.put(None)

threading.Thread(target=work, daemon=True).start()
answers.get()

def f(x):
    questions.put(x)
    return answers.get()
"""


def test_a_thread_from_before_the_call_does_not_hide_it() -> None:
    executor = Executor({"torch": torch}, SOFTMAX)
    with executor.watch.new_threads():
        exec(FROM_BEFORE, executor.namespace)
    assert executor.answer(Call(target="f", args=(torch.randn(2, 4),))) == Forbidden(name="torch.softmax")


def test_threads_are_started_as_before_once_the_call_is_over() -> None:
    before = _thread.start_new_thread, threading._start_new_thread  # type: ignore[attr-defined]  # Python's own
    answer("def f(x): return x", SOFTMAX)
    assert before == (_thread.start_new_thread, threading._start_new_thread)  # type: ignore[attr-defined]  # as above


ATTENTIONS = {
    "its function": "F.scaled_dot_product_attention(x, x, x)",
    "torch.ops": "torch.ops.aten.scaled_dot_product_attention(x, x, x)",
    "a layer": "nn.MultiheadAttention(4, 1)(x, x, x)[0]",
    "a layer without its call": "nn.MultiheadAttention(4, 1).forward(x, x, x)[0]",
    "a layer that is not trained": "nn.MultiheadAttention(4, 1, batch_first=True).eval()(x[None], x[None], x[None])[0]",
    "a layer of layers": "nn.TransformerEncoderLayer(4, 1)(x)",
}


@pytest.mark.parametrize("expression", ATTENTIONS.values(), ids=ATTENTIONS)
def test_attention_is_found_wherever_it_is_hidden(expression: str) -> None:
    assert isinstance(answer(f"def f(x): return {expression}", ATTENTION), Forbidden)


HONEST = {
    "a comment": "x.exp()  # torch.softmax(x, -1)",
    "a text": "len('torch.softmax(x, -1)')",
    "a name of its own": "softmax(x)",
    "the parts of it": "x.exp() / x.exp().sum(-1, keepdim=True)",
    "logsumexp": "(x - x.logsumexp(-1, keepdim=True)).exp()",
    "a linear layer": "nn.Linear(4, 2)(x)",
    "mentioning it": "torch.softmax is F.softmax",
}


@pytest.mark.parametrize("expression", HONEST.values(), ids=HONEST)
def test_what_only_looks_like_it_is_allowed(expression: str) -> None:
    assert isinstance(answer(f"def softmax(x): return x\ndef f(x): return {expression}", SOFTMAX + ATTENTION), Value)


def test_what_is_not_forbidden_here_is_allowed() -> None:
    assert isinstance(answer("def f(x): return torch.softmax(x, -1)", ATTENTION), Value)


def test_gradients_flow_while_watched() -> None:
    executor = Executor({"f": lambda x: x.exp()}, SOFTMAX)
    found = executor.answer(Call(target="f", args=(torch.ones(2),), want="gradients"))
    assert isinstance(found, Value)
    assert torch.allclose(found.value[1][0], torch.ones(2).exp())


def test_the_watch_ends_with_the_call_however_that_ends() -> None:
    for source in (
        "def f(x): return torch.softmax(x, -1)",
        "def f(x): return nn.Softmax(-1)(x)",
        "def f(x): return 1 / 0",
    ):
        answer(source, SOFTMAX)
    assert torch.softmax(torch.ones(2), -1).tolist() == [0.5, 0.5]
    assert torch.nn.Softmax(-1)(torch.ones(2)).tolist() == [0.5, 0.5]


def test_the_watch_itself_raises_what_no_except_exception_catches() -> None:
    with pytest.raises(ForbiddenShortcut), Watch(["torch.softmax"]):
        torch.softmax(torch.ones(2), -1)
    assert not issubclass(ForbiddenShortcut, Exception)


@pytest.mark.parametrize("name", ["torch.sofmax", "no_such_package.f", "torch"])
def test_a_name_that_stands_for_nothing_is_refused(name: str) -> None:
    with pytest.raises(LookupError, match=name):
        resolve(name)
