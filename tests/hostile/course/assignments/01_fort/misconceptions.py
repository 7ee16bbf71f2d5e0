"""One known mistake, to see that naming it survives a hostile class."""

from autograder.authoring import misconception


@misconception(
    "attention", title="the scores are not divided by the root of the width", hints=("a", "b", "c"), seen_in="plausible"
)
def no_scale(q, k, v):
    weights = softmax(q @ k.transpose(-2, -1), dim=-1)
    return weights @ v, weights
