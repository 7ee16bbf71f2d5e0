"""Hidden checks of 06_decoder. All points are earned here, on inputs that nobody has seen.

The oracles know nothing of solutions/: loops in plain Python, one head after the other in double precision, numbers
worked out by hand, and a language model that is only a table. Sizes are distinct primes where divisibility does not
forbid it; where sizes are equal, that is the point of the check. A check makes its calls before it compares, so that a
known mistake can be recognised by more than one of them.

Where a check looks at what was drawn at random, it says how often it rejects a right solution by chance: at most once
in a million, and with the reference never, because its numbers come from a seed.
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

# --- oracles ----------------------------------------------------------------------------------------------------------


def past_of(length, keys=None):
    """True where a query may look: query i of `length` stands at position i + keys - length."""
    keys = length if keys is None else keys
    return torch.tensor([[j <= i + keys - length for j in range(keys)] for i in range(length)])


def load(layer, name, parameters):
    """Put these parameters into a layer of the student's, under their names, and set it to evaluation."""
    _, missing = layer.load_state_dict(parameters, strict=False)
    assert_true(not missing, f"{name} has no parameter {' and no '.join(missing)}.")
    layer.eval()
    return layer


def some_attention(draw, prefix, d):
    """Random parameters of one MultiHeadAttention."""
    shapes = {f"{prefix}.w_{name}.{kind}": (d, d) if kind == "weight" else (d,) for name in "qkvo" for kind in KINDS}
    return {name: draw.normal(*shape) / d**0.5 for name, shape in shapes.items()}


KINDS = ("weight", "bias")


def some_norm(draw, prefix, d):
    """Random parameters of one LayerNorm."""
    return {f"{prefix}.weight": 1 + 0.5 * draw.normal(d), f"{prefix}.bias": 0.5 * draw.normal(d)}


def some_block(draw, d, d_ff, cross=True, prefix=""):
    """Random parameters of one DecoderBlock."""
    parameters = some_attention(draw, f"{prefix}self_attention.attention", d)
    if cross:
        parameters |= some_attention(draw, f"{prefix}cross_attention", d)
    parameters[f"{prefix}feed_forward.linear1.weight"] = draw.normal(d_ff, d) / d**0.5
    parameters[f"{prefix}feed_forward.linear1.bias"] = draw.normal(d_ff)
    parameters[f"{prefix}feed_forward.linear2.weight"] = draw.normal(d, d_ff) / d_ff**0.5
    parameters[f"{prefix}feed_forward.linear2.bias"] = draw.normal(d)
    for number in range(3 if cross else 2):
        parameters |= some_norm(draw, f"{prefix}norm{number + 1}", d)
    return parameters


def some_gpt(draw, vocab, d, layers, max_len, d_ff, tied):
    """Random parameters of one GPT."""
    parameters = {
        "token_embedding.embedding.weight": draw.normal(vocab, d),
        "position_embedding.embedding.weight": draw.normal(max_len, d),
    }
    for layer in range(layers):
        parameters |= some_block(draw, d, d_ff, cross=False, prefix=f"blocks.{layer}.")
    parameters |= some_norm(draw, "norm", d)
    if not tied:
        parameters["head.weight"] = draw.normal(vocab, d)
    return parameters


