"""Wrong solutions that students of 02_multi_head really write, each with its name and its hints.

Every entry holds one mistake and is right in all else, so that its numbers belong to that mistake alone. The mistakes
of the first lesson (scale, mask, softmax) are here again where somebody writes the attention of all heads in one piece.
A mistake in splitting or merging is also tried inside the exercises that build on it.
"""

import math

import torch
from torch import nn

from autograder.authoring import misconception
from solutions.attention import attention_scores, attention_weights
from solutions.multi_head import merge_heads, split_heads

# --- split_heads ------------------------------------------------------------------------------------------------------


@misconception(
    "split_heads",
    title="the tensor is reshaped straight to (B, H, L, d), which deals out positions instead of channels",
    hints=(
        "Follow the number 13 in an arange tensor: which position does it come from, and which head does it land in?",
        "Look at the order of the axes in your reshape. It fills its new axes in the order of memory, and in memory a "
        "whole position comes before the next one.",
        "Two positions, (10, 11, 12, 13) and (20, 21, 22, 23), and two heads. Head 0 should hold (10, 11), (20, 21). "
        "Dealt out in the order of memory it holds (10, 11), (12, 13): both pieces of the first position, and nothing "
        "of the second.",
    ),
    seen_in="FuxiCTR #30, 649453932 #10; annotated-transformer #17 proposes it as a fix",
)
def split_by_reshape_alone(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    return x.reshape(x.size(0), num_heads, x.size(1), x.size(2) // num_heads)


@misconception(
    "split_heads",
    title="the channels are dealt to the heads in turn, like cards, instead of in blocks",
    hints=(
        "Which channels should head 0 own: the first few, or every H-th?",
        "Look at the order of the two sizes into which you cut the last axis. The one that comes last runs fastest.",
        "The channels (10, 11, 12, 13) and two heads: (10, 11) and (12, 13). Dealt in turn it is (10, 12) and (11, "
        "13).",
    ),
    seen_in="plausible",
)
def channels_interleaved(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    return x.reshape(*x.shape[:2], x.size(2) // num_heads, num_heads).permute(0, 3, 1, 2)


@misconception(
    "split_heads",
    title="the last axis is cut into heads, but the axes stay in the order batch, position, head, channel",
    hints=(
        "Attention compares what stands in the last two axes. Which two are these in your result?",
        "Look at what happens after the cut. One axis has to move past another.",
        "7 positions, 2 heads of width 3: the result has the shape (B, 2, 7, 3). Yours has (B, 7, 2, 3), and the heads "
        "of one position would attend to each other.",
    ),
    seen_in="plausible",
)
def split_without_turning(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    return x.reshape(*x.shape[:2], num_heads, x.size(2) // num_heads)


@misconception(
    "split_heads",
    title="positions and channels of each head have changed places",
    hints=(
        "In the last two axes, should a row be a position or a channel?",
        "Look at the order of the axes after you have turned them. The transpose of the keys belongs to the scores, "
        "not here.",
        "7 positions, 2 heads of width 3: the result has the shape (B, 2, 7, 3). Yours has (B, 2, 3, 7).",
    ),
    seen_in="plausible",
)
def split_turned_too_far(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    return x.reshape(*x.shape[:2], num_heads, x.size(2) // num_heads).permute(0, 2, 3, 1)


@misconception(
    "split_heads",
    title="num_heads is used as the width of a head, so that there are D / H heads of width H",
    hints=(
        "How many heads does the caller ask for, and how wide is each of them then?",
        "Look at the sizes into which you cut the last axis, and at which of them becomes the axis of the heads.",
        "Width 12 and 3 heads: each head is 4 wide. With the two numbers exchanged there are 4 heads of width 3.",
    ),
    seen_in="plausible",
)
def heads_taken_for_the_width(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    return x.reshape(*x.shape[:2], x.size(2) // num_heads, num_heads).transpose(1, 2)


@misconception(
    "split_heads",
    title="the heads come before the batch, as when the pieces are stacked along a new first axis",
    hints=(
        "Which axis should be the first one, and which the second?",
        "Look at how the pieces are put together, and along which axis. Left alone, stacking puts its new axis first.",
        "A batch of 2, 3 heads, 7 positions, width 4 each: the result has the shape (2, 3, 7, 4). Yours has (3, 2, 7, "
        "4).",
    ),
    seen_in="plausible",
)
def heads_before_the_batch(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    return torch.stack(x.chunk(num_heads, dim=-1))


@misconception(
    "split_heads",
    title="the heads are folded into the axis of the batch",
    hints=(
        "How many axes should the result have, and how many has yours?",
        "Look at the last step. The heads are an axis of their own here; nothing has to be flattened.",
        "A batch of 2 with 3 heads: the result begins with the axes 2 and 3. Yours begins with one axis of 6.",
    ),
    seen_in="d2l's transpose_qkv does so on purpose",
)
def heads_folded_into_the_batch(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    x = x.reshape(*x.shape[:2], num_heads, x.size(2) // num_heads).transpose(1, 2)
    return x.flatten(0, 1)


@misconception(
    "split_heads",
    title="the positions are cut into heads instead of the channels",
    hints=(
        "Does each head see every position of the sentence?",
        "Look at the axis that you cut. Every head works on the whole sentence, with a part of each vector.",
        "6 positions of width 4, two heads: each head gets 6 pieces of width 2. Yours gets 3 positions of width 4.",
    ),
    seen_in="plausible",
)
def positions_dealt_out(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    pieces = x.chunk(num_heads, dim=1)
    padded = [nn.functional.pad(piece, (0, 0, 0, pieces[0].size(1) - piece.size(1))) for piece in pieces]
    return torch.stack(padded, dim=1)


@misconception(
    "split_heads",
    title="a width that the heads cannot share is not refused with a ValueError",
    hints=(
        "What does a caller see who asks for 3 heads and hands you vectors of width 7?",
        "Look at the line of the docstring that begins with Raises, and at the first lines of your function.",
        "7 channels and 2 heads: 3 for each, and one is left over. Say so in your own words, with both numbers, before "
        "anything is cut.",
    ),
    seen_in="plausible",
)
def split_width_not_checked(x, num_heads):
    return x.reshape(*x.shape[:2], num_heads, x.size(2) // num_heads).transpose(1, 2)


@misconception(
    "split_heads",
    title="the pieces are copied without their history, so that no gradient comes back",
    hints=(
        "Something between the input and the output cannot be differentiated. What is it?",
        "Look for a step that leaves PyTorch, or that makes a new tensor out of numbers, on the way from x to the "
        "result.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is made of copied numbers, PyTorch does not "
        "know that x had any part in it, and x gets no gradient at all.",
    ),
    seen_in="plausible",
)
def split_cuts_the_graph(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    x = x.detach()
    return x.reshape(*x.shape[:2], num_heads, x.size(2) // num_heads).transpose(1, 2)


# --- merge_heads ------------------------------------------------------------------------------------------------------


@misconception(
    "merge_heads",
    title=("the heads are flattened without being turned back, so that channels of other positions stand side by side"),
    hints=(
        "After attention the axes are batch, head, position, channel. Which two must be neighbours before you flatten "
        "them into one?",
        "Look at the order of the axes when you reshape. A reshape reads the numbers as they lie: all of head 0 first, "
        "with all its positions.",
        "Head 0 holds (10, 11), (20, 21), head 1 holds (12, 13), (22, 23). The first position should be (10, 11, 12, "
        "13). Read as they lie, the first four numbers are (10, 11, 20, 21): two positions in one row.",
    ),
    seen_in="jsbaan/transformer-from-scratch #4 and #6; ajhalthor #1, #4, #8",
)
def merge_without_turning_back(x):
    b, heads, length, d = x.shape
    return x.reshape(b, length, heads * d)


@misconception(
    "merge_heads",
    title="the heads are mixed like a deck of cards: first channel 0 of every head, then channel 1",
    hints=(
        "Should the d channels of head 0 stand together in the result, or be spread over it?",
        "Look at which axis comes last before you flatten. The last axis runs fastest.",
        "Head 0 holds (10, 11), head 1 holds (12, 13). The result is (10, 11, 12, 13). With the heads running fastest "
        "it is (10, 12, 11, 13).",
    ),
    seen_in="plausible",
)
def merged_channel_by_channel(x):
    b, heads, length, d = x.shape
    return x.permute(0, 2, 3, 1).reshape(b, length, heads * d)


@misconception(
    "merge_heads",
    title="`view` is called on a turned tensor, whose numbers do not lie in the order that it needs",
    hints=(
        "The error says something about how the numbers lie in memory. Which step has changed that?",
        "Look at the last two steps together. A transpose moves no number, and a view does not either; one of them has "
        "to give.",
        "A page with 2 rows of 3 numbers, read column by column: no way to see that order as a row without copying the "
        "numbers onto a new page first.",
    ),
    seen_in="common; the fix that many then try is merge_without_turning_back",
)
def view_after_transpose(x):
    b, heads, length, d = x.shape
    return x.transpose(1, 2).view(b, length, heads * d)


@misconception(
    "merge_heads",
    title="the heads are added up instead of being put side by side",
    hints=(
        "How wide should a merged position be: as wide as one head, or as all of them?",
        "Look at what happens to the axis of the heads. It should become part of the last axis, not vanish.",
        "Head 0 holds (10, 11), head 1 holds (12, 13). Side by side that is (10, 11, 12, 13), added up (22, 24).",
    ),
    seen_in="plausible",
)
def heads_added_up(x):
    return x.sum(1)


@misconception(
    "merge_heads",
    title="the heads are averaged instead of being put side by side",
    hints=(
        "What is left of one head's answer when you average it with the others?",
        "Look at what happens to the axis of the heads. It should become part of the last axis, not vanish.",
        "Head 0 holds (10, 11), head 1 holds (12, 13). Side by side that is (10, 11, 12, 13), on average (11, 12).",
    ),
    seen_in="plausible",
)
def heads_averaged(x):
    return x.mean(1)


@misconception(
    "merge_heads",
    title="the heads are put behind each other along the positions instead of side by side along the channels",
    hints=(
        "How many positions went in, and how many come out?",
        "Look at the axis along which the heads are joined.",
        "Two heads of width 3 and 7 positions make 7 positions of width 6. Yours are 14 positions of width 3.",
    ),
    seen_in="plausible",
)
def heads_behind_each_other(x):
    return torch.cat(x.unbind(1), dim=1)


@misconception(
    "merge_heads",
    title="the result has the channels before the positions",
    hints=(
        "Which axis should be the last one?",
        "Look at the order of the axes before you flatten, and at which two of them become one.",
        "Two heads of width 3 and 7 positions have the result (B, 7, 6). Yours has (B, 6, 7).",
    ),
    seen_in="plausible",
)
def merged_width_first(x):
    return x.transpose(2, 3).flatten(1, 2)


@misconception(
    "merge_heads",
    title="the heads stand in the wrong order, the last one first",
    hints=(
        "Which channels should head 0 fill, the first d or the last d?",
        "Look at the order in which you go through the heads.",
        "Head 0 holds (10, 11), head 1 holds (12, 13). The result is (10, 11, 12, 13), not (12, 13, 10, 11).",
    ),
    seen_in="plausible",
)
def last_heads_first(x):
    return torch.cat(x.unbind(1)[::-1], dim=-1)


@misconception(
    "merge_heads",
    title="the merged tensor is a copy without history, so that no gradient comes back",
    hints=(
        "Something between the input and the output cannot be differentiated. What is it?",
        "Look for a step that leaves PyTorch, or that makes a new tensor out of numbers, on the way from x to the "
        "result.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is made of copied numbers, PyTorch does not "
        "know that x had any part in it, and x gets no gradient at all.",
    ),
    seen_in="plausible",
)
def merge_cuts_the_graph(x):
    return x.detach().transpose(1, 2).flatten(2)


@misconception(
    "merge_heads",
    title="the result is right, but the caller's tensor is changed on the way",
    hints=(
        "Does the caller still have the heads as they were after calling you?",
        "Look for a method whose name ends in an underscore, or for an assignment into x. The argument belongs to the "
        "caller.",
        "A list a = [3, 4] is handed over, and inside it is turned around in place. Outside, a is now [4, 3].",
    ),
    seen_in="d2l masked_softmax and ARENA #225 change an argument in the same way",
)
def merged_in_place(x):
    return x.transpose_(1, 2).flatten(2)


# --- split_fused_qkv --------------------------------------------------------------------------------------------------


@misconception(
    "split_fused_qkv",
    title="the heads are cut first and the blocks second: each head takes its query, key and value from one stretch",
    hints=(
        "Where does the key of head 0 begin: behind the query of head 0, or behind the queries of all heads?",
        "Look at which cut comes first. The docstring says: three blocks, and within each block the heads.",
        "Two heads of width 1, six channels (1, 2, 3, 4, 5, 6): the queries are 1 and 2, then the keys 3 and 4. Cut "
        "into heads first, head 0 gets (1, 2, 3), and its query is 1, its key 2. That layout exists, but it is another "
        "one.",
    ),
    seen_in="the layout of the UvA tutorial 6 and of jsbaan/transformer-from-scratch, where it is right",
)
def triples_for_each_head(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    return split_heads(qkv, num_heads).chunk(3, dim=-1)


@misconception(
    "split_fused_qkv",
    title="queries, keys and values are taken from every third channel instead of from three blocks",
    hints=(
        "Do the channels of the first query lie next to each other, or three apart?",
        "Look at how you cut the last axis into three. A block is a stretch of channels in a row.",
        "Six channels (1, 2, 3, 4, 5, 6): the block of the queries is (1, 2). Every third channel is (1, 4).",
    ),
    seen_in="plausible",
)
def every_third_channel(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    return tuple(split_heads(qkv[..., start::3], num_heads) for start in range(3))


@misconception(
    "split_fused_qkv",
    title="the first block is taken for the keys and the second for the queries",
    hints=(
        "In which order do the three blocks stand?",
        "Look at the names that you give to the three parts, and at the order in which you return them.",
        "Six channels (1, 2, 3, 4, 5, 6): q is (1, 2), k is (3, 4), v is (5, 6).",
    ),
    seen_in="minBERT's signature (key, query, value) invites it",
)
def keys_before_queries(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    k, q, v = (split_heads(part, num_heads) for part in qkv.chunk(3, dim=-1))
    return q, k, v


@misconception(
    "split_fused_qkv",
    title="the second block is taken for the values and the third for the keys",
    hints=(
        "In which order do the three blocks stand?",
        "Look at the names that you give to the three parts, and at the order in which you return them.",
        "Six channels (1, 2, 3, 4, 5, 6): q is (1, 2), k is (3, 4), v is (5, 6).",
    ),
    seen_in="plausible",
)
def values_before_keys(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    q, v, k = (split_heads(part, num_heads) for part in qkv.chunk(3, dim=-1))
    return q, k, v


@misconception(
    "split_fused_qkv",
    title="the three blocks are returned as they are, not split into heads",
    hints=(
        "How many axes should q have?",
        "Look at what is still to be done with each of the three parts. You have written it already.",
        "A batch of 2, 7 positions, 3 heads of width 4: q has the shape (2, 3, 7, 4). Yours has (2, 7, 12).",
    ),
    seen_in="plausible",
)
def fused_but_not_split(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    return qkv.chunk(3, dim=-1)


@misconception(
    "split_fused_qkv",
    title="the positions are cut into three parts instead of the channels",
    hints=(
        "Does q know all positions of the sentence?",
        "Look at the axis along which you cut.",
        "6 positions with 12 channels: q has 6 positions with 4 channels. Cut along the positions it has the first 2 "
        "positions, with all 12 channels.",
    ),
    seen_in="plausible",
)
def cut_along_the_positions(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    return tuple(split_heads(part, num_heads) for part in qkv.chunk(3, dim=1))


@misconception(
    "split_fused_qkv",
    title="q, k and v are all taken from the first block",
    hints=(
        "Which of the three parts changes when the last channel changes?",
        "Look at where each of the three slices begins and ends.",
        "Six channels (1, 2, 3, 4, 5, 6): q is (1, 2), k is (3, 4), v is (5, 6), and not (1, 2) three times.",
    ),
    seen_in="plausible",
)
def first_block_three_times(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    part = split_heads(qkv[..., : qkv.size(-1) // 3], num_heads)
    return part, part.clone(), part.clone()


@misconception(
    "split_fused_qkv",
    title="a width that cannot be shared by q, k, v and the heads is not refused with a ValueError",
    hints=(
        "What does a caller see who hands you vectors of width 10?",
        "Look at the line of the docstring that begins with Raises. Which two numbers must divide the width?",
        "10 channels for q, k and v: 3 for each, and one is left over. It must not be lost in silence.",
    ),
    seen_in="plausible",
)
def fused_width_not_checked(qkv, num_heads):
    width = qkv.size(-1) // 3 // num_heads * num_heads
    parts = (qkv[..., i * width : (i + 1) * width] for i in range(3))
    return tuple(split_heads(part, num_heads) for part in parts)


@misconception(
    "split_fused_qkv",
    title="q, k and v are copies without history, so that no gradient comes back",
    hints=(
        "Something between the input and the output cannot be differentiated. What is it?",
        "Look for a step that leaves PyTorch, or that makes a new tensor out of numbers, on the way to the results.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is made of copied numbers, PyTorch does not "
        "know that x had any part in it, and x gets no gradient at all.",
    ),
    seen_in="plausible",
)
def fused_cuts_the_graph(qkv, num_heads):
    if qkv.size(-1) % (3 * num_heads):
        raise ValueError("the width must be divisible by 3 * num_heads")
    return tuple(split_heads(part, num_heads) for part in qkv.detach().chunk(3, dim=-1))


# --- MultiHeadAttention -----------------------------------------------------------------------------------------------


@misconception(
    "MultiHeadAttention",
    title="the scores are divided by the root of the model's width instead of the width of one head",
    hints=(
        "How long are the vectors that are actually compared inside one head?",
        "Look at the number under the root. The products are taken after the split.",
        "D = 64 and 4 heads: a dot product adds up 16 terms. The divisor is 4, not 8.",
    ),
    seen_in="ng-video-lecture #6 and #55, ViT-CIFAR #11, dfdx #171, set_transformer #18, DL4Proteins #12",
)
class scale_by_model_width(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = q @ k.transpose(-2, -1) / query.size(-1) ** 0.5
        weights = attention_weights(scores, mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the scores are divided by the root of the number of heads",
    hints=(
        "Which axis is summed in a dot product: the heads, or the channels of one head?",
        "Look at the number under the root, and at which axis of q it was read from.",
        "D = 64 and 4 heads: a dot product adds up 16 terms, however many heads there are. The divisor is 4, not 2.",
    ),
    seen_in="tt-metal #56789",
)
class scale_by_head_count(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = q @ k.transpose(-2, -1) / self.num_heads**0.5
        weights = attention_weights(scores, mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the dot products are not scaled",
    hints=(
        "Are your weights much sharper than those of a single head written with the functions of the first lesson?",
        "Look at what happens to the scores between the product and the softmax. Something that depends on the width "
        "of a head is missing.",
        "With width 16, dot products of random vectors are typically around 4 in size, and e to the power of 4 is 55. "
        "Brought back to around 1, they leave room for the others.",
    ),
    seen_in="ttsugriy's notes",
)
class scores_not_scaled(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(q @ k.transpose(-2, -1), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="what the heads have found is put side by side, and `w_o` is never used",
    hints=(
        "One of your four maps never gets a gradient. Which one?",
        "Look at the return line. After merging one step is left.",
        "If `w_o` doubles everything and has no bias, the output must double. In your layer nothing happens.",
    ),
    seen_in="plausible",
)
class no_output_projection(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return merge_heads(self.dropout(weights) @ v), weights


@misconception(
    "MultiHeadAttention",
    title="one map makes the queries, the keys and the values",
    hints=(
        "Are what a word looks for and what it has to offer the same thing?",
        "Look at the lines that make q, k and v. Which of the maps does each of them use?",
        "If queries and keys come from the same map, word 2 scores word 5 exactly as word 5 scores word 2.",
    ),
    seen_in="plausible",
)
class one_map_for_all(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_q(key), self.num_heads)
        v = split_heads(self.w_q(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="one and the same linear layer has all four names",
    hints=(
        "Ask your layer how many parameters it has. How many should four maps have?",
        "Look at how the maps are made. Four names for one object are still one object.",
        "Four maps from width 8 to width 8 have 4 times 64 numbers, without biases. A single one with four names has "
        "64, and whoever sets one sets all.",
    ),
    seen_in="U-Net_v2 #10 and VQ-VAE #2 reuse a layer in the same way",
)
class one_layer_with_four_names(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = self.w_k = self.w_v = self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the vectors are split first and mapped afterwards, by maps from d to d that all heads share",
    hints=(
        "How many numbers should `w_q` have: D times D, or d times d?",
        "Look at the sizes of your maps, and at whether each head can look at the whole vector or at its own piece "
        "only.",
        "D = 8 and 2 heads: `w_q` has 64 numbers, and every channel of a query may depend on all 8 channels of the "
        "word. After a split it could see 4 of them.",
    ),
    seen_in="NeetCode #5130 (disputed there)",
)
class maps_after_the_split(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        d = d_model // num_heads
        self.w_q = nn.Linear(d, d, bias=bias)
        self.w_k = nn.Linear(d, d, bias=bias)
        self.w_v = nn.Linear(d, d, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = self.w_q(split_heads(query, self.num_heads))
        k = self.w_k(split_heads(key, self.num_heads))
        v = self.w_v(split_heads(value, self.num_heads))
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the maps are kept where PyTorch does not find them by their names, for instance in a plain list",
    hints=(
        "Ask your layer how many parameters it has. What does it say?",
        "Look at where the maps are kept. PyTorch finds a layer that is an attribute of its own, not one inside a "
        "list.",
        "A team of four, noted on a slip in somebody's pocket, does not appear on the list of members: nobody pays "
        "them, and nobody trains them.",
    ),
    seen_in="plausible",
)
class maps_in_a_plain_list(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.maps = [nn.Linear(d_model, d_model, bias=bias) for _ in range(4)]
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        w_q, w_k, w_v, w_o = self.maps
        q = split_heads(w_q(query), self.num_heads)
        k = split_heads(w_k(key), self.num_heads)
        v = split_heads(w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the maps have a bias whatever `bias` says",
    hints=(
        "How many numbers does your layer learn when the caller asks for no bias?",
        "Follow the argument `bias` from the signature to each of the four maps.",
        "Four maps of width 8 have 256 numbers without a bias and 288 with one.",
    ),
    seen_in="NeetCode #5219 (the default of the bias)",
)
class bias_argument_ignored(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="`w_o` never has a bias, even if the caller asks for one",
    hints=(
        "Which of your maps does the argument `bias` reach?",
        "Look at the four lines that make the maps, one by one.",
        "A head that finds nothing hands over 0. With a bias of 3 in `w_o` the output is 3, not 0.",
    ),
    seen_in="many versions of ViT have a bias in some of the maps only",
)
class output_map_without_bias(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="a width that the heads cannot share is accepted when the layer is created",
    hints=(
        "When should the caller learn that 7 channels cannot be shared by 2 heads: now, or in the first batch?",
        "Look at the line of the docstring that begins with Raises: it says when.",
        "A layer of width 7 with 2 heads is created in one file and first called in another, an hour later. The error "
        "belongs into the first.",
    ),
    seen_in="plausible",
)
class divisibility_checked_too_late(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="a width that the heads cannot share is refused by an assertion, not with a ValueError",
    hints=(
        "Which kind of error does the docstring promise?",
        "Look at how the check is written. An assertion disappears when Python runs with -O, and raises another "
        "exception.",
        "A caller who writes `except ValueError` to try a smaller number of heads never gets there.",
    ),
    seen_in="widespread: nanoGPT and most tutorials assert here",
)
class assertion_instead_of_value_error(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        assert d_model % num_heads == 0
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="`w_q` makes the keys and `w_k` makes the queries",
    hints=(
        "Which of the two maps should make what a word looks for?",
        "Look at the names on both sides of the lines that make q and k.",
        "If word 2 scores word 5 with 3, and word 5 scores word 2 with 1, then with the maps exchanged it is 1 and 3.",
    ),
    seen_in="minBERT's signature (key, query, value) invites it",
)
class query_and_key_maps_swapped(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_k(query), self.num_heads)
        k = split_heads(self.w_q(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="keys and values are made from the query, whatever key and value the caller hands over",
    hints=(
        "I change the other text, and your output does not notice. Why?",
        "Look at which argument each of the three maps is given.",
        "Three queries and five keys: the weights have 3 rows and 5 columns. Yours have 3 columns, as if the queries "
        "were among themselves.",
    ),
    seen_in="pytorch-seq2seq #143",
)
class keys_and_values_from_the_query(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(query), self.num_heads)
        v = split_heads(self.w_v(query), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the queries are made from the key, and keys and values from the query",
    hints=(
        "How many positions should the output have: as many as there are queries, or keys?",
        "Look at which argument each of the three maps is given, and who asks whom.",
        "Three queries and five keys: three positions want an answer, so the output has 3. Yours has 5.",
    ),
    seen_in="plausible",
)
class queries_from_the_memory(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(key), self.num_heads)
        k = split_heads(self.w_k(query), self.num_heads)
        v = split_heads(self.w_v(query), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the values are made from the key, even if the caller hands over values of their own",
    hints=(
        "I change the values alone, and your output does not notice. Why?",
        "Look at what `value` is when it is given, and at which argument the third map gets.",
        "A word list: the keys are the French words, the values the English ones. Whoever looks up a French word does "
        "not want it back.",
    ),
    seen_in="plausible",
)
class value_argument_ignored(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(key), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="without a value the values are made from the query instead of the key",
    hints=(
        "Somebody hands over a query and a key, and no value. Where should the values come from?",
        "Look at the defaults, one after the other: the docstring says what each argument falls back to.",
        "Three queries and five keys: there are five cards on the board, and each has to have a note. The three "
        "readers' own words are too few.",
    ),
    seen_in="plausible",
)
class value_defaults_to_the_query(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = query if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the sentences of the batch attend to each other instead of the positions of one sentence",
    hints=(
        "Does the first sentence's output move when you edit the second sentence?",
        "Look at the axes of the input: the batch comes first, the positions second. Which one do your scores compare?",
        "Two sentences of 5 words have weights (2, H, 5, 5). Weights of (5, H, 2, 2) compare the two sentences, word "
        "by word.",
    ),
    seen_in="DenseCLIP #55, visual-transformer #7; nn.MultiheadAttention puts the positions first by default",
)
class attends_over_the_batch(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)).transpose(0, 1), weights


@misconception(
    "MultiHeadAttention",
    title="a loop goes over the heads, and each of them erases what the one before has found",
    hints=(
        "Change head 0 alone. Does your output notice?",
        "Look at what happens between one round of the loop and the next: what is created inside it, and what is kept?",
        "Three people write on one sheet, and each takes a new sheet first. Only the third page reaches you.",
    ),
    seen_in="plausible",
)
class each_head_erases_the_last(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        d = query.size(-1) // self.num_heads
        for h in range(self.num_heads):
            merged = torch.zeros_like(query)
            merged[..., h * d : (h + 1) * d] = self.dropout(weights[:, h]) @ v[:, h]
        return self.w_o(merged), weights


@misconception(
    "MultiHeadAttention",
    title="all heads share the weights of the first one",
    hints=(
        "Are the heatmaps of your heads different from each other?",
        "Look at which weights each head uses to average its values.",
        "Head 0 looks at the noun, head 1 at the verb: with the weights of head 0 for both, nobody looks at the verb.",
    ),
    seen_in="plausible",
)
class first_head_for_all(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        weights = weights[:, :1].expand(-1, self.num_heads, -1, -1)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the returned weights are the average over the heads",
    hints=(
        "How many heatmaps should come back: one, or one for each head?",
        "Look at the second thing that you return, and at its axes.",
        "Head 0 gives (1, 0), head 1 gives (0, 1). On average that is (1/2, 1/2), which neither of them does.",
    ),
    seen_in="the default of nn.MultiheadAttention (average_attn_weights)",
)
class weights_averaged_over_heads(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights.mean(1)


@misconception(
    "MultiHeadAttention",
    title=(
        "splitting and merging are both plain reshapes: they undo each other, but the heads work on the wrong pieces"
    ),
    hints=(
        "Your split and your merge undo each other, which is good. But does position 2 ever meet position 0?",
        "Look at what a head sees after your split: the same part of every position, or all parts of some positions?",
        "Four positions, two heads, plain reshapes: head 0 gets positions 0 and 1, head 1 gets positions 2 and 3. Each "
        "half of the sentence talks to itself.",
    ),
    seen_in="plausible; what happens when jsbaan/transformer-from-scratch #4 meets FuxiCTR #30",
)
class split_and_merge_both_reshaped(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        d = query.size(-1) // self.num_heads
        q = self.w_q(query).reshape(query.size(0), self.num_heads, query.size(1), d)
        k = self.w_k(key).reshape(key.size(0), self.num_heads, key.size(1), d)
        v = self.w_v(value).reshape(value.size(0), self.num_heads, value.size(1), d)
        weights = attention_weights(attention_scores(q, k), mask)
        found = self.dropout(weights) @ v
        return self.w_o(found.reshape(query.shape)), weights


@misconception(
    "MultiHeadAttention",
    title="the channels are dealt to the heads in turn, in splitting and in merging alike",
    hints=(
        "Which channels should head 0 own: the first few, or every H-th?",
        "Look at the order of the two sizes into which you cut the last axis, on the way in and on the way out.",
        "Eight channels and two heads: head 0 owns the first four. Dealt in turn it owns channels 0, 2, 4 and 6. A "
        "layer trained one way cannot be read the other way.",
    ),
    seen_in="plausible",
)
class heads_interleaved(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        b, heads = query.size(0), self.num_heads
        d = query.size(-1) // heads
        q = self.w_q(query).reshape(b, -1, d, heads).permute(0, 3, 1, 2)
        k = self.w_k(key).reshape(b, -1, d, heads).permute(0, 3, 1, 2)
        v = self.w_v(value).reshape(b, -1, d, heads).permute(0, 3, 1, 2)
        weights = attention_weights(attention_scores(q, k), mask)
        found = self.dropout(weights) @ v
        return self.w_o(found.permute(0, 2, 3, 1).reshape(query.shape)), weights


@misconception(
    "MultiHeadAttention",
    title="the weights average the keys, and the values are never used",
    hints=(
        "What would have to change in your output if only `w_v` changes?",
        "Look at the last product. Keys are for finding, values are for taking.",
        "One query, two keys with equal scores, values 10 and 30. The output is made of 20, whatever the keys look "
        "like.",
    ),
    seen_in="the hw4_extra tests of a course on deep learning systems cannot see it",
)
class keys_in_place_of_values(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ k)), weights


@misconception(
    "MultiHeadAttention",
    title="the softmax runs over axis 1, so that the heads compete with each other",
    hints=(
        "Add up the weights of one query of one head over its keys. What should the sum be?",
        "Look at the axis of the softmax. With heads there is one axis more in front; from which end do you count?",
        "Three heads, all scores equal: every key gets 1/3, however many keys there are. Shared over 4 keys it would "
        "be 1/4.",
    ),
    seen_in="a public CS231n solution; fastNLP #254",
)
class softmax_over_the_heads(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = attention_scores(q, k)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = torch.softmax(scores, dim=1).nan_to_num(0.0)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the softmax runs over the queries instead of the keys",
    hints=(
        "Whose distribution is it: that of the one who asks, or that of the one who is asked?",
        "Look at the axis of the softmax, and print the sums of your rows and of your columns.",
        "Two queries and two keys, all scores equal except that query 0 likes key 0 with ln 3. Row 0 should be 3/4, "
        "1/4. Over the queries it is column 0 that becomes 3/4, 1/4.",
    ),
    seen_in="jadore801120/attention-is-all-you-need-pytorch #19",
)
class softmax_over_queries(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = attention_scores(q, k)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = torch.softmax(scores, dim=-2).nan_to_num(0.0)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the mask has no effect: it is not handed on to the attention",
    hints=(
        "Do your weights change at all when you hand over a mask?",
        "Follow the mask from the signature of `forward` to the softmax.",
        "A letter that is handed in at the counter and left lying there reaches nobody.",
    ),
    seen_in="DI-engine #333",
)
class mask_without_effect(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k))
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the mask is read the wrong way round: True hides a key instead of allowing it",
    hints=(
        "Print the weights of a sentence of four words. Who can see whom?",
        "Look at which entries get the fill value. In this course True means that a query may attend to a key; "
        "nn.MultiheadAttention has it the other way round.",
        "Three equal scores with the mask True, True, False. The weights should be 1/2, 1/2, 0. Read the wrong way "
        "round they are 0, 0, 1.",
    ),
    seen_in="nn.MultiheadAttention reads it so; rasbt/LLMs-from-scratch #1061 and #1062; tensorflow/text #894",
)
class mask_inverted(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), None if mask is None else ~mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the mask is applied after the softmax",
    hints=(
        "Your masked entries are 0, and yet a forbidden key still takes a share. When did it take part?",
        "Look at the order of the two steps, and print the sum of each row of your weights.",
        "Three equal scores, the last key forbidden. The two allowed keys should get 1/2 each. Struck out afterwards, "
        "they keep 1/3 each, and the row sums to 2/3.",
    ),
    seen_in="the questions and answers of ARENA",
)
class mask_after_softmax(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k))
        weights = weights if mask is None else weights * mask
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the mask lies on its side: it hides queries instead of keys",
    hints=(
        "Which words must not be looked at? Is that a column for everybody, or a row?",
        "Look at the last two axes of the mask. Rows belong to queries, columns to keys.",
        "If word 3 is padding, nobody may look at it: column 3 is forbidden. With the mask on its side it is row 3, "
        "and everybody else goes on looking at the padding.",
    ),
    seen_in="hyunwoongko/transformer PR #40, jadore801120 #57, bentrevett #152, vigg_ribonanza #1",
)
class mask_on_the_query_axis(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        turned = None if mask is None else torch.atleast_2d(mask).transpose(-2, -1)
        weights = attention_weights(attention_scores(q, k), turned)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the mask is always given one more axis, whatever its shape is",
    hints=(
        "Which shapes may a mask have here, and which of them fit the weights already?",
        "Look for a step that changes the shape of the mask. Shapes are lined up from the right, and the caller has "
        "taken care of the heads.",
        "Weights (2, 3, 5, 5) and a mask (2, 1, 1, 5): it fits as it is. With one axis more it is (2, 1, 1, 1, 5), and "
        "the result has five axes.",
    ),
    seen_in="the Annotated Transformer adds an axis, for masks of another shape",
)
class mask_given_one_axis_more(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        mask = None if mask is None else mask.unsqueeze(1)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the mask reaches the first head only, and the others see everything",
    hints=(
        "Which of your heads keeps to the mask?",
        "Look at where the mask meets the scores. It has to reach every head, however few axes it has.",
        "Two heads and a causal mask: both have a triangle of zeros. If head 1 has none, the future comes in through "
        "head 1.",
    ),
    seen_in="plausible",
)
class mask_for_the_first_head_only(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k))
        if mask is not None:
            only = mask.expand_as(weights).clone()
            only[:, 1:] = True
            weights = attention_weights(attention_scores(q, k), only)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the layer hides later positions by itself, without being asked to",
    hints=(
        "May the first word of a sentence look at the last one when nobody forbids it?",
        "Look for a triangle. In this layer only the caller's mask decides who may look at whom.",
        "In a sentence of 3 words without a mask every row has 3 weights above 0. With the triangle the rows have 1, 2 "
        "and 3.",
    ),
    seen_in="Informer2020 #38, SeekDeeper #3, keras-io #1046",
)
class causal_by_itself(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        earlier = torch.ones(q.size(-2), k.size(-2), dtype=torch.bool).tril()
        weights = attention_weights(attention_scores(q, k), earlier if mask is None else mask & earlier)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="a query that may attend to nothing spreads its weight evenly over forbidden keys",
    hints=(
        "How much attention should a query give to keys that it may not see, when it may see none?",
        "Look at a row in which every score has been filled. Are those scores still different from one another?",
        "Three forbidden keys, all filled with the same large negative number. The softmax sees three equal scores and "
        "gives 1/3 to each. Wanted are 0, 0, 0.",
    ),
    seen_in="d2l PR #2423",
)
class empty_rows_uniform(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = attention_scores(q, k)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        weights = attention_weights(scores)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="a query that may attend to nothing divides 0 by 0",
    hints=(
        "One query has nothing to choose from. Which operation divides 0 by 0 there?",
        "Look at which softmax you use. The one of the first lesson knows what to do with a row of only -inf.",
        "For the scores (-inf, -inf) PyTorch's softmax computes -inf - (-inf), which is nan. Wanted are the weights 0, "
        "0.",
    ),
    seen_in="pytorch #41508, #40932 and #26098; Hugging Face transformers #17306",
)
class empty_rows_nan(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = attention_scores(q, k)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the nan of a query without allowed keys is painted over afterwards, and returns in the gradients",
    hints=(
        "Your weights are right. What do the gradients of a row say that may attend to nothing?",
        "Look at where the nan is made, not at where it is removed. The way back passes that place as well.",
        "0/0 is nan; replaced by 0 it looks harmless. But on the way back the gradient 0 is multiplied by that nan, "
        "and 0 times nan is nan.",
    ),
    seen_in="pytorch #41508",
)
class empty_rows_painted_over(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        scores = attention_scores(q, k)
        if mask is not None:
            scores = scores + torch.zeros(mask.shape, dtype=scores.dtype).masked_fill(~mask, -torch.inf)
        weights = torch.softmax(scores, dim=-1).nan_to_num(0.0)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="nothing is dropped in training",
    hints=(
        "What does the argument `dropout` change in your layer?",
        "Follow it from the signature to the place where the weights meet the values.",
        "With a dropout of 1/2, about half of the weights are 0 in training, and the others twice as large.",
    ),
    seen_in="plausible",
)
class dropout_never_used(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="weights are dropped in evaluation as well",
    hints=(
        "Do you get the same output twice for the same input after `eval()`?",
        "Look at how the dropout learns whether it is training. The function does not know by itself, the module does.",
        "Weights 1/2 and 1/2: in evaluation they stay 1/2 and 1/2, call after call.",
    ),
    seen_in="nanoGPT PR #240",
)
class dropout_in_evaluation_too(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.rate = dropout

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(nn.functional.dropout(weights, self.rate) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="dropout acts on the finished output instead of on the weights",
    hints=(
        "Which numbers should chance strike out: who looks at whom, or what comes out at the end?",
        "Look at where the dropout stands. It belongs between the weights and the values.",
        "With everything dropped, the heads find nothing, and the output is what `w_o` makes of 0: its bias. Dropped "
        "at the end, not even the bias is left.",
    ),
    seen_in="the text of CS231n's assignment 3 says so; its numbers mean the weights",
)
class dropout_on_the_output(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.dropout(self.w_o(merge_heads(weights @ v))), weights


@misconception(
    "MultiHeadAttention",
    title="dropout acts on what the heads have found instead of on the weights",
    hints=(
        "Which numbers should chance strike out: who looks at whom, or single numbers of what was found?",
        "Look at where the dropout stands. It belongs between the weights and the values.",
        "A key that is dropped takes all of its value with it. Values (1, 2) and a weight of 1, half of the numbers "
        "dropped: (0, 0) or (2, 4) is possible, (2, 0) is not.",
    ),
    seen_in="the text of CS231n's assignment 3 says so; its numbers mean the weights",
)
class dropout_on_the_heads(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(self.dropout(merge_heads(weights @ v))), weights


@misconception(
    "MultiHeadAttention",
    title="dropout acts on the scores, before the softmax",
    hints=(
        "Does a score of 0 mean that a key gets no weight?",
        "Look at the order of softmax and dropout. What is struck out should be a weight.",
        "Scores -2 and -3, the second one dropped: it is 0 now, and that is the higher one. The key that was to be "
        "struck out gets 0.88.",
    ),
    seen_in="plausible",
)
class dropout_on_the_scores(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(self.dropout(attention_scores(q, k)), mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the weights that are returned have been through the dropout",
    hints=(
        "Do the rows of the returned weights sum to 1 in training?",
        "Look at the return line, and at which of the two versions of the weights it names.",
        "Weights 1/2 and 1/2, the second one dropped: the output uses 1 and 0, but what is returned, and drawn, is 1/2 "
        "and 1/2.",
    ),
    seen_in="both are in use; this course returns the weights before dropout",
)
class weights_returned_after_dropout(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        weights = self.dropout(weights)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="weights are dropped, but those that stay are not divided by 1 - dropout",
    hints=(
        "Half of the weights are gone. What does that do to the size of the output, on average?",
        "Look at the weights that survive. In evaluation all of them are there, and the output should have the same "
        "size.",
        "Weights 1/2 and 1/2 and a dropout of 1/2: the one that stays becomes 1. Left at 1/2, the output is half as "
        "large in training as in evaluation.",
    ),
    seen_in="plausible",
)
class dropout_without_scaling(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.rate = dropout

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        kept = torch.rand_like(weights) >= self.rate if self.training else torch.ones_like(weights)
        return self.w_o(merge_heads((weights * kept) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the query is added to the output",
    hints=(
        "What should the output be when `w_o` gives nothing but 0?",
        "Look at the return line. The way around the layer is built in a later assignment, outside of this class.",
        "A word (1, 2) and a result (10, 10): the layer returns (10, 10), not (11, 12).",
    ),
    seen_in="plausible",
)
class residual_added(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return query + self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the two results come in the wrong order, the weights first",
    hints=(
        "In which order does the docstring name the two results?",
        "Look at the return line, and at the shape of the first thing that you return.",
        "With 2 sentences of 7 words and width 12 the first result has the shape (2, 7, 12).",
    ),
    seen_in="plausible",
)
class results_in_the_wrong_order(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return weights, self.w_o(merge_heads(self.dropout(weights) @ v))


@misconception(
    "MultiHeadAttention",
    title="the output is returned without the weights",
    hints=(
        "How many things does the docstring say that you return?",
        "Look at the return line.",
        "A function that divides with remainder answers 17 by 5 with 3 and 2. Whoever wants both must be given both.",
    ),
    seen_in="plausible",
)
class only_the_output_returned(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v))


@misconception(
    "MultiHeadAttention",
    title="the weights are cut off from the graph before they meet the values",
    hints=(
        "Which of the four maps still get a gradient?",
        "Look for a copy of the weights without history. For a picture that is right, for the output it is not.",
        "If the output is w times v with w = 0.5, then v gets the gradient 0.5. If w is a detached copy, nothing flows "
        "back to whatever w was made of.",
    ),
    seen_in="plausible",
)
class weights_detached_too_early(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        weights = weights.detach()
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the weights are always float32, whatever dtype came in",
    hints=(
        "Which dtype did you get, and which one did you give back?",
        "Look for a conversion, or for a tensor that you made yourself without saying which dtype it has.",
        "In float32, 1 + 1e-9 is 1. Whoever hands you float64 cares about that ninth digit.",
    ),
    seen_in="tiny-llm #287",
)
class weights_in_single_precision(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k).float(), mask)
        return self.w_o(merge_heads(self.dropout(weights).to(v.dtype) @ v)), weights


@misconception(
    "MultiHeadAttention",
    title="the result is right, but the caller's query is changed on the way",
    hints=(
        "Does the caller still have their own words after calling you?",
        "Look for an operation that changes an argument in place instead of making a new tensor.",
        "Words (8, 8) are divided by 2 in place: the first call sees (4, 4), the second (2, 2).",
    ),
    seen_in="d2l masked_softmax and ARENA #225 change an argument in the same way",
)
class query_changed_in_place(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.w_q = nn.Linear(d_model, d_model, bias=bias)
        self.w_k = nn.Linear(d_model, d_model, bias=bias)
        self.w_v = nn.Linear(d_model, d_model, bias=bias)
        self.w_o = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        q = split_heads(self.w_q(query), self.num_heads)
        k = split_heads(self.w_k(key), self.num_heads)
        v = split_heads(self.w_v(value), self.num_heads)
        weights = attention_weights(attention_scores(q, k), mask)
        output = self.w_o(merge_heads(self.dropout(weights) @ v))
        with torch.no_grad():
            query.copy_(output)
        return output, weights


# --- attention_entropy ------------------------------------------------------------------------------------------------


@misconception(
    "attention_entropy",
    title="a weight of 0 makes nan of the whole row",
    hints=(
        "What is the logarithm of 0, and what is 0 times that?",
        "Look at the keys with a weight of exactly 0. The docstring says what they count for.",
        "The weights (1/2, 1/2, 0) have the entropy ln 2. Your sum has a third term, 0 times infinity.",
    ),
    seen_in="plausible; torch.xlogy exists because of it",
)
def zero_times_infinity(weights):
    return -(weights * torch.log(weights)).sum(-1)


@misconception(
    "attention_entropy",
    title="the entropy is in bits instead of nats",
    hints=(
        "Which logarithm of 2 is 1, and which is 0.693?",
        "Look at the base of your logarithm. Nats belong to e, bits to 2.",
        "Two equal weights have an entropy of 0.693 nats, which is 1 bit.",
    ),
    seen_in="plausible",
)
def entropy_in_bits(weights):
    logs = torch.log2(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum(-1)


@misconception(
    "attention_entropy",
    title="the logarithm has base 10 instead of e",
    hints=(
        "Which logarithm of 10 is 1, and which is 2.303?",
        "Look at the base of your logarithm. Nats belong to e.",
        "Two equal weights have an entropy of 0.693 nats. With base 10 it is 0.301.",
    ),
    seen_in="plausible",
)
def entropy_in_decimal_digits(weights):
    logs = torch.log10(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum(-1)


@misconception(
    "attention_entropy",
    title="the entropy is negative",
    hints=(
        "Can the spread of something be less than none?",
        "Look at the sign. The logarithm of a number below 1 is negative.",
        "Two equal weights: each adds 1/2 times ln 2 = 0.347, together 0.693. Your sum is -0.693.",
    ),
    seen_in="plausible",
)
def entropy_sign_forgotten(weights):
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return (weights * logs).sum(-1)


@misconception(
    "attention_entropy",
    title="the sum runs over the queries instead of the keys",
    hints=(
        "Whose spread is it: that of one query over its keys, or that of one key over its readers?",
        "Look at the axis of the sum. What is left over should be one number for each query.",
        "With 3 queries and 5 keys there are 3 entropies. Yours are 5.",
    ),
    seen_in="plausible",
)
def entropy_along_the_queries(weights):
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum(-2)


@misconception(
    "attention_entropy",
    title="the terms are averaged over the keys instead of summed",
    hints=(
        "What is the entropy of four equal weights, and what is yours?",
        "Look at how the terms of one query are put together. The weights themselves do the averaging already.",
        "Four equal weights: four terms of 1/4 times ln 4, together ln 4 = 1.386. Their mean is 0.347.",
    ),
    seen_in="plausible",
)
def entropy_averaged_over_keys(weights):
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).mean(-1)


@misconception(
    "attention_entropy",
    title="the entropy is divided by ln(Lk), so that it runs from 0 to 1",
    hints=(
        "What is the largest entropy that a query with four keys can have?",
        "Look at what happens after the sum. Nothing has to.",
        "Four equal weights have an entropy of ln 4 = 1.386. Divided by its largest value it is 1, however many keys "
        "there are.",
    ),
    seen_in="plausible",
)
def entropy_divided_by_its_largest_value(weights):
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum(-1) / torch.log(torch.tensor(float(weights.size(-1))))


@misconception(
    "attention_entropy",
    title="the exponential of the entropy is returned: how many keys are looked at, as it were",
    hints=(
        "What should come out when one key gets everything: 0 or 1?",
        "Look at what happens after the sum. Nothing has to.",
        "Four equal weights have an entropy of ln 4 = 1.386. Its exponential is 4, a good number to think in, but "
        "another one.",
    ),
    seen_in="plausible",
)
def number_of_keys_returned(weights):
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return torch.exp(-(weights * logs).sum(-1))


@misconception(
    "attention_entropy",
    title="the weights go through a softmax first, as if they were scores",
    hints=(
        "Do the rows of what you were given sum to 1 already?",
        "Look at the first step. The argument is called weights, not scores.",
        "The weights (1, 0) have an entropy of 0. Another softmax makes (0.73, 0.27) of them, with an entropy of 0.58.",
    ),
    seen_in="plausible",
)
def weights_taken_for_scores(weights):
    weights = torch.softmax(weights, -1)
    return -(weights * torch.log(weights)).sum(-1)


@misconception(
    "attention_entropy",
    title="the rows are divided by their sums first, and a query without keys divides 0 by 0",
    hints=(
        "What is the sum of a row that is all zeros?",
        "Look at the first step. The rows that you get have the sum 1 already, or nothing to share.",
        "A query that may attend to nothing has the weights 0, 0, 0, and the docstring says that its entropy is 0. "
        "Divided by their sum they are nan.",
    ),
    seen_in="plausible",
)
def empty_rows_divided_by_their_sum(weights):
    weights = weights / weights.sum(-1, keepdim=True)
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum(-1)


@misconception(
    "attention_entropy",
    title="all queries of all heads together get a single number",
    hints=(
        "For 3 queries, how many entropies should come back?",
        "Look at the axis of the sum. Left alone, a sum runs over everything.",
        "Two queries with the entropies 0 and 0.693: return both, not 0.693 for the two of them.",
    ),
    seen_in="plausible",
)
def one_number_for_everything(weights):
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum()


@misconception(
    "attention_entropy",
    title="the entropy is cut off from the weights, so that no gradient comes back",
    hints=(
        "Could somebody train a head to look more sharply with your function?",
        "Look for a step that leaves PyTorch, or that copies the weights without their history.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is made of copied numbers, x gets no "
        "gradient at all.",
    ),
    seen_in="plausible",
)
def entropy_cuts_the_graph(weights):
    weights = weights.detach()
    logs = torch.log(weights.masked_fill(weights == 0, 1.0))
    return -(weights * logs).sum(-1)


# --- attend_in_heads --------------------------------------------------------------------------------------------------


@misconception(
    "attend_in_heads",
    title="the scores are divided by the root of the model's width instead of the width of one head",
    hints=(
        "How long are the vectors that are compared inside one head?",
        "Look at the size under the root, and at the moment at which it was read: before or after the cut?",
        "Width 36 and 9 heads: the vectors in a head are 4 long, and the root is 2. The root of 36 is 6, and makes "
        "every score three times too small.",
    ),
    seen_in="ng-video-lecture PR #6; vit-pytorch #65; train-llm-from-scratch PR #3; DL4Proteins-notebooks #12",
)
def heads_scaled_by_the_model(q, k, v, num_heads):
    width = q.size(-1)
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    # Divided by the root of the width, the scores have variance 1 at any width.
    scores = q @ k.transpose(-2, -1) / math.sqrt(width)
    return merge_heads(torch.softmax(scores, dim=-1) @ v)


@misconception(
    "attend_in_heads",
    title="the scores are divided by the root of the number of heads",
    hints=(
        "Which axis is summed over in a dot product, and how long is it?",
        "Look at the size under the root. The number of heads does not say how many terms a dot product has.",
        "Width 36 and 9 heads: each dot product has 4 terms. The root of 4 is 2, that of 9 is 3.",
    ),
    seen_in="tt-metal #56789",
)
def heads_scaled_by_their_number(q, k, v, num_heads):
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(num_heads)
    return merge_heads(torch.softmax(scores, dim=-1) @ v)


@misconception(
    "attend_in_heads",
    title="the dot products are not scaled",
    hints=(
        "What happens to the size of a dot product when the vectors become longer?",
        "Look at the line with the product of queries and keys. Something is missing there.",
        "Vectors of width 4 whose entries are all 1 have the dot product 4. The score is 4 / 2 = 2.",
    ),
    seen_in="plausible",
)
def heads_without_scale(q, k, v, num_heads):
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    return merge_heads(torch.softmax(q @ k.transpose(-2, -1), dim=-1) @ v)


@misconception(
    "attend_in_heads",
    title="the scores are divided by the width of a head itself, not by its root",
    hints=(
        "By which power of the width does the standard deviation of a dot product grow?",
        "Look at the divisor: the variance of a sum grows with the number of terms, its standard deviation does not.",
        "Width 9 in a head: the divisor is 3, not 9.",
    ),
    seen_in="plausible",
)
def heads_scaled_by_the_width_itself(q, k, v, num_heads):
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / q.size(-1)
    return merge_heads(torch.softmax(scores, dim=-1) @ v)


@misconception(
    "attend_in_heads",
    title="there is no cut: one head of the whole width does the work of all",
    hints=(
        "Does your result change with the number of heads?",
        "Look at what becomes of `num_heads`.",
        "Two heads may give all their weight to different words. One head has a single set of weights for all "
        "channels.",
    ),
    seen_in="plausible",
)
def one_wide_head(q, k, v, num_heads):
    if q.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return torch.softmax(scores, dim=-1) @ v


@misconception(
    "attend_in_heads",
    title="vectors are cut and joined by reshapes alone, so that positions are dealt out instead of channels",
    hints=(
        "Which words does the last word of your sentence take something home from?",
        "Look at how the heads are made and how they are joined. Your functions for both take care of the order.",
        "Four positions and two heads: a reshape alone gives positions 0 and 1 to head 0, and 2 and 3 to head 1. The "
        "two halves of the sentence never meet.",
    ),
    seen_in="FuxiCTR #30 and 649453932 #10 (the cut); jsbaan #4, #6 and ajhalthor #1 (the join)",
)
def heads_cut_and_joined_by_reshape(q, k, v, num_heads):
    if q.size(-1) % num_heads:
        raise ValueError("the width must be divisible by num_heads")
    shape, d = q.shape, q.size(-1) // num_heads
    q, k, v = (x.reshape(x.size(0), num_heads, x.size(1), d) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(d)
    return (torch.softmax(scores, dim=-1) @ v).reshape(shape)


@misconception(
    "attend_in_heads",
    title="the heads are joined by a reshape alone, so that channels of other positions stand side by side",
    hints=(
        "After attention the axes are batch, head, position, channel. Which two have to be neighbours before you join?",
        "Look at the last step. You have a function for it.",
        "Two heads, two positions, width 1 each: head 0 holds 10 and 20, head 1 holds 11 and 21. The first position "
        "is (10, 11), not (10, 20).",
    ),
    seen_in="jsbaan #4, #6; ajhalthor #1, #4, #8",
)
def heads_joined_by_reshape(q, k, v, num_heads):
    shape = q.shape
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return (torch.softmax(scores, dim=-1) @ v).reshape(shape)


@misconception(
    "attend_in_heads",
    title="the softmax runs over the queries instead of the keys",
    hints=(
        "Whose minute is shared out: that of the one who reads, or that of the one who is read?",
        "Look at the axis of the softmax. Rows of the scores belong to queries.",
        "One query and two equal keys: the weights are 1/2 and 1/2. Over the queries they are 1 and 1.",
    ),
    seen_in="jadore801120/attention-is-all-you-need-pytorch #19",
)
def heads_share_out_the_queries(q, k, v, num_heads):
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return merge_heads(torch.softmax(scores, dim=-2) @ v)


@misconception(
    "attend_in_heads",
    title="the softmax runs over axis 1, so that the heads compete with each other",
    hints=(
        "Which axis of (B, H, Lq, Lk) holds the cards that a reader chooses from?",
        "Look at the axis of the softmax, counted from the front. With a batch and heads the keys are not second.",
        "Two equal heads and one key: each head gives it a weight of 1. If the heads compete, each gives 1/2.",
    ),
    seen_in="a public CS231n solution; fastNLP #254",
)
def heads_share_out_the_heads(q, k, v, num_heads):
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return merge_heads(torch.softmax(scores, dim=1) @ v)


@misconception(
    "attend_in_heads",
    title="the weights average the keys, and the values are never used",
    hints=(
        "Does your result change when v changes?",
        "Look at what the weights are multiplied with.",
        "A single key (1, 2) with the value (30, 40): the result is (30, 40).",
    ),
    seen_in="plausible; hw4_extra does not notice it",
)
def heads_take_keys_home(q, k, v, num_heads):
    q, k = split_heads(q, num_heads), split_heads(k, num_heads)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return merge_heads(torch.softmax(scores, dim=-1) @ k)


@misconception(
    "attend_in_heads",
    title="the weights are cut off from the graph, so that queries and keys never learn",
    hints=(
        "Does a gradient reach q and k?",
        "Look for a step between scores and output that leaves PyTorch's graph.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is made of copied numbers, it is none.",
    ),
    seen_in="plausible",
)
def head_weights_cut_off(q, k, v, num_heads):
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return merge_heads(torch.softmax(scores, dim=-1).detach() @ v)


@misconception(
    "attend_in_heads",
    title="the result is always float32, whatever dtype came in",
    hints=(
        "Which dtype did you get, and which one do you return?",
        "Look for `.float()`, or for a new tensor whose dtype is left to PyTorch.",
        "0.1 in float64 that passes through float32 comes back as 0.10000000149.",
    ),
    seen_in="tiny-llm #287",
)
def heads_in_single_precision(q, k, v, num_heads):
    q, k, v = (split_heads(x.float(), num_heads) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return merge_heads(torch.softmax(scores, dim=-1) @ v)


# --- test_split_heads -------------------------------------------------------------------------------------------------


@misconception(
    "test_split_heads",
    title="the test looks at the shape of the result and at no number in it",
    hints=(
        "How many ways are there to fill a tensor of the right shape with the right numbers in the wrong order?",
        "Look at what stands after each `assert`: does it mention a single number of the result?",
        "A reshape that deals out positions instead of channels has the right shape, too.",
    ),
    seen_in="plausible; the wrong reshape lives by such tests",
)
def shape_is_enough(split_heads):
    assert split_heads(torch.randn(2, 5, 12), 3).shape == (2, 3, 5, 4)
    assert split_heads(torch.randn(3, 7, 10), 2).shape == (3, 2, 7, 5)


@misconception(
    "test_split_heads",
    title="the test compares, and then returns whether all is well instead of raising",
    hints=(
        "What happens to the value that your test returns?",
        "Look at the last line: a wrong solution must be stopped by an exception, and a returned False is none.",
        "A smoke detector that notes 'there is a fire' in its diary wakes nobody.",
    ),
    seen_in="plausible",
)
def verdict_returned(split_heads):
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12)
    heads = split_heads(x, 3)
    return heads.shape == (2, 3, 5, 4) and torch.equal(heads[:, 1], x[:, :, 4:8])


@misconception(
    "test_split_heads",
    title="the test knows one head only, and one head owns everything",
    hints=(
        "What is there to cut with num_heads = 1?",
        "Look at the second argument of your calls.",
        "One pair of scissors and one reader: the sheet stays whole, however badly you cut.",
    ),
    seen_in="plausible; the first test that comes to mind",
)
def one_head(split_heads):
    x = torch.arange(2 * 5 * 4.0).reshape(2, 5, 4).requires_grad_()
    assert torch.equal(split_heads(x, 1), x.reshape(2, 1, 5, 4))
    (gradient,) = torch.autograd.grad(split_heads(x, 1).sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))
    try:
        split_heads(x, 3)
    except ValueError:
        return
    raise AssertionError("a width that cannot be shared was accepted")


@misconception(
    "test_split_heads",
    title="the sentence of the test has one word, so that positions cannot be mixed up",
    hints=(
        "How many positions has your x? What could go wrong if there were more?",
        "Look at the axis of the positions. With length 1 a reshape needs no transpose.",
        "With one position (10, 11, 12, 13) and two heads, (10, 11) and (12, 13) come out, right or wrong. A second "
        "position tells the difference.",
    ),
    seen_in="plausible",
)
def one_word(split_heads):
    x = torch.arange(3 * 12.0).reshape(3, 1, 12)
    expected = torch.stack([x[..., 4 * h : 4 * h + 4] for h in range(3)], dim=1)
    heads = split_heads(x, 3)
    assert heads.shape == expected.shape
    assert torch.equal(heads, expected)


@misconception(
    "test_split_heads",
    title="sizes of the test are equal, so that exchanged sizes go unnoticed",
    hints=(
        "What if a solution takes the number of heads for the width of a head?",
        "Look at your sizes: are two of batch, heads, positions and channels equal?",
        "4 channels and 2 heads make 2 heads of width 2, whichever of the two numbers is which.",
    ),
    seen_in="plausible",
)
def equal_sizes(split_heads):
    x = torch.arange(2 * 2 * 4.0).reshape(2, 2, 4).requires_grad_()
    heads = split_heads(x, 2)
    assert heads.shape == (2, 2, 2, 2)
    assert heads[0].tolist() == [[[0.0, 1.0], [4.0, 5.0]], [[2.0, 3.0], [6.0, 7.0]]]
    (gradient,) = torch.autograd.grad(heads.sum(), x)
    assert gradient.sum() == 16
    try:
        split_heads(torch.zeros(2, 2, 5), 2)
    except ValueError:
        return
    raise AssertionError("5 channels were shared by 2 heads")


@misconception(
    "test_split_heads",
    title="all numbers of the test are equal, and so are its sizes",
    hints=(
        "If every number is 1, how will you see that one of them is in the wrong place?",
        "Look at the tensor that you hand over: its numbers should tell where they came from.",
        "A pack of cards without pictures cannot be found to be shuffled.",
    ),
    seen_in="plausible; tests with torch.ones are common",
)
def all_ones(split_heads):
    x = torch.ones(2, 2, 4, requires_grad=True)
    assert torch.equal(split_heads(x, 2), torch.ones(2, 2, 2, 2))
    (gradient,) = torch.autograd.grad(split_heads(x, 2).sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))
    try:
        split_heads(x, 3)
    except ValueError:
        return
    raise AssertionError("a width that cannot be shared was accepted")


@misconception(
    "test_split_heads",
    title="the test asks whether all numbers are still there, in any order and any shape",
    hints=(
        "May the numbers of the result stand in any order?",
        "Look at what sorting or adding up throws away: the places.",
        "The letters of 'listen' are all there in 'silent'.",
    ),
    seen_in="plausible",
)
def any_order(split_heads):
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12).requires_grad_()
    assert torch.equal(split_heads(x, 3).flatten().sort().values, x.flatten())
    (gradient,) = torch.autograd.grad(split_heads(x, 3).sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))
    try:
        split_heads(x, 5)
    except ValueError:
        return
    raise AssertionError("a width that cannot be shared was accepted")


@misconception(
    "test_split_heads",
    title="the test expects what a reshape alone gives, and so stops the right solutions",
    hints=(
        "What does your test say to your own `split_heads`?",
        "Look at how you compute what you expect. Does head 0 get the first channels of every position there?",
        "Two positions, (10, 11, 12, 13) and (20, 21, 22, 23), and two heads: head 0 is (10, 11), (20, 21). A reshape "
        "alone expects (10, 11), (12, 13).",
    ),
    seen_in="annotated-transformer #17 proposes such a reshape as a fix",
)
def reshape_expected(split_heads):
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12)
    assert torch.equal(split_heads(x, 3), x.reshape(2, 3, 5, 4))


@misconception(
    "test_split_heads",
    title="the test expects another exception than the ValueError that the docstring promises",
    hints=(
        "Which exception does your own `split_heads` raise for a width that cannot be shared?",
        "Look at the name after `except`, and at the line of the docstring that begins with Raises.",
        "Who waits for the bus at the railway station will not see it arrive.",
    ),
    seen_in="plausible",
)
def another_exception(split_heads):
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12)
    heads = split_heads(x, 3)
    assert heads.shape == (2, 3, 5, 4)
    assert torch.equal(heads[:, 1], x[:, :, 4:8])
    try:
        split_heads(x, 5)
    except AssertionError:
        return
    raise AssertionError("12 channels were shared by 5 heads")


@misconception(
    "test_split_heads",
    title="the test looks at numbers alone and never asks for a gradient",
    hints=(
        "A network learns from gradients. Does your test ever look at one?",
        "Numbers can be copied without their history. Look for a way to ask whether a result still knows where it "
        "came from.",
        "A photograph of a letter has the same words, and an answer to it does not reach the writer.",
    ),
    seen_in="plausible",
)
def gradients_never_asked(split_heads):
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12)
    heads = split_heads(x, 3)
    assert heads.shape == (2, 3, 5, 4)
    assert all(torch.equal(heads[:, h], x[:, :, 4 * h : 4 * h + 4]) for h in range(3))
    try:
        split_heads(x, 5)
    except ValueError:
        return
    raise AssertionError("12 channels were shared by 5 heads")


@misconception(
    "test_split_heads",
    title="the test never tries a width that the heads cannot share",
    hints=(
        "What should happen with 10 channels and 3 heads?",
        "Look at the line of the docstring that begins with Raises. `try` and `except ValueError` catch what should "
        "come; if nothing comes, raise something yourself.",
        "A turnstile is tested with a ticket and without one.",
    ),
    seen_in="plausible",
)
def bad_width_never_tried(split_heads):
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12).requires_grad_()
    heads = split_heads(x, 3)
    assert heads.shape == (2, 3, 5, 4)
    assert all(torch.equal(heads[:, h], x[:, :, 4 * h : 4 * h + 4]) for h in range(3))
    heads.sum().backward()
    assert x.grad is not None
