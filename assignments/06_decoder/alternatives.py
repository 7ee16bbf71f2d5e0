"""Right solutions of 06_decoder that look different from the reference; each must get full marks.

A check that rejects one of them asks for a way of writing, not for a result.
"""

import math

import torch
from torch import nn

from autograder.authoring import alternative
from solutions.decoder import (
    CausalSelfAttention,
    DecoderBlock,
    apply_temperature,
    causal_mask,
    combine_masks,
    init_gpt_weights,
    sample_next_token,
    top_k_filter,
    top_p_filter,
)
from solutions.encoder_block import FeedForward, LayerNorm
from solutions.multi_head import MultiHeadAttention
from solutions.positions import LearnedPositionalEmbedding, TokenEmbedding

# --- causal_mask ------------------------------------------------------------------------------------------------------


@alternative("causal_mask", why="Compares the place of each query with that of each key.")
def by_comparing_places(len_q, len_k=None):
    len_k = len_k or len_q
    return torch.arange(len_k - len_q, len_k)[:, None] >= torch.arange(len_k)


@alternative("causal_mask", why="The future, turned around.")
def by_hiding_the_future(len_q, len_k=None):
    if len_k is None:
        len_k = len_q
    return ~torch.triu(torch.ones(len_q, len_k), diagonal=len_k - len_q + 1).bool()


