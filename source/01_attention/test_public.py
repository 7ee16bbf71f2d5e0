"""Checks of 01_attention that you may read, run and learn from.

They ask PyTorch, numbers worked out by hand, or properties that must hold for every input; they do not know the
solution. Within an exercise they go from simple to whole: mend the first one that fails. The checks that earn points
ask the same kinds of questions about other inputs.
"""

import math

import torch

from autograder.checks import (
    FreshAxes,
    Picture,
    assert_close,
    assert_raises,
    assert_tells_apart,
    assert_true,
    exercise,
    suspect,
)

# --- softmax ----------------------------------------------------------------------------------------------------------


@exercise("softmax")
def test_softmax_of_a_row_worked_out_by_hand(student):
    """The scores 0, ln 2 and ln 5 have the exponentials 1, 2 and 5, and so the weights 1/8, 2/8 and 5/8."""
    scores = torch.tensor([0.0, math.log(2), math.log(5)])
    assert_close(student.softmax(scores), torch.tensor([1 / 8, 2 / 8, 5 / 8]), "softmax", "the weights")


@exercise("softmax")
def test_softmax_along_each_axis(student, draw):
    """The weights sum to 1 along the axis that `dim` names, and along no other."""
    x = draw.normal(3, 5)

    down, across, by_default = student.softmax(x, dim=0), student.softmax(x, dim=1), student.softmax(x)

    assert_close(down, torch.softmax(x, dim=0), "softmax", "the weights along dim=0")
    assert_close(across, torch.softmax(x, dim=1), "softmax", "the weights along dim=1")
    assert_close(by_default, torch.softmax(x, dim=-1), "softmax", "the weights along the default axis, the last one")


@exercise("softmax")
def test_softmax_does_not_mind_a_constant(student, draw):
    """Adding the same number to all scores of a row changes nothing, not even a number as large as 1024."""
    # Multiples of 1/8 can be added to 1024 without rounding, so both calls see the very same differences.
    x = draw.integers(-20, 20, 3, 5) / 8

    assert_close(student.softmax(x + 1024), torch.softmax(x, dim=-1), "attention", "the weights of scores near 1024")


@exercise("softmax")
def test_softmax_of_minus_infinity(student):
    """A score of -inf gets a weight of exactly 0, even when there is no other score in its row."""
    scores = torch.tensor([[0.0, -math.inf, 0.0, 0.0], [-math.inf] * 4])
    expected = torch.tensor([[1 / 3, 0.0, 1 / 3, 1 / 3], [0.0] * 4])
    assert_close(student.softmax(scores), expected, "softmax", "the weights")


@exercise("softmax")
def test_softmax_does_not_touch_its_argument(student, draw):
    """The caller's scores are the same after the call as before it."""
    x = draw.normal(3, 5)
    assert_close(student.softmax.aftermath(x).arguments[0], x, "exact", "the argument after the call")


# --- attention_scores -------------------------------------------------------------------------------------------------


@exercise("attention_scores")
def test_scores_have_a_row_for_each_query(student, draw):
    """Two queries and three keys give two rows and three columns."""
    scores = student.attention_scores(draw.normal(2, 5), draw.normal(3, 5))
    assert_true(tuple(scores.shape) == (2, 3), f"The scores must have the shape (2, 3), got {tuple(scores.shape)}.")


@exercise("attention_scores")
def test_scores_worked_out_by_hand(student):
    """One query and two keys of width 4, with the dot products 10 and -2 and the scores 5 and -1."""
    q = torch.tensor([[1.0, 2.0, 0.0, -1.0]])
    k = torch.tensor([[3.0, 4.0, 7.0, 1.0], [0.0, -1.0, 5.0, 0.0]])
    assert_close(student.attention_scores(q, k), torch.tensor([[5.0, -1.0]]), "attention", "the scores")


@exercise("attention_scores")
def test_scores_of_a_batch_are_those_of_its_sentences(student, draw):
    """Two sentences in a batch get the scores that each of them gets alone."""
    q, k = draw.normal(2, 3, 7), draw.normal(2, 5, 7)

    together = student.attention_scores(q, k)
    alone = [student.attention_scores(q[i], k[i]) for i in range(2)]

    assert_close(together, torch.stack(alone), "attention", "the scores of the batch")


