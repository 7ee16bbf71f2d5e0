"""Hidden checks of 01_attention. All points are earned here, on inputs that nobody has seen.

The oracles know nothing of solutions/: PyTorch's own operators in double precision, and a slow loop over single
numbers. Sizes are distinct primes, so that a swapped axis cannot pass; where sizes are equal, that is the point of the
check. A check makes its calls before it compares, so that a known mistake can be recognised by more than one of them.
"""

import math

import torch

from autograder.checks import (
    FreshAxes,
    Picture,
    assert_close,
    assert_equal,
    assert_raises,
    assert_tells_apart,
    assert_true,
    catches,
    exercise,
    points,
)

NO_SHARES = (
    "softmax_over_everything",
    "log_softmax_returned",
    "softmax_twice",
    "softmax_not_normalised",
    "softmax_without_exponential",
    "sigmoid_instead_of_softmax",
)
WRONG_SCALES = ("no_scale", "scale_by_d_k", "multiplied_by_root", "scale_by_key_count", "cosine_instead_of_dot_product")
WRONG_SCORES = (*WRONG_SCALES, "keys_times_queries", "softmax_in_scores")
WRONG_AXES = ("softmax_over_queries", "softmax_over_dim_one", "softmax_axis_left_out")
WRONG_MASKS = (
    "mask_after_softmax",
    "fill_with_zero",
    "bool_mask_added",
    "additive_mask_wrong_sign",
    "mask_inverted",
    "mask_without_effect",
)


def softmax_by_torch(x, dim=-1):
    """The softmax in double precision, as float32."""
    return torch.softmax(x.double(), dim).float()


def weights_by_torch(scores, mask):
    """The weights in double precision, as float32; no row may be fully masked."""
    return softmax_by_torch(scores.masked_fill(~mask, -math.inf))


def attention_by_loops(q, k, v, mask=None):
    """Attention within one sentence, one number at a time; returns the output and the weights."""
    output = torch.zeros(len(q), v.size(-1), dtype=torch.float64)
    weights = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i, query in enumerate(q.tolist()):
        allowed = [j for j in range(len(k)) if mask is None or mask[i, j]]
        scores = {j: math.fsum(a * b for a, b in zip(query, k[j].tolist(), strict=True)) for j in allowed}
        powers = {j: math.exp(score / math.sqrt(len(query))) for j, score in scores.items()}
        for j, power in powers.items():
            weights[i, j] = power / math.fsum(powers.values())
            output[i] += weights[i, j] * v[j].double()
    return output.float(), weights.float()


def gradients_by_torch(function, tensors, toward):
    """The gradients of (function(*tensors) * toward).sum() in double precision, as float32."""
    leaves = [t.double().requires_grad_() for t in tensors]
    (function(*leaves) * toward.double()).sum().backward()
    return [leaf.grad.float() for leaf in leaves]


def assert_left_alone(aftermath, *arguments):
    """The arguments are bit for bit what they were, and no random number was drawn."""
    for found, before in zip(aftermath.arguments, arguments, strict=True):
        assert_close(found, before, "exact", "an argument after the call")
    assert_true(aftermath.random_state_kept, "The call has moved PyTorch's global random generator.")


def assert_gradient(found, expected, what):
    """A gradient arrives and is right."""
    assert_true(found is not None, f"No gradient reaches {what}: something on the way cannot be differentiated.")
    assert_close(found, expected, "gradient", f"the gradient of {what}")


# --- softmax ----------------------------------------------------------------------------------------------------------


@exercise("softmax")
@points(3)
@catches("no_keepdim", *NO_SHARES)
def test_softmax_along_the_last_axis(student, draw):
    """The weights along the last axis are right, for tensors of any rank."""
    # Equal sides on purpose: sums that have lost their axis line up with the wrong rows and raise no error.
    cube, batch, row = draw.normal(5, 5, 5), draw.normal(2, 3, 5, 7), draw.normal(11)

    assert_close(student.softmax(cube), softmax_by_torch(cube), "softmax", "the weights of a 5 x 5 x 5 tensor")
    assert_close(student.softmax(batch), softmax_by_torch(batch), "softmax", "the weights of a tensor with four axes")
    assert_close(student.softmax(row), softmax_by_torch(row), "softmax", "the weights of a single row")


@exercise("softmax")
@points(3)
@catches("softmax_dim_ignored", *NO_SHARES)
def test_softmax_along_the_axis_that_was_asked_for(student, draw):
    """`dim` decides which axis sums to 1, counted from the front or from the end."""
    x = draw.normal(2, 3, 5)

    first, middle, from_the_end = student.softmax(x, 0), student.softmax(x, dim=1), student.softmax(x, dim=-2)

    assert_close(first, softmax_by_torch(x, 0), "softmax", "the weights along dim=0")
    assert_close(middle, softmax_by_torch(x, 1), "softmax", "the weights along dim=1")
    assert_close(from_the_end, softmax_by_torch(x, -2), "softmax", "the weights along dim=-2")


