"""Right solutions of 01_attention that look different from the reference; each must get full marks.

A check that rejects one of them asks for a way of writing, not for a result.
"""

import math

import matplotlib.pyplot as plt
import torch
from torch import nn

from autograder.authoring import alternative
from solutions.attention import attention_scores, attention_weights, scaled_dot_product_attention, softmax

# --- softmax ----------------------------------------------------------------------------------------------------------


@alternative("softmax", why="It never divides: a check that looks for the sum of the exponentials finds none.")
def softmax_by_logsumexp(x, dim=-1):
    empty = (x == -math.inf).all(dim, keepdim=True)
    safe = x.masked_fill(empty, 0.0)
    return torch.exp(safe - torch.logsumexp(safe, dim, keepdim=True)).masked_fill(empty, 0.0)


@alternative("softmax", why="The exponential of a log-softmax rounds differently from a quotient.")
def softmax_as_exp_of_its_log(x, dim=-1):
    shifted = x - x.amax(dim, keepdim=True).clamp(min=torch.finfo(x.dtype).min)
    total = torch.exp(shifted).sum(dim, keepdim=True)
    return torch.exp(shifted - torch.log(total.clamp(min=1.0)))


@alternative("softmax", why="It works row by row with Python loops, and is slow.")
def softmax_row_by_row(x, dim=-1):
    moved = x.movedim(dim, -1)
    rows = []
    for row in moved.reshape(-1, moved.size(-1)):
        peak = max(row.tolist())
        if peak == -math.inf:
            rows.append(torch.zeros_like(row))
            continue
        powers = [torch.exp(score - peak) for score in row]
        rows.append(torch.stack([power / sum(powers) for power in powers]))
    return torch.stack(rows).reshape(moved.shape).movedim(-1, dim)


@alternative("softmax", why="A tiny constant in the denominator, and an argument that nobody asked for.")
def softmax_with_a_tiny_denominator(x, dim=-1, eps=1e-12):
    peak = torch.max(x, dim=dim, keepdim=True).values
    powers = torch.exp(x - torch.where(peak.isinf(), torch.zeros_like(peak), peak))
    return powers / (powers.sum(dim=dim, keepdim=True) + eps)


@alternative("softmax", why="Powers of 2 instead of e, with the scores stretched to match.")
def softmax_with_powers_of_two(x, dim=-1):
    peak = x.amax(dim=dim, keepdim=True).nan_to_num(neginf=0.0)
    powers = torch.exp2((x - peak) * math.log2(math.e))
    return powers / powers.sum(dim=dim, keepdim=True).clamp_min(0.5)


# --- attention_scores -------------------------------------------------------------------------------------------------


@alternative("attention_scores", why="einsum instead of a matrix product: no transpose anywhere.")
def scores_by_einsum(q, k):
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"expected equal widths, got {q.shape[-1]} and {k.shape[-1]}")
    return torch.einsum("...id,...jd->...ij", q, k) / q.shape[-1] ** 0.5


@alternative("attention_scores", why="The queries are scaled before the product, by a negative power.")
def queries_scaled_first(q, k):
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"expected equal widths, got {q.shape[-1]} and {k.shape[-1]}")
    return torch.matmul(q * q.shape[-1] ** -0.5, k.mT)


@alternative("attention_scores", why="The scale is split evenly between queries and keys, which rounds differently.")
def scale_split_in_two(q, k):
    width = q.size(-1)
    if k.size(-1) != width:
        raise ValueError(f"expected equal widths, got {width} and {k.size(-1)}")
    return (q / width**0.25) @ (k / width**0.25).transpose(-1, -2)


