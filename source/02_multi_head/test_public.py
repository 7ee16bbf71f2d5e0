"""Checks of 02_multi_head that you may read, run and learn from.

They ask PyTorch, numbers worked out by hand, or properties that must hold for every input; they do not know the
solution. Within an exercise they go from simple to whole: mend the first one that fails. The checks that earn points
ask the same kinds of questions about other inputs.
"""

import math

import torch

from autograder.checks import assert_close, assert_raises, assert_tells_apart, assert_true, exercise, suspect

# --- split_heads ------------------------------------------------------------------------------------------------------


@exercise("split_heads")
def test_split_has_an_axis_for_the_heads(student, draw):
    """Two sentences of five words, width 12, three heads: the result has the shape (2, 3, 5, 4)."""
    heads = student.split_heads(draw.normal(2, 5, 12), 3)
    assert_true(tuple(heads.shape) == (2, 3, 5, 4), f"The shape must be (2, 3, 5, 4), got {tuple(heads.shape)}.")


@exercise("split_heads")
def test_split_followed_by_the_number_13(student):
    """In an arange tensor of 1 sentence, 4 positions and 6 channels the 13 is channel 1 of position 2: of head 0."""
    heads = student.split_heads(torch.arange(24.0).reshape(1, 4, 6), 3)
    assert_true(tuple(heads.shape) == (1, 3, 4, 2), f"The shape must be (1, 3, 4, 2), got {tuple(heads.shape)}.")
    where = [int(i) for i in (heads == 13).nonzero()[0]]
    message = f"The 13 must be at head 0, position 2, channel 1; it is at head {where[1]}, position {where[2]}, "
    assert_true(where == [0, 0, 2, 1], message + f"channel {where[3]}.")


@exercise("split_heads")
def test_split_number_by_number(student):
    """Number j of head h at position l comes from channel h * d + j of position l."""
    x = torch.arange(2 * 5 * 12.0).reshape(2, 5, 12)
    heads = student.split_heads(x, 3)
    assert_true(tuple(heads.shape) == (2, 3, 5, 4), f"The shape must be (2, 3, 5, 4), got {tuple(heads.shape)}.")
    for h in range(3):
        for place in range(5):
            for j in range(4):
                what = f"head {h}, position {place}, channel {j} of the result"
                assert_close(heads[:, h, place, j], x[:, place, h * 4 + j], "exact", what)


@exercise("split_heads")
def test_split_of_a_tensor_that_was_transposed_before(student, draw):
    """How the numbers lie in memory makes no difference."""
    x = draw.normal(5, 2, 12).transpose(0, 1)
    assert_close(student.split_heads(x, 3), student.split_heads(x.contiguous(), 3), "exact", "the heads")


@exercise("split_heads")
def test_split_of_a_width_that_cannot_be_shared(student, draw):
    """Three heads cannot share 10 channels: a ValueError says so."""
    assert_raises("ValueError", student.split_heads, draw.normal(2, 5, 10), 3)


# --- merge_heads ------------------------------------------------------------------------------------------------------


@exercise("merge_heads")
def test_merge_has_one_axis_for_all_channels(student, draw):
    """Three heads of width 4 and five words make five words of width 12."""
    merged = student.merge_heads(draw.normal(2, 3, 5, 4))
    assert_true(tuple(merged.shape) == (2, 5, 12), f"The shape must be (2, 5, 12), got {tuple(merged.shape)}.")


@exercise("merge_heads")
def test_merge_worked_out_by_hand(student):
    """Two heads and two positions: each position gets its piece of head 0, then its piece of head 1."""
    heads = torch.tensor([[[[10.0, 11.0], [20.0, 21.0]], [[12.0, 13.0], [22.0, 23.0]]]])
    expected = torch.tensor([[[10.0, 11.0, 12.0, 13.0], [20.0, 21.0, 22.0, 23.0]]])
    assert_close(student.merge_heads(heads), expected, "exact", "the merged heads")