@exercise("attention_scores")
def test_scores_keep_their_size_when_vectors_grow(student, draw):
    """Random vectors have scores with a standard deviation near 1, whether their width is 4 or 400."""
    for width in (4, 400):
        spread = float(student.attention_scores(draw.normal(200, width), draw.normal(200, width)).std())
        message = (
            f"For vectors of width {width} your scores have the standard deviation {spread:.3g}; it should be near 1."
        )
        assert_true(0.7 < spread < 1.4, message)


@exercise("attention_scores")
def test_scores_of_unequal_widths(student, draw):
    """Queries of width 3 cannot be compared with keys of width 5: a ValueError says so."""
    assert_raises("ValueError", student.attention_scores, draw.normal(2, 3), draw.normal(4, 5))


# --- attention_weights ------------------------------------------------------------------------------------------------


@exercise("attention_weights")
def test_weights_of_each_query_sum_to_one(student, draw):
    """Each query has a weight of 1 to share out over the keys, with a batch and heads as well."""
    weights = student.attention_weights(draw.normal(2, 3, 5, 7))
    assert_close(weights.sum(-1), torch.ones(2, 3, 5), "softmax", "the sum of each query's weights")


@exercise("attention_weights")
def test_weights_with_a_mask_worked_out_by_hand(student):
    """Of the scores 0, ln 3 and 9 the last one is forbidden: the weights are 1/4, 3/4 and 0."""
    scores, mask = torch.tensor([[0.0, math.log(3), 9.0]]), torch.tensor([[True, True, False]])
    assert_close(student.attention_weights(scores, mask), torch.tensor([[0.25, 0.75, 0.0]]), "softmax", "the weights")


@exercise("attention_weights")
def test_a_forbidden_score_may_be_anything(student, draw):
    """The weights stay the same when a forbidden score changes, even from very low to very high."""
    scores, mask = draw.normal(3, 5), draw.mask(3, 5)

    low, high = (student.attention_weights(scores.masked_fill(~mask, s), mask) for s in (-60.0, 60.0))

    assert_close(high, low, "softmax", "the weights with other scores at the forbidden keys")
    assert_close(low.sum(-1), torch.ones(3), "softmax", "the sum of each query's weights")


@exercise("attention_weights")
def test_a_query_may_be_left_without_keys(student, draw):
    """A query whose keys are all forbidden gets zeros; the query next to it does not notice."""
    scores, mask = draw.normal(2, 3), torch.tensor([[False, False, False], [True, True, True]])
    expected = torch.stack([torch.zeros(3), torch.softmax(scores[1], dim=-1)])
    assert_close(student.attention_weights(scores, mask), expected, "softmax", "the weights")


@exercise("attention_weights")
def test_weights_want_a_bool_mask(student, draw):
    """A mask of ones and zeros could mean anything: it is refused with a ValueError."""
    assert_raises("ValueError", student.attention_weights, draw.normal(3, 5), torch.ones(3, 5))


# --- scaled_dot_product_attention -------------------------------------------------------------------------------------


@exercise("scaled_dot_product_attention")
def test_attention_returns_output_and_weights(student, draw):
    """Three queries, five keys and values of width 2 give an output of (3, 2) and weights of (3, 5)."""
    output, weights = student.scaled_dot_product_attention(draw.normal(3, 7), draw.normal(5, 7), draw.normal(5, 2))
    assert_true(tuple(output.shape) == (3, 2), f"The output must have the shape (3, 2), got {tuple(output.shape)}.")
    assert_true(tuple(weights.shape) == (3, 5), f"The weights must have the shape (3, 5), got {tuple(weights.shape)}.")


@exercise("scaled_dot_product_attention")
def test_attention_of_a_query_without_preference(student, draw):
    """A query of zeros likes all keys equally: it gets the plain mean of the values."""
    v = draw.normal(5, 3)
    output, _ = student.scaled_dot_product_attention(torch.zeros(1, 7), draw.normal(5, 7), v)
    assert_close(output, v.mean(0, keepdim=True), "attention", "the output")


@exercise("scaled_dot_product_attention")
def test_attention_to_a_single_key(student, draw):
    """A query that may attend to one key only receives the value of that key."""
    q, k, v = draw.normal(3, 7), draw.normal(5, 7), draw.normal(5, 2)
    chosen = torch.tensor([4, 0, 2])
    output, _ = student.scaled_dot_product_attention(q, k, v, torch.nn.functional.one_hot(chosen, 5).bool())
    assert_close(output, v[chosen], "attention", "the output")


