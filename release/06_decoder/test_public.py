"""Checks of 06_decoder that you may read, run and learn from.

They ask PyTorch, numbers worked out by hand, or properties that must hold for every input; they do not know the
solution. Within an exercise they go from simple to whole: mend the first one that fails. The checks that earn points
ask the same kinds of questions about other inputs.
"""

import math

import torch
from torch import nn

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_raises,
    assert_tells_apart,
    assert_true,
    exercise,
    suspect,
)


def rows(*texts):
    """A mask as it is written on paper: "110" is True, True, False."""
    return torch.tensor([[sign == "1" for sign in text] for text in texts])


def random_weights(layer, draw):
    """Give a layer of yours random numbers in all of its parameters, so that no part of it is invisible; in eval."""
    state = layer.state_dict()
    state = {name: draw.normal(*was.shape) / math.sqrt(was.shape[-1]) for name, was in sorted(state.items())}
    if "head.weight" in state:
        state["head.weight"] = state["token_embedding.embedding.weight"]
    layer.load_state_dict(state)
    layer.eval()
    return state


def who_meets_whom(run, text):
    """Say for each output (row) and input position (column) whether the output changes when the input does.

    The text goes in as one batch with its copies, of which each has another word at one position.
    """
    length = len(text)
    batch = torch.stack([text] * (length + 1))
    for j in range(length):
        batch[j + 1, j] = 2 * text[j].flip(-1) if text.is_floating_point() else (text[j] + 1) % 5
    outputs = run(batch)  # (length + 1, outputs, D)
    return ((outputs[1:] - outputs[0]).abs().amax(dim=-1) > 1e-6).T


def assert_meets(found, expected, inputs="the input"):
    """Name the first pair that meets and should not, or should and does not."""
    for i, j in (found != expected).nonzero().tolist():
        verb = "must not depend" if found[i, j] else "must depend"
        assert_true(False, f"The output at position {i} {verb} on {inputs} at position {j}.")


def torch_attention(state, ours, theirs):
    """Our four maps under the names of PyTorch's layer."""
    found = {}
    for kind in ("weight", "bias"):
        found[f"{theirs}.in_proj_{kind}"] = torch.cat([state[f"{ours}.w_{name}.{kind}"] for name in "qkv"])
        found[f"{theirs}.out_proj.{kind}"] = state[f"{ours}.w_o.{kind}"]
    return found


# --- causal_mask ------------------------------------------------------------------------------------------------------


@exercise("causal_mask")
def test_causal_of_three_positions(student):
    """Three positions: the first sees itself, the second two, the third all three."""
    assert_close(student.causal_mask(3), rows("100", "110", "111"), "exact", "the mask")


@exercise("causal_mask")
def test_causal_of_one_position(student):
    """A position that is alone sees itself."""
    assert_close(student.causal_mask(1), rows("1"), "exact", "the mask")


@exercise("causal_mask")
def test_causal_with_a_longer_past(student):
    """Two readers and five cards: the readers are the last two positions, so the first of them sees four."""
    assert_close(student.causal_mask(2, 5), rows("11110", "11111"), "exact", "the mask")


@exercise("causal_mask")
def test_causal_row_by_row(student):
    """Each position sees one more than the one before it, whatever the length."""
    for length in (2, 4, 7):
        counts = student.causal_mask(length).sum(dim=-1).tolist()
        assert_true(counts == list(range(1, length + 1)), f"For {length} positions the rows allow {counts} cards.")


# --- combine_masks ----------------------------------------------------------------------------------------------------


@exercise("combine_masks")
def test_combine_both_must_allow(student):
    """A pair is allowed if both masks allow it."""
    found = student.combine_masks(rows("110", "101"), rows("011", "001"))
    assert_close(found, rows("010", "001"), "exact", "the joined mask")


@exercise("combine_masks")
def test_combine_with_none(student):
    """None allows everything; from nothing but None comes None."""
    assert_close(student.combine_masks(None, rows("10"), None), rows("10"), "exact", "a mask between two None")
    assert_equal(student.combine_masks(None, None), None, "the join of two None")
    assert_equal(student.combine_masks(), None, "the join of no mask at all")


@exercise("combine_masks")
def test_combine_the_future_and_the_padding(student):
    """Two sentences, the second one padded on the left: (3, 3) and (2, 1, 1, 3) give (2, 1, 3, 3)."""
    padding = torch.stack([rows("111"), rows("011")]).unsqueeze(1)
    found = student.combine_masks(rows("100", "110", "111"), padding)
    expected = torch.stack([rows("100", "110", "111"), rows("000", "010", "011")]).unsqueeze(1)
    assert_close(found, expected, "exact", "the joined mask")


@exercise("combine_masks")
def test_combine_three_and_leave_them_alone(student):
    """Three masks are joined, and none of them is written into."""
    masks = rows("1110"), rows("1101"), rows("1011")
    assert_close(student.combine_masks(*masks), rows("1000"), "exact", "the join of three masks")
    for before, after in zip(masks, student.combine_masks.aftermath(*masks).arguments, strict=True):
        assert_close(after, before, "exact", "a mask after the call")


@exercise("combine_masks")
def test_combine_refuses_a_mask_of_numbers(student):
    """A mask of 0 and 1, or of 0 and -inf, is no mask here: a ValueError says so."""
    assert_raises("ValueError", student.combine_masks, rows("10"), torch.tensor([[1.0, 0.0]]))


# --- CausalSelfAttention ----------------------------------------------------------------------------------------------


