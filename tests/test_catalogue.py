"""The catalogue: entries are cut out, renamed and put in the reference's place, in later exercises too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.authoring import Alternative, Misconception, check_info
from autograder.catalogue import Catalogue, Variant, load_module, renamed
from autograder.course import Course, read_assignment
from autograder.errors import UsageError

X = torch.tensor([1.0, 2.0, 6.0])
FOLDER = Path("assignments") / "01_small"


def named(variants: list[Variant], name: str) -> Variant:
    return next(v for v in variants if v.entry.name == name)


def run(catalogue: Catalogue, name: str, exercise: str, *args: Any) -> Any:
    variant = named(catalogue.mistakes_in(exercise), name)
    return catalogue.namespace(variant)[exercise](*args)


def again(small: Course) -> Catalogue:
    return Catalogue(small.assignments[0])


def test_entries_are_read_in_the_order_of_the_file(catalogue: Catalogue) -> None:
    assert [v.entry.name for v in catalogue.misconceptions] == ["squared", "tripled", "moved_too_early"]
    assert [v.entry.name for v in catalogue.alternatives] == ["added"]
    entry = catalogue.misconceptions[0].entry
    assert isinstance(entry, Misconception)
    assert (entry.exercise, entry.title, entry.hints[0]) == ("double", "x is squared", "a question")
    assert isinstance(catalogue.alternatives[0].entry, Alternative)


def test_the_source_is_a_cell_that_defines_the_exercise(catalogue: Catalogue) -> None:
    assert catalogue.misconceptions[0].source == "def double(x):\n    return x * x  # a comment that stays"


def test_a_mistake_takes_the_place_of_the_reference(catalogue: Catalogue) -> None:
    assert torch.equal(run(catalogue, "squared", "double", X), X * X)
    assert torch.equal(catalogue.reference["double"](X), 2 * X)


def test_an_alternative_takes_the_place_of_the_reference(catalogue: Catalogue) -> None:
    assert torch.equal(catalogue.namespace(catalogue.alternatives[0])["double"](X), 2 * X)


def test_a_mistake_is_known_in_every_exercise_that_stands_on_it(catalogue: Catalogue) -> None:
    names = {e: [v.entry.name for v in catalogue.mistakes_in(e)] for e in ("double", "shift", "centre")}
    assert names == {
        "double": ["squared", "tripled"],
        "shift": ["moved_too_early", "squared", "tripled"],
        "centre": ["squared", "tripled", "moved_too_early"],
    }


def test_inlined_mistakes_have_the_numbers_of_that_mistake(catalogue: Catalogue) -> None:
    assert torch.equal(run(catalogue, "squared", "shift", X, 1.0), X * X + 1)
    assert torch.equal(run(catalogue, "moved_too_early", "shift", X, 1.0), 2 * (X + 1))
    assert torch.equal(run(catalogue, "tripled", "centre", X), 3 * X - 9)
    assert torch.equal(run(catalogue, "moved_too_early", "centre", X), 2 * (X - 6))


def test_an_inlined_mistake_leaves_the_earlier_exercise_as_it_is(catalogue: Catalogue) -> None:
    variant = named(catalogue.mistakes_in("centre"), "squared")
    assert torch.equal(catalogue.namespace(variant)["double"](X), 2 * X)


def test_a_class_is_renamed_with_what_it_uses() -> None:
    source = "class Old:\n    def clone(self):\n        return Old()\n    text = 'Old'"
    namespace: dict[str, Any] = {}
    exec(renamed(source, {"Old": "New"}), namespace)
    assert type(namespace["New"]().clone()).__name__ == "New"
    assert namespace["New"].text == "Old"


def test_a_longer_name_that_begins_the_same_is_not_renamed() -> None:
    assert renamed("def soft(x):\n    return softmax(x)", {"soft": "hard"}) == "def hard(x):\n    return softmax(x)"


def test_an_assignment_without_misconceptions_has_none(small: Course) -> None:
    for name in ("misconceptions.py", "alternatives.py"):
        (small.root / FOLDER / name).unlink()
    assert again(small).misconceptions == again(small).alternatives == []


def test_a_release_has_no_catalogue(small: Course) -> None:
    with pytest.raises(UsageError, match="no reference solutions"):
        Catalogue(read_assignment(small.root / FOLDER))


def test_an_entry_of_an_unknown_exercise_is_refused(small: Course) -> None:
    path = small.root / FOLDER / "misconceptions.py"
    path.write_text(path.read_text().replace('"shift", title', '"shfit", title'))
    with pytest.raises(UsageError, match="no exercise 'shfit'"):
        again(small)


def test_two_entries_of_one_name_are_refused(small: Course) -> None:
    path = small.root / FOLDER / "misconceptions.py"
    path.write_text(path.read_text().replace("def tripled(x)", "def squared(x)"))
    with pytest.raises(UsageError, match="two entries are called squared"):
        again(small)


@pytest.mark.parametrize("text", ["def double(x", "import no_such_module_anywhere", "1 / 0"])
def test_a_file_that_cannot_be_imported_is_named(small: Course, text: str) -> None:
    path = small.root / FOLDER / "misconceptions.py"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"misconceptions\.py cannot be imported"):
        again(small)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.py is missing"):
        load_module(tmp_path / "solutions" / "gone.py")


def test_a_function_that_says_nothing_is_no_check() -> None:
    info = check_info(lambda: None)
    assert (info.exercise, info.points, info.catches) == ("", 0.0, ())
