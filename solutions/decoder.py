"""The decoder: a Transformer that reads from left to right, guesses the next word, and writes; and a test of top-p.

Sources: Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 and 3.2.3, https://arxiv.org/abs/1706.03762 (the
decoder and its mask); Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3 (GPT-2:
norms in front, a last one, smaller residual projections), and Radford et al. 2018 (the model before it, GPT: GELU,
learned positions, a standard deviation of 0.02); Press and Wolf 2017, https://arxiv.org/abs/1608.05859 (one matrix for
reading and writing words); Fan et al. 2018, https://arxiv.org/abs/1805.04833 (top-k); Holtzman et al. 2020,
https://arxiv.org/abs/1904.09751 (top-p).

Axes, as in the whole course:

    B   sentences in the batch          D   width of the model
    T   positions of the target         H   heads
    S   positions of the source         d   width of one head, D / H
    Lq  positions that ask (queries)    V   words in the vocabulary
    Lk  positions that answer (keys)    ...  any leading axes

A mask is bool, and True means: may attend.

Deviations from the papers: the blocks have their norms in front of the sub-layers, also where Vaswani et al. have them
behind. GPT-2 draws the vectors of its positions with a standard deviation of 0.01, here it is 0.02 as for the words.
"""

import math
from collections.abc import Callable
from itertools import permutations

import torch
from torch import Tensor, nn

from solutions.attention import attention_scores, attention_weights, softmax
from solutions.encoder_block import FeedForward, LayerNorm
from solutions.multi_head import MultiHeadAttention, merge_heads, split_heads
from solutions.positions import LearnedPositionalEmbedding, TokenEmbedding


def causal_mask(len_q: int, len_k: int | None = None) -> Tensor:
    """Say which positions a reader from left to right has already seen: the own one and all before it.

    With len_k keys and fewer queries, the queries are the last positions of the keys: the last query sees every key,
    the one before it all but the last, and so on. len_k defaults to len_q.

    Shapes: -> (Lq, Lk), bool, True = may attend
    Source: Vaswani et al. 2017, section 3.2.3, third point.
    """
    len_k = len_q if len_k is None else len_k
    # Aligned at the bottom right: query i stands at position i + (Lk - Lq). A mask aligned at the top left would let
    # the newest word of a sentence see the oldest word alone.
    return torch.ones(len_q, len_k, dtype=torch.bool).tril(len_k - len_q)


def combine_masks(*masks: Tensor | None) -> Tensor | None:
    """Join masks: a query may attend to a key if all masks allow it.

    A mask that is None allows everything. Without any other mask the result is None. The masks are broadcast against
    each other.

    Shapes: any that can be broadcast together -> their common shape, bool, True = may attend
    Raises: ValueError when a mask is not a bool tensor.
    """
    joined: Tensor | None = None
    for mask in masks:
        if mask is None:
            continue
        if mask.dtype != torch.bool:
            raise ValueError(f"every mask must be bool, True where a query may attend, got {mask.dtype}")
        # A new tensor each time: `&=` would write into a mask that belongs to the caller.
        joined = mask if joined is None else joined & mask
    return joined