@exercise("CausalSelfAttention")
def test_causal_attention_has_a_multi_head_attention(student):
    """The layer holds a MultiHeadAttention by the name of `attention`, with its four maps."""
    state = student.CausalSelfAttention(6, 3).state_dict()
    for name in "qkvo":
        key = f"attention.w_{name}.weight"
        assert_true(key in state, f"The layer has no {key}; it has {', '.join(state)}.")


@exercise("CausalSelfAttention")
def test_causal_attention_meets_exactly_the_past(student, draw):
    """Output i changes with input j if j is not after i, and never otherwise, for sentences of any length."""
    layer = student.CausalSelfAttention(6, 3)
    random_weights(layer, draw)
    for length in (5, 1, 3):
        found = who_meets_whom(lambda batch: layer(batch)[0], draw.normal(length, 6))
        assert_meets(found, torch.ones(length, length).tril().bool())


@exercise("CausalSelfAttention")
def test_causal_attention_as_pytorch_has_it(student, draw):
    """With the same parameters, output and weights are those of PyTorch's own layer with a causal mask."""
    layer, x = student.CausalSelfAttention(6, 3), draw.normal(2, 5, 6)
    state = random_weights(layer, draw)
    output, weights = layer(x)
    theirs = nn.MultiheadAttention(6, 3, batch_first=True)
    theirs.load_state_dict({name[2:]: p for name, p in torch_attention(state, "attention", "x").items()})
    future = ~torch.ones(5, 5).tril().bool()  # PyTorch's mask is True where nobody may look
    with torch.no_grad():
        expected, right = theirs(x, x, x, attn_mask=future, average_attn_weights=False)
    assert_close(weights, right, "attention", "the weights")
    assert_close(output, expected, "attention", "the output")


@exercise("CausalSelfAttention")
def test_causal_attention_with_one_more_mask(student, draw):
    """A mask takes away from the past and gives nothing of the future back."""
    layer, x = student.CausalSelfAttention(6, 3), draw.normal(2, 4, 6)
    random_weights(layer, draw)
    everything = torch.ones(4, 4, dtype=torch.bool)
    assert_close(layer(x, everything)[1], layer(x)[1], "attention", "the weights with a mask that allows everything")
    left_padding = rows("0111").expand(2, 1, 1, 4)
    weights = layer(x, left_padding)[1]
    allowed = torch.ones(4, 4).tril().bool() & rows("0111")
    assert_true(bool((weights[:, :, ~allowed] == 0).all()), "A pair that is not allowed has a weight above 0.")
    sums = weights.sum(dim=-1)[:, :, 1:]
    assert_close(sums, torch.ones(2, 3, 3), "attention", "the sums of the rows that may attend to something")


@exercise("CausalSelfAttention")
def test_causal_attention_drops_out_in_training_only(student, draw):
    """In training the output changes from call to call; in evaluation it does not."""
    layer, x = student.CausalSelfAttention(6, 3, 0.5), draw.normal(2, 5, 6)
    random_weights(layer, draw)
    assert_close(layer(x)[0], layer(x)[0], "exact", "the output of a second call in evaluation")
    layer.train()
    assert_true(not torch.equal(layer(x)[0], layer(x)[0]), "In training, two calls must not give the same output.")


# --- DecoderBlock -----------------------------------------------------------------------------------------------------


@exercise("DecoderBlock")
def test_block_has_its_parts(student):
    """Three sub-layers and three norms; without cross-attention two of each."""
    parts = {"self_attention", "feed_forward", "norm1", "norm2"}
    for cross, expected in ((True, parts | {"cross_attention", "norm3"}), (False, parts)):
        found = {name.split(".")[0] for name in student.DecoderBlock(6, 3, 10, cross_attention=cross).state_dict()}
        text = f"With cross_attention={cross} the parts with parameters are {', '.join(sorted(found))}."
        assert_true(found == expected, text)


@exercise("DecoderBlock")
def test_block_with_silent_sub_layers(student, draw):
    """If every sub-layer says nothing, what goes in comes out: the residual path is free."""
    block, x, memory = student.DecoderBlock(6, 3, 10), draw.normal(2, 5, 6) * 3 + 1, draw.normal(2, 7, 6)
    state = random_weights(block, draw)
    for name in state:
        if "w_o" in name or "linear2" in name:
            state[name] = torch.zeros_like(state[name])
    block.load_state_dict(state)
    assert_close(block(x, memory), x, "attention")


@exercise("DecoderBlock")
def test_block_meets_its_past_and_the_whole_source(student, draw):
    """Each position depends on its own past, and on every position of the memory."""
    block, text, memory = student.DecoderBlock(6, 3, 10), draw.normal(4, 6), draw.normal(5, 6)
    random_weights(block, draw)
    found = who_meets_whom(lambda batch: block(batch, memory.repeat(5, 1, 1)), text)
    assert_meets(found, torch.ones(4, 4).tril().bool())
    found = who_meets_whom(lambda batch: block(text.repeat(6, 1, 1), batch), memory)
    assert_meets(found, torch.ones(4, 5).bool(), "the memory")


@exercise("DecoderBlock")
def test_block_does_not_see_masked_memory(student, draw):
    """What stands in the memory at a masked position makes no difference."""
    block, x, memory = student.DecoderBlock(6, 3, 10), draw.normal(2, 4, 6), draw.normal(2, 5, 6)
    random_weights(block, draw)
    mask = rows("01101").expand(2, 1, 1, 5)
    noise = torch.where(rows("01101").view(5, 1), memory, 100 * draw.normal(2, 5, 6))
    after = block(x, noise, memory_mask=mask)
    assert_close(after, block(x, memory, memory_mask=mask), "attention", "the output after a masked position changed")