@exercise("softmax")
@points(4)
@catches("no_peak_subtracted", "smallest_subtracted", "peak_of_everything")
def test_softmax_of_scores_far_from_zero(student, draw):
    """Scores of any size, -inf among them, give finite and right weights."""
    x = draw.normal(3, 7)
    far = x + torch.tensor([[1000.0], [0.0], [-1000.0]])
    spread = x * 1000
    cut = (x + 500).masked_fill(~draw.mask(3, 7), -math.inf)

    of_far, of_spread, of_cut = student.softmax(far), student.softmax(spread), student.softmax(cut)

    # A row's sum or its logarithm near 1000 carries the coarse rounding of such numbers, hence the wider tolerance.
    assert_close(of_far, softmax_by_torch(far), "attention", "the weights of rows near 1000, 0 and -1000")
    assert_close(of_spread, softmax_by_torch(spread), "attention", "the weights of scores thousands apart")
    assert_close(of_cut, softmax_by_torch(cut), "attention", "the weights of rows in which some scores are -inf")


@exercise("softmax")
@points(2)
@catches("nothing_to_choose_gives_nan", "log_softmax_returned", "softmax_without_exponential")
def test_softmax_with_nothing_to_choose_from(student, draw):
    """A row of only -inf gets weights of exactly 0, and its gradients stay finite."""
    x = draw.normal(3, 5)
    x[1] = -math.inf

    weights = student.softmax(x)
    gradient = student.softmax.gradients(x, toward=draw.normal(3, 5)).arguments[0]

    assert_close(weights[1:2], torch.zeros(1, 5), "exact", "the row of weights that belongs to only -inf")
    assert_close(weights[::2], softmax_by_torch(x[::2]), "softmax", "the weights of the other rows")
    # Whether a gradient arrives at all is the business of another check.
    finite = gradient is None or gradient.isfinite().all()
    assert_true(finite, "The gradients of a row of only -inf are not finite.")


@exercise("softmax")
@points(3)
@catches("softmax_cuts_the_graph", "softmax_in_single_precision", "softmax_in_place")
def test_softmax_fits_into_a_larger_computation(student, draw):
    """The dtype is kept, gradients flow back, and neither the argument nor the random state is changed."""
    inputs = [draw.normal(3, 5), draw.normal(2, 3, 7)]
    towards = [draw.normal(3, 5), draw.normal(2, 3, 7)]

    in_double = [student.softmax(x.double()) for x in inputs]
    left = [student.softmax.aftermath(x) for x in inputs]
    gradients = [student.softmax.gradients(x, toward=w).arguments[0] for x, w in zip(inputs, towards, strict=True)]

    for x, toward, weights, after, gradient in zip(inputs, towards, in_double, left, gradients, strict=True):
        assert_left_alone(after, x)
        assert_close(weights, torch.softmax(x.double(), -1), "softmax", "the weights of float64 scores")
        (expected,) = gradients_by_torch(lambda x: torch.softmax(x, -1), [x], toward)
        assert_gradient(gradient, expected, "the scores")


# --- attention_scores -------------------------------------------------------------------------------------------------


@exercise("attention_scores")
@points(4)
@catches(*WRONG_SCORES)
def test_scores_are_scaled_dot_products(student, draw):
    """Row i, column j holds the scaled dot product of query i and key j."""
    q, k = draw.normal(3, 7), draw.normal(5, 7)
    other_q, other_k = draw.normal(2, 11), draw.normal(3, 11)

    one, other = student.attention_scores(q, k), student.attention_scores(other_q, other_k)

    for found, queries, keys in ((one, q, k), (other, other_q, other_k)):
        rows = [[math.fsum(a * b for a, b in zip(i, j, strict=True)) for j in keys.tolist()] for i in queries.tolist()]
        assert_close(found, torch.tensor(rows) / math.sqrt(queries.size(-1)), "attention", "the scores")


@exercise("attention_scores")
@points(3)
@catches("width_read_from_axis_one", "all_axes_transposed", "axes_counted_from_the_front", *WRONG_SCORES)
def test_scores_carry_leading_axes_along(student, draw):
    """A batch, or a batch and heads, in front changes nothing: each sentence is compared with itself."""
    for leading in ((2,), (2, 3), ()):
        q, k = draw.normal(*leading, 5, 11), draw.normal(*leading, 7, 11)
        expected = torch.einsum("...id,...jd->...ij", q.double(), k.double()) / math.sqrt(11)
        found = student.attention_scores(q, k)
        assert_close(found, expected.float(), "attention", f"the scores with {len(leading)} leading axes")


@exercise("attention_scores")
@points(4)
@catches("width_read_from_axis_one", "softmax_in_scores", *WRONG_SCALES)
def test_scores_have_the_right_scale_for_every_width(student, draw):
    """The scale depends on the width alone, and in the right way."""
    # Unit vectors are compared with themselves, so what is on the diagonal is the scale and nothing else.
    eyes = [torch.eye(width).expand(2, 1, width, width)[..., :3, :] for width in (2, 7, 64, 1)]

    found = [student.attention_scores(eye, eye) for eye in eyes]

    for eye, scores in zip(eyes, found, strict=True):
        expected = torch.eye(eye.size(-2)).expand(2, 1, -1, -1) / math.sqrt(eye.size(-1))
        assert_close(scores, expected, "attention", f"the scores of unit vectors of width {eye.size(-1)}")


