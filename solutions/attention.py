"""Scaled dot-product attention, from the softmax up to a trainable layer, and a test of its heart.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1 and equation 1,
https://arxiv.org/abs/1706.03762.

Axes, here and in the whole course:

    B   sentences in the batch          d    width of a query and of a key (d_k in the paper)
    L   positions in a sentence         dv   width of a value
    Lq  positions that ask (queries)    D    width of the model
    Lk  positions that answer (keys)    ...  any leading axes: none, a batch, a batch and heads

Deviations from the paper: a query that may attend to nothing gets weights and an output of exactly 0. The paper does
not treat that case, and the plain formula divides 0 by 0 there. `SelfAttention` has one head and no output projection;
both come with multi-head attention.
"""

import math
from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Turn scores along one axis into weights: positive, with sum 1, larger for a larger score.

    The result must be right for large scores (1000 and more) and for scores of -inf, which get a weight of exactly 0.
    A row that holds nothing but -inf has nothing to choose from: all its weights are 0.

    Shapes: x of any shape -> the same shape and dtype
    Source: Goodfellow, Bengio and Courville 2016, "Deep Learning", section 4.1 (overflow and underflow).
    """
    # exp(89) overflows float32. The same constant subtracted from every score cancels in the quotient, so the largest
    # score may serve: every exponent is then at most 0.
    peak = x.detach().amax(dim, keepdim=True)
    # A row of only -inf would compute -inf - (-inf), which is nan. Any finite peak will do for it.
    peak = peak.masked_fill(peak == -math.inf, 0.0)
    powers = torch.exp(x - peak)
    total = powers.sum(dim, keepdim=True)
    # For such a row the total is 0 as well, and 0 / 0 is nan. 0 / 1 is the 0 that we want, with a gradient of 0.
    return powers / total.masked_fill(total == 0, 1.0)


def attention_scores(q: Tensor, k: Tensor) -> Tensor:
    """Compare every query with every key: dot products, divided by the square root of the width.

    Row i of the result belongs to query i, column j to key j. Any number of leading axes is carried along.

    Shapes: q (..., Lq, d), k (..., Lk, d) -> (..., Lq, Lk)
    Raises: ValueError when queries and keys differ in width.
    Source: Vaswani et al. 2017, section 3.2.1; footnote 4 explains the root.
    """
    d = q.size(-1)
    if k.size(-1) != d:
        raise ValueError(f"q and k must have the same width, got d = {d} for q and {k.size(-1)} for k")
    # The last two axes, counted from the end: `.T` would turn the batch around as well.
    scores = q @ k.transpose(-2, -1)                                    # (..., Lq, Lk)
    # A dot product of d independent terms with variance 1 has variance d. Its standard deviation grows with the root,
    # and so the root, not d itself, brings the scores back to variance 1, whatever the width.
    return scores / math.sqrt(d)


def attention_weights(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Turn scores into weights: how much each query takes from each key.

    The weights of one query sum to 1 over the keys that it may attend to. A key that it may not attend to gets exactly
    0 and has no influence on the others. A query that may attend to nothing gets only zeros.

    Shapes: scores (..., Lq, Lk), mask broadcastable to it, bool, True = may attend -> (..., Lq, Lk)
    Raises: ValueError when the mask is not a bool tensor.
    Source: Vaswani et al. 2017, section 3.2.1 and, for the mask, section 3.2.3.
    """
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError(f"mask must be bool, True where a query may attend, got {mask.dtype}")
        # Before the softmax: a key that is struck out later has already taken its share of the sum. And -inf, not a
        # large number such as -1e9: half precision cannot hold it, and against scores of that size it hides nothing.
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores, dim=-1)


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Attention: every query receives the average of the values, weighted by how well their keys answer it.

    Returns two tensors: the output and the weights that produced it.

    Shapes: q (..., Lq, d), k (..., Lk, d), v (..., Lk, dv),
            mask broadcastable to (..., Lq, Lk), bool, True = may attend
            -> output (..., Lq, dv), weights (..., Lq, Lk)
    Source: Vaswani et al. 2017, equation 1: Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V.
    """
    weights = attention_weights(attention_scores(q, k), mask)           # (..., Lq, Lk)
    # Keys were for finding; from here on only values count. Their width is free, so dv shows up only now.
    return weights @ v, weights                                         # (..., Lq, dv)


class SelfAttention(nn.Module):
    """One head of self-attention: a sentence asks itself.

    The layer learns three linear maps without bias, `w_q`, `w_k` and `w_v`, each from width D to width d_k. They turn
    every position into a query, a key and a value.

    Shapes: x (B, L, D), mask broadcastable to (B, L, L), bool, True = may attend
            -> output (B, L, d_k), weights (B, L, L)
    Source: Vaswani et al. 2017, section 3.2.2, one head without the output projection.
    """

    def __init__(self, d_model: int, d_k: int | None = None) -> None:
        """Create the three maps; d_k defaults to d_model."""
        super().__init__()
        d_k = d_model if d_k is None else d_k
        # Three maps, not one used three times: what a word looks for is not what it has to offer.
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Attend within x; returns the output and the weights."""
        q, k, v = self.w_q(x), self.w_k(x), self.w_v(x)                 # each (B, L, d_k)
        return scaled_dot_product_attention(q, k, v, mask)