@exercise("DecoderBlock")
def test_block_as_pytorch_has_it(student, draw):
    """With the same parameters, the output is that of PyTorch's own decoder layer with the norms in front."""
    x, memory, future = draw.normal(2, 4, 6), draw.normal(2, 5, 6), ~torch.ones(4, 4).tril().bool()
    for activation in ("relu", "gelu"):
        block = student.DecoderBlock(6, 3, 10, activation=activation)
        state = random_weights(block, draw)
        theirs = nn.TransformerDecoderLayer(6, 3, 10, 0.0, activation, batch_first=True, norm_first=True)
        rest = {n.replace("feed_forward.", ""): p for n, p in state.items() if "attention" not in n}
        crossed = torch_attention(state, "cross_attention", "multihead_attn")
        theirs.load_state_dict(rest | torch_attention(state, "self_attention.attention", "self_attn") | crossed)
        with torch.no_grad():
            expected = theirs(x, memory, tgt_mask=future)
        assert_close(block(x, memory), expected, "attention", f"the output with {activation}")


@exercise("DecoderBlock")
def test_block_without_cross_attention_as_pytorch_has_it(student, draw):
    """Without cross-attention, it is PyTorch's encoder layer with the norms in front and a causal mask."""
    x, future = draw.normal(2, 4, 6), ~torch.ones(4, 4).tril().bool()
    block = student.DecoderBlock(6, 3, 10, cross_attention=False)
    state = random_weights(block, draw)
    theirs = nn.TransformerEncoderLayer(6, 3, 10, 0.0, batch_first=True, norm_first=True)
    rest = {n.replace("feed_forward.", ""): p for n, p in state.items() if "attention" not in n}
    theirs.load_state_dict(rest | torch_attention(state, "self_attention.attention", "self_attn"))
    with torch.no_grad():
        expected = theirs(x, src_mask=future)
    assert_close(block(x), expected, "attention")


@exercise("DecoderBlock")
def test_block_with_cross_attention_needs_a_memory(student, draw):
    """A block that asks the source must be given one: a ValueError says so."""
    assert_raises("ValueError", student.DecoderBlock(6, 3, 10), draw.normal(2, 4, 6))


@exercise("DecoderBlock")
def test_block_does_not_see_what_is_masked_on_its_own_page(student, draw):
    """With left padding in self_mask, what stands in the padding makes no difference to later positions."""
    block, x, memory = student.DecoderBlock(6, 3, 10), draw.normal(2, 5, 6), draw.normal(2, 3, 6)
    random_weights(block, draw)
    mask = rows("00111").expand(2, 1, 1, 5)
    noise = torch.cat([draw.normal(2, 2, 6), x[:, 2:]], dim=1)
    found = [block(text, memory, mask)[:, 2:] for text in (x, noise)]
    assert_close(found[1], found[0], "attention", "the later positions after the padding changed")


@exercise("DecoderBlock")
def test_block_leaves_its_input_alone_and_passes_gradients(student, draw):
    """The input is not written into, and gradients arrive at it and at the memory."""
    block, x, memory = student.DecoderBlock(6, 3, 10), draw.normal(2, 4, 6), draw.normal(2, 5, 6)
    random_weights(block, draw)
    for name, after, was in zip(("x", "memory"), block.aftermath(x, memory).arguments, (x, memory), strict=True):
        assert_close(after, was, "exact", f"{name} after the call")
    gradients = block.gradients(x, memory, toward=draw.normal(2, 4, 6)).arguments
    for name, gradient in zip(("x", "memory"), gradients, strict=True):
        assert_true(gradient is not None and bool((gradient != 0).any()), f"No gradient arrives at {name}.")


@exercise("DecoderBlock")
def test_block_drops_out_what_it_adds(student, draw):
    """In training with a dropout of 1, nothing is added: what goes in comes out."""
    block, x, memory = student.DecoderBlock(6, 3, 10, 1.0), draw.normal(2, 4, 6), draw.normal(2, 5, 6)
    random_weights(block, draw)
    block.train()
    assert_close(block(x, memory), x, "attention", "the output with a dropout of 1")


# --- init_gpt_weights -------------------------------------------------------------------------------------------------


def spread(numbers):
    """The standard deviation, if the mean is 0."""
    return float(numbers.double().square().mean().sqrt())


@exercise("init_gpt_weights")
def test_init_of_norms_and_biases(student, draw):
    """All biases are 0, and every norm begins with a weight of 1, whatever they were before."""
    block = student.DecoderBlock(12, 3, 20)
    random_weights(block, draw)
    student.init_gpt_weights(block)
    for name, p in block.state_dict().items():
        if name.endswith("bias"):
            assert_close(p, torch.zeros_like(p), "exact", name)
        elif name.startswith("norm"):
            assert_close(p, torch.ones_like(p), "exact", name)


@exercise("init_gpt_weights")
def test_init_of_a_single_block(student):
    """In one block: 0.02 for every matrix, but 0.02 / sqrt(2) for those that end on the residual path."""
    block = student.DecoderBlock(64, 4, 256)
    student.init_gpt_weights(block)
    for name, p in block.state_dict().items():
        if p.dim() == 2:
            expected = 0.02 / math.sqrt(2) if "w_o" in name or "linear2" in name else 0.02
            found = spread(p)
            text = f"{name}: a standard deviation of about {expected:.4f} was expected, got {found:.4f}."
            assert_true(abs(found / expected - 1) < 0.08, text)
            inside = float((p.abs() < found).double().mean())
            text = f"{name}: of a normal distribution 68 % lie within one standard deviation, here it is {inside:.0%}."
            assert_true(abs(inside - 0.683) < 0.04, text)


