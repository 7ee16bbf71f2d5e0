"""Wrong solutions that students of 06_decoder really write, each with its name and its hints.

Every entry holds one mistake and is right in all else, so that its numbers belong to that mistake alone. A mistake of
an early exercise, such as a mask that shows the future, is also tried inside the later ones that build on it.
"""

import math

import torch
from torch import nn

from autograder.authoring import misconception
from solutions.attention import softmax
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


@misconception(
    "causal_mask",
    title="the mask allows what comes after a word and hides what came before",
    hints=(
        "Print the mask of a text with 4 words. Who can see whom?",
        "Look at which triangle is True. And ask what True means in this course: may attend, or is hidden?",
        "3 words: the first one should see one key, the last one three. With the other triangle the first one sees "
        "three and the last one only itself.",
    ),
    seen_in="rasbt #1061, #1062; tensorflow/text #894; jadore #19",
)
def mask_shows_the_future(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    return torch.ones(len_q, len_k, dtype=torch.bool).triu(len_k - len_q)


@misconception(
    "causal_mask",
    title="a word may see what came before it, but not itself",
    hints=(
        "May a word look at itself? And if not, what does the first one look at?",
        "Look at the diagonal of your mask, where the number of the query equals that of the key.",
        "3 words: the rows allow 1, 2 and 3 keys. Without the diagonal they allow 0, 1 and 2, and the first word has "
        "nothing to read.",
    ),
    seen_in="plausible",
)
def mask_hides_the_word_itself(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    return torch.ones(len_q, len_k, dtype=torch.bool).tril(len_k - len_q - 1)


@misconception(
    "causal_mask",
    title="every word sees itself, its past, and one word of its future",
    hints=(
        "Word 0 gives another output when you edit word 1. Should it?",
        "Look at the first row of your mask: how many keys does it allow?",
        "3 words: the rows allow 1, 2 and 3 keys. Shifted by one they allow 2, 3 and 3, and a model learns to copy "
        "the answer.",
    ),
    seen_in="plausible",
)
def mask_shows_one_word_ahead(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    return torch.ones(len_q, len_k, dtype=torch.bool).tril(len_k - len_q + 1)


@misconception(
    "causal_mask",
    title="the mask holds the numbers 1 and 0 instead of True and False",
    hints=(
        "Which dtype must a mask have in this course?",
        "Look at the dtype with which your tensor of ones is made; cutting a triangle out of it does not change that.",
        "For 2 words: ((True, False), (True, True)). The numbers ((1.0, 0.0), (1.0, 1.0)) look alike, but `~` does "
        "not turn them around.",
    ),
    seen_in="TinyTorch and others have masks of numbers on purpose",
)
def mask_of_ones_and_zeros(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    return torch.ones(len_q, len_k).tril(len_k - len_q)


@misconception(
    "causal_mask",
    title="the mask holds 0 and -inf, to be added to the scores, instead of True and False",
    hints=(
        "What does your mask contain where attention is allowed: 0, 1 or True?",
        "Two kinds of masks are in use: those that are added to scores, and those that say yes or no. Look at the "
        "line of the docstring that begins with Shapes.",
        "For 2 words: ((True, False), (True, True)). To be added it would be ((0, -inf), (0, 0)).",
    ),
    seen_in="nn.Transformer.generate_square_subsequent_mask does so; cs249r #1785 mixes the two",
)
def mask_to_be_added(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    hidden = ~torch.ones(len_q, len_k, dtype=torch.bool).tril(len_k - len_q)
    return torch.zeros(len_q, len_k).masked_fill(hidden, -math.inf)


@misconception(
    "causal_mask",
    title="with fewer queries than keys, the queries are taken for the first positions instead of the last",
    hints=(
        "A text of 5 words has grown by one. How many words may the newest one see?",
        "Look at what happens to the diagonal when there are more columns than rows: at which corner does it begin, "
        "and at which should it end?",
        "1 query and 3 keys: the query is the last word, and its row is (True, True, True). Aligned at the other "
        "corner it is (True, False, False).",
    ),
    seen_in="lag-llama #81, x-transformers #219; is_causal of PyTorch's attention does so",
)
def mask_aligned_at_the_top_left(len_q, len_k=None):
    len_k = len_q if len_k is None else len_k
    return torch.ones(len_q, len_k, dtype=torch.bool).tril()


# --- combine_masks ----------------------------------------------------------------------------------------------------


@misconception(
    "combine_masks",
    title="a pair is allowed as soon as one of the masks allows it",
    hints=(
        "If one guard says yes and another says no, may you pass?",
        "Look at the operator between two masks. One of the two common ones lets padding back in wherever the past "
        "allows it.",
        "(yes, yes, no) and (yes, no, no) give (yes, no, no). With or they give (yes, yes, no).",
    ),
    seen_in="keras-io #482, #1046",
)
def masks_joined_with_or(*masks):
    masks = [mask for mask in masks if mask is not None]
    if any(mask.dtype != torch.bool for mask in masks):
        raise ValueError("masks must be bool")
    joined = None
    for mask in masks:
        joined = mask if joined is None else joined | mask
    return joined


@misconception(
    "combine_masks",
    title="the masks are added up as numbers",
    hints=(
        "What is True plus True, and which dtype does it have?",
        "Look at the dtype of what you return. A pair is allowed or not, and a sum counts how many masks allow it.",
        "(yes, yes, no) and (yes, no, no) give (yes, no, no). Added up as numbers they give (2, 1, 0).",
    ),
    seen_in="plausible",
)
def masks_added_up(*masks):
    masks = [mask for mask in masks if mask is not None]
    if not masks:
        return None
    total = masks[0].long()
    for mask in masks[1:]:
        total = total + mask.long()
    return total


@misconception(
    "combine_masks",
    title="only the last mask is used and the others are forgotten",
    hints=(
        "What becomes of the first mask when the second one comes in?",
        "Look at what your loop assigns: does the new value contain the old one?",
        "(yes, yes, no), then (yes, no, yes): together (yes, no, no). If the last one wins it is (yes, no, yes).",
    ),
    seen_in="plausible",
)
def last_mask_wins(*masks):
    masks = [mask for mask in masks if mask is not None]
    if any(mask.dtype != torch.bool for mask in masks):
        raise ValueError("masks must be bool")
    if not masks:
        return None
    shape = torch.broadcast_shapes(*(mask.shape for mask in masks))
    return masks[-1].expand(shape)


@misconception(
    "combine_masks",
    title="only the first two arguments are joined, and the rest is not looked at",
    hints=(
        "What happens to a third mask?",
        "Look at how many masks your function can take, and at how many of them it reads.",
        "(yes, yes), (yes, yes) and (no, yes) give (no, yes). The first two alone give (yes, yes).",
    ),
    seen_in="plausible",
)
def only_the_first_two_masks(*masks):
    one, other = (*masks, None, None)[:2]
    for mask in masks:
        if mask is not None and mask.dtype != torch.bool:
            raise ValueError("masks must be bool")
    if one is None:
        return other
    return one if other is None else one & other


@misconception(
    "combine_masks",
    title="a mask that is None makes the result None, although others forbid something",
    hints=(
        "None means that this mask has nothing against anybody. Does it also speak for the others?",
        "Look at what happens when the first argument is None and the second one is a mask.",
        "None and (yes, no) give (yes, no). If None is returned, the padding that was hidden comes back.",
    ),
    seen_in="plausible",
)
def none_hides_everything(*masks):
    if any(mask is None for mask in masks) or not masks:
        return None
    if any(mask.dtype != torch.bool for mask in masks):
        raise ValueError("masks must be bool")
    joined = masks[0]
    for mask in masks[1:]:
        joined = joined & mask
    return joined


@misconception(
    "combine_masks",
    title="without any mask a tensor that says True is returned instead of None",
    hints=(
        "What should attention get when nobody has brought a mask?",
        "Look at the value with which you begin, and at what is left of it when no mask comes in.",
        "No masks, or only None: the result is None. A True with no axes says the same, but a caller who asks `is "
        "None` is told another story.",
    ),
    seen_in="plausible",
)
def no_mask_is_a_mask_of_true(*masks):
    joined = torch.tensor(True)
    for mask in masks:
        if mask is not None:
            if mask.dtype != torch.bool:
                raise ValueError("masks must be bool")
            joined = joined & mask
    return joined


@misconception(
    "combine_masks",
    title="the first mask is changed while the others are joined to it",
    hints=(
        "I still need my mask after calling you. Is it as it was?",
        "Look for an operator or a method that writes into a tensor: an `&=`, or a name that ends with an underscore.",
        "A caller holds the mask (yes, yes) and has it joined with (no, yes). Afterwards the caller's own mask must "
        "still be (yes, yes).",
    ),
    seen_in="plausible",
)
def masks_written_into(*masks):
    masks = [mask for mask in masks if mask is not None]
    if any(mask.dtype != torch.bool for mask in masks):
        raise ValueError("masks must be bool")
    if not masks:
        return None
    shape = torch.broadcast_shapes(*(mask.shape for mask in masks))
    joined = masks[0] if masks[0].shape == shape else masks[0].expand(shape).clone()
    for mask in masks[1:]:
        joined &= mask
    return joined


@misconception(
    "combine_masks",
    title="masks of numbers are taken for masks, without a word",
    hints=(
        "Somebody passes a mask of 0.0 and -inf. What would your function make of it?",
        "Look at the line of the docstring that begins with Raises.",
        "A mask of the numbers (1.0, 0.0) must raise a ValueError that names the dtype that is expected and the one "
        "that was found.",
    ),
    seen_in="cs249r #1785",
)
def any_dtype_is_a_mask(*masks):
    joined = None
    for mask in masks:
        if mask is not None:
            mask = mask.bool()
            joined = mask if joined is None else joined & mask
    return joined


# --- CausalSelfAttention ----------------------------------------------------------------------------------------------


@misconception(
    "CausalSelfAttention",
    title="no causal mask is used, so that every word sees its future",
    hints=(
        "Edit the last word of a text. Should the output of the first one change?",
        "Look at the mask that attention gets when the caller brings none.",
        "3 words and no mask from outside: the rows of the weights should hold 1, 2 and 3 numbers above 0. Yours hold"
        " 3 in every row.",
    ),
    seen_in="harvardnlp/annotated-transformer readers; nanoGPT forks",
)
class attention_without_its_mask(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)

    def forward(self, x, mask=None, cache=None):
        return self.attention(x, mask=mask)


@misconception(
    "CausalSelfAttention",
    title="the mask of the caller is ignored",
    hints=(
        "One of the words is padding, and the caller says so. Who still looks at it?",
        "Look at where the argument mask is used. It should meet the causal one.",
        "3 words, the second one hidden by the caller: the last row may use the words 1 and 3. If the caller is "
        "ignored it uses all three.",
    ),
    seen_in="plausible",
)
class callers_mask_ignored(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)

    def forward(self, x, mask=None, cache=None):
        past = causal_mask(x.size(1)).to(x.device)
        return self.attention(x, mask=past)


@misconception(
    "CausalSelfAttention",
    title="the mask of the caller replaces the causal one",
    hints=(
        "The caller passes a mask that allows everything. May a word see its future now?",
        "Look at how the two masks meet: does one of them take the place of the other?",
        "2 words and a mask of the caller that says yes to all: the first row may still use the first word alone.",
    ),
    seen_in="plausible; with padding masks of shape (B, 1, 1, L) it is easily overlooked",
)
class callers_mask_gives_the_future_back(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)

    def forward(self, x, mask=None, cache=None):
        past = causal_mask(x.size(1)).to(x.device)
        return self.attention(x, mask=past if mask is None else mask)


@misconception(
    "CausalSelfAttention",
    title="only the output is returned, without the weights",
    hints=(
        "What does the docstring say is returned?",
        "Look at what MultiHeadAttention returns, and at how much of that you pass on.",
        "The result is a pair: output (B, T, D) and weights (B, H, T, T).",
    ),
    seen_in="plausible",
)
class causal_output_alone(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)

    def forward(self, x, mask=None, cache=None):
        past = causal_mask(x.size(1)).to(x.device)
        return self.attention(x, mask=combine_masks(past, mask))[0]


@misconception(
    "CausalSelfAttention",
    title="the causal mask is made once, for the first text, and cut on one side only when a shorter one comes",
    hints=(
        "Call the layer with a text of 5 words, and then with one of 3. What shape has the mask the second time?",
        "Look at how a mask that was kept is cut to a new length: on which axes?",
        "A kept mask of 5 x 5 and a text of 3 words: cut to 3 x 3 it fits. Cut to 5 x 3 or to 3 x 5 it does not, and "
        "a text of 7 words needs a new one.",
    ),
    seen_in="seen in ports of nanoGPT's buffer, which is cut on both axes there",
)
class past_of_the_first_sentence_kept(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.past = None

    def forward(self, x, mask=None, cache=None):
        if self.past is None or self.past.size(1) < x.size(1):
            self.past = causal_mask(x.size(1))
        return self.attention(x, mask=combine_masks(self.past[:, : x.size(1)], mask))


@misconception(
    "CausalSelfAttention",
    title="the text is copied without its history, so that no gradient reaches it",
    hints=(
        "Something between the words and the output cannot be differentiated. What is it?",
        "Look for a step that leaves PyTorch, or that makes a new tensor out of numbers.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is made of copied numbers, x gets no "
        "gradient at all.",
    ),
    seen_in="plausible",
)
class causal_attention_cuts_the_graph(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)

    def forward(self, x, mask=None, cache=None):
        past = causal_mask(x.size(1)).to(x.device)
        return self.attention(x.detach(), mask=combine_masks(past, mask))


@misconception(
    "CausalSelfAttention",
    title="the argument dropout is accepted and never used",
    hints=(
        "Does anything change in training when dropout is nearly 1?",
        "Look at where the argument dropout of the constructor goes.",
        "With dropout 1/2 about half of the weights are 0 in training, and the others are twice as large. With none, "
        "training and evaluation give the same.",
    ),
    seen_in="plausible",
)
class causal_attention_without_dropout(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)

    def forward(self, x, mask=None, cache=None):
        past = causal_mask(x.size(1)).to(x.device)
        return self.attention(x, mask=combine_masks(past, mask))


# --- DecoderBlock -----------------------------------------------------------------------------------------------------


@misconception(
    "DecoderBlock",
    title="the norms stand behind the sums, as in the first paper, instead of in front of the sub-layers",
    hints=(
        "Which way does a vector take that no sub-layer changes: straight through, or through a norm?",
        "Look at what is normalised: what goes into a sub-layer, or what comes out of the sum?",
        "Two designs: x + f(norm(x)) leaves the road from the first block to the last one open. norm(x + f(x)) puts a"
        " norm across the road in every block.",
    ),
    seen_in="Vaswani et al. 2017 do so",
)
class norms_behind_the_sums(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = self.norm1(x + self.dropout(self.self_attention(x, self_mask)[0]))
        if self.cross_attention is None:
            return self.norm2(x + self.dropout(self.feed_forward(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = self.norm2(x + self.dropout(self.cross_attention(x, memory, mask=memory_mask)[0]))
        return self.norm3(x + self.dropout(self.feed_forward(x)))


@misconception(
    "DecoderBlock",
    title="all sub-layers share the first norm",
    hints=(
        "Each sub-layer has a norm of its own. Which of them does yours use?",
        "Look at the numbers in the names of the norms: norm1, norm2, norm3, in this order.",
        "A norm with the weight 2 in front of the first sub-layer and one with the weight 3 in front of the second: "
        "they learn different things.",
    ),
    seen_in="plausible",
)
class one_norm_for_all(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm1(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm1(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm1(x)))


@misconception(
    "DecoderBlock",
    title="what is added to is the normalised vector instead of x itself",
    hints=(
        "What is the output of a block whose sub-layers all give 0?",
        "Look at what stands left of the plus: x as it came in, or x after its norm?",
        "x = (3, 5), and a sub-layer that gives (0, 0): the sum is (3, 5). If x was replaced by its norm it is (-1, "
        "1).",
    ),
    seen_in="Harvard's annotated Transformer #92 asks about it",
)
class residual_from_the_normed(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = self.norm1(x)
        x = x + self.dropout(self.self_attention(x, self_mask)[0])
        if self.cross_attention is None:
            x = self.norm2(x)
            return x + self.dropout(self.feed_forward(x))
        if memory is None:
            raise ValueError("memory is missing")
        x = self.norm2(x)
        x = x + self.dropout(self.cross_attention(x, memory, mask=memory_mask)[0])
        x = self.norm3(x)
        return x + self.dropout(self.feed_forward(x))


@misconception(
    "DecoderBlock",
    title="what cross-attention finds replaces x instead of being added to it",
    hints=(
        "After looking into the source, does a word still know what it was itself?",
        "Look at the second of the three sub-layers: is its output added, like those of the others?",
        "x = (3, 5), and cross-attention finds (1, 1): the sum is (4, 6). Without the sum it is (1, 1).",
    ),
    seen_in="plausible",
)
class no_residual_around_the_source(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the block looks into the source first, and only then back at its own words",
    hints=(
        "In which order does the docstring name the sub-layers?",
        "Look at the order of the steps in forward: which attention comes first?",
        "Self-attention, cross-attention, feed-forward. Since each one reads what the one before has added, the order"
        " changes the result.",
    ),
    seen_in="plausible",
)
class cross_attention_before_self_attention(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        if self.cross_attention is None:
            x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="in cross-attention the source asks and the target answers",
    hints=(
        "Whose words need an answer here, and who has it?",
        "Look at which tensor becomes the query of cross-attention. Its length is the length of the output.",
        "5 target words and 7 source words: cross-attention has 5 rows, one for each target word, and 7 columns.",
    ),
    seen_in="plausible",
)
class memory_asks_and_target_answers(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(memory, self.norm2(x), mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="cross-attention looks at the target's own words instead of the source",
    hints=(
        "Change the source. Does the output change?",
        "Look at what cross-attention gets as its key. What happens when it gets none?",
        "5 target words and 7 source words: the weights of cross-attention are 5 x 7. If they are 5 x 5, the source "
        "has not been read.",
    ),
    seen_in="fchollet DLwP #209",
)
class memory_never_read(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x))[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the memory is sent through the block's norm as well",
    hints=(
        "Who has already normalised the memory?",
        "Look at what goes into cross-attention as key. The docstring says what happens to the memory.",
        "Memory (3, 5): cross-attention should read (3, 5). After the norm of the block it reads (-1, 1).",
    ),
    seen_in="plausible",
)
class memory_through_the_norm(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), self.norm2(memory), mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="cross-attention gets a causal mask, so that early words see only the beginning of the source",
    hints=(
        "May a translator read the whole source before writing the first word?",
        "Look at the mask that cross-attention gets. The future is a matter of the target alone.",
        "3 target words and 4 source words: every row of the 3 x 4 weights may hold 4 numbers above 0. With a causal "
        "mask the first one cannot.",
    ),
    seen_in="Informer #38, SeekDeeper #3, keras-io #1046",
)
class cross_attention_is_causal(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(
            self.cross_attention(
                self.norm2(x), memory, mask=combine_masks(causal_mask(x.size(1), memory.size(1)), memory_mask)
            )[0]
        )
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="self-attention is called without its causal mask",
    hints=(
        "Edit the last word of the target. Does the first output change?",
        "Look at which layer does self-attention here, and whether it hides the future by itself.",
        "3 words: output 0 depends on word 0, output 1 on the words 0 and 1. If all outputs depend on all words, the "
        "answer is being copied.",
    ),
    seen_in="plausible",
)
class block_sees_the_future(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention.attention(self.norm1(x), mask=self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the argument activation is ignored",
    hints=(
        "Ask for gelu. Which activation do you get?",
        "Look at what FeedForward is given when the block is made.",
        "relu(-1) is 0, gelu(-1) is -0.159. A block with gelu lets a little of the negative side through.",
    ),
    seen_in="plausible",
)
class always_relu(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the mask of the source is ignored, so that padding is read",
    hints=(
        "Change a padded word of the source. Should anything happen?",
        "Look at where the argument memory_mask goes.",
        "Source words a, b and a pad: with the mask the weights are spread over a and b. Without it the pad gets its "
        "share.",
    ),
    seen_in="fchollet DLwP #209, keras-io #1046",
)
class memory_mask_ignored(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=None)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the mask of the target is ignored",
    hints=(
        "A word of the target is padding, and the caller says so. Who still looks at it?",
        "Look at where the argument self_mask goes.",
        "3 target words, the second one hidden: the last row of self-attention may use the words 1 and 3.",
    ),
    seen_in="plausible",
)
class self_mask_ignored(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x))[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="cross-attention gets the mask of the target instead of that of the source",
    hints=(
        "From which sentence do the keys come in cross-attention, and which mask speaks about that sentence?",
        "Look at the masks of the two attentions. A mask belongs to the side that answers.",
        "Target with 5 words, source with 7: a mask for cross-attention has 7 columns. Only when both have the same "
        "length does the wrong one fit.",
    ),
    seen_in="keras-io #1046",
)
class self_mask_for_the_source_too(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=self_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="there is a third norm although the block has only two sub-layers",
    hints=(
        "How many sub-layers does a block without cross-attention have, and how many norms does it need?",
        "Look at when norm3 is made. A parameter that nobody uses gets no gradient and stays as it was.",
        "Without cross-attention: norm1 for the attention, norm2 for the network, and that is all.",
    ),
    seen_in="plausible",
)
class third_norm_without_need(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the memory is copied without its history, so that the encoder would never learn",
    hints=(
        "Who makes the memory, and how does it learn what is needed here?",
        "Look for a step on the way of the memory that PyTorch cannot differentiate.",
        "If the output depends on the memory, a gradient must come back to it. Without one the encoder keeps its "
        "first weights for ever.",
    ),
    seen_in="plausible",
)
class memory_cut_from_the_graph(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory.detach(), mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="dropout does not act on what the sub-layers add",
    hints=(
        "With a dropout of nearly 1, what should be left of a block in training?",
        "Look at each sum: the sub-layer's output passes through dropout before it is added.",
        "x = (3, 5), and everything that sub-layers give is dropped: the result is (3, 5). Dropout inside the "
        "sub-layers alone leaves their biases.",
    ),
    seen_in="plausible",
)
class sublayers_not_dropped(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + (self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + (self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + (self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + (self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="dropout acts on the sum, and so on the main road as well",
    hints=(
        "With a dropout of nearly 1, should x itself survive a block?",
        "Look at the brackets: is the dropout around the sub-layer's output, or around the whole sum?",
        "x = (3, 5), everything dropped that can be: the result should be (3, 5). With dropout on the sum it is (0, "
        "0).",
    ),
    seen_in="plausible",
)
class dropout_on_the_sum(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = self.dropout(x + self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return self.dropout(x + self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = self.dropout(x + self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return self.dropout(x + self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="the sums are written into the tensor that the caller has passed",
    hints=(
        "I still need my x after calling you. Is it as it was?",
        "Look for an operator that writes into a tensor, such as `+=`.",
        "x is (3, 5), the sub-layers add (1, 1): the result is (4, 6), and the x of the caller must still be (3, 5).",
    ),
    seen_in="plausible",
)
class block_changes_its_input(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x += self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        if memory is None:
            raise ValueError("memory is missing")
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


@misconception(
    "DecoderBlock",
    title="a call without memory is answered, as if there were no cross-attention",
    hints=(
        "Somebody forgets to pass the memory. How do they find out?",
        "Look at the line of the docstring that begins with Raises.",
        "A block with cross-attention and no memory: a ValueError that says what is missing. A silent answer looks "
        "right and has not read the source.",
    ),
    seen_in="plausible",
)
class missing_memory_passed_over(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu", cross_attention=True):
        super().__init__()
        self.self_attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout) if cross_attention else None
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        if cross_attention:
            self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory=None, self_mask=None, memory_mask=None, cache=None):
        x = x + self.dropout(self.self_attention(self.norm1(x), self_mask)[0])
        if self.cross_attention is None or memory is None:
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, mask=memory_mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))


# --- init_gpt_weights -------------------------------------------------------------------------------------------------


@misconception(
    "init_gpt_weights",
    title="the embeddings keep the numbers of size 1 with which PyTorch begins them",
    hints=(
        "How large are the numbers of a new nn.Embedding, and how large are those of a new nn.Linear?",
        "Look at which kinds of modules your function reaches. A matrix of words serves as the head as well.",
        "With a width of 64 and numbers of size 1, a word and itself have the dot product 64: the model is sure of "
        "nonsense from the first step on.",
    ),
    seen_in="CoursIA #13279",
)
def positions_and_words_left_as_they_were(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if "embedding" in name:
            pass
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="the projections onto the residual path are drawn as wide as all the others",
    hints=(
        "What happens to the size of a sum when more and more independent terms are added?",
        "Look at the two kinds of maps that end on the residual path; the docstring names them.",
        "8 blocks add 16 terms. If each has the variance 1, their sum has 16; if each is divided by the root of 16, "
        "it has 1.",
    ),
    seen_in="minGPT before it was added; many ports",
)
def all_weights_alike(model):
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="the number of blocks is used, although each block adds to the residual path twice",
    hints=(
        "How often does one block add something to the residual path?",
        "Look at what stands under the root. The letter N means blocks in some texts and sub-layers in others.",
        "8 blocks: 16 terms, and 0.02 / 4 = 0.005. With 8 under the root it is 0.0071.",
    ),
    seen_in="nanoGPT's readers; GPT-2's paper counts layers",
)
def residuals_without_the_two(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="the deviation is divided by the number of terms instead of by its root",
    hints=(
        "Does the size of a sum of independent terms grow with their number, or with its root?",
        "Look at the power of 2 N by which you divide.",
        "16 terms: 0.02 / 4 = 0.005. Divided by 16 it is 0.00125.",
    ),
    seen_in="plausible",
)
def residuals_divided_by_the_depth(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / (2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="the deviations depend on the widths of the matrices, as in another recipe",
    hints=(
        "Which standard deviation does the docstring name, and does it depend on a width?",
        "Look at the function that draws: does it look at the shape of the matrix?",
        "A matrix of 100 x 100 and one of 10 x 1000 both get 0.02. The recipe of Glorot gives 0.1 to the first and "
        "0.044 to the second.",
    ),
    seen_in="plausible",
)
def xavier_instead(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.xavier_normal_(parameter)


@misconception(
    "init_gpt_weights",
    title="0.02 is taken for the variance instead of the standard deviation",
    hints=(
        "Is 0.02 the spread of the numbers, or the square of it?",
        "Look at what the argument of your function means, and what its root would be.",
        "A standard deviation of 0.02 is a variance of 0.0004. A variance of 0.02 is a standard deviation of 0.14.",
    ),
    seen_in="plausible",
)
def variance_in_place_of_the_deviation(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02**0.5 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02**0.5)


@misconception(
    "init_gpt_weights",
    title="the numbers are spread evenly over an interval instead of normally",
    hints=(
        "Can any of your numbers be larger than twice the standard deviation?",
        "Look at the name of the function that draws.",
        "Normal numbers with the deviation 1 are beyond 3 about three times in a thousand. Evenly spread ones with "
        "that deviation never are beyond 1.73.",
    ),
    seen_in="plausible",
)
def uniform_instead_of_normal(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.uniform_(parameter, -0.02 * 3**0.5, 0.02 * 3**0.5)


@misconception(
    "init_gpt_weights",
    title="the biases keep the numbers that they had",
    hints=(
        "What should a bias say before anything has been learned?",
        "Look at what happens to parameters whose names end with bias.",
        "A new nn.Linear has small random biases; here all of them become 0.",
    ),
    seen_in="plausible",
)
def biases_left_as_they_were(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            pass
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="the weights of the norms are drawn at random, near 0",
    hints=(
        "By what does a norm multiply, and what is left of a vector that is multiplied by 0.02?",
        "Look at parameters with a single axis that are no biases. Whose are they?",
        "The norm of (3, 5) is (-1, 1). With a weight of 1 it stays so; with a weight of 0.02 it becomes (-0.02, "
        "0.02).",
    ),
    seen_in="plausible",
)
def norms_drawn_like_the_rest(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="the weights of the norms keep what they had",
    hints=(
        "Somebody starts a trained model anew. What are the weights of its norms then?",
        "Look at what happens to parameters with a single axis that are no biases.",
        "A norm that has learned the weights (1.5, 0.3) gets (1, 1) again.",
    ),
    seen_in="plausible",
)
def norms_left_as_they_were(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            pass
        elif name.endswith(("w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


@misconception(
    "init_gpt_weights",
    title="only the self-attention and the network get the smaller deviation, and cross-attention is forgotten",
    hints=(
        "Which sub-layers add to the residual path?",
        "Look at how you find the projections: by a name that only some of them have?",
        "A block with cross-attention has three projections that end on the residual path: two called w_o, and "
        "linear2.",
    ),
    seen_in="plausible",
)
def cross_attention_forgotten(model):
    blocks = sum(isinstance(module, DecoderBlock) for module in model.modules())
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif name.endswith(("self_attention.attention.w_o.weight", "linear2.weight")):
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * blocks))
        else:
            nn.init.normal_(parameter, std=0.02)


# --- GPT --------------------------------------------------------------------------------------------------------------


@misconception(
    "GPT",
    title="the positions are never added to the words",
    hints=(
        "Swap two words of the past. Can the model tell?",
        "Look at what goes into the first block. Attention by itself does not see where a word stands.",
        "Word (1, 2) and position (0.1, 0.2) make (1.1, 2.2). Without the position, the word is (1, 2) wherever it "
        "stands.",
    ),
    seen_in="plausible",
)
class positions_not_added(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.token_embedding(ids))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the word vectors are multiplied by the root of D",
    hints=(
        "Does GPT scale its words, or was that another model?",
        "Look at how the token embedding is made. Its default is that of the encoder.",
        "D = 16: the word (1, 2, ...) would become (4, 8, ...), and the positions would hardly count beside it.",
    ),
    seen_in="plausible",
)
class words_scaled(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        d_ff = 4 * d_model if d_ff is None else d_ff
        self.max_len = max_len
        self.token_embedding = TokenEmbedding(vocab_size, d_model)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, d_ff, dropout, "gelu", cross_attention=False) for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        if tie_weights:
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the last norm is missing between the blocks and the head",
    hints=(
        "Who normalises what the last block has added?",
        "Look at what the head reads. In blocks with norms in front, the residual path itself never passes one.",
        "Six blocks add twelve terms to the residual path; the head should read numbers of size 1, whatever the sum "
        "has grown to.",
    ),
    seen_in="plausible",
)
class no_last_norm(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(x)
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the blocks use relu instead of gelu",
    hints=(
        "Which activation does the docstring name?",
        "Look at what the blocks are given when they are made, and at their default.",
        "relu(-1) is 0, gelu(-1) is -0.159.",
    ),
    seen_in="plausible",
)
class relu_in_the_blocks(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        d_ff = 4 * d_model if d_ff is None else d_ff
        self.max_len = max_len
        self.token_embedding = TokenEmbedding(vocab_size, d_model, scale=False)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, d_ff, dropout, cross_attention=False) for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        if tie_weights:
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="probabilities are returned instead of logits",
    hints=(
        "Do the numbers of one position sum to 1? Should they?",
        "Look at the last step before the return. Whoever draws words or takes a loss turns logits into probabilities"
        " by themselves.",
        "Logits (2, 1, 0) are returned as (2, 1, 0), not as (0.67, 0.24, 0.09).",
    ),
    seen_in="plausible",
)
class softmax_in_the_model(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = torch.softmax(self.head(self.norm(x)), dim=-1)
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the argument d_ff is ignored and the network is always 4 D wide",
    hints=(
        "Ask for a narrow network. How wide is the one that you get?",
        "Look at what the blocks are given as their third argument.",
        "D = 6 and d_ff = 17: linear1 has 17 rows, not 24.",
    ),
    seen_in="plausible",
)
class d_ff_ignored(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        d_ff = 4 * d_model
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="one and the same block stands in all places",
    hints=(
        "Train one block. Do the others move along?",
        "Look at how the list of blocks is made: is a new block made for each place?",
        "3 places with blocks of their own have three times as many parameters as one. A list with the same block "
        "three times has as many as one.",
    ),
    seen_in="plausible",
)
class one_block_many_times(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        d_ff = 4 * d_model if d_ff is None else d_ff
        self.max_len = max_len
        self.token_embedding = TokenEmbedding(vocab_size, d_model, scale=False)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)
        block = DecoderBlock(d_model, num_heads, d_ff, dropout, "gelu", cross_attention=False)
        self.blocks = nn.ModuleList([block] * num_layers)
        self.norm = LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        if tie_weights:
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the loss is taken of probabilities, as if they were logits",
    hints=(
        "A model is perfectly sure, and right. How low can your loss become?",
        "Look at what the loss function gets. It makes probabilities of its argument by itself.",
        "Three words, and probability 1 on the right one: the loss should be 0. Taken once more as logits, (1, 0, 0) "
        "gives 0.55.",
    ),
    seen_in="Huggingface_Toturials #6, and many",
)
class loss_of_probabilities(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the losses of all positions are added up instead of averaged",
    hints=(
        "Should a longer text have a larger loss?",
        "Look at how the losses of single words become one number.",
        "Surprises of 1, 2 and 3: the loss is 2, not 6.",
    ),
    seen_in="plausible",
)
class loss_added_up(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
        return logits, loss


@misconception(
    "GPT",
    title="the targets are shifted although they have been already",
    hints=(
        "Which word is position 0 trying to guess: the one in targets[0], or the one after it?",
        "Look at whether you cut the logits and the targets before they are compared. Ask who has shifted the "
        "targets, and how often.",
        "ids (a, b, c), targets (b, c, d): position 0 has read a and is compared with b. Shifted once more it is "
        "compared with c.",
    ),
    seen_in="MONAI #314; Hugging Face #27517, #35066, #46898",
)
class targets_shifted_once_more(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="targets of -100 count in the mean, with a loss of 0",
    hints=(
        "Five targets, two of which are -100. By how many do you divide?",
        "Look at what the mean is taken over.",
        "Surprises of 1, 2 and 3, and two targets of -100: the loss is 6 / 3 = 2, not 6 / 5.",
    ),
    seen_in="mlx-lm #1855, Hugging Face #7168",
)
class ignored_targets_count(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").mean()
        return logits, loss


@misconception(
    "GPT",
    title="before the loss, the axes of positions and words are mixed up",
    hints=(
        "Follow one number of the logits: does it still stand beside its own target when the loss is taken?",
        "Look at the order of the axes before you flatten or reshape. The loss wants one row for each position, with "
        "V numbers in it.",
        "2 positions and 3 words, ((1, 2, 3), (4, 5, 6)): the rows are (1, 2, 3) and (4, 5, 6). Turned before they "
        "are reshaped, the first row is (1, 4, 2).",
    ),
    seen_in="plausible",
)
class loss_mixes_words_and_positions(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(
            logits.transpose(1, 2).reshape(-1, logits.size(-1)), targets.flatten(), ignore_index=-100
        )
        return logits, loss


@misconception(
    "GPT",
    title="the head gets a copy of the matrix of the words instead of the matrix itself",
    hints=(
        "Change one of the two. Does the other one move?",
        "Look at what is assigned: the Parameter, or its numbers?",
        "One matrix with two names is learned once, from both uses. A copy has the same numbers at first, and goes "
        "its own way from the first step on.",
    ),
    seen_in="rasbt #822, modded-nanogpt #26, llama2.c #378",
)
class weights_copied_instead_of_tied(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            init_gpt_weights(self)
            self.head.weight = nn.Parameter(self.token_embedding.embedding.weight.detach().clone())
        else:
            init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the head always has a matrix of its own",
    hints=(
        "Where does the argument tie_weights change anything?",
        "Look at the constructor. Tied means that head and embedding are one Parameter.",
        "V = 1000 and D = 64: tied, the model has 64,000 parameters less.",
    ),
    seen_in="plausible",
)
class weights_never_tied(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the head shares the matrix of the words even when tie_weights is False",
    hints=(
        "Where does the argument tie_weights change anything?",
        "Look at the condition under which head and embedding become one Parameter.",
        "V = 1000 and D = 64: untied, the model has 64,000 parameters more.",
    ),
    seen_in="plausible",
)
class weights_always_tied(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
        self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the model begins with the numbers of PyTorch's own layers, of which those of an embedding are of size 1",
    hints=(
        "Before it has learned anything, how surprised should a model be by any of V words?",
        "Look at the end of the constructor. Which of your functions gives a model its first weights?",
        "V = 1000: a model that knows nothing has a loss of ln 1000 = 6.9. With tied vectors of size 1 it is several "
        "times that.",
    ),
    seen_in="CoursIA #13279 (107 instead of 4.44)",
)
class weights_as_pytorch_draws_them(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="a text that is too long is cut without a word",
    hints=(
        "Somebody passes a text that is too long. How do they find out?",
        "Look at the line of the docstring that begins with Raises. Cutting is the business of the caller.",
        "max_len = 5 and 6 words: a ValueError that names both numbers, not the logits of 5 words.",
    ),
    seen_in="plausible",
)
class too_long_texts_are_cut(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        ids = ids[:, -self.max_len :]
        targets = None if targets is None else targets[:, -self.max_len :]
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="a text that is too long is left to fail somewhere inside, with an error about an index",
    hints=(
        "What does the error say to somebody who has passed a text that is too long?",
        "Look at the line of the docstring that begins with Raises, and at the first lines of your forward.",
        "max_len = 5 and 6 words: a ValueError that names both numbers. An index out of range, from deep inside, says"
        " neither.",
    ),
    seen_in="plausible",
)
class too_long_texts_raise_as_they_like(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        x = self.dropout(self.token_embedding(ids) + self.position_embedding.embedding(torch.arange(ids.size(1))))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="the argument dropout never reaches the blocks",
    hints=(
        "Does anything change in training when dropout is nearly 1?",
        "Look at where the argument dropout of the constructor goes.",
        "With dropout 1/2, two calls in training give different logits. With none they are the same.",
    ),
    seen_in="plausible",
)
class gpt_without_dropout(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
        super().__init__()
        d_ff = 4 * d_model if d_ff is None else d_ff
        self.max_len = max_len
        self.token_embedding = TokenEmbedding(vocab_size, d_model, scale=False)
        self.position_embedding = LearnedPositionalEmbedding(max_len, d_model)
        self.dropout = nn.Dropout(0.0)
        self.blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, d_ff, 0.0, "gelu", cross_attention=False) for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        if tie_weights:
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.dropout(self.position_embedding(self.token_embedding(ids)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


@misconception(
    "GPT",
    title="dropout does not act on the sum of words and positions",
    hints=(
        "With a dropout of nearly 1, what should be left of the words in training?",
        "Look at what stands between the embeddings and the first block.",
        "Word plus position is (1.1, 2.2). With everything dropped, the first block gets (0, 0).",
    ),
    seen_in="plausible",
)
class embeddings_not_dropped(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, d_ff=None, dropout=0.0, tie_weights=True):
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
            self.head.weight = self.token_embedding.embedding.weight
        init_gpt_weights(self)

    def forward(self, ids, targets=None, cache=None):
        if ids.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {ids.size(1)}")
        x = self.position_embedding(self.token_embedding(ids))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        return logits, loss


# --- apply_temperature ------------------------------------------------------------------------------------------------


@misconception(
    "apply_temperature",
    title="the logits are multiplied by the temperature instead of divided",
    hints=(
        "Hot water moves more. Does a high temperature make your words more even, or less?",
        "Look at the operator. Logits that are closer together are closer in probability.",
        "Logits (2, 1) at temperature 2 become (1, 0.5). Multiplied they become (4, 2), which is colder, not hotter.",
    ),
    seen_in="ARENA PR #317",
)
def multiplied_by_temperature(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    return logits * temperature


@misconception(
    "apply_temperature",
    title="probabilities are divided by the temperature instead of logits",
    hints=(
        "What is divided here, and what becomes of a common factor in a softmax or in a draw?",
        "Look at whether a softmax comes before the division. The temperature belongs in the exponent.",
        "Probabilities (0.8, 0.2) halved are (0.4, 0.1), four to one as before. Halving the logits makes it two to "
        "one.",
    ),
    seen_in="plausible",
)
def temperature_on_probabilities(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    return torch.softmax(logits, dim=-1) / temperature


@misconception(
    "apply_temperature",
    title="the softmax is taken as well, and probabilities are returned",
    hints=(
        "Do the numbers of a row sum to 1? Should they?",
        "Look at the last step. The filters that come after this one expect logits.",
        "Logits (2, 1) at temperature 2 become (1, 0.5), not (0.62, 0.38).",
    ),
    seen_in="plausible",
)
def probabilities_returned(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    return torch.softmax(logits / temperature, dim=-1)


@misconception(
    "apply_temperature",
    title="temperature 0 has no case of its own, so that logits are divided by 0",
    hints=(
        "What is the limit of very, very cold?",
        "Look at what your function does when temperature is exactly 0.",
        "Logits (2, 1) at temperature 0 become (2, -inf): only the best word is left.",
    ),
    seen_in="nanoGPT #738",
)
def temperature_zero_divides(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    return logits / temperature


@misconception(
    "apply_temperature",
    title="at temperature 0 the best word gets a 1 and all others a 0",
    hints=(
        "What probability does a softmax give to a logit of 0 beside one of 1?",
        "Look at what is returned at temperature 0: logits, or the probabilities that they should lead to?",
        "Logits (2, 1) at temperature 0 become (2, -inf). As (1, 0) they still leave 27 % to the second word.",
    ),
    seen_in="plausible",
)
def temperature_zero_is_ones(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        return nn.functional.one_hot(logits.argmax(-1), logits.size(-1)).to(logits.dtype)
    return logits / temperature


@misconception(
    "apply_temperature",
    title="at temperature 0 all words are kept that share the largest logit",
    hints=(
        "Two words share the first place. How many are left at temperature 0?",
        "Look at how the best word is found: a comparison with the largest number finds all that are equal to it.",
        "(3, 5, 5) becomes (-inf, 5, -inf): of equal ones the first.",
    ),
    seen_in="plausible",
)
def temperature_zero_keeps_all_the_best(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        return logits.masked_fill(logits < logits.amax(-1, keepdim=True), -math.inf)
    return logits / temperature


@misconception(
    "apply_temperature",
    title="a negative temperature is taken, which turns the order of all words around",
    hints=(
        "What does dividing by -1 do to the best word?",
        "Look at the line of the docstring that begins with Raises.",
        "At temperature -1 the logits (2, 1) would become (-2, -1), and the worse word the likelier one.",
    ),
    seen_in="plausible",
)
def negative_temperature_taken(logits, temperature):
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    return logits / temperature


@misconception(
    "apply_temperature",
    title="the logits of the caller are changed",
    hints=(
        "I still need my logits after calling you. Are they as they were?",
        "Look for an operator or a method that writes into a tensor: `/=`, or a name that ends with an underscore.",
        "The caller holds (2, 1) and asks for temperature 2. Afterwards the caller's own tensor must still be (2, 1).",
    ),
    seen_in="plausible",
)
def temperature_in_place(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    return logits.div_(temperature)


# --- top_k_filter -----------------------------------------------------------------------------------------------------


@misconception(
    "top_k_filter",
    title="k + 1 words are kept",
    hints=(
        "Ask for k = 1. How many survive?",
        "Look at the number with which you compare, and at whether the k-th word itself is counted from 0 or from 1.",
        "(3, 5, 1) with k = 1 becomes (-inf, 5, -inf). With one too many it is (3, 5, -inf).",
    ),
    seen_in="mesh-transformer-jax #164",
)
def one_word_too_many(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., : k + 1], False)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="the k smallest logits are kept instead of the largest",
    hints=(
        "Is a large logit good or bad?",
        "Look at the direction in which you sort, or at the side of the comparison.",
        "(3, 5, 1) with k = 1 becomes (-inf, 5, -inf), not (-inf, -inf, 1).",
    ),
    seen_in="plausible",
)
def k_smallest_kept(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="dropped words get the logit 0",
    hints=(
        "What probability does a softmax give to a logit of 0?",
        "Look at the number that is written in the place of a dropped word.",
        "(-1, -2) with k = 1 becomes (-1, -inf). With 0 in its place, the dropped word becomes the best one.",
    ),
    seen_in="plausible",
)
def zero_instead_of_minus_infinity(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill(dropped, 0.0)


@misconception(
    "top_k_filter",
    title="the result is sorted, so that nobody knows any more which word is which",
    hints=(
        "Which id has the best word in your result, and which had it before?",
        "Look at the way back. Sorting tells you which words are good; the result is in the order of the vocabulary.",
        "(3, 5, 1) with k = 2 becomes (3, 5, -inf). Sorted it would be (5, 3, -inf): word 0 would be the best.",
    ),
    seen_in="plausible",
)
def best_words_returned_in_order(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    logits = logits.gather(-1, order)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(
        -1, torch.arange(min(k, logits.size(-1))).expand(*logits.shape[:-1], -1), False
    )
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="the words that are best in the first row are kept in all rows",
    hints=(
        "Two rows of a batch have different best words. Which are kept in the second row?",
        "Look for an index without its row: which rows does the list of ids come from?",
        "((3, 5), (9, 1)) with k = 1: word 1 stays in the first row and word 0 in the second.",
    ),
    seen_in="plausible",
)
def first_row_decides(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(
        -1, order.flatten(0, -2)[0][:k].expand(*logits.shape[:-1], -1) if logits.dim() > 1 else order[:k], False
    )
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="k larger than the vocabulary raises an error instead of keeping all words",
    hints=(
        "There are 5 words, and somebody asks for the 50 best. What do they get?",
        "Look at the function that finds the best words: may it be asked for more than there are?",
        "(3, 5, 1) with k = 50 stays (3, 5, 1).",
    ),
    seen_in="plausible",
)
def k_must_fit(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    logits.topk(k, dim=-1)
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="all words are kept that are as good as the k-th, so that equal ones make it more than k",
    hints=(
        "Three words share the last place that counts. How many do you keep?",
        "Look at how you decide: a comparison with the k-th largest number cannot tell equal ones apart. Their ids "
        "can.",
        "(5, 5, 5) with k = 1 becomes (5, -inf, -inf).",
    ),
    seen_in="nanoGPT and many others do so, and ties are rare",
)
def all_equal_ones_kept(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    worst = logits.topk(min(k, logits.size(-1)), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < worst, -math.inf)
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="of equal words, those with the highest ids are kept",
    hints=(
        "Two words are equally good and there is room for one. Which one should stay?",
        "Look at the order in which sorting leaves equal numbers, and from which end you take them.",
        "(5, 5, 1) with k = 1 becomes (5, -inf, -inf), not (-inf, 5, -inf).",
    ),
    seen_in="plausible",
)
def last_of_equal_ones_kept(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, stable=True).flip(-1)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="the logits of the caller are changed",
    hints=(
        "I still need my logits after calling you. Are they as they were?",
        "Look for an assignment to a part of the tensor that was passed, or a method whose name ends with an "
        "underscore.",
        "The caller holds (3, 5, 1) and asks for k = 1. Afterwards the caller's own tensor must still be (3, 5, 1).",
    ),
    seen_in="rasbt and minGPT index into a tensor; harmless only when it is their own",
)
def top_k_in_place(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill_(dropped, -math.inf)


@misconception(
    "top_k_filter",
    title="the kept logits are normalised, so that they are not the numbers that came in",
    hints=(
        "Is a kept logit the same number as before, to the last bit?",
        "Look at whether a softmax or a logarithm has touched what you return.",
        "(3, 5, 1) with k = 2 becomes (3, 5, -inf). Normalised it would be (-2.13, -0.13, -inf).",
    ),
    seen_in="plausible",
)
def kept_ones_normalised(logits, k):
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return torch.log_softmax(logits.masked_fill(dropped, -math.inf), dim=-1)


@misconception(
    "top_k_filter",
    title="k = 0 and negative numbers are taken without a word",
    hints=(
        "What should the 0 best words be?",
        "Look at the line of the docstring that begins with Raises.",
        "k = 0 raises a ValueError that says what is expected and what was found. Without it every word gets -inf, "
        "and a softmax has nothing to choose from.",
    ),
    seen_in="plausible",
)
def any_k_taken(logits, k):
    order = logits.argsort(dim=-1, descending=True, stable=True)
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], False)
    return logits.masked_fill(dropped, -math.inf)


# --- top_p_filter -----------------------------------------------------------------------------------------------------


@misconception(
    "top_p_filter",
    title="the word that reaches p is dropped, so that less than p is kept",
    hints=(
        "How much probability do your survivors have together? Was that the promise?",
        "Look at what you add up before you compare: does the sum contain the word that is being judged?",
        "Probabilities 0.5, 0.3, 0.2 and p = 0.7: 0.5 is not enough, so 0.3 stays as well. If the sum with the word "
        "itself is compared, 0.8 is too much, and it is dropped.",
    ),
    seen_in="rasbt/reasoning-from-scratch #164, esm #360, neuronx #46, meta-llama #1410",
)
def crossing_word_dropped(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, mass.cumsum(dim=-1) > p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the word that reaches p is dropped, except when it is the first",
    hints=(
        "How much probability do your survivors have together? Was that the promise?",
        "Look at what you add up before you compare. Saving the first word repairs only the case where nothing would "
        "be left.",
        "Probabilities 0.5, 0.3, 0.2 and p = 0.7: two words stay. If the one that crosses p is dropped, only the "
        "first does.",
    ),
    seen_in="plausible",
)
def crossing_word_dropped_but_one_kept(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    over = mass.cumsum(dim=-1) > p
    over[..., 0] = False
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, over)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the verdicts, which are in the order of the probabilities, are applied to the vocabulary as they stand",
    hints=(
        "Which word id did you drop? And which one did you mean to?",
        "Look at what column i of your verdicts stands for: the word with the id i, or the one with the rank i?",
        "Probabilities (0.2, 0.5, 0.3), p = 0.6: word 0 has to go. Applied as they stand, the verdicts (stay, stay, "
        "go) drop word 2.",
    ),
    seen_in="PaLM-rlhf #60",
)
def verdicts_in_the_order_of_the_scores(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, _ = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = before >= p
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the result is sorted, so that nobody knows any more which word is which",
    hints=(
        "Which id has the best word in your result, and which had it before?",
        "Look at the way back. Sorting tells you which words are good; the result is in the order of the vocabulary.",
        "Probabilities (0.2, 0.5, 0.3): the best word is word 1, before and after.",
    ),
    seen_in="plausible",
)
def returned_in_the_order_of_the_scores(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, _ = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    return ranked.masked_fill(before >= p, -math.inf)


@misconception(
    "top_p_filter",
    title="the probabilities are added up in the order of the vocabulary",
    hints=(
        "Which word comes first when you add up: the best one, or the one with the id 0?",
        "Look at what happens before the running sum.",
        "Probabilities (0.2, 0.5, 0.3), p = 0.6: from the best, words 1 and 2 are enough. In the order of the ids, "
        "words 0 and 1 would be kept.",
    ),
    seen_in="plausible",
)
def added_up_without_sorting(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    mass = torch.softmax(logits, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    return logits.masked_fill(before >= p, -math.inf)


@misconception(
    "top_p_filter",
    title="the words are sorted from the worst to the best, and the worst are kept",
    hints=(
        "Which words should stay: the likeliest ones, or the others?",
        "Look at the direction in which you sort.",
        "Probabilities (0.7, 0.2, 0.1), p = 0.5: the first word is enough. From the other end 0.1 and 0.2 come first,"
        " and all three are kept.",
    ),
    seen_in="plausible",
)
def worst_words_first(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="every word is compared with p by itself",
    hints=(
        "Is p about single words, or about what they have together?",
        "Look for the running sum.",
        "Probabilities 0.4, 0.3, 0.2, 0.1 and p = 0.6: the first two have 0.7 together and stay. None of them has 0.6"
        " by itself.",
    ),
    seen_in="plausible",
)
def each_word_by_itself(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, mass < p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="logits are added up instead of probabilities",
    hints=(
        "What do the numbers that you add up sum to, over all words? Should that be 1?",
        "Look at what goes into the running sum.",
        "Logits (2, 1) are the probabilities (0.73, 0.27). The running sum should be 0.73, 1; not 2, 3.",
    ),
    seen_in="plausible",
)
def logits_added_up(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = ranked
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="dropped words get the logit 0",
    hints=(
        "What probability does a softmax give to a logit of 0?",
        "Look at the number that is written in the place of a dropped word.",
        "Logits (-1, -2, -3), of which the last one is dropped: (-1, -2, -inf). With 0 in its place it becomes the "
        "best one.",
    ),
    seen_in="plausible",
)
def zero_for_dropped_words(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, 0.0)


@misconception(
    "top_p_filter",
    title="the probabilities that are left are returned as if they were logits",
    hints=(
        "What would a softmax make of your result: the same distribution once more?",
        "Look at what is returned: the logits that came in, or the probabilities made from them?",
        "Logits (2, 1) are the probabilities (0.73, 0.27). Returned as logits, those would mean 0.61 and 0.39.",
    ),
    seen_in="plausible",
)
def probabilities_as_logits(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return torch.softmax(logits, dim=-1).masked_fill(dropped, 0.0)


@misconception(
    "top_p_filter",
    title="1 - p is used in the place of p",
    hints=(
        "p = 0.9: is nearly everything kept, or hardly anything?",
        "Look at the number with which you compare. From the other end of the sorted words 1 - p would be right.",
        "Probabilities 0.5, 0.3, 0.2 and p = 0.9: all three stay. With 0.1 in its place one is enough.",
    ),
    seen_in="plausible",
)
def one_minus_p(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= 1 - p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the verdicts are moved by one place within the same tensor, while they are still being read",
    hints=(
        "You are reading the shelf while moving the books. Which ones have you read twice?",
        "Look at a line that copies one part of a tensor into another part of it that overlaps with the first.",
        "(a, b, c) moved by one should be (-, a, b). Without a copy, b may have been overwritten by a before it is "
        "read: (-, a, a).",
    ),
    seen_in="a widespread Hugging Face gist, where PyTorch happens to copy first",
)
def shelf_read_while_moving(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    over = mass.cumsum(dim=-1) >= p
    for i in range(1, over.size(-1)):
        over[..., i] = over[..., i - 1]
    over[..., 0] = False
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, over)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="where the best words have exactly p together, one more is kept",
    hints=(
        "Two words have exactly p together. Is that at least p?",
        "Look at the comparison between p and what the better words have: may the two be equal?",
        "Probabilities 0.5, 0.25, 0.25 and p = 0.75: the first two are enough. If p has to be exceeded, all three "
        "stay.",
    ),
    seen_in="ARENA and Hugging Face differ here",
)
def exceeds_instead_of_reaches(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before > p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="of equal words, those with the highest ids are kept",
    hints=(
        "Two words are equally likely and one is enough. Which one should stay?",
        "Look at the order in which sorting leaves equal numbers.",
        "Four equal words and p = 0.5: words 0 and 1 stay, not 2 and 3.",
    ),
    seen_in="plausible",
)
def last_of_equal_words_kept(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = (t.flip(-1) for t in logits.sort(dim=-1, stable=True))
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="p = 0, negative numbers and numbers above 1 are taken without a word",
    hints=(
        "What does a share of 0, or of 1.5, mean?",
        "Look at the line of the docstring that begins with Raises.",
        "p = 1.5 raises a ValueError that says what is expected and what was found.",
    ),
    seen_in="plausible",
)
def any_p_taken(logits, p):
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the logits of the caller are changed",
    hints=(
        "I still need my logits after calling you. Are they as they were?",
        "Look for an assignment to a part of the tensor that was passed, or a method whose name ends with an "
        "underscore.",
        "The caller holds (3, 5, 1) and asks for p = 0.5. Afterwards the caller's own tensor must still be (3, 5, 1).",
    ),
    seen_in="plausible",
)
def nucleus_in_place(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill_(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="how many words stay is found out in the first row and used for all rows",
    hints=(
        "One row is sure of its word, another is not. Should as many words stay in both?",
        "Look for an index 0, or for a number that is the same for all rows and should be one for each.",
        "p = 0.7: of 0.9, 0.06, 0.04 one word stays, of 0.4, 0.35, 0.25 there must be two.",
    ),
    seen_in="plausible",
)
def first_row_counts_for_all(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = (mass.cumsum(dim=-1) - mass).reshape(-1, logits.size(-1))[0].expand(logits.shape)
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the smallest logit that stays in the first row is the limit for all rows",
    hints=(
        "If all logits of the second row were 10 lower, would it lose its words?",
        "Look for an index 0, or for a limit that is the same for all rows and should be one for each.",
        "Logits (5, 1) and (-5, -9), p = 0.5: word 0 stays in both rows. The limit of the first row, 5, leaves nothing "
        "of the second.",
    ),
    seen_in="plausible",
)
def first_row_sets_the_limit(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked = logits.reshape(-1, logits.size(-1))[0].sort(descending=True, stable=True).values
    mass = torch.softmax(ranked, dim=-1)
    limit = ranked[mass.cumsum(dim=-1) - mass < p].min()
    return logits.masked_fill(logits < limit, -math.inf)


@misconception(
    "top_p_filter",
    title="the probabilities are added up down the rows of the batch instead of along the words",
    hints=(
        "Do the words of one sentence have any say in what another sentence may choose?",
        "Look at the axis of the running sum. It should be the one that was sorted.",
        "Two rows 0.5, 0.3, 0.2: along the words the sums are 0.5, 0.8, 1. Down the rows, the second row would have 1, "
        "0.6, 0.4.",
    ),
    seen_in="plausible",
)
def added_up_down_the_rows(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=0) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="every word stays that is as good as the last one that is needed",
    hints=(
        "Two words are equally likely, and one of them is enough. How many stay?",
        "Look at how you go back to the vocabulary: by the ids of the words, or by comparing numbers?",
        "Four equal words and p = 0.5: words 0 and 1 are enough. Compared with the logit of word 1, all four are good "
        "enough.",
    ),
    seen_in="plausible",
)
def all_as_good_as_the_last(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked = logits.sort(dim=-1, descending=True, stable=True).values
    mass = torch.softmax(ranked, dim=-1)
    limit = ranked.masked_fill(mass.cumsum(dim=-1) - mass >= p, math.inf).amin(dim=-1, keepdim=True)
    return logits.masked_fill(logits < limit, -math.inf)


@misconception(
    "top_p_filter",
    title="with p = 1 words are lost, because rounding brings the sum to 1 before the last word",
    hints=(
        "With p = 1 all words stay. Do they, when one of them is nearly certain?",
        "Look at what your sum is after a word with a probability of 0.9999999999, in float32.",
        "Logits (0, 30): the second word has a probability that float32 rounds to 1. The sum before the first word is "
        "then 1, which is not below p = 1.",
    ),
    seen_in="plausible",
)
def rounded_to_one_too_early(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


@misconception(
    "top_p_filter",
    title="the right words stay, but their logits are changed: they are normalised anew",
    hints=(
        "Is a logit that stays the same number afterwards as it was before?",
        "Look at what is done to the words that stay. The softmax that comes later shares out the rest by itself.",
        "Logits (3, 1, 0), of which the last one is dropped: (3, 1, -inf), not (-0.13, -2.13, -inf).",
    ),
    seen_in="plausible",
)
def normalised_anew(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits.clone()
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    before = mass.cumsum(dim=-1) - mass
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return torch.log_softmax(logits.masked_fill(dropped, -math.inf), dim=-1)


# --- sample_next_token ------------------------------------------------------------------------------------------------


@misconception(
    "sample_next_token",
    title="top-p comes before top-k",
    hints=(
        "In which order does the docstring name the filters?",
        "Look at which filter sees all words, and which one only what the other has left.",
        "Probabilities 0.4, 0.35, 0.25, top_k = 2, top_p = 0.5: of the two best, the first has 0.53, and that is "
        "enough. The other way round, two stay.",
    ),
    seen_in="plausible",
)
def top_p_before_top_k(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator).squeeze(-1)


@misconception(
    "sample_next_token",
    title="the temperature comes after the filters",
    hints=(
        "Does the temperature change which words reach top_p?",
        "Look at which step comes first.",
        "Probabilities 0.6, 0.25, 0.15, temperature 3, top_p = 0.5: flattened, the first has 0.42, and it takes two. "
        "With the temperature last, the first one is enough.",
    ),
    seen_in="plausible",
)
def temperature_last(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    logits = apply_temperature(logits, temperature)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator).squeeze(-1)


@misconception(
    "sample_next_token",
    title="only the temperature is used, and top_k and top_p are ignored",
    hints=(
        "Ask for top_k = 1. Is it always the best word that comes?",
        "Look at where the arguments top_k and top_p are used.",
        "Five words and top_k = 2: three of them must never be drawn.",
    ),
    seen_in="plausible",
)
def filters_ignored(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator).squeeze(-1)


@misconception(
    "sample_next_token",
    title="top_k is used only when there is no top_p",
    hints=(
        "What happens when somebody asks for both filters?",
        "Look at the branches: does one filter keep the other from being used?",
        "Probabilities 0.4, 0.35, 0.25, top_k = 2, top_p = 0.5: of the two best, the first alone is enough. Without "
        "top_k, two words stay.",
    ),
    seen_in="plausible",
)
def top_k_ignored(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None and (top_p is None and top_k > 4):
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator).squeeze(-1)


@misconception(
    "sample_next_token",
    title="the best word is taken every time, and nothing is drawn",
    hints=(
        "Draw a thousand times from (0.6, 0.4). How often should the second word come?",
        "Look at the last step. Taking the largest is for temperature 0.",
        "Probabilities 0.6 and 0.4: about 400 of 1000 draws are the second word.",
    ),
    seen_in="plausible",
)
def always_the_best(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return logits.argmax(dim=-1)


@misconception(
    "sample_next_token",
    title="the words are drawn in proportion to something else than their probabilities",
    hints=(
        "Which function turns logits into probabilities, and did you use that one?",
        "Look at what goes into the draw.",
        "Logits (2, 1) are the probabilities (0.73, 0.27). In proportion to 1 / (1 + exp(-x)) they would be 0.55 and "
        "0.45.",
    ),
    seen_in="plausible",
)
def logits_as_probabilities(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return torch.multinomial(torch.sigmoid(logits), 1, generator=generator).squeeze(-1)


@misconception(
    "sample_next_token",
    title="one number is drawn, and all rows use it",
    hints=(
        "Two rows have the same probabilities. Do they always get the same word?",
        "Look at how many random numbers are drawn for a batch.",
        "100 equal rows with the probabilities 0.5 and 0.5: about 50 get each word, not all of them the same.",
    ),
    seen_in="plausible",
)
def one_draw_for_all_rows(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    probabilities = torch.softmax(logits, dim=-1)
    u = torch.rand(1, generator=generator)
    return (probabilities.cumsum(-1) < u).sum(-1).clamp(max=logits.size(-1) - 1)


@misconception(
    "sample_next_token",
    title="the generator of the caller is ignored",
    hints=(
        "The caller brings dice. Who throws them?",
        "Look at where the argument generator is used.",
        "Two generators with the same seed should draw the same words, and the global one should not notice.",
    ),
    seen_in="plausible",
)
def generator_ignored(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1).squeeze(-1)


@misconception(
    "sample_next_token",
    title="the global seed is set in every call, so that everybody gets the same numbers",
    hints=(
        "You changed the weather for everyone else. Who asked for that?",
        "Look for a call that sets a seed.",
        "After your call, the next random number of a stranger should be what it would have been without you.",
    ),
    seen_in="NeetCode templates do this",
)
def seed_set_in_every_call(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    torch.manual_seed(0)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1).squeeze(-1)


@misconception(
    "sample_next_token",
    title="at temperature 0 words are drawn as at temperature 1",
    hints=(
        "What is the limit of very, very cold?",
        "Look at what happens to the temperature 0 on its way: a test like `if temperature` takes it for None.",
        "Probabilities 0.6 and 0.4 at temperature 0: the first word comes every time.",
    ),
    seen_in="plausible",
)
def temperature_zero_draws(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    logits = apply_temperature(logits, temperature) if temperature else logits
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator).squeeze(-1)


# --- generate ---------------------------------------------------------------------------------------------------------


@misconception(
    "generate",
    title="the next word is drawn from the logits of the first position",
    hints=(
        "Which position knows the whole text?",
        "Look at which position of the logits goes into the draw.",
        "A text of 3 words: the logits of position 2 are about the fourth word. Those of position 0 are about the "
        "second one.",
    ),
    seen_in="plausible",
)
def first_position_read(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, 0], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the model gets only the newest word in every step",
    hints=(
        "What does the model know of the beginning of the text?",
        "Look at what the model is called with. Without a cache it remembers nothing by itself.",
        "Text (a, b, c): the model reads (a, b, c), not (c).",
    ),
    seen_in="plausible",
)
def only_the_last_word_read(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -1:])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="only the new words are returned, without the prompt",
    hints=(
        "Count your words: how many were given, how many are new?",
        "Look at what you collect, and with what the collection begins.",
        "Prompt (a, b) and 3 new words: the result has 5 columns, and the first two are (a, b).",
    ),
    seen_in="plausible",
)
def prompt_lost(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    start = ids.size(1)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids[:, start:]


@misconception(
    "generate",
    title="one word less is written than was asked for",
    hints=(
        "Count your words: how many were given, how many are new?",
        "Look at where the loop begins and ends.",
        "Prompt (a, b) and 3 new words: 5 columns in all, not 4.",
    ),
    seen_in="plausible",
)
def one_word_less(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(1, max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the model is never set to evaluation, so that its dropout disturbs it while it writes",
    hints=(
        "Ask the model twice for the same thing. Why should the answers differ?",
        "Look at the mode in which the model is while it writes.",
        "A model in training drops a part of what it knows in every call. Writing is no training.",
    ),
    seen_in="ng-video-lecture #16",
)
def model_left_in_training(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the model stays in evaluation after it has written",
    hints=(
        "After writing a sample, does training keep its dropout?",
        "Look at the mode in which the model came to you, and in which it leaves.",
        "In training before, in training afterwards; in evaluation before, in evaluation afterwards.",
    ),
    seen_in="ng-video-lecture #16",
)
def mode_not_restored(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    return ids


@misconception(
    "generate",
    title="the model is always set to training at the end, even if it was not before",
    hints=(
        "Somebody has put the model into evaluation and lets it write. In which mode is it then?",
        "Look at what decides about the mode at the end.",
        "In evaluation before, in evaluation afterwards.",
    ),
    seen_in="plausible",
)
def mode_always_training(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train()
    return ids


@misconception(
    "generate",
    title="gradients are recorded while the model writes",
    hints=(
        "Who will ever differentiate what was written?",
        "Look for what tells PyTorch that it need not remember the way. Evaluation mode alone does not.",
        "100 words, each with all its layers: without a record they cost the memory of one step, with it that of all.",
    ),
    seen_in="plausible",
)
def gradients_left_on(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    if True:
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the model gets the whole text, even when it is longer than it can read",
    hints=(
        "Your model reads at most max_len words. What do you give it when the text has more?",
        "Look at what the model is called with in a late step.",
        "max_len = 3 and the text (a, b, c, d): the model reads (b, c, d).",
    ),
    seen_in="plausible",
)
def context_never_cropped(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids)
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="of a text that is too long, the model gets the first words instead of the last",
    hints=(
        "Which words of a long text matter most for the next one?",
        "Look at which end of the text is cut off.",
        "max_len = 3 and the text (a, b, c, d): the model reads (b, c, d), not (a, b, c).",
    ),
    seen_in="plausible",
)
def context_cropped_at_the_wrong_end(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, : model.max_len])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="what was cropped for the model is missing in the result",
    hints=(
        "The model has forgotten the beginning. Should the reader, too?",
        "Look at whether the cropped text takes the place of the whole one.",
        "max_len = 3, prompt (a, b, c, d) and one new word e: the result is (a, b, c, d, e), not (b, c, d, e).",
    ),
    seen_in="plausible",
)
def cropped_text_returned(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            ids = ids[:, -model.max_len :]
            logits, _ = model(ids)
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the end token is drawn and nothing happens",
    hints=(
        "What should a row do after it has drawn the end token?",
        "Look at where eos_id is used.",
        "End token 9, pad 0: a row that has drawn 4, 9 goes on with 0, 0, 0.",
    ),
    seen_in="plausible",
)
def end_token_ignored(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="everything stops as soon as one row has drawn the end token",
    hints=(
        "Sentence 1 has ended, sentence 2 has not. Who goes on?",
        "Look at the condition that leaves the loop: any row, or all of them?",
        "Row 0 draws 4, 9; row 1 draws 5, 6, 9: there are 3 new columns, not 2.",
    ),
    seen_in="pytorch_beam_search #5",
)
def first_end_stops_all(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.any():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="a row that has ended goes on writing until all have ended",
    hints=(
        "What stands in a row after its end token?",
        "Look at what is appended to a row that has ended while another one goes on.",
        "End token 9, pad 0: row 0 draws 4, 9 and row 1 draws 5, 6, 9. Row 0 is 4, 9, 0; no new word comes after the "
        "9.",
    ),
    seen_in="plausible",
)
def ended_rows_go_on(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="rows that have ended are filled with the end token although there is a pad",
    hints=(
        "With what should a finished row be filled when the caller names a pad?",
        "Look at where pad_id is used.",
        "End token 9, pad 0: 4, 9, 0, 0. Only without a pad is it 4, 9, 9, 9.",
    ),
    seen_in="plausible",
)
def pad_token_ignored(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the loop goes on when all rows have ended",
    hints=(
        "All sentences have ended. Is there anything left to do?",
        "Look at what ends the loop besides the number of words.",
        "Rows end after 2 and 3 words, 10 were allowed: the result has 3 new columns, not 10.",
    ),
    seen_in="plausible",
)
def no_early_stop(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="a row whose prompt holds an end token is taken to have ended before it begins",
    hints=(
        "The prompt holds two sentences, and so an end token. May the model go on?",
        "Look at how you know that a row has ended: from the words that were drawn, or from the whole text?",
        "Prompt (5, 9, 4) with the end token 9: the row still writes new words.",
    ),
    seen_in="plausible",
)
def end_token_in_the_prompt_counts(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    if eos_id is not None:
        ended = (ids == eos_id).any(dim=1)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="temperature, top_k and top_p never reach the draw",
    hints=(
        "Ask for top_k = 1. Is the result always the same?",
        "Look at what the draw is given besides the logits.",
        "top_k = 1 writes the same text every time.",
    ),
    seen_in="plausible",
)
def sampling_options_ignored(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature if temperature == 0 else 1.0, generator=generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the generator of the caller is not passed on",
    hints=(
        "The caller brings dice. Who throws them?",
        "Look at what the draw is given besides the logits.",
        "Two generators with the same seed should write the same text.",
    ),
    seen_in="plausible",
)
def generator_not_passed_on(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return ids


@misconception(
    "generate",
    title="the new words are written into the prompt of the caller",
    hints=(
        "I still need my prompt after calling you. Is it as it was?",
        "Look for a method whose name ends with an underscore, or an assignment to a part of a tensor.",
        "The caller holds (a, b) and asks for two words. Afterwards the caller's own tensor must still be (a, b).",
    ),
    seen_in="plausible",
)
def prompt_changed_in_place(
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
    ended = torch.zeros(ids.size(0), dtype=torch.bool)
    prompt = ids
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(ids[:, -model.max_len :])
            word = sample_next_token(logits[:, -1], temperature, top_k, top_p, generator)
            if eos_id is not None:
                word = word.masked_fill(ended, eos_id if pad_id is None else pad_id)
                ended = ended | (word == eos_id)
            ids = torch.cat([ids, word.unsqueeze(1)], dim=1)
            if ended.all():
                break
    model.train(was_training)
    return prompt.set_(ids)


# --- nucleus_mask -----------------------------------------------------------------------------------------------------


@misconception(
    "nucleus_mask",
    title="the verdicts stay in the order of the probabilities: column i judges rank i, not the word with the id i",
    hints=(
        "Which word does column 0 of your mask judge: the best one, or the one with the id 0?",
        "Look at what sorting gives besides the sorted numbers, and whether anything uses it.",
        "Probabilities (0.2, 0.5, 0.3), p = 0.6: words 1 and 2 stay. By rank the verdicts are (stays, stays, "
        "goes), by id (goes, stays, stays).",
    ),
    seen_in="PaLM-rlhf-pytorch #60: the way back is missing",
)
def ranks_taken_for_ids(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    # The words from the best one down, and what each has.
    ranked = logits.sort(dim=-1, descending=True, stable=True).values
    mass = softmax(ranked, dim=-1)
    # A word stays while those before it have less than p together.
    return mass.cumsum(dim=-1) - mass < p


@misconception(
    "nucleus_mask",
    title="the verdicts are looked up at the ids (a gather) instead of being written to them (a scatter)",
    hints=(
        "Your verdict number 0 belongs to the best word. Which column do you write it to?",
        "Look at the direction of the way back. `gather` reads from the columns that it is given, `scatter` "
        "writes to them.",
        "The ids by rank are (1, 2, 0), the verdicts by rank (stays, goes, goes). Written to 1, 2, 0 they are "
        "(goes, stays, goes). Read from 1, 2, 0 they are (goes, goes, stays).",
    ),
    seen_in="PaLM-rlhf-pytorch #60; routing-transformer #1",
)
def ranks_looked_up_twice(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    return (mass.cumsum(dim=-1) - mass < p).gather(-1, order)


@misconception(
    "nucleus_mask",
    title="all rows take the way back of the first row",
    hints=(
        "Do the best words of two sentences have the same ids?",
        "Look for an index 0, or for an order that is the same for all rows.",
        "Probabilities (0.8, 0.1, 0.1) and (0.1, 0.1, 0.8), p = 0.5: word 0 stays in the first row, word 2 in the "
        "second.",
    ),
    seen_in="plausible",
)
def way_back_of_the_first_row(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    order = order.reshape(-1, logits.size(-1))[0].expand(logits.shape)
    stays = mass.cumsum(dim=-1) - mass < p
    return torch.zeros_like(stays).scatter(-1, order, stays)


@misconception(
    "nucleus_mask",
    title="the sorting is left out, and the probabilities are added up in the order of the vocabulary",
    hints=(
        "Which word comes first when you add up: the best one, or the one with the id 0?",
        "Sorting was no mistake. Look at what has to follow it.",
        "Probabilities (0.2, 0.5, 0.3), p = 0.6: from the best, words 1 and 2 are enough. In the order of the "
        "ids, words 0 and 1 would stay.",
    ),
    seen_in="plausible",
)
def sorting_left_out(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    mass = torch.softmax(logits, dim=-1)
    return mass.cumsum(dim=-1) - mass < p


@misconception(
    "nucleus_mask",
    title="in place of a way back, every word stays that is as good as the last one that is needed",
    hints=(
        "Two words are equally likely, and one of them is enough. How many stay?",
        "Look at how you go back to the vocabulary: by the ids of the words, or by comparing numbers?",
        "Four equal words and p = 0.5: words 0 and 1 are enough. Compared with the logit of word 1, all four are "
        "good enough.",
    ),
    seen_in="plausible",
)
def limit_instead_of_way_back(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ranked = logits.sort(dim=-1, descending=True, stable=True).values
    mass = torch.softmax(ranked, dim=-1)
    limit = ranked.masked_fill(mass.cumsum(dim=-1) - mass >= p, math.inf).amin(dim=-1, keepdim=True)
    return logits >= limit


@misconception(
    "nucleus_mask",
    title="the word that reaches p is dropped, so that less than p is kept",
    hints=(
        "How much probability do the words that stay have together? Was that the promise?",
        "The comparison was right as you got it. Look at what it compares with p.",
        "Probabilities 0.5, 0.3, 0.2 and p = 0.7: 0.5 is not enough, so 0.3 stays as well.",
    ),
    seen_in="rasbt/reasoning-from-scratch #164, for filters",
)
def mask_without_the_crossing_word(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    stays = torch.softmax(ranked, dim=-1).cumsum(dim=-1) <= p
    return torch.zeros_like(stays).scatter(-1, order, stays)


@misconception(
    "nucleus_mask",
    title="True stands for the words that go",
    hints=(
        "What does True mean in your mask, and what does the docstring say?",
        "Look at the last line: it is about to be read by somebody who keeps what is True.",
        "Probabilities (0.1, 0.8, 0.1), p = 0.5: the mask is (False, True, False).",
    ),
    seen_in="plausible",
)
def true_for_words_that_go(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    goes = mass.cumsum(dim=-1) - mass >= p
    return torch.zeros_like(goes).scatter(-1, order, goes)


@misconception(
    "nucleus_mask",
    title="the mask is made of the numbers 1 and 0, not of True and False",
    hints=(
        "What does the docstring say about the type of the result?",
        "Look at the tensor that the verdicts are written into: which dtype does it have?",
        "A mask of three words is (False, True, True) with the dtype torch.bool, not (0, 1, 1) with torch.int64.",
    ),
    seen_in="plausible",
)
def mask_of_whole_numbers(logits, p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return torch.ones_like(logits, dtype=torch.int64)
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)
    mass = torch.softmax(ranked, dim=-1)
    stays = (mass.cumsum(dim=-1) - mass < p).long()
    return torch.zeros_like(stays).scatter(-1, order, stays)


# --- test_top_p_filter ------------------------------------------------------------------------------------------------


@misconception(
    "test_top_p_filter",
    title="the test looks at the shape of the result and at nothing else",
    hints=(
        "What would your test say to a function that returns its logits unchanged?",
        "Look at what stands after each `assert`: does it mention a single word that stays or goes?",
        "A test of a calculator asks whether 2 + 3 is 5, not whether a number appears on the display.",
    ),
    seen_in="plausible",
)
def shape_will_do(top_p_filter):
    assert top_p_filter(torch.randn(3, 7), 0.5).shape == (3, 7)
    assert top_p_filter(torch.randn(2, 3, 5), 0.9).shape == (2, 3, 5)


@misconception(
    "test_top_p_filter",
    title="the test compares, and then returns whether all is well instead of raising",
    hints=(
        "What happens to the value that your test returns?",
        "Look at the last line: a wrong solution must be stopped by an exception, and a returned False is none.",
        "A smoke detector that notes 'there is a fire' in its diary wakes nobody.",
    ),
    seen_in="plausible",
)
def true_or_false_returned(top_p_filter):
    logits = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.9, 0.04, 0.03, 0.03]]).log()
    stay = torch.tensor([[False, True, False, True], [True, False, False, False]])
    return torch.equal(top_p_filter(logits, 0.7), logits.masked_fill(~stay, -math.inf))


@misconception(
    "test_top_p_filter",
    title="the test stops everything, also what is right",
    hints=(
        "Does your own `top_p_filter` pass your test?",
        "Look for an assert that can never hold, or for a value that a right solution does not return.",
        "A door that keeps all thieves out keeps everybody out if it is a wall. Try it with a friend.",
    ),
    seen_in="plausible",
)
def nobody_is_right(top_p_filter):
    logits = torch.tensor([[0.1, 0.5, 0.15, 0.25]]).log()
    assert torch.equal(top_p_filter(logits, 0.7), logits)


@misconception(
    "test_top_p_filter",
    title="the words of the test are sorted already, the best one first",
    hints=(
        "In what order are the probabilities of your test?",
        "Look at your rows. Where rank and id are the same number, a solution may take one for the other.",
        "In 0.4, 0.3, 0.2, 0.1 the best word has the id 0. In 0.1, 0.3, 0.2, 0.4 it has the id 3, and only then "
        "does it matter who looks.",
    ),
    seen_in="the course texts that test top-p with sorted numbers alone",
)
def sorted_words_only(top_p_filter):
    logits = torch.tensor([[0.4, 0.3, 0.2, 0.1], [0.92, 0.05, 0.02, 0.01]]).log() + 1
    for p, counts in ((0.25, (1, 1)), (0.65, (2, 1)), (0.85, (3, 1)), (0.95, (4, 2))):
        expected = logits.masked_fill(torch.arange(4) >= torch.tensor(counts).view(2, 1), -math.inf)
        assert torch.equal(top_p_filter(logits, p), expected)
    two = torch.tensor([0.0, 0.0, -math.inf, -math.inf])
    assert torch.equal(top_p_filter(torch.zeros(2, 4), 0.5), two.expand(2, 4))
    sure = torch.tensor([[30.0, 0.0, -5.0], [9.0, 8.0, 7.0]])
    assert torch.equal(top_p_filter(sure, 1.0), sure)
    for p in (0.0, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError


@misconception(
    "test_top_p_filter",
    title="the only p of the test is 1, with which nothing has to be done",
    hints=(
        "What would your test say to a function that returns its logits as they are?",
        "Look at the values of p in your calls. With p = 1 the best solution is not to do anything.",
        "Whoever tests brakes only where the road goes uphill learns nothing about them.",
    ),
    seen_in="plausible",
)
def p_is_always_one(top_p_filter):
    for shape in ((4,), (3, 5), (2, 3, 7)):
        logits = torch.linspace(-2, 3, math.prod(shape)).mul(7).sin().mul(20).reshape(shape)
        assert torch.equal(top_p_filter(logits, 1.0), logits)


@misconception(
    "test_top_p_filter",
    title="the test counts how many words stay, and does not ask which",
    hints=(
        "Two words stay. The right two?",
        "Look at your asserts: do they know the id of a single word?",
        "Of (0.1, 0.5, 0.15, 0.25) words 1 and 3 stay with p = 0.7. Words 0 and 1 are two as well.",
    ),
    seen_in="plausible",
)
def only_counts_who_stays(top_p_filter):
    logits = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.03, 0.02, 0.92, 0.03], [0.2, 0.22, 0.3, 0.28]]).log()
    found = (top_p_filter(logits, 0.7) > -math.inf).sum(-1)
    assert found.tolist() == [2, 1, 3]
    assert (top_p_filter(torch.zeros(2, 4), 0.5) > -math.inf).sum(-1).tolist() == [2, 2]
    sure = torch.tensor([0.0, 30.0, -5.0])
    assert (top_p_filter(sure, 1.0) > -math.inf).sum() == 3
    for p in (0.0, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError


@misconception(
    "test_top_p_filter",
    title="the test asks whether the words that stay have p together, and not whether fewer would do",
    hints=(
        "What would your test say to a function that keeps all words?",
        "Look at your asserts: 'the fewest' is a word of the docstring too.",
        "All words together always have 1, which is at least 0.7. The promise was the fewest that have it.",
    ),
    seen_in="plausible; half of a property",
)
def enough_is_never_too_much(top_p_filter):
    logits = 2 * torch.randn(5, 11, generator=torch.Generator().manual_seed(0))
    for x, p in ((logits, 0.3), (logits, 0.7), (logits, 0.9), (torch.zeros(2, 4), 0.5)):
        stays = top_p_filter(x, p) > -math.inf
        assert ((torch.softmax(x, dim=-1) * stays).sum(-1) > p - 1e-4).all()
        # Those who stay are the best ones.
        by_rank = stays.gather(-1, x.argsort(dim=-1, descending=True, stable=True))
        assert (by_rank[..., 1:] <= by_rank[..., :-1]).all()
    sure = torch.tensor([[0.0, 30.0, -5.0], [9.0, 8.0, 7.0]])
    assert torch.equal(top_p_filter(sure, 1.0), sure)
    for p in (0.0, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError


@misconception(
    "test_top_p_filter",
    title="the test asks which words stay, and not what becomes of their logits",
    hints=(
        "A word stays. With which logit?",
        "Look at what you compare: the whole result, or only where it is -inf?",
        "(3, 1, 0) with the last word dropped is (3, 1, -inf). In (0, 0, -inf) the same words stay, and the "
        "better one is no better any more.",
    ),
    seen_in="plausible",
)
def logits_that_stay_not_looked_at(top_p_filter):
    ranks = torch.tensor([[0, 1, 2, 3], [3, 2, 0, 1], [2, 3, 1, 0], [1, 2, 3, 0]])
    shares = torch.tensor([[0.5, 0.25, 0.15, 0.1], [0.92, 0.04, 0.03, 0.01], [0.3, 0.28, 0.22, 0.2]])
    logits = shares.log()[:, ranks]
    for p, kept in ((0.2, (1, 1, 1)), (0.6, (2, 1, 3)), (0.85, (3, 1, 4))):
        stays = top_p_filter(logits, p) > -math.inf
        assert torch.equal(stays, ranks < torch.tensor(kept).view(3, 1, 1))
    two = torch.tensor([True, True, False])
    assert torch.equal(top_p_filter(torch.zeros(2, 4), 0.5) > -math.inf, torch.arange(4).expand(2, 4) < 2)
    assert torch.equal(top_p_filter(torch.tensor([0.0, math.log(2), 0.0]), 0.75) > -math.inf, two)
    assert (top_p_filter(torch.tensor([0.0, 30.0, -5.0]), 1.0) > -math.inf).all()
    for p in (0.0, 1.5):
        try:
            top_p_filter(logits, p)
        except ValueError:
            continue
        raise AssertionError


@misconception(
    "test_top_p_filter",
    title="the test never has two rows in one call",
    hints=(
        "How many sentences does a batch have in your test?",
        "Look at the shapes of your logits: (V,) is one case of (..., V).",
        "A number that is found out in row 0 and used for all rows is right as long as there is only row 0.",
    ),
    seen_in="plausible",
)
def one_row_at_a_time(top_p_filter):
    half = math.log(2)
    for ranks in ([0, 1, 2, 3], [3, 2, 0, 1], [2, 3, 1, 0], [1, 2, 3, 0]):
        for shares, p, kept in (((0.5, 0.25, 0.15, 0.1), 0.6, 2), ((0.3, 0.28, 0.22, 0.2), 0.75, 3)):
            logits = torch.tensor(shares).log()[ranks] + 2
            expected = logits.masked_fill(torch.tensor(ranks) >= kept, -math.inf)
            assert torch.equal(top_p_filter(logits, p), expected)
    two = torch.tensor([0.0, 0.0, -math.inf, -math.inf])
    assert torch.equal(top_p_filter(torch.zeros(4), 0.5), two)
    assert torch.equal(top_p_filter(torch.tensor([0.0, half, 0.0]), 0.75), torch.tensor([0.0, half, -math.inf]))
    sure = torch.tensor([0.0, 30.0, -5.0])
    assert torch.equal(top_p_filter(sure, 1.0), sure)
    for p in (0.0, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError


@misconception(
    "test_top_p_filter",
    title="the test has no equal words, and no words that have exactly p together",
    hints=(
        "Two words are equally likely, and one of them is enough. What does your test say?",
        "Look at the words 'at least' and 'of equal ones' in the docstring. Which of your calls asks about them?",
        "Four equal words and p = 0.5: exactly two are enough, and they are words 0 and 1.",
    ),
    seen_in="plausible",
)
def no_words_are_equal(top_p_filter):
    ranks = torch.tensor([[0, 1, 2, 3], [3, 2, 0, 1], [2, 3, 1, 0], [1, 2, 3, 0]])
    shares = torch.tensor([[0.5, 0.25, 0.15, 0.1], [0.92, 0.04, 0.03, 0.01], [0.3, 0.28, 0.22, 0.2]])
    logits = shares.log()[:, ranks] + 1
    for p, kept in ((0.2, (1, 1, 1)), (0.6, (2, 1, 3)), (0.85, (3, 1, 4))):
        expected = logits.masked_fill(ranks >= torch.tensor(kept).view(3, 1, 1), -math.inf)
        assert torch.equal(top_p_filter(logits, p), expected)
    sure = torch.tensor([0.0, 30.0, -5.0])
    assert torch.equal(top_p_filter(sure, 1.0), sure)
    for p in (0.0, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError


@misconception(
    "test_top_p_filter",
    title="the test asks about ordinary values of p alone",
    hints=(
        "Which values may p have, and which not? What happens at the very end?",
        "Look at the sentence about p = 1 in the docstring, and at the line that begins with Raises.",
        "p = 1.5 is no share: a ValueError. And p = 1 keeps all words, even where one of them has a logit of 30 "
        "and the others of 0.",
    ),
    seen_in="plausible",
)
def ends_of_the_range_left_out(top_p_filter):
    ranks = torch.tensor([[0, 1, 2, 3], [3, 2, 0, 1], [2, 3, 1, 0], [1, 2, 3, 0]])
    shares = torch.tensor([[0.5, 0.25, 0.15, 0.1], [0.92, 0.04, 0.03, 0.01], [0.3, 0.28, 0.22, 0.2]])
    logits = shares.log()[:, ranks] + 1
    for p, kept in ((0.2, (1, 1, 1)), (0.6, (2, 1, 3)), (0.85, (3, 1, 4))):
        expected = logits.masked_fill(ranks >= torch.tensor(kept).view(3, 1, 1), -math.inf)
        assert torch.equal(top_p_filter(logits, p), expected)
    two = torch.tensor([0.0, 0.0, -math.inf, -math.inf])
    assert torch.equal(top_p_filter(torch.zeros(2, 4), 0.5), two.expand(2, 4))
    half = math.log(2)
    assert torch.equal(top_p_filter(torch.tensor([0.0, half, 0.0]), 0.75), torch.tensor([0.0, half, -math.inf]))


@misconception(
    "test_top_p_filter",
    title="the best word of the test is above p alone, so that nothing has to be added up",
    hints=(
        "How many words stay in your test: ever more than one?",
        "Look at your probabilities and your p. Is there a row in which two words are needed?",
        "0.8 is above p = 0.5 by itself, and whoever keeps the best word only is right. 0.4, 0.35, 0.25 with p = "
        "0.5 needs two.",
    ),
    seen_in="plausible",
)
def best_word_is_always_enough(top_p_filter):
    logits = torch.tensor([[0.1, 0.8, 0.06, 0.04], [0.05, 0.03, 0.02, 0.9]]).log() + 1
    for p in (0.3, 0.55):
        expected = torch.full_like(logits, -math.inf)
        expected[0, 1], expected[1, 3] = logits[0, 1], logits[1, 3]
        assert torch.equal(top_p_filter(logits, p), expected)
    one = torch.tensor([0.0, -math.inf, -math.inf, -math.inf])
    assert torch.equal(top_p_filter(torch.zeros(2, 4), 0.25), one.expand(2, 4))
    sure = torch.tensor([[0.0, 30.0, -5.0], [9.0, 8.0, 7.0]])
    assert torch.equal(top_p_filter(sure, 1.0), sure)
    for p in (0.0, 1.5):
        try:
            top_p_filter(sure, p)
        except ValueError:
            continue
        raise AssertionError


# --- KVCache ----------------------------------------------------------------------------------------------------------


@misconception(
    "KVCache",
    title="all layers share one shelf, so that each reads the keys of the others",
    hints=(
        "Layer 2 asks for its past. Whose keys does it get?",
        "Look at how a shelf is found. The argument layer says whose it is.",
        "Two layers and 3 words: each shelf holds 3 positions. A shared one holds 6.",
    ),
    seen_in="plausible",
)
class one_shelf_for_all_layers:
    def __init__(self):
        self.shelves = {}

    @property
    def length(self):
        return max((k.size(2) for k, _ in self.shelves.values()), default=0)

    def extend(self, layer, k, v):
        layer = None
        if layer in self.shelves:
            old_k, old_v = self.shelves[layer]
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        self.shelves[layer] = k, v
        return k, v


@misconception(
    "KVCache",
    title="new keys and values are put in front of the old ones",
    hints=(
        "At which end does a text grow?",
        "Look at the order in which old and new are joined.",
        "Positions 0, 1, 2 on the shelf, position 3 comes in: 0, 1, 2, 3. In front it would be 3, 0, 1, 2, and the "
        "mask would hide the wrong ones.",
    ),
    seen_in="plausible",
)
class new_keys_in_front:
    def __init__(self):
        self.shelves = {}

    @property
    def length(self):
        return max((k.size(2) for k, _ in self.shelves.values()), default=0)

    def extend(self, layer, k, v):
        if layer in self.shelves:
            old_k, old_v = self.shelves[layer]
            k, v = torch.cat([k, old_k], dim=2), torch.cat([v, old_v], dim=2)
        self.shelves[layer] = k, v
        return k, v


@misconception(
    "KVCache",
    title="only the newest keys are kept and returned",
    hints=(
        "The fifth word asks. How many keys does it get?",
        "Look at what is put on the shelf: what has come in, or all that there is now?",
        "3 positions on the shelf and one new: 4 keys are returned. With the newest alone it is 1.",
    ),
    seen_in="plausible",
)
class cache_forgets_the_past:
    def __init__(self):
        self.shelves = {}

    @property
    def length(self):
        return max((k.size(2) for k, _ in self.shelves.values()), default=0)

    def extend(self, layer, k, v):
        self.shelves[layer] = k, v
        return k, v


@misconception(
    "KVCache",
    title="old and new are joined for this call, but the shelf keeps the first ones only",
    hints=(
        "The second new word asks. Does it find the first new word on the shelf?",
        "Look at what is stored, and when.",
        "3 positions, then one new one, then another: the calls return 3, 4 and 5 keys. If nothing is stored any "
        "more, they return 3, 4 and 4.",
    ),
    seen_in="plausible",
)
class cache_keeps_the_first:
    def __init__(self):
        self.shelves = {}

    @property
    def length(self):
        return max((k.size(2) for k, _ in self.shelves.values()), default=0)

    def extend(self, layer, k, v):
        if layer in self.shelves:
            old_k, old_v = self.shelves[layer]
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        self.shelves.setdefault(layer, (k, v))
        return k, v


@misconception(
    "KVCache",
    title="length counts the calls instead of the positions",
    hints=(
        "The first call brings four positions at once. How long is the cache then?",
        "Look at which axis of the keys tells the number of positions.",
        "A prompt of 4 words in one call: length is 4, not 1. The next word stands at position 4.",
    ),
    seen_in="plausible",
)
class cache_length_counts_calls:
    def __init__(self):
        self.shelves = {}

    @property
    def length(self):
        return max((len(shelf) for shelf in self.shelves.values()), default=0)

    def extend(self, layer, k, v):
        shelf = self.shelves.setdefault(layer, [])
        shelf.append((k, v))
        return torch.cat([k for k, _ in shelf], dim=2), torch.cat([v for _, v in shelf], dim=2)


@misconception(
    "KVCache",
    title="all caches share the same shelves, because those belong to the class",
    hints=(
        "You begin a second text with a new cache. How long is it?",
        "Look at where the shelves are made: once for the class, or once for each cache?",
        "A first cache holds 4 positions. A second one, just made, has the length 0.",
    ),
    seen_in="plausible",
)
class all_caches_are_one:
    shelves = {}  # noqa: RUF012  # that is the mistake

    @property
    def length(self):
        return max((k.size(2) for k, _ in self.shelves.values()), default=0)

    def extend(self, layer, k, v):
        if layer in self.shelves:
            old_k, old_v = self.shelves[layer]
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        self.shelves[layer] = k, v
        return k, v


@misconception(
    "KVCache",
    title="length stays 0, so that every new word thinks it is the first one",
    hints=(
        "The fifth word thinks that it is the first. Who told it so?",
        "Look at what length returns after a few words have come in.",
        "A prompt of 4 words: the next word gets the embedding of position 4. With a length of 0 it gets that of "
        "position 0.",
    ),
    seen_in="lag-llama #81, x-transformers #219",
)
class positions_begin_anew:
    def __init__(self):
        self.shelves = {}

    @property
    def length(self):
        return 0

    def extend(self, layer, k, v):
        if layer in self.shelves:
            old_k, old_v = self.shelves[layer]
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        self.shelves[layer] = k, v
        return k, v