@exercise("attention_scores")
@points(3)
@catches("scores_cut_the_graph", "scores_in_single_precision", "query_scaled_in_place")
def test_scores_fit_into_a_larger_computation(student, draw):
    """The dtype is kept, gradients flow back, and neither the arguments nor the random state are changed."""
    q, k, toward = draw.normal(2, 3, 7), draw.normal(2, 5, 7), draw.normal(2, 3, 5)

    in_double = [student.attention_scores(q.double(), k.double()), student.attention_scores(k.double(), q.double())]
    left = [student.attention_scores.aftermath(q, k), student.attention_scores.aftermath(k, q)]
    of_q, of_k = student.attention_scores.gradients(q, k, toward=toward).arguments
    student.attention_scores.gradients(q, k)

    assert_left_alone(left[0], q, k)
    assert_left_alone(left[1], k, q)
    expected = q.double() @ k.double().transpose(-2, -1) / math.sqrt(7)
    assert_close(in_double[0], expected, "attention", "the scores of float64 vectors")
    by_torch = gradients_by_torch(lambda q, k: q @ k.transpose(-2, -1) / math.sqrt(7), [q, k], toward)
    assert_gradient(of_q, by_torch[0], "the queries")
    assert_gradient(of_k, by_torch[1], "the keys")


@exercise("attention_scores")
@points(1)
@catches("width_not_checked")
def test_scores_refuse_vectors_of_different_width(student, draw):
    """Queries and keys of different width raise a ValueError."""
    q, k = draw.normal(2, 3, 5), draw.normal(2, 3, 7)

    assert_raises("ValueError", student.attention_scores, q, k)
    assert_raises("ValueError", student.attention_scores, k, q)


# --- attention_weights ------------------------------------------------------------------------------------------------


@exercise("attention_weights")
@points(3)
@catches(*WRONG_AXES, *NO_SHARES)
def test_weights_share_out_the_keys(student, draw):
    """Without a mask each query shares out a weight of 1 over the keys, with any number of leading axes."""
    inputs = [draw.normal(2, 3, 5, 7), draw.normal(2, 3, 5), draw.normal(3, 5)]

    found = [student.attention_weights(scores) for scores in inputs]

    for scores, weights in zip(inputs, found, strict=True):
        what = f"the weights of scores with {scores.dim()} axes"
        assert_close(weights, softmax_by_torch(scores), "softmax", what)


@exercise("attention_weights")
@points(5)
@catches(*WRONG_MASKS, *WRONG_AXES, *NO_SHARES)
def test_weights_are_shared_among_the_allowed_keys(student, draw):
    """With a mask each query shares out its weight over the keys that it may attend to."""
    scores, mask = draw.normal(2, 3, 7), draw.mask(2, 3, 7)
    table, small_mask = draw.normal(5, 3), draw.mask(5, 3)

    batched, single = student.attention_weights(scores, mask), student.attention_weights(table, small_mask)

    assert_close(batched, weights_by_torch(scores, mask), "softmax", "the weights")
    assert_close(single, weights_by_torch(table, small_mask), "softmax", "the weights without a batch")


@exercise("attention_weights")
@points(3)
@catches("mask_must_have_full_shape", *WRONG_MASKS, *WRONG_AXES, *NO_SHARES)
def test_weights_with_a_mask_that_is_broadcast(student, draw):
    """One mask may serve several queries, heads or sentences at once."""
    scores = draw.normal(2, 3, 5, 7)
    masks = [draw.mask(5, 7), draw.mask(2, 1, 1, 7), draw.mask(1, 3, 5, 7), draw.mask(7)]

    found = [student.attention_weights(scores, mask) for mask in masks]

    for mask, weights in zip(masks, found, strict=True):
        what = f"the weights with a mask of shape {tuple(mask.shape)}"
        assert_close(weights, weights_by_torch(scores, mask), "softmax", what)


@exercise("attention_weights")
@points(4)
@catches("fill_too_small", "fill_minus_hundred", "renormalised_after_mask", *WRONG_MASKS)
def test_a_forbidden_key_has_no_influence(student, draw):
    """A key that a query may not attend to has no influence, however large its score and however low the others."""
    scores, mask = draw.normal(2, 5, 7), draw.mask(2, 5, 7)
    expected = weights_by_torch(scores, mask)
    # The allowed scores sink below whatever number a forbidden one might have been filled with.
    sunk = [scores - depth * mask for depth in (50, 150, 300)]

    before, after = (student.attention_weights(s, mask) for s in (scores, scores + 1000 * ~mask))
    of_sunk = [student.attention_weights(s, mask) for s in sunk]

    for found, s in zip(of_sunk, sunk, strict=True):
        assert_close(found, weights_by_torch(s, mask), "attention", "the weights when the allowed scores are low")
    assert_close(before, expected, "softmax", "the weights")
    assert_close(after, expected, "softmax", "the weights when the forbidden scores are large")