class CausalSelfAttention(nn.Module):
    """Self-attention that cannot look ahead: position i takes from the positions 0 to i alone.

    The layer is a `MultiHeadAttention` in `attention`, which gets the causal mask in every call. A mask that is passed
    takes more away; it cannot give the future back.

    `cache` belongs to the extra `KVCache` at the end and is None until then.

    Shapes: x (B, T, D), mask broadcastable to (B, H, T, T), bool, True = may attend
            -> output (B, T, D), weights (B, H, T, T)
            with a cache that holds P positions: the mask and the weights have P + T keys
    Raises: ValueError, already when it is created, if d_model is not divisible by num_heads.
    Source: Vaswani et al. 2017, section 3.2.3.
    """

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0) -> None:
        """Create the attention; it has biases, and dropout on its weights."""
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: "KVCache | None" = None) -> tuple[Tensor, Tensor]:
        """Attend within the past of x; returns the output and the weights of every head."""
        if cache is None:
            # Made for the length of this very x: a mask kept from a longer sentence would have to be cut on both axes.
            past = causal_mask(x.size(1)).to(x.device)                  # (T, T)
            output, weights = self.attention(x, mask=combine_masks(past, mask))
            return output, weights
        # The same attention, taken apart: only what is new passes through the maps, what is old is on the shelf.
        layer = self.attention
        q, k, v = (split_heads(w(x), layer.num_heads) for w in (layer.w_q, layer.w_k, layer.w_v))
        k, v = cache.extend(self, k, v)                                 # (B, H, P + T, d)
        past = causal_mask(x.size(1), k.size(2)).to(x.device)           # (T, P + T)
        weights = attention_weights(attention_scores(q, k), combine_masks(past, mask))
        return layer.w_o(merge_heads(layer.dropout(weights) @ v)), weights