# --- GPT --------------------------------------------------------------------------------------------------------------


@exercise("GPT")
def test_gpt_has_its_parts(student):
    """The parts have the names of the docstring, and every block is one without cross-attention."""
    state = student.GPT(11, 6, 3, 2, 7).state_dict()
    wanted = {"token_embedding.embedding.weight": (11, 6), "position_embedding.embedding.weight": (7, 6)}
    wanted |= {"norm.weight": (6,), "head.weight": (11, 6), "blocks.1.feed_forward.linear1.weight": (24, 6)}
    for name, shape in wanted.items():
        assert_true(name in state, f"The model has no {name}; it has {', '.join(state)}.")
        found = tuple(state[name].shape)
        assert_true(found == shape, f"{name} must have the shape {shape}, got {found}.")
    narrow = student.GPT(11, 6, 3, 2, 7, d_ff=10).state_dict()["blocks.0.feed_forward.linear1.weight"]
    assert_true(
        tuple(narrow.shape) == (10, 6), f"With d_ff=10, linear1.weight must be (10, 6), got {tuple(narrow.shape)}."
    )
    extra = [name for name in state if "cross_attention" in name or "norm3" in name or name == "head.bias"]
    assert_true(not extra, f"These parameters are not expected: {', '.join(extra)}.")


@exercise("GPT")
def test_gpt_returns_logits_and_a_loss(student, draw):
    """Logits have the shape (B, T, V); the loss is a single number, and None without targets."""
    model = student.GPT(11, 6, 3, 1, 7)
    ids = draw.integers(0, 11, 2, 5)
    logits, loss = model(ids)
    assert_true(tuple(logits.shape) == (2, 5, 11), f"The logits must be (2, 5, 11), got {tuple(logits.shape)}.")
    assert_equal(loss, None, "the loss without targets")
    _, loss = model(ids, draw.integers(0, 11, 2, 5))
    assert_true(tuple(loss.shape) == (), f"The loss must be a single number, got the shape {tuple(loss.shape)}.")


@exercise("GPT")
def test_gpt_begins_without_an_opinion(student, draw):
    """A new model gives all words about the same probability: its loss is about ln V."""
    for tied in (True, False):
        model = student.GPT(101, 32, 4, 2, 16, tie_weights=tied)
        loss = float(model(draw.integers(0, 101, 8, 16), draw.integers(0, 101, 8, 16))[1])
        text = f"With tie_weights={tied} the first loss is {loss:.2f}, expected about ln 101 = {math.log(101):.2f}."
        assert_true(abs(loss - math.log(101)) < 0.3, text)


@exercise("GPT")
def test_gpt_has_one_matrix_for_reading_and_writing(student, draw):
    """Tied weights are one parameter, which collects the gradients of both uses; otherwise there are two."""
    ids, toward = draw.integers(0, 11, 2, 5), draw.normal(2, 5, 11)
    for tied in (True, False):
        model = student.GPT(11, 6, 3, 1, 7, tie_weights=tied)
        names = [n for n in model.gradients(ids, toward=toward).parameters if n == "head.weight" or "token" in n]
        text = f"With tie_weights={tied} these are separate parameters: {', '.join(names)}."
        assert_true(len(names) == (1 if tied else 2), text)


@exercise("GPT")
def test_gpt_scales_its_projections_with_the_depth(student):
    """In a model of 4 blocks, what ends on the residual path is drawn with 0.02 / sqrt(8)."""
    state = student.GPT(11, 64, 4, 4, 7).state_dict()
    for name in ("blocks.0.self_attention.attention.w_o.weight", "blocks.3.feed_forward.linear2.weight"):
        found, expected = spread(state[name]), 0.02 / math.sqrt(8)
        text = f"{name}: a standard deviation of about {expected:.4f} was expected, got {found:.4f}."
        assert_true(abs(found / expected - 1) < 0.08, text)


@exercise("GPT")
def test_gpt_cannot_see_the_word_that_it_has_to_guess(student, draw):
    """The logits at position i depend on the words 0 to i, all of them and no others."""
    model = student.GPT(5, 6, 3, 2, 7)
    random_weights(model, draw)
    found = who_meets_whom(lambda batch: model(batch)[0], draw.integers(0, 5, 6))
    assert_meets(found, torch.ones(6, 6).tril().bool())


@exercise("GPT")
def test_gpt_as_pytorch_has_its_parts(student, draw):
    """With the same parameters, the logits are those of a model put together from PyTorch's own layers."""
    model, ids = student.GPT(11, 6, 3, 2, 7), draw.integers(0, 11, 2, 5)
    state = random_weights(model, draw)
    x = state["token_embedding.embedding.weight"][ids] + state["position_embedding.embedding.weight"][:5]
    with torch.no_grad():
        for block in ("blocks.0.", "blocks.1."):
            own = {n.removeprefix(block): p for n, p in state.items() if n.startswith(block)}
            rest = {n.replace("feed_forward.", ""): p for n, p in own.items() if "attention" not in n}
            theirs = nn.TransformerEncoderLayer(6, 3, 24, 0.0, "gelu", batch_first=True, norm_first=True)
            theirs.load_state_dict(rest | torch_attention(own, "self_attention.attention", "self_attn"))
            x = theirs(x, src_mask=~torch.ones(5, 5).tril().bool())
        x = nn.functional.layer_norm(x, (6,), state["norm.weight"], state["norm.bias"])
    assert_close(model(ids)[0], x @ state["head.weight"].T, "attention", "the logits")


