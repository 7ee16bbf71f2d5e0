"""Hidden checks of 02_multi_head. All points are earned here, on inputs that nobody has seen.

The oracles know nothing of solutions/: numbers that carry their own address, one head after the other in double
precision, and PyTorch's own layer. Sizes are distinct primes where divisibility does not forbid it; where sizes are
equal, that is the point of the check. A check makes its calls before it compares, so that a known mistake can be
recognised by more than one of them.
"""

import math

import torch

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_raises,
    assert_tells_apart,
    assert_true,
    catches,
    exercise,
    points,
)

WRONG_SPLITS = (
    "split_by_reshape_alone",
    "channels_interleaved",
    "split_without_turning",
    "split_turned_too_far",
    "heads_taken_for_the_width",
    "heads_before_the_batch",
    "heads_folded_into_the_batch",
    "positions_dealt_out",
)
WRONG_MERGES = (
    "merge_without_turning_back",
    "merged_channel_by_channel",
    "view_after_transpose",
    "heads_added_up",
    "heads_averaged",
    "heads_behind_each_other",
    "merged_width_first",
    "last_heads_first",
)
WRONG_BLOCKS = (
    "triples_for_each_head",
    "every_third_channel",
    "keys_before_queries",
    "values_before_keys",
    "fused_but_not_split",
    "cut_along_the_positions",
    "first_block_three_times",
)
WRONG_SCALES = ("scale_by_model_width", "scale_by_head_count", "scores_not_scaled")
WRONG_HEADS = (
    "split_and_merge_both_reshaped",
    "heads_interleaved",
    "each_head_erases_the_last",
    "first_head_for_all",
    "split_by_reshape_alone",
    "channels_interleaved",
    "merge_without_turning_back",
    "merged_channel_by_channel",
    "last_heads_first",
)
WRONG_MAPS = (
    "no_output_projection",
    "one_map_for_all",
    "one_layer_with_four_names",
    "query_and_key_maps_swapped",
    "keys_in_place_of_values",
    "residual_added",
)
WRONG_ATTENTION = ("softmax_over_the_heads", "softmax_over_queries", "causal_by_itself", "attends_over_the_batch")
WRONG_RESULTS = ("results_in_the_wrong_order", "only_the_output_returned", "weights_averaged_over_heads")
WRONG_MASKS = (
    "mask_without_effect",
    "mask_inverted",
    "mask_after_softmax",
    "mask_on_the_query_axis",
    "mask_given_one_axis_more",
    "mask_for_the_first_head_only",
)


def addressed(*shape):
    """Numbers from 0 on: each one says where it came from."""
    return torch.arange(math.prod(shape), dtype=torch.float32).reshape(shape)


def split_by_address(x, heads):
    """Split by the address of every single number."""
    b, length, width = x.shape
    d = width // heads
    rows = [[[[x[i, p, h * d + j] for j in range(d)] for p in range(length)] for h in range(heads)] for i in range(b)]
    return torch.stack([torch.stack([torch.stack([torch.stack(p) for p in h]) for h in i]) for i in rows])


