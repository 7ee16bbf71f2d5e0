"""Which exercises are checked again after a save, and that a look is given up when the file is saved meanwhile."""

import os

import pytest

from autograder.cell import Cell
from autograder.homework.apart import Apart, Ended, Printed
from autograder.homework.watch import saves, stamp, to_check

BEFORE = [
    Cell("setup", "import torch"),
    *(Cell(name, "") for name in ("softmax", "attention_scores", "attention_weights")),
]


@pytest.fixture
def names(assignment):
    return [e.id for e in assignment.exercises]


def with_cell(name, source):
    return [Cell(name, source) if cell.name == name else cell for cell in BEFORE]


def test_at_first_everything_is_checked(assignment, names):
    assert to_check(assignment, names, None, BEFORE) == names


def test_then_what_changed_and_what_stands_on_it(assignment, names):
    assert to_check(assignment, names, BEFORE, with_cell("attention_scores", "1")) == [
        *("attention_scores", "scaled_dot_product_attention", "SelfAttention")
    ]
    assert to_check(assignment, ["softmax"], BEFORE, with_cell("attention_scores", "1")) == []
    assert to_check(assignment, names, BEFORE, list(BEFORE)) == []


def test_what_belongs_to_no_exercise_may_change_any(assignment, names):
    assert to_check(assignment, names, BEFORE, with_cell("setup", "import math")) == names
    assert to_check(assignment, names, BEFORE, BEFORE[::-1]) == names
    assert to_check(assignment, names, BEFORE, BEFORE[:-1]) == names


def test_each_save_is_seen_also_by_programs_that_put_a_new_file_in_the_old_ones_place(tmp_path):
    path, new = tmp_path / "a.ipynb", tmp_path / "b"
    path.write_text("1")
    seen = saves(path)
    first = next(seen)
    new.write_text("2")
    os.utime(new, ns=(first[0], first[0]))
    new.replace(path)
    assert next(seen) not in (first, (0, 0))


def test_a_look_at_a_file_that_is_saved_meanwhile_is_given_up(tmp_path, assignment):
    path = tmp_path / "a.ipynb"
    path.write_text("1")
    begun = stamp(path)
    apart = Apart([Cell("softmax", "print('here')\nwhile True: pass")], assignment, ["softmax"])
    happened = []
    for event in apart.events(lambda: stamp(path) == begun):
        happened.append(event)
        if isinstance(event, Printed):
            path.write_text("22")
            os.utime(path, ns=(begun[0] + 1, begun[0] + 1))
    assert not any(isinstance(event, Ended) for event in happened)
