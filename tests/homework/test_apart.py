"""The self-check in a process of its own: what student code does there is told, and does no harm here."""

import os
import signal
import time

import pytest

from autograder.cell import Cell
from autograder.homework.apart import Apart, CellRaised, Checked, Ended, Printed, Running

RIGHT = "def softmax(x, dim=-1):\n    import torch\n    return torch.exp(x) / torch.exp(x).sum(dim, keepdim=True)"


@pytest.fixture
def run(assignment):
    """Check `softmax` in a cell of this source, and return all that happens."""

    def run(source):
        apart = Apart([Cell("softmax", source)], assignment, ["softmax"])
        happened = []
        while not happened or not isinstance(happened[-1], Ended):
            if (event := apart.next(60)) is None:
                pytest.fail(f"nothing happened for a minute after {happened}")
            happened.append(event)
        apart.stop()
        return happened

    return run


def test_what_happens_is_told_in_its_order(run):
    begun, checks, checked, ended = run(RIGHT)
    assert (begun, checks) == (Running("the cell softmax"), Running("the checks of softmax"))
    assert isinstance(checked, Checked)
    assert checked.result.id == "softmax"
    assert not checked.result.passed  # exp(1024) is infinite
    assert "For a hint: autograder hint softmax" in checked.text
    assert ended == Ended(0, "the checks of softmax")


def test_a_named_mistake_is_told_with_its_hints(run):
    source = "def softmax(x, dim=-1):\n    e = (x - x.amax()).exp()\n    return e / e.sum()"
    (checked,) = (event for event in run(source) if isinstance(event, Checked))
    assert checked.named.name == "softmax_over_everything"
    assert len(checked.named.hints) == 3


def test_what_is_printed_is_told_line_by_line(run):
    source = "import sys\nprint('one\\ntwo')\nprint('half \\ud800 a character')\nsys.stderr.write('three')"
    printed = [event.text for event in run(source) if isinstance(event, Printed)]
    assert printed == ["one", "two", "half ? a character", "three"]


def test_a_cell_that_raises_is_told_with_its_line(run):
    (raised,) = (event for event in run("x = 1\nx.nothing") if isinstance(event, CellRaised))
    assert raised.cell == "softmax"
    assert raised.error.startswith("AttributeError")
    assert raised.where.startswith("line 2 of softmax")


def test_code_that_ends_the_process_ends_it_alone(run):
    assert run("import os\nos._exit(3)")[-1] == Ended(3, "the cell softmax")
    crash = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    assert run(crash)[-1] == Ended(-signal.SIGKILL, "the cell softmax")


def test_nothing_can_be_typed_into_it(run):
    (raised,) = (event for event in run("input()") if isinstance(event, CellRaised))
    assert raised.error.startswith("EOFError")


def test_what_is_stopped_is_gone(assignment):
    apart = Apart([Cell("softmax", "import os\nprint(os.getpid())\nwhile True: pass")], assignment, ["softmax"])
    events = [apart.next(60), apart.next(60)]
    (pid,) = (int(event.text) for event in events if isinstance(event, Printed))
    apart.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_two_at_once_do_not_disturb_each_other(assignment):
    several = [Apart([Cell("softmax", f"print({number})")], assignment, []) for number in range(3)]
    time.sleep(0.01)
    for number, apart in enumerate(several):
        told = [apart.next(60) for _ in range(3)]
        assert Printed(str(number)) in told
        apart.stop()