@alternative("attention_scores", why="Products of single numbers, summed: a tensor with one axis more on the way.")
def scores_by_broadcasting(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError(f"expected equal widths, got {q.size(-1)} and {k.size(-1)}")
    products = q.unsqueeze(-2) * k.unsqueeze(-3)
    return products.sum(-1) * torch.tensor(q.size(-1), dtype=q.dtype).rsqrt()


@alternative("attention_scores", why="Flattens the leading axes and lets baddbmm multiply and scale in one go.")
def scores_by_baddbmm(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError(f"expected equal widths, got {q.size(-1)} and {k.size(-1)}")
    shape = (*q.shape[:-1], k.size(-2))
    flat_q, flat_k = q.reshape(-1, *q.shape[-2:]), k.reshape(-1, *k.shape[-2:])
    nothing = torch.zeros(1, dtype=q.dtype, device=q.device)
    scale = 1 / math.sqrt(q.size(-1))
    return torch.baddbmm(nothing, flat_q, flat_k.transpose(1, 2), beta=0, alpha=scale).reshape(shape)


# --- attention_weights ------------------------------------------------------------------------------------------------


@alternative(
    "attention_weights", why="PyTorch's own softmax, which this exercise allows, with the empty rows taken care of."
)
def torch_softmax_with_empty_rows_guarded(scores, mask=None):
    if mask is None:
        return torch.softmax(scores, dim=-1)
    if mask.dtype is not torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}")
    empty = ~mask.any(dim=-1, keepdim=True)
    scores = scores.masked_fill(~mask & ~empty, float("-inf"))
    return torch.softmax(scores, dim=-1).masked_fill(empty, 0.0)


@alternative(
    "attention_weights", why="nan is made and then replaced; masked_fill keeps it out of the gradients as well."
)
def nan_replaced_by_zero(scores, mask=None):
    if mask is not None:
        if mask.dtype is not torch.bool:
            raise ValueError(f"expected a bool mask, got {mask.dtype}")
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.nan_to_num(torch.softmax(scores, dim=-1))


@alternative(
    "attention_weights", why="Fills with -1e9, which is not -inf, and strikes out what is forbidden once more."
)
def fill_with_minus_a_billion(scores, mask=None):
    if mask is None:
        return softmax(scores)
    if mask.dtype is not torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}")
    return softmax(scores.masked_fill(mask.logical_not(), -1e9)) * mask


@alternative("attention_weights", why="torch.where with the lowest number that the dtype can hold.")
def where_with_the_lowest_number(scores, mask=None):
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    elif mask.dtype is not torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}")
    lowest = torch.full_like(scores, torch.finfo(scores.dtype).min)
    weights = torch.nn.functional.softmax(torch.where(mask, scores, lowest), dim=-1)
    return torch.where(mask.any(-1, keepdim=True), weights, torch.zeros_like(weights))


@alternative("attention_weights", why="An additive mask, made inside from the bool one.")
def additive_mask_inside(scores, mask=None):
    if mask is None:
        return softmax(scores, -1)
    if mask.dtype is not torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}")
    bias = torch.zeros(mask.shape, dtype=scores.dtype, device=scores.device)
    bias[~mask] = -torch.inf
    return softmax(scores + bias, -1)


@alternative(
    "attention_weights", why="The mask acts on the exponentials, after the largest allowed score is taken off."
)
def mask_on_the_exponentials(scores, mask=None):
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    if mask.dtype is not torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}")
    lowered = scores.masked_fill(~mask, -torch.inf)
    peak = lowered.max(dim=-1, keepdim=True).values
    peak = torch.where(torch.isfinite(peak), peak, torch.zeros_like(peak))
    powers = torch.exp(lowered - peak)
    total = powers.sum(-1, keepdim=True)
    return powers / torch.where(total > 0, total, torch.ones_like(total))


# --- scaled_dot_product_attention -------------------------------------------------------------------------------------


@alternative(
    "scaled_dot_product_attention", why="All in one piece, with einsum, and without the functions written before."
)
def attention_by_einsum(q, k, v, mask=None):
    if mask is not None and mask.dtype is not torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}")
    if q.size(-1) != k.size(-1):
        raise ValueError(f"expected equal widths, got {q.size(-1)} and {k.size(-1)}")
    scores = torch.einsum("...id,...jd->...ij", q, k) * q.size(-1) ** -0.5
    empty = torch.zeros(1, dtype=torch.bool) if mask is None else ~mask.any(-1, keepdim=True)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1).masked_fill(empty, 0.0)
    return torch.einsum("...ij,...jv->...iv", weights, v), weights