@exercise("GPT")
def test_gpt_loss_is_the_mean_surprise(student, draw):
    """The loss is the mean of -log p(target), and targets of -100 do not count."""
    model, ids, targets = student.GPT(11, 6, 3, 1, 7), draw.integers(0, 11, 2, 5), draw.integers(0, 11, 2, 5)
    random_weights(model, draw)
    targets[0, 1] = targets[1, 3] = targets[1, 4] = -100
    logits, loss = model(ids, targets)
    surprise = [
        -torch.log_softmax(logits[b, t], dim=-1)[targets[b, t]]
        for b in range(2)
        for t in range(5)
        if targets[b, t] >= 0
    ]
    assert_close(loss, torch.stack(surprise).mean(), "attention", "the loss")


@exercise("GPT")
def test_gpt_refuses_what_is_too_long(student, draw):
    """A text of 8 words is too long for max_len = 7: a ValueError says so."""
    assert_raises("ValueError", student.GPT(11, 6, 3, 1, 7), draw.integers(0, 11, 2, 8))


@exercise("GPT")
def test_gpt_drops_out_in_training_only(student, draw):
    """In evaluation a second call gives the same logits; in training with a dropout of 1 all positions are alike."""
    model, ids = student.GPT(11, 6, 3, 1, 7, dropout=1.0), draw.integers(0, 11, 2, 5)
    random_weights(model, draw)
    assert_close(model(ids)[0], model(ids)[0], "exact", "the logits of a second call in evaluation")
    model.train()
    logits = model(ids)[0]
    assert_close(logits, logits[:1, :1].expand(2, 5, 11), "attention", "the logits when everything is dropped")


# --- apply_temperature ------------------------------------------------------------------------------------------------


@exercise("apply_temperature")
def test_temperature_worked_out_by_hand(student):
    """The logits 3, 1, -1 at temperature 2 are 1.5, 0.5, -0.5; at temperature 0.5 they are 6, 2, -2."""
    logits = torch.tensor([[3.0, 1.0, -1.0]])
    assert_close(student.apply_temperature(logits, 2.0), torch.tensor([[1.5, 0.5, -0.5]]), "softmax", "at 2")
    assert_close(student.apply_temperature(logits, 0.5), torch.tensor([[6.0, 2.0, -2.0]]), "softmax", "at 0.5")


@exercise("apply_temperature")
def test_temperature_of_zero(student):
    """At temperature 0 only the best word of each row is left, the first one if several are equal."""
    logits = torch.tensor([[1.0, 4.0, 2.0], [5.0, 0.0, 5.0]])
    expected = torch.tensor([[-math.inf, 4.0, -math.inf], [5.0, -math.inf, -math.inf]])
    assert_close(student.apply_temperature(logits, 0), expected, "exact", "the logits at temperature 0")


@exercise("apply_temperature")
def test_temperature_and_entropy(student, draw):
    """The higher the temperature, the wider the distribution; the best word stays the best."""
    logits, widths = draw.normal(2, 3, 7), []
    for temperature in (0.3, 1.0, 2.5):
        found = student.apply_temperature(logits, temperature)
        assert_true(bool((found.argmax(-1) == logits.argmax(-1)).all()), f"At {temperature} another word is the best.")
        widths.append(torch.distributions.Categorical(logits=found).entropy())
    assert_true(bool((widths[0] < widths[1]).all() and (widths[1] < widths[2]).all()), "The entropy must rise.")


@exercise("apply_temperature")
def test_temperature_below_zero(student):
    """There is no temperature below 0: a ValueError says so."""
    assert_raises("ValueError", student.apply_temperature, torch.tensor([[1.0, 2.0]]), -0.5)


@exercise("apply_temperature")
def test_temperature_leaves_its_logits_alone(student, draw):
    """The logits that were passed are not written into."""
    logits = draw.normal(2, 7)
    assert_close(
        student.apply_temperature.aftermath(logits, 2.0).arguments[0], logits, "exact", "the logits after the call"
    )


# --- top_k_filter -----------------------------------------------------------------------------------------------------


@exercise("top_k_filter")
def test_top_k_worked_out_by_hand(student):
    """Of 0.5, 3, -1, 2 the two best are 3 and 2; they keep their places and their values."""
    found = student.top_k_filter(torch.tensor([[0.5, 3.0, -1.0, 2.0]]), 2)
    assert_close(found, torch.tensor([[-math.inf, 3.0, -math.inf, 2.0]]), "exact", "the filtered logits")


@exercise("top_k_filter")
def test_top_k_in_every_row(student, draw):
    """Each row keeps its own k best, whatever the axes in front."""
    logits = draw.normal(2, 3, 7)
    for k in (1, 3, 6):
        found = student.top_k_filter(logits, k)
        kept = found > -math.inf
        counts = kept.sum(-1).unique().tolist()
        assert_true(counts == [k], f"With k = {k}, the rows keep {', '.join(map(str, counts))} words.")
        assert_close(found[kept], logits[kept], "exact", "the logits that are kept")
        assert_true(bool(kept.gather(-1, logits.topk(k).indices).all()), "A word among the k best was dropped.")


@exercise("top_k_filter")
def test_top_k_with_more_than_there_are(student, draw):
    """With k = V or more all words stay."""
    logits = draw.normal(2, 5)
    for k in (5, 8):
        assert_close(student.top_k_filter(logits, k), logits, "exact", f"the logits with k = {k}")