@exercise("merge_heads")
def test_merge_number_by_number(student):
    """Channel h * d + j of position l comes from channel j of head h at that position."""
    x = torch.arange(2 * 3 * 5 * 4.0).reshape(2, 3, 5, 4)
    merged = student.merge_heads(x)
    assert_true(tuple(merged.shape) == (2, 5, 12), f"The shape must be (2, 5, 12), got {tuple(merged.shape)}.")
    for place in range(5):
        for channel in range(12):
            what = f"position {place}, channel {channel} of the result"
            assert_close(merged[:, place, channel], x[:, channel // 4, place, channel % 4], "exact", what)


# --- split_fused_qkv --------------------------------------------------------------------------------------------------


@exercise("split_fused_qkv")
def test_fused_returns_three_tensors_of_heads(student, draw):
    """Channels for q, k and v of width 10: with five heads each part has the shape (2, 5, 7, 2)."""
    for name, part in zip("qkv", student.split_fused_qkv(draw.normal(2, 7, 30), 5), strict=True):
        assert_true(tuple(part.shape) == (2, 5, 7, 2), f"{name} must be (2, 5, 7, 2), got {tuple(part.shape)}.")


@exercise("split_fused_qkv")
def test_fused_worked_out_by_hand(student):
    """Twelve channels, two heads of width 2: first the four of q, then those of k, then those of v."""
    qkv = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0, 100.0, 200.0, 300.0, 400.0]]])
    parts = student.split_fused_qkv(qkv, 2)
    for name, part, size in zip("qkv", parts, (1, 10, 100), strict=True):
        expected = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]]) * size
        assert_close(part, expected, "exact", name)


@exercise("split_fused_qkv")
def test_fused_is_three_splits(student, draw):
    """Three tensors that are put next to each other come back as if each had been split alone."""
    parts = [draw.normal(2, 7, 6) for _ in range(3)]
    found = student.split_fused_qkv(torch.cat(parts, dim=-1), 3)
    for name, part, alone in zip("qkv", found, parts, strict=True):
        for h in range(3):
            assert_close(part[:, h], alone[..., 2 * h : 2 * h + 2], "exact", f"head {h} of {name}")


@exercise("split_fused_qkv")
def test_fused_width_that_cannot_be_shared(student, draw):
    """20 channels cannot be shared by q, k and v: a ValueError says so."""
    assert_raises("ValueError", student.split_fused_qkv, draw.normal(2, 5, 20), 2)


# --- MultiHeadAttention -----------------------------------------------------------------------------------------------


def four_maps(draw, width):
    """Parameters for the four maps."""
    weights = {f"w_{name}.weight": draw.normal(width, width) / math.sqrt(width) for name in "qkvo"}
    return weights | {f"w_{name}.bias": draw.normal(width) / 2 for name in "qkvo"}


def layer_with(student, maps, num_heads, dropout=0.0):
    """A layer of yours with these parameters, in evaluation."""
    layer = student.MultiHeadAttention(maps["w_q.weight"].size(0), num_heads, dropout)
    layer.load_state_dict(maps, strict=False)
    layer.eval()
    return layer


@exercise("MultiHeadAttention")
def test_layer_has_four_maps(student):
    """The layer has `w_q`, `w_k`, `w_v` and `w_o`, each from width 6 to width 6, with a bias unless told otherwise."""
    for bias in (True, False):
        state = student.MultiHeadAttention(6, 3, bias=bias).state_dict()
        for name in ("w_q", "w_k", "w_v", "w_o"):
            assert_true(f"{name}.weight" in state, f"The layer has no {name}.weight; it has {', '.join(state)}.")
            shape = tuple(state[f"{name}.weight"].shape)
            assert_true(shape == (6, 6), f"{name}.weight must have the shape (6, 6), got {shape}.")
            assert_true((f"{name}.bias" in state) == bias, f"With bias={bias}, {name}.bias is not as expected.")


@exercise("MultiHeadAttention")
def test_layer_of_a_width_that_cannot_be_shared(student):
    """Three heads cannot share a width of 10: a ValueError says so when the layer is created."""
    assert_raises("ValueError", student.MultiHeadAttention, 10, 3)