@alternative("scaled_dot_product_attention", why="One query at a time, in a Python loop, and joined at the end.")
def attention_query_by_query(q, k, v, mask=None):
    if mask is not None:
        mask = mask.expand(*q.shape[:-1], k.size(-2))
    outputs, rows = [], []
    for i in range(q.size(-2)):
        row_mask = None if mask is None else mask[..., i : i + 1, :]
        row = attention_weights(attention_scores(q[..., i : i + 1, :], k), row_mask)
        outputs.append(row @ v)
        rows.append(row)
    return torch.cat(outputs, dim=-2), torch.cat(rows, dim=-2)


@alternative("scaled_dot_product_attention", why="Averages first and divides by the sum of the exponentials last.")
def attention_normalised_last(q, k, v, mask=None):
    scores = attention_scores(q, k)
    if mask is not None:
        if mask.dtype is not torch.bool:
            raise ValueError(f"expected a bool mask, got {mask.dtype}")
        scores = scores.masked_fill(~mask, -torch.inf)
    peak = scores.detach().amax(-1, keepdim=True).clamp(min=-1e30)
    powers = torch.exp(scores - peak)
    total = powers.sum(-1, keepdim=True).clamp(min=1.0)
    return (powers @ v) / total, powers / total


@alternative("scaled_dot_product_attention", why="More arguments than asked for, with defaults that change nothing.")
def attention_with_more_arguments(q, k, v, mask=None, dropout=None, scale=1.0):
    weights = attention_weights(attention_scores(q, k) * scale, mask)
    if dropout is not None:
        weights = dropout(weights)
    return torch.matmul(weights, v), weights


# --- SelfAttention ----------------------------------------------------------------------------------------------------