@exercise("scaled_dot_product_attention")
def test_attention_worked_out_by_hand(student):
    """Width 4, dot products 0 and 2 ln 3, so scores 0 and ln 3, weights 1/4 and 3/4, and the output (2, 6)."""
    q = torch.tensor([[math.log(3), 0.0, 0.0, 0.0]])
    k = torch.tensor([[0.0, 1.0, 2.0, 3.0], [2.0, 0.0, 5.0, 1.0]])
    v = torch.tensor([[8.0, 0.0], [0.0, 8.0]])
    output, weights = student.scaled_dot_product_attention(q, k, v)
    assert_close(weights, torch.tensor([[0.25, 0.75]]), "attention", "the weights")
    assert_close(output, torch.tensor([[2.0, 6.0]]), "attention", "the output")


@exercise("scaled_dot_product_attention")
def test_attention_as_pytorch_does_it(student, draw):
    """On a batch with heads and a mask the output is that of PyTorch's own attention."""
    q, k, v = draw.normal(2, 3, 5, 7), draw.normal(2, 3, 11, 7), draw.normal(2, 3, 11, 13)
    mask = draw.mask(5, 11)
    output, _ = student.scaled_dot_product_attention(q, k, v, mask)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert_close(output, expected, "attention", "the output")


# --- SelfAttention ----------------------------------------------------------------------------------------------------

MAPS = ("w_q.weight", "w_k.weight", "w_v.weight")


@exercise("SelfAttention")
def test_layer_has_three_maps(student):
    """The layer has `w_q`, `w_k` and `w_v`, each from width 7 to width 3 and without bias."""
    state = student.SelfAttention(7, 3).state_dict()
    for name in MAPS:
        assert_true(name in state, f"SelfAttention has no parameter {name}; it has: {', '.join(state) or 'none'}.")
        shape = tuple(state[name].shape)
        assert_true(shape == (3, 7), f"{name} must have the shape (d_k, d_model) = (3, 7), got {shape}.")
    biases = [name for name in state if name.endswith("bias")]
    assert_true(not biases, f"The three maps have no bias, but here are {', '.join(biases)}.")


@exercise("SelfAttention")
def test_layer_of_a_single_word(student, draw):
    """A sentence of one word attends to itself alone: it comes out as its own value."""
    x, w_v = draw.normal(2, 1, 7), draw.normal(3, 7)
    layer = student.SelfAttention(7, 3)
    layer.load_state_dict({"w_v.weight": w_v}, strict=False)

    output, weights = layer(x)

    assert_close(weights, torch.ones(2, 1, 1), "attention", "the weights")
    assert_close(output, x @ w_v.T, "attention", "the output")


@exercise("SelfAttention")
def test_layer_does_not_know_the_order_of_words(student, draw):
    """When the words change places, their outputs change places with them."""
    layer, x, order = student.SelfAttention(7, 3), draw.normal(2, 5, 7), draw.permutation(5)
    output, _ = layer(x)
    moved, _ = layer(x[:, order])
    assert_close(moved, output[:, order], "attention", "the output for words in another order")


@exercise("SelfAttention")
def test_layer_with_a_mask_as_pytorch_does_it(student, draw):
    """With given weights and a mask the output is that of PyTorch's own attention."""
    x, mask = draw.normal(2, 5, 7), draw.mask(2, 5, 5)
    weights = {name: draw.normal(3, 7) / math.sqrt(7) for name in MAPS}
    layer = student.SelfAttention(7, 3)
    layer.load_state_dict(weights, strict=False)

    output, _ = layer(x, mask)

    q, k, v = (x @ weights[name].T for name in MAPS)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert_close(output, expected, "attention", "the output")


# --- plot_attention ---------------------------------------------------------------------------------------------------


@exercise("plot_attention")
def test_picture_has_a_row_for_each_query(student):
    """Two queries and three keys make a picture of two rows and three columns, with colours from 0 to 1."""
    weights = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]])
    picture = student.plot_attention(weights, ["a", "b"], ["x", "y", "z"])
    assert_true(isinstance(picture, Picture), "plot_attention must return the Axes that it has drawn into.")
    assert_true(picture.image is not None, "There is no image on the Axes.")
    assert_close(picture.image.float(), weights, "softmax", "the picture")
    assert_true(picture.limits == (0.0, 1.0), "The colours must run from 0 to 1 in every picture.")


