"""Multi-head attention: several short questions at once, each about something else.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2, https://arxiv.org/abs/1706.03762.

Axes, beyond those of `solutions/attention.py`:

    H   heads                           D    width of the model, D = H * d
    h   one head, from 0 to H - 1       d    width of one head (d_k and d_v in the paper)

Head h owns the channels h * d to (h + 1) * d - 1 of a vector of width D, everywhere in this course.

Deviations from the paper: the maps of all heads are stacked into one matrix for the queries, one for the keys and one
for the values, so that H small products become a single large one; the numbers are the same. The maps have a bias
unless `bias` says otherwise, as in most implementations; the paper writes them without. Dropout acts on the weights,
where the authors' own code has it too; their text does not mention it there.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions.attention import attention_scores, attention_weights


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Cut every vector into num_heads pieces of equal width, and give each head the pieces that are its own.

    Head h gets the channels h * d to (h + 1) * d - 1 of every position: result[b, h, l, j] is x[b, l, h * d + j].

    Shapes: x (B, L, D) -> (B, H, L, d), with H = num_heads and d = D / H
    Raises: ValueError when D is not divisible by num_heads.
    Source: Vaswani et al. 2017, section 3.2.2, with the maps of all heads stacked into one matrix.
    """
    b, length, width = x.shape
    if width % num_heads != 0:
        raise ValueError(f"the width must be divisible by num_heads = {num_heads}, got a width of {width}")
    # First only cut: the pieces of one position lie next to each other in memory, so the last axis falls into two.
    pieces = x.reshape(b, length, num_heads, width // num_heads)        # (B, L, H, d)
    # Then turn. A reshape straight to (B, H, L, d) has the right shape as well, but it deals out the numbers in the
    # order in which they lie in memory: head 0 would get the first positions instead of the first channels.
    return pieces.transpose(1, 2)                                       # (B, H, L, d)


def merge_heads(x: Tensor) -> Tensor:
    """Put the pieces of all heads side by side again: the way back from `split_heads`.

    Head h fills the channels h * d to (h + 1) * d - 1: result[b, l, h * d + j] is x[b, h, l, j].

    Shapes: x (B, H, L, d) -> (B, L, D), with D = H * d
    Source: Vaswani et al. 2017, section 3.2.2: Concat(head_1, ..., head_h).
    """
    b, heads, length, d = x.shape
    # What becomes one axis has to be neighbours first: turn, then flatten. A transpose moves no number in memory, and
    # `view` does not either: it would refuse here. `reshape` copies where it must.
    return x.transpose(1, 2).reshape(b, length, heads * d)              # (B, L, H, d) -> (B, L, D)


def split_fused_qkv(qkv: Tensor, num_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take apart what one wide map has made: queries, keys and values of all heads in a single tensor.

    The last axis holds three blocks of width D: first all queries, then all keys, then all values. Within its block
    each head owns d channels in a row, as in `split_heads`. Returns three tensors, q, k and v.

    Shapes: qkv (B, L, 3D) -> q, k, v, each (B, H, L, d), with H = num_heads and d = D / H
    Raises: ValueError when the last axis is not divisible by 3 * num_heads.
    Source: the layout of `in_proj_weight` in torch.nn.MultiheadAttention and of `c_attn` in GPT-2.
    """
    width = qkv.size(-1)
    if width % (3 * num_heads) != 0:
        raise ValueError(
            f"the width must be divisible by 3 * num_heads = {3 * num_heads} (q, k and v), got a width of {width}"
        )
    # Blocks first, heads second. The other order reads [q, k, v] triples, one for each head: another layout, which is
    # in use as well, and has the same shape.
    q, k, v = qkv.chunk(3, dim=-1)                                      # each (B, L, D)
    return split_heads(q, num_heads), split_heads(k, num_heads), split_heads(v, num_heads)


class MultiHeadAttention(nn.Module):
    """Attention with several heads: every query asks num_heads questions at once and joins the answers.

    Learns four linear maps from width D to width D: `w_q`, `w_k` and `w_v` make the queries, keys and values of all
    heads, `w_o` mixes what the heads have found. All four have a bias if `bias` is True.

    `forward(query, key, value, mask)` returns the output and the attention weights of each head. The key defaults to
    the query (self-attention), the value to the key. Each head scales by the root of its own width d.

    In training, dropout acts on the attention weights: each is set to 0 with probability `dropout`, the others are
    divided by 1 - dropout. The weights that are returned are those before dropout. In evaluation nothing is dropped.

    A query that may attend to nothing gets weights of exactly 0 and takes nothing from any head; its output is what
    `w_o` makes of 0.

    Shapes: query (B, Lq, D), key (B, Lk, D), value (B, Lk, D),
            mask broadcastable to (B, H, Lq, Lk), bool, True = may attend
            -> output (B, Lq, D), weights (B, H, Lq, Lk)
    Raises: ValueError, already when it is created, if d_model is not divisible by num_heads.
    Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        """Create the four maps."""
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"d_model must be divisible by num_heads = {num_heads}, got d_model = {d_model}")
        self.num_heads = num_heads
        # Rows h * d to (h + 1) * d - 1 of these matrices are the maps of head h: H small matrices, stacked.
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        # Without it the first d channels of the output could hold nothing but what head 0 has found.
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend from the query to the key; returns the output and the weights."""
        key = query if key is None else key
        value = key if value is None else value
        # Map first, then split: every head may look at the whole vector, and reads it in its own way.
        q = split_heads(self.w_q(query), self.num_heads)                # (B, H, Lq, d)
        k = split_heads(self.w_k(key), self.num_heads)                  # (B, H, Lk, d)
        v = split_heads(self.w_v(value), self.num_heads)                # (B, H, Lk, d)
        # The heads are one more leading axis, which attention carries along; its root is that of d, not of D.
        weights = attention_weights(attention_scores(q, k), mask)       # (B, H, Lq, Lk)
        # Dropout stands between weights and values, which is why the two halves of attention are called one by one.
        # What is returned are the weights before it: a picture of them should not show holes that chance has made.
        found = self.dropout(weights) @ v                               # (B, H, Lq, d)
        return self.w_o(merge_heads(found)), weights                    # (B, Lq, D)


def attention_entropy(weights: Tensor) -> Tensor:
    """Measure how widely each query spreads its attention, in nats.

    The entropy of one query is the sum of -w * ln(w) over its keys, where a weight of 0 counts for 0. It is 0 when
    one key gets everything and ln(Lk) when all keys get the same. A query without keys, whose weights are all 0, has
    an entropy of 0.

    Shapes: weights (..., Lq, Lk), each row with sum 1 or only 0 -> (..., Lq)
    Source: Shannon 1948, "A Mathematical Theory of Communication", section 6.
    """
    # ln(0) is -inf, and 0 * inf is nan. A weight of 0 adds nothing whatever stands beside it, and ln(1) is finite; so
    # are its gradients, on the way back.
    surprise = -torch.log(weights.masked_fill(weights == 0, 1.0))       # (..., Lq, Lk)
    return (weights * surprise).sum(dim=-1)                             # (..., Lq)


def attend_in_heads(q: Tensor, k: Tensor, v: Tensor, num_heads: int) -> Tensor:
    """Attend with several heads and without any map: split, attend in each head, merge.

    Each head compares its own channels, scales by the root of its own width d and averages its own channels of v.
    There is no mask.

    Shapes: q (B, Lq, D), k (B, Lk, D), v (B, Lk, D) -> (B, Lq, D)
    Raises: ValueError when D is not divisible by num_heads.
    Source: Vaswani et al. 2017, section 3.2.2, with nothing in the place of the four matrices.
    """
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))            # each (B, H, L, d)
    # The width of what is compared, and so the number of terms in each dot product: read after the cut, not before.
    width = q.size(-1)
    scores = q @ k.transpose(-2, -1) / math.sqrt(width)                 # (B, H, Lq, Lk)
    return merge_heads(torch.softmax(scores, dim=-1) @ v)               # (B, H, Lq, d) -> (B, Lq, D)


def test_split_heads(split_heads: Callable[..., Tensor]) -> None:
    """Test a function that claims to be `split_heads`: raise an exception if it is wrong, else return.

    What it has to do stands in the docstring of `split_heads`. It may be written in any way.

    Raises: AssertionError, or any other exception, when the function is wrong.
    """
    # Numbers that tell where they come from, and four sizes of which no two are equal: B = 2, L = 7, H = 3, d = 5.
    x = torch.arange(2.0 * 7 * 15).reshape(2, 7, 15)
    heads = split_heads(x, 3)
    # The shape first: a comparison would broadcast where it can, and a shape is soon said.
    assert heads.shape == (2, 3, 7, 5)
    # Then every head, cut out by the sentence of the docstring: it owns d channels in a row, of all positions.
    for h in range(3):
        assert torch.equal(heads[:, h], x[:, :, 5 * h : 5 * h + 5])

    # Numbers can be right and their history lost. The gradient of a sum of products are the factors: all different,
    # so that each has to find its way back to its own place.
    x.requires_grad_()
    (gradient,) = torch.autograd.grad((split_heads(x, 3) * heads.detach()).sum(), x)
    assert torch.equal(gradient, x)

    try:
        split_heads(torch.zeros(2, 7, 16), 3)
    except ValueError:
        return
    raise AssertionError("16 channels cannot be shared by 3 heads")