@exercise("MultiHeadAttention")
def test_layer_of_a_single_word(student, draw):
    """A word that is alone attends to itself: it comes out as `w_o` of its own value, whatever the heads."""
    x, maps = draw.normal(2, 1, 6), four_maps(draw, 6)
    output, weights = layer_with(student, maps, 3)(x)
    value = x @ maps["w_v.weight"].T + maps["w_v.bias"]
    assert_close(weights, torch.ones(2, 3, 1, 1), "attention", "the weights")
    assert_close(output, value @ maps["w_o.weight"].T + maps["w_o.bias"], "attention", "the output")


@exercise("MultiHeadAttention")
def test_heads_work_on_their_own(student, draw):
    """When the query map of head 1 changes, the weights of heads 0 and 2 stay as they are."""
    x, maps = draw.normal(2, 5, 6), four_maps(draw, 6)
    before = layer_with(student, maps, 3)(x)[1]
    maps["w_q.weight"][2:4] *= -1
    after = layer_with(student, maps, 3)(x)[1]
    assert_close(after[:, [0, 2]], before[:, [0, 2]], "attention", "the weights of heads 0 and 2")
    assert_true(not torch.allclose(after[:, 1], before[:, 1], atol=1e-3), "The weights of head 1 must change.")


@exercise("MultiHeadAttention")
def test_layer_as_pytorch_has_it(student, draw):
    """With the same parameters, output and weights are those of PyTorch's own layer, with a mask and another text."""
    query, memory, maps = draw.normal(2, 5, 6), draw.normal(2, 7, 6), four_maps(draw, 6)
    mask = draw.mask(2, 1, 1, 7)
    layer = layer_with(student, maps, 3)
    found = [layer(query), layer(query, memory, mask=mask)]

    by_torch = torch.nn.MultiheadAttention(6, 3, batch_first=True)
    # PyTorch stacks the three matrices into one, and its mask is True where a key is hidden.
    names = {"in_proj_weight": "weight", "in_proj_bias": "bias"}
    state = {theirs: torch.cat([maps[f"w_{name}.{ours}"] for name in "qkv"]) for theirs, ours in names.items()}
    state |= {f"out_proj.{kind}": maps[f"w_o.{kind}"] for kind in ("weight", "bias")}
    by_torch.load_state_dict(state)
    # One mask for each sentence and head, in one row: a mask of the keys alone loads a computer algebra system.
    for_torch = ~mask.expand(2, 3, 5, 7).flatten(0, 1)
    with torch.no_grad():
        expected = [
            by_torch(query, query, query, average_attn_weights=False),
            by_torch(query, memory, memory, attn_mask=for_torch, average_attn_weights=False),
        ]
    for kind, (output, weights), (right, right_weights) in zip(("self", "cross"), found, expected, strict=True):
        assert_close(weights, right_weights, "attention", f"the weights of {kind}-attention")
        assert_close(output, right, "attention", f"the output of {kind}-attention")


@exercise("MultiHeadAttention")
def test_dropout_spares_the_returned_weights(student, draw):
    """In training the output changes from call to call and the returned weights do not; in evaluation neither does."""
    x, maps = draw.normal(2, 5, 6), four_maps(draw, 6)
    layer = layer_with(student, maps, 3, dropout=0.5)
    calm = [layer(x) for _ in range(2)]
    layer.train()
    wild = [layer(x) for _ in range(2)]
    assert_close(calm[1][0], calm[0][0], "exact", "the output of a second call in evaluation")
    assert_true(not torch.equal(wild[0][0], wild[1][0]), "In training, two calls must not give the same output.")
    for _, weights in wild:
        assert_close(weights, calm[0][1], "attention", "the returned weights in training")


# --- attention_entropy ------------------------------------------------------------------------------------------------


@exercise("attention_entropy")
def test_entropy_of_four_equal_weights(student):
    """Four equal weights have the entropy ln 4, about 1.386."""
    assert_close(student.attention_entropy(torch.full((1, 4), 0.25)), torch.tensor([math.log(4)]), "attention")