@exercise("attention_weights")
@points(3)
@catches("fully_masked_row_uniform", "nan_painted_over", "nothing_to_choose_gives_nan")
def test_a_query_without_keys_gets_no_weights(student, draw):
    """A query that may attend to nothing gets weights of exactly 0, and all gradients stay finite."""
    scores, mask, toward = draw.normal(2, 3, 5), draw.mask(2, 3, 5), draw.normal(2, 3, 5)
    mask[0, 1] = mask[1, 2] = False
    empty = ~mask.any(-1)

    weights = student.attention_weights(scores, mask)
    one_row = student.attention_weights(scores[0, :1], torch.zeros(1, 5, dtype=torch.bool))
    gradients = [student.attention_weights.gradients(s, mask, toward=toward).arguments[0] for s in (scores, -scores)]

    assert_close(weights[empty], torch.zeros(2, 5), "exact", "the weights of a query that may attend to nothing")
    assert_close(one_row, torch.zeros(1, 5), "exact", "the weights of a single query that may attend to nothing")
    expected = weights_by_torch(scores[~empty], mask[~empty])
    assert_close(weights[~empty], expected, "softmax", "the weights of the other queries")
    finite = all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    assert_true(finite, "The gradients are not finite when a query may attend to nothing.")


@exercise("attention_weights")
@points(1)
@catches("masked_in_place", "softmax_in_place", "softmax_in_single_precision", "softmax_cuts_the_graph")
def test_weights_leave_scores_and_mask_alone(student, draw):
    """The dtype is kept, gradients flow back, and neither the arguments nor the random state are changed."""
    scores, mask, toward = draw.normal(2, 3, 5), draw.mask(2, 3, 5), draw.normal(2, 3, 5)

    left = [student.attention_weights.aftermath(s, mask) for s in (scores, -scores)]
    unmasked = [student.attention_weights.aftermath(s) for s in (scores, -scores)]
    in_double = [student.attention_weights(s.double(), mask) for s in (scores, -scores)]
    gradients = [student.attention_weights.gradients(s, mask, toward=toward).arguments[0] for s in (scores, -scores)]

    for s, after, after_unmasked, gradient in zip((scores, -scores), left, unmasked, gradients, strict=True):
        assert_left_alone(after, s, mask)
        assert_left_alone(after_unmasked, s)
        (right,) = gradients_by_torch(lambda s: torch.softmax(s.masked_fill(~mask, -math.inf), -1), [s], toward)
        assert_gradient(gradient, right, "the scores")
    expected = weights_by_torch(scores, mask).double()
    assert_close(in_double[0], expected, "softmax", "the weights of float64 scores")


@exercise("attention_weights")
@points(1)
@catches("float_mask_accepted")
def test_weights_refuse_a_mask_of_numbers(student, draw):
    """A mask that is not bool raises a ValueError that says so."""
    scores, mask = draw.normal(2, 3, 5), draw.mask(2, 3, 5)

    assert_raises("ValueError", student.attention_weights, scores, mask.float())
    assert_raises("ValueError", student.attention_weights, scores, mask.long())


# --- scaled_dot_product_attention -------------------------------------------------------------------------------------


@exercise("scaled_dot_product_attention")
@points(6)
@catches(
    "values_never_used",
    "keys_and_values_swapped",
    "only_the_output_returned",
    "weights_before_the_output",
    "scores_returned_as_weights",
    "scale_after_softmax",
    "divided_by_the_number_of_keys",
    "winner_takes_all",
    "dropout_always_on",
    "width_read_from_axis_one",
    "all_axes_transposed",
    *WRONG_SCORES,
    *WRONG_AXES,
    *NO_SHARES,
)
def test_attention_averages_the_values(student, draw):
    """Without a mask the output is the weighted average of the values, and both results are right."""
    q, k = draw.normal(2, 3, 7), draw.normal(2, 5, 7)
    # Values as wide as the keys first: keys in the place of values then give numbers instead of a wrong shape.
    for width in (7, 11):
        v = draw.normal(2, 5, width)
        output, weights = student.scaled_dot_product_attention(q, k, v)
        expected = [attention_by_loops(*sentence) for sentence in zip(q, k, v, strict=True)]
        assert_close(weights, torch.stack([w for _, w in expected]), "attention", "the weights")
        assert_close(output, torch.stack([o for o, _ in expected]), "attention", "the output")


@exercise("scaled_dot_product_attention")
@points(6)
@catches(
    "mask_only_in_the_output",
    "values_never_used",
    "winner_takes_all",
    "axes_counted_from_the_front",
    "mask_must_have_full_shape",
    *WRONG_MASKS,
    *WRONG_SCORES,
    *WRONG_AXES,
    *NO_SHARES,
)
def test_attention_with_a_mask(student, draw):
    """A mask limits the average to the allowed keys, in every head and in every sentence."""
    q, k, v = draw.normal(2, 3, 5, 11), draw.normal(2, 3, 7, 11), draw.normal(2, 3, 7, 13)
    masks = [draw.mask(5, 7), draw.mask(2, 1, 1, 7)]

    found = [student.scaled_dot_product_attention(q, k, v, mask) for mask in masks]

    for mask, (output, weights) in zip(masks, found, strict=True):
        scores = q.double() @ k.double().transpose(-2, -1) / math.sqrt(11)
        by_torch = torch.nn.functional.scaled_dot_product_attention(q.double(), k.double(), v.double(), attn_mask=mask)
        assert_close(weights, weights_by_torch(scores, mask), "attention", "the weights")
        assert_close(output, by_torch.float(), "attention", "the output")