class DecoderBlock(nn.Module):
    """One floor of a decoder: look back, look into the source, think; each on a path beside the main road.

    Three sub-layers, in this order: `self_attention`, a CausalSelfAttention; `cross_attention`, a MultiHeadAttention
    whose queries come from x and whose keys and values come from `memory`, what an encoder has made of the source; and
    `feed_forward`. Each sub-layer gets x after its own LayerNorm (`norm1`, `norm2`, `norm3`; memory is taken as it is),
    and its output, after dropout, is added to x.

    With cross_attention=False there is no memory: `cross_attention` is None, and the norms of the two sub-layers are
    `norm1` and `norm2`.

    `cache` belongs to the extra `KVCache` at the end: it is handed on to self_attention.

    Shapes: x (B, T, D), memory (B, S, D), self_mask broadcastable to (B, H, T, T), memory_mask broadcastable to
            (B, H, T, S), both bool, True = may attend -> (B, T, D)
    Raises: ValueError when d_model is not divisible by num_heads, and in a call without memory when there is a
            cross_attention.
    Source: Vaswani et al. 2017, section 3.1, with the norms in front as in GPT-2.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.0,
        activation: str = "relu",
        cross_attention: bool = True,
    ) -> None:
        """Create the sub-layers and their norms; all sub-layers have dropout inside as well."""
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        self_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: "KVCache | None" = None,
    ) -> Tensor:
        """Pass x through the sub-layers."""
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask, cache)[0])
        last_norm = self.norm2
        if self.cross_attention is not None:
            if memory is None:
                raise ValueError("a block with cross-attention must be given memory (B, S, D), got None")
            # Not causal: the whole source lies on the table while the translation is written. And the mask is that of
            # the keys, which come from the source.
            x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
            last_norm = self.norm3
        result: Tensor = x + self.dropout(self.feed_forward(last_norm(x)))
        return result                                                   # (B, T, D)


def init_gpt_weights(model: nn.Module) -> None:
    """Give all parameters of a model the values with which GPT-2 starts, in place.

    Weights of linear layers and embeddings are drawn from a normal distribution with mean 0 and standard deviation
    0.02. The projections that write onto the residual path, every `w_o` and every `linear2`, are drawn with
    0.02 / sqrt(2 N) instead, where N is the number of DecoderBlocks anywhere in the model. All biases are 0, the
    weights of all LayerNorms are 1.

    The numbers are drawn from PyTorch's global generator, as those of every new layer are.

    Source: Radford et al. 2019, section 2.3; N counts blocks, and each adds to the residual path twice.
    """
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():                    # a shared matrix comes once
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)                                    # the only vectors that are left belong to norms
        elif name.endswith(("w_o.weight", "linear2.weight")):
            # 2 N independent terms add up on the residual path, and so do their variances. The factor brings the sum
            # back to the size of one term, however deep the model is.
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


class GPT(nn.Module):
    """A language model: for every position, one score for each word that could come next.

    `token_embedding` (without scale) and `position_embedding` (learned) are added; then dropout, num_layers `blocks`
    (DecoderBlocks without cross-attention, with "gelu"), a last `norm`, and `head`, a linear layer without bias. d_ff
    defaults to 4 D. With tie_weights the head and the token embedding hold one and the same matrix. The constructor
    ends with `init_gpt_weights`. `max_len` is an attribute.

    `forward` returns the logits and the loss: the mean of -log p(target) over all targets that are not -100, or None
    without targets. The targets are shifted already: targets[b, t] is the word that comes after ids[b, t].

    `cache` belongs to the extra `KVCache` at the end: the ids are then those that come after the P positions in it.

    Shapes: ids (B, T), int64; targets (B, T), int64, -100 = does not count -> logits (B, T, V), loss () or None
    Raises: ValueError when T (with a cache: P + T) is larger than max_len.
    Source: Radford et al. 2018 and 2019; Press and Wolf 2017 for the shared matrix.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        max_len: int,
        d_ff: int | None = None,
        dropout: float = 0.0,
        tie_weights: bool = True,
    ) -> None:
        """Create the model with its first weights."""
        super().__init__()
        d_ff = 4 * d_model if d_ff is None else d_ff
        self.max_len = max_len
        self.token_embedding = TokenEmbedding(vocab_size, d_model, scale=False)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, d_ff, dropout, "gelu", cross_attention=False) for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        if tie_weights:
            # Both are (V, D): row i is the vector of word i, for reading as for writing. One Parameter with two names,
            # so that it gets the gradients of both uses; a copy would be a second matrix from the first step on.
            self.head.weight = self.token_embedding.embedding.weight
        # An nn.Embedding starts with numbers of size 1. As the matrix of the head, those would give logits of the size
        # of sqrt(D), and a model that is sure of nonsense before it has learned anything.
        init_gpt_weights(self)

    def forward(
        self, ids: Tensor, targets: Tensor | None = None, cache: "KVCache | None" = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return the logits of every position, and the loss if there are targets."""
        past = 0 if cache is None else cache.length
        end = past + ids.size(1)
        if end > self.max_len:
            raise ValueError(f"the model reads at most max_len = {self.max_len} positions, got {end}")
        # Not position_embedding(...), which always begins at row 0: the first new word may be the fifth of its text.
        rows = self.position_embedding.embedding(torch.arange(past, end, device=ids.device))
        x = self.dropout(self.token_embedding(ids) + rows)              # (B, T, D)
        for block in self.blocks:
            x = block(x, cache=cache)
        logits = self.head(self.norm(x))                                # (B, T, V)
        if targets is None:
            return logits, None
        # cross_entropy wants one row for each prediction. Both are flattened alike, so that each keeps its partner.
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Make a distribution flatter (temperature above 1) or sharper (below 1), by dividing its logits.

    At temperature 0, the limit, only the largest logit of each row is left, as it is, and all others are -inf; of
    several largest ones it is the first.

    Shapes: logits (..., V) -> the same
    Raises: ValueError when the temperature is negative.
    Source: Ackley, Hinton and Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines".
    """
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)                      # (..., 1), the first of equal ones
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    # Logits, not probabilities: a softmax takes back any factor in front of the latter, or they no longer sum to 1.
    return logits / temperature


