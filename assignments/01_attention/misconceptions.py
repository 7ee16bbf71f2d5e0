"""Wrong solutions that students of 01_attention really write, each with its name and its hints.

Every entry holds one mistake and is right in all else, so that its numbers belong to that mistake alone. Mistakes that
no numbers can tell apart are one entry: setting a masked score to 0, setting it to 1e-10 and multiplying it by the mask
all end as `fill_with_zero`. A mistake in an exercise is also tried in every exercise that builds on it, so it stands
here only once.
"""

import math

import matplotlib.pyplot as plt
import torch
from torch import nn

from autograder.authoring import misconception
from solutions.attention import attention_scores, attention_weights, scaled_dot_product_attention, softmax

# --- softmax ----------------------------------------------------------------------------------------------------------


@misconception(
    "softmax",
    title="each score goes into the exponential as it is, so that large scores overflow to infinity",
    hints=(
        "What is the largest number whose exponential still fits into float32?",
        "Look at the line with the exponential. Which constant can you take off all scores of a row without changing "
        "their weights, so that no exponent is above 0?",
        "The scores 200 and 201 have the same weights as 0 and 1, about 0.27 and 0.73. But e^200 is larger than "
        "anything float32 can hold, and infinity divided by infinity is nan.",
    ),
    seen_in="the reference solution of Deep-ML problem 53; the CS336 tests look for it",
)
def no_peak_subtracted(x, dim=-1):
    powers = torch.exp(x)
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1.0)


@misconception(
    "softmax",
    title="the smallest score is subtracted instead of the largest",
    hints=(
        "After your subtraction, is the largest exponent at most 0, or is the smallest one at least 0?",
        "Look at what you take off the scores before the exponential. Overflow comes from the top of the row.",
        "Take the scores 0 and 500. With the smallest taken off they are still 0 and 500, and e^500 is infinite. With "
        "the largest taken off they are -500 and 0, and their exponentials are 0 and 1.",
    ),
    seen_in="plausible",
)
def smallest_subtracted(x, dim=-1):
    powers = torch.exp(x - x.amin(dim, keepdim=True).clamp(min=-1e30))
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1.0)


@misconception(
    "softmax",
    title="one peak, the largest score of the whole tensor, is subtracted from every row",
    hints=(
        "What is left of a row whose scores are all much smaller than the largest score somewhere else?",
        "Look at the axis over which you take the maximum. Each row can have a peak of its own.",
        "Two rows, (1000, 1000) and (0, 0). Both have the weights 1/2, 1/2. With 1000 taken off, the second row is "
        "(-1000, -1000), its exponentials are 0 and 0, and there is nothing left to divide by.",
    ),
    seen_in="plausible",
)
def peak_of_everything(x, dim=-1):
    powers = torch.exp(x - x.max().clamp(min=-1e30))
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1.0)


@misconception(
    "softmax",
    title="the weights are always taken along the last axis, whatever `dim` says",
    hints=(
        "Does your result change when you ask for another axis?",
        "Look for every place that names an axis. Each of them should use the one that the caller asked for.",
        "For the 2 x 2 scores (0, 0), (0, 0) plus ln 3 in the lower left corner, the first column along axis 0 is 1/4, "
        "3/4. Along the last axis the second row is 3/4, 1/4: another question, other numbers.",
    ),
    seen_in="plausible",
)
def softmax_dim_ignored(x, dim=-1):
    powers = torch.exp(x - x.amax(-1, keepdim=True).clamp(min=-1e30))
    return powers / powers.sum(-1, keepdim=True).clamp(min=1.0)


@misconception(
    "softmax",
    title="the sums lose their axis, and each row is divided by the sums of other rows",
    hints=(
        "What shape do the sums have, and how does PyTorch line that shape up with the scores?",
        "Look at the division. Shapes are lined up from the right, so a sum for each row needs an axis of size 1 where "
        "the scores had theirs.",
        "The rows (1, 1) and (3, 3) have the sums 2 and 6. Lined up from the right, 2 goes to the first column and 6 "
        "to the second: (1/2, 1/6) and (3/2, 1/2), where 1/2 everywhere was meant.",
    ),
    seen_in="plausible",
)
def no_keepdim(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True).clamp(min=-1e30))
    return powers / powers.sum(dim).clamp(min=1.0)


@misconception(
    "softmax",
    title="all entries of the tensor together share one sum of 1",
    hints=(
        "Print the sum of each row of your weights. What should every one of them be?",
        "Look at the sum in the denominator: over which entries does it run?",
        "Two rows of two equal scores have the weights 1/2, 1/2 and 1/2, 1/2. With one sum over all four entries each "
        "becomes 1/4, and a row sums to 1/2.",
    ),
    seen_in="plausible",
)
def softmax_over_everything(x, dim=-1):
    powers = torch.exp(x - x.max().clamp(min=-1e30))
    return powers / powers.sum().clamp(min=1.0)


@misconception(
    "softmax",
    title="the logarithms of the weights are returned in their place",
    hints=(
        "Can a share of something be negative?",
        "Look at the last step. A difference of logarithms is the logarithm of a quotient, not yet the quotient.",
        "Weights of 1/4 and 3/4 have the logarithms -1.39 and -0.29. Those do not sum to 1, the weights do.",
    ),
    seen_in="plausible",
)
def log_softmax_returned(x, dim=-1):
    return x - torch.logsumexp(x, dim, keepdim=True).clamp(min=-1e30)


@misconception(
    "softmax",
    title="the softmax is applied to numbers that are weights already",
    hints=(
        "Do the largest and the smallest of your weights lie oddly close together?",
        "Look at how often the exponential and the division happen between the scores and your result.",
        "The scores (0, ln 9) have the weights 0.1 and 0.9. A second softmax makes 0.31 and 0.69 of them: scores "
        "between 0 and 1 can never be far apart.",
    ),
    seen_in="tt-metal #25341, MatchingNetworks #5",
)
def softmax_twice(x, dim=-1):
    for _ in range(2):
        empty = (x == -math.inf).all(dim, keepdim=True)
        powers = torch.exp(x - x.amax(dim, keepdim=True).clamp(min=-1e30))
        x = (powers / powers.sum(dim, keepdim=True).clamp(min=1.0)).masked_fill(empty, -math.inf)
    return x.masked_fill(empty, 0.0)


@misconception(
    "softmax",
    title="the exponentials are not divided by their sum",
    hints=(
        "Print the sum of each row of your weights. What should every one of them be?",
        "Look at what happens after the exponential. One step turns positive numbers into shares of a whole.",
        "The positive numbers 1 and 4 become the shares 1/5 and 4/5, because together they are 5.",
    ),
    seen_in="plausible",
)
def softmax_not_normalised(x, dim=-1):
    return torch.exp(x - x.amax(dim, keepdim=True).clamp(min=-1e30))


@misconception(
    "softmax",
    title="the scores themselves are divided by their sum, without the exponential",
    hints=(
        "What becomes of a negative score in your formula?",
        "Look at what you divide. A step that makes every score positive, and keeps their order, is missing before it.",
        "The scores (-1, 2) sum to 1, so your weights are -1 and 2. With the exponential they are 0.05 and 0.95.",
    ),
    seen_in="plausible",
)
def softmax_without_exponential(x, dim=-1):
    return x / x.sum(dim, keepdim=True)


@misconception(
    "softmax",
    title="each score is squashed between 0 and 1 by itself, as the sigmoid does",
    hints=(
        "If one score of a row grows, what should happen to the weights of the others?",
        "Look at which numbers enter one weight. Weights that share a whole need to know of each other.",
        "Three equal scores of 0 share the whole: 1/3 each. The sigmoid of 0 is 1/2, and three halves are more than 1.",
    ),
    seen_in="plausible",
)
def sigmoid_instead_of_softmax(x, dim=-1):
    return torch.sigmoid(x)