@alternative("causal_mask", why="Writes every row by hand.")
def row_by_row(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    seen = [len_k - len_q + 1 + i for i in range(len_q)]
    return torch.tensor([[True] * n + [False] * (len_k - n) for n in seen])


@alternative("causal_mask", why="Cuts the last rows out of a square mask.")
def last_rows_of_a_square(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    square = torch.tril(torch.full((len_k, len_k), True))
    return square[len_k - len_q :]


# --- combine_masks ----------------------------------------------------------------------------------------------------


@alternative("combine_masks", why="functools.reduce with logical_and.")
def by_reduce(*masks):
    from functools import reduce

    given = [mask for mask in masks if mask is not None]
    for mask in given:
        if mask.dtype is not torch.bool:
            raise ValueError(f"expected bool masks, got {mask.dtype}")
    return reduce(torch.logical_and, given) if given else None


@alternative("combine_masks", why="Broadcasts all of them, stacks them and asks whether all say yes.")
def by_stacking(*masks):
    given = [mask for mask in masks if mask is not None]
    if not given:
        return None
    if {mask.dtype for mask in given} != {torch.bool}:
        raise ValueError("expected bool masks, got something else")
    return torch.stack(torch.broadcast_tensors(*given)).all(dim=0)


@alternative("combine_masks", why="Multiplies truths, and begins with a True without axes.")
def by_multiplying(*masks):
    joined = torch.ones((), dtype=torch.bool)
    count = 0
    for mask in masks:
        if mask is not None:
            if mask.dtype != torch.bool:
                raise ValueError(f"expected a bool mask, got {mask.dtype}")
            joined, count = joined * mask, count + 1
    return joined if count else None


@alternative("combine_masks", why="A pair is forbidden as soon as one mask forbids it.")
def by_what_is_forbidden(*masks):
    forbidden = None
    for mask in filter(lambda m: m is not None, masks):
        if mask.dtype != torch.bool:
            raise ValueError(f"expected a bool mask, got {mask.dtype}")
        forbidden = ~mask if forbidden is None else forbidden | ~mask
    return None if forbidden is None else ~forbidden


# --- CausalSelfAttention ----------------------------------------------------------------------------------------------


@alternative(
    "CausalSelfAttention",
    why="Does what the layer does by itself, from its four maps, and hides with a large negative number.",
)
class attention_taken_apart(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.h, self.p = num_heads, dropout

    def forward(self, x, mask=None, cache=None):
        a, length = self.attention, x.size(1)
        q, k, v = (w(x).unflatten(-1, (self.h, -1)).transpose(1, 2) for w in (a.w_q, a.w_k, a.w_v))
        allowed = torch.tril(torch.ones(length, length, dtype=torch.bool, device=x.device))
        if mask is not None:
            allowed = allowed & mask
        scores = torch.where(allowed, q @ k.mT * q.size(-1) ** -0.5, torch.finfo(x.dtype).min)
        weights = torch.softmax(scores, dim=-1) * allowed
        found = nn.functional.dropout(weights, self.p, self.training) @ v
        return a.w_o(found.transpose(1, 2).flatten(2)), weights


@alternative("CausalSelfAttention", why="Keeps a mask in a buffer and makes a larger one when it is needed.")
class mask_kept_and_grown(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.register_buffer("past", causal_mask(2), persistent=False)

    def forward(self, x, mask=None, cache=None):
        length = x.size(1)
        if length > self.past.size(0):
            self.past = causal_mask(2 * length)
        return self.attention(x, x, x, combine_masks(mask, self.past[:length, :length]))


@alternative("CausalSelfAttention", why="Asks once for each word, which sees only what came before.")
class word_by_word(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.heads = num_heads

    def forward(self, x, mask=None, cache=None):
        b, length, _ = x.shape
        if mask is not None:
            mask = mask.expand(b, self.heads, length, length)
        outputs, rows = [], []
        for i in range(length):
            own = None if mask is None else mask[:, :, i : i + 1, : i + 1]
            output, weights = self.attention(x[:, i : i + 1], x[:, : i + 1], mask=own)
            outputs.append(output)
            rows.append(nn.functional.pad(weights, (0, length - i - 1)))
        return torch.cat(outputs, dim=1), torch.cat(rows, dim=2)


@alternative("CausalSelfAttention", why="Spells the mask out for every sentence and head.")
class mask_for_every_head(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.num_heads = num_heads
        self.attention = MultiHeadAttention(d_model, num_heads, dropout=dropout, bias=True)

    def forward(self, x, mask=None, cache=None):
        place = torch.arange(x.size(1), device=x.device)
        everything = (place <= place[:, None]).repeat(x.size(0), self.num_heads, 1, 1)
        output, weights = self.attention(x, mask=everything if mask is None else everything.logical_and(mask))
        return output, weights


# --- DecoderBlock -----------------------------------------------------------------------------------------------------


@alternative("DecoderBlock", why="Goes through the sub-layers in a loop.")
class a_list_of_steps(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        steps = [lambda y: self.self_attention(y, self_mask)[0], self.feed_forward]
        norms = [self.norm1, self.norm2]
        if self.cross_attention is not None:
            if memory is None:
                raise ValueError("expected memory, got None")
            steps.insert(1, lambda y: self.cross_attention(y, memory, memory, memory_mask)[0])
            norms.append(self.norm3)
        for norm, step in zip(norms, steps, strict=True):
            x = torch.add(x, self.drop(step(norm(x))))
        return x


@alternative(
    "DecoderBlock", why="Each sub-layer has a dropout of its own, and the last norm has two names' worth of branches."
)
class a_dropout_for_each(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.drop1, self.drop2 = nn.Dropout(dropout), nn.Dropout(dropout)
        if cross_attention:
            self.norm3, self.drop3 = LayerNorm(d_model), nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        attended, _ = self.self_attention(self.norm1(x), self_mask, cache)
        x = x + self.drop1(attended)
        if self.cross_attention is None:
            return x + self.drop2(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("expected memory of shape (B, S, D), got None")
        attended, _ = self.cross_attention(self.norm2(x), key=memory, mask=memory_mask)
        x = x + self.drop2(attended)
        return x + self.drop3(self.feed_forward(self.norm3(x)))


@alternative("DecoderBlock", why="Uses torch's dropout function, and builds the causal mask of its attention itself.")
class with_functional_dropout(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.norm3 = LayerNorm(d_model) if cross_attention else None
        self.p = dropout

    def add(self, x, y):
        return x + nn.functional.dropout(y, p=self.p, training=self.training)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        y = self.norm1(x)
        mask = combine_masks(self_mask, causal_mask(x.size(1)))
        x = self.add(x, self.self_attention.attention(y, y, y, mask)[0])
        if self.norm3 is not None:
            if not isinstance(memory, torch.Tensor):
                raise ValueError(f"expected memory, got {memory}")
            x = self.add(x, self.cross_attention(self.norm2(x), memory, memory, memory_mask)[0])
        last = self.norm2 if self.norm3 is None else self.norm3
        return self.add(x, self.feed_forward(last(x)))


# --- init_gpt_weights -------------------------------------------------------------------------------------------------


@alternative(
    "init_gpt_weights", why="Asks every module what it is, and makes the residual projections smaller afterwards."
)
def module_by_module(model):
    blocks = [module for module in model.modules() if isinstance(module, DecoderBlock)]
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    for block in blocks:
        ends = [block.self_attention.attention.w_o, block.feed_forward.linear2]
        if block.cross_attention is not None:
            ends.append(block.cross_attention.w_o)
        for end in ends:
            nn.init.normal_(end.weight, std=0.02 / (2 * len(blocks)) ** 0.5)


@alternative("init_gpt_weights", why="Draws with randn and copies, instead of the functions of nn.init.")
def by_copying_numbers(model):
    layers = len([m for m in model.modules() if isinstance(m, DecoderBlock)])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.fill_(0.0 if "bias" in name else 1.0)
                continue
            small = "w_o" in name or "linear2" in name
            parameter.copy_(torch.randn_like(parameter) * 0.02 / (math.sqrt(2 * layers) if small else 1.0))


@alternative("init_gpt_weights", why="model.apply for everything, then a factor for what ends on the residual path.")
def by_apply(model):
    def begin(module):
        for name, parameter in module.named_parameters(recurse=False):
            if name == "bias":
                torch.nn.init.constant_(parameter, 0)
            elif parameter.dim() > 1:
                torch.nn.init.normal_(parameter, 0, 0.02)
            else:
                torch.nn.init.constant_(parameter, 1)

    model.apply(begin)
    depth = sum(1 for module in model.modules() if type(module) is DecoderBlock)
    for name, parameter in model.named_parameters():
        if name.endswith("w_o.weight") or name.endswith("linear2.weight"):
            parameter.data.mul_((2 * depth) ** -0.5)


# --- GPT --------------------------------------------------------------------------------------------------------------


@alternative(
    "GPT", why="The words get the matrix of the head, the blocks are an nn.Sequential, and the loss is written out."
)
class tied_the_other_way_round(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        self.max_len = max_len
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.norm = LayerNorm(d_model)
        self.blocks = nn.Sequential(
            *[DecoderBlock(d_model, num_heads, d_ff or 4 * d_model, dropout, "gelu", False) for _ in range(num_layers)]
        )
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.token_embedding = TokenEmbedding(vocab_size, d_model, False)
        if tie_weights:
            self.token_embedding.embedding.weight = self.head.weight
        self.drop = nn.Dropout(dropout)
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        x = self.drop(self.position_embedding(self.token_embedding(ids)))
        logits = self.head(self.norm(self.blocks(x)))
        if targets is None:
            return logits, None
        counted = targets != -100
        chosen = torch.log_softmax(logits, -1)[counted].gather(1, targets[counted][:, None])
        return logits, -chosen.sum() / counted.sum()


@alternative("GPT", why="Hands logits of shape (B, V, T) to the loss, and looks the positions up by themselves.")
class loss_with_the_words_in_the_middle(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        self.max_len = max_len
        self.token_embedding = TokenEmbedding(vocab_size, d_model, scale=False)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.blocks = nn.ModuleList()
        for _ in range(num_layers):
            width = d_ff if d_ff is not None else d_model * 4
            self.blocks.append(
                DecoderBlock(d_model, num_heads, width, dropout=dropout, activation="gelu", cross_attention=False)
            )
        self.norm = LayerNorm(d_model, eps=1e-5)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.p = dropout
        init_gpt_weights(self)
        if tie_weights:
            self.head.weight = self.token_embedding.embedding.weight

    def forward(self, ids, targets=None, cache=None):
        _, length = ids.shape
        if not length <= self.max_len:
            raise ValueError(f"expected at most {self.max_len} positions, got {length}")
        places = self.position_embedding.embedding.weight[:length]
        x = self.token_embedding(ids) + places.unsqueeze(0)
        x = nn.functional.dropout(x, self.p, self.training)
        for block in self.blocks:
            x = block(x, None, None, None)
        logits = nn.functional.linear(self.norm(x), self.head.weight)
        loss = None
        if targets is not None:
            loss = nn.functional.cross_entropy(logits.transpose(1, 2), targets)
        return logits, loss


@alternative("GPT", why="Adds up the surprise of all sentences and divides by the number of targets that count.")
class loss_one_sentence_at_a_time(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        self.max_len = max_len
        d_ff = d_ff or 4 * d_model
        self.token_embedding = TokenEmbedding(vocab_size, d_model, scale=False)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.drop = nn.Dropout(dropout)
        blocks = [DecoderBlock(d_model, num_heads, d_ff, dropout, "gelu", False) for _ in range(num_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm, self.head = LayerNorm(d_model), nn.Linear(d_model, vocab_size, bias=False)
        if tie_weights:
            del self.head.weight
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        x = self.drop(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        total = logits.new_zeros(())
        for rows, row_targets in zip(logits, targets, strict=True):
            surprise = torch.logsumexp(rows, -1) - rows.gather(1, row_targets.clamp(min=0)[:, None])[:, 0]
            total = total + (surprise * (row_targets >= 0)).sum()
        return logits, total / (targets >= 0).sum()


# --- apply_temperature ------------------------------------------------------------------------------------------------


@alternative("apply_temperature", why="Multiplies with the inverse, and leaves only what is the first maximum.")
def times_the_inverse(logits, temperature):
    if temperature < 0:
        raise ValueError(f"expected a temperature of at least 0, got {temperature}")
    if temperature > 0:
        return logits * (1.0 / temperature)
    first = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).bool()
    return torch.where(first, logits, -torch.inf)


@alternative("apply_temperature", why="At 0, drops whatever a running count of maxima does not call the first.")
def zero_by_counting(logits, temperature):
    if not temperature >= 0:
        raise ValueError(f"expected a temperature of at least 0, got {temperature}")
    if temperature != 0:
        return torch.div(logits, temperature)
    best = logits == logits.max(dim=-1, keepdim=True).values
    return logits.masked_fill(~(best & (best.cumsum(-1) == 1)), float("-inf"))


@alternative("apply_temperature", why="At 0, leaves it to top-k.")
def zero_is_the_best_of_one(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must not be negative, it is {temperature}")
    return logits / temperature if temperature else top_k_filter(logits, 1)


# --- top_k_filter -----------------------------------------------------------------------------------------------------


@alternative("top_k_filter", why="Counts for each word how many are better, or as good with a lower id.")
def by_counting_the_better(logits, k):
    if k <= 0:
        raise ValueError(f"expected k of at least 1, got {k}")
    other, own = logits.unsqueeze(-2), logits.unsqueeze(-1)
    earlier = torch.ones(logits.size(-1), logits.size(-1), dtype=torch.bool).tril(-1)
    rank = ((other > own) | ((other == own) & earlier)).sum(-1)
    return torch.where(rank < k, logits, -math.inf)


@alternative("top_k_filter", why="Sorts each row in plain Python.")
def row_by_row_with_sorted(logits, k):
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    rows = logits.reshape(-1, logits.size(-1))
    result = torch.full_like(rows, -math.inf)
    for row, out in zip(rows, result, strict=True):
        keep = sorted(range(len(row)), key=lambda i, row=row: -row[i].item())[:k]
        out[keep] = row[keep]
    return result.view_as(logits)


@alternative(
    "top_k_filter", why="Everything above the k-th largest, and of those equal to it as many as there is room for."
)
def threshold_and_ties(logits, k):
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    k = min(k, logits.size(-1))
    worst = torch.topk(logits, k, dim=-1).values[..., -1:]
    above, equal = logits > worst, logits == worst
    room = k - above.sum(-1, keepdim=True)
    return logits.masked_fill(~(above | (equal & (equal.cumsum(-1) <= room))), -torch.inf)


@alternative("top_k_filter", why="Takes the best word k times.")
def the_best_again_and_again(logits, k):
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    left, kept = logits.clone(), torch.zeros_like(logits, dtype=torch.bool)
    for _ in range(min(k, logits.size(-1))):
        best = left.masked_fill(kept, -math.inf).argmax(-1, keepdim=True)
        kept.scatter_(-1, best, True)
    result = torch.full_like(logits, -math.inf)
    result[kept] = logits[kept]
    return result


# --- top_p_filter -----------------------------------------------------------------------------------------------------


@alternative("top_p_filter", why="The running sum, moved to the right by one place, in a copy.")
def shifted_by_one(logits, p):
    if p <= 0 or p > 1:
        raise ValueError(f"expected p in (0, 1], got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = torch.sort(logits, descending=True, stable=True, dim=-1)
    over = torch.softmax(ranked, dim=-1).cumsum(dim=-1) >= p
    over[..., 1:] = over[..., :-1].clone()
    over[..., 0] = False
    return logits.masked_fill(torch.empty_like(over).scatter_(-1, order, over), float("-inf"))


@alternative(
    "top_p_filter", why="Drops from the other end whatever has no more than 1 - p together, in double precision."
)
def from_the_worst(logits, p):
    if not 0.0 < p <= 1.0:
        raise ValueError(f"expected p in (0, 1], got {p}")
    if p == 1:
        return logits.clone()
    backwards = logits.flip(-1)  # so that of equal ones the highest id comes first
    order = backwards.argsort(dim=-1, stable=True)
    mass = torch.softmax(backwards.double(), dim=-1).gather(-1, order)
    dropped = torch.zeros_like(backwards, dtype=torch.bool).scatter(-1, order, mass.cumsum(-1) <= 1 - p)
    return backwards.masked_fill(dropped, -math.inf).flip(-1)


@alternative("top_p_filter", why="Looks up how many words it takes, and the way back is a second argsort.")
def by_searchsorted(logits, p):
    if p > 1 or p <= 0:
        raise ValueError(f"expected p in (0, 1], got {p}")
    if p == 1:
        return logits.clone()
    order = logits.argsort(dim=-1, descending=True, stable=True)
    total = torch.softmax(logits, -1).gather(-1, order).cumsum(-1).contiguous()
    count = torch.searchsorted(total, torch.full_like(total[..., :1], p)) + 1
    rank = order.argsort(dim=-1)
    return torch.where(rank < count, logits, torch.full_like(logits, -torch.inf))


@alternative("top_p_filter", why="Adds up, for each word, the probability of all that are better.")
def every_word_against_all_others(logits, p):
    if not (0 < p <= 1):
        raise ValueError(f"expected p in (0, 1], got {p}")
    if p == 1:
        return logits.clone()
    probability = torch.softmax(logits, dim=-1)
    other, own = logits.unsqueeze(-2), logits.unsqueeze(-1)
    earlier = torch.ones(logits.size(-1), logits.size(-1)).tril(-1).bool()
    better = (other > own) | ((other == own) & earlier)
    return logits.masked_fill((probability.unsqueeze(-2) * better).sum(-1) >= p, -math.inf)


@alternative("top_p_filter", why="Goes through the words of each row from the best, and stops.")
def in_plain_python(logits, p):
    if p <= 0 or p > 1:
        raise ValueError(f"expected p in (0, 1], got {p}")
    if p == 1:
        return logits.clone()
    kept = []
    for row in logits.reshape(-1, logits.size(-1)).tolist():
        powers = [math.exp(x - max(row)) for x in row]
        mass, stays = 0.0, [False] * len(row)
        for i in sorted(range(len(row)), key=lambda i, row=row: -row[i]):
            if mass >= p:
                break
            stays[i] = True
            mass += powers[i] / math.fsum(powers)
        kept.append(stays)
    return logits.masked_fill(~torch.tensor(kept).reshape(logits.shape), -math.inf)


# --- sample_next_token ------------------------------------------------------------------------------------------------


@alternative("sample_next_token", why="Adds Gumbel noise and takes the largest.")
def gumbel_noise(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    u = torch.rand(logits.shape, generator=generator, dtype=torch.float64)
    return (logits - torch.log(-torch.log(u.clamp(1e-300, 1 - 1e-16)))).argmax(dim=-1)


@alternative("sample_next_token", why="Throws one number for each row and looks where the running sum passes it.")
def inverse_of_the_running_sum(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    total = torch.softmax(logits.double(), dim=-1).cumsum(dim=-1)
    u = torch.rand(logits.size(0), 1, generator=generator, dtype=torch.float64) * total[:, -1:]
    return (total <= u).sum(dim=-1)


@alternative(
    "sample_next_token",
    why="Hands weights to multinomial that do not sum to 1, and is greedy by itself at temperature 0.",
)
def weights_that_are_not_normalised(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    cooled = apply_temperature(logits, temperature)
    cooled = cooled if top_k is None else top_k_filter(cooled, top_k)
    cooled = cooled if top_p is None else top_p_filter(cooled, top_p)
    if temperature == 0:
        return cooled.argmax(dim=-1)
    weights = torch.exp(cooled - cooled.amax(-1, keepdim=True))
    return torch.multinomial(weights, 1, replacement=True, generator=generator)[:, 0]


@alternative("sample_next_token", why="Draws for each row by itself.")
def one_row_at_a_time(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    probabilities = torch.softmax(logits, -1)
    drawn = [torch.multinomial(row, num_samples=1, generator=generator) for row in probabilities]
    return torch.cat(drawn)


# --- generate ---------------------------------------------------------------------------------------------------------


@alternative("generate", why="Collects columns in a list, in inference mode.")
def a_list_of_columns(
    model,
    ids,
    max_new_tokens,
    temperature=1.0,
    top_k=None,
    top_p=None,
    eos_id=None,
    pad_id=None,
    generator=None,
):
    training = model.training
    model.train(False)
    columns = list(ids.clone().unbind(1))
    open_rows = [True] * len(ids)
    with torch.inference_mode():
        while len(columns) < ids.size(1) + max_new_tokens and any(open_rows):
            logits = model(torch.stack(columns[-model.max_len :], dim=1))[0][:, -1, :]
            word = sample_next_token(logits, temperature, top_k, top_p, generator)
            if eos_id is not None:
                filler = eos_id if pad_id is None else pad_id
                word = torch.where(torch.tensor(open_rows), word, filler)
                open_rows = [is_open and w != eos_id for is_open, w in zip(open_rows, word.tolist(), strict=True)]
            columns.append(word)
    model.train(training)
    return torch.stack(columns, dim=1).clone()


@alternative("generate", why="Writes into a tensor that is large enough, and cuts it at the end.")
def room_made_in_advance(
    model,
    ids,
    max_new_tokens,
    temperature=1.0,
    top_k=None,
    top_p=None,
    eos_id=None,
    pad_id=None,
    generator=None,
):
    before, length = model.training, ids.shape[1]
    text = torch.full((ids.shape[0], length + max_new_tokens), -1, dtype=ids.dtype)
    text[:, :length] = ids
    done = torch.zeros(len(ids)).bool()
    if pad_id is None:
        pad_id = eos_id
    model.eval()
    for end in range(length, length + max_new_tokens):
        with torch.no_grad():
            logits, _ = model(text[:, max(0, end - model.max_len) : end])
        text[:, end] = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator=generator)
        length = end + 1
        if eos_id is not None:
            text[done, end] = pad_id
            done |= text[:, end] == eos_id
            if bool(done.all()):
                break
    if before:
        model.train()
    return text[:, :length]


@alternative("generate", why="A function for one step, and the mode of every part is restored one by one.")
def step_by_step_inside(
    model,
    ids,
    max_new_tokens,
    temperature=1.0,
    top_k=None,
    top_p=None,
    eos_id=None,
    pad_id=None,
    generator=None,
):
    modes = [(module, module.training) for module in model.modules()]

    @torch.no_grad()
    def step(text):
        logits, _ = model(text if text.size(1) <= model.max_len else text[:, -model.max_len :])
        return sample_next_token(logits.select(1, -1), temperature, top_k, top_p, generator).reshape(-1, 1)

    text, ended = ids, torch.zeros_like(ids[:, :1], dtype=torch.bool)
    try:
        model.eval()
        for _ in range(max_new_tokens):
            if ended.all():
                break
            word = step(text)
            if eos_id is not None:
                word[ended] = eos_id if pad_id is None else pad_id
                ended = ended.logical_or(word.eq(eos_id))
            text = torch.hstack([text, word])
    finally:
        for module, mode in modes:
            module.training = mode
    return text


# --- nucleus_mask -----------------------------------------------------------------------------------------------------


@alternative(
    "nucleus_mask", why="A second argsort says which rank each word has, and the verdicts are looked up there."
)
def verdicts_looked_up_by_rank(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"expected p in (0, 1], got {p}")
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    return (mass.cumsum(dim=-1) - mass < p).logical_or(torch.tensor(p == 1)).gather(-1, order.argsort(dim=-1))


@alternative("nucleus_mask", why="It asks top_p_filter what is left.")
def whatever_the_filter_leaves(logits, p):
    return torch.ones_like(logits).bool() if p == 1 else top_p_filter(logits, p) > -math.inf


@alternative("nucleus_mask", why="Writes the verdicts row by row, into a mask that is False at first.")
def row_by_row_into_a_mask(logits, p):
    if p <= 0 or p > 1:
        raise ValueError(f"expected p in (0, 1], got {p}")
    rows = logits.reshape(-1, logits.size(-1))
    mask = torch.zeros(rows.shape, dtype=torch.bool)
    for row, out in zip(rows, mask, strict=True):
        order = torch.argsort(row, descending=True, stable=True)
        mass = torch.softmax(row[order], dim=0).cumsum(0)
        count = len(row) if p == 1 else int((mass < p).sum()) + 1
        out[order[:count]] = True
    return mask.reshape(logits.shape)


@alternative("nucleus_mask", why="Marks the words that go, with scatter_, and turns the mask round.")
def those_that_go_turned_round(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"expected p in (0, 1], got {p}")
    if p == 1:
        return torch.full(logits.shape, True)
    order = torch.argsort(logits, dim=-1, descending=True, stable=True)
    mass = torch.softmax(logits, dim=-1).gather(-1, order)
    goes = torch.empty(logits.shape, dtype=torch.bool)
    goes.scatter_(-1, order, mass.cumsum(dim=-1) - mass >= p)
    return ~goes


# --- test_top_p_filter ------------------------------------------------------------------------------------------------


@alternative("test_top_p_filter", why="Numbers worked out by hand, exceptions of its own, and few calls.")
def filters_judged_by_hand(top_p_filter):
    shares = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.02, 0.03, 0.04, 0.91], [0.28, 0.22, 0.3, 0.2]])
    logits = shares.log()
    stays = torch.tensor([[0, 1, 0, 1], [0, 0, 0, 1], [1, 1, 1, 0]], dtype=torch.bool)
    for change in (0.0, 5.0):
        found = top_p_filter(logits + change, 0.7)
        if (found > -math.inf).ne(stays).any() or (found - logits - change)[stays].abs().max() > 1e-4:
            raise ValueError("the wrong words, or other numbers")
    nearly_all = top_p_filter(logits[:1], 0.88)
    if (nearly_all > -math.inf).tolist() != [[False, True, True, True]]:
        raise ValueError("not those who are needed for 0.88")
    for count, p in ((1, 0.25), (2, 0.5), (3, 0.75)):
        if (top_p_filter(torch.ones(2, 4), p) > -math.inf).tolist() != [[i < count for i in range(4)]] * 2:
            raise ValueError("equal words")
    if not torch.isfinite(top_p_filter(torch.tensor([0.0, 40.0]), 1)).all():
        raise ValueError("with p = 1 all stay")
    for p in (0, 1.01):
        try:
            top_p_filter(logits, p)
        except ValueError:
            continue
        raise TypeError("took any p")


@alternative("test_top_p_filter", why="Properties only: nothing is compared with a finished result.")
def filters_judged_by_properties(top_p_filter):
    generator = torch.Generator().manual_seed(3)
    for shape, p in (((2, 3, 7), 0.35), ((5, 11), 0.62), ((9,), 0.81), ((4, 6), 0.07)):
        logits = 2 * torch.randn(shape, generator=generator)
        found = top_p_filter(logits, p)
        stays = found > -math.inf
        assert stays.any(-1).all()
        assert (found[stays] - logits[stays]).abs().max() < 1e-5
        shares = torch.softmax(logits, dim=-1)
        mass, least = (shares * stays).sum(-1), shares.masked_fill(~stays, 2.0).amin(-1)
        assert (mass >= p - 1e-4).all()
        assert (mass - least <= p + 1e-4).all()
        assert (shares.masked_fill(stays, 0.0).amax(-1) <= least).all()
    one = top_p_filter(torch.zeros(3, 8), 0.125)
    assert (one == torch.tensor([0.0] + 7 * [-math.inf])).all()
    assert top_p_filter(torch.tensor([50.0, 0.0, 50.0, -50.0]), 1.0).isfinite().all()
    refused = 0
    for p in (0.0, 2.0):
        try:
            top_p_filter(logits, p)
        except ValueError:
            refused += 1
    assert refused == 2


@alternative(
    "test_top_p_filter", why="A slow filter of its own as the oracle: it looks for the fewest words one by one."
)
def filters_judged_by_a_slow_one(top_p_filter):
    def slow(row, p):
        left, mass, kept = torch.softmax(row.double(), dim=-1), 0.0, torch.full_like(row, -math.inf)
        while mass < p and (left >= 0).any():
            best = int(left.argmax())
            kept[best], mass = row[best], mass + float(left[best])
            left[best] = -1.0
        return kept

    batch = 1.5 * torch.randn(6, 9, generator=torch.Generator().manual_seed(5))
    for p in (0.3, 0.66, 0.9):
        expected = torch.stack([slow(row, p) for row in batch])
        torch.testing.assert_close(top_p_filter(batch, p), expected)
        torch.testing.assert_close(top_p_filter(batch.view(2, 3, 9), p), expected.view(2, 3, 9))
    equal = torch.zeros(2, 16)
    for p in (0.25, 0.5):
        torch.testing.assert_close(top_p_filter(equal, p), torch.stack([slow(row, p) for row in equal]))
    torch.testing.assert_close(top_p_filter(60 * batch, 1.0), 60 * batch)
    for p in (-1.0, 0.0, 1.5):
        try:
            top_p_filter(batch, p)
        except ValueError:
            continue
        raise AssertionError


# --- KVCache ----------------------------------------------------------------------------------------------------------


@alternative("KVCache", why="Keeps the pieces and joins them when they are asked for.")
class pieces_in_lists:
    def __init__(self):
        self.pieces = {}

    @property
    def length(self):
        for keys, _ in self.pieces.values():
            return sum(k.shape[2] for k in keys)
        return 0

    def extend(self, layer, k, v):
        keys, values = self.pieces.setdefault(layer, ([], []))
        keys.append(k)
        values.append(v)
        return torch.cat(keys, dim=2), torch.cat(values, dim=2)


@alternative("KVCache", why="Stacks keys and values into one tensor for each layer.")
class keys_beside_values:
    def __init__(self):
        self.of = {}

    @property
    def length(self):
        return next(iter(self.of.values())).size(3) if self.of else 0

    def extend(self, layer, k, v):
        new = torch.stack([k, v])
        self.of[layer] = torch.cat([self.of[layer], new], dim=3) if layer in self.of else new
        return tuple(self.of[layer])


@alternative("KVCache", why="Counts the positions itself, by the layer that came first, and is a module.")
class length_counted_on_its_own(nn.Module):
    def __init__(self):
        super().__init__()
        self.store, self.first, self.count = {}, None, 0

    @property
    def length(self):
        return self.count

    def extend(self, layer, k, v):
        number = id(layer) if isinstance(layer, nn.Module) else layer
        if self.first is None:
            self.first = number
        if number == self.first:
            self.count += k.size(-2)
        empty = k[:, :, :0], v[:, :, :0]
        self.store[number] = [
            torch.cat(pair, dim=-2) for pair in zip(self.store.get(number, empty), (k, v), strict=True)
        ]
        return tuple(self.store[number])
