"""Positions: how a Transformer comes to know the order of its words.

Attention compares cards and does not look where they hang. This module holds four cures: waves that are added to the
words, a table that is learned, a bias that depends on the distance of two words, and (as extras) a rotation of queries
and keys and a bias that is not learned at all.

Sources: Vaswani et al. 2017, "Attention Is All You Need", https://arxiv.org/abs/1706.03762 (waves); Gehring et al.
2017, https://arxiv.org/abs/1705.03122 (learned positions); Shaw et al. 2018, https://arxiv.org/abs/1803.02155, and
Raffel et al. 2020, https://arxiv.org/abs/1910.10683 (relative positions); Su et al. 2021,
https://arxiv.org/abs/2104.09864 (rotary positions); Press et al. 2022, https://arxiv.org/abs/2108.12409 (biases that
grow with the distance).

Axes, as in the whole course:

    B   sentences in the batch          D   width of the model
    L   positions in a sentence         H   heads
    Lq  positions that ask (queries)    d   width of one head, D / H
    Lk  positions that answer (keys)    V   words in the vocabulary

The first position is 0. The letter k stands for a key, and in a table of distances for the largest one told apart.

Deviations from the papers: a table of odd width ends with a sine. Relative positions follow Raffel et al. (one number
for each head and distance, added to the scores), but distances beyond k are clipped, as Shaw et al. do, and the scores
keep their division by the root of d. Linear biases act on both sides of a query, not only on its past.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions.attention import attention_scores, attention_weights
from solutions.multi_head import merge_heads, split_heads


def sinusoidal_positional_encoding(seq_len: int, d_model: int, base: float = 10000.0) -> Tensor:
    """Describe each position by sines and cosines of slower and slower waves.

    Columns 2i and 2i + 1 are a pair: the sine and the cosine of one angle. The angle of pair i at position p is
    p / base ** (2i / D), with p = 0 for the first position and i = 0 for the first pair. If D is odd, the last column
    is a sine without its cosine.

    Shapes: -> (L, D), float32, with L = seq_len and D = d_model
    Source: Vaswani et al. 2017, section 3.5.
    """
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)  # (L, 1)
    # 0, 2, 4, ... is the 2i of the formula already. Doubling it once more is a famous mistake: with the square of the
    # base in the place of the base, half of the waves hardly move within any sentence.
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)            # (pairs,), and ceil(D / 2) pairs
    angle = position * base ** (-two_i / d_model)                       # (L, pairs)
    pairs = torch.stack([angle.sin(), angle.cos()], dim=-1)             # (L, pairs, 2)
    # Flattened, each cosine comes right after its sine. An odd width leaves the last cosine out.
    return pairs.flatten(1)[:, :d_model]                                # (L, D)


class PositionalEncoding(nn.Module):
    """Add the sinusoidal encoding to every sentence of a batch, then drop out.

    The table for max_len positions, (max_len, D), is kept in the buffer `pe`: it moves with the layer and is never
    trained. Dropout acts on the sum, in training only; a rate of 1 drops everything. The result has the dtype of x.

    Shapes: x (B, L, D) -> (B, L, D)
    Raises: ValueError when x is longer than max_len.
    Source: Vaswani et al. 2017, section 3.5; section 5.4 for the dropout.
    """

    pe: Tensor

    def __init__(self, d_model: int, max_len: int = 5000, dropout: float = 0.0) -> None:
        """Compute the table once."""
        super().__init__()
        # Not a parameter, which an optimiser would bend; nor a plain attribute, which `.to(device)` would leave behind.
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give position p of every sentence row p of the table."""
        length, max_len = x.size(1), self.pe.size(0)
        if length > max_len:
            raise ValueError(f"x may have at most max_len = {max_len} positions, got {length}")
        # (L, D) is broadcast over the batch: the same rows for every sentence. A float32 table added to a float16 x
        # would make the sum float32.
        result: Tensor = self.dropout(x + self.pe[:length].to(x.dtype))
        return result                                                   # (B, L, D)


