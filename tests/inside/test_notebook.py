"""Running cells: as Jupyter would, but one cell's trouble is not the next one's."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from autograder.cell import Cell
from autograder.inside.notebook import run_cells
from autograder.sandbox import Sandbox
from autograder.wire import Call, Load, Loaded


def run(*sources: str) -> tuple[dict[str, Any], Loaded, list[int]]:
    started: list[int] = []
    cells = [Cell(f"cell {i}", source) for i, source in enumerate(sources)]
    namespace, loaded = run_cells(cells, started.append)
    return namespace, loaded, started


def test_cells_share_a_namespace() -> None:
    namespace, loaded, started = run("a = 1", "b = a + 1", "def f(): return b")
    assert namespace["f"]() == 2
    assert loaded.errors == {}
    assert started == [0, 1, 2]


def test_two_notebooks_share_nothing() -> None:
    run("shared = 1")
    assert "shared" not in run("b = 1")[0]


def test_a_cell_that_raises_leaves_what_it_had_done_and_does_not_stop_the_next() -> None:
    namespace, loaded, _ = run("a = 1\nb = 1 / 0\nc = 1", "d = a")
    assert namespace["d"] == 1
    assert "c" not in namespace
    assert (loaded.errors[0].kind, loaded.errors[0].where) == ("ZeroDivisionError", "line 2 of cell 0: b = 1 / 0")


def test_a_syntax_error_is_named_with_its_line() -> None:
    _, loaded, _ = run("a = 1\nb = (", "c = 1")
    assert list(loaded.errors) == [0]
    assert loaded.errors[0].kind == "SyntaxError"
    assert loaded.errors[0].where == "line 2 of cell 0: b = ("


@pytest.mark.parametrize("source", ["\0", "x = '\ud800'", "import no_such_module", "raise SystemExit", "return 1"])
def test_nothing_that_a_cell_holds_stops_the_next(source: str) -> None:
    namespace, loaded, _ = run(source, "a = 1")
    assert namespace["a"] == 1
    assert list(loaded.errors) == [0]


def test_the_last_definition_counts() -> None:
    assert run("def f(): return 1", "def f(): return 2")[0]["f"]() == 2


def test_functions_and_classes_that_were_defined_are_listed() -> None:
    _, loaded, _ = run("import math\nx = 1\ndef f(): ...\nclass G: ...\ndef _private(): ...")
    assert {"f", "G"} <= set(loaded.defined)
    assert not {"x", "math", "_private"} & set(loaded.defined)


def test_the_notebook_is_the_main_module() -> None:
    assert run("if __name__ == '__main__': a = 1")[0]["a"] == 1


def test_what_only_matters_when_somebody_looks_does_nothing() -> None:
    namespace, loaded, _ = run("display(1)", "get_ipython().run_line_magic('matplotlib', 'inline')\na = 1")
    assert loaded.errors == {}
    assert namespace["a"] == 1


@pytest.mark.parametrize(
    "line", ["%matplotlib inline", "%load_ext autoreload", "!pip install torch", "!ls | wc", "softmax?", "%time x = 1"]
)
def test_magics_and_commands_do_not_cost_the_rest_of_the_cell(line: str) -> None:
    namespace, loaded, _ = run(f"a = 1\n{line}\nb = 2")
    assert loaded.errors == {}
    assert (namespace["a"], namespace["b"]) == (1, 2)


@pytest.mark.parametrize("magic", ["%%time", "%%capture", "%%capture output"])
def test_a_magic_around_a_cell_does_not_cost_the_cell(magic: str) -> None:
    assert run(f"{magic}\ndef f(): return 1")[0]["f"]() == 1


def test_annotations_are_evaluated_as_in_jupyter() -> None:
    namespace, loaded, _ = run("def f(x: int): ...", "def g(x: Unknown): ...")
    assert namespace["f"].__annotations__ == {"x": int}
    assert loaded.errors[1].kind == "NameError"


# ---- in a child ---------------------------------------------------------------------------------------------------


def in_a_child(sandbox: Sandbox, *sources: str) -> Any:
    with sandbox.open(Load(cells=[Cell(f"cell {i}", source) for i, source in enumerate(sources)])) as inside:
        assert inside.errors == {}
        return inside.call(Call(target="f"))


def test_the_self_check_of_a_notebook_does_nothing_inside(sandbox: Sandbox) -> None:
    source = "from autograder import check, after\ncheck('softmax')\nwith after('softmax'): x = 1\ndef f(): return x"
    assert in_a_child(sandbox, source) == 1


def test_figures_of_the_notebook_are_not_shown_and_not_charged_to_a_later_call(sandbox: Sandbox) -> None:
    cells = (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "def f(): return plt.subplots()[1]",
    )
    assert in_a_child(sandbox, *cells).shown is False


def test_random_numbers_are_the_same_in_every_child(sandbox: Sandbox) -> None:
    source = """
import random, numpy, torch
x = random.random(), float(numpy.random.rand()), float(torch.rand(()))
def f(): return x
"""
    assert in_a_child(sandbox, source) == in_a_child(sandbox, source)


def test_what_runs_inside_imports_nothing_of_the_kit_that_knows_answers() -> None:
    program = (
        "import sys, autograder.inside.zygote\n"
        "print(*sorted(n for n in sys.modules if n.startswith('autograder.') and '.inside' not in n))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"autograder.wire", "autograder.tensors", "autograder.errors", "autograder.cell"}