def top_k_filter(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits of each row and set all others to -inf.

    Exactly k are kept, or all if there are no more: of equal ones, those with the lowest ids. What is kept is
    unchanged and stays in its place.

    Shapes: logits (..., V) -> the same
    Raises: ValueError when k is less than 1.
    Source: Fan et al. 2018, section 5.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    # Stable: equal ones stay in the order of their ids. `topk` makes no such promise.
    order = logits.argsort(dim=-1, descending=True, stable=True)        # (..., V): ids, best first
    dropped = torch.ones_like(logits, dtype=torch.bool)
    # Each row marks its own ids: this is the way back from the order of the scores to that of the vocabulary.
    dropped.scatter_(-1, order[..., :k], False)
    return logits.masked_fill(dropped, -math.inf)


def top_p_filter(logits: Tensor, p: float) -> Tensor:
    """Keep, in each row, the fewest best words that together have a probability of at least p; all others get -inf.

    By falling probability (of equal ones, the lowest id first), a word stays while the probability before it is below
    p. So the one that crosses p stays, and the best one always does. With p = 1 all are kept. What is kept is unchanged
    and stays in its place.

    Shapes: logits (..., V) -> the same
    Raises: ValueError when p is not in (0, 1].
    Source: Holtzman et al. 2020, section 3.1, nucleus sampling.
    """
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()  # rounding could bring the sum to 1 before the last word
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)   # (..., V), best first
    mass = softmax(ranked, dim=-1)
    # What the better words have together, without the word itself: 0 for the first, which is below every p.
    before = mass.cumsum(dim=-1) - mass                                 # (..., V)
    # Column i of `before` belongs to the word with rank i, not with id i. scatter takes every verdict to its word.
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


