"""Right solutions of 02_multi_head that look different from the reference; each must get full marks.

A check that rejects one of them asks for a way of writing, not for a result.
"""

import math

import torch
from torch import nn

from autograder.authoring import alternative
from solutions.attention import attention_scores, attention_weights, scaled_dot_product_attention, softmax
from solutions.multi_head import merge_heads, split_fused_qkv, split_heads

# --- split_heads ------------------------------------------------------------------------------------------------------


@alternative("split_heads", why="unflatten and movedim; what comes back is a view that is not contiguous.")
def split_by_unflatten(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError(f"expected a width divisible by {num_heads}, got {x.size(-1)}")
    return x.unflatten(-1, (num_heads, -1)).movedim(2, 1)


@alternative("split_heads", why="Cuts into chunks and stacks them: no reshape, no transpose.")
def split_by_chunks(x, num_heads):
    if x.shape[-1] % num_heads != 0:
        raise ValueError(f"expected a width divisible by {num_heads}, got {x.shape[-1]}")
    return torch.stack(x.chunk(num_heads, dim=-1), dim=1)


@alternative("split_heads", why="One slice for each head, written into an empty tensor.")
def split_slice_by_slice(x, num_heads):
    b, length, width = x.shape
    d, rest = divmod(width, num_heads)
    if rest != 0:
        raise ValueError(f"expected a width divisible by {num_heads}, got {width}")
    heads = x.new_empty(b, num_heads, length, d)
    for h in range(num_heads):
        heads[:, h] = x[:, :, h * d : (h + 1) * d]
    return heads


@alternative("split_heads", why="Looks up which channel each head and place needs, with a table of indices.")
def split_by_a_table(x, num_heads):
    d = x.size(-1) // num_heads
    if d * num_heads != x.size(-1):
        raise ValueError(f"expected a width divisible by {num_heads}, got {x.size(-1)}")
    table = torch.arange(num_heads)[:, None] * d + torch.arange(d)
    return x[:, :, table].permute(0, 2, 1, 3).contiguous()


@alternative("split_heads", why="A view by strides, and an assertion of its own beside the ValueError.")
def split_by_view_and_transpose(x, num_heads):
    if x.size(2) % num_heads != 0:
        raise ValueError(f"expected a width divisible by {num_heads}, got {x.size(2)}")
    heads = x.contiguous().view(x.size(0), -1, num_heads, x.size(2) // num_heads).transpose(1, 2)
    assert heads.size(1) == num_heads
    return heads


# --- merge_heads ------------------------------------------------------------------------------------------------------


@alternative("merge_heads", why="Concatenates the heads, which never turns an axis.")
def merge_by_cat(x):
    return torch.cat(x.unbind(dim=1), dim=-1)


@alternative("merge_heads", why="contiguous and view in the place of reshape.")
def merge_by_contiguous_view(x):
    b, heads, length, d = x.size()
    return x.permute(0, 2, 1, 3).contiguous().view(b, length, heads * d)


@alternative("merge_heads", why="swapaxes and flatten, without naming a single size.")
def merge_by_flatten(x):
    return x.swapaxes(1, 2).flatten(start_dim=2)


@alternative("merge_heads", why="One slice for each head, written into an empty tensor.")
def merge_slice_by_slice(x):
    b, heads, length, d = x.shape
    merged = torch.zeros(b, length, heads * d, dtype=x.dtype, device=x.device)
    for h, head in enumerate(x.unbind(1)):
        merged[..., h * d : (h + 1) * d] = head
    return merged


@alternative("merge_heads", why="Adds up the heads, each moved to its own channels by a matrix of zeros and ones.")
def merge_by_einsum(x):
    heads, d = x.size(1), x.size(3)
    places = torch.eye(heads * d, dtype=x.dtype).reshape(heads, d, heads * d)
    return torch.einsum("bhld,hdc->blc", x, places)


# --- split_fused_qkv --------------------------------------------------------------------------------------------------


@alternative("split_fused_qkv", why="Splits into three times as many heads and deals out the heads.")
def fused_as_more_heads(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError(f"expected a width divisible by {3 * num_heads}, got {qkv.size(-1)}")
    return split_heads(qkv, 3 * num_heads).chunk(3, dim=1)


@alternative("split_fused_qkv", why="One unflatten into blocks, heads and channels, one permute, one unbind.")
def fused_in_one_go(qkv, num_heads):
    d, rest = divmod(qkv.shape[-1], 3 * num_heads)
    if rest:
        raise ValueError(f"expected a width divisible by {3 * num_heads}, got {qkv.shape[-1]}")
    return qkv.unflatten(-1, (3, num_heads, d)).permute(2, 0, 3, 1, 4).unbind(0)


@alternative("split_fused_qkv", why="Three slices, and the two divisibilities checked one by one.")
def fused_by_slices(qkv, num_heads):
    width = qkv.size(-1) // 3
    if 3 * width != qkv.size(-1) or width % num_heads:
        raise ValueError(f"expected a width divisible by {3 * num_heads}, got {qkv.size(-1)}")
    blocks = qkv[..., :width], qkv[..., width : 2 * width], qkv[..., 2 * width :]
    return tuple(split_heads(block, num_heads) for block in blocks)


@alternative("split_fused_qkv", why="Leaves part of the refusing to split_heads, and cuts with torch.split.")
def fused_by_torch_split(qkv, num_heads):
    if qkv.size(-1) % 3:
        raise ValueError(f"expected a width divisible by 3, got {qkv.size(-1)}")
    q, k, v = (split_heads(part, num_heads) for part in torch.split(qkv, qkv.size(-1) // 3, dim=2))
    return q, k, v


# --- MultiHeadAttention -----------------------------------------------------------------------------------------------


@alternative("MultiHeadAttention", why="A loop over the heads, each with its own rows of the matrices.")
class a_loop_over_the_heads(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.d, rest = divmod(d_model, num_heads)
        if rest:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        for name in ("w_q", "w_k", "w_v", "w_o"):
            setattr(self, name, nn.Linear(d_model, d_model, bias=bias))
        self.heads = num_heads
        self.drop = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = self.w_q(query), self.w_k(key), self.w_v(value)
        if mask is not None:
            mask = mask.expand(query.size(0), self.heads, query.size(1), key.size(1))
        found, weights = [], []
        for h in range(self.heads):
            own = slice(h * self.d, (h + 1) * self.d)
            scores = attention_scores(q[..., own], k[..., own])
            weights.append(attention_weights(scores, None if mask is None else mask[:, h]))
            found.append(self.drop(weights[-1]) @ v[..., own])
        return self.w_o(torch.cat(found, dim=-1)), torch.stack(weights, dim=1)


@alternative("MultiHeadAttention", why="All in one piece with einsum, PyTorch's softmax and a large negative number.")
class one_piece_with_einsum(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.h, self.p = num_heads, dropout
        self.w_o = nn.Linear(d_model, d_model, bias)
        self.w_v = nn.Linear(d_model, d_model, bias)
        self.w_k = nn.Linear(d_model, d_model, bias)
        self.w_q = nn.Linear(d_model, d_model, bias)

    def forward(self, query, key=None, value=None, mask=None):
        if key is None:
            key = query
        if value is None:
            value = key
        q = self.w_q(query).unflatten(-1, (self.h, -1))
        k = self.w_k(key).unflatten(-1, (self.h, -1))
        v = self.w_v(value).unflatten(-1, (self.h, -1))
        scores = torch.einsum("bihd,bjhd->bhij", q, k) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights * mask
        used = nn.functional.dropout(weights, self.p, training=self.training)
        return self.w_o(torch.einsum("bhij,bjhd->bihd", used, v).flatten(2)), weights


@alternative("MultiHeadAttention", why="The heads are folded into the batch, and bmm does the products.")
class heads_as_a_larger_batch(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.num_heads = num_heads
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model, bias=bias) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        b, heads, d = query.size(0), self.num_heads, query.size(2) // self.num_heads
        q, k, v = (
            w(x).reshape(b, -1, heads, d).transpose(1, 2).reshape(b * heads, -1, d)
            for w, x in ((self.w_q, query), (self.w_k, key), (self.w_v, value))
        )
        scores = torch.bmm(q, k.transpose(1, 2)) / d**0.5
        if mask is not None:
            mask = mask.expand(b, heads, query.size(1), key.size(1)).reshape(b * heads, query.size(1), key.size(1))
            scores = scores.masked_fill(mask.logical_not(), float("-inf"))
        weights = softmax(scores)
        found = torch.bmm(self.dropout(weights), v).reshape(b, heads, -1, d)
        return self.w_o(merge_heads(found)), weights.reshape(b, heads, -1, key.size(1))


@alternative("MultiHeadAttention", why="The three matrices are stacked in every call, and used as one.")
class fused_in_every_call(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None, need_weights=True):
        if key is None and value is None:
            maps = (self.w_q, self.w_k, self.w_v)
            bias = None if self.w_q.bias is None else torch.cat([w.bias for w in maps])
            wide = nn.functional.linear(query, torch.cat([w.weight for w in maps]), bias)
            q, k, v = split_fused_qkv(wide, self.num_heads)
        else:
            key = query if key is None else key
            value = key if value is None else value
            q = split_heads(self.w_q(query), self.num_heads)
            k = split_heads(self.w_k(key), self.num_heads)
            v = split_heads(self.w_v(value), self.num_heads)
        _, weights = scaled_dot_product_attention(q, k, v, mask)
        return self.w_o(merge_heads(torch.matmul(self.dropout(weights), v))), weights


@alternative(
    "MultiHeadAttention", why="Never merges: every head writes through its own columns of w_o, and it adds up."
)
class heads_that_add_up(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.num_heads, self.rate = num_heads, dropout
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.register_buffer("calls", torch.zeros(1), persistent=False)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        used = weights
        if self.training and self.rate > 0:
            used = weights * (torch.rand_like(weights) >= self.rate) / (1 - self.rate)
        columns = self.w_o.weight.unflatten(1, (self.num_heads, -1))
        output = torch.einsum("bhid,ohd->bio", used @ v, columns)
        return output if self.w_o.bias is None else output + self.w_o.bias, weights


# --- attention_entropy ------------------------------------------------------------------------------------------------


@alternative("attention_entropy", why="torch.xlogy, which knows what 0 times the logarithm of 0 is.")
def entropy_by_xlogy(weights):
    return -torch.xlogy(weights, weights).sum(-1)


@alternative("attention_entropy", why="torch.special.entr, which is the term of the sum by name.")
def entropy_by_entr(weights):
    return torch.special.entr(weights).sum(dim=-1)


@alternative("attention_entropy", why="A tiny number inside the logarithm.")
def entropy_with_a_tiny_number(weights):
    return -(weights * (weights + 1e-12).log()).sum(-1)


@alternative("attention_entropy", why="The nan is made and then replaced.")
def entropy_with_nan_replaced(weights):
    return -torch.nan_to_num(weights * torch.log(weights), nan=0.0).sum(-1)


@alternative("attention_entropy", why="Bits, turned into nats, with the small weights lifted a little.")
def entropy_from_bits(weights):
    lifted = weights.clamp(min=torch.finfo(weights.dtype).tiny)
    return torch.einsum("...k,...k->...", weights, -torch.log2(lifted)) * torch.tensor(2.0, dtype=weights.dtype).log()


@alternative("attention_entropy", why="Row by row, over the weights that are not 0.")
def entropy_row_by_row(weights):
    rows = weights.reshape(-1, weights.size(-1))
    sums = [torch.stack([-w * torch.log(w) for w in row if w > 0] + [row.new_zeros(())]).sum() for row in rows]
    return torch.stack(sums).reshape(weights.shape[:-1])


# --- attend_in_heads --------------------------------------------------------------------------------------------------


@alternative("attend_in_heads", why="The functions of the first lesson do the work, with the heads as a leading axis.")
def heads_as_a_leading_axis(q, k, v, num_heads):
    q, k, v = split_heads(q, num_heads), split_heads(k, num_heads), split_heads(v, num_heads)
    return merge_heads(attention_weights(attention_scores(q, k)) @ v)


@alternative("attend_in_heads", why="The width of a head is computed before the cut, and a power is the scale.")
def width_computed_first(q, k, v, num_heads):
    width = q.size(-1) // num_heads
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.mT * width**-0.5
    return merge_heads(scores.softmax(-1) @ v)


@alternative("attend_in_heads", why="A loop over the heads, each with its slice of the channels.")
def one_slice_for_each_head(q, k, v, num_heads):
    if q.shape[-1] % num_heads:
        raise ValueError(f"{num_heads} heads cannot share {q.shape[-1]} channels")
    heads = []
    for a, b, c in zip(*(x.chunk(num_heads, dim=-1) for x in (q, k, v)), strict=True):
        weights = torch.softmax(torch.bmm(a, b.transpose(1, 2)) / a.shape[-1] ** 0.5, dim=2)
        heads.append(torch.bmm(weights, c))
    return torch.cat(heads, dim=-1)


@alternative("attend_in_heads", why="einsum over axes that are never turned.")
def heads_by_einsum(q, k, v, num_heads):
    if q.size(-1) % num_heads != 0:
        raise ValueError("the width is not divisible")
    q, k, v = (x.unflatten(-1, (num_heads, -1)) for x in (q, k, v))
    scores = torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(q.size(-1))
    return torch.einsum("bhij,bjhd->bihd", scores.softmax(dim=-1), v).flatten(-2)


# --- test_split_heads -------------------------------------------------------------------------------------------------


@alternative("test_split_heads", why="Number by number, in loops, with exceptions of its own.")
def judged_number_by_number(split_heads):
    x = torch.arange(48.0, requires_grad=True).reshape(2, 3, 8)
    heads = split_heads(x, 4)
    if list(heads.size()) != [2, 4, 3, 2]:
        raise ValueError(f"shape {list(heads.size())}")
    for b in range(2):
        for h in range(4):
            for place in range(3):
                for j in range(2):
                    if heads[b, h, place, j] != x[b, place, 2 * h + j]:
                        raise ValueError("a number in the wrong place")
    (gradient,) = torch.autograd.grad(heads[1, 2, 0].sum(), x)
    if gradient[1, 0].tolist() != [0, 0, 0, 0, 1, 1, 0, 0] or gradient.sum() != 2:
        raise ValueError("a gradient in the wrong place")
    try:
        split_heads(x.detach(), 3)
    except ValueError:
        pass
    else:
        raise KeyError("8 channels were shared by 3 heads")


@alternative("test_split_heads", why="The way back: turned and flattened, the result must be what it was made of.")
def judged_by_the_way_back(split_heads):
    generator = torch.Generator().manual_seed(0)
    for b, length, num_heads, d in ((1, 5, 3, 2), (3, 2, 5, 7), (2, 7, 1, 3)):
        x = torch.randn(b, length, num_heads * d, generator=generator, requires_grad=True)
        heads = split_heads(x, num_heads)
        assert heads.shape == (b, num_heads, length, d)
        back = heads.permute(0, 2, 1, 3).flatten(2)
        torch.testing.assert_close(back, x)
        back.square().sum().backward()
        assert x.grad is not None
        torch.testing.assert_close(x.grad, 2 * x)
        if num_heads > 1:
            try:
                split_heads(torch.zeros(b, length, num_heads * d + 1), num_heads)
                refused = False
            except ValueError:
                refused = True
            assert refused


@alternative("test_split_heads", why="One number at a time is set to 1: where does it arrive, and does it come back?")
def judged_by_single_ones(split_heads):
    for place, channel, h, j in ((0, 0, 0, 0), (1, 3, 1, 0), (4, 5, 1, 2), (2, 1, 0, 1)):
        x = torch.zeros(1, 5, 6)
        x[0, place, channel] = 1.0
        wanted = torch.zeros(1, 2, 5, 3)
        wanted[0, h, place, j] = 1.0
        leaf = x.clone().requires_grad_()
        found = split_heads(leaf, 2)
        assert found.shape == wanted.shape
        assert bool((found == wanted).all())
        (gradient,) = torch.autograd.grad(found, leaf, grad_outputs=wanted)
        assert bool((gradient == x).all())
    try:
        split_heads(torch.zeros(1, 5, 7), 2)
    except ValueError:
        return
    raise RuntimeError("no complaint")