def in_double(parameters):
    return {name: parameter.double() for name, parameter in parameters.items()}


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def norm(p, name, x):
    centred = x - x.mean(-1, keepdim=True)
    spread = (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return centred / spread * p[f"{name}.weight"] + p[f"{name}.bias"]


def attend(p, prefix, heads, query, key, mask):
    """One head after the other; returns the output and the weights of each head."""
    q, k, v = (linear(p, f"{prefix}.w_{n}", x) for n, x in (("q", query), ("k", key), ("v", key)))
    d = query.size(-1) // heads
    mask = mask.expand(query.size(0), heads, query.size(1), key.size(1))
    found, weights = [], []
    for h in range(heads):
        own = slice(h * d, (h + 1) * d)
        powers = (q[..., own] @ k[..., own].transpose(1, 2) / d**0.5).exp() * mask[:, h]
        weights.append(powers / powers.sum(-1, keepdim=True).clamp(min=1e-300))
        found.append(weights[-1] @ v[..., own])
    return linear(p, f"{prefix}.w_o", torch.cat(found, -1)), torch.stack(weights, 1)


EVERYTHING = torch.tensor(True)


def block_by_hand(p, heads, x, memory=None, self_mask=EVERYTHING, memory_mask=EVERYTHING, activation="relu", prefix=""):
    """A decoder block; without memory it has no cross-attention."""
    y = norm(p, f"{prefix}norm1", x)
    x = x + attend(p, f"{prefix}self_attention.attention", heads, y, y, past_of(x.size(1)) & self_mask)[0]
    last = "norm2"
    if memory is not None:
        y = norm(p, f"{prefix}norm2", x)
        x = x + attend(p, f"{prefix}cross_attention", heads, y, memory, memory_mask)[0]
        last = "norm3"
    hidden = linear(p, f"{prefix}feed_forward.linear1", norm(p, prefix + last, x))
    hidden = hidden.clamp(min=0) if activation == "relu" else hidden * (1 + torch.erf(hidden / 2**0.5)) / 2
    return x + linear(p, f"{prefix}feed_forward.linear2", hidden)


def gpt_by_hand(p, heads, layers, ids):
    """The logits of a GPT, in double precision."""
    words = p["token_embedding.embedding.weight"]
    x = words[ids] + p["position_embedding.embedding.weight"][: ids.size(1)]
    for layer in range(layers):
        x = block_by_hand(p, heads, x, activation="gelu", prefix=f"blocks.{layer}.")
    return norm(p, "norm", x) @ p.get("head.weight", words).T


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


def assert_depends(found, expected, what):
    """found[i, j] says by how much output i changes with input j; it must be 0 exactly where expected is False."""
    assert_equal(tuple(found.shape), tuple(expected.shape), f"{what}: the number of positions")
    leaks = found.masked_fill(expected, 0.0)
    assert_close(leaks, torch.zeros_like(leaks), "zero gradient", f"{what}, where there must be none (row: output)")
    missing = expected & (found < 1e-3)
    assert_true(not missing.any(), f"{what}: {int(missing.sum())} outputs do not depend on an input that they may see.")


# --- causal_mask ------------------------------------------------------------------------------------------------------

WRONG_PASTS = (
    "mask_shows_the_future",
    "mask_hides_the_word_itself",
    "mask_shows_one_word_ahead",
    "mask_of_ones_and_zeros",
    "mask_to_be_added",
)


@exercise("causal_mask")
@points(3)
@catches(*WRONG_PASTS)
def test_every_word_sees_itself_and_what_came_before(student):
    """Row i allows the keys 0 to i, and nothing after them."""
    lengths = (1, 2, 5, 11)

    found = [student.causal_mask(length) for length in lengths]

    for length, mask in zip(lengths, found, strict=True):
        assert_close(mask, past_of(length), "exact", f"the mask for {length} words")


@exercise("causal_mask")
@points(3)
@catches("mask_aligned_at_the_top_left", *WRONG_PASTS)
def test_fewer_queries_are_the_last_words(student):
    """With fewer queries than keys, the queries are the last positions: the last one sees every key."""
    sizes = ((2, 5), (1, 7), (3, 4), (5, 13), (3, 3))

    found = [student.causal_mask(len_q, len_k) for len_q, len_k in sizes]

    for (len_q, len_k), mask in zip(sizes, found, strict=True):
        assert_close(mask, past_of(len_q, len_k), "exact", f"the mask for {len_q} queries and {len_k} keys")


# --- combine_masks ----------------------------------------------------------------------------------------------------

WRONG_JOINS = ("masks_joined_with_or", "masks_added_up", "last_mask_wins", "only_the_first_two_masks")


@exercise("combine_masks")
@points(2)
@catches(*WRONG_JOINS)
def test_all_masks_must_allow_a_pair(student):
    """A pair is allowed exactly if every mask allows it, for every combination of two, three and four."""
    tables = [
        [torch.tensor([bool(row >> bit & 1) for row in range(2**count)]) for bit in range(count)] for count in (2, 3, 4)
    ]

    found = [student.combine_masks(*columns) for columns in tables]

    for columns, joined in zip(tables, found, strict=True):
        expected = torch.tensor([all(bool(c[row]) for c in columns) for row in range(len(columns[0]))])
        assert_close(joined, expected, "exact", f"{len(columns)} masks in one")


@exercise("combine_masks")
@points(1)
@catches(*WRONG_JOINS)
def test_masks_of_different_shapes_are_broadcast(student, draw):
    """Masks of different shapes are joined in their common shape: padding for a whole batch, the past for all."""
    padding, past, heads = draw.mask(3, 1, 1, 5), past_of(5), draw.mask(1, 2, 5, 5)
    column, row = draw.mask(7, 1), draw.mask(1, 3)

    found = [
        student.combine_masks(padding, past),
        student.combine_masks(past, padding, heads),
        student.combine_masks(column, row),
    ]

    both = torch.stack([p.expand(1, 5, 5) & past for p in padding])
    expected = [both, both.repeat(1, 2, 1, 1) & heads.repeat(3, 1, 1, 1), column.repeat(1, 3) & row.repeat(7, 1)]
    for joined, right in zip(found, expected, strict=True):
        assert_close(joined, right, "exact", f"masks joined to the shape {tuple(right.shape)}")


@exercise("combine_masks")
@points(1)
@catches("none_hides_everything", "only_the_first_two_masks", "no_mask_is_a_mask_of_true")
def test_none_allows_everything(student, draw):
    """None is skipped wherever it stands; without any mask the result is None."""
    one, other = draw.mask(3, 5), draw.mask(3, 5)

    joined = [student.combine_masks(*masks) for masks in ((None, one), (one, None), (one, None, None, other), (one,))]
    nothing = [student.combine_masks(*masks) for masks in ((), (None,), (None, None, None))]

    for found, expected in zip(joined, (one, one, one & other, one), strict=True):
        assert_close(found, expected, "exact", "masks, some of which are None")
    for found in nothing:
        assert_true(found is None, "Without any mask the result must be None.")


@exercise("combine_masks")
@points(1)
@catches("masks_written_into")
def test_masks_of_the_caller_stay_as_they_are(student, draw):
    """No mask that was passed is changed."""
    masks = [draw.mask(5, 5, keep=0.8) for _ in range(3)]

    first = student.combine_masks.aftermath(*masks)
    second = student.combine_masks.aftermath(None, masks[2], masks[0])

    assert_left_alone(first, *masks)
    assert_close(second.arguments[1], masks[2], "exact", "an argument after the call")


@exercise("combine_masks")
@points(1)
@catches("any_dtype_is_a_mask", "masks_added_up")
def test_a_mask_that_is_not_bool_is_refused(student, draw):
    """A mask of numbers raises a ValueError, whether it stands first, last or alone."""
    good, bad = draw.mask(3, 5), draw.mask(3, 5).float()

    for masks in ((bad,), (good, bad), (bad, good), (good, None, bad.long())):
        assert_raises("ValueError", student.combine_masks, *masks)


# --- CausalSelfAttention ----------------------------------------------------------------------------------------------

WRONG_VIEWS = (
    "attention_without_its_mask",
    "mask_shows_the_future",
    "mask_shows_one_word_ahead",
    "mask_hides_the_word_itself",
)
WRONG_CALLERS_MASKS = ("callers_mask_ignored", "callers_mask_gives_the_future_back")


def causal_layer(student, draw, d, heads, **more):
    """A layer of the student's and its parameters."""
    parameters = some_attention(draw, "attention", d)
    return load(student.CausalSelfAttention(d, heads, **more), "CausalSelfAttention", parameters), parameters


def causal_by_hand(parameters, heads, x, mask=EVERYTHING, dtype=torch.float32):
    x = x.double()
    found = attend(in_double(parameters), "attention", heads, x, x, past_of(x.size(1)) & mask)
    return [tensor.to(dtype) for tensor in found]


@exercise("CausalSelfAttention")
@points(4)
@catches(*WRONG_VIEWS, "causal_output_alone")
def test_causal_attention_number_by_number(student, draw):
    """Output and weights of every head are those of attention to the past alone, for any length."""
    layer, parameters = causal_layer(student, draw, 15, 3)
    other, others = causal_layer(student, draw, 14, 2)
    long, short, single, wide = (
        draw.normal(2, 7, 15),
        draw.normal(3, 2, 15),
        draw.normal(2, 1, 15),
        draw.normal(2, 5, 14),
    )

    found = [layer(long), layer(short), layer(single), other(wide)]

    expected = [causal_by_hand(parameters, 3, x) for x in (long, short, single)] + [causal_by_hand(others, 2, wide)]
    for (output, weights), (right_output, right_weights) in zip(found, expected, strict=True):
        assert_close(weights, right_weights, "attention", f"the weights for {weights.shape[-1]} words")
        assert_close(output, right_output, "attention", f"the output for {weights.shape[-1]} words")


@exercise("CausalSelfAttention")
@points(2)
@catches(*WRONG_VIEWS)
def test_another_future_changes_nothing(student, draw):
    """When word j is another one, exactly the outputs from j on change."""
    layer, _ = causal_layer(student, draw, 6, 2)
    lengths = (1, 3, 7)
    inputs = []
    for length in lengths:
        x = draw.normal(1, length, 6).repeat(length + 1, 1, 1)
        x[range(length), range(length)] += 2 * draw.normal(length, 6)  # sentence j differs in word j, the last in none
        inputs.append(x)

    found = [layer(x)[0] for x in inputs]

    for length, output in zip(lengths, found, strict=True):
        assert_equal(tuple(output.shape), (length + 1, length, 6), "the shape of the output")
        change = (output[:-1] - output[-1]).abs().amax(-1).T  # (output i, input j)
        assert_depends(change, past_of(length), f"the change of the outputs of {length} words")


@exercise("CausalSelfAttention")
@points(2)
@catches(*WRONG_VIEWS, "causal_attention_cuts_the_graph")
def test_no_gradient_comes_from_the_future(student, draw):
    """The gradient of output i reaches the words 0 to i and no others, and it is right."""
    length, heads = 5, 3
    layer, parameters = causal_layer(student, draw, 6, heads)
    x = draw.normal(1, length, 6)
    towards = torch.zeros(length, 1, length, 6)
    for i in range(length):
        towards[i, 0, i] = draw.normal(6)

    found = [layer.gradients(x, toward=toward) for toward in towards]

    names = list(parameters)
    for i, toward in enumerate(towards):
        gradient = found[i].arguments[0]
        expected = gradients_by_torch(
            lambda y, *p: attend(dict(zip(names, p, strict=True)), "attention", heads, y, y, past_of(length))[0],
            [x, *parameters.values()],
            toward,
        )
        assert_gradient(gradient, expected[0], f"the words with respect to output {i}")
        future = gradient[:, i + 1 :]
        if future.numel():
            assert_close(future, torch.zeros_like(future), "zero gradient", f"the gradient of output {i} in its future")
        for name, right in zip(names, expected[1:], strict=True):
            assert_gradient(found[i].parameters.get(name), right, name)


@exercise("CausalSelfAttention")
@points(2)
@catches(*WRONG_CALLERS_MASKS, "masks_joined_with_or", "attention_without_its_mask", "last_mask_wins")
def test_a_mask_takes_away_and_never_gives_back(student, draw):
    """A mask joins the causal one: padding on either side, one for each head, one that allows everything."""
    layer, parameters = causal_layer(student, draw, 6, 2)
    x = draw.normal(3, 5, 6)
    right_padding = torch.tensor([5, 3, 1]).view(3, 1, 1, 1) > torch.arange(5)
    scattered = torch.tensor([[1, 0, 1, 0, 1], [0, 1, 1, 0, 1], [0, 0, 0, 1, 1]], dtype=torch.bool).view(3, 1, 1, 5)
    by_head = draw.mask(3, 2, 5, 5)
    masks = [right_padding, scattered, by_head, torch.ones(5, 5, dtype=torch.bool), draw.mask(5, 5)]

    found = [layer(x, mask) for mask in masks]

    for mask, (output, weights) in zip(masks, found, strict=True):
        right_output, right_weights = causal_by_hand(parameters, 2, x, mask)
        what = f"with a mask of shape {tuple(mask.shape)}"
        assert_close(weights, right_weights, "attention", f"the weights {what}")
        assert_close(output, right_output, "attention", f"the output {what}")


@exercise("CausalSelfAttention")
@points(1)
@catches("past_of_the_first_sentence_kept")
def test_causal_attention_leaves_the_world_alone(student, draw):
    """Arguments and random state stay; sentences of any length may follow each other, and float64 stays float64."""
    layer, parameters = causal_layer(student, draw, 6, 3, dropout=0.3)
    inputs = [draw.normal(2, length, 6) for length in (5, 7, 2)]
    mask = draw.mask(2, 1, 1, 5)

    after = layer.aftermath(inputs[0], mask)
    found = [layer(x)[0] for x in inputs]
    layer.double()
    in_float64 = layer(inputs[0].double(), mask)

    assert_left_alone(after, inputs[0], mask)
    for x, output in zip(inputs, found, strict=True):
        assert_close(output, causal_by_hand(parameters, 3, x)[0], "attention", f"the output for {x.size(1)} words")
    for tensor, right in zip(in_float64, causal_by_hand(parameters, 3, inputs[0], mask, torch.float64), strict=True):
        assert_close(tensor, right, "attention", "output and weights in float64")


@exercise("CausalSelfAttention")
@points(1)
@catches("causal_attention_without_dropout")
def test_dropout_of_nearly_all_weights(student, draw):
    """Dropout acts on the weights: with nearly all dropped, only the bias of `w_o` is left, in training alone."""
    # So near to 1 that nothing is left, and yet 1 - dropout is not 0, by which somebody may divide.
    layer, parameters = causal_layer(student, draw, 6, 2, dropout=1 - 1e-9)
    unsaid, others = causal_layer(student, draw, 6, 2)
    x = draw.normal(2, 5, 6)

    in_evaluation = [layer(x)[0], layer(-x)[0]]
    layer.train()
    unsaid.train()
    in_training = [layer(x), layer(-x)]
    kept = unsaid(x)[0]

    for y, output in zip((x, -x), in_evaluation, strict=True):
        assert_close(output, causal_by_hand(parameters, 2, y)[0], "attention", "the output in evaluation")
    for y, (output, weights) in zip((x, -x), in_training, strict=True):
        bias = parameters["attention.w_o.bias"].expand(2, 5, 6)
        assert_close(output, bias, "attention", "the output when all weights are dropped")
        assert_close(weights, causal_by_hand(parameters, 2, y)[1], "attention", "the returned weights in training")
    what = "the output in training of a layer made without a dropout"
    assert_close(kept, causal_by_hand(others, 2, x)[0], "attention", what)


# --- DecoderBlock -----------------------------------------------------------------------------------------------------

WRONG_ROADS = (
    "norms_behind_the_sums",
    "one_norm_for_all",
    "residual_from_the_normed",
    "no_residual_around_the_source",
    "cross_attention_before_self_attention",
)
WRONG_SOURCES = (
    "memory_asks_and_target_answers",
    "memory_never_read",
    "memory_through_the_norm",
    "cross_attention_is_causal",
)


def block_of(student, draw, d, heads, d_ff, cross=True, **more):
    """A block of the student's and its parameters."""
    parameters = some_block(draw, d, d_ff, cross)
    block = student.DecoderBlock(d, heads, d_ff, cross_attention=cross, **more)
    return load(block, "DecoderBlock", parameters), parameters


def block_expected(parameters, heads, x, memory=None, dtype=torch.float32, **more):
    memory = None if memory is None else memory.double()
    return block_by_hand(in_double(parameters), heads, x.double(), memory, **more).to(dtype)


BOTH_ATTENTIONS = ("self_attention.attention", "cross_attention")


def added_by(student, draw, name, x, dropout):
    """What one of the attentions adds to x in training, when it says 1 for everything and the others are silent.

    There is one word and one of the source, so that its weight is 1.
    """
    silent = {name: torch.zeros_like(parameter) for name, parameter in some_block(draw, x.size(-1), 7).items()}
    speaking = {f"{name}.w_v.bias": torch.ones(x.size(-1)), f"{name}.w_o.weight": torch.eye(x.size(-1))}
    block = load(student.DecoderBlock(x.size(-1), 2, 7, dropout=dropout), "DecoderBlock", silent | speaking)
    block.train()
    return block(x, x) - x


@exercise("DecoderBlock")
@points(4)
@catches(*WRONG_ROADS, *WRONG_SOURCES, "block_sees_the_future", "always_relu")
def test_block_number_by_number(student, draw):
    """With all parameters random and sentences of unequal length, the output is that of the three sub-layers."""
    block, parameters = block_of(student, draw, 12, 3, 17)
    smooth, others = block_of(student, draw, 10, 2, 7, activation="gelu")
    x, memory = draw.normal(2, 5, 12), draw.normal(2, 7, 12)
    y, source = draw.normal(3, 7, 10), draw.normal(3, 2, 10)

    found = [block(x, memory), block(-x, memory), smooth(y, source)]

    expected = [
        block_expected(parameters, 3, x, memory),
        block_expected(parameters, 3, -x, memory),
        block_expected(others, 2, y, source, activation="gelu"),
    ]
    for output, right in zip(found, expected, strict=True):
        assert_close(output, right, "attention", f"the output for {right.size(1)} words")


@exercise("DecoderBlock")
@points(3)
@catches(
    "memory_mask_ignored",
    "self_mask_ignored",
    "self_mask_for_the_source_too",
    "callers_mask_ignored",
    "callers_mask_gives_the_future_back",
)
def test_each_mask_belongs_to_one_of_the_attentions(student, draw):
    """self_mask hides words of the target, memory_mask words of the source; what is hidden has no influence."""
    block, parameters = block_of(student, draw, 6, 2, 11)
    # As many words in both, so that a mask fits where it does not belong, and then different numbers.
    x, memory, longer = draw.normal(3, 5, 6), draw.normal(3, 5, 6), draw.normal(3, 7, 6)
    hides_target, hides_source, hides_longer = draw.mask(3, 1, 5, 5), draw.mask(3, 1, 1, 5), draw.mask(3, 2, 5, 7)
    hides_target[:, :, :, 0] = True  # every word sees something
    source_padding = torch.tensor([7, 4, 1]).view(3, 1, 1, 1) > torch.arange(7)
    other = torch.where(source_padding.view(3, 7, 1), longer, 5 * draw.normal(3, 7, 6))
    cases = [
        (memory, {"self_mask": hides_target}),
        (memory, {"memory_mask": hides_source}),
        (memory, {"self_mask": hides_target, "memory_mask": hides_source}),
        (longer, {"self_mask": hides_target, "memory_mask": hides_longer}),
        (longer, {"memory_mask": source_padding}),
    ]

    found = [block(x, source, **masks) for source, masks in cases]
    with_other = block(x, other, memory_mask=source_padding)

    for (source, masks), output in zip(cases, found, strict=True):
        assert_close(
            output, block_expected(parameters, 2, x, source, **masks), "attention", f"with {' and '.join(masks)}"
        )
    assert_close(with_other, found[-1], "attention", "the output when only hidden words of the source change")


@exercise("DecoderBlock")
@points(2)
@catches("block_sees_the_future", "cross_attention_is_causal", "memory_never_read", "memory_asks_and_target_answers")
def test_block_knows_its_past_and_the_whole_source(student, draw):
    """Output i depends on the words 0 to i of the target, and on every word of the source."""
    length, source = 5, 7
    block, _ = block_of(student, draw, 6, 3, 11)
    x, memory = draw.normal(1, length, 6).repeat(length + 1, 1, 1), draw.normal(1, source, 6).repeat(source + 1, 1, 1)
    other_x, other_memory = x.clone(), memory.clone()
    other_x[range(length), range(length)] += 2 * draw.normal(length, 6)
    other_memory[range(source), range(source)] += 2 * draw.normal(source, 6)

    by_target = block(other_x, memory[: length + 1])
    by_source = block(x[:1].repeat(source + 1, 1, 1), other_memory)

    for output, inputs in ((by_target, length), (by_source, source)):
        assert_equal(tuple(output.shape), (inputs + 1, length, 6), "the shape of the output")
    change = (by_target[:-1] - by_target[-1]).abs().amax(-1).T
    assert_depends(change, past_of(length), "the change of the outputs with the target")
    change = (by_source[:-1] - by_source[-1]).abs().amax(-1).T
    assert_depends(change, torch.ones(length, source, dtype=torch.bool), "the change of the outputs with the source")


@exercise("DecoderBlock")
@points(3)
@catches(
    "third_norm_without_need",
    "norms_behind_the_sums",
    "one_norm_for_all",
    "residual_from_the_normed",
    "block_sees_the_future",
    "always_relu",
)
def test_block_without_cross_attention(student, draw):
    """Without cross-attention there are two sub-layers and two norms, and no memory is needed."""
    block, parameters = block_of(student, draw, 10, 2, 7, cross=False, activation="gelu")
    x, mask = draw.normal(3, 5, 10), draw.mask(3, 1, 5, 5)
    mask[..., 0] = True

    found = [block(x), block(-x), block(x, self_mask=mask)]
    learned = block.gradients(x).parameters

    expected = [
        block_expected(parameters, 2, x, activation="gelu"),
        block_expected(parameters, 2, -x, activation="gelu"),
        block_expected(parameters, 2, x, self_mask=mask, activation="gelu"),
    ]
    for output, right in zip(found, expected, strict=True):
        assert_close(output, right, "attention", "the output")
    more = sorted(set(learned) - set(parameters))
    assert_true(not more, f"Without cross-attention the block learns more than it should: {', '.join(more)}.")


@exercise("DecoderBlock")
@points(1)
@catches("memory_cut_from_the_graph", "memory_never_read", "one_norm_for_all")
def test_gradients_reach_target_source_and_parameters(student, draw):
    """Gradients reach the target, the source and every parameter, and they are right."""
    block, parameters = block_of(student, draw, 6, 2, 7)
    x, memory, toward = draw.normal(2, 3, 6), draw.normal(2, 5, 6), draw.normal(2, 3, 6)

    found = block.gradients(x, memory, toward=toward)
    block.gradients(-x, memory, toward=toward)

    names = list(parameters)
    expected = gradients_by_torch(
        lambda y, m, *p: block_by_hand(dict(zip(names, p, strict=True)), 2, y, m),
        [x, memory, *parameters.values()],
        toward,
    )
    assert_gradient(found.arguments[0], expected[0], "the target")
    assert_gradient(found.arguments[1], expected[1], "the source")
    for name, right in zip(names, expected[2:], strict=True):
        assert_gradient(found.parameters.get(name), right, name)


@exercise("DecoderBlock")
@points(1)
@catches("sublayers_not_dropped", "dropout_on_the_sum")
def test_dropout_leaves_the_road_open(student, draw):
    """Dropout acts on what each sub-layer adds: with nearly all of it dropped, x comes out as it went in."""
    block, parameters = block_of(student, draw, 6, 2, 7, dropout=1 - 1e-9)
    alone, others = block_of(student, draw, 6, 2, 7, cross=False, dropout=1 - 1e-9)
    unsaid = load(student.DecoderBlock(6, 2, 7), "DecoderBlock", parameters)
    x, memory = draw.normal(2, 5, 6), draw.normal(2, 3, 6)

    in_evaluation = [block(x, memory), alone(x)]
    for each in (block, alone, unsaid):
        each.train()
    in_training = [block(x, memory), alone(x)]
    kept = unsaid(x, memory)
    twice = {name: added_by(student, draw, name, draw.normal(23, 1, 6), 0.5) for name in BOTH_ATTENTIONS}

    assert_close(in_evaluation[0], block_expected(parameters, 2, x, memory), "attention", "the output in evaluation")
    assert_close(in_evaluation[1], block_expected(others, 2, x), "attention", "the output in evaluation")
    for output in in_training:
        assert_close(output, x, "attention", "the output in training, when what is added is dropped")
    what = "the output in training of a block made without a dropout"
    assert_close(kept, block_expected(parameters, 2, x, memory), "attention", what)
    for name, numbers in twice.items():
        expected = torch.where(numbers.abs() < 1e-4, 0.0, 4.0)
        what = f"what {name} adds in training: its weights and its output are dropped, or divided by 1 - dropout"
        assert_close(numbers, expected, "attention", what)


@exercise("DecoderBlock")
@points(1)
@catches("block_changes_its_input", "norms_behind_the_sums")
def test_block_leaves_the_world_alone(student, draw):
    """Arguments and random state are left alone, a second call gives the same, and float64 stays float64."""
    block, parameters = block_of(student, draw, 6, 3, 7, dropout=0.3)
    x, memory, mask = draw.normal(2, 5, 6), draw.normal(2, 7, 6), draw.mask(2, 1, 1, 7)

    after = block.aftermath(x, memory, None, mask)
    twice = [block(x, memory, memory_mask=mask) for _ in range(2)]
    block.double()
    in_float64 = block(x.double(), memory.double(), memory_mask=mask)

    assert_close(after.arguments[0], x, "exact", "the target after the call")
    assert_close(after.arguments[1], memory, "exact", "the source after the call")
    assert_true(after.random_state_kept, "The call has moved PyTorch's global random generator.")
    assert_close(twice[1], twice[0], "exact", "the output of a second call")
    expected = block_expected(parameters, 3, x, memory, torch.float64, memory_mask=mask)
    assert_close(in_float64, expected, "attention", "the output in float64")


@exercise("DecoderBlock")
@points(1)
@catches("missing_memory_passed_over")
def test_block_refuses_what_cannot_be(student, draw):
    """A call without the memory that cross-attention needs raises a ValueError, and so do heads that do not fit."""
    block, _ = block_of(student, draw, 6, 2, 7)

    assert_raises("ValueError", block, draw.normal(2, 3, 6))
    assert_raises("ValueError", student.DecoderBlock, 7, 2, 5)


# --- init_gpt_weights -------------------------------------------------------------------------------------------------

WRONG_SIZES = (
    "positions_and_words_left_as_they_were",
    "all_weights_alike",
    "residuals_without_the_two",
    "residuals_divided_by_the_depth",
    "xavier_instead",
    "variance_in_place_of_the_deviation",
    "uniform_instead_of_normal",
)


def kind_of(name):
    """The kind of a parameter, by its name."""
    if "norm" in name:
        return f"{name.rpartition('.')[2]} of the norms"
    if name.endswith("bias"):
        return "biases"
    if name.endswith(("w_o.weight", "linear2.weight")):
        return "residual projections"
    return "embeddings" if "embedding" in name else "other linear layers"


def by_kind(state):
    """All numbers of each kind of parameter, in one row."""
    kinds = {}
    for name, parameter in state.items():
        kinds.setdefault(kind_of(name), []).append(parameter.flatten().double())
    return {kind: torch.cat(parts) for kind, parts in kinds.items()}


def assert_normal(numbers, deviation, what):
    """The numbers are normal with mean 0 and this standard deviation, as far as so many numbers can tell.

    The mean and the deviation of n numbers stray by deviation / sqrt(n) and deviation / sqrt(2 n). Six times that is
    exceeded once in 500 million; and that no number of 6300 or more lies beyond three deviations, once in 25 million.
    """
    n = numbers.numel()
    found = float(numbers.square().mean().sqrt())
    allowed = 6 / math.sqrt(2 * n)
    assert_true(abs(found / deviation - 1) < allowed, f"The standard deviation of the {what} is {found:.4f}.")
    assert_true(abs(float(numbers.mean())) < 6 * deviation / math.sqrt(n), f"The mean of the {what} is not 0.")
    far = float(numbers.abs().max()) > 3 * deviation
    assert_true(far, f"Of {n} numbers none of the {what} is beyond three standard deviations: that is not normal.")


def model_of(student, draw, width, d_ff, blocks, **more):
    """An embedding of words with blocks hung into it, started from a seed that the check knows."""
    student.props.seed(int(draw.integers(0, 2**31, 1)))
    model = student.TokenEmbedding(331, width, False)
    for number in range(blocks):
        model.add_module(f"block{number}", student.DecoderBlock(width, 2, d_ff, **more))
    return model


@exercise("init_gpt_weights")
@points(3)
@catches(*WRONG_SIZES)
def test_weights_of_each_kind_have_their_size(student, draw):
    """Embeddings and linear layers have a standard deviation of 0.02, those that end on the residual path less.

    It rejects a right solution less than once in a million times; see assert_normal.
    """
    depths = (3, 5)
    models = [model_of(student, draw, 38, 41, depth, cross_attention=False) for depth in depths]

    for model in models:
        student.init_gpt_weights(model)
    states = [model.state_dict() for model in models]

    for depth, state in zip(depths, states, strict=True):
        kinds = by_kind(state)
        assert_normal(kinds["embeddings"], 0.02, "embeddings")
        assert_normal(kinds["other linear layers"], 0.02, "linear layers that do not end on the residual path")
        what = f"projections onto the residual path of {depth} blocks"
        assert_normal(kinds["residual projections"], 0.02 / math.sqrt(2 * depth), what)


@exercise("init_gpt_weights")
@points(2)
@catches("biases_left_as_they_were", "norms_drawn_like_the_rest", "norms_left_as_they_were")
def test_biases_are_zero_and_norms_neutral(student, draw):
    """All biases become 0 and the weights of all norms 1, whatever they were before."""
    model = model_of(student, draw, 6, 11, 2)
    before = {name: draw.normal(*parameter.shape) for name, parameter in model.state_dict().items()}
    model.load_state_dict(before)

    student.init_gpt_weights(model)
    found = model.state_dict()

    for name, parameter in found.items():
        if kind_of(name) in ("biases", "bias of the norms"):
            assert_close(parameter, torch.zeros_like(parameter), "exact", name)
        elif kind_of(name) == "weight of the norms":
            assert_close(parameter, torch.ones_like(parameter), "exact", name)
        else:
            assert_true(not torch.equal(parameter, before[name]), f"{name} has not been drawn anew.")


@exercise("init_gpt_weights")
@points(1)
@catches("residuals_without_the_two", "all_weights_alike", "cross_attention_forgotten", "xavier_instead")
def test_a_single_block_with_cross_attention(student, draw):
    """One block is a model as well, its cross-attention ends on the residual path, too, and no two matrices are alike.

    It rejects a right solution less than once in a million times; see assert_normal.
    """
    student.props.seed(int(draw.integers(0, 2**31, 1)))
    block = student.DecoderBlock(62, 2, 61)

    student.init_gpt_weights(block)
    state = block.state_dict()

    kinds = by_kind(state)
    assert_normal(kinds["residual projections"], 0.02 / math.sqrt(2), "projections onto the residual path of one block")
    assert_normal(kinds["other linear layers"], 0.02, "linear layers that do not end on the residual path")
    crossing = {n: p for n, p in state.items() if n.startswith("cross_attention") and n.endswith("w_o.weight")}
    for name, matrix in crossing.items():
        twin = state["self_attention.attention.w_o.weight"]
        assert_true(not torch.equal(matrix, twin), f"{name} holds the same numbers as that of the self-attention.")
        ratio = float(matrix.double().square().mean().sqrt()) / (0.02 / math.sqrt(2))
        allowed = 6 / math.sqrt(2 * matrix.numel())
        assert_true(
            abs(ratio - 1) < allowed, f"The standard deviation of {name} is {ratio:.2f} times what it should be."
        )


# --- GPT --------------------------------------------------------------------------------------------------------------

WRONG_MODELS = (
    "positions_not_added",
    "words_scaled",
    "no_last_norm",
    "relu_in_the_blocks",
    "softmax_in_the_model",
)
WRONG_LOSSES = (
    "loss_of_probabilities",
    "loss_added_up",
    "targets_shifted_once_more",
    "ignored_targets_count",
    "loss_mixes_words_and_positions",
)


def gpt_of(student, draw, vocab, d, heads, layers, max_len, tied=True, **more):
    """A model of the student's and its parameters."""
    parameters = some_gpt(draw, vocab, d, layers, max_len, more.get("d_ff") or 4 * d, tied)
    student.props.seed(int(draw.integers(0, 2**31, 1)))  # what is not loaded shall be the same in every replay
    model = student.GPT(vocab, d, heads, layers, max_len, tie_weights=tied, **more)
    return load(model, "GPT", parameters), parameters


WORDS, HEAD = "token_embedding.embedding.weight", "head.weight"


def by_either_name(gradients, name):
    """A gradient; a matrix that is shared goes by the name of that use which was written first."""
    return gradients.get(name, gradients.get(HEAD) if name == WORDS else None)


def gpt_expected(parameters, heads, layers, ids, dtype=torch.float32):
    return gpt_by_hand(in_double(parameters), heads, layers, ids).to(dtype)


@exercise("GPT")
@points(4)
@catches(*WRONG_MODELS, "d_ff_ignored", "one_block_many_times", "norms_behind_the_sums", "residual_from_the_normed")
def test_logits_number_by_number(student, draw):
    """With all parameters given, the logits of every position are right: tied and not, d_ff given and not."""
    tied, parameters = gpt_of(student, draw, 19, 10, 2, 2, 7)
    free, others = gpt_of(student, draw, 13, 6, 3, 3, 11, tied=False, d_ff=17)
    ids, short, long = draw.integers(0, 19, 3, 5), draw.integers(0, 19, 2, 1), draw.integers(0, 13, 2, 11)

    found = [tied(ids)[0], tied(short)[0], free(long)[0]]

    expected = [
        gpt_expected(parameters, 2, 2, ids),
        gpt_expected(parameters, 2, 2, short),
        gpt_expected(others, 3, 3, long),
    ]
    for logits, right in zip(found, expected, strict=True):
        assert_close(logits, right, "attention", f"the logits of {right.size(1)} positions")


@exercise("GPT")
@points(3)
@catches(*WRONG_LOSSES, "softmax_in_the_model")
def test_loss_by_hand(student, draw):
    """The loss is the mean surprise about all targets that are not -100, and None without targets."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 1, 7)
    ids, targets = draw.integers(0, 13, 3, 5), draw.integers(0, 13, 3, 5)
    some = targets.clone()
    some[0, 1], some[1, 3:], some[2] = -100, -100, -100

    found = [model(ids, targets), model(ids, some), model(ids)]
    gradients = model.gradients(ids, some, toward=(torch.tensor(0.0), torch.tensor(1.0))).parameters

    logits = gpt_expected(parameters, 2, 1, ids)
    surprise = -torch.log_softmax(gpt_expected(parameters, 2, 1, ids, torch.float64), -1)
    for (its_logits, loss), wanted in zip(found, (targets, some, None), strict=True):
        assert_close(its_logits, logits, "attention", "the logits")
        if wanted is None:
            assert_true(loss is None, "Without targets the loss must be None.")
        else:
            counted = [float(surprise[b, t, wanted[b, t]]) for b in range(3) for t in range(5) if wanted[b, t] >= 0]
            assert_close(loss, torch.tensor(math.fsum(counted) / len(counted)), "attention", "the loss")
    names = list(parameters)
    rows, columns = (some >= 0).nonzero().unbind(1)
    expected = gradients_by_torch(
        lambda *p: (
            -torch.log_softmax(gpt_by_hand(dict(zip(names, p, strict=True)), 2, 1, ids), -1)[
                rows, columns, some[rows, columns]
            ].mean()
        ),
        list(parameters.values()),
        torch.tensor(1.0),
    )
    for name, right in zip(names, expected, strict=True):
        assert_gradient(by_either_name(gradients, name), right, name)


@exercise("GPT")
@points(2)
@catches("mask_shows_the_future", "mask_shows_one_word_ahead")
def test_logits_depend_on_the_past_alone(student, draw):
    """When word j is another one, exactly the logits from j on change."""
    model, _ = gpt_of(student, draw, 13, 6, 2, 2, 7)
    lengths, inputs = (3, 7), []
    for length in lengths:
        ids = draw.integers(0, 13, 1, length).repeat(length + 1, 1)
        ids[range(length), range(length)] += draw.integers(1, 13, length)
        inputs.append(ids % 13)

    found = [model(ids)[0] for ids in inputs]

    for length, logits in zip(lengths, found, strict=True):
        assert_equal(tuple(logits.shape), (length + 1, length, 13), "the shape of the logits")
        change = (logits[:-1] - logits[-1]).abs().amax(-1).T
        assert_depends(change, past_of(length), f"the change of the logits of {length} positions")


@exercise("GPT")
@points(2)
@catches("weights_copied_instead_of_tied", "weights_never_tied", "weights_always_tied")
def test_tied_weights_are_one_matrix(student, draw):
    """Tied, there is one matrix: it learns from both its uses, and stays one when it is loaded."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 1, 7)
    free, others = gpt_of(student, draw, 13, 6, 2, 1, 7, tied=False)
    unsaid = student.GPT(13, 6, 2, 1, 7)
    ids, toward, other = draw.integers(0, 13, 2, 5), draw.normal(2, 5, 13), draw.normal(13, 6)

    found = [m.gradients(ids, toward=toward).parameters for m in (model, free, unsaid)]
    states = [m.state_dict() for m in (model, free)]
    load(model, "GPT", {**parameters, WORDS: other, HEAD: other})
    after = model(ids)[0]
    load(model, "GPT", {HEAD: parameters[WORDS]})
    again = model(ids)[0]

    matrices = [sum(name in gradients for name in (WORDS, HEAD)) for gradients in found]
    assert_true(matrices[0] == 1, "Tied, head and embedding must be one Parameter, not two.")
    assert_true(matrices[1] == 2, "With tie_weights=False the head has a matrix of its own.")
    assert_true(matrices[2] == 1, "Unless something else is said, head and embedding are one Parameter.")
    more = sorted(set(found[1]) - set(others))
    assert_true(not more, f"The model learns more than it should: {', '.join(more)}.")
    assert_close(states[0][HEAD], parameters[WORDS], "exact", "the tied matrix of the head")
    assert_close(states[1][HEAD], others[HEAD], "exact", "the free matrix of the head")
    names = list(parameters)
    expected = gradients_by_torch(
        lambda *p: gpt_by_hand(dict(zip(names, p, strict=True)), 2, 1, ids), list(parameters.values()), toward
    )
    for name, right in zip(names, expected, strict=True):
        assert_gradient(by_either_name(found[0], name), right, name)
    assert_close(after, gpt_expected({**parameters, WORDS: other}, 2, 1, ids), "attention", "the logits after loading")
    what = "the logits after only the matrix of the head was loaded, which is that of the words as well"
    assert_close(again, gpt_expected(parameters, 2, 1, ids), "attention", what)


@exercise("GPT")
@points(2)
@catches("weights_as_pytorch_draws_them", "all_weights_alike", "positions_and_words_left_as_they_were")
def test_a_new_model_is_not_surprised_by_anything(student, draw):
    """A new model finds every word about equally likely: its loss is near ln V, and its weights are those of GPT-2.

    It rejects a right solution less than once in a million times; see assert_normal. The logits of a new model stray
    by about 0.02 sqrt(D) = 0.12, which moves the loss by about 0.02; 0.3 are allowed.
    """
    vocab, layers = 211, 3
    student.props.seed(int(draw.integers(0, 2**31, 1)))
    models = [student.GPT(vocab, 38, 2, layers, 13, d_ff=41, tie_weights=tied) for tied in (True, False)]
    ids, targets = draw.integers(0, vocab, 5, 13), draw.integers(0, vocab, 5, 13)

    losses = [model(ids, targets)[1] for model in models]
    states = [model.state_dict() for model in models]

    for loss, state in zip(losses, states, strict=True):
        assert_equal(tuple(loss.shape), (), "the shape of the loss")
        assert_true(abs(float(loss) - math.log(vocab)) < 0.3, f"A new model begins with a loss of {float(loss):.2f}.")
        kinds = by_kind(state)
        assert_normal(kinds["embeddings"], 0.02, "embeddings")
        deviation = 0.02 / math.sqrt(2 * layers)
        assert_normal(
            kinds["residual projections"], deviation, f"projections onto the residual path of {layers} blocks"
        )


@exercise("GPT")
@points(1)
@catches("too_long_texts_are_cut", "too_long_texts_raise_as_they_like")
def test_gpt_refuses_a_text_that_is_too_long(student, draw):
    """A text of max_len words is read, one word more raises a ValueError, and max_len can be asked for."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 1, 5)
    ids = draw.integers(0, 13, 2, 6)

    longest = model(ids[:, :5])[0]

    assert_equal(model.attribute("max_len"), 5, "max_len")
    assert_close(longest, gpt_expected(parameters, 2, 1, ids[:, :5]), "attention", "the logits of max_len words")
    assert_raises("ValueError", model, ids)
    assert_raises("ValueError", model, ids, ids)


@exercise("GPT")
@points(1)
@catches("gpt_without_dropout", "embeddings_not_dropped")
def test_dropout_of_nearly_everything_in_gpt(student, draw):
    """With nearly everything dropped, words, positions and blocks are gone: only the bias of the last norm is read."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 2, 7, dropout=1 - 1e-9)
    unsaid = load(student.GPT(13, 6, 2, 2, 7), "GPT", parameters)
    ids = draw.integers(0, 13, 3, 5)

    in_evaluation = [model(ids)[0], model(ids.flip(1))[0]]
    model.train()
    unsaid.train()
    kept = unsaid(ids)[0]
    in_training = [model(ids)[0], model(ids.flip(1))[0]]

    for words, logits in zip((ids, ids.flip(1)), in_evaluation, strict=True):
        assert_close(logits, gpt_expected(parameters, 2, 2, words), "attention", "the logits in evaluation")
    nothing = (parameters["token_embedding.embedding.weight"] @ parameters["norm.bias"]).expand(3, 5, 13)
    for logits in in_training:
        assert_close(logits, nothing, "attention", "the logits in training, when everything is dropped")
    what = "the logits in training of a model made without a dropout"
    assert_close(kept, gpt_expected(parameters, 2, 2, ids), "attention", what)


@exercise("GPT")
@points(1)
@catches("positions_not_added")
def test_gpt_leaves_the_world_alone(student, draw):
    """Words, targets and random state are left alone, a second call gives the same, and float64 stays float64."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 1, 7, dropout=0.3)
    ids, targets = draw.integers(0, 13, 3, 5), draw.integers(0, 13, 3, 5)
    targets[0, :2] = -100

    after = [model.aftermath(ids, targets), model.aftermath(ids.flip(1), targets)]
    twice = [model(ids, targets) for _ in range(2)]
    model.double()
    in_float64, loss = model(ids, targets)
    without_loss = model(ids)[0]

    assert_left_alone(after[0], ids, targets)
    assert_left_alone(after[1], ids.flip(1), targets)
    assert_close(twice[1][0], twice[0][0], "exact", "the logits of a second call")
    assert_close(twice[1][1], twice[0][1], "exact", "the loss of a second call")
    for logits in (in_float64, without_loss):
        assert_close(logits, gpt_expected(parameters, 2, 1, ids, torch.float64), "attention", "the logits in float64")
    assert_equal(loss.dtype, torch.float64, "the dtype of the loss")


# --- apply_temperature ------------------------------------------------------------------------------------------------

WRONG_HEATS = ("multiplied_by_temperature", "temperature_on_probabilities", "probabilities_returned")


@exercise("apply_temperature")
@points(2)
@catches(*WRONG_HEATS)
def test_temperature_divides(student, draw):
    """Every logit is divided by the temperature, and -inf stays -inf."""
    logits, plain = draw.normal(2, 3, 7), draw.normal(11)
    logits[0, 0, 3] = logits[1, 2, 0] = -math.inf
    temperatures = (0.5, 1.0, 2.0, 1.7)

    found = [student.apply_temperature(x, t) for t in temperatures for x in (logits, plain)]

    expected = [x / t for t in temperatures for x in (logits, plain)]
    for cooled, right in zip(found, expected, strict=True):
        assert_close(cooled, right, "softmax", f"logits with {right.dim()} axes")


@exercise("apply_temperature")
@points(1)
@catches("temperature_zero_divides", "temperature_zero_is_ones", "temperature_zero_keeps_all_the_best")
def test_temperature_zero_leaves_the_best_word(student, draw):
    """At temperature 0 only the largest logit of each row is left, as it is; of equal ones the first."""
    logits = draw.normal(3, 7) - 5
    equal = torch.tensor([[1.0, 4.0, 2.0, 4.0, 4.0], [-1.0, -3.0, -math.inf, -2.0, -1.0]])

    inputs = (logits, equal, logits[0], logits.double())

    found = [student.apply_temperature(x, 0) for x in inputs]

    for x, cold in zip(inputs, found, strict=True):
        best = [row.index(max(row)) for row in x.reshape(-1, x.size(-1)).tolist()]
        others = torch.nn.functional.one_hot(torch.tensor(best), x.size(-1)).reshape(x.shape) == 0
        assert_close(cold, x.masked_fill(others, -math.inf), "exact", "the logits at temperature 0")


@exercise("apply_temperature")
@points(1)
@catches("negative_temperature_taken", "temperature_in_place", "multiplied_by_temperature")
def test_temperature_below_zero_is_refused(student, draw):
    """A negative temperature raises a ValueError; logits of any float dtype stay what they are."""
    logits = draw.normal(3, 5)

    after = [student.apply_temperature.aftermath(logits, t) for t in (2.0, 0.0)]
    in_float64 = [student.apply_temperature(logits.double(), t) for t in (0.7, 1.3)]

    for left in after:
        assert_left_alone(left, logits)
    for t, found in zip((0.7, 1.3), in_float64, strict=True):
        assert_close(found, logits.double() / t, "softmax", "the logits in float64")
    assert_raises("ValueError", student.apply_temperature, logits, -0.5)


# --- top_k_filter -----------------------------------------------------------------------------------------------------

WRONG_RANKS = (
    "one_word_too_many",
    "k_smallest_kept",
    "zero_instead_of_minus_infinity",
    "best_words_returned_in_order",
    "first_row_decides",
)


def best_words(row, k):
    """The ids of the k largest numbers of a list, of equal ones the lowest."""
    return sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]


def kept_by_hand(logits, choose):
    """The logits with -inf for every word that `choose` does not name for its row."""
    rows = logits.reshape(-1, logits.size(-1))
    expected = torch.full_like(rows, -math.inf)
    for row, out in zip(rows, expected, strict=True):
        for i in choose(row.tolist()):
            out[i] = row[i]
    return expected.reshape(logits.shape)


def dealt(draw, *shape):
    """Numbers no two of which are near each other in a row, every row in an order of its own."""
    rows = math.prod(shape[:-1])
    order = torch.stack([draw.permutation(shape[-1]) for _ in range(rows)])
    return (0.3 * order + draw.uniform(-0.1, 0.1, rows, shape[-1]) - 1).reshape(shape)


@exercise("top_k_filter")
@points(3)
@catches(*WRONG_RANKS)
def test_top_k_keeps_the_best_of_each_row(student, draw):
    """In every row, each in an order of its own, the k largest logits stay where and as they are."""
    logits, flat = dealt(draw, 5, 11), dealt(draw, 2, 3, 7)

    found = [student.top_k_filter(logits, 3), student.top_k_filter(logits, 7), student.top_k_filter(flat, 2)]

    for (x, k), filtered in zip(((logits, 3), (logits, 7), (flat, 2)), found, strict=True):
        expected = kept_by_hand(x, lambda row, k=k: best_words(row, k))
        assert_close(filtered, expected, "exact", f"the {k} best of {x.size(-1)} words")


@exercise("top_k_filter")
@points(1)
@catches("one_word_too_many", "k_must_fit", "zero_instead_of_minus_infinity")
def test_top_k_of_one_word_and_of_more_than_there_are(student, draw):
    """With k = 1 the best word stays, with k = V and more all of them."""
    logits = dealt(draw, 3, 5)

    found = [student.top_k_filter(logits, k) for k in (1, 5, 6, 50)]

    for k, filtered in zip((1, 5, 5, 5), found, strict=True):
        expected = kept_by_hand(logits, lambda row, k=k: best_words(row, k))
        assert_close(filtered, expected, "exact", f"the {k} best of 5 words")


@exercise("top_k_filter")
@points(2)
@catches("all_equal_ones_kept", "last_of_equal_ones_kept", "one_word_too_many")
def test_top_k_of_equal_logits(student, draw):
    """Exactly k words are kept: of equal ones those with the lowest ids."""
    tied = torch.tensor([[2.0, 5.0, 5.0, 1.0, 5.0, 0.0, 5.0], [3.0, 1.0, 3.0, 3.0, 2.0, 3.0, 3.0]])
    many = draw.integers(0, 3, 2, 61).float()

    found = [student.top_k_filter(tied, k) for k in (1, 2, 3)] + [student.top_k_filter(many, k) for k in (5, 17)]

    for (x, k), filtered in zip([(tied, 1), (tied, 2), (tied, 3), (many, 5), (many, 17)], found, strict=True):
        expected = kept_by_hand(x, lambda row, k=k: best_words(row, k))
        assert_close(filtered, expected, "exact", f"{k} of {x.size(-1)} words, some of which are equal")


@exercise("top_k_filter")
@points(1)
@catches("top_k_in_place", "zero_instead_of_minus_infinity", "kept_ones_normalised", "k_smallest_kept")
def test_top_k_leaves_the_rest_alone(student, draw):
    """What was -inf stays -inf, what is kept is the same to the last bit, and the argument is not changed."""
    logits = dealt(draw, 3, 7)
    logits[0, :5], logits[1, 2] = -math.inf, -math.inf

    after = [student.top_k_filter.aftermath(logits, k) for k in (1, 3)]
    found = [student.top_k_filter(logits, 3), student.top_k_filter(logits.double(), 2)]

    for left in after:
        assert_left_alone(left, logits)
    for x, k, filtered in ((logits, 3, found[0]), (logits.double(), 2, found[1])):
        expected = kept_by_hand(x, lambda row, k=k: best_words(row, k))
        assert_close(filtered, expected, "exact", f"the {k} best of 7 words, some of which were -inf before")


@exercise("top_k_filter")
@points(1)
@catches("any_k_taken")
def test_top_k_of_nothing_is_refused(student, draw):
    """A k below 1 raises a ValueError."""
    assert_raises("ValueError", student.top_k_filter, draw.normal(2, 5), 0)
    assert_raises("ValueError", student.top_k_filter, draw.normal(2, 5), -3)


# --- top_p_filter -----------------------------------------------------------------------------------------------------

WRONG_NUCLEI = (
    "crossing_word_dropped",
    "crossing_word_dropped_but_one_kept",
    "verdicts_in_the_order_of_the_scores",
    "returned_in_the_order_of_the_scores",
    "added_up_without_sorting",
    "worst_words_first",
    "each_word_by_itself",
    "logits_added_up",
    "zero_for_dropped_words",
    "probabilities_as_logits",
    "one_minus_p",
    "first_row_sets_the_limit",
    "added_up_down_the_rows",
    "normalised_anew",
)


def nucleus(row, p):
    """The ids of the fewest best words that together have a probability of at least p, in plain Python."""
    powers = [math.exp(x - max(row)) for x in row]
    kept, mass = [], 0.0
    for i in best_words(row, len(row)):
        if mass >= p:
            break
        kept.append(i)
        mass += powers[i] / math.fsum(powers)
    return kept


def p_between(row, count):
    """A p that `count` words reach and fewer do not, as far from both as can be."""
    powers = sorted((math.exp(x) for x in row), reverse=True)
    total = math.fsum(powers)
    return (math.fsum(powers[: count - 1]) + powers[count - 1] / 2) / total


def rows_of_probabilities(draw, *tables):
    """The logarithms of some probabilities, each row shuffled, and a constant added that changes nothing."""
    rows = [torch.tensor(table)[draw.permutation(len(table))].log() for table in tables]
    return torch.stack(rows) + draw.normal(len(rows), 1)


@exercise("top_p_filter")
@points(3)
@catches(*WRONG_NUCLEI, "shelf_read_while_moving", "first_row_counts_for_all")
def test_top_p_of_rows_in_different_orders(student, draw):
    """Rows whose best words have different ids: the word that reaches p stays, and so does a first one above p."""
    logits = rows_of_probabilities(
        draw,
        (0.4, 0.3, 0.2, 0.1),
        (0.5, 0.3, 0.15, 0.05),
        (0.92, 0.05, 0.02, 0.01),
        (0.31, 0.27, 0.22, 0.2),
        (0.7, 0.16, 0.1, 0.04),
    )

    found = [student.top_p_filter(logits, p) for p in (0.79, 0.6, 0.88, 0.1)]

    for p, filtered in zip((0.79, 0.6, 0.88, 0.1), found, strict=True):
        expected = kept_by_hand(logits, lambda row, p=p: nucleus(row, p))
        assert_close(filtered, expected, "exact", "logits, filtered")


@exercise("top_p_filter")
@points(2)
@catches(*WRONG_NUCLEI, "shelf_read_while_moving")
def test_top_p_keeps_enough_and_no_more(student, draw):
    """What is kept has a probability of at least p, and with one word less it would not."""
    cases = []
    for count, shape in ((2, (1, 23)), (5, (1, 23)), (11, (2, 1, 13)), (3, (7,))):
        logits = 1.5 * draw.normal(*shape)
        cases.append((logits, p_between(logits.reshape(-1, shape[-1])[0].tolist(), count)))

    found = [student.top_p_filter(logits, p) for logits, p in cases]

    for (logits, p), filtered in zip(cases, found, strict=True):
        # In the second sentence of the third case p might come near a sum by chance; it is judged by its mass.
        assert_equal(tuple(filtered.shape), tuple(logits.shape), "the shape of the filtered logits")
        first = filtered.reshape(-1, logits.size(-1))[:1]
        expected = kept_by_hand(logits.reshape(-1, logits.size(-1))[:1], lambda row, p=p: nucleus(row, p))
        assert_close(first, expected, "exact", f"one of {logits[..., 0].numel()} rows of {logits.size(-1)} logits")
        mass = torch.softmax(logits.double(), -1).masked_fill(filtered == -math.inf, 0.0)
        assert_true((mass.sum(-1) > p - 1e-5).all(), "The words that are kept have less probability than p.")
        least = mass.masked_fill(mass == 0, 2.0).amin(-1)
        assert_true((mass.sum(-1) - least < p + 1e-5).all(), "More words are kept than p asks for.")


@exercise("top_p_filter")
@points(1)
@catches("crossing_word_dropped", "each_word_by_itself", "probabilities_as_logits", "rounded_to_one_too_early")
def test_top_p_of_everything_and_of_next_to_nothing(student, draw):
    """With p = 1 every word stays, also beside one that is nearly certain; with a tiny p the best one."""
    logits = dealt(draw, 3, 7)
    # Shares of less than 1e-10 beside one that float32 rounds to 1.
    certain = [logits + 30 * torch.nn.functional.one_hot(draw.integers(0, 7, 3), 7) for _ in range(2)]

    found = [student.top_p_filter(logits, p) for p in (1.0, 1e-9)]
    in_float64 = student.top_p_filter(logits.double(), 1.0)
    beside = [student.top_p_filter(x, 1.0) for x in certain]

    assert_close(found[0], logits, "exact", "logits filtered with p = 1")
    assert_close(in_float64, logits.double(), "exact", "logits in float64 filtered with p = 1")
    for x, filtered in zip(certain, beside, strict=True):
        assert_close(filtered, x, "exact", "logits filtered with p = 1, one word of each row being nearly certain")
    expected = kept_by_hand(logits, lambda row: best_words(row, 1))
    assert_close(found[1], expected, "exact", "logits filtered with a tiny p")


@exercise("top_p_filter")
@points(2)
@catches("exceeds_instead_of_reaches", "last_of_equal_words_kept", "all_as_good_as_the_last", "crossing_word_dropped")
def test_top_p_when_p_is_reached_exactly(student):
    """Where the best words have exactly p together, no further one is kept; of equal ones the lowest ids come first."""
    # Halves, quarters and eighths, which no rounding can bend.
    half = math.log(2)
    cases = [
        (torch.zeros(2, 4), 0.5),
        (torch.zeros(1, 8), 0.25),
        (torch.tensor([[0.0, half, 0.0]]), 0.75),
        (torch.tensor([[0.0, 0.0, 2 * half, half], [half, 0.0, 0.0, 2 * half]]), 0.5),
        (torch.zeros(1, 16), 0.3),
    ]

    found = [student.top_p_filter(logits, p) for logits, p in cases]

    for (logits, p), filtered in zip(cases, found, strict=True):
        expected = torch.full_like(logits, -math.inf)
        for row, out in zip(logits, expected, strict=True):
            eighths = [round(8 * 2 ** (x / half)) for x in row.tolist()]
            mass = 0
            for i in best_words(eighths, len(eighths)):
                if mass >= p * sum(eighths):
                    break
                out[i] = row[i]
                mass += eighths[i]
        assert_close(filtered, expected, "exact", f"{logits.size(-1)} logits, some of which are equal")


@exercise("top_p_filter")
@points(1)
@catches(
    "verdicts_in_the_order_of_the_scores", "logits_added_up", "added_up_without_sorting", "probabilities_as_logits"
)
def test_top_p_does_not_care_about_names(student, draw):
    """Words may be numbered anew and a constant added: the same words stay, and one that was -inf never comes back."""
    logits = dealt(draw, 1, 11)
    p = p_between(logits[0].tolist(), 4)
    order = draw.permutation(11)
    gone = logits.clone()
    gone[0, order[:5]] = -math.inf
    q = p_between(gone[0].tolist(), 3)

    found = [student.top_p_filter(x, p) for x in (logits, logits[:, order], logits + 3, logits - 40)]
    without = student.top_p_filter(gone, q)

    expected = kept_by_hand(logits, lambda row: nucleus(row, p))
    kept = expected > -math.inf
    assert_close(found[0], expected, "exact", "the filtered logits")
    assert_close(found[1], expected[:, order], "exact", "the filtered logits of words with other numbers")
    for shift, shifted in zip((3, -40), found[2:], strict=True):
        right = (logits + shift).masked_fill(~kept, -math.inf)
        assert_close(shifted, right, "exact", "the filtered logits with a constant added")
    assert_close(without, kept_by_hand(gone, lambda row: nucleus(row, q)), "exact", "the logits when some were -inf")


@exercise("top_p_filter")
@points(1)
@catches("any_p_taken", "nucleus_in_place")
def test_top_p_refuses_what_is_no_share(student, draw):
    """A p that is not above 0 and at most 1 raises a ValueError; the argument is not changed, its dtype is kept."""
    logits = dealt(draw, 3, 7)

    after = [student.top_p_filter.aftermath(logits, p) for p in (0.4, 0.9)]
    p = p_between(logits[0].tolist(), 3)
    in_float64 = student.top_p_filter(logits[:1].double(), p)

    for left in after:
        assert_left_alone(left, logits)
    expected = kept_by_hand(logits[:1].double(), lambda row: nucleus(row, p))
    assert_close(in_float64, expected, "exact", "the filtered logits in float64")
    for wrong in (0.0, -0.1, 1.01):
        assert_raises("ValueError", student.top_p_filter, logits, wrong)


# --- sample_next_token ------------------------------------------------------------------------------------------------

ROWS = 1999
WRONG_ORDERS = ("top_p_before_top_k", "temperature_last", "filters_ignored")


@exercise("sample_next_token")
@points(2)
@catches(*WRONG_ORDERS, "top_k_ignored")
def test_the_filters_come_in_their_order(student, draw):
    """Temperature, then top-k, then top-p: the words that are ever drawn tell the order.

    Every word that can be drawn has a probability of at least 0.02 or none: that one of them is not seen in 1999 rows
    happens less than once in 10 to the 17.
    """
    three, five = torch.tensor([0.4, 0.35, 0.25]).log(), torch.tensor([0.6, 0.2, 0.12, 0.05, 0.03]).log()
    cases = [
        # The two best of three have 0.53 and 0.47: the first alone reaches a half. Before, it has only 0.4.
        (three, {"top_k": 2, "top_p": 0.5}, {0}),
        # Flattened to 0.42, 0.31, 0.26: it takes two to reach a half. Before, 0.6 was enough.
        (torch.tensor([0.6, 0.25, 0.15]).log(), {"temperature": 3.0, "top_p": 0.5}, {0, 1}),
        # Sharpened to 0.86, 0.1, 0.03 and less: the first alone reaches 0.85. Before, it took three.
        (five, {"temperature": 0.5, "top_p": 0.85}, {0}),
        # Flattened, the two best of five have 0.64 and 0.36: both are needed for 0.65. Before, the first had 0.75.
        (five, {"temperature": 2.0, "top_k": 2, "top_p": 0.65}, {0, 1}),
        (five, {"top_k": 3}, {0, 1, 2}),
        (five, {"top_p": 0.7}, {0, 1}),
        (five, {}, {0, 1, 2, 3, 4}),
    ]
    orders = [draw.permutation(len(logits)) for logits, _, _ in cases]

    found = []
    for (logits, filters, _), order in zip(cases, orders, strict=True):
        generator = student.props.Generator(int(draw.integers(0, 2**31, 1)))
        found.append(student.sample_next_token(logits[order].repeat(ROWS, 1), **filters, generator=generator))

    for (_, filters, support), order, tokens in zip(cases, orders, found, strict=True):
        assert_tokens(tokens, ROWS, len(order))
        drawn = {int(order[token]) for token in tokens.unique()}
        assert_true(not drawn - support, f"With {filters} words are drawn that should have been filtered out.")
        assert_true(not support - drawn, f"With {filters} some words are never drawn that should be.")


def assert_tokens(tokens, rows, vocab):
    """One id for each row."""
    assert_true(isinstance(tokens, torch.Tensor), "A tensor of ids must be returned.")
    assert_equal((tuple(tokens.shape), tokens.dtype), ((rows,), torch.int64), "shape (B,) and dtype int64 of the ids")
    assert_true(bool(((tokens >= 0) & (tokens < vocab)).all()), "An id is not in the vocabulary.")


@exercise("sample_next_token")
@points(2)
@catches("always_the_best", "logits_as_probabilities", "one_draw_for_all_rows", "top_k_ignored")
def test_words_are_drawn_as_often_as_they_should(student, draw):
    """In 9995 draws each word comes as often as its probability says, after the filters; checked with chi-square.

    It rejects a right solution once in a million times: the bounds are the quantiles of chi-square at 1 - 0.5e-6 for
    6 and for 3 degrees of freedom.
    """
    logits = 0.8 * dealt(draw, 1, 7)
    cases, found = ((), (1.5, 4, None)), []
    for options in cases:
        seeds = draw.integers(0, 2**31, 5).tolist()
        generators = [student.props.Generator(seed) for seed in seeds]
        rows = logits.repeat(ROWS, 1)
        found.append([student.sample_next_token(rows, *options, generator=generator) for generator in generators])

    cooled = kept_by_hand(logits / 1.5, lambda row: best_words(row, 4))
    for drawn, right, bound in zip(found, (logits, cooled), (40.0, 32.0), strict=True):
        for tokens in drawn:
            assert_tokens(tokens, ROWS, 7)
        expected = 5 * ROWS * torch.softmax(right[0].double(), 0)
        counts = torch.bincount(torch.cat(drawn), minlength=7).double()
        possible = expected > 0
        assert_true(bool((counts[~possible] == 0).all()), "A word was drawn that had been filtered out.")
        chi_square = float(((counts - expected).square() / expected)[possible].sum())
        assert_true(chi_square < bound, "The words are not drawn as often as their probabilities say.")


@exercise("sample_next_token")
@points(1)
@catches("generator_ignored", "seed_set_in_every_call")
def test_the_generator_of_the_caller_is_used(student, draw):
    """The same seed draws the same words, another seed others, and the global generator is left alone.

    That two seeds agree in 61 draws of seven words happens less than once in 10 to the 20.
    """
    logits, seed = 0.1 * draw.normal(61, 7), int(draw.integers(0, 2**31, 1))
    first, same, other = (student.props.Generator(s) for s in (seed, seed, seed + 1))
    student.props.seed(seed + 2)  # whoever draws from the global generator shall be recognised by what comes

    found = [student.sample_next_token(logits, generator=g) for g in (first, same, other)]
    once_more = student.sample_next_token(logits, generator=first)
    after = student.sample_next_token.aftermath(logits, 1.0, None, None, other)

    for tokens in (*found, once_more):
        assert_tokens(tokens, 61, 7)
    assert_close(found[1], found[0], "exact", "the words drawn with the same seed")
    assert_true(not torch.equal(found[2], found[0]), "Two seeds draw the same words: the generator is not used.")
    assert_true(not torch.equal(once_more, found[0]), "A second call draws the same: the generator does not advance.")
    assert_true(after.random_state_kept, "The global generator has moved although another was given.")


@exercise("sample_next_token")
@points(1)
@catches("temperature_zero_draws")
def test_sampling_at_temperature_zero_is_greedy(student, draw):
    """At temperature 0 the best word of each row is taken, whatever the filters; wrong arguments raise a ValueError."""
    logits = draw.normal(13, 7)
    logits[3] = torch.tensor([1.0, 4.0, 2.0, 4.0, 4.0, 0.0, 4.0])
    best = torch.tensor([row.index(max(row)) for row in logits.tolist()])
    student.props.seed(int(draw.integers(0, 2**31, 1)))

    found = [student.sample_next_token(logits, 0.0), student.sample_next_token(logits, 0, 5, 0.9)]
    single = student.sample_next_token(logits[:1], 0.0)
    left = student.sample_next_token.aftermath(logits, 0.5, 3, 0.8)

    for tokens in found:
        assert_close(tokens, best, "exact", "the words at temperature 0")
    assert_close(single, best[:1], "exact", "the word of a single row")
    assert_close(left.arguments[0], logits, "exact", "the logits after the call")
    assert_raises("ValueError", student.sample_next_token, logits, -1.0)
    assert_raises("ValueError", student.sample_next_token, logits, 1.0, 0)
    assert_raises("ValueError", student.sample_next_token, logits, 1.0, None, 1.5)


# --- generate ---------------------------------------------------------------------------------------------------------

VOCAB, TABLE_ROWS = 13, 29
WRONG_LOOPS = ("first_position_read", "only_the_last_word_read", "prompt_lost", "one_word_less")


def a_table(draw):
    """Logits for every row of a TableModel, of which the best is always clear."""
    return dealt(draw, TABLE_ROWS, VOCAB)


def written_by_hand(table, max_len, prompt, count, eos=None, pad=None):
    """What a TableModel continues greedily, in evaluation and without gradients, one list for each row."""
    best = table.argmax(-1).tolist()
    texts, ended = [list(row) for row in prompt.tolist()], [False] * len(prompt)
    for _ in range(count):
        for number, text in enumerate(texts):
            seen = text[-max_len:]
            word = best[(seen[-1] + 3 * seen[0] + 5 * (len(seen) - 1)) % TABLE_ROWS]
            text.append(pad if ended[number] else word)
            ended[number] = ended[number] or word == eos
        if all(ended):
            break
    return torch.tensor(texts)


def written(student, model, prompt, count, **more):
    """What the student's generate writes at temperature 0."""
    return student.generate(model, prompt, count, temperature=0.0, **more)


@exercise("generate")
@points(3)
@catches(*WRONG_LOOPS, "model_left_in_training", "gradients_left_on")
def test_a_table_is_continued_word_by_word(student, draw):
    """The words are exactly those that a model which is a table leads to: prompt first, then as many as asked for."""
    table = a_table(draw)
    model = student.props.TableModel(table, 50)
    prompts = [
        (draw.integers(0, VOCAB, 3, 5), 11),
        (draw.integers(0, VOCAB, 2, 1), 7),
        (draw.integers(0, VOCAB, 1, 3), 1),
    ]

    found = [written(student, model, prompt, count) for prompt, count in prompts]
    nothing_new = written(student, model, prompts[0][0], 0)

    for (prompt, count), ids in zip(prompts, found, strict=True):
        expected = written_by_hand(table, 50, prompt, count)
        assert_close(ids, expected, "exact", f"{prompt.size(1)} words and {count} new ones")
    assert_close(nothing_new, prompts[0][0], "exact", "a prompt and no new words")


@exercise("generate")
@points(2)
@catches("context_never_cropped", "context_cropped_at_the_wrong_end", "cropped_text_returned")
def test_a_model_reads_its_last_max_len_words(student, draw):
    """When the text becomes longer than max_len, the model gets its last words, as many as it can read."""
    table = a_table(draw)
    models = [student.props.TableModel(table, max_len) for max_len in (5, 1, 7)]
    prompt, long = draw.integers(0, VOCAB, 2, 3), draw.integers(0, VOCAB, 3, 11)

    found = [written(student, models[0], prompt, 11), written(student, models[1], prompt, 5)]
    found += [written(student, models[2], long, 5)]

    cases = ((prompt, 11, 5), (prompt, 5, 1), (long, 5, 7))
    for (text, count, max_len), ids in zip(cases, found, strict=True):
        expected = written_by_hand(table, max_len, text, count)
        assert_close(ids, expected, "exact", f"{count} new words of a model that reads {max_len}")


@exercise("generate")
@points(2)
@catches(
    "model_left_in_training",
    "mode_not_restored",
    "mode_always_training",
    "gradients_left_on",
)
def test_the_model_is_left_in_its_mode(student, draw):
    """The model writes in evaluation and without gradients, and is then in the mode in which it was."""
    table, prompt = a_table(draw), draw.integers(0, VOCAB, 2, 3)
    in_training, in_evaluation = student.props.TableModel(table, 50), student.props.TableModel(table, 50)
    in_evaluation.eval()

    found = [written(student, model, prompt, 7) for model in (in_training, in_evaluation)]
    modes = [model.attribute("training") for model in (in_training, in_evaluation)]

    for ids in found:
        assert_close(ids, written_by_hand(table, 50, prompt, 7), "exact", "the words, written in evaluation")
    assert_true(modes[0] is True, "A model that was in training must be in training again afterwards.")
    assert_true(modes[1] is False, "A model that was in evaluation must be in evaluation afterwards.")


def an_ending(draw, rows, max_len, count):
    """A table, prompts and an end token that each row draws at another step, all before `count` words are written."""
    while True:
        table, prompt = a_table(draw), draw.integers(0, VOCAB, rows, 3)
        eos = int(draw.integers(0, VOCAB, 1))
        prompt[:, 0] = eos  # an end token in the prompt ends nothing
        new = written_by_hand(table, max_len, prompt, count)[:, 3:].tolist()
        ends = [row.index(eos) if eos in row else count for row in new]
        if len(set(ends)) == rows and max(ends) < count - 2:
            return table, prompt, eos


@exercise("generate")
@points(2)
@catches(
    "end_token_ignored",
    "first_end_stops_all",
    "ended_rows_go_on",
    "pad_token_ignored",
    "no_early_stop",
    "end_token_in_the_prompt_counts",
)
def test_each_row_ends_by_itself(student, draw):
    """A row that has drawn the end token gets pads; when all have ended, nothing is added any more."""
    cases = [(*an_ending(draw, rows, 7, 17), pad) for rows, pad in ((3, 4), (2, None), (1, 0))]

    found = []
    for table, prompt, eos, pad in cases:
        more = {} if pad is None else {"pad_id": pad}
        found.append(written(student, student.props.TableModel(table, 7), prompt, 17, eos_id=eos, **more))
    first_table, first_prompt, first_eos, _ = cases[0]
    model = student.props.TableModel(first_table, 7)
    cut_short = written(student, model, first_prompt, 2, eos_id=first_eos, pad_id=4)

    for (table, prompt, eos, pad), ids in zip(cases, found, strict=True):
        expected = written_by_hand(table, 7, prompt, 17, eos, eos if pad is None else pad)
        assert_close(ids, expected, "exact", f"the words of {len(prompt)} rows with an end token")
    expected = written_by_hand(first_table, 7, first_prompt, 2, first_eos, 4)
    assert_close(cut_short, expected, "exact", "two new words of rows with an end token")


@exercise("generate")
@points(1)
@catches("sampling_options_ignored", "generator_not_passed_on", "prompt_changed_in_place")
def test_generate_passes_its_options_on(student, draw):
    """Temperature, top_k, top_p and generator do what they do in sample_next_token; the prompt is not changed.

    That two seeds agree in 65 draws of 13 words happens less than once in 10 to the 30.
    """
    table, prompt, seed = a_table(draw), draw.integers(0, VOCAB, 5, 3), int(draw.integers(0, 2**31, 1))
    sharp, flat = student.props.TableModel(table, 7), student.props.TableModel(0.01 * table, 7)

    def generator(number):
        return student.props.Generator(number)

    student.props.seed(seed + 2)
    greedy = [
        student.generate(sharp, prompt, 13, top_k=1, generator=generator(seed)),
        student.generate(sharp, prompt, 13, top_p=1e-6, generator=generator(seed)),
        student.generate(sharp, prompt, 13, temperature=1e-3, generator=generator(seed)),
    ]
    drawn = [student.generate(flat, prompt, 13, generator=generator(number)) for number in (seed, seed, seed + 1)]
    unsaid, said = (
        student.generate(sharp, prompt, 13, generator=generator(seed), **more) for more in ({}, {"temperature": 1.0})
    )
    after = student.generate.aftermath(flat, prompt, 13, 1.0, None, None, None, None, generator(seed))

    for ids, what in zip(greedy, ("top_k = 1", "a tiny top_p", "a tiny temperature"), strict=True):
        assert_close(ids, written_by_hand(table, 7, prompt, 13), "exact", f"the words with {what}")
    for ids in drawn:
        assert_equal(tuple(ids.shape), (5, 16), "the shape of the result")
        assert_close(ids[:, :3], prompt, "exact", "the prompt in the result")
    assert_close(unsaid, said, "exact", "the words drawn without a temperature, which is 1 then")
    assert_close(drawn[1], drawn[0], "exact", "the words drawn with the same seed")
    assert_true(not torch.equal(drawn[2], drawn[0]), "Two seeds draw the same words: the generator is not used.")
    assert_close(after.arguments[1], prompt, "exact", "the prompt after the call")
    assert_true(after.random_state_kept, "The global generator has moved although another was given.")


# --- nucleus_mask -----------------------------------------------------------------------------------------------------

WRONG_WAYS_BACK = ("ranks_taken_for_ids", "ranks_looked_up_twice", "way_back_of_the_first_row", "sorting_left_out")
WRONG_MASKS = ("mask_without_the_crossing_word", "true_for_words_that_go", "mask_of_whole_numbers")


def stays_by_hand(logits, p):
    """True for the words of each row that stay."""
    return kept_by_hand(logits, lambda row: nucleus(row, p)) > -math.inf


def steep(draw, *shape):
    """Logits, each row in an order of its own, of which few words stay, and p = 0.9 is far from every sum.

    The shares by rank are about 0.58, 0.29, 0.09 and less, with the sums 0.58, 0.87, 0.96: two words for p = 0.75,
    three for 0.9.
    """
    size = shape[-1]
    table = torch.tensor([0.58, 0.29, 0.09] + [0.04 / (size - 3)] * (size - 3)).log() - 0.01 * torch.arange(size)
    rows = [table[draw.permutation(size)] for _ in range(math.prod(shape[:-1]))]
    return torch.stack(rows).reshape(shape) + draw.normal(*shape[:-1], 1)


@exercise("nucleus_mask")
@points(2)
@catches(*WRONG_WAYS_BACK, *WRONG_MASKS)
def test_mask_of_rows_in_different_orders(student, draw):
    """In rows whose best words have different ids, every verdict reaches its own word."""
    logits = rows_of_probabilities(
        draw, (0.4, 0.3, 0.2, 0.1), (0.5, 0.3, 0.15, 0.05), (0.7, 0.16, 0.1, 0.04), (0.31, 0.27, 0.22, 0.2)
    )
    wide = steep(draw, 5, 11)

    found = [student.nucleus_mask(x, p) for x, p in ((logits, 0.6), (logits, 0.88), (wide, 0.75))]

    for mask, (x, p) in zip(found, ((logits, 0.6), (logits, 0.88), (wide, 0.75)), strict=True):
        assert_close(mask, stays_by_hand(x, p), "exact", f"the mask of {len(x)} rows in different orders")


@exercise("nucleus_mask")
@points(2)
@catches("ranks_taken_for_ids", "ranks_looked_up_twice", "sorting_left_out", *WRONG_MASKS)
def test_mask_moves_with_the_words(student, draw):
    """If the words are numbered anew, the mask is the same in the new order, also with more axes or a single row."""
    cases = [(steep(draw, *shape), p, draw.permutation(shape[-1])) for shape, p in (((7,), 0.9), ((2, 3, 13), 0.75))]

    found = [(student.nucleus_mask(x, p), student.nucleus_mask(x[..., order], p)) for x, p, order in cases]

    for (x, p, order), (mask, renumbered) in zip(cases, found, strict=True):
        expected = stays_by_hand(x, p)
        assert_close(mask, expected, "exact", f"the mask of logits of shape {tuple(x.shape)}")
        assert_close(renumbered, expected[..., order], "exact", "the mask of words with other numbers")


@exercise("nucleus_mask")
@points(1)
@catches("limit_instead_of_way_back", "mask_without_the_crossing_word")
def test_mask_of_equal_words_and_at_the_ends(student, draw):
    """Of equal words the lowest ids stay; p = 1 keeps all, p outside (0, 1] is refused; the logits stay as they are."""
    logits = steep(draw, 3, 7)
    half = math.log(2)
    ties = [
        (torch.zeros(2, 8), 0.25),
        (torch.zeros(4), 0.75),
        (torch.tensor([[0.0, half, 0.0], [half, 0.0, 0.0]]), 0.7),
    ]

    found = [student.nucleus_mask(x, p) for x, p in ties]
    everything = student.nucleus_mask(logits + 30 * (logits == logits.amax()), 1.0)
    in_float64 = student.nucleus_mask(logits.double(), 0.75)
    left = student.nucleus_mask.aftermath(logits, 0.9)

    for mask, (x, p) in zip(found, ties, strict=True):
        assert_close(mask, stays_by_hand(x, p), "exact", f"the mask of {x.size(-1)} words, some of which are equal")
    assert_close(everything, torch.ones(3, 7, dtype=torch.bool), "exact", "the mask with p = 1")
    assert_close(in_float64, stays_by_hand(logits, 0.75), "exact", "the mask of logits in float64")
    assert_left_alone(left, logits)
    for wrong in (0.0, 1.5):
        assert_raises("ValueError", student.nucleus_mask, logits, wrong)


# --- test_top_p_filter ------------------------------------------------------------------------------------------------

# Tests that fail every group: they stop nothing there, or right solutions as well.
BLIND_OR_PICKY = ("shape_will_do", "true_or_false_returned", "nobody_is_right")


@exercise("test_top_p_filter")
@points(3)
@catches("sorted_words_only", "only_counts_who_stays", "p_is_always_one", *BLIND_OR_PICKY)
def test_the_wrong_words_are_stopped(student, draw, suspects):
    """Your test stops solutions that keep the wrong words, such as verdicts left in sorted order; right ones pass."""
    wrong = suspects.wrong(
        "top_p_filter", "verdicts_in_the_order_of_the_scores", "added_up_without_sorting", "worst_words_first"
    )
    assert_tells_apart(student.test_top_p_filter, suspects.right("top_p_filter"), wrong, draw)


@exercise("test_top_p_filter")
@points(2)
@catches("enough_is_never_too_much", "best_word_is_always_enough", "p_is_always_one", *BLIND_OR_PICKY)
def test_too_few_and_too_many_words_are_stopped(student, draw, suspects):
    """It stops solutions that drop the word that crosses p, keep more than are needed, or add up the wrong numbers."""
    wrong = suspects.wrong(
        "top_p_filter",
        "crossing_word_dropped",
        "crossing_word_dropped_but_one_kept",
        "each_word_by_itself",
        "logits_added_up",
        "one_minus_p",
        "shelf_read_while_moving",
    )
    assert_tells_apart(student.test_top_p_filter, suspects.right("top_p_filter"), wrong, draw)


@exercise("test_top_p_filter")
@points(1)
@catches(
    "logits_that_stay_not_looked_at",
    "only_counts_who_stays",
    "enough_is_never_too_much",
    "sorted_words_only",
    "p_is_always_one",
    *BLIND_OR_PICKY,
)
def test_changed_logits_are_stopped(student, draw, suspects):
    """It stops solutions that choose the right words and return other logits, or the right ones in other places."""
    wrong = suspects.wrong(
        "top_p_filter",
        "normalised_anew",
        "zero_for_dropped_words",
        "probabilities_as_logits",
        "returned_in_the_order_of_the_scores",
    )
    assert_tells_apart(student.test_top_p_filter, suspects.right("top_p_filter"), wrong, draw)


@exercise("test_top_p_filter")
@points(2)
@catches("no_words_are_equal", "only_counts_who_stays", "enough_is_never_too_much", "p_is_always_one", *BLIND_OR_PICKY)
def test_wrong_answers_to_equal_words_are_stopped(student, draw, suspects):
    """It stops solutions that are wrong only where words are equal, or where some have exactly p together."""
    # And a gross one, which every test stops that looks at anything. So a blind test is told what it is.
    wrong = suspects.wrong(
        "top_p_filter",
        "exceeds_instead_of_reaches",
        "last_of_equal_words_kept",
        "all_as_good_as_the_last",
        "each_word_by_itself",
    )
    assert_tells_apart(student.test_top_p_filter, suspects.right("top_p_filter"), wrong, draw)


@exercise("test_top_p_filter")
@points(1)
@catches("one_row_at_a_time", "best_word_is_always_enough", "p_is_always_one", *BLIND_OR_PICKY)
def test_rows_that_share_an_answer_are_stopped(student, draw, suspects):
    """It stops solutions in which the rows of a batch get in each other's way."""
    wrong = suspects.wrong(
        "top_p_filter",
        "first_row_counts_for_all",
        "first_row_sets_the_limit",
        "added_up_down_the_rows",
        "each_word_by_itself",
    )
    assert_tells_apart(student.test_top_p_filter, suspects.right("top_p_filter"), wrong, draw)


@exercise("test_top_p_filter")
@points(1)
@catches("ends_of_the_range_left_out", "p_is_always_one", *BLIND_OR_PICKY)
def test_wrong_ends_of_the_range_are_stopped(student, draw, suspects):
    """It stops solutions that lose words with p = 1, those that take a p that is no share, or 1 - p in its place."""
    wrong = suspects.wrong("top_p_filter", "rounded_to_one_too_early", "any_p_taken", "one_minus_p")
    assert_tells_apart(student.test_top_p_filter, suspects.right("top_p_filter"), wrong, draw)


# --- KVCache, an extra ------------------------------------------------------------------------------------------------

WRONG_SHELVES = ("one_shelf_for_all_layers", "new_keys_in_front", "cache_forgets_the_past", "cache_keeps_the_first")


@exercise("KVCache")
@points(4)
@catches(*WRONG_SHELVES)
def test_logits_with_a_cache_are_those_without(student, draw):
    """Word by word or several at a time: with a cache, every logit is the one that the whole text would give."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 3, 11)
    ids = draw.integers(0, 13, 3, 11)
    steps = ((1,) * 11, (5, 1, 1, 4), (3, 2, 6))

    found, lengths = [], []
    for sizes in steps:
        cache, parts = student.KVCache(), ids.split(list(sizes), dim=1)
        found.append([model(part, cache=cache)[0] for part in parts])
        lengths.append(cache.attribute("length"))

    expected = gpt_expected(parameters, 2, 3, ids)
    for sizes, parts in zip(steps, found, strict=True):
        for part, right in zip(parts, expected.split(list(sizes), dim=1), strict=True):
            assert_close(part, right, "attention", f"the logits of {right.size(1)} new positions")
    assert_equal(lengths, [11, 11, 11], "the number of positions in the cache")


@exercise("KVCache")
@points(2)
@catches(*WRONG_SHELVES, "cache_length_counts_calls")
def test_a_shelf_for_each_layer(student, draw):
    """A step appends to the shelf of its layer and gets all of it back; length is the number of positions."""
    cache = student.KVCache()
    keys = [draw.normal(2, 3, length, 5) for length in (4, 1, 2)]
    values = [draw.normal(2, 3, length, 5) for length in (4, 1, 2)]

    lengths, found = [cache.attribute("length")], []
    for k, v in zip(keys, values, strict=True):
        found.append((cache.extend("first", k, v), cache.extend("second", -k, -v)))
        lengths.append(cache.attribute("length"))
    in_float64 = cache.extend("third", keys[0].double(), values[0].double())

    assert_close(in_float64[0], keys[0].double(), "exact", "keys in float64 on a shelf")
    assert_close(in_float64[1], values[0].double(), "exact", "values in float64 on a shelf")
    for count, pair in enumerate(found, 1):
        for sign, shelf in zip((1, -1), pair, strict=True):
            assert_true(
                isinstance(shelf, (tuple, list)) and len(shelf) == 2, "extend must return two tensors, keys and values."
            )
            assert_close(shelf[0], sign * torch.cat(keys[:count], 2), "exact", "the keys on a shelf")
            assert_close(shelf[1], sign * torch.cat(values[:count], 2), "exact", "the values on a shelf")
    assert_equal(lengths, [0, 4, 5, 7], "the length of the cache, before and after each step")


@exercise("KVCache")
@points(2)
@catches("cache_forgets_the_past", "new_keys_in_front", "cache_keeps_the_first")
def test_causal_attention_with_a_cache(student, draw):
    """With P positions in the cache, T queries get T rows of P + T weights, and a mask has as many columns."""
    layer, parameters = causal_layer(student, draw, 6, 2)
    x, mask = draw.normal(3, 7, 6), torch.tensor([7, 4, 2]).view(3, 1, 1, 1) > torch.arange(7)
    plain, masked = student.KVCache(), student.KVCache()

    found = [layer(part, cache=plain) for part in x.split([3, 1, 3], dim=1)]
    hidden = [layer(x[:, :4], mask[..., :4], cache=masked), layer(x[:, 4:], mask, cache=masked)]
    layer.double()
    in_float64 = layer(x.double(), cache=student.KVCache())

    right_output, right_weights = causal_by_hand(parameters, 2, x)
    for (output, weights), (start, end) in zip(found, ((0, 3), (3, 4), (4, 7)), strict=True):
        assert_close(weights, right_weights[:, :, start:end, :end], "attention", "the weights with a cache")
        assert_close(output, right_output[:, start:end], "attention", "the output with a cache")
    for tensor, right in zip(in_float64, causal_by_hand(parameters, 2, x, dtype=torch.float64), strict=True):
        assert_close(tensor, right, "attention", "output and weights with a cache in float64")
    right_output, right_weights = causal_by_hand(parameters, 2, x, mask)
    for (output, weights), (start, end) in zip(hidden, ((0, 4), (4, 7)), strict=True):
        assert_close(weights, right_weights[:, :, start:end, :end], "attention", "the weights with a cache and a mask")
        assert_close(output, right_output[:, start:end], "attention", "the output with a cache and a mask")


@exercise("KVCache")
@points(2)
@catches("all_caches_are_one", "positions_begin_anew", "one_shelf_for_all_layers", "cache_forgets_the_past")
def test_caches_are_independent_and_have_an_end(student, draw):
    """Two texts with a cache each do not meet, and a text that outgrows max_len raises a ValueError."""
    model, parameters = gpt_of(student, draw, 13, 6, 2, 2, 7)
    one, other = draw.integers(0, 13, 2, 7), draw.integers(0, 13, 3, 5)
    first, second = student.KVCache(), student.KVCache()

    found = [model(one[:, :4], cache=first), model(other[:, :2], cache=second)]
    found += [model(one[:, 4:], cache=first), model(other[:, 2:], cache=second)]
    without = model(one)

    of_one, of_other = gpt_expected(parameters, 2, 2, one), gpt_expected(parameters, 2, 2, other)
    expected = [of_one[:, :4], of_other[:, :2], of_one[:, 4:], of_other[:, 2:]]
    for (logits, _), right in zip(found, expected, strict=True):
        assert_close(logits, right, "attention", "the logits of two texts that take turns")
    assert_close(without[0], of_one, "attention", "the logits without a cache, afterwards")
    assert_raises("ValueError", model, one[:, :1], cache=first)