@exercise("top_k_filter")
def test_top_k_of_equal_words(student):
    """Exactly k stay: of equal words those with the lowest ids."""
    found = student.top_k_filter(torch.tensor([[1.0, 2.0, 2.0, 0.0, 2.0]]), 2)
    expected = torch.tensor([[-math.inf, 2.0, 2.0, -math.inf, -math.inf]])
    assert_close(found, expected, "exact", "the filtered logits")


@exercise("top_k_filter")
def test_top_k_of_nothing(student):
    """Somebody must stay: k = 0 is a ValueError."""
    assert_raises("ValueError", student.top_k_filter, torch.tensor([[1.0, 2.0]]), 0)


@exercise("top_k_filter")
def test_top_k_leaves_its_logits_alone(student, draw):
    """The logits that were passed are not written into."""
    logits = draw.normal(2, 7)
    assert_close(student.top_k_filter.aftermath(logits, 2).arguments[0], logits, "exact", "the logits after the call")


# --- top_p_filter -----------------------------------------------------------------------------------------------------


def kept_of(student, probabilities, p):
    """Which words are kept, of words with these probabilities."""
    logits = torch.tensor(probabilities).log()
    found = student.top_p_filter(logits, p)
    assert_true(tuple(found.shape) == tuple(logits.shape), f"The shape must stay, got {tuple(found.shape)}.")
    kept = found > -math.inf
    assert_close(found[kept], logits[kept], "exact", "the logits that are kept")
    return kept.tolist()


@exercise("top_p_filter")
def test_top_p_keeps_the_word_that_crosses(student):
    """0.4, 0.3, 0.2, 0.1 and p = 0.6: one word has too little, the first two are enough."""
    assert_equal(kept_of(student, [0.4, 0.3, 0.2, 0.1], 0.6), [True, True, False, False], "which words are kept")


@exercise("top_p_filter")
def test_top_p_of_words_in_any_order(student):
    """0.1, 0.5, 0.15, 0.25 and p = 0.7: the words 1 and 3 stay, in their own places."""
    assert_equal(kept_of(student, [0.1, 0.5, 0.15, 0.25], 0.7), [False, True, False, True], "which words are kept")


@exercise("top_p_filter")
def test_top_p_of_a_sure_word(student):
    """A word that has more than p alone stays, and nobody else."""
    assert_equal(kept_of(student, [0.1, 0.8, 0.1], 0.5), [False, True, False], "which words are kept")
    assert_equal(kept_of(student, [0.3, 0.3, 0.4], 1e-6), [False, False, True], "which words are kept")


@exercise("top_p_filter")
def test_top_p_of_equal_words(student):
    """Four equal words and p = 0.5: the first two have exactly enough."""
    kept = student.top_p_filter(torch.zeros(4), 0.5) > -math.inf
    assert_equal(kept.tolist(), [True, True, False, False], "which words are kept")


@exercise("top_p_filter")
def test_top_p_of_one_keeps_all(student, draw):
    """With p = 1 all words stay."""
    logits = draw.normal(2, 3, 7)
    assert_close(student.top_p_filter(logits, 1.0), logits, "exact", "the logits with p = 1")


@exercise("top_p_filter")
def test_top_p_keeps_enough_and_not_too_much(student, draw):
    """In every row the words that stay have p together, and without the least of them they would not."""
    logits = draw.normal(2, 3, 11) * 2
    for p in (0.35, 0.8):
        kept = student.top_p_filter(logits, p) > -math.inf
        shares = logits.softmax(dim=-1)
        mass = (shares * kept).sum(-1)
        least = torch.where(kept, shares, 2.0).amin(-1)
        assert_true(bool((mass >= p).all()), f"In some row the kept words have less than {p} together.")
        assert_true(bool((mass - least < p).all()), f"In some row fewer words would be enough for {p}.")
        assert_true(bool((torch.where(kept, -1.0, shares).amax(-1) <= least).all()), "A better word was dropped.")


@exercise("top_p_filter")
def test_top_p_outside_its_range(student):
    """With p = 0 nobody could stay, and more than 1 there is not: a ValueError says so."""
    for p in (0.0, -0.1, 1.5):
        assert_raises("ValueError", student.top_p_filter, torch.tensor([[1.0, 2.0]]), p)


@exercise("top_p_filter")
def test_top_p_leaves_its_logits_alone(student, draw):
    """The logits that were passed are not written into."""
    logits = draw.normal(2, 7)
    assert_close(student.top_p_filter.aftermath(logits, 0.5).arguments[0], logits, "exact", "the logits after the call")


# --- sample_next_token ------------------------------------------------------------------------------------------------


def dice():
    """A generator that throws the same numbers every time."""
    return torch.Generator().manual_seed(3)


@exercise("sample_next_token")
def test_sample_of_the_best_word(student, draw):
    """At temperature 0, and with top_k = 1, it is the best word of each row: one int64 for each."""
    logits = draw.normal(5, 7)
    for options in ({"temperature": 0}, {"top_k": 1}):
        assert_close(student.sample_next_token(logits, **options), logits.argmax(-1), "exact", f"with {options}")


@exercise("sample_next_token")
def test_sample_in_the_right_shares(student):
    """Of 4000 draws from 0.5, 0.2, 0.3, about 2000, 800 and 1200 are the words 0, 1 and 2."""
    logits = (torch.tensor([0.5, 0.2, 0.3]).log() + 4).expand(4000, 3)  # the same probabilities, other logits
    drawn = student.sample_next_token(logits, generator=dice())
    for word, share in enumerate((0.5, 0.2, 0.3)):
        found = (drawn == word).double().mean().item()
        assert_true(
            abs(found - share) < 0.05, f"Word {word} was drawn in {found:.0%} of the cases, expected {share:.0%}."
        )