class LearnedPositionalEmbedding(nn.Module):
    """Add a learned vector to each position, the same for every sentence.

    The vectors are the rows of `embedding`, an nn.Embedding of max_len rows of width D.

    Shapes: x (B, L, D) -> (B, L, D)
    Raises: ValueError when x is longer than max_len.
    Source: Gehring et al. 2017, section 3.1; Vaswani et al. 2017, table 3, row (E), found it as good as the waves.
    """

    def __init__(self, max_len: int, d_model: int) -> None:
        """Create one row for each position."""
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Add rows 0 to L - 1."""
        length, max_len = x.size(1), self.embedding.num_embeddings
        if length > max_len:
            # Unlike a formula, a table has nothing to say about a row that it does not have.
            raise ValueError(f"x may have at most max_len = {max_len} positions, got {length}")
        rows: Tensor = self.embedding(torch.arange(length, device=x.device))
        return x + rows                                                 # (B, L, D) + (L, D), for every sentence alike


class TokenEmbedding(nn.Module):
    """Turn the ids of words into vectors, and scale them so that positions can be added.

    The vectors are the rows of `embedding`, an nn.Embedding of V rows of width D. They are multiplied by the square
    root of D, unless scale is False.

    Shapes: ids (B, L), int64 -> (B, L, D)
    Source: Vaswani et al. 2017, section 3.4.
    """

    def __init__(self, vocab_size: int, d_model: int, scale: bool = True) -> None:
        """Create one row for each word."""
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        # Rows that are drawn with a standard deviation of 1 / sqrt(D), to serve the output layer as well, have entries
        # much smaller than a sine. The factor brings them back to size 1. GPT learns its positions and does without.
        self.factor = math.sqrt(d_model) if scale else 1.0

    def forward(self, ids: Tensor) -> Tensor:
        """Look the words up."""
        rows: Tensor = self.embedding(ids)                              # (B, L) -> (B, L, D)
        return rows * self.factor


def relative_position_index(len_q: int, len_k: int, max_distance: int) -> Tensor:
    """Number the way from each query to each key, so that a table can have one row for each way.

    The way from query i to key j is j - i: negative to the left, positive to the right. Ways longer than k =
    max_distance count as k. Then k is added, so that the numbers begin at 0: row i, column j of the result is
    clip(j - i, -k, k) + k.

    Shapes: -> (Lq, Lk), int64, values from 0 to 2k
    Raises: ValueError when max_distance is negative.
    Source: Shaw et al. 2018, section 3.2.
    """
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    query = torch.arange(len_q).unsqueeze(1)                            # (Lq, 1)
    key = torch.arange(len_k)                                           # (Lk,)
    # Clip first, shift second: the other way round the bounds would be those of other numbers.
    return (key - query).clamp(-max_distance, max_distance) + max_distance


class RelativeSelfAttention(nn.Module):
    """Multi-head self-attention that knows how far two words are apart, and nothing else about their places.

    The layer learns `w_q`, `w_k`, `w_v` and `w_o`, each an nn.Linear from D to D with bias, and a table `bias`, an
    nn.Embedding of 2k + 1 rows (k = max_distance) and H columns: one number for each way and each head. Each head adds
    the number for the way from query to key to the scaled score of the two, before mask and softmax.

    Shapes: x (B, L, D), mask broadcastable to (B, H, L, L), bool, True = may attend
            -> output (B, L, D), weights (B, H, L, L)
    Raises: ValueError when D is not divisible by the number of heads.
    Source: Raffel et al. 2020, section 2.1, with the clipping of Shaw et al. 2018.
    """

    def __init__(self, d_model: int, num_heads: int, max_distance: int) -> None:
        """Create the four maps and the table."""
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Attend within x; returns the output and the weights of every head."""
        q = split_heads(self.w_q(x), self.num_heads)                    # (B, H, L, d)
        k = split_heads(self.w_k(x), self.num_heads)
        v = split_heads(self.w_v(x), self.num_heads)
        index = relative_position_index(x.size(1), x.size(1), self.max_distance).to(x.device)
        # The table puts the heads last, the scores want them first. A permutation keeps each number with its pair of
        # words; `view` would give the right shape and deal the numbers out anew.
        bias = self.bias(index).permute(2, 0, 1)                        # (L, L, H) -> (H, L, L)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights              # (B, H, L, d) -> (B, L, D)