@exercise("attention_entropy")
def test_entropy_of_one_key_that_gets_everything(student):
    """One key gets everything: entropy 0, and no nan."""
    assert_close(student.attention_entropy(torch.eye(3)), torch.zeros(3), "attention", "the entropy")


@exercise("attention_entropy")
def test_entropy_worked_out_by_hand(student):
    """The weights 1/2, 1/4, 1/4 have the entropy 1/2 ln 2 + 1/4 ln 4 + 1/4 ln 4, which is 3/2 ln 2."""
    weights = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]])
    expected = torch.tensor([1.5 * math.log(2), math.log(2)])
    assert_close(student.attention_entropy(weights), expected, "attention", "the entropy")


@exercise("attention_entropy")
def test_entropy_is_one_number_for_each_query(student, draw):
    """Weights of 2 sentences, 3 heads, 5 queries and 7 keys have 2 x 3 x 5 entropies; a query without keys has 0."""
    weights = torch.softmax(draw.normal(2, 3, 5, 7), dim=-1)
    weights[0, 0, 0] = 0
    entropy = student.attention_entropy(weights)
    assert_true(tuple(entropy.shape) == (2, 3, 5), f"The shape must be (2, 3, 5), got {tuple(entropy.shape)}.")
    assert_true(float(entropy[0, 0, 0]) == 0, "A query without keys must have an entropy of 0.")
    assert_close(entropy[1], torch.distributions.Categorical(weights[1]).entropy(), "attention", "the entropy")


# --- attend_in_heads --------------------------------------------------------------------------------------------------


@exercise("attend_in_heads")
def test_attend_in_heads_worked_out_by_hand(student):
    """Two heads of width 1 with the scores 0 and ln 3, and ln 3 and 0: the weights are 1/4, 3/4 and 3/4, 1/4."""
    q, k = torch.tensor([[[math.log(3), math.log(3)]]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    v = torch.tensor([[[8.0, 8.0], [0.0, 0.0]]])
    assert_close(student.attend_in_heads(q, k, v, 2), torch.tensor([[[2.0, 6.0]]]), "attention", "the output")


@exercise("attend_in_heads")
def test_attend_in_heads_as_pytorch_does_it(student, draw):
    """The output is that of PyTorch's own attention, asked for one head after the other."""
    q, k, v = draw.normal(2, 5, 12), draw.normal(2, 7, 12), draw.normal(2, 7, 12)

    output = student.attend_in_heads(q, k, v, 3)

    heads = ([x[..., at : at + 4] for x in (q, k, v)] for at in (0, 4, 8))
    expected = [torch.nn.functional.scaled_dot_product_attention(*head) for head in heads]
    assert_close(output, torch.cat(expected, dim=-1), "attention", "the output")


# --- test_split_heads -------------------------------------------------------------------------------------------------


def every_head_gets_the_first_channels(x, num_heads):
    """Wrong: all heads get the same channels."""
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible")
    d = x.size(-1) // num_heads
    return x[:, None, :, :d].expand(-1, num_heads, -1, -1)


def cut_as_the_numbers_lie(x, num_heads):
    """Wrong: the right shape, filled with the numbers as they lie in memory."""
    if x.size(-1) % num_heads:
        raise ValueError("the width must be divisible")
    return x.reshape(x.size(0), num_heads, x.size(1), -1)


@exercise("test_split_heads")
def test_your_test_stops_heads_that_are_all_alike(student, draw):
    """Your own split_heads passes your test; one that gives every head the first channels is stopped."""
    wrong = [suspect(every_head_gets_the_first_channels, "every head gets the first channels")]
    assert_tells_apart(student.test_split_heads, [student.split_heads], wrong, draw)


@exercise("test_split_heads")
def test_your_test_stops_numbers_in_the_wrong_heads(student, draw):
    """Your own split_heads passes your test; one that only reshapes, and turns no axes, is stopped."""
    wrong = [suspect(cut_as_the_numbers_lie, "it reshapes and turns no axes, so heads hold whole words")]
    assert_tells_apart(student.test_split_heads, [student.split_heads], wrong, draw)
