"""Which words survive, against the reference solutions, and where the words come from."""

from __future__ import annotations

import itertools
import re
import sys
from collections import Counter

import pytest
import torch

from autograder.playground.sampling import FOLLOWERS, outcomes
from solutions.decoder import apply_temperature, top_k_filter, top_p_filter

TEMPERATURES = (0, 0.3, 0.7, 1, 1.5, 2)
KS = (None, 1, 2, 3, 4, 7, 12, 18, 100)
PS = (None, 0.05, 0.1, 0.25, 0.5, 0.55, 0.75, 0.8, 0.9, 0.95, 1)


def reference(counts: dict[str, int], temperature: float, top_k: int | None, top_p: float | None) -> dict[str, float]:
    """Return the probability of each word in the order of their numbers."""
    logits = torch.tensor(list(counts.values()), dtype=torch.float64).log()
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return dict(zip(counts, torch.softmax(logits, dim=-1).tolist(), strict=True))


@pytest.mark.parametrize("word", FOLLOWERS)
def test_survivors_and_their_probabilities_are_those_of_the_reference(word: str) -> None:
    counts, compared = FOLLOWERS[word], 0
    for temperature, k, p in itertools.product(TEMPERATURES, KS, PS):
        found = outcomes(counts, temperature, k, p)
        if p is not None and any(abs(outcome.before - p) < 1e-9 for outcome in found):
            continue  # the sum meets p exactly; there rounding decides in the reference
        expected = reference(counts, temperature, k, p)
        assert {o.word for o in found if o.fate == "stays"} == {w for w, share in expected.items() if share > 0}
        assert {o.word: o.probability for o in found} == pytest.approx(expected)
        compared += 1
    assert compared > 500


def test_equal_words_are_taken_in_the_order_of_their_numbers() -> None:
    found = outcomes({"z": 1, "b": 3, "a": 1, "y": 1}, top_k=2)
    assert [o.word for o in found if o.fate == "stays"] == ["b", "z"]


def test_a_sum_that_meets_p_exactly_is_enough() -> None:
    found = outcomes({"a": 54, "b": 10, "c": 8}, top_p=0.75)  # 54 of 72 are three quarters
    assert [o.fate for o in found] == ["stays", "top-p", "top-p"]


def test_each_fate_names_the_knob_that_cut_the_word() -> None:
    found = outcomes(FOLLOWERS["there"], temperature=1.0, top_k=3, top_p=0.6)
    assert [o.fate for o in found] == ["stays", "stays", "top-p"] + ["top-k"] * 6
    assert [o.fate for o in outcomes(FOLLOWERS["there"], 0)] == ["stays"] + ["temperature 0"] * 8


def test_before_is_the_sum_that_top_p_sees() -> None:
    found = outcomes({"a": 5, "b": 3, "c": 2, "d": 10}, top_k=3)  # 18 are left
    assert [o.before for o in found] == pytest.approx([0, 10 / 18, 15 / 18, 0])
    assert [o.untouched for o in found] == pytest.approx([0.5, 0.25, 0.15, 0.1])


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python carries another edition of the reference")
def test_the_counts_are_those_of_the_language_reference() -> None:
    from pydoc_data.topics import topics

    text = " ".join(topics[name] for name in sorted(topics)).replace("’", "'").lower()
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", text)
    pairs = Counter(itertools.pairwise(words))
    for word, followers in FOLLOWERS.items():
        here = {b: pairs[word, b] for b in followers}
        # Each bug fix of Python touches a few sentences of its reference.
        assert {b: count for b, count in followers.items() if abs(count - here[b]) > 2} == {}
        assert list(followers) == sorted(followers)