@exercise("plot_attention")
def test_picture_names_the_tokens(student):
    """Beside the rows stand the query tokens, below the columns the key tokens."""
    picture = student.plot_attention(torch.full((2, 3), 1 / 3), ["a", "b"], ["x", "y", "z"])
    assert_true(isinstance(picture, Picture), "plot_attention must return the Axes that it has drawn into.")
    assert_true(picture.y_labels == ("a", "b"), f"The labels of the y axis must be a, b, got {picture.y_labels}.")
    assert_true(picture.x_labels == ("x", "y", "z"), f"Those of the x axis must be x, y, z, got {picture.x_labels}.")


@exercise("plot_attention")
def test_picture_is_drawn_into_given_axes(student):
    """Axes that are handed over are drawn into, and nothing is shown."""
    picture = student.plot_attention(torch.full((2, 3), 1 / 3), ["a", "b"], ["x", "y", "z"], FreshAxes())
    assert_true(isinstance(picture, Picture), "plot_attention must return the Axes that it has drawn into.")
    assert_true(picture.in_given_axes, "Draw into the Axes that were handed over, not into new ones.")
    assert_true(not picture.shown, "plot_attention must not show the picture: that is up to the caller.")


# --- causal_weights ---------------------------------------------------------------------------------------------------


@exercise("causal_weights")
def test_causal_weights_of_equal_scores(student):
    """With equal scores the first word reads itself, the second one half and half, and the third a third of each."""
    expected = torch.tensor([[1.0, 0.0, 0.0], [1 / 2, 1 / 2, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    assert_close(student.causal_weights(torch.zeros(3, 3)), expected, "softmax", "the weights")


@exercise("causal_weights")
def test_causal_weights_do_not_know_the_future(student, draw):
    """Later positions get exactly 0, whatever their scores, and the weights before them stay the same."""
    scores, future = draw.normal(2, 5, 5) - 20, torch.ones(5, 5).triu(1).bool()

    low, high = (student.causal_weights(scores.masked_fill(future, s)) for s in (-80.0, 80.0))

    assert_close(high, low, "softmax", "the weights with other scores of later positions")
    assert_close(low[:, future], torch.zeros(2, 10), "exact", "the weights of later positions")
    assert_close(high.sum(-1), torch.ones(2, 5), "softmax", "the sum of each row")


# --- test_attention_weights -------------------------------------------------------------------------------------------


def by_pytorch(scores, mask=None):
    """PyTorch's own attention, asked for its weights: keys and values are chosen so that it returns them."""
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError("the mask must be bool")
    eye = torch.eye(scores.size(-1), dtype=scores.dtype).expand(*scores.shape[:-2], -1, -1)
    return torch.nn.functional.scaled_dot_product_attention(scores, eye, eye, attn_mask=mask, scale=1.0)


def every_open_key_the_same(scores, mask=None):
    """Wrong: it does not look at the scores."""
    keys = torch.ones_like(scores) if mask is None else mask.expand(scores.shape).to(scores.dtype)
    return keys / keys.sum(-1, keepdim=True).clamp(min=1)


def mask_left_aside(scores, mask=None):
    """Wrong: the mask is not looked at."""
    return torch.softmax(scores, dim=-1)


@exercise("test_attention_weights")
def test_your_test_lets_a_right_solution_pass(student, draw):
    """A right solution, PyTorch's own, passes your test; one that does not look at the scores is stopped."""
    wrong = [suspect(every_open_key_the_same, "every open key gets the same, whatever its score")]
    right = [suspect(by_pytorch, "PyTorch's own attention, asked for its weights.")]
    assert_tells_apart(student.test_attention_weights, right, wrong, draw)


@exercise("test_attention_weights")
def test_your_test_stops_a_solution_without_a_mask(student, draw):
    """A right solution passes your test; one that takes no notice of the mask is stopped."""
    wrong = [suspect(mask_left_aside, "the mask is not looked at")]
    right = [suspect(by_pytorch, "PyTorch's own attention, asked for its weights.")]
    assert_tells_apart(student.test_attention_weights, right, wrong, draw)