def plot_attention(
    weights: Tensor, query_tokens: list[str], key_tokens: list[str], ax: Axes | None = None
) -> Axes:
    """Draw attention weights as a heatmap: one row for each query, one column for each key.

    The colour scale runs from 0 to 1 in every picture, so that two pictures can be compared. The ticks carry the
    tokens. Draws into `ax` when one is given, into a new figure otherwise, and returns the Axes; it does not show them.

    Shapes: weights (Lq, Lk), with Lq query tokens and Lk key tokens
    Raises: ValueError when the weights do not have one row per query token and one column per key token.
    """
    expected = (len(query_tokens), len(key_tokens))
    if tuple(weights.shape) != expected:
        raise ValueError(f"weights must be (query tokens, key tokens) = {expected}, got {tuple(weights.shape)}")
    if ax is None:
        _, ax = plt.subplots()
    # Weights from a layer carry a graph and may lie on a GPU. matplotlib draws NumPy arrays, which do neither.
    ax.imshow(weights.detach().cpu().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens, rotation=90)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    ax.set_xlabel("key")
    ax.set_ylabel("query")
    return ax


def causal_weights(scores: Tensor) -> Tensor:
    """Turn scores into weights when each position may attend to itself and to what stands before it, no further.

    The weights of position i sum to 1 over the positions 0 to i. A later position gets exactly 0 and has no influence,
    whatever its score.

    Shapes: scores (..., L, L) -> (..., L, L), the same dtype
    Source: Vaswani et al. 2017, section 3.2.3.
    """
    length = scores.size(-1)
    past = torch.ones(length, length, dtype=torch.bool, device=scores.device).tril()
    # The softmax knows differences only. A score of 1e-9 is an ordinary score, and often the best of its row; -1e9,
    # with its sign in front of the number and not in the exponent, is what the authors of that bug had in mind.
    return softmax(scores.masked_fill(~past, -math.inf), dim=-1)


def test_attention_weights(attention_weights: Callable[..., Tensor]) -> None:
    """Test a function that claims to be `attention_weights`: raise an exception if it is wrong, else return.

    What it has to do stands in the docstring of `attention_weights`. It may be written in any way: rounding and the
    choice of a very low score for hidden keys make no difference that counts.

    Raises: AssertionError, or any other exception, when the function is wrong.
    """
    generator = torch.Generator().manual_seed(1)
    # Unequal lengths, and zero, one and two axes before them: an axis mistaken for another one shows up somewhere.
    for leading in ((), (2,), (2, 3)):
        scores = torch.randn(*leading, 4, 5, generator=generator)
        assert torch.allclose(attention_weights(scores), torch.softmax(scores, dim=-1), atol=1e-6)

        # A hidden key might as well not be there. So the oracle does without it, and without a fill value: it takes
        # the softmax over the keys that are left, one query at a time.
        mask = torch.rand(4, 5, generator=generator) < 0.6
        mask[:, 2] = True                                               # each query keeps a key...
        mask[:, 4] = False                                              # ...and loses one
        expected = torch.zeros_like(scores)
        for i in range(4):
            expected[..., i, mask[i]] = torch.softmax(scores[..., i, mask[i]], dim=-1)
        # The mask has two axes and the scores up to four: it must be broadcast.
        assert torch.allclose(attention_weights(scores, mask), expected, atol=1e-6)
        # Only differences count. A score that was meant to be "low enough" for hidden keys is not, beside these.
        assert torch.allclose(attention_weights(scores - 300.0 * mask, mask), expected, atol=1e-4)

    # Nothing to attend to: zeros, and gradients that are numbers.
    scores = torch.randn(2, 3, generator=generator, requires_grad=True)
    weights = attention_weights(scores, torch.tensor([[True, True, False], [False, False, False]]))
    assert torch.equal(weights[1], torch.zeros(3))
    (gradient,) = torch.autograd.grad(weights.square().sum(), scores)
    assert gradient.isfinite().all()

    try:
        attention_weights(torch.zeros(2, 3), torch.ones(2, 3))
    except ValueError:
        return
    raise AssertionError("a mask of numbers must be refused")