def merge_by_address(x):
    """Merge by the address of every single number."""
    b, heads, length, d = x.shape
    rows = [[[x[i, c // d, p, c % d] for c in range(heads * d)] for p in range(length)] for i in range(b)]
    return torch.stack([torch.stack([torch.stack(p) for p in i]) for i in rows])


def assert_addresses(found, expected, source, axes, what):
    """Every number of `source`, which are all different, is where it belongs; a message follows the first that is not.

    `axes` names the axes of source and result.
    """
    if isinstance(found, torch.Tensor) and found.shape == expected.shape and not torch.equal(found, expected):
        place = tuple(int(i) for i in (found != expected).nonzero()[0])
        here = source.flatten().tolist()
        for whose, numbers in (("should", expected), ("does", found)):
            number = float(numbers[place])
            if number not in here:
                break
            address = torch.unravel_index(torch.tensor(here.index(number)), source.shape)
            words = ", ".join(f"{name} {int(i)}" for name, i in zip(axes[0], address, strict=True))
            if whose == "should":
                wanted = words
            else:
                spot = ", ".join(f"{name} {i}" for name, i in zip(axes[1], place, strict=True))
                message = f"{what}: at {spot} should stand the number from {wanted}, not the one from {words}"
                assert_close(found, expected, "exact", message)
    assert_close(found, expected, "exact", what)


WHOLE, PIECES = ("sentence", "position", "channel"), ("sentence", "head", "position", "channel")


def gradients_by_torch(function, tensors, toward):
    """The gradients of (function(*tensors) * toward).sum() in double precision, as float32."""
    leaves = [t.double().requires_grad_() for t in tensors]
    (function(*leaves) * toward.double()).sum().backward()
    return [leaf.grad.float() for leaf in leaves]


def assert_left_alone(aftermath, *arguments):
    """The first arguments are bit for bit what they were, and no random number was drawn."""
    for found, before in zip(aftermath.arguments, arguments, strict=False):
        assert_close(found, before, "exact", "an argument after the call")
    assert_true(aftermath.random_state_kept, "The call has moved PyTorch's global random generator.")


def assert_gradient(found, expected, what):
    """A gradient arrives and is right."""
    assert_true(found is not None, f"No gradient reaches {what}: something on the way cannot be differentiated.")
    assert_close(found, expected, "gradient", f"the gradient of {what}")


# --- split_heads ------------------------------------------------------------------------------------------------------


@exercise("split_heads")
@points(5)
@catches(*WRONG_SPLITS)
def test_split_puts_every_number_in_its_place(student, draw):
    """Every number goes to the head that owns its channel, and stays with its position."""
    inputs = [(addressed(2, 5, 21), 3), (addressed(3, 7, 10), 5)]

    found = [student.split_heads(x, heads) for x, heads in inputs]

    for (x, heads), pieces in zip(inputs, found, strict=True):
        what = f"{heads} heads from a tensor of shape {tuple(x.shape)}"
        assert_addresses(pieces, split_by_address(x, heads), x, (WHOLE, PIECES), what)


@exercise("split_heads")
@points(3)
@catches("split_without_turning", "split_turned_too_far", "heads_before_the_batch", "heads_folded_into_the_batch")
def test_split_into_as_few_and_as_many_heads_as_possible(student, draw):
    """One head gets the whole vector; with as many heads as channels each gets a single number."""
    x, short = draw.normal(2, 5, 7), draw.normal(3, 1, 6)

    found = [student.split_heads(x, 1), student.split_heads(x, 7), student.split_heads(short, 2)]

    assert_close(found[0], split_by_address(x, 1), "exact", "a single head")
    assert_close(found[1], split_by_address(x, 7), "exact", "as many heads as channels")
    assert_close(found[2], split_by_address(short, 2), "exact", "two heads of a sentence with one position")


@exercise("split_heads")
@points(3)
@catches("split_cuts_the_graph", "split_by_reshape_alone", "channels_interleaved")
def test_gradients_of_split_go_back_where_the_numbers_came_from(student, draw):
    """Each number's gradient goes back to the position and the channel that it came from."""
    x, toward = draw.normal(2, 5, 21), draw.normal(2, 3, 5, 7)

    gradient = student.split_heads.gradients(x, 3, toward=toward).arguments[0]
    student.split_heads.gradients(-x, 3, toward=-toward)

    assert_gradient(gradient, merge_by_address(toward), "the input")


@exercise("split_heads")
@points(2)
@catches("split_width_not_checked")
def test_split_refuses_a_width_that_the_heads_cannot_share(student, draw):
    """A width that is not divisible by the number of heads raises a ValueError."""
    assert_raises("ValueError", student.split_heads, draw.normal(2, 3, 7), 2)
    assert_raises("ValueError", student.split_heads, draw.normal(2, 3, 4), 8)


@exercise("split_heads")
@points(2)
@catches(*WRONG_SPLITS)
def test_split_takes_any_float_tensor_as_it_comes(student, draw):
    """The dtype is kept, any layout in memory will do, and the argument is not changed."""
    x = draw.normal(2, 5, 21)
    turned = draw.normal(5, 2, 21).transpose(0, 1)

    left = [student.split_heads.aftermath(t, 3) for t in (x, turned)]
    in_double, of_turned = student.split_heads(x.double(), 3), student.split_heads(turned, 7)

    assert_left_alone(left[0], x)
    assert_left_alone(left[1], turned)
    assert_close(in_double, split_by_address(x.double(), 3), "exact", "the heads of a float64 tensor")
    assert_close(of_turned, split_by_address(turned, 7), "exact", "the heads of a tensor that was transposed before")


# --- merge_heads ------------------------------------------------------------------------------------------------------


@exercise("merge_heads")
@points(5)
@catches(*WRONG_MERGES)
def test_merge_puts_every_number_in_its_place(student, draw):
    """Every number goes to the channels of its head, and stays with its position."""
    inputs = [addressed(2, 3, 5, 7), addressed(3, 5, 7, 2)]

    found = [student.merge_heads(x) for x in inputs]

    for x, merged in zip(inputs, found, strict=True):
        assert_addresses(merged, merge_by_address(x), x, (PIECES, WHOLE), f"heads of shape {tuple(x.shape)}, merged")


@exercise("merge_heads")
@points(3)
@catches("heads_added_up", "heads_averaged", "heads_behind_each_other", "merged_width_first")
def test_merge_of_as_few_and_as_many_heads_as_possible(student, draw):
    """A single head is the whole vector; heads of width 1 stand side by side."""
    narrow, one, short = draw.normal(2, 7, 5, 1), draw.normal(2, 1, 5, 7), draw.normal(3, 2, 1, 5)

    found = [student.merge_heads(x) for x in (narrow, one, short)]

    for x, merged in zip((narrow, one, short), found, strict=True):
        assert_close(merged, merge_by_address(x), "exact", f"heads of shape {tuple(x.shape)}, merged")


@exercise("merge_heads")
@points(3)
@catches("merge_cuts_the_graph", "merge_without_turning_back", "merged_channel_by_channel")
def test_gradients_of_merge_go_back_where_the_numbers_came_from(student, draw):
    """Each number's gradient goes back to the head and the channel that it came from."""
    x, toward = draw.normal(2, 3, 5, 7), draw.normal(2, 5, 21)

    gradient = student.merge_heads.gradients(x, toward=toward).arguments[0]
    student.merge_heads.gradients(-x, toward=-toward)

    assert_gradient(gradient, split_by_address(toward, 3), "the heads")


@exercise("merge_heads")
@points(2)
@catches("merge_without_turning_back", "merged_channel_by_channel", "last_heads_first")
def test_merge_undoes_a_right_split(student, draw):
    """Vectors that were split rightly come back as they were, whether they lie in memory in order or not."""
    wholes = [draw.normal(2, 5, 21), draw.normal(3, 7, 6)]
    # The same numbers twice: laid out afresh, and as a transpose leaves them.
    apart = [split_by_address(whole, heads) for whole, heads in zip(wholes, (3, 2), strict=True)]
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in apart]

    found = [student.merge_heads(x) for x in (*apart, *turned)]

    for merged, whole in zip(found, wholes * 2, strict=True):
        assert_close(merged, whole, "exact", f"a tensor of shape {tuple(whole.shape)}, split and merged")


@exercise("merge_heads")
@points(2)
@catches("merged_in_place", *WRONG_MERGES)
def test_merge_takes_any_float_tensor_as_it_comes(student, draw):
    """The dtype is kept, and neither the argument nor the random state is changed."""
    x, other = draw.normal(2, 3, 5, 7), draw.normal(3, 2, 7, 5)

    left = [student.merge_heads.aftermath(t) for t in (x, other)]
    in_double = [student.merge_heads(t.double()) for t in (x, other)]

    for t, after, merged in zip((x, other), left, in_double, strict=True):
        assert_left_alone(after, t)
        assert_close(merged, merge_by_address(t.double()), "exact", "float64 heads, merged")


# --- split_fused_qkv --------------------------------------------------------------------------------------------------


def blocks_by_address(qkv, heads):
    """The three blocks, split by the address of every single number."""
    width = qkv.size(-1) // 3
    return [split_by_address(qkv[..., i * width : (i + 1) * width], heads) for i in range(3)]


@exercise("split_fused_qkv")
@points(5)
@catches(*WRONG_BLOCKS, *WRONG_SPLITS)
def test_fused_puts_every_number_in_its_place(student, draw):
    """The first third of the channels are queries, the second keys, the last values, each split into heads."""
    inputs = [(addressed(2, 5, 42), 2), (addressed(3, 7, 30), 5)]

    found = [student.split_fused_qkv(qkv, heads) for qkv, heads in inputs]

    for (qkv, heads), parts in zip(inputs, found, strict=True):
        for name, part, expected in zip("qkv", parts, blocks_by_address(qkv, heads), strict=True):
            what = f"{name} of {heads} heads from a tensor of shape {tuple(qkv.shape)}"
            assert_addresses(part, expected, qkv, (WHOLE, PIECES), what)


@exercise("split_fused_qkv")
@points(4)
@catches(*WRONG_BLOCKS, *WRONG_SPLITS)
def test_a_fused_map_does_the_work_of_three(student, draw):
    """With the three matrices stacked into one, q, k and v are what the three matrices give one by one."""
    x, maps = draw.normal(2, 5, 6), draw.normal(3, 6, 6)
    wide = x @ maps.flatten(0, 1).T  # (2, 5, 18)

    found = [student.split_fused_qkv(wide, heads) for heads in (2, 3)]

    for heads, parts in zip((2, 3), found, strict=True):
        for name, part, matrix in zip("qkv", parts, maps, strict=True):
            expected = split_by_address((x.double() @ matrix.double().T).float(), heads)
            assert_close(part, expected, "attention", f"{name} of {heads} heads")


@exercise("split_fused_qkv")
@points(3)
@catches("fused_cuts_the_graph", "triples_for_each_head", "keys_before_queries", "values_before_keys")
def test_gradients_of_each_part_reach_its_own_block(student, draw):
    """The gradient of the keys reaches the channels of the keys alone; so do those of queries and values."""
    qkv, toward = draw.normal(2, 5, 42), tuple(draw.normal(2, 2, 5, 7) for _ in range(3))
    nothing = torch.zeros(2, 2, 5, 7)

    of_all = student.split_fused_qkv.gradients(qkv, 2, toward=toward).arguments[0]
    of_keys = student.split_fused_qkv.gradients(qkv, 2, toward=(nothing, toward[1], nothing)).arguments[0]

    expected = torch.cat([merge_by_address(t) for t in toward], dim=-1)
    assert_gradient(of_all, expected, "the input")
    expected[..., :14] = expected[..., 28:] = 0
    assert_gradient(of_keys, expected, "the input, when only the keys are used")


@exercise("split_fused_qkv")
@points(2)
@catches("fused_width_not_checked")
def test_fused_refuses_a_width_that_cannot_be_shared(student, draw):
    """A width that q, k, v and the heads cannot share raises a ValueError."""
    assert_raises("ValueError", student.split_fused_qkv, draw.normal(2, 3, 14), 2)
    assert_raises("ValueError", student.split_fused_qkv, draw.normal(2, 3, 15), 2)
    assert_raises("ValueError", student.split_fused_qkv, draw.normal(2, 3, 7), 1)


@exercise("split_fused_qkv")
@points(1)
@catches("triples_for_each_head", "every_third_channel", "first_block_three_times")
def test_fused_takes_any_float_tensor_as_it_comes(student, draw):
    """The dtype is kept, and neither the argument nor the random state is changed."""
    qkv, turned = draw.normal(2, 5, 30), draw.normal(7, 3, 30).transpose(0, 1)

    left = [student.split_fused_qkv.aftermath(t, 2) for t in (qkv, turned)]
    in_double = [student.split_fused_qkv(t.double(), 5) for t in (qkv, turned)]

    for t, after, parts in zip((qkv, turned), left, in_double, strict=True):
        assert_left_alone(after, t)
        for name, part, expected in zip("qkv", parts, blocks_by_address(t.double(), 5), strict=True):
            assert_close(part, expected, "exact", f"{name} of a float64 tensor")


# --- MultiHeadAttention -----------------------------------------------------------------------------------------------


def four_maps(draw, width, bias=True):
    """Parameters for the four maps, of a size that keeps the scores near 1."""
    maps = {f"w_{name}.weight": draw.normal(width, width) / math.sqrt(width) for name in "qkvo"}
    return maps | ({f"w_{name}.bias": draw.normal(width) / 2 for name in "qkvo"} if bias else {})


def load(layer, maps):
    """Put these parameters into a layer; returns the names that it has beyond them."""
    others, missing = layer.load_state_dict(maps, strict=False)
    assert_true(not missing, f"MultiHeadAttention has no parameter {' and no '.join(missing)}.")
    return others


def layer_with(student, maps, num_heads, **more):
    """A layer of the student's with these parameters, in evaluation."""
    width = maps["w_q.weight"].size(0)
    # Whether `bias` is heeded has a check of its own. A bias of 0 does no harm to the others, so it is paid for once.
    zeros = {name.replace("weight", "bias"): torch.zeros(width) for name in maps if name.endswith("weight")}
    layer = student.MultiHeadAttention(width, num_heads, bias="w_q.bias" in maps, **more)
    others = load(layer, maps)
    if biases := {name: zeros[name] for name in others if name in zeros}:
        layer.load_state_dict(biases, strict=False)
    layer.eval()
    return layer


def head_by_head(maps, num_heads, query, key=None, value=None, mask=None):
    """One head after the other, in the dtype of the query; returns the output and the weights of each head.

    Each head reads its own rows of the matrices, and what it finds is added to the output through its own columns of
    w_o.
    """
    key = query if key is None else key
    value = key if value is None else value
    maps = {name: parameter.to(query.dtype) for name, parameter in maps.items()}
    width = query.size(-1)
    nothing = torch.zeros(width, dtype=query.dtype)
    d = width // num_heads
    output, weights = maps.get("w_o.bias", nothing), []
    if mask is not None:
        mask = mask.expand(query.size(0), num_heads, query.size(1), key.size(1))
    for head in range(num_heads):
        own = slice(head * d, (head + 1) * d)
        q, k, v = (
            x @ maps[f"w_{name}.weight"][own].T + maps.get(f"w_{name}.bias", nothing)[own]
            for name, x in (("q", query), ("k", key), ("v", value))
        )
        scores = torch.einsum("bid,bjd->bij", q, k) / math.sqrt(d)
        if mask is not None:
            # A row without keys: any finite score will do, its weights are struck out below.
            scores = scores.masked_fill(~mask[:, head], -math.inf)
            scores = scores.masked_fill(~mask[:, head].any(-1, keepdim=True), 0.0)
        share = torch.softmax(scores, dim=-1)
        if mask is not None:
            share = share * mask[:, head]
        weights.append(share)
        output = output + share @ v @ maps["w_o.weight"][:, own].T
    return output, torch.stack(weights, dim=1)


def in_double(maps, num_heads, *inputs, mask=None):
    """`head_by_head` in double precision, as float32."""
    output, weights = head_by_head(maps, num_heads, *(x.double() for x in inputs), mask=mask)
    return output.float(), weights.float()


@exercise("MultiHeadAttention")
@points(3)
@catches("maps_in_a_plain_list", "maps_after_the_split", "bias_argument_ignored", "output_map_without_bias")
def test_layer_has_four_maps(student, draw):
    """The layer learns `w_q`, `w_k`, `w_v` and `w_o`, each from D to D, with a bias or without, and nothing else."""
    others = []
    for width, heads, bias in ((6, 2, True), (10, 5, False)):
        maps = four_maps(draw, width, bias)
        others += load(student.MultiHeadAttention(width, heads, 0.0, bias), maps)
        others += load(student.MultiHeadAttention(d_model=width, num_heads=heads, bias=bias), maps)
    # Nobody asked for a bias here, and nobody refused one.
    others += load(student.MultiHeadAttention(6, 2), four_maps(draw, 6))

    # A buffer is no parameter, and how it is called is nobody's business.
    more = sorted({name for name in others if name.endswith(("weight", "bias"))})
    assert_true(not more, f"MultiHeadAttention learns more than it was asked for: {', '.join(more)}.")


@exercise("MultiHeadAttention")
@points(2)
@catches("divisibility_checked_too_late", "assertion_instead_of_value_error")
def test_layer_refuses_a_width_that_the_heads_cannot_share(student, draw):
    """A layer whose width is not divisible by its heads is refused with a ValueError when it is created."""
    assert_raises("ValueError", student.MultiHeadAttention, 7, 2)
    assert_raises("ValueError", student.MultiHeadAttention, 4, 8)


@exercise("MultiHeadAttention")
@points(3)
@catches("no_output_projection", "one_map_for_all", "one_layer_with_four_names", "residual_added", "heads_averaged")
def test_layer_of_a_single_position(student, draw):
    """A sentence of one word attends to itself alone: it comes out as w_o of its value."""
    x = draw.normal(2, 1, 6)
    maps = [four_maps(draw, 6), four_maps(draw, 6, bias=False)]

    found = [layer_with(student, m, 3)(x) for m in maps]

    for m, (output, weights) in zip(maps, found, strict=True):
        assert_close(weights, torch.ones(2, 3, 1, 1), "attention", "the weights of a sentence of one word")
        assert_close(output, in_double(m, 3, x)[0], "attention", "the output for a sentence of one word")


@exercise("MultiHeadAttention")
@points(7)
@catches(*WRONG_SCALES, *WRONG_HEADS, *WRONG_MAPS, *WRONG_ATTENTION, *WRONG_RESULTS)
def test_self_attention_head_by_head(student, draw):
    """A sentence that attends to itself gets what its heads find one by one, added up through `w_o`."""
    x, longer = draw.normal(2, 5, 21), draw.normal(3, 7, 10)
    maps, wide = four_maps(draw, 21), four_maps(draw, 10, bias=False)

    found = [layer_with(student, maps, 3)(x), layer_with(student, wide, 5)(longer)]
    found.append(layer_with(student, maps, 1)(x))

    expected = [in_double(maps, 3, x), in_double(wide, 5, longer), in_double(maps, 1, x)]
    for (output, weights), (right_output, right_weights), heads in zip(found, expected, (3, 5, 1), strict=True):
        assert_close(weights, right_weights, "attention", f"the weights of {heads} heads")
        assert_close(output, right_output, "attention", f"the output of {heads} heads")


@exercise("MultiHeadAttention")
@points(6)
@catches(
    "keys_and_values_from_the_query",
    "queries_from_the_memory",
    "value_argument_ignored",
    "value_defaults_to_the_query",
    *WRONG_SCALES,
    *WRONG_HEADS,
    *WRONG_MAPS,
)
def test_cross_attention(student, draw):
    """Queries may ask another text, shorter or longer than their own, and take along values of a third origin."""
    query, same_length = draw.normal(2, 5, 21), draw.normal(2, 5, 21)
    memory, values = draw.normal(2, 7, 21), draw.normal(2, 7, 21)
    maps = four_maps(draw, 21)
    layer = layer_with(student, maps, 3)
    # Equal lengths first: an argument that is mixed up then gives numbers instead of an error.
    calls = [
        (query, same_length),
        (query, query, same_length),
        (query, memory),
        (memory, query),
        (query, memory, values),
    ]

    found = [layer(*inputs) for inputs in calls]

    for inputs, (output, weights) in zip(calls, found, strict=True):
        right_output, right_weights = in_double(maps, 3, *inputs)
        assert_close(weights, right_weights, "attention", "the weights")
        assert_close(output, right_output, "attention", "the output")


@exercise("MultiHeadAttention")
@points(6)
@catches(*WRONG_MASKS)
def test_masks_of_every_shape_that_broadcasts(student, draw):
    """A mask may be the same for all sentences, heads or queries, or different for each of them."""
    x, memory, maps = draw.normal(2, 5, 21), draw.normal(2, 7, 21), four_maps(draw, 21)
    masks = [draw.mask(*shape) for shape in ((5,), (2, 1, 1, 5), (5, 5), (2, 1, 5, 5), (3, 1, 5), (2, 3, 5, 5))]
    layer = layer_with(student, maps, 3)

    found = [layer(x, mask=mask) for mask in masks]
    crosswise = draw.mask(2, 1, 5, 7)
    across = layer(x, memory, None, crosswise)

    for mask, (output, weights) in zip(masks, found, strict=True):
        right_output, right_weights = in_double(maps, 3, x, mask=mask)
        assert_close(weights, right_weights, "attention", f"the weights with a mask of shape {tuple(mask.shape)}")
        assert_close(output, right_output, "attention", f"the output with a mask of shape {tuple(mask.shape)}")
    right_output, right_weights = in_double(maps, 3, x, memory, mask=crosswise)
    assert_close(across[1], right_weights, "attention", "the weights of cross-attention with a mask")
    assert_close(across[0], right_output, "attention", "the output of cross-attention with a mask")


@exercise("MultiHeadAttention")
@points(3)
@catches("empty_rows_uniform", "empty_rows_nan", "empty_rows_painted_over")
def test_queries_without_keys(student, draw):
    """A query that may attend to nothing gets weights of 0 and finds nothing; all gradients stay finite."""
    x, maps = draw.normal(2, 5, 6), four_maps(draw, 6, bias=False)
    mask = draw.mask(2, 1, 5, 5)
    mask[0, 0, 2] = mask[1] = False
    empty = ~mask[:, 0].any(-1)
    layer = layer_with(student, maps, 3)

    output, weights = layer(x, mask=mask)
    found = layer.gradients(x, mask=mask, toward=draw.normal(2, 5, 6))

    right_output, right_weights = in_double(maps, 3, x, mask=mask)
    nobody = weights.transpose(1, 2)[empty]
    assert_close(nobody, torch.zeros(6, 3, 5), "exact", "the weights of a query that may attend to nothing")
    assert_close(output[empty], torch.zeros(6, 6), "exact", "its output, without biases")
    assert_close(weights, right_weights, "attention", "the weights of the other queries")
    assert_close(output, right_output, "attention", "the output of the other queries")
    gradients = [*found.arguments, *found.parameters.values()]
    finite = all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    assert_true(finite, "The gradients are not finite when a query may attend to nothing.")


@exercise("MultiHeadAttention")
@points(3)
@catches("mask_inverted", "weights_averaged_over_heads", *WRONG_SCALES, *WRONG_HEADS, *WRONG_MAPS)
def test_layer_as_pytorch_has_it(student, draw):
    """With the same parameters, output and weights are those of `nn.MultiheadAttention`."""
    query, memory, maps = draw.normal(2, 5, 14), draw.normal(2, 7, 14), four_maps(draw, 14)
    mask, padding = draw.mask(2, 2, 5, 7), draw.mask(2, 1, 1, 5)
    layer = layer_with(student, maps, 2)

    found = [layer(query), layer(query, mask=padding), layer(query, memory, memory, mask)]

    by_torch = torch.nn.MultiheadAttention(14, 2, batch_first=True).double().eval()
    by_torch.load_state_dict(
        {
            "in_proj_weight": torch.cat([maps[f"w_{name}.weight"] for name in "qkv"]),
            "in_proj_bias": torch.cat([maps[f"w_{name}.bias"] for name in "qkv"]),
            "out_proj.weight": maps["w_o.weight"],
            "out_proj.bias": maps["w_o.bias"],
        }
    )
    q, m = query.double(), memory.double()
    with torch.no_grad():
        expected = [
            by_torch(q, q, q, average_attn_weights=False),
            by_torch(q, q, q, key_padding_mask=~padding[:, 0, 0], average_attn_weights=False),
            by_torch(q, m, m, attn_mask=~mask.flatten(0, 1), average_attn_weights=False),
        ]
    for (output, weights), (right_output, right_weights) in zip(found, expected, strict=True):
        assert_close(weights, right_weights.float(), "attention", "the weights")
        assert_close(output, right_output.float(), "attention", "the output")


@exercise("MultiHeadAttention")
@points(3)
@catches(
    "split_and_merge_both_reshaped",
    "heads_interleaved",
    "split_by_reshape_alone",
    "channels_interleaved",
    "merge_without_turning_back",
    "merged_channel_by_channel",
    "one_map_for_all",
    "first_head_for_all",
    "softmax_over_the_heads",
    "last_heads_first",
)
def test_every_head_keeps_to_its_own_channels(student, draw):
    """When the query map of one head changes, only that head's weights and channels do."""
    x, maps = draw.normal(2, 5, 21), four_maps(draw, 21)
    maps["w_o.weight"], maps["w_o.bias"] = torch.eye(21), torch.zeros(21)  # so that channels stay what they are
    layer = layer_with(student, maps, 3)

    output, weights = layer(x)
    moved = []
    for head in range(3):
        other = maps["w_q.weight"].clone()
        other[7 * head : 7 * (head + 1)] *= -1
        layer.load_state_dict({"w_q.weight": other}, strict=False)
        moved.append(layer(x))

    right_output, right_weights = in_double(maps, 3, x)
    for head, (other_output, other_weights) in enumerate(moved):
        kept = [h for h in range(3) if h != head]
        channels = [c for c in range(21) if c // 7 != head]
        what = f"when only head {head} changes, the weights of the other heads"
        assert_close(other_weights[:, kept], right_weights[:, kept], "attention", what)
        what = f"when only head {head} changes, the channels of the other heads"
        assert_close(other_output[..., channels], right_output[..., channels], "attention", what)
    assert_close(weights, right_weights, "attention", "the weights")
    assert_close(output, right_output, "attention", "the output")


@exercise("MultiHeadAttention")
@points(4)
@catches(
    "weights_detached_too_early",
    "no_output_projection",
    "one_map_for_all",
    "value_argument_ignored",
    "split_cuts_the_graph",
    "merge_cuts_the_graph",
)
def test_gradients_reach_inputs_and_maps(student, draw):
    """Gradients reach query, key, value and all four maps, and none comes from a key that nobody may attend to."""
    inputs, maps = [draw.normal(2, 5, 6), draw.normal(2, 7, 6), draw.normal(2, 7, 6)], four_maps(draw, 6)
    toward, mask = draw.normal(2, 5, 6), draw.mask(2, 1, 5, 7)
    mask[..., 0], mask[..., 1] = False, True
    layer = layer_with(student, maps, 2)

    found = layer.gradients(*inputs, mask, toward=toward)
    layer.gradients(*inputs, toward=toward)

    names = list(maps)
    expected = gradients_by_torch(
        lambda q, k, v, *p: head_by_head(dict(zip(names, p, strict=True)), 2, q, k, v, mask)[0],
        [*inputs, *maps.values()],
        toward,
    )
    for gradient, right, name in zip(found.arguments, expected, ("the query", "the key", "the value"), strict=False):
        assert_gradient(gradient, right, name)
    for name, right in zip(names, expected[3:], strict=True):
        assert_gradient(found.parameters.get(name), right, name)
    for gradient, name in zip(found.arguments[1:3], ("the key", "the value"), strict=True):
        nothing = torch.zeros_like(gradient[:, 0])
        assert_close(gradient[:, 0], nothing, "zero gradient", f"the gradient of {name} where nobody may look")


@exercise("MultiHeadAttention")
@points(2)
@catches(
    "dropout_never_used",
    "dropout_in_evaluation_too",
    "dropout_on_the_output",
    "dropout_on_the_scores",
    "weights_returned_after_dropout",
)
def test_dropout_of_nearly_everything(student, draw):
    """With nearly all weights dropped only the bias of `w_o` is left; the returned weights are those before dropout."""
    x, maps = draw.normal(2, 5, 6), four_maps(draw, 6)
    # So near to 1 that nothing is left, and yet 1 - dropout is not 0, by which somebody may divide.
    layer = layer_with(student, maps, 3, dropout=1 - 1e-9)

    in_evaluation = layer(x)
    layer.train()
    in_training = [layer(x), layer(-x)]
    layer.eval()
    once_more = layer(x)
    # Without being asked, a layer drops nothing, in training either.
    unasked = student.MultiHeadAttention(6, 3)
    load(unasked, maps)
    undropped = unasked(x)

    for y, (output, weights) in zip((x, -x), in_training, strict=True):
        assert_close(output, maps["w_o.bias"].expand(2, 5, 6), "attention", "the output when everything is dropped")
        assert_close(weights, in_double(maps, 3, y)[1], "attention", "the returned weights in training")
    right_output, right_weights = in_double(maps, 3, x)
    for output, weights in (in_evaluation, once_more):
        assert_close(weights, right_weights, "attention", "the weights in evaluation")
        assert_close(output, right_output, "attention", "the output in evaluation")
    assert_close(undropped[0], right_output, "attention", "the output in training when no dropout was asked for")


@exercise("MultiHeadAttention")
@points(2)
@catches(
    "dropout_without_scaling",
    "dropout_never_used",
    "dropout_on_the_output",
    "dropout_on_the_heads",
    "dropout_on_the_scores",
)
def test_dropout_acts_on_single_weights(student, draw):
    """In training every weight is either dropped or divided by 1 - dropout, and about as many are dropped as asked."""
    heads, keys, queries, p = 3, 5, 13, 0.25
    d = 2 * keys
    maps = four_maps(draw, heads * d)
    for name in "vo":
        maps[f"w_{name}.weight"], maps[f"w_{name}.bias"] = torch.eye(heads * d), torch.zeros(heads * d)
    # Key j has a 1 in channels j and keys + j of every head: so the output shows each weight that was used, twice.
    value = torch.eye(keys).repeat(1, 2 * heads).expand(2, keys, heads * d)
    query, key = draw.normal(2, queries, heads * d), draw.normal(2, keys, heads * d)
    layer = layer_with(student, maps, heads, dropout=p)
    layer.train()

    found = [layer(query, key, value) for _ in range(2)]

    kept, drawn = [], []
    for output, weights in found:
        assert_equal(tuple(output.shape), (2, queries, heads * d), "the shape of the output")
        assert_equal(tuple(weights.shape), (2, heads, queries, keys), "the shape of the weights")
        used = output.reshape(2, queries, heads, 2, keys).permute(3, 0, 2, 1, 4)  # twice (B, H, Lq, Lk)
        expected = (weights / (1 - p)).masked_fill(used[0] == 0, 0.0)
        what = "each weight that was used, which is either 0 or the returned one divided by 1 - dropout"
        assert_close(used[0], expected, "attention", what)
        assert_close(used[1], expected, "attention", what)
        kept.append(used[0] != 0)
        drawn.append(1 - float(kept[-1].double().mean()))
    assert_true(not torch.equal(*kept), "Two calls in training have dropped exactly the same weights.")
    # 780 weights in all: 0.1 are more than six standard deviations.
    share = sum(drawn) / 2
    assert_true(abs(share - p) < 0.1, f"With a dropout of {p} a share of {share:.2f} of the weights was dropped.")


@exercise("MultiHeadAttention")
@points(1)
@catches("weights_in_single_precision", "query_changed_in_place", "dropout_in_evaluation_too")
def test_layer_leaves_its_arguments_alone(student, draw):
    """The dtype is kept; arguments, parameters and random state are not changed, and a second call gives the same."""
    x, memory, maps = draw.normal(2, 5, 6), draw.normal(2, 7, 6), four_maps(draw, 6)
    mask = draw.mask(2, 1, 5, 7)
    layer = layer_with(student, maps, 2, dropout=0.3)

    left = [layer.aftermath(y, memory, memory, mask) for y in (x, -x)]
    twice = [layer(x, memory, mask=mask) for _ in range(2)]
    state = layer.state_dict()
    wide = layer_with(student, maps, 2, dropout=0.3)
    wide.double()
    wide.load_state_dict({name: parameter.double() for name, parameter in maps.items()}, strict=False)
    in_float64 = [wide(y.double(), memory.double(), mask=mask) for y in (x, -x)]

    for y, after in zip((x, -x), left, strict=True):
        assert_left_alone(after, y, memory, memory, mask)
    for name, parameter in maps.items():
        assert_close(state[name], parameter, "exact", f"{name} after the call")
    assert_close(twice[1][0], twice[0][0], "exact", "the output of a second call")
    for y, (output, weights) in zip((x, -x), in_float64, strict=True):
        right_output, right_weights = head_by_head(maps, 2, y.double(), memory.double(), mask=mask)
        assert_close(weights, right_weights, "attention", "the weights for float64")
        assert_close(output, right_output, "attention", "the output for float64")


# --- attention_entropy ------------------------------------------------------------------------------------------------


def some_weights(draw, *shape):
    """Rows of positive weights with sum 1."""
    return torch.softmax(2 * draw.normal(*shape), dim=-1)


def entropy_by_loops(weights):
    """The entropy of each row, one number at a time."""
    rows = weights.reshape(-1, weights.size(-1)).tolist()
    sums = [math.fsum(-w * math.log(w) for w in row if w > 0) for row in rows]
    return torch.tensor(sums, dtype=weights.dtype).reshape(weights.shape[:-1])


WRONG_ENTROPIES = (
    "entropy_in_bits",
    "entropy_in_decimal_digits",
    "entropy_sign_forgotten",
    "entropy_along_the_queries",
    "entropy_averaged_over_keys",
    "entropy_divided_by_its_largest_value",
    "number_of_keys_returned",
    "weights_taken_for_scores",
    "one_number_for_everything",
)


@exercise("attention_entropy")
@points(3)
@catches(*WRONG_ENTROPIES)
def test_entropy_of_every_query(student, draw):
    """Each query of each head and sentence has an entropy of its own, in nats."""
    inputs = [some_weights(draw, 2, 3, 5, 7), some_weights(draw, 5, 11), some_weights(draw, 2, 7, 5)]

    found = [student.attention_entropy(weights) for weights in inputs]

    for weights, entropy in zip(inputs, found, strict=True):
        what = f"the entropy of weights with {weights.dim()} axes"
        assert_close(entropy, entropy_by_loops(weights), "attention", what)


@exercise("attention_entropy")
@points(2)
@catches(*(name for name in WRONG_ENTROPIES if name not in ("entropy_along_the_queries", "weights_taken_for_scores")))
def test_entropy_of_equal_weights(student, draw):
    """When all keys get the same, the entropy is the logarithm of their number."""
    sizes = (2, 7, 31)

    found = [student.attention_entropy(torch.full((3, 2, n), 1 / n)) for n in sizes]

    for n, entropy in zip(sizes, found, strict=True):
        assert_close(entropy, torch.full((3, 2), math.log(n)), "attention", f"the entropy of {n} equal weights")


@exercise("attention_entropy")
@points(3)
@catches(
    "zero_times_infinity", "empty_rows_divided_by_their_sum", "number_of_keys_returned", "weights_taken_for_scores"
)
def test_entropy_with_weights_of_zero(student, draw):
    """A weight of 0 counts for nothing: one key that gets everything has entropy 0, and so has a row of zeros."""
    weights = some_weights(draw, 2, 3, 7) * draw.mask(2, 3, 7)
    weights = weights / weights.sum(-1, keepdim=True)
    one_key = torch.eye(5)[draw.permutation(5)]
    with_empty = torch.stack([torch.zeros(2, 5), some_weights(draw, 2, 5)])

    found = [student.attention_entropy(w) for w in (weights, one_key, with_empty)]

    assert_close(found[0], entropy_by_loops(weights), "attention", "the entropy when some weights are 0")
    assert_close(found[1], torch.zeros(5), "attention", "the entropy when one key gets everything")
    assert_close(found[2], entropy_by_loops(with_empty), "attention", "the entropy when some queries have no keys")


@exercise("attention_entropy")
@points(2)
@catches("entropy_cuts_the_graph", "entropy_sign_forgotten", "entropy_averaged_over_keys")
def test_entropy_fits_into_a_larger_computation(student, draw):
    """The dtype is kept, gradients flow back, and neither the argument nor the random state is changed."""
    weights, other = some_weights(draw, 2, 3, 7), some_weights(draw, 5, 3)
    toward = draw.normal(2, 3)

    left = [student.attention_entropy.aftermath(w) for w in (weights, other)]
    in_float64 = [student.attention_entropy(w.double()) for w in (weights, other)]
    gradient = student.attention_entropy.gradients(weights, toward=toward).arguments[0]
    student.attention_entropy.gradients(other)

    for w, after, entropy in zip((weights, other), left, in_float64, strict=True):
        assert_left_alone(after, w)
        assert_close(entropy, entropy_by_loops(w.double()), "attention", "the entropy of float64 weights")
    expected = -(weights.double().log() + 1) * toward[..., None].double()
    assert_gradient(gradient, expected.float(), "the weights")


# --- attend_in_heads --------------------------------------------------------------------------------------------------

WRONG_SHARING = (
    "heads_scaled_by_the_model",
    "heads_scaled_by_their_number",
    "heads_without_scale",
    "heads_scaled_by_the_width_itself",
    "one_wide_head",
    "heads_cut_and_joined_by_reshape",
    "heads_joined_by_reshape",
    "heads_share_out_the_queries",
    "heads_share_out_the_heads",
    "heads_take_keys_home",
)


def attended_in_heads(q, k, v, num_heads):
    """Head after head, each on its own channels, in double precision; returns float32."""
    heads = []
    for a, b, c in zip(*(x.double().chunk(num_heads, dim=-1) for x in (q, k, v)), strict=True):
        weights = torch.softmax(torch.einsum("bid,bjd->bij", a, b) / math.sqrt(a.size(-1)), dim=-1)
        heads.append(torch.einsum("bij,bjd->bid", weights, c))
    return torch.cat(heads, dim=-1).float()


@exercise("attend_in_heads")
@points(3)
@catches(*WRONG_SHARING)
def test_each_head_attends_in_its_own_channels(student, draw):
    """Each head compares, scales and averages its own channels, for any number of heads and unequal lengths."""
    cases = []
    for b, lq, lk, num_heads, d in ((2, 5, 7, 3, 2), (3, 2, 5, 2, 7), (2, 3, 11, 5, 3)):
        q, k, v = (
            draw.normal(b, lq, num_heads * d),
            draw.normal(b, lk, num_heads * d),
            draw.normal(b, lk, num_heads * d),
        )
        cases.append((student.attend_in_heads(q, k, v, num_heads), attended_in_heads(q, k, v, num_heads)))
    for found, expected in cases:
        assert_close(found, expected, "attention", "the output")


@exercise("attend_in_heads")
@points(1)
@catches("heads_scaled_by_the_model", "heads_scaled_by_their_number")
def test_heads_that_are_copies_attend_as_one(student, draw):
    """When all heads hold copies of the same channels, each of them does what a single head does alone."""
    for copies in (4, 9):
        q, k, v = draw.normal(2, 5, 3), draw.normal(2, 7, 3), draw.normal(2, 7, 3)
        alone = student.attend_in_heads(q, k, v, 1)
        together = student.attend_in_heads(*(x.repeat(1, 1, copies) for x in (q, k, v)), copies)
        assert_close(alone, attended_in_heads(q, k, v, 1), "attention", "the output of one head")
        assert_close(together, alone.repeat(1, 1, copies), "attention", f"the output of {copies} equal heads")


@exercise("attend_in_heads")
@points(1)
@catches("head_weights_cut_off", "heads_in_single_precision")
def test_attention_in_heads_fits_into_a_larger_computation(student, draw):
    """Gradients reach q, k and v, the dtype is kept, and neither arguments nor the random state are changed."""
    shapes = [((2, 3, 6), (2, 5, 6), (2, 5, 6)), ((3, 2, 10), (3, 7, 10), (3, 7, 10))]
    inputs = [[draw.normal(*shape) for shape in case] for case in shapes]
    towards = [draw.normal(2, 3, 6), draw.normal(3, 2, 10)]

    in_double = [student.attend_in_heads(*(x.double() for x in case), 2) for case in inputs]
    left = [student.attend_in_heads.aftermath(*case, 2) for case in inputs]
    back = [student.attend_in_heads.gradients(*c, 2, toward=w).arguments for c, w in zip(inputs, towards, strict=True)]

    for case, toward, found, after, gradients in zip(inputs, towards, in_double, left, back, strict=True):
        leaves = [x.double().requires_grad_() for x in case]
        heads = zip(*(x.chunk(2, dim=-1) for x in leaves), strict=True)
        parts = [torch.softmax(a @ b.mT / math.sqrt(a.size(-1)), dim=-1) @ c for a, b, c in heads]
        expected = torch.cat(parts, dim=-1)
        assert_close(found, expected.detach(), "attention", "the output for float64")
        for argument, before in zip(after.arguments, case, strict=False):
            assert_close(argument, before, "exact", "an argument after the call")
        assert_true(after.random_state_kept, "The call has moved PyTorch's global random generator.")
        (expected * toward.double()).sum().backward()
        for name, gradient, leaf in zip("qkv", gradients, leaves, strict=False):
            assert_true(gradient is not None, f"No gradient reaches {name}.")
            assert_close(gradient, leaf.grad.float(), "gradient", f"the gradient of {name}")


# --- test_split_heads -------------------------------------------------------------------------------------------------

# Tests that fail every group: they stop nothing, or right solutions as well.
BLIND_OR_PICKY = ("verdict_returned", "reshape_expected", "another_exception")


@exercise("test_split_heads")
@points(3)
@catches("one_head", "all_ones", "any_order", "equal_sizes", *BLIND_OR_PICKY)
def test_axes_in_the_wrong_place_are_stopped(student, draw, suspects):
    """Your test stops solutions that put axes in the wrong place, and lets every right solution pass."""
    wrong = suspects.wrong(
        "split_heads",
        "split_without_turning",
        "split_turned_too_far",
        "heads_taken_for_the_width",
        "heads_before_the_batch",
        "heads_folded_into_the_batch",
        "positions_dealt_out",
    )
    assert_tells_apart(student.test_split_heads, suspects.right("split_heads"), wrong, draw)


@exercise("test_split_heads")
@points(4)
@catches("shape_is_enough", "one_head", "one_word", "all_ones", "any_order", *BLIND_OR_PICKY)
def test_numbers_in_the_wrong_place_are_stopped(student, draw, suspects):
    """It stops solutions whose result has the right shape and the right numbers, in the wrong order."""
    wrong = suspects.wrong("split_heads", "split_by_reshape_alone", "channels_interleaved")
    assert_tells_apart(student.test_split_heads, suspects.right("split_heads"), wrong, draw)


@exercise("test_split_heads")
@points(3)
@catches("shape_is_enough", "one_word", "gradients_never_asked", "bad_width_never_tried", *BLIND_OR_PICKY)
def test_lost_gradients_and_bad_widths_are_stopped(student, draw, suspects):
    """It stops solutions that cut off the gradient, or that do not refuse a bad width with a ValueError."""
    wrong = suspects.wrong("split_heads", "split_width_not_checked", "split_cuts_the_graph")
    assert_tells_apart(student.test_split_heads, suspects.right("split_heads"), wrong, draw)