@exercise("scaled_dot_product_attention")
@points(4)
@catches("scale_after_softmax", *WRONG_SCALES)
def test_attention_has_the_right_temperature(student, draw):
    """Two keys whose dot products differ get weights in the ratio that the scale allows, whatever the width."""
    slopes = []
    for width in (3, 11):
        q, k, v = draw.normal(5, width), draw.normal(7, width), draw.normal(7, 2)
        _, weights = student.scaled_dot_product_attention(q, k, v)
        assert_equal(tuple(weights.shape), (5, 7), "the shape of the weights")
        assert_true((weights > 0).all(), "Without a mask every weight is larger than 0.")
        # log(w_ij / w_ik) is the scale times the difference of the dot products: its slope is the scale.
        logs, dots = weights.double().log(), q.double() @ k.double().T
        rise, run = logs - logs.mean(-1, keepdim=True), dots - dots.mean(-1, keepdim=True)
        slopes.append((rise * run).sum() / (run * run).sum())

    found, expected = torch.stack(slopes).float(), torch.tensor([3.0, 11.0]).rsqrt()
    assert_close(found, expected, "attention", "the scale that your weights reveal for the widths 3 and 11")


@exercise("scaled_dot_product_attention")
@points(3)
@catches("fully_masked_row_uniform", "nan_painted_over", "nothing_to_choose_gives_nan")
def test_attention_of_a_query_without_keys(student, draw):
    """A query that may attend to nothing gets an output of exactly 0, and all gradients stay finite."""
    q, k, v = draw.normal(2, 3, 7), draw.normal(2, 5, 7), draw.normal(2, 5, 11)
    mask = draw.mask(2, 3, 5)
    mask[0, 1] = mask[1] = False
    empty = ~mask.any(-1)

    output, weights = student.scaled_dot_product_attention(q, k, v, mask)
    gradients = student.scaled_dot_product_attention.gradients(q, k, v, mask, toward=draw.normal(2, 3, 11)).arguments

    assert_close(weights[empty], torch.zeros(4, 5), "exact", "the weights of a query that may attend to nothing")
    assert_close(output[empty], torch.zeros(4, 11), "exact", "the output of a query that may attend to nothing")
    expected, _ = attention_by_loops(q[0], k[0], v[0], mask[0])
    assert_close(output[0], expected, "attention", "the output in the same sentence")
    finite = all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    assert_true(finite, "The gradients are not finite when a query may attend to nothing.")


@exercise("scaled_dot_product_attention")
@points(5)
@catches(
    "weights_detached_too_early", "softmax_cuts_the_graph", "scores_cut_the_graph", "values_never_used", *WRONG_MASKS
)
def test_gradients_of_attention(student, draw):
    """Gradients reach queries, keys and values, and none reaches a key that nobody may attend to."""
    q, k, v, toward = draw.normal(2, 3, 7), draw.normal(2, 5, 7), draw.normal(2, 5, 11), draw.normal(2, 3, 11)
    mask = draw.mask(2, 3, 5)
    mask[..., 0], mask[..., 1] = False, True

    found = student.scaled_dot_product_attention.gradients(q, k, v, mask, toward=toward).arguments
    student.scaled_dot_product_attention.gradients(q, k, v, mask)

    def by_torch(q, k, v):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    expected = gradients_by_torch(by_torch, [q, k, v], toward)
    names = ("the queries", "the keys", "the values")
    for gradient, right, name in zip(found, expected, names, strict=False):
        assert_gradient(gradient, right, name)
    for gradient, name in zip(found[1:3], names[1:], strict=True):
        nothing = torch.zeros_like(gradient[:, 0])
        assert_close(gradient[:, 0], nothing, "zero gradient", f"the gradient of {name} that are hidden from all")


@exercise("scaled_dot_product_attention")
@points(1)
@catches("query_scaled_in_place", "dropout_always_on", "softmax_in_single_precision", "scores_in_single_precision")
def test_attention_leaves_its_arguments_alone(student, draw):
    """The dtype is kept, and neither the arguments nor the random state are changed."""
    q, k, v, mask = draw.normal(2, 3, 7), draw.normal(2, 5, 7), draw.normal(2, 5, 11), draw.mask(2, 3, 5)
    wide = [t.double() for t in (q, k, v)]

    left = [student.scaled_dot_product_attention.aftermath(t, k, v, mask) for t in (q, -q)]
    output, weights = student.scaled_dot_product_attention(*wide, mask)

    assert_left_alone(left[0], q, k, v, mask)
    assert_left_alone(left[1], -q, k, v, mask)
    right = torch.nn.functional.scaled_dot_product_attention(*wide, attn_mask=mask)
    assert_close(output, right, "attention", "the output for float64")
    assert_equal(weights.dtype, torch.float64, "the dtype of the weights for float64")