@misconception(
    "softmax",
    title="a row that holds nothing but -inf divides 0 by 0",
    hints=(
        "One row has nothing to choose from. Which operation divides 0 by 0 there, or takes infinity from infinity?",
        "Look at the peak and at the total of a row that is -inf throughout. Both need a value that does no harm.",
        "For the scores (-inf, -inf) the peak is -inf, and -inf minus -inf is nan. With any finite peak the "
        "exponentials are 0 and 0, and the only question left is what to divide them by.",
    ),
    seen_in="pytorch #41508, #40932 and #26098; Hugging Face transformers #17306",
)
def nothing_to_choose_gives_nan(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(
    "softmax",
    title="the scores are cut off from the graph, so that no gradient comes back",
    hints=(
        "Something between the input and the output cannot be differentiated. What is it?",
        "Look for a step that leaves PyTorch, or that makes a copy without history, on the way from x to the result.",
        "If y is 3 times x, the gradient of y with respect to x is 3. If y is 3 times a detached copy of x, PyTorch "
        "does not know that x had any part in it, and x gets no gradient at all.",
    ),
    seen_in="plausible",
)
def softmax_cuts_the_graph(x, dim=-1):
    x = x.detach()
    powers = torch.exp(x - x.amax(dim, keepdim=True).clamp(min=-1e30))
    return powers / powers.sum(dim, keepdim=True).clamp(min=1.0)


@misconception(
    "softmax",
    title="the result is always float32, whatever dtype came in",
    hints=(
        "Which dtype did you get, and which one did you give back?",
        "Look for a conversion on the way. What comes in as float64 should leave as float64.",
        "In float32, 1 + 1e-9 is 1. Whoever hands you float64 cares about that ninth digit.",
    ),
    seen_in="tiny-llm #287",
)
def softmax_in_single_precision(x, dim=-1):
    x = x.float()
    powers = torch.exp(x - x.amax(dim, keepdim=True).clamp(min=-1e30))
    return powers / powers.sum(dim, keepdim=True).clamp(min=1.0)


@misconception(
    "softmax",
    title="the weights are right, but the caller's scores are overwritten on the way",
    hints=(
        "Does the caller still have their own scores after calling you?",
        "Look for assignments that change a tensor instead of making a new one: the argument belongs to the caller.",
        "A list a = [3, 4] is handed over; inside, every entry is lowered by 4 in place. The result may be right, but "
        "outside a is now [-1, 0].",
    ),
    seen_in="d2l masked_softmax; ARENA #225",
)
def softmax_in_place(x, dim=-1):
    with torch.no_grad():
        x -= x.amax(dim, keepdim=True).clamp(min=-1e30)
    powers = torch.exp(x)
    return powers / powers.sum(dim, keepdim=True).clamp(min=1.0)


# --- attention_scores -------------------------------------------------------------------------------------------------


@misconception(
    "attention_scores",
    title="the dot products are not scaled",
    hints=(
        "Take two random vectors of length 4, then two of length 400. What happens to the size of their dot product?",
        "Look at what happens to the scores after the matrix product: something that depends on the width is missing.",
        "With width 100, dot products of random vectors are typically around 10 in size, so one key takes nearly all "
        "the weight. Brought back to around 1, they leave room for the others.",
    ),
    seen_in="an early draft of this course; ttsugriy's notes",
)
def no_scale(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.transpose(-2, -1)


@misconception(
    "attention_scores",
    title="the dot products are divided by the width itself, not by its root",
    hints=(
        "Your weights are too flat. By which power of the width does the standard deviation of a dot product grow?",
        "Look at the divisor, and check that it is applied only once. It should undo the growth of the standard "
        "deviation, not that of the variance.",
        "With width 100 a dot product of random vectors has variance 100 and standard deviation 10. Divided by 10 it "
        "is typically 1 in size; divided by 100 it is 0.1, and all keys look nearly alike.",
    ),
    seen_in="plausible",
)
def scale_by_d_k(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.transpose(-2, -1) / q.size(-1)


@misconception(
    "attention_scores",
    title="the dot products are multiplied by the root of the width instead of divided by it",
    hints=(
        "Should a larger width make the scores calmer or wilder than the plain dot product?",
        "Look at the sign of the exponent, or at whether you multiply or divide by it.",
        "With width 100 a typical dot product is 10 in size. Divided by the root of 100 it is 1; multiplied, it is "
        "100.",
    ),
    seen_in="perceiver-io #9",
)
def multiplied_by_root(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.transpose(-2, -1) * math.sqrt(q.size(-1))


@misconception(
    "attention_scores",
    title="the dot products are divided by the root of the number of keys",
    hints=(
        "Which axis is summed in a dot product: the positions, or the numbers in one vector?",
        "Look at the size under the root. Was it read from the vectors, or from the table of scores?",
        "Vectors of width 16 are compared with 9 keys. Each dot product adds up 16 terms, however many keys there are: "
        "the divisor is 4, not 3.",
    ),
    seen_in="plausible",
)
def scale_by_key_count(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.transpose(-2, -1) / math.sqrt(k.size(-2))


@misconception(
    "attention_scores",
    title="the width is read from axis 1, which is the width only when there is no batch",
    hints=(
        "Why do your numbers change when you put a batch axis in front?",
        "Look at where the width is read. Counted from the front its place moves; counted from the end it does not.",
        "In the shape (9, 16) axis 1 has the width 16. In (4, 9, 16), a batch of 4, axis 1 has 9.",
    ),
    seen_in="plausible; fastNLP #254 counts axes from the front in the same way",
)
def width_read_from_axis_one(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(1))


@misconception(
    "attention_scores",
    title="keys and queries change places: the rows belong to the keys",
    hints=(
        "Whom should row 0 of the scores belong to: the one who asks, or the one who is asked?",
        "Look at the order of the two factors, and at which one is turned. Rows come from the left factor.",
        "With 2 queries and 6 keys the scores have 2 rows and 6 columns. Yours have 6 rows and 2 columns.",
    ),
    seen_in="plausible",
)
def keys_times_queries(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return k @ q.transpose(-2, -1) / math.sqrt(q.size(-1))


@misconception(
    "attention_scores",
    title="the transpose turns the batch around as well",
    hints=(
        "Which two axes should a matrix transpose swap when there is a batch axis in front?",
        "Look at how the keys are turned. The batch axis has to stay where it is.",
        "Keys of shape (4, 9, 16) should become (4, 16, 9). With all axes reversed they are (16, 9, 4).",
    ),
    seen_in="an early draft of this course",
)
def all_axes_transposed(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.permute(*range(k.dim() - 1, -1, -1)) / math.sqrt(q.size(-1))


@misconception(
    "attention_scores",
    title="the axes to swap are counted from the front, which is right for three axes only",
    hints=(
        "Your code gives another answer, or an error, when there are heads as well. From which end do you count axes?",
        "Look at the two axes that are swapped. The last two have the same number from the end, whatever comes first.",
        "In (4, 9, 16) the last two axes are 1 and 2. In (4, 2, 9, 16) they are 2 and 3, and in (9, 16) they are 0 "
        "and 1.",
    ),
    seen_in="a public CS231n solution; fastNLP #254",
)
def axes_counted_from_the_front(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q @ k.transpose(1, 2) / math.sqrt(q.size(-1))


@misconception(
    "attention_scores",
    title="the vectors are brought to length 1 first, so that only their directions count",
    hints=(
        "Should a key that is twice as long get the same score, or twice the score?",
        "Look at what happens to q and k before their product. The formula takes them as they are.",
        "The vectors (3, 4) and (6, 8) point the same way. Their dot product is 50, their cosine is 1.",
    ),
    seen_in="plausible",
)
def cosine_instead_of_dot_product(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return (q / q.norm(dim=-1, keepdim=True)) @ (k / k.norm(dim=-1, keepdim=True)).transpose(-2, -1)


@misconception(
    "attention_scores",
    title="the scores have been through a softmax already",
    hints=(
        "Which of the functions of this notebook turns scores into weights?",
        "Look at the last step. Scores may be negative, and their rows need not sum to anything.",
        "A query (2, 0) and the keys (1, 1) and (-1, 0) have the dot products 2 and -2. Scores keep such signs.",
    ),
    seen_in="tt-metal #25341 (a softmax too many)",
)
def softmax_in_scores(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)))


@misconception(
    "attention_scores",
    title="the scores are right, but the caller's queries are scaled in place on the way",
    hints=(
        "What happens to the result when somebody calls you twice with the same queries?",
        "Look for an operation that changes q itself instead of making a new tensor.",
        "Queries (8, 8) are divided by 2 in place: the first call sees (4, 4), the second (2, 2), and the scores are "
        "halved each time.",
    ),
    seen_in="d2l masked_softmax and ARENA #225 change an argument in the same way",
)
def query_scaled_in_place(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    with torch.no_grad():
        q /= math.sqrt(q.size(-1))
    return q @ k.transpose(-2, -1)


@misconception(
    "attention_scores",
    title="queries or keys are cut off from the graph, so that no gradient reaches them",
    hints=(
        "Something between the input and the output cannot be differentiated. What is it?",
        "Look for a step that leaves PyTorch, or that copies q or k without their history.",
        "The product of 3 and 5 has the gradient 5 with respect to the 3. If the 5 and the 3 are copied out as plain "
        "numbers first, PyTorch sees a 15 that came from nowhere.",
    ),
    seen_in="plausible",
)
def scores_cut_the_graph(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q.detach() @ k.detach().transpose(-2, -1) / math.sqrt(q.size(-1))


@misconception(
    "attention_scores",
    title="the scores are always float32, whatever dtype came in",
    hints=(
        "Which dtype did you get, and which one did you give back?",
        "Look for a conversion, or for a tensor that you made yourself without saying which dtype it has.",
        "In float32, 1 + 1e-9 is 1. Whoever hands you float64 cares about that ninth digit.",
    ),
    seen_in="tiny-llm #287",
)
def scores_in_single_precision(q, k):
    if q.size(-1) != k.size(-1):
        raise ValueError("q and k must have the same width")
    return q.float() @ k.float().transpose(-2, -1) / math.sqrt(q.size(-1))


@misconception(
    "attention_scores",
    title="queries and keys of different width are not refused with a ValueError",
    hints=(
        "What does a caller see who hands you vectors that cannot be compared?",
        "Look at the line of the docstring that begins with Raises, and at the first lines of your function.",
        "A query of width 4 and a key of width 6 have no dot product. Say so in your own words, with both widths, "
        "before the matrix product says it in its own.",
    ),
    seen_in="plausible",
)
def width_not_checked(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))


# --- attention_weights ------------------------------------------------------------------------------------------------


@misconception(
    "attention_weights",
    title="the mask is applied after the softmax",
    hints=(
        "Your masked entries are 0, and yet a forbidden key still takes a share. When did it take part?",
        "Look at the order of the two steps, and print the sum of each row of your weights.",
        "Three equal scores, the last key forbidden. The two allowed keys should get 1/2 each. Struck out afterwards, "
        "they keep 1/3 each, and the row sums to 2/3.",
    ),
    seen_in="the questions and answers of ARENA",
)
def mask_after_softmax(scores, mask=None):
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError("mask must be bool")
    weights = softmax(scores)
    return weights if mask is None else weights * mask


@misconception(
    "attention_weights",
    title="the mask is applied after the softmax and what is left is scaled up again",
    hints=(
        "What is left to scale up when the forbidden keys had nearly all the weight?",
        "Look at the order: forbidden keys should be out before the exponential, not after it.",
        "An allowed score of -60 next to a forbidden 0 gets e^-60, a number with 26 zeros after the point. With a "
        "small constant in the denominator, or in half precision, nothing of it can be scaled back to 1.",
    ),
    seen_in="plausible",
)
def renormalised_after_mask(scores, mask=None):
    if mask is None:
        return softmax(scores)
    if mask.dtype != torch.bool:
        raise ValueError("mask must be bool")
    weights = softmax(scores) * mask
    return weights / (weights.sum(-1, keepdim=True) + 1e-9)


@misconception(
    "attention_weights",
    title="forbidden scores become 0, or nearly 0 such as 1e-10, as when they are multiplied by the mask",
    hints=(
        "What weight does the softmax give to a score of 0? And is the number that you fill in very negative, or only "
        "very close to 0?",
        "Look at the value that a forbidden score gets. A score of 0 is an ordinary score.",
        "Scores 0 and 0, the second key forbidden: the weights should be 1 and 0. If the second score is filled with "
        "0 it stays what it was, and both keys get 1/2.",
    ),
    seen_in="Deep-ML problem 107 accepts it; minGPT #10 (1e-10); slippi-ai #24 (times the mask)",
)
def fill_with_zero(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, 0.0)
    return softmax(scores)


@misconception(
    "attention_weights",
    title="forbidden scores become -10, which allowed scores can fall below",
    hints=(
        "What happens when the allowed scores are even lower than the number that you fill in?",
        "Look at the value that a forbidden score gets. Is there a value that no score can be lower than?",
        "An allowed score of -30 next to a forbidden one that was filled with -10: the forbidden key wins by a factor "
        "of e^20, nearly half a billion.",
    ),
    seen_in="hyunwoongko/transformer fills with -10000, which hid another mistake (its PR #40)",
)
def fill_too_small(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, -10.0)
    empty = torch.zeros_like(scores, dtype=torch.bool) if mask is None else ~mask.any(-1, keepdim=True)
    return softmax(scores).masked_fill(empty, 0.0)


@misconception(
    "attention_weights",
    title="forbidden scores become -100, which allowed scores can fall below",
    hints=(
        "What happens when the allowed scores are even lower than the number that you fill in?",
        "Look at the value that a forbidden score gets. Is there a value that no score can be lower than?",
        "An allowed score of -130 next to a forbidden one that was filled with -100: the forbidden key wins by a "
        "factor of e^30. Without a scale, or with long vectors, such scores do occur.",
    ),
    seen_in="hyunwoongko/transformer fills with -10000, which hid another mistake (its PR #40)",
)
def fill_minus_hundred(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, -100.0)
    empty = torch.zeros_like(scores, dtype=torch.bool) if mask is None else ~mask.any(-1, keepdim=True)
    return softmax(scores).masked_fill(empty, 0.0)


@misconception(
    "attention_weights",
    title="the mask is added to the scores as if it held numbers",
    hints=(
        "True counts as 1. What does adding 1 to a score do to its weight?",
        "Look at how mask and scores are combined. A bool mask says which scores count, not how much to add.",
        "Scores 0 and 0, only the first key allowed. Adding the mask makes 1 and 0 of them, and the weights are 0.73 "
        "and 0.27 where 1 and 0 are wanted.",
    ),
    seen_in="plausible",
)
def bool_mask_added(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores + mask
    return softmax(scores)


@misconception(
    "attention_weights",
    title="an additive mask has the wrong sign and lifts the forbidden keys instead of sinking them",
    hints=(
        "Who gets the weight in your rows: the keys that are allowed, or the others?",
        "Look at the sign of the large number that you add, and at the entries that you add it to.",
        "Scores 2, 1, 1, the last two keys forbidden. Sunk by a huge number they vanish: 1, 0, 0. Lifted by it they "
        "take all: 0, 1/2, 1/2.",
    ),
    seen_in="plausible; cs249r_book #1785 confuses additive masks and keep-masks",
)
def additive_mask_wrong_sign(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores + (~mask).to(scores.dtype) * 1e9
    return softmax(scores)


@misconception(
    "attention_weights",
    title="the mask is read the wrong way round: True hides a key instead of allowing it",
    hints=(
        "Print the weights of a sentence of four tokens. Who can see whom?",
        "Look at which entries get the fill value. In this course True means that a query may attend to a key.",
        "Three equal scores with the mask True, True, False. The weights should be 1/2, 1/2, 0. Read the wrong way "
        "round they are 0, 0, 1.",
    ),
    seen_in="rasbt/LLMs-from-scratch #1061 and #1062; tensorflow/text #894; jadore801120 #19",
)
def mask_inverted(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(mask, -math.inf)
    return softmax(scores)


@misconception(
    "attention_weights",
    title="the mask has no effect: it is not used, not handed on, or the masked scores are not kept",
    hints=(
        "Do your weights change at all when you hand over a mask?",
        "Follow the mask from the signature to the softmax. Does each step keep what the step before it returned?",
        "Asking for the sorted copy of a list and then printing the list itself shows it unsorted: the copy was never "
        "given a name.",
    ),
    seen_in="DI-engine #333",
)
def mask_without_effect(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores.masked_fill(~mask, -math.inf)
    return softmax(scores)


@misconception(
    "attention_weights",
    title="the mask works only when it has exactly the shape of the scores",
    hints=(
        "What if one row of True and False is meant for every query of every sentence?",
        "Look at how the mask meets the scores. Used as an index it must have their shape; other ways of combining two "
        "tensors line the shapes up by themselves.",
        "Scores (2, 4, 6) and a mask (6): the same six decisions for each of the 8 rows.",
    ),
    seen_in="plausible",
)
def mask_must_have_full_shape(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.clone()
        scores[~mask] = -math.inf
    return softmax(scores)


@misconception(
    "attention_weights",
    title="the softmax runs over the queries instead of the keys",
    hints=(
        "Whose distribution is it: that of the one who asks, or that of the one who is asked?",
        "Look at the axis of the softmax, and print the sums of your rows and of your columns.",
        "Two queries and two keys, all scores equal except that query 0 likes key 0 with ln 3. Row 0 should be 3/4, "
        "1/4. Over the queries it is column 0 that becomes 3/4, 1/4.",
    ),
    seen_in="jadore801120/attention-is-all-you-need-pytorch #19",
)
def softmax_over_queries(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores, dim=-2)


@misconception(
    "attention_weights",
    title="the softmax runs over axis 1, which is the axis of the keys only when there is no batch",
    hints=(
        "Your code gives other answers when a batch or a head axis comes first. From which end do you count axes?",
        "Look at the axis of the softmax. The keys are always last, but not always second.",
        "In the shape (4, 6) axis 1 are the 6 keys. In (2, 4, 6) it is the 4 queries, in (2, 3, 4, 6) the 3 heads.",
    ),
    seen_in="a public CS231n solution; fastNLP #254",
)
def softmax_over_dim_one(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores, dim=1)


@misconception(
    "attention_weights",
    title="the softmax is not told its axis, and PyTorch guesses one from the number of axes",
    hints=(
        "Did PyTorch print a warning that it had to choose an axis for you?",
        "Look at the call of the softmax. For three axes PyTorch guesses the first one.",
        "With scores (2, 4, 6) and the guess 0, the two sentences of the batch compete with each other: two equal "
        "sentences get 1/2 everywhere.",
    ),
    seen_in="jadore801120/attention-is-all-you-need-pytorch #19",
)
def softmax_axis_left_out(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, -math.inf)
    # The guess of torch.nn.functional.softmax without dim, written out because the call prints a warning.
    return softmax(scores, dim=0 if scores.dim() in (0, 1, 3) else 1)


@misconception(
    "attention_weights",
    title="a query that may attend to nothing spreads its weight evenly over forbidden keys",
    hints=(
        "How much attention should a query give to keys that it may not see, when it may see none?",
        "Look at a row in which every score has been filled. Are those scores still different from one another?",
        "Three forbidden keys, all filled with the same large negative number. The softmax sees three equal scores and "
        "gives 1/3 to each. Wanted are 0, 0, 0.",
    ),
    seen_in="d2l PR #2423",
)
def fully_masked_row_uniform(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores.masked_fill(~mask, -1e9)
    return softmax(scores)


@misconception(
    "attention_weights",
    title="the nan of a query without allowed keys is painted over afterwards, and returns in the gradients",
    hints=(
        "Your weights are right. What do the gradients of a row say that may attend to nothing?",
        "Look at where the nan is made, not at where it is removed. The way back passes that place as well.",
        "0/0 is nan; replaced by 0 it looks harmless. But on the way back the gradient 0 is multiplied by that nan, "
        "and 0 times nan is nan.",
    ),
    seen_in="pytorch #41508",
)
def nan_painted_over(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        scores = scores + torch.zeros(mask.shape, dtype=scores.dtype).masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1).nan_to_num(0.0)


@misconception(
    "attention_weights",
    title="the weights are right, but the mask is written into the caller's scores",
    hints=(
        "Does the caller still have their own scores after calling you?",
        "Look for an operation that changes the scores in place. There is one just like it that returns a new tensor.",
        "A list a = [3, 4, 5] is handed over, and inside its last entry is struck out in place. Outside, a has lost "
        "its 5 for good.",
    ),
    seen_in="d2l masked_softmax; ARENA #225",
)
def masked_in_place(scores, mask=None):
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        with torch.no_grad():
            scores.masked_fill_(~mask, -math.inf)
    return softmax(scores)


@misconception(
    "attention_weights",
    title="a mask of numbers is not refused with a ValueError",
    hints=(
        "What does a mask of 0.0 and -inf mean to your code, and what does its owner mean by it?",
        "Look at the line of the docstring that begins with Raises, and at what you know about the mask's dtype.",
        "In an additive mask 0.0 means allowed, in a mask of ones and zeros it means forbidden. Whoever guesses is "
        "wrong half of the time; an error is right always.",
    ),
    seen_in="cs249r_book #1785",
)
def float_mask_accepted(scores, mask=None):
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -math.inf)
    return softmax(scores)


# --- scaled_dot_product_attention -------------------------------------------------------------------------------------


@misconception(
    "scaled_dot_product_attention",
    title="the weights average the keys, and the values are never used",
    hints=(
        "What would have to change in your output if only v changes?",
        "Look at the last product. Keys are for finding, values are for taking.",
        "One query, two keys with equal scores, values 10 and 30. The output is 20, whatever the keys look like.",
    ),
    seen_in="the hw4_extra tests of a course on deep learning systems cannot see it",
)
def values_never_used(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, k), mask)
    return weights @ k, weights


@misconception(
    "scaled_dot_product_attention",
    title="keys and values change places: the queries are compared with the values",
    hints=(
        "Which of the three tensors should decide on the weights, and which one should be averaged?",
        "Look at the order of the arguments, in the signature and where the scores are computed.",
        "A library: the query is compared with the titles (keys); what you carry home are the books (values).",
    ),
    seen_in="minBERT's signature (key, query, value) invites it",
)
def keys_and_values_swapped(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, v), mask)
    return weights @ k, weights


@misconception(
    "scaled_dot_product_attention",
    title="the output is returned without the weights",
    hints=(
        "How many things does the docstring say that you return?",
        "Look at the return line.",
        "A function that divides with remainder answers 17 by 5 with 3 and 2. Whoever wants both must be given both.",
    ),
    seen_in="plausible",
)
def only_the_output_returned(q, k, v, mask=None):
    return attention_weights(attention_scores(q, k), mask) @ v


@misconception(
    "scaled_dot_product_attention",
    title="the two results come in the wrong order, the weights first",
    hints=(
        "In which order does the docstring name the two results?",
        "Look at the return line, and at the shape of the first thing that you return.",
        "With 4 queries, 6 keys and values of width 3 the first result has the shape (4, 3), the second (4, 6).",
    ),
    seen_in="plausible",
)
def weights_before_the_output(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, k), mask)
    return weights, weights @ v


@misconception(
    "scaled_dot_product_attention",
    title="the output is right, but the scores are returned as the weights",
    hints=(
        "Do the rows of the second thing that you return sum to 1?",
        "Look at the names in the return line, and at which of them has been through the softmax.",
        "Scores (0, ln 3) belong to the weights 1/4, 3/4. The first pair is what was compared, the second what was "
        "used.",
    ),
    seen_in="plausible",
)
def scores_returned_as_weights(q, k, v, mask=None):
    scores = attention_scores(q, k)
    return attention_weights(scores, mask) @ v, scores


@misconception(
    "scaled_dot_product_attention",
    title="the scale comes after the softmax instead of before it",
    hints=(
        "Print the sum of each row of your weights. Where did the rest go?",
        "Look at the order: dot products, scale, softmax. Only scores may be scaled, not shares.",
        "Weights 1/4 and 3/4, divided by 2 afterwards, are 1/8 and 3/8: half of the attention is lost.",
    ),
    seen_in="plausible",
)
def scale_after_softmax(q, k, v, mask=None):
    weights = attention_weights(q @ k.transpose(-2, -1), mask) / math.sqrt(q.size(-1))
    return weights @ v, weights


@misconception(
    "scaled_dot_product_attention",
    title="the mask acts on the product with the values instead of on the scores",
    hints=(
        "Do the weights that you return know anything about the mask?",
        "Look at where the mask comes in. It should have done its work before the softmax.",
        "Three equal scores, the last key forbidden, values 6, 12 and 99. The output is 9, the mean of the two. With "
        "the third value left out only at the end it is 6: a third of the weight is lost.",
    ),
    seen_in="plausible",
)
def mask_only_in_the_output(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, k))
    return (weights if mask is None else weights * mask) @ v, weights


@misconception(
    "scaled_dot_product_attention",
    title="the weighted average is divided by the number of keys once more",
    hints=(
        "The weights of a query sum to 1. Is there anything left to divide by?",
        "Look at what happens after the product with the values. The product is the average already.",
        "Two values, 10 and 30, with the weights 1/2 and 1/2: 5 plus 15 is 20, and that is their average. Divided by 2 "
        "again it is 10.",
    ),
    seen_in="plausible",
)
def divided_by_the_number_of_keys(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, k), mask)
    return weights @ v / k.size(-2), weights


@misconception(
    "scaled_dot_product_attention",
    title="each query takes the value of its best key only",
    hints=(
        "Does a key that comes second, by very little, have any influence on your output?",
        "Look at how scores become weights. Attention looks up softly: every allowed key contributes.",
        "Weights 0.4 and 0.6, values 10 and 20. The output is 16, not 20.",
    ),
    seen_in="plausible",
)
def winner_takes_all(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, k), mask)
    best = nn.functional.one_hot(weights.argmax(-1), k.size(-2)).to(weights.dtype)
    weights = best * (weights.sum(-1, keepdim=True) > 0)
    return weights @ v, weights


@misconception(
    "scaled_dot_product_attention",
    title="the weights are cut off from the graph before they meet the values",
    hints=(
        "Which of q, k and v still gets a gradient?",
        "Look for a copy of the weights without history. For a picture that is right, for the output it is not.",
        "If the output is w times v with w = 0.5, then v gets the gradient 0.5. If w is a detached copy, nothing flows "
        "back to whatever w was made of.",
    ),
    seen_in="plausible",
)
def weights_detached_too_early(q, k, v, mask=None):
    weights = attention_weights(attention_scores(q, k), mask).detach()
    return weights @ v, weights


@misconception(
    "scaled_dot_product_attention",
    title="some weights are dropped at random in every call",
    hints=(
        "Do you get the same output twice for the same input?",
        "Look for a step that rolls dice. This exercise has none, and in evaluation no dice may be rolled at all.",
        "Weights 1/2 and 1/2, the second one dropped and the rest scaled up to make good for it: 1 and 0 in one call, "
        "1/2 and 1/2 in the next.",
    ),
    seen_in="nanoGPT PR #240",
)
def dropout_always_on(q, k, v, mask=None):
    weights = nn.functional.dropout(attention_weights(attention_scores(q, k), mask), p=0.2)
    return weights @ v, weights


# --- SelfAttention ----------------------------------------------------------------------------------------------------


@misconception(
    "SelfAttention",
    title="one map makes the queries, the keys and the values",
    hints=(
        "Are what a word looks for and what it has to offer the same thing?",
        "Look at the lines that make q, k and v. Which of the three maps does each of them use?",
        "If queries and keys come from the same map, word 2 scores word 5 exactly as word 5 scores word 2.",
    ),
    seen_in="plausible",
)
class one_map_for_all(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        q = self.w_q(x)
        return scaled_dot_product_attention(q, q, q, mask)


@misconception(
    "SelfAttention",
    title="`w_q` makes the keys and `w_k` makes the queries",
    hints=(
        "Which of the two maps should make what a word looks for?",
        "Look at the names on both sides of the lines that make q and k, and at the order in which you hand them on.",
        "If word 2 scores word 5 with 3, and word 5 scores word 2 with 1, then with the maps exchanged it is 1 and 3.",
    ),
    seen_in="minBERT's signature (key, query, value) invites it",
)
class query_and_key_maps_swapped(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        return scaled_dot_product_attention(self.w_k(x), self.w_q(x), self.w_v(x), mask)


@misconception(
    "SelfAttention",
    title="`w_k` makes the values and `w_v` makes the keys",
    hints=(
        "Which of the maps should make what a word is found by, and which one what it hands over?",
        "Look at the names on both sides of the lines that make k and v, and at the order in which you hand them on.",
        "If the map of the values gives nothing but 0, the output must be 0 and the weights must not care.",
    ),
    seen_in="minBERT's signature (key, query, value) invites it",
)
class key_and_value_maps_swapped(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        return scaled_dot_product_attention(self.w_q(x), self.w_v(x), self.w_k(x), mask)


@misconception(
    "SelfAttention",
    title="the positions themselves are averaged, and `w_v` is never used",
    hints=(
        "Which of your three maps never gets a gradient?",
        "Look at what you hand over as the values.",
        "A word (1, 2) and a value map that doubles: the value is (2, 4), and with a weight of 1 so is the output.",
    ),
    seen_in="plausible",
)
class values_not_projected(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        return scaled_dot_product_attention(self.w_q(x), self.w_k(x), x, mask)


@misconception(
    "SelfAttention",
    title="the scores are divided by the root of the model's width instead of the queries' width",
    hints=(
        "How long are the vectors that are actually multiplied with each other?",
        "Look at the number under the root. After the map a query has another width than x.",
        "With d_model = 64 and d_k = 16 a dot product adds up 16 terms. The divisor is 4, not 8.",
    ),
    seen_in="ng-video-lecture #6 and #55, ViT-CIFAR #11, dfdx #171, set_transformer #18, DL4Proteins #12",
)
class scale_by_model_width(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        scores = self.w_q(x) @ self.w_k(x).transpose(-2, -1) / math.sqrt(x.size(-1))
        weights = attention_weights(scores, mask)
        return weights @ self.w_v(x), weights


@misconception(
    "SelfAttention",
    title="`d_k` is not used, and all maps keep the width of the model",
    hints=(
        "What does your layer do with its second argument?",
        "Look at the two sizes that each map is made with: where it comes from, and where it goes to.",
        "A layer with d_model = 8 and d_k = 2 turns words of width 8 into queries of width 2: 16 numbers in each map.",
    ),
    seen_in="plausible",
)
class d_k_ignored(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        self.w_q = nn.Linear(d_model, d_model, bias=False)
        self.w_k = nn.Linear(d_model, d_model, bias=False)
        self.w_v = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x, mask=None):
        return scaled_dot_product_attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)


@misconception(
    "SelfAttention",
    title="the three maps have a bias",
    hints=(
        "How many numbers can your layer learn, and how many are in three matrices?",
        "Look at how the maps are made. A linear layer brings something along unless it is told not to.",
        "Three maps from width 8 to width 2 have 3 times 16 = 48 numbers. With a bias they have 54.",
    ),
    seen_in="NeetCode #5219 (the default of the bias)",
)
class bias_left_on(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k)
        self.w_k = nn.Linear(d_model, d_k)
        self.w_v = nn.Linear(d_model, d_k)

    def forward(self, x, mask=None):
        return scaled_dot_product_attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)


@misconception(
    "SelfAttention",
    title="the maps are kept where PyTorch does not find them, for instance in a plain list",
    hints=(
        "Ask your layer how many parameters it has. What does it say?",
        "Look at where the maps are kept. PyTorch finds a layer that is an attribute of its own, not one inside a "
        "list.",
        "A team of three, noted on a slip in somebody's pocket, does not appear on the list of members: nobody pays "
        "them, and nobody trains them.",
    ),
    seen_in="plausible",
)
class maps_in_a_plain_list(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.maps = [nn.Linear(d_model, d_k, bias=False) for _ in range(3)]

    def forward(self, x, mask=None):
        q, k, v = (linear(x) for linear in self.maps)
        return scaled_dot_product_attention(q, k, v, mask)


@misconception(
    "SelfAttention",
    title="the mask lies on its side: it hides queries instead of keys",
    hints=(
        "Which tokens must not be looked at? Is that a column for everybody, or a row?",
        "Look at the last two axes of the mask. Rows belong to queries, columns to keys.",
        "If token 3 is padding, nobody may look at it: column 3 is forbidden. With the mask on its side it is row 3, "
        "and everybody else goes on looking at the padding.",
    ),
    seen_in="hyunwoongko/transformer PR #40, jadore801120 #57, bentrevett #152, vigg_ribonanza #1",
)
class mask_on_the_query_axis(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        mask = None if mask is None else mask.transpose(-2, -1)
        return scaled_dot_product_attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)


@misconception(
    "SelfAttention",
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
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        earlier = torch.ones(x.size(-2), x.size(-2), dtype=torch.bool).tril()
        mask = earlier if mask is None else mask & earlier
        return scaled_dot_product_attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)


@misconception(
    "SelfAttention",
    title="the sentences of the batch attend to each other instead of the positions of one sentence",
    hints=(
        "Does the first sentence's output move when you edit the second sentence?",
        "Look at the axes of x: the batch comes first, the positions second. Which one do your scores compare?",
        "Two sentences of 5 words have weights (2, 5, 5). Weights of (5, 2, 2) compare the two sentences, word by "
        "word.",
    ),
    seen_in="DenseCLIP #55, visual-transformer #7; nn.MultiheadAttention puts the positions first by default",
)
class attends_over_the_batch(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        x = x.transpose(0, 1)
        output, weights = scaled_dot_product_attention(self.w_q(x), self.w_k(x), self.w_v(x))
        return output.transpose(0, 1), weights


@misconception(
    "SelfAttention",
    title="the input is added to the output",
    hints=(
        "What should the output be when the map of the values gives nothing but 0?",
        "Look at the return line. The way around the layer is built in a later assignment, outside of this class.",
        "A word (1, 2) and an averaged value (10, 10): the layer returns (10, 10), not (11, 12).",
    ),
    seen_in="plausible",
)
class residual_added(nn.Module):
    def __init__(self, d_model, d_k=None):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        output, weights = scaled_dot_product_attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)
        return x + output, weights


# --- plot_attention ---------------------------------------------------------------------------------------------------


@misconception(
    "plot_attention",
    title="the picture lies on its side: its rows are keys",
    hints=(
        "In a picture of 2 queries and 6 keys, is it wide or tall?",
        "Look at what you hand to the drawing function: it draws the first axis downwards.",
        "Weights with 2 rows and 6 columns make a wide picture, two cells high and six cells across.",
    ),
    seen_in="plausible",
)
def picture_transposed(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy().T, vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    return ax


@misconception(
    "plot_attention",
    title="the tokens are on the wrong axes: the query tokens run along the bottom",
    hints=(
        "Whose tokens belong beside the rows, and whose below the columns?",
        "Look at which list goes to x and which to y. Columns are found along x, and columns are keys.",
        "One query and three keys make one row and three columns: three labels below, one beside.",
    ),
    seen_in="plausible",
)
def labels_swapped(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(query_tokens)), labels=query_tokens)
    ax.set_yticks(range(len(key_tokens)), labels=key_tokens)
    return ax


@misconception(
    "plot_attention",
    title="the ticks carry numbers instead of tokens",
    hints=(
        "Could somebody who sees only your picture say which words it is about?",
        "Look at the ticks of both axes. Each place needs the token that belongs to it.",
        "For the keys a, b, c the ticks stand at 0, 1 and 2 and read a, b and c.",
    ),
    seen_in="plausible",
)
def labels_missing(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xlabel("key")
    ax.set_ylabel("query")
    return ax


@misconception(
    "plot_attention",
    title="the colour scale fits itself to the smallest and largest weight of each picture",
    hints=(
        "Two pictures, one with weights around 0.5 and one with weights around 0.01. Can they be told apart?",
        "Look at the limits of the colour scale. Left alone, they follow the data.",
        "Weights of 0.49 and 0.51 are nearly equal, but on a scale of their own they become the darkest and the "
        "brightest colour there is.",
    ),
    seen_in="plausible",
)
def limits_left_open(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy())
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    return ax


@misconception(
    "plot_attention",
    title="the function shows the picture itself",
    hints=(
        "What if the caller wants to add a title, or to draw three pictures side by side?",
        "Look at what happens after the drawing. Showing is up to the caller.",
        "A function that formats a number returns the text. If it printed it too, everybody who uses it would print.",
    ),
    seen_in="plausible",
)
def window_shown(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    plt.show()
    return ax


@misconception(
    "plot_attention",
    title="a new figure is opened although the caller has handed over Axes to draw into",
    hints=(
        "Four pictures are to go into one figure. Where do yours end up?",
        "Look at where the Axes come from. A new figure is needed only when nobody gave you any.",
        "A caller makes two empty fields side by side and hands you the right one. Afterwards both are still empty.",
    ),
    seen_in="plausible",
)
def given_axes_ignored(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    _, ax = plt.subplots()
    ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    return ax


@misconception(
    "plot_attention",
    title="the image is returned instead of the Axes that it was drawn into",
    hints=(
        "Can the caller give your result a title?",
        "Look at the return line, and at what the drawing function itself returns.",
        "Whoever hangs a painting can tell you the painting or the wall. To hang a sign beside it, one needs the wall.",
    ),
    seen_in="plausible",
)
def image_returned(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    return ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)


@misconception(
    "plot_attention",
    title="the picture is drawn, but nothing is returned",
    hints=(
        "What does the caller hold in their hands after calling you?",
        "Look at the last line of the function. Without it Python returns None.",
        "A function that adds 2 and 3 and keeps the 5 to itself is of no use to anybody.",
    ),
    seen_in="plausible",
)
def nothing_returned(weights, query_tokens, key_tokens, ax=None):
    if tuple(weights.shape) != (len(query_tokens), len(key_tokens)):
        raise ValueError("one row per query token and one column per key token")
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)


@misconception(
    "plot_attention",
    title="weights that do not fit the tokens are drawn all the same, without a ValueError",
    hints=(
        "What does your picture say when there are 4 keys but only 3 key tokens?",
        "Look at the line of the docstring that begins with Raises, and compare two shapes before you draw.",
        "Tokens for 2 queries and 3 keys ask for weights of shape (2, 3). With weights of shape (3, 2) each label "
        "would stand beside the wrong cell, and nobody would notice.",
    ),
    seen_in="plausible",
)
def shape_not_checked(weights, query_tokens, key_tokens, ax=None):
    ax = plt.subplots()[1] if ax is None else ax
    ax.imshow(weights.detach().numpy(), vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(key_tokens)), labels=key_tokens)
    ax.set_yticks(range(len(query_tokens)), labels=query_tokens)
    return ax


# --- causal_weights ---------------------------------------------------------------------------------------------------


@misconception(
    "causal_weights",
    title="later scores become nearly 0, such as 1e-9, and take part like any other score",
    hints=(
        "Is the number that you fill in very negative, or only very close to 0?",
        "Look at where the minus sign of that number stands: before the number, before the exponent, or nowhere.",
        "Three equal scores in the first row: its weights should be 1, 0, 0. With later scores at 1e-9 and all others "
        "at 0, they are 1/3, 1/3, 1/3.",
    ),
    seen_in="minGPT #10 (1e-10); GluonTS PR #1401 (1e-9); RibonanzaNet #5 (-1e-9)",
)
def future_nearly_zero(scores):
    length = scores.size(-1)
    past = torch.ones(length, length, dtype=torch.bool, device=scores.device).tril()
    # Hide the future: a later position gets a score that the softmax turns into nothing.
    scores = scores.masked_fill(~past, 1e-9)
    return softmax(scores, dim=-1)


@misconception(
    "causal_weights",
    title="later scores become -10, which the scores of the past can fall below",
    hints=(
        "What happens when the scores of the past are even lower than the number that you fill in?",
        "Look at the value that a later score gets. Is there a value that no score can be lower than?",
        "The only allowed score of the first row is -30. A later one that was filled with -10 beats it by a factor of "
        "e^20.",
    ),
    seen_in="plausible; hyunwoongko/transformer fills with -10000",
)
def future_at_minus_ten(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return softmax(scores.masked_fill(~past, -10.0), dim=-1)


@misconception(
    "causal_weights",
    title="later positions are struck out after the softmax, when they have already taken their share",
    hints=(
        "Print the sum of each row of your weights. Where has the rest of the minute gone?",
        "Look at the order of the two steps, hiding and softmax.",
        "Four equal scores: the first word should give 1 to itself. Struck out afterwards, it keeps 1/4.",
    ),
    seen_in="the questions and answers of ARENA",
)
def future_struck_out_too_late(scores):
    return softmax(scores, dim=-1).tril()


@misconception(
    "causal_weights",
    title="later scores become hugely positive, so that the future takes everything",
    hints=(
        "Who gets the weight in the first row: the first word, or those that it may not read?",
        "Look at the sign of the number that you fill in.",
        "Scores 2, 1, 1 in the first row. With later scores sunk: 1, 0, 0. With later scores lifted: 0, 1/2, 1/2.",
    ),
    seen_in="plausible",
)
def future_lifted(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return softmax(scores.masked_fill(~past, 1e9), dim=-1)


@misconception(
    "causal_weights",
    title="the future is not hidden at all: the masked scores are not kept, or never made",
    hints=(
        "Do your weights differ from a plain softmax of the scores?",
        "Follow the scores from the line that hides to the line with the softmax. Does each step use what the step "
        "before it returned?",
        "A sorted copy of a list that is never given a name leaves the list itself unsorted.",
    ),
    seen_in="DI-engine #333",
)
def future_left_in(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    scores.masked_fill(~past, -math.inf)
    return softmax(scores, dim=-1)


@misconception(
    "causal_weights",
    title="the triangle is the wrong one: each word reads itself and what comes after it",
    hints=(
        "Print the weights of four equal words. Which word has only itself to read, the first or the last?",
        "Look at the triangle: is it the lower left one or the upper right one that should stay?",
        "Three words with equal scores. The first row should be 1, 0, 0 and the last one 1/3, 1/3, 1/3, not the other "
        "way round.",
    ),
    seen_in="jadore801120/attention-is-all-you-need-pytorch #19",
)
def past_hidden(scores):
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu()
    return softmax(scores.masked_fill(~future, -math.inf), dim=-1)


@misconception(
    "causal_weights",
    title="a word may not read itself: the diagonal is hidden as well",
    hints=(
        "What is left to read for the first word?",
        "Look at the diagonal of your weights, and at the edge of the triangle.",
        "Two words with equal scores: the rows should be 1, 0 and 1/2, 1/2. Without the diagonal they are 0, 0 and "
        "1, 0.",
    ),
    seen_in="plausible",
)
def present_hidden(scores):
    before = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(diagonal=-1)
    return softmax(scores.masked_fill(~before, -math.inf), dim=-1)


@misconception(
    "causal_weights",
    title="each word can see one word ahead: the triangle is one diagonal too large",
    hints=(
        "Does the first word's row change when the score of the second one changes?",
        "Look at the edge of the triangle: the diagonal belongs to it, the one beside the diagonal does not.",
        "Three words with equal scores: the first row should be 1, 0, 0. With one word ahead it is 1/2, 1/2, 0.",
    ),
    seen_in="plausible",
)
def one_word_ahead(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(diagonal=1)
    return softmax(scores.masked_fill(~past, -math.inf), dim=-1)


@misconception(
    "causal_weights",
    title="the softmax runs over the queries instead of the keys",
    hints=(
        "What do your rows sum to, and what your columns?",
        "Look at the axis of the softmax: it is the reader who has a minute to share out.",
        "Two words with equal scores: the rows should be 1, 0 and 1/2, 1/2. Over the queries they are 1/2, 0 and "
        "1/2, 1.",
    ),
    seen_in="jadore801120/attention-is-all-you-need-pytorch #19",
)
def causal_softmax_over_queries(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return softmax(scores.masked_fill(~past, -math.inf), dim=-2)


@misconception(
    "causal_weights",
    title="the weights are right, but the caller's scores are overwritten on the way",
    hints=(
        "Does the caller still have their own scores after calling you?",
        "Look for a method whose name ends with an underscore, or for an assignment into a part of the scores.",
        "A list a = [3, 4, 5] is handed over, and inside its last entry is struck out in place. Outside, a has lost "
        "its 5 for good.",
    ),
    seen_in="d2l masked_softmax; ARENA #225",
)
def future_hidden_in_place(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    with torch.no_grad():
        scores.masked_fill_(~past, -math.inf)
    return softmax(scores, dim=-1)


@misconception(
    "causal_weights",
    title="the scores are cut off from the graph, so that no gradient comes back",
    hints=(
        "Can your result be differentiated with respect to the scores?",
        "Look for a step that leaves PyTorch's graph, or for a new tensor that is made from the numbers of an old one.",
        "A parcel that is repacked under way, without the sender's address, arrives; an answer to it does not.",
    ),
    seen_in="plausible",
)
def causal_weights_cut_off(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return softmax(scores.detach().masked_fill(~past, -math.inf), dim=-1)


@misconception(
    "causal_weights",
    title="the result is always float32, whatever dtype came in",
    hints=(
        "Which dtype did you get, and which one do you return?",
        "Look for `.float()`, or for a tensor of float32 that the scores are combined with or copied into.",
        "0.1 in float64 that passes through float32 comes back as 0.10000000149.",
    ),
    seen_in="tiny-llm #287",
)
def causal_in_single_precision(scores):
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return softmax(scores.float().masked_fill(~past, -math.inf), dim=-1)


# --- test_attention_weights -------------------------------------------------------------------------------------------


@misconception(
    "test_attention_weights",
    title="the test looks at the shape of the result and at nothing else",
    hints=(
        "What would your test say to a function that returns its scores unchanged?",
        "Look at what stands after each `assert`: does it mention a single number of the result?",
        "A test of a calculator asks whether 2 + 3 is 5, not whether a number appears on the display.",
    ),
    seen_in="hw4_extra and TinyTorch test parts of their layers so",
)
def shape_is_enough(attention_weights):
    scores, mask = torch.randn(2, 3, 5), torch.ones(3, 5, dtype=torch.bool).tril()
    assert attention_weights(scores).shape == (2, 3, 5)
    assert attention_weights(scores, mask).shape == (2, 3, 5)


@misconception(
    "test_attention_weights",
    title="the test compares, and then returns whether all is well instead of raising",
    hints=(
        "What happens to the value that your test returns?",
        "Look at the last line: a wrong solution must be stopped by an exception, and a returned False is none.",
        "A smoke detector that notes 'there is a fire' in its diary wakes nobody.",
    ),
    seen_in="plausible",
)
def verdict_returned(attention_weights):
    scores, mask = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[True, True, False]])
    expected = torch.tensor([[0.2689, 0.7311, 0.0]])
    return torch.allclose(attention_weights(scores, mask), expected, atol=1e-3)


@misconception(
    "test_attention_weights",
    title="the test asks whether each row has the sum 1, and for nothing else",
    hints=(
        "How many different rows of numbers have the sum 1?",
        "Look at your asserts: do they know which key should get how much?",
        "The shares 1/3, 1/3, 1/3 have the sum 1, and so have 0, 0, 1. At most one of them is right.",
    ),
    seen_in="plausible; a public check of many courses",
)
def sums_are_enough(attention_weights):
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, -2.0, 0.3]]).expand(3, 2, 4)
    mask = torch.tensor([[True, False, True, True], [True, True, False, True]])
    assert torch.allclose(attention_weights(scores).sum(-1), torch.ones(3, 2), atol=1e-4)
    assert torch.allclose(attention_weights(scores, mask).sum(-1), torch.ones(3, 2), atol=1e-4)


@misconception(
    "test_attention_weights",
    title="the test asks whether hidden keys get 0, and not what the others get",
    hints=(
        "What would your test say to a function that returns zeros everywhere?",
        "Look at the keys that are not hidden: what do they get, and from which score?",
        "A door that keeps all thieves out keeps everybody out if it is a wall. Try it with a friend as well.",
    ),
    seen_in="plausible",
)
def zeros_are_enough(attention_weights):
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, -2.0, 0.3]])
    mask = torch.tensor([[True, False, True, True], [True, True, False, True]])
    assert (attention_weights(scores, mask)[~mask].abs() < 1e-6).all()


@misconception(
    "test_attention_weights",
    title="the test never hands over a mask",
    hints=(
        "Which of the two arguments does your test never use?",
        "Look at your calls: most of what the docstring asks for concerns the mask.",
        "Whoever tests a car on a straight road alone learns nothing about its steering wheel.",
    ),
    seen_in="plausible",
)
def never_masked(attention_weights):
    for shape in ((3, 5), (2, 3, 5), (2, 4, 3, 5)):
        scores = torch.linspace(-2, 3, math.prod(shape)).sin().reshape(shape)
        assert torch.allclose(attention_weights(scores), torch.softmax(scores, dim=-1), atol=1e-5)


@misconception(
    "test_attention_weights",
    title="the only mask of the test is True everywhere and hides nothing",
    hints=(
        "How many keys does your mask hide?",
        "Look at the mask. A solution that ignores it altogether gives the numbers that you ask for.",
        "A curtain that is tested only while it is open may as well be a picture of a curtain.",
    ),
    seen_in="plausible",
)
def nothing_hidden(attention_weights):
    for shape in ((3, 5), (2, 3, 5), (2, 4, 3, 5)):
        scores = torch.linspace(-2, 3, math.prod(shape)).sin().reshape(shape)
        mask = torch.ones(3, 5, dtype=torch.bool)
        assert torch.allclose(attention_weights(scores, mask), torch.softmax(scores, dim=-1), atol=1e-5)


@misconception(
    "test_attention_weights",
    title="all scores of the test are equal, and its rows look like its columns",
    hints=(
        "If all scores are 0, and there are as many queries as keys, which mistakes could your test notice?",
        "Look at the numbers and at the sizes that you hand over. Where everything is alike, mistakes are too.",
        "Three queries and three keys, equal scores, one key hidden from each: the weights are 1/2, whether the shares "
        "were taken along the rows or along the columns.",
    ),
    seen_in="plausible; tests with torch.ones and torch.zeros are common",
)
def equal_scores(attention_weights):
    mask = torch.tensor([[True, True, False], [False, True, True], [True, False, True]])
    assert torch.allclose(attention_weights(torch.zeros(3, 3), mask), mask / 2, atol=1e-3)


@misconception(
    "test_attention_weights",
    title="the test knows scores of two axes only, without a batch or heads",
    hints=(
        "How many axes have the scores in your test, and how many in a real model?",
        "Look at the shapes of your scores: (Lq, Lk) is one case of (..., Lq, Lk).",
        "Axis 1 of (4, 6) holds the keys, axis 1 of (2, 4, 6) holds the queries. One shape alone cannot tell them "
        "apart.",
    ),
    seen_in="plausible",
)
def two_axes_only(attention_weights):
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, -2.0, 0.3]])
    mask = torch.tensor([[True, False, True, True], [True, True, False, True]])
    for shift in (0.0, -300.0):
        expected = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
        assert torch.allclose(attention_weights(scores + shift * mask, mask), expected, atol=1e-4)
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    x = scores.clone().requires_grad_()
    weights = attention_weights(x, nothing)
    assert torch.equal(weights, torch.zeros(2, 4))
    (gradient,) = torch.autograd.grad((weights * scores).sum(), x)
    assert gradient.isfinite().all()
    try:
        attention_weights(scores, mask.float())
    except ValueError:
        return
    raise AssertionError("a mask of numbers was accepted")


@misconception(
    "test_attention_weights",
    title="every query of the test may attend to something, and every mask is a bool tensor",
    hints=(
        "What should happen to a query whose row of the mask is False throughout? And to a mask of numbers?",
        "Look at the docstring again: the last two sentences before the shapes, and the line that begins with Raises.",
        "A test of a division that never divides by 0 has left out the case in which divisions go wrong.",
    ),
    seen_in="plausible",
)
def no_edge_cases(attention_weights):
    for shape in ((3, 5), (2, 3, 5), (2, 4, 3, 5)):
        scores = torch.linspace(-2, 3, math.prod(shape)).sin().reshape(shape)
        mask = torch.ones(3, 5, dtype=torch.bool).tril()
        expected = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
        assert torch.allclose(attention_weights(scores, mask), expected, atol=1e-4)
        assert torch.allclose(attention_weights(scores - 300.0 * mask, mask), expected, atol=1e-4)


@misconception(
    "test_attention_weights",
    title="the test looks at weights alone and never asks for a gradient",
    hints=(
        "A network learns from gradients. Does your test ever look at one?",
        "Look at the query that may attend to nothing. Its weights may be right, and what comes back wrong.",
        "A nan times 0 is nan. Whoever paints over the nan of a row in the weights meets it again on the way back.",
    ),
    seen_in="plausible; pytorch #41508 is about such a nan",
)
def gradients_never_asked(attention_weights):
    for shape in ((4, 5), (3, 4, 5), (2, 3, 4, 5)):
        scores = torch.linspace(-2, 3, math.prod(shape)).sin().reshape(shape)
        mask = torch.ones(4, 5, dtype=torch.bool).tril()
        expected = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
        assert torch.allclose(attention_weights(scores - 300.0 * mask, mask), expected, atol=1e-4)
        assert torch.equal(attention_weights(scores, torch.zeros(4, 5, dtype=torch.bool)), torch.zeros(shape))
    try:
        attention_weights(scores, mask.float())
    except ValueError:
        return
    raise AssertionError("a mask of numbers was accepted")


@misconception(
    "test_attention_weights",
    title="the scores of the test are all of ordinary size, so that a fill value of -10 or -100 looks low enough",
    hints=(
        "How low is a hidden score? And how low may the others be?",
        "Look at the size of your scores. Which weights would a solution give that fills with -10, if all open scores "
        "were lower than that?",
        "Open scores near -60 and a hidden one filled with -10: the hidden key gets everything.",
    ),
    seen_in="plausible; a fill of -10000 hid another mistake in hyunwoongko/transformer (its PR #40)",
)
def ordinary_scores_only(attention_weights):
    scores = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(4, 5, dtype=torch.bool).tril()
    expected = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
    assert torch.allclose(attention_weights(scores, mask), expected, atol=1e-3)
    assert torch.allclose(attention_weights(scores[0], mask), expected[0], atol=1e-3)
    x, nothing = scores[0, 0].clone().requires_grad_(), torch.zeros(4, 5, dtype=torch.bool)
    weights = attention_weights(x, nothing)
    assert torch.equal(weights, torch.zeros(4, 5))
    (gradient,) = torch.autograd.grad((weights * scores[1, 0]).sum(), x)
    assert gradient.isfinite().all()
    try:
        attention_weights(scores, mask.float())
    except ValueError:
        return
    raise AssertionError("a mask of numbers was accepted")


@misconception(
    "test_attention_weights",
    title="the test asks for numbers that are equal to the last digit, and so stops right solutions",
    hints=(
        "Must two right ways of computing the same thing agree in every digit?",
        "Look at how you compare: `==` and `torch.equal` leave no room for rounding.",
        "In floating point 0.1 + 0.2 is not equal to 0.3. It is close.",
    ),
    seen_in="plausible; CS336 and ARENA warn of it",
)
def equal_to_the_last_digit(attention_weights):
    scores = torch.linspace(-2, 3, 60).sin().reshape(4, 3, 5)
    mask = torch.ones(3, 5, dtype=torch.bool).tril()
    expected = torch.softmax(scores.double().masked_fill(~mask, -math.inf), dim=-1).float()
    assert torch.equal(attention_weights(scores, mask), expected)


@misconception(
    "test_attention_weights",
    title="the test stops every solution, the right ones as well",
    hints=(
        "What does your test say to your own `attention_weights`?",
        "Run your test on your own function first: `test_attention_weights(attention_weights)` should return in "
        "silence. Then check the number that it expects.",
        "A judge who finds everybody guilty has found every thief, and is still no judge.",
    ),
    seen_in="plausible",
)
def everything_stopped(attention_weights):
    scores, mask = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[True, True, False]])
    # The weights without the mask, taken for those with it.
    assert torch.allclose(attention_weights(scores, mask), torch.softmax(scores, dim=-1), atol=1e-3)


@misconception(
    "test_attention_weights",
    title="the scores of the test are whole numbers of an integer dtype, with which no right solution can work",
    hints=(
        "Which dtype have scores in a network?",
        "Look at how you make the scores: `torch.arange(6)` and `torch.tensor([1, 2, 3])` are int64.",
        "torch.tensor([1, 2]) holds integers and has no place for -inf. torch.tensor([1.0, 2.0]) has.",
    ),
    seen_in="plausible",
)
def whole_numbers(attention_weights):
    scores, mask = torch.tensor([[1, 2, 4]]), torch.tensor([[True, True, False]])
    expected = torch.tensor([[0.2689, 0.7311, 0.0]])
    assert torch.allclose(attention_weights(scores, mask), expected, atol=1e-3)