@exercise("sample_next_token")
def test_sample_never_draws_what_was_filtered_out(student):
    """With top_k = 2 only the two best are drawn; with top_p = 0.6 as well."""
    logits = torch.tensor([0.1, 0.45, 0.3, 0.15]).log().expand(1000, 4)
    for options in ({"top_k": 2}, {"top_p": 0.6}):
        drawn = student.sample_next_token(logits, generator=dice(), **options).unique().tolist()
        assert_equal(drawn, [1, 2], f"the words that occur with {options}")


@exercise("sample_next_token")
def test_sample_goes_through_the_filters_in_order(student):
    """Of 0.4, 0.35, 0.25, top_k = 2 leaves 0.53 and 0.47; top_p = 0.5 then leaves the first alone."""
    logits = torch.tensor([0.4, 0.35, 0.25]).log().expand(200, 3)
    drawn = student.sample_next_token(logits, top_k=2, top_p=0.5, generator=dice()).unique().tolist()
    assert_equal(drawn, [0], "the words that occur with both filters")
    # Hot first: at temperature 3 the probabilities are 0.44, 0.33, 0.23, and p = 0.5 needs two of them.
    warm = torch.tensor([0.6, 0.25, 0.15]).log().expand(200, 3)
    drawn = student.sample_next_token(warm, temperature=2.0, top_p=0.5, generator=dice()).unique().tolist()
    assert_equal(drawn, [0, 1], "the words that occur at temperature 2 with top_p = 0.5")


@exercise("sample_next_token")
def test_sample_with_a_generator(student):
    """The same generator gives the same words, and PyTorch's own random state is left alone."""
    logits = torch.zeros(50, 7)
    first, again = (student.sample_next_token(logits, generator=dice()) for _ in range(2))
    assert_close(again, first, "exact", "the words of an equal generator")
    left = student.sample_next_token.aftermath(logits, generator=dice())
    assert_true(left.random_state_kept, "The global random state has moved, although a generator was passed.")


# --- generate ---------------------------------------------------------------------------------------------------------


class Storyteller(nn.Module):
    """A model that knows one story: after word w comes word after[w]. It reads the last position and nothing else."""

    def __init__(self, after, max_len=4):
        super().__init__()
        self.after, self.max_len = torch.tensor(after), max_len
        self.seen = []  # how long each text was that it was given, whether in training, whether with gradients

    def forward(self, ids):
        """Return the logits of every position, and no loss."""
        self.seen.append((ids.size(1), self.training, torch.is_grad_enabled()))
        if ids.size(1) > self.max_len:
            raise ValueError(f"I read at most {self.max_len} words, got {ids.size(1)}")
        logits = torch.zeros(*ids.shape, len(self.after))
        logits[..., 0] = 9.0  # at all other positions: word 0
        last = self.after[ids[:, -1]]
        logits[:, -1] = nn.functional.one_hot(last, len(self.after)) * 9.0
        return logits, None


@exercise("generate")
def test_generate_tells_the_story(student):
    """The prompt comes first, then exactly as many new words as were asked for."""
    model = Storyteller([3, 4, 1, 2, 0], max_len=20)
    found = student.generate(model, torch.tensor([[2, 1], [4, 0]]), 3, temperature=0)
    assert_close(found, torch.tensor([[2, 1, 4, 0, 3], [4, 0, 3, 2, 1]]), "exact", "the text")


@exercise("generate")
def test_generate_beyond_the_longest_text(student):
    """A model that reads at most 4 words gets the last 4, and the text goes on."""
    model = Storyteller([3, 4, 1, 2, 0])
    found = student.generate(model, torch.tensor([[2, 1, 4]]), 5, temperature=0)
    assert_close(found, torch.tensor([[2, 1, 4, 0, 3, 2, 1, 4]]), "exact", "the text")
    lengths = [length for length, _, _ in model.seen]
    assert_true(lengths == [3, 4, 4, 4, 4], f"The model was given texts of the lengths {lengths}.")


@exercise("generate")
def test_generate_stops_row_by_row(student):
    """A row that has drawn the end token gets padding; when all have ended, it is over."""
    model = Storyteller([3, 4, 1, 2, 0], max_len=20)
    prompt = torch.tensor([[1], [2]])
    found = student.generate(model, prompt, 9, temperature=0, eos_id=0, pad_id=4)
    assert_close(found, torch.tensor([[1, 4, 0, 4], [2, 1, 4, 0]]), "exact", "the text with pad_id=4")
    found = student.generate(model, prompt, 9, temperature=0, eos_id=0)
    assert_close(found, torch.tensor([[1, 4, 0, 0], [2, 1, 4, 0]]), "exact", "the text without pad_id")
    found = student.generate(model, torch.tensor([[0, 2]]), 2, temperature=0, eos_id=0)
    assert_close(found, torch.tensor([[0, 2, 1, 4]]), "exact", "the text after an end token in the prompt")


@exercise("generate")
def test_generate_leaves_the_model_as_it_was(student):
    """While it writes the model is in evaluation and without gradients; afterwards it is in the mode it was in."""
    for training in (True, False):
        model = Storyteller([1, 0]).train(training)
        student.generate(model, torch.tensor([[0]]), 3, temperature=0)
        assert_true(not any(mode for _, mode, _ in model.seen), "The model was in training mode while it wrote.")
        assert_true(not any(gradients for _, _, gradients in model.seen), "Gradients were recorded while it wrote.")
        assert_true(model.training == training, f"The model was in training={training} before, and is not after.")