# --- SelfAttention ----------------------------------------------------------------------------------------------------


def maps(draw, d_model, d_k):
    """Weights for the three maps, of a size that keeps the scores near 1."""
    return {f"w_{name}.weight": draw.normal(d_k, d_model) / math.sqrt(d_model) for name in "qkv"}


def load(layer, weights):
    """Put these weights into a layer; returns the names that it has beyond them."""
    others, missing = layer.load_state_dict(weights, strict=False)
    assert_true(not missing, f"SelfAttention has no parameter {' and no '.join(missing)}.")
    return others


def layer_with(student, weights, *sizes):
    """A layer of the student's with these weights."""
    layer = student.SelfAttention(*sizes)
    # A bias has a check of its own. Set to 0 it does no harm to the others, so it is paid for once.
    biases = [name for name in load(layer, weights) if name.endswith("bias")]
    if biases:
        layer.load_state_dict({name: torch.zeros(sizes[-1]) for name in biases}, strict=False)
    return layer


def attend_by_torch(x, weights, mask=None):
    """The layer's output in the dtype of x, from its weights."""
    q, k, v = (x @ weights[f"w_{name}.weight"].to(x.dtype).T for name in "qkv")
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@exercise("SelfAttention")
@points(4)
@catches("bias_left_on", "d_k_ignored", "maps_in_a_plain_list")
def test_layer_has_three_maps_without_bias(student, draw):
    """The layer learns three maps, `w_q`, `w_k` and `w_v`, of the right sizes and without bias, and nothing else."""
    others = []
    for sizes in ((7, 3), (5,)):
        others += load(student.SelfAttention(*sizes), maps(draw, sizes[0], sizes[-1]))

    # A buffer is no parameter, and how it is called is nobody's business.
    more = sorted({name for name in others if name.endswith(("weight", "bias"))})
    assert_true(not more, f"SelfAttention learns more than the three maps: {', '.join(more)}.")


@exercise("SelfAttention")
@points(6)
@catches(
    "one_map_for_all",
    "query_and_key_maps_swapped",
    "key_and_value_maps_swapped",
    "values_not_projected",
    "scale_by_model_width",
    "d_k_ignored",
    "maps_in_a_plain_list",
    "causal_by_itself",
    "attends_over_the_batch",
    "residual_added",
    "values_never_used",
    "keys_and_values_swapped",
    "only_the_output_returned",
    "weights_before_the_output",
    "scores_returned_as_weights",
    "scale_after_softmax",
    "divided_by_the_number_of_keys",
    "winner_takes_all",
    *WRONG_SCORES,
    *WRONG_AXES,
    *NO_SHARES,
)
def test_layer_attends_within_each_sentence(student, draw):
    """With given weights and without a mask, output and attention weights are right."""
    x = draw.normal(2, 5, 7)
    # The width of the model first: what is left unprojected then gives numbers instead of a wrong shape.
    for sizes in ((7,), (7, 3)):
        weights = maps(draw, 7, sizes[-1])
        output, attention = layer_with(student, weights, *sizes)(x)
        q, k, v = (x.double() @ weights[f"w_{name}.weight"].double().T for name in "qkv")
        expected = [attention_by_loops(*sentence) for sentence in zip(q, k, v, strict=True)]
        assert_close(attention, torch.stack([w for _, w in expected]), "attention", "the weights")
        assert_close(output, torch.stack([o for o, _ in expected]), "attention", "the output")


@exercise("SelfAttention")
@points(5)
@catches(
    "mask_on_the_query_axis", "causal_by_itself", "attends_over_the_batch", "mask_only_in_the_output", *WRONG_MASKS
)
def test_layer_hands_the_mask_on(student, draw):
    """A mask hides keys from queries, one by one or for a whole sentence."""
    x, weights = draw.normal(2, 5, 7), maps(draw, 7, 3)
    masks = [draw.mask(2, 5, 5), draw.mask(2, 1, 5)]
    layer = layer_with(student, weights, 7, 3)

    found = [layer(x, mask) for mask in masks]

    for mask, (output, attention) in zip(masks, found, strict=True):
        expected = attend_by_torch(x.double(), weights, mask).float()
        assert_close(output, expected, "attention", f"the output with a mask of shape {tuple(mask.shape)}")
        hidden = attention[~mask.expand(2, 5, 5)]
        assert_close(hidden, torch.zeros_like(hidden), "softmax", "the weight of a forbidden key")


@exercise("SelfAttention")
@points(4)
@catches("one_map_for_all", "values_not_projected", "weights_detached_too_early", "softmax_cuts_the_graph")
def test_gradients_reach_all_three_maps(student, draw):
    """Gradients reach the input and each of the three maps."""
    x, weights, toward = draw.normal(2, 5, 7), maps(draw, 7, 7), draw.normal(2, 5, 7)
    layer = layer_with(student, weights, 7)

    found = layer.gradients(x, toward=toward)
    layer.gradients(x)

    names = list(weights)
    expected = gradients_by_torch(
        lambda x, *maps: attend_by_torch(x, dict(zip(names, maps, strict=True))), [x, *weights.values()], toward
    )
    for name, right in zip(names, expected[1:], strict=True):
        assert_gradient(found.parameters[name], right, name)
    assert_gradient(found.arguments[0], expected[0], "the input")