def add_positions(x: Tensor, pe: Tensor) -> Tensor:
    """Add row p of a table to the word at position p, in every sentence of a batch.

    Shapes: x (B, L, D), pe (max_len, D) -> (B, L, D), with the dtype of x
    Raises: ValueError when x has more positions than the table has rows.
    Source: Vaswani et al. 2017, section 3.5.
    """
    # The second axis: in this course the batch comes first.
    length, max_len = x.size(1), pe.size(0)
    if length > max_len:
        raise ValueError(f"x may have at most max_len = {max_len} positions, got {length}")
    # Broadcasting lines up (B, L, D) and (L, D) from the right, which is what we want. An axis of size 1 in the middle
    # would belong to the batch where positions come first; here it would stand in the place of the positions.
    return x + pe[:length].to(x.dtype)                                  # (B, L, D)


def test_sinusoidal_positional_encoding(sinusoidal_positional_encoding: Callable[..., Tensor]) -> None:
    """Test a function that claims to be `sinusoidal_positional_encoding`: raise an exception if it is wrong.

    What it has to do stands in the docstring of `sinusoidal_positional_encoding`. It may be written in any way, and
    round in its own.

    Raises: AssertionError, or any other exception, when the function is wrong.
    """
    # Several pairs, or exponents would not show; an even and an odd width; a base of our own, so that nobody can have
    # written another one into the formula; and more than one length, because a row may not depend on it.
    for seq_len, d_model, base in ((7, 6, 10000.0), (5, 9, 100.0), (11, 4, 1000.0)):
        table = sinusoidal_positional_encoding(seq_len, d_model, base)
        assert table.shape == (seq_len, d_model)
        assert table.dtype == torch.float32
        for p in range(seq_len):
            for column in range(d_model):
                # Python's own sine, one number at a time, and nothing clever: a test should be simpler than what it
                # tests. A pair is two columns, and its 2i the even one of them.
                angle = p / base ** ((column - column % 2) / d_model)
                expected = math.cos(angle) if column % 2 else math.sin(angle)
                assert math.isclose(table[p, column].item(), expected, abs_tol=1e-4)

    # Nobody has to name the base.
    assert torch.equal(sinusoidal_positional_encoding(7, 6), sinusoidal_positional_encoding(7, 6, 10000.0))


def apply_rope(x: Tensor, base: float = 10000.0, offset: int = 0) -> Tensor:
    """Turn queries or keys by angles that grow with the position, so that dot products see only distances.

    Channels 2i and 2i + 1 are the two coordinates of an arrow. At position p it is turned by the angle
    p / base ** (2i / d), from the first coordinate towards the second. The first position of x is `offset`, which is
    not 0 when earlier positions were turned in an earlier call.

    Shapes: x (B, H, L, d), or any other leading axes -> the same shape and dtype
    Raises: ValueError when d is odd.
    Source: Su et al. 2021, section 3.2.2, equations 14 and 15.
    """
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, because channels are turned in pairs, got d = {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32, device=x.device).unsqueeze(1)
    two_i = torch.arange(0, d, 2, dtype=torch.float32, device=x.device)
    # Angles are computed in float32 whatever x is: in float16 the integers beyond 2048 cannot all be told apart.
    angle = position * base ** (-two_i / d)                             # (L, d / 2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., 0::2], x[..., 1::2]                          # each (B, H, L, d / 2)
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.flatten(-2)                                           # (B, H, L, d / 2, 2) -> (B, H, L, d)


def alibi_bias(num_heads: int, len_q: int, len_k: int) -> Tensor:
    """Make the biases that let each head forget with the distance, some heads fast and some slowly.

    Head h, counted from 1 to H, has the slope 2 ** (-8 h / H). Its bias for query i and key j is minus the slope times
    the distance |j - i|. It is added to the scores before the softmax.

    Shapes: -> (H, Lq, Lk), float32
    Source: Press et al. 2022, section 3.
    """
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)                            # (H,), a geometric sequence
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance                             # (H, 1, 1), (Lq, Lk) -> (H, Lq, Lk)
