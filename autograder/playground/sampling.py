"""Which words survive temperature, top-k and top-p, and how probable each of them is then.

The conventions are those of the course: temperature, then top-k, then top-p, each seeing what the one before has left;
exactly k stay; a word stays while the probability before it is below p; of equal words the first in the alphabet wins.
`sampling.js` does the same for the live picture. Tests hold both to the reference solutions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FOLLOWERS: dict[str, dict[str, int]] = {
    "has": {
        "a": 21, "already": 1, "an": 9, "been": 22, "class": 1, "completed": 1, "failed": 1, "happened": 1, "its": 5,
        "leading": 1, "live": 1, "never": 2, "no": 7, "not": 2, "one": 3, "priority": 4, "the": 8, "to": 1,
    },
    "such": {
        "a": 8, "additions": 1, "an": 1, "as": 54, "attributes": 1, "cases": 1, "decisions": 1, "details": 1,
        "globals": 2, "inside": 2, "objects": 2, "retrieval": 1, "scopes": 2, "strings": 1, "that": 10, "there": 1,
        "they": 1, "types": 1, "value": 1,
    },
    "there": {"and": 1, "are": 32, "can": 3, "in": 1, "is": 46, "isn't": 1, "it": 2, "the": 4, "were": 3},
}  # fmt: skip
"""How often each word comes next, after three words, in the language reference that every Python carries
(`pydoc_data.topics` of Python 3.11). Words are numbered in the order of the alphabet."""

_ROUNDING = 1e-12  # sums of probabilities that should meet p exactly may miss it by this much


@dataclass(frozen=True)
class Outcome:
    """What became of one word.

    Args:
        word: the word
        untouched: its probability before any knob was touched
        before: the probability of all better words together, as top-p sees it; 0 for words that are gone by then
        probability: what it is drawn with in the end; 0 when it is gone
        fate: "stays", or what has cut it: "temperature 0", "top-k" or "top-p"
    """

    word: str
    untouched: float
    before: float
    probability: float
    fate: str


def outcomes(
    counts: Mapping[str, int], temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> list[Outcome]:
    """Return what becomes of each word, most frequent first.

    Args:
        counts: how often each word was seen, at least 1, in the order of their numbers
        temperature: at least 0; 0 leaves the best word alone
        top_k: how many words stay, at least 1; None for all
        top_p: the probability that the words that stay have at least, in (0, 1]; None for all
    """
    words = sorted(counts, key=lambda word: -counts[word])  # stable: equal ones stay in their order
    fates = ["stays"] * len(words)
    if temperature == 0:
        fates = _cut(fates, 1, "temperature 0")
    if top_k is not None:
        fates = _cut(fates, top_k, "top-k")
    shares = _shares([counts[word] for word in words], temperature or 1.0, fates)
    before = [sum(shares[:rank]) if fate == "stays" else 0.0 for rank, fate in enumerate(fates)]
    if top_p is not None and top_p < 1:
        below = [fate == "stays" and mass < top_p - _ROUNDING for fate, mass in zip(fates, before, strict=True)]
        fates = _cut(fates, sum(below), "top-p")
    final = _shares([counts[word] for word in words], temperature or 1.0, fates)
    untouched = [counts[word] / sum(counts.values()) for word in words]
    return [Outcome(*parts) for parts in zip(words, untouched, before, final, fates, strict=True)]


def _cut(fates: Sequence[str], keep: int, by: str) -> list[str]:
    """Leave the first `keep` words; those after them that were still there are gone."""
    return [by if rank >= keep and fate == "stays" else fate for rank, fate in enumerate(fates)]


def _shares(counts: Sequence[int], temperature: float, fates: Sequence[str]) -> list[float]:
    """Return the softmax of the logits over the words that stay; a logit is the logarithm of a count."""
    powers = [
        math.exp(math.log(count / counts[0]) / temperature) if fate == "stays" else 0.0
        for count, fate in zip(counts, fates, strict=True)
    ]
    return [power / sum(powers) for power in powers]