@exercise("SelfAttention")
@points(1)
@catches("dropout_always_on")
def test_layer_leaves_its_input_alone(student, draw):
    """A call changes neither input nor mask nor weights nor the random state, in training and in evaluation."""
    x, mask, weights = draw.normal(2, 5, 7), draw.mask(2, 5, 5), maps(draw, 7, 3)
    layer = layer_with(student, weights, 7, 3)

    in_training = layer.aftermath(x, mask)
    layer.eval()
    in_evaluation = layer.aftermath(x, mask)

    assert_left_alone(in_training, x, mask)
    assert_left_alone(in_evaluation, x, mask)
    state = layer.state_dict()
    for name, weight in weights.items():
        assert_close(state[name], weight, "exact", f"{name} after the call")


# --- plot_attention ---------------------------------------------------------------------------------------------------


def assert_picture(found):
    """What came back is an Axes with an image."""
    assert_true(isinstance(found, Picture), "plot_attention must return the Axes that it has drawn into.")
    assert_true(found.image is not None, "There is no image on the Axes: draw the weights as one, cell by cell.")


@exercise("plot_attention")
@points(2)
@catches("picture_transposed", "limits_left_open", "image_returned", "nothing_returned")
def test_picture_shows_the_weights(student, draw):
    """Each row of the picture is a query, each column a key, and the colours run from 0 to 1."""
    wide, tall = softmax_by_torch(draw.normal(2, 5)), softmax_by_torch(draw.normal(5, 3))

    pictures = [student.plot_attention(w, list("abcde")[: len(w)], list("vwxyz")[: w.size(1)]) for w in (wide, tall)]

    for picture, weights in zip(pictures, (wide, tall), strict=True):
        assert_picture(picture)
        assert_close(picture.image.to(weights.dtype), weights, "softmax", "the picture")
        assert_true(picture.limits == (0.0, 1.0), "The colours must run from 0 to 1 in every picture.")


@exercise("plot_attention")
@points(2)
@catches("labels_swapped", "labels_missing", "shape_not_checked", "image_returned", "nothing_returned")
def test_picture_carries_the_tokens(student, draw):
    """Query tokens stand beside the rows, key tokens below the columns; what does not fit raises a ValueError."""
    queries, keys = ["who", "goes", "there"], ["nobody", "but", "the", "west", "wind"]
    weights = softmax_by_torch(draw.normal(3, 5))

    pictures = [student.plot_attention(weights[:n], queries[:n], keys) for n in (3, 2)]

    for picture, n in zip(pictures, (3, 2), strict=True):
        assert_picture(picture)
        assert_true(picture.y_labels == tuple(queries[:n]), "The labels of the y axis must be the query tokens.")
        assert_true(picture.x_labels == tuple(keys), "The labels of the x axis must be the key tokens.")
    assert_raises("ValueError", student.plot_attention, weights, keys, queries)
    assert_raises("ValueError", student.plot_attention, weights, queries, keys[:4])


@exercise("plot_attention")
@points(1)
@catches("given_axes_ignored", "window_shown", "image_returned", "nothing_returned")
def test_picture_goes_where_it_is_told(student, draw):
    """The picture goes into the Axes that were handed over, and is not shown."""
    weights = softmax_by_torch(draw.normal(2, 3))

    pictures = [student.plot_attention(w, ["a", "b"], ["x", "y", "z"], FreshAxes()) for w in (weights, 1 - weights)]

    for picture in pictures:
        assert_picture(picture)
        assert_true(picture.in_given_axes, "Draw into the Axes that were handed over, not into new ones.")
        assert_true(not picture.shown, "plot_attention must not show the picture: that is up to the caller.")


# --- causal_weights ---------------------------------------------------------------------------------------------------

NOT_CAUSAL = (
    "future_nearly_zero",
    "future_at_minus_ten",
    "future_struck_out_too_late",
    "future_lifted",
    "future_left_in",
    "past_hidden",
    "present_hidden",
    "one_word_ahead",
    "causal_softmax_over_queries",
)


@exercise("causal_weights")
@points(2)
@catches(*NOT_CAUSAL)
def test_each_word_reads_itself_and_the_past(student, draw):
    """Each position shares out its minute among itself and those before it, with any number of leading axes."""
    # Low scores on purpose: what is meant to hide the future must lie below them.
    for shape in ((5, 5), (2, 3, 3), (2, 3, 7, 7)):
        scores = 3 * draw.normal(*shape) - 40

        found = student.causal_weights(scores)

        expected = torch.zeros(shape)
        for i in range(shape[-1]):
            expected[..., i, : i + 1] = softmax_by_torch(scores[..., i, : i + 1])
        assert_close(found, expected, "attention", "the weights")