@exercise("generate")
def test_generate_hands_on_how_to_choose(student):
    """Temperature, top-k, top-p and the generator reach the dice."""
    model, prompt = Storyteller([1, 1, 1], max_len=50), torch.tensor([[0]])
    for options in ({"top_k": 1}, {"top_p": 0.5}):
        found = student.generate(model, prompt, 4, temperature=5.0, generator=dice(), **options)
        assert_close(found, torch.tensor([[0, 1, 1, 1, 1]]), "exact", f"the text with {options}")
    first, again = (student.generate(model, prompt, 40, temperature=20.0, generator=dice()) for _ in range(2))
    assert_close(again, first, "exact", "the text of an equal generator")
    assert_true(first.unique().numel() == 3, "At a high temperature, all three words must occur in 40 draws.")


@exercise("generate")
def test_generate_leaves_the_prompt_alone(student):
    """The prompt that was passed is not written into."""
    prompt = torch.tensor([[0, 1], [1, 1]])
    left = student.generate.aftermath(Storyteller([1, 0]), prompt, 3, temperature=0)
    assert_close(left.arguments[1], prompt, "exact", "the prompt after the call")


# --- nucleus_mask -----------------------------------------------------------------------------------------------------


@exercise("nucleus_mask")
def test_mask_of_sorted_words(student):
    """0.5, 0.25, 0.15, 0.1 and p = 0.7: the first two words stay."""
    logits = torch.tensor([0.5, 0.25, 0.15, 0.1]).log()
    assert_close(student.nucleus_mask(logits, 0.7), rows("1100")[0], "exact", "the mask")


@exercise("nucleus_mask")
def test_mask_of_words_in_any_order(student):
    """The same words with other numbers: wherever they stand, the same two stay."""
    logits = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.25, 0.15, 0.1, 0.5]]).log()
    assert_close(student.nucleus_mask(logits, 0.7), rows("0101", "1001"), "exact", "the mask")


@exercise("nucleus_mask")
def test_mask_moves_with_its_words(student, draw):
    """If words are numbered anew, their verdicts go with them."""
    logits, order = 2 * draw.normal(3, 7), draw.permutation(7)
    before, after = student.nucleus_mask(logits, 0.8), student.nucleus_mask(logits[:, order], 0.8)
    assert_close(after, before[:, order], "exact", "the mask of words that were numbered anew")


# --- test_top_p_filter ------------------------------------------------------------------------------------------------


def as_it_came(logits, p):
    """Wrong: all words stay."""
    return logits.clone()


def the_best_word_alone(logits, p):
    """Wrong: p is not looked at."""
    best = torch.nn.functional.one_hot(logits.argmax(-1), logits.size(-1)).bool()
    return logits.masked_fill(~best, -math.inf)


@exercise("test_top_p_filter")
def test_your_test_lets_a_right_filter_pass(student, draw):
    """Your own top_p_filter returns from your test in silence; one that keeps all words is stopped."""
    wrong = [suspect(as_it_came, "all words stay, whatever p is")]
    assert_tells_apart(student.test_top_p_filter, [student.top_p_filter], wrong, draw)


@exercise("test_top_p_filter")
def test_your_test_stops_the_best_word_alone(student, draw):
    """Your own top_p_filter passes; one that keeps the best word of each row, whatever p is, is stopped."""
    wrong = [suspect(the_best_word_alone, "only the best word stays, whatever p is")]
    assert_tells_apart(student.test_top_p_filter, [student.top_p_filter], wrong, draw)


# --- KVCache, an extra ------------------------------------------------------------------------------------------------


@exercise("KVCache")
def test_cache_has_a_shelf_for_each_layer(student, draw):
    """What is new is put behind what is old, layer by layer, and all of the layer's keys and values come back."""
    cache, k, v = student.KVCache(), draw.normal(2, 3, 5, 4), draw.normal(2, 3, 5, 4)
    assert_equal(cache.attribute("length"), 0, "the length of a new cache")
    for layer, size in (("below", 1), ("above", 2)):
        for start, end in ((0, 2), (2, 3), (3, 5)):
            found = cache.extend(layer, size * k[:, :, start:end], size * v[:, :, start:end])
            assert_true(
                isinstance(found, tuple) and len(found) == 2, "extend must return two tensors, keys and values."
            )
            assert_close(found[0], size * k[:, :, :end], "exact", "the keys of a layer")
            assert_close(found[1], size * v[:, :, :end], "exact", "the values of a layer")
    assert_equal(cache.attribute("length"), 5, "the length after 2, 1 and 2 positions")


@exercise("KVCache")
def test_cache_changes_no_logits(student, draw):
    """Read in pieces, with a cache, a text gets the same logits as read in one go."""
    model, ids = student.GPT(11, 6, 3, 2, 7), draw.integers(0, 11, 2, 7)
    random_weights(model, draw)
    expected = model(ids)[0]
    for sizes in ([1] * 7, [4, 1, 2]):
        cache = student.KVCache()
        for part, right in zip(ids.split(sizes, dim=1), expected.split(sizes, dim=1), strict=True):
            assert_close(model(part, cache=cache)[0], right, "attention", f"the logits of pieces of the sizes {sizes}")


@exercise("KVCache")
def test_cache_that_is_full(student, draw):
    """Old and new positions together may be at most max_len: else a ValueError says so."""
    model, cache = student.GPT(11, 6, 3, 2, 7), student.KVCache()
    model(draw.integers(0, 11, 2, 6), cache=cache)
    assert_raises("ValueError", model, draw.integers(0, 11, 2, 2), cache=cache)