@alternative("SelfAttention", why="One product with the three matrices stacked, cut in three afterwards.")
class fused_inside_forward(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        stacked = torch.cat([self.w_q.weight, self.w_k.weight, self.w_v.weight])
        q, k, v = nn.functional.linear(x, stacked).chunk(3, dim=-1)
        return scaled_dot_product_attention(q, k, v, mask)


@alternative("SelfAttention", why="Another order of creation, private attributes, a buffer, and dropout that is off.")
class created_in_another_order(nn.Module):
    def __init__(self, d_model, d_k=None, dropout=0.0):
        super().__init__()
        self._width = d_k or d_model
        self.w_v = nn.Linear(d_model, self._width, bias=False)
        self.w_k = nn.Linear(d_model, self._width, bias=False)
        self.w_q = nn.Linear(d_model, self._width, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("scale", torch.tensor(self._width**-0.5))

    def forward(self, x, mask=None):
        scores = self.w_q(x) @ self.w_k(x).transpose(1, 2) * self.scale
        weights = attention_weights(scores, mask)
        return self.dropout(weights) @ self.w_v(x), weights


@alternative("SelfAttention", why="A loop over the sentences of the batch, and keyword arguments throughout.")
class sentence_by_sentence(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        width = {"in_features": d_model, "out_features": d_model if d_k is None else d_k, "bias": False}
        for name in ("w_q", "w_k", "w_v"):
            setattr(self, name, nn.Linear(**width))

    def forward(self, x, mask=None):
        if mask is not None:
            mask = mask.expand(x.size(0), x.size(1), x.size(1))
        outputs, weights = [], []
        for i, sentence in enumerate(x):
            output, row = scaled_dot_product_attention(
                q=self.w_q(sentence),
                k=self.w_k(sentence),
                v=self.w_v(sentence),
                mask=None if mask is None else mask[i],
            )
            outputs.append(output)
            weights.append(row)
        return torch.stack(outputs), torch.stack(weights)


# --- plot_attention ---------------------------------------------------------------------------------------------------


@alternative("plot_attention", why="matshow, which puts the key tokens on top.")
def drawn_with_matshow(weights, query_tokens, key_tokens, ax=None):
    rows, columns = weights.shape
    if rows != len(query_tokens) or columns != len(key_tokens):
        raise ValueError(f"expected {len(query_tokens)} x {len(key_tokens)} weights, got {rows} x {columns}")
    if ax is None:
        ax = plt.figure().add_subplot()
    ax.matshow(weights.detach().cpu().numpy(), vmin=0, vmax=1, cmap="Blues")
    ax.set_xticks(range(columns))
    ax.set_xticklabels(key_tokens)
    ax.set_yticks(range(rows))
    ax.set_yticklabels(query_tokens)
    return ax


@alternative("plot_attention", why="The limits come from a norm, the numbers as a list, and there is a title.")
def limits_by_a_norm(weights, query_tokens, key_tokens, ax=None, title="attention", cmap="magma"):
    if list(weights.shape) != [len(query_tokens), len(key_tokens)]:
        raise ValueError(f"expected {len(query_tokens)} x {len(key_tokens)} weights, got {tuple(weights.shape)}")
    if ax is None:
        ax = plt.figure(figsize=(3, 3)).add_subplot(1, 1, 1)
    ax.imshow(weights.tolist(), norm=plt.Normalize(0, 1), cmap=cmap, aspect="auto", interpolation="nearest")
    ax.set(xticks=range(len(key_tokens)), yticks=range(len(query_tokens)), title=title)
    ax.set_xticklabels(key_tokens, rotation=45, ha="right")
    ax.set_yticklabels(query_tokens)
    return ax


@alternative(
    "plot_attention", why="The limits are set after drawing, the cells carry their numbers, and there is a colour bar."
)
def numbers_in_the_cells(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError(f"expected {len(query_tokens)} x {len(key_tokens)} weights, got {tuple(weights.shape)}")
    figure, ax = (ax.figure, ax) if ax is not None else plt.subplots(layout="constrained")
    image = ax.imshow(weights.detach().numpy())
    image.set_clim(0, 1)
    figure.colorbar(image, ax=ax)
    for i, row in enumerate(weights.tolist()):
        for j, weight in enumerate(row):
            ax.text(j, i, f"{weight:.2f}", ha="center", va="center")
    ax.set_xticks(torch.arange(len(key_tokens)).numpy(), labels=list(key_tokens))
    ax.set_yticks(torch.arange(len(query_tokens)).numpy(), labels=list(query_tokens))
    ax.set(xlabel="keys", ylabel="queries")
    return ax


# --- causal_weights ---------------------------------------------------------------------------------------------------


@alternative("causal_weights", why="It hands a mask to attention_weights, and hides nothing by itself.")
def causal_by_attention_weights(scores):
    length = scores.shape[-1]
    return attention_weights(scores, torch.arange(length)[:, None] >= torch.arange(length))


@alternative("causal_weights", why="The sign that was meant: -1e9 in place of 1e-9.")
def future_at_minus_a_billion(scores):
    length = scores.size(-1)
    past = torch.ones(length, length, dtype=torch.bool, device=scores.device).tril()
    scores = scores.masked_fill(~past, -1e9)
    return softmax(scores, dim=-1)


@alternative("causal_weights", why="A matrix of 0 and -inf is added, and PyTorch's own softmax does the rest.")
def causal_by_an_additive_mask(scores):
    future = torch.full(scores.shape[-2:], -math.inf, dtype=scores.dtype).triu(1)
    return torch.softmax(scores + future, dim=-1)


@alternative("causal_weights", why="Row by row, over the scores of the past only.")
def causal_row_by_row(scores):
    length = scores.size(-1)
    rows = []
    for i in range(length):
        weights = torch.softmax(scores[..., i, : i + 1], dim=-1)
        rows.append(nn.functional.pad(weights, (0, length - 1 - i)))
    return torch.stack(rows, dim=-2)


# --- test_attention_weights -------------------------------------------------------------------------------------------


@alternative("test_attention_weights", why="Numbers worked out by hand, exceptions of its own, and few calls.")
def judged_by_hand(attention_weights):
    third = math.log(2)
    scores = torch.tensor([[0.0, third, 7.0], [-300.0, 9.0, -300.0 + third]]).repeat(2, 1, 1).requires_grad_()
    mask = torch.tensor([[True, True, False], [True, False, True]])
    weights = attention_weights(scores, mask)
    wanted = torch.tensor([[1 / 3, 2 / 3, 0.0], [1 / 3, 0.0, 2 / 3]]).repeat(2, 1, 1)
    if weights.shape != wanted.shape or (weights - wanted).abs().max() > 1e-3:
        raise ValueError("wrong weights")
    for leading in ((), (2,), (1, 2)):
        if (attention_weights(torch.zeros(*leading, 2, 3)) - 1 / 3).abs().max() > 1e-5:
            raise ValueError("not shared out evenly")
    nobody = attention_weights(scores, torch.zeros(2, 3, dtype=torch.bool))
    nobody.pow(2).sum().backward()
    if nobody.any() or not torch.isfinite(scores.grad).all():
        raise ValueError("an empty row")
    try:
        attention_weights(scores, torch.zeros(2, 3))
    except ValueError:
        pass
    else:
        raise TypeError("took a float mask")


@alternative("test_attention_weights", why="Properties only: nothing is compared with a finished result.")
def judged_by_properties(attention_weights):
    scores = torch.randn(2, 2, 4, 6, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(4, 6, dtype=torch.bool).tril(1)
    mask[3] = False
    for s in (scores, scores[0], scores[0, 0]):
        weights = attention_weights(s, mask)
        assert torch.allclose(weights.sum(-1), mask.any(-1).float().expand(s.shape[:-1]), atol=1e-4)
        assert not weights[..., ~mask].any()
        # The ratio of two weights tells the difference of their scores.
        logs = weights[..., :3, :2].log()
        differences = s[..., :3, 0] - s[..., :3, 1]
        assert torch.allclose(logs[..., 0] - logs[..., 1], differences, atol=1e-3)
        for change in (50.0, -50.0, 500.0):
            assert torch.allclose(attention_weights(s + change * ~mask, mask), weights, atol=1e-4)
            assert torch.allclose(attention_weights(s + change, mask), weights, atol=1e-3)
    leaf = scores.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(attention_weights(leaf, mask)[..., 0].sum(), leaf)
    assert not gradient.isnan().any()
    refused = False
    try:
        attention_weights(scores, mask.to(scores.dtype))
    except ValueError:
        refused = True
    assert refused


@alternative("test_attention_weights", why="PyTorch's own attention as the oracle, asked for its weights.")
def judged_by_pytorch(attention_weights):
    generator = torch.Generator().manual_seed(2)
    cases = [(shape, low) for shape in ((5, 7), (3, 5, 7), (2, 3, 5, 7)) for low in (0.0, 200.0)]
    for shape, low in cases:
        scores = torch.randn(shape, generator=generator)
        mask = torch.rand(shape[-2:], generator=generator) < 0.5
        mask[:, 0] = True
        scores = scores - low * mask
        eye = torch.eye(7).expand(*shape[:-2], 7, 7)
        for m in (None, mask):
            oracle = nn.functional.scaled_dot_product_attention(scores, eye, eye, attn_mask=m, scale=1.0)
            torch.testing.assert_close(attention_weights(scores, m), oracle, atol=1e-3, rtol=1e-3)
    mask[2] = False
    leaf = scores.clone().requires_grad_()
    weights = attention_weights(leaf, mask)
    assert float(weights[..., 2, :].abs().sum()) == 0
    weights.square().sum().backward()
    assert leaf.grad.isfinite().all()
    try:
        attention_weights(scores, mask.int())
        accepted = True
    except ValueError:
        accepted = False
    assert not accepted