@exercise("causal_weights")
@points(2)
@catches(*NOT_CAUSAL)
def test_the_future_has_no_influence(student, draw):
    """The weights stay the same when scores of later positions change, and those weights are exactly 0."""
    scores = draw.normal(2, 7, 7) - 30
    past = torch.ones(7, 7).tril().bool()
    high, low = scores.masked_fill(~past, 60.0), scores.masked_fill(~past, -90.0)

    of_high, of_low = student.causal_weights(high), student.causal_weights(low)

    expected = weights_by_torch(scores, past)
    assert_close(of_high, expected, "attention", "the weights when later scores are high")
    assert_close(of_low, expected, "attention", "the weights when later scores are low")
    assert_close(of_low[:, ~past], torch.zeros(2, 21), "exact", "the weights of later positions")


@exercise("causal_weights")
@points(1)
@catches("future_hidden_in_place", "causal_weights_cut_off", "causal_in_single_precision")
def test_causal_weights_fit_into_a_larger_computation(student, draw):
    """The dtype is kept, gradients flow back, and the caller's scores stay as they are."""
    inputs, towards = [draw.normal(5, 5), draw.normal(2, 3, 3)], [draw.normal(5, 5), draw.normal(2, 3, 3)]

    in_double = [student.causal_weights(x.double()) for x in inputs]
    left = [student.causal_weights.aftermath(x) for x in inputs]
    gradients = [
        student.causal_weights.gradients(x, toward=w).arguments[0] for x, w in zip(inputs, towards, strict=True)
    ]

    def causal(scores):
        return torch.softmax(scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -math.inf), -1)

    for x, toward, weights, after, gradient in zip(inputs, towards, in_double, left, gradients, strict=True):
        assert_left_alone(after, x)
        assert_close(weights, causal(x.double()), "softmax", "the weights of float64 scores")
        (expected,) = gradients_by_torch(causal, [x], toward)
        assert_gradient(gradient, expected, "the scores")


# --- test_attention_weights -------------------------------------------------------------------------------------------


# Tests that fail every group: they stop nothing, or right solutions as well.
BLIND_OR_PICKY = (
    "shape_is_enough",
    "verdict_returned",
    "never_masked",
    "equal_to_the_last_digit",
    "everything_stopped",
    "whole_numbers",
)


@exercise("test_attention_weights")
@points(3)
@catches("sums_are_enough", "nothing_hidden", *BLIND_OR_PICKY)
def test_a_mask_that_hides_the_wrong_keys_is_stopped(student, draw, suspects):
    """Your test stops solutions that hide nothing, or the wrong keys, and lets every right solution pass."""
    wrong = suspects.wrong(
        "attention_weights",
        "mask_without_effect",
        "mask_inverted",
        "bool_mask_added",
        "additive_mask_wrong_sign",
        "fill_with_zero",
    )
    assert_tells_apart(student.test_attention_weights, suspects.right("attention_weights"), wrong, draw)


@exercise("test_attention_weights")
@points(2)
@catches(
    "sums_are_enough", "zeros_are_enough", "nothing_hidden", "equal_scores", "ordinary_scores_only", *BLIND_OR_PICKY
)
def test_a_hidden_key_with_influence_is_stopped(student, draw, suspects):
    """It stops solutions in which a hidden key still takes a share: hidden too late, or not deep enough."""
    wrong = suspects.wrong(
        "attention_weights", "mask_after_softmax", "renormalised_after_mask", "fill_too_small", "fill_minus_hundred"
    )
    assert_tells_apart(student.test_attention_weights, suspects.right("attention_weights"), wrong, draw)


@exercise("test_attention_weights")
@points(2)
@catches("zeros_are_enough", "equal_scores", "two_axes_only", *BLIND_OR_PICKY)
def test_shares_along_the_wrong_axis_are_stopped(student, draw, suspects):
    """It stops solutions that share out along the wrong axis, or whose mask fits one shape only."""
    wrong = suspects.wrong(
        "attention_weights",
        "softmax_over_queries",
        "softmax_over_dim_one",
        "softmax_axis_left_out",
        "mask_must_have_full_shape",
    )
    assert_tells_apart(student.test_attention_weights, suspects.right("attention_weights"), wrong, draw)


@exercise("test_attention_weights")
@points(2)
@catches(
    "no_edge_cases", "gradients_never_asked", "sums_are_enough", "zeros_are_enough", "equal_scores", *BLIND_OR_PICKY
)
def test_a_wrong_answer_to_an_empty_row_is_stopped(student, draw, suspects):
    """It stops solutions that are wrong for a query without keys: in its weights, or in its gradients alone."""
    wrong = suspects.wrong("attention_weights", "fully_masked_row_uniform", "nan_painted_over")
    assert_tells_apart(student.test_attention_weights, suspects.right("attention_weights"), wrong, draw)


@exercise("test_attention_weights")
@points(1)
@catches("no_edge_cases", "sums_are_enough", "zeros_are_enough", "nothing_hidden", "equal_scores", *BLIND_OR_PICKY)
def test_a_guess_at_a_mask_of_numbers_is_stopped(student, draw, suspects):
    """It stops a solution that takes a mask of numbers without a ValueError."""
    wrong = suspects.wrong("attention_weights", "float_mask_accepted")
    assert_tells_apart(student.test_attention_weights, suspects.right("attention_weights"), wrong, draw)