def sample_next_token(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw one word for each row, after temperature, top-k and top-p, in this order; None leaves a filter out.

    Each filter sees what the one before has left. The random numbers come from `generator`, or from PyTorch's global
    one if it is None. At temperature 0 the result is the best word of each row.

    Shapes: logits (B, V) -> (B,), int64
    Raises: ValueError as `apply_temperature`, `top_k_filter` and `top_p_filter` do.
    """
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    # -inf becomes a probability of exactly 0, which is never drawn.
    return torch.multinomial(softmax(logits, dim=-1), num_samples=1, generator=generator).squeeze(-1)  # (B, 1) -> (B,)


def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    eos_id: int | None = None,
    pad_id: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Continue each row of ids, word by word: what was drawn is read in the next step.

    `model(ids)` returns logits (B, T, V) and a loss, and reads at most `model.max_len` words: of a longer text it gets
    the last ones. It is called in evaluation mode and without gradients; afterwards it is in the mode in which it was.

    A row that has drawn `eos_id` has ended: from then on it gets `pad_id`, or eos_id if that is None. When all rows
    have ended, nothing is added any more. An end token in the prompt ends nothing.

    Shapes: ids (B, T) -> (B, T + n), the prompt first, with n at most max_new_tokens
    """
    max_len: int = model.max_len  # type: ignore[assignment]  # nn.Module does not know what its attributes are
    ended = torch.zeros(ids.size(0), dtype=torch.bool, device=ids.device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for _ in range(max_new_tokens):
                logits, _ = model(ids[:, -max_len:])                    # (B, at most max_len, V)
                # The last position alone has read the whole text.
                word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
                if eos_id is not None:
                    word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                    ended = ended | (word == eos_id)
                ids = torch.cat([ids, word.unsqueeze(1)], dim=1)        # (B, T + 1)
                if ended.all():
                    break
    finally:
        model.train(was_training)                                       # even when the model has raised
    return ids


def nucleus_mask(logits: Tensor, p: float) -> Tensor:
    """Say which words top-p keeps in each row: True, in the word's own place, for a word that stays.

    The words that stay are those of `top_p_filter`: the fewest best ones that together have a probability of at least
    p; of equal ones, the lowest id first. With p = 1 all stay.

    Shapes: logits (..., V) -> (..., V), bool, True = stays
    Raises: ValueError when p is not in (0, 1].
    Source: Holtzman et al. 2020, section 3.1.
    """
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)   # (..., V), best first
    mass = softmax(ranked, dim=-1)
    stays = mass.cumsum(dim=-1) - mass < p                              # (..., V), by rank: column 0 is the best word
    # order[i] is the id of the word with rank i, so verdict i has to be written *to* column order[i]: a scatter. Left
    # where they are, or read *from* there (a gather), the verdicts are right only if the words were sorted already, and
    # in a few other orders by chance.
    return torch.zeros_like(stays).scatter(-1, order, stays)            # (..., V), by id


def test_top_p_filter(top_p_filter: Callable[[Tensor, float], Tensor]) -> None:
    """Test a function that claims to be `top_p_filter`: raise an exception if it is wrong, else return.

    What it has to do stands in the docstring of `top_p_filter`. It may be written in any way. Where the best words have
    p together except for rounding, right solutions can differ; only sums of halves, quarters and so on are exact.

    Raises: AssertionError, or any other exception, when the function is wrong.
    """
    # Four words in all of their 24 orders, so that no answer can be right because the words happened to be sorted.
    # ranks[i, j] is the rank of word j in order i, and the three tables are shares by rank: words stay while their rank
    # is low enough. For each p the tables keep different numbers of words, so no row can borrow from another.
    ranks = torch.tensor(list(permutations(range(4))))                  # (24, 4)
    tables = torch.tensor([[0.5, 0.25, 0.15, 0.1], [0.94, 0.03, 0.02, 0.01], [0.3, 0.28, 0.22, 0.2]])
    logits = tables.log()[:, ranks] + 2                                 # (3, 24, 4): a constant changes no probability
    for p, kept in ((0.2, (1, 1, 1)), (0.6, (2, 1, 3)), (0.85, (3, 1, 4)), (0.95, (4, 2, 4))):
        counts = torch.tensor(kept).view(3, 1, 1)
        expected = logits.masked_fill(ranks >= counts, -math.inf)       # what stays is unchanged, to the last digit
        assert torch.equal(top_p_filter(logits, p), expected)
        assert torch.equal(top_p_filter(logits[2, 5], p), expected[2, 5])

    # Exactly p: that is enough, and of equal words the first ones stay. Quarters and halves are not rounded.
    two_of_four = torch.tensor([0.0, 0.0, -math.inf, -math.inf])
    assert torch.equal(top_p_filter(torch.zeros(3, 4), 0.5), two_of_four.expand(3, 4))
    half = math.log(2)
    assert torch.equal(top_p_filter(torch.tensor([0.0, half, 0.0]), 0.75), torch.tensor([0.0, half, -math.inf]))

    # All means all: float32 rounds the share of the best word to 1, and the others still stay.
    sure = torch.tensor([[0.0, 30.0, -5.0], [1.0, 2.0, 3.0]])
    assert torch.equal(top_p_filter(sure, 1.0), sure)

    for p in (0.0, -0.5, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError(f"p = {p} is no share and must be refused")


class KVCache:
    """What the layers have computed for earlier positions, so that each new word costs one position and not all.

    Keys and values of the past never change: no position can see what comes after it. So each layer puts its own on a
    shelf of their own and, in the next call, computes those of the new positions only.

        cache = KVCache()
        logits, _ = model(prompt, cache=cache)          the logits of all positions of the prompt
        logits, _ = model(next_words, cache=cache)      next_words (B, 1): the logits of one position

    `length` is the number of positions that it holds, at first 0. Logits with a cache are those without one, for the
    positions that are passed. To work, the cache is also handed through `CausalSelfAttention`, `DecoderBlock` and
    `GPT`, whose `forward` has a parameter for it: attention calls `extend`, with itself as the layer, and GPT gives the
    new words their true positions.

    Source: known to every implementation; Pope et al. 2022, https://arxiv.org/abs/2211.05102, section 2.1, counts its
    costs.
    """

    def __init__(self) -> None:
        """Begin with empty shelves."""
        self.shelves: dict[object, tuple[Tensor, Tensor]] = {}

    @property
    def length(self) -> int:
        """The number of positions on each shelf."""
        return max((keys.size(2) for keys, _ in self.shelves.values()), default=0)

    def extend(self, layer: object, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append the keys and values of new positions to those of a layer; returns all that the layer has now.

        Shapes: k and v (B, H, T, d) -> both (B, H, P + T, d), where P positions were there before
        """
        if layer in self.shelves:
            old_k, old_v = self.shelves[layer]
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        self.shelves[layer] = k, v
        return k, v
