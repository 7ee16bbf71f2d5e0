"""What JavaScript computes for the live pictures is what Python computes for the static ones."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from autograder.playground import shapes
from autograder.playground.sampling import FOLLOWERS, outcomes

SCRIPTS = Path(shapes.__file__).parent
TEMPERATURES = (0, 0.3, 0.7, 1, 1.5, 2)
KS = (None, 1, 2, 3, 4, 7, 12, 18, 100)
PS = (None, 0.05, 0.1, 0.25, 0.5, 0.55, 0.75, 0.8, 0.9, 0.95, 1)


def call(page: Any, script: str, function: str, calls: list[Any]) -> list[Any]:
    """Import one of our scripts in the browser and call a function of it, once for each list of arguments."""
    source = base64.b64encode((SCRIPTS / script).read_bytes()).decode("ascii")
    # As text: Playwright takes much longer to hand over thousands of values one by one.
    run = """async ([url, name, calls]) => {
        const module = await import(url);
        return JSON.stringify(JSON.parse(calls).map((call) => module[name](...call)));
    }"""
    answer = page.evaluate(run, [f"data:text/javascript;base64,{source}", function, json.dumps(calls)])
    results: list[Any] = json.loads(answer)
    return results


def test_shapes_multiplications_and_memory_are_the_same_at_every_place_of_the_sliders(page: Any) -> None:
    sizes = [shapes.sizes(*place) for place in itertools.product((1, 4), (1, 10), range(1, 25), range(1, 9))]
    places = [(step, size) for step in shapes.STEPS for size in sizes if size["d"]]
    found = call(page, "tensors.js", "numbersOf", [[asdict(step), size, shapes.BYTES] for step, size in places])
    for (step, size), numbers in zip(places, found, strict=True):
        assert tuple(numbers["shape"]) == shapes.shape(step, size)
        assert numbers["multiplications"] == shapes.multiplications(step, size)
        assert numbers["memory"] == shapes.memory(step, size)


@pytest.mark.parametrize("word", FOLLOWERS)
def test_survivors_and_probabilities_are_the_same_for_all_knobs(page: Any, word: str) -> None:
    counts = sorted(FOLLOWERS[word].values(), reverse=True)
    knobs = list(itertools.product(TEMPERATURES, KS, PS))
    found = call(page, "sampling.js", "outcomes", [[counts, *knob] for knob in knobs])
    for knob, of_js in zip(knobs, found, strict=True):
        of_python = outcomes(FOLLOWERS[word], *knob)
        assert [o["fate"] for o in of_js] == [o.fate for o in of_python], knob
        assert [o["probability"] for o in of_js] == pytest.approx([o.probability for o in of_python])
        assert [o["before"] for o in of_js] == pytest.approx([o.before for o in of_python])
