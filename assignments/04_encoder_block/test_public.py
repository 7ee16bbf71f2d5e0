"""Checks of 04_encoder_block that you may read, run and learn from.

They ask PyTorch, numbers worked out by hand, or properties that must hold for every input; they do not know the
solution. Within an exercise they go from simple to whole: mend the first one that fails. The checks that earn points
ask the same kinds of questions about other inputs.
"""

import math

import torch
from torch import nn

from autograder.checks import assert_close, assert_raises, assert_tells_apart, assert_true, exercise, suspect

# --- layer_norm -------------------------------------------------------------------------------------------------------


@exercise("layer_norm")
def test_norm_worked_out_by_hand(student):
    """(1, 3) has mean 2 and variance 1. With eps = 3 the root is 2: (-1/2, 1/2), then times 10, then plus 7."""
    weight, bias = torch.full((2,), 10.0), torch.full((2,), 7.0)
    normed = student.layer_norm(torch.tensor([1.0, 3.0]), weight, bias, 3.0)
    assert_close(normed, torch.tensor([2.0, 12.0]), "attention", "the result")


@exercise("layer_norm")
def test_norm_gives_every_word_mean_0_and_variance_1(student, draw):
    """With a weight of ones and a bias of zeros every vector of the result has mean 0 and variance 1."""
    normed = student.layer_norm(3 * draw.normal(2, 5, 7) + 4, torch.ones(7), torch.zeros(7))
    assert_true(tuple(normed.shape) == (2, 5, 7), f"The shape must be (2, 5, 7), got {tuple(normed.shape)}.")
    assert_close(normed.mean(-1), torch.zeros(2, 5), "attention", "the mean of each vector")
    assert_close(normed.var(-1, correction=0), torch.ones(2, 5), "attention", "the variance of each vector")


@exercise("layer_norm")
def test_norm_of_one_word_does_not_depend_on_the_others(student, draw):
    """When the third word changes, the others come out as before."""
    x, weight, bias = draw.normal(2, 5, 7), draw.normal(7), draw.normal(7)
    before = student.layer_norm(x, weight, bias)
    x[:, 2] = 10 * draw.normal(2, 7)
    after = student.layer_norm(x, weight, bias)
    assert_close(after[:, [0, 1, 3, 4]], before[:, [0, 1, 3, 4]], "attention", "the other words")


@exercise("layer_norm")
def test_norm_of_equal_channels(student):
    """A vector whose channels are all equal becomes the bias."""
    bias = torch.tensor([1.0, 2.0, 3.0, 4.0])
    normed = student.layer_norm(torch.full((2, 4), 5.0), torch.ones(4), bias)
    assert_close(normed, bias.expand(2, 4), "attention", "the result")


@exercise("layer_norm")
def test_norm_as_pytorch_has_it(student, draw):
    """The result is that of `torch.nn.functional.layer_norm`, for quiet vectors and for a large eps as well."""
    x, weight, bias = draw.normal(2, 5, 4), draw.normal(4), draw.normal(4)
    for size, eps in ((1.0, 1e-5), (0.01, 1e-5), (1.0, 0.1)):
        expected = nn.functional.layer_norm(size * x, (4,), weight, bias, eps)
        what = f"the result for numbers of a size of about {size} and an eps of {eps}"
        assert_close(student.layer_norm(size * x, weight, bias, eps), expected, "attention", what)


# --- LayerNorm --------------------------------------------------------------------------------------------------------


@exercise("LayerNorm")
def test_norm_layer_begins_with_ones_and_zeros(student):
    """A new layer has a `weight` of ones and a `bias` of zeros, and both are parameters."""
    layer = student.LayerNorm(3)
    state = layer.state_dict()
    for name, start in (("weight", torch.ones(3)), ("bias", torch.zeros(3))):
        assert_true(name in state, f"The layer has no {name}; it has {', '.join(state) or 'nothing'}.")
        assert_close(state[name], start, "exact", f"the {name} of a new layer")
    learned = layer.gradients(torch.ones(2, 3)).parameters
    assert_true(sorted(learned) == ["bias", "weight"], f"Parameters must be weight and bias, got {sorted(learned)}.")


@exercise("LayerNorm")
def test_norm_layer_as_pytorch_has_it(student, draw):
    """With the same weight, bias and eps the output is that of `nn.LayerNorm`."""
    x, state = draw.normal(2, 5, 4), {"weight": draw.normal(4), "bias": draw.normal(4)}
    layer, by_torch = student.LayerNorm(4, eps=0.1), nn.LayerNorm(4, eps=0.1)
    layer.load_state_dict(state)
    by_torch.load_state_dict(state)
    with torch.no_grad():
        assert_close(layer(x), by_torch(x), "attention", "the output")


# --- gelu -------------------------------------------------------------------------------------------------------------


@exercise("gelu")
def test_gelu_of_five_numbers(student):
    """0 stays 0, 1 becomes 0.8413, -1 becomes -0.1587, 2 becomes 1.9545, -3 becomes -0.0040."""
    found = student.gelu(torch.tensor([0.0, 1.0, -1.0, 2.0, -3.0]))
    expected = torch.tensor([0.0, 0.8413447, -0.1586553, 1.9544997, -0.0040497])
    assert_close(found, expected, "attention", "the result")


@exercise("gelu")
def test_gelu_of_a_number_and_its_negative(student, draw):
    """The share to the left and the share to the right make 1: gelu(x) - gelu(-x) is x."""
    x = 2 * draw.normal(5, 7)
    assert_close(student.gelu(x) - student.gelu(-x), x, "attention", "gelu(x) - gelu(-x)")


@exercise("gelu")
def test_gelu_as_pytorch_has_it(student, draw):
    """The result is that of `torch.nn.functional.gelu` in its exact form."""
    x = torch.cat([3 * draw.normal(20), torch.tensor([-2.7, 2.7])])
    assert_close(student.gelu(x), nn.functional.gelu(x), "softmax", "the result")


# --- FeedForward ------------------------------------------------------------------------------------------------------


def two_maps(draw, width, inner):
    """Parameters of a feed-forward network."""
    return {
        "linear1.weight": draw.normal(inner, width) / math.sqrt(width),
        "linear1.bias": draw.normal(inner) / 2,
        "linear2.weight": draw.normal(width, inner) / math.sqrt(inner),
        "linear2.bias": draw.normal(width) / 2,
    }


def network_with(student, maps, **more):
    """A network of yours with these parameters, in evaluation."""
    layer = student.FeedForward(maps["linear1.weight"].size(1), maps["linear1.weight"].size(0), **more)
    layer.load_state_dict(maps, strict=False)
    layer.eval()
    return layer


@exercise("FeedForward")
def test_network_has_two_maps(student):
    """The network has `linear1`, from width 3 to width 5, and `linear2`, back to width 3, both with a bias."""
    state = student.FeedForward(3, 5).state_dict()
    sizes = {"linear1.weight": (5, 3), "linear1.bias": (5,), "linear2.weight": (3, 5), "linear2.bias": (3,)}
    for name, size in sizes.items():
        assert_true(name in state, f"The network has no {name}; it has {', '.join(state)}.")
        found = tuple(state[name].shape)
        assert_true(found == size, f"{name} must have the shape {size}, got {found}.")


@exercise("FeedForward")
def test_network_worked_out_by_hand(student):
    """Width 1, two hidden numbers: 3 becomes (3, -3), ReLU leaves (3, 0), their sum is 3; and -4 becomes 4."""
    maps = {
        "linear1.weight": torch.tensor([[1.0], [-1.0]]),
        "linear1.bias": torch.zeros(2),
        "linear2.weight": torch.ones(1, 2),
        "linear2.bias": torch.zeros(1),
    }
    found = network_with(student, maps)(torch.tensor([[3.0], [-4.0]]))
    assert_close(found, torch.tensor([[3.0], [4.0]]), "attention", "the output")


@exercise("FeedForward")
def test_network_as_pytorch_has_it(student, draw):
    """With the same parameters the output is that of `nn.Sequential(linear, activation, linear)`."""
    maps, x = two_maps(draw, 3, 5), draw.normal(2, 7, 3)
    for name, bend in (("relu", nn.ReLU()), ("gelu", nn.GELU())):
        by_torch = nn.Sequential(nn.Linear(3, 5), bend, nn.Linear(5, 3))
        by_torch.load_state_dict({k.replace("linear1", "0").replace("linear2", "2"): p for k, p in maps.items()})
        with torch.no_grad():
            expected = by_torch(x)
        found = network_with(student, maps, activation=name)(x)
        # A hundredth: whoever uses an approximation of GELU here is not wrong.
        assert_close(found / 100, expected / 100, "attention", f'a hundredth of the output with "{name}"')


@exercise("FeedForward")
def test_network_treats_every_word_alike(student, draw):
    """Words in another order come out the same, in the other order."""
    maps, x, order = two_maps(draw, 3, 5), draw.normal(2, 7, 3), draw.permutation(7)
    layer = network_with(student, maps)
    assert_close(layer(x[:, order]), layer(x)[:, order], "attention", "the output")


@exercise("FeedForward")
def test_network_drops_hidden_numbers(student, draw):
    """In training two calls differ; what is left when everything is dropped is the bias of `linear2`."""
    maps, x = two_maps(draw, 3, 5), draw.normal(2, 7, 3)
    layer = network_with(student, maps, dropout=0.5)
    assert_close(layer(x), layer(x), "exact", "the output of a second call in evaluation")
    layer.train()
    assert_true(not torch.equal(layer(x), layer(x)), "In training, two calls must not give the same output.")
    layer = network_with(student, maps, dropout=1 - 1e-9)
    layer.train()
    assert_close(layer(x), maps["linear2.bias"].expand(2, 7, 3), "attention", "the output when everything is dropped")


@exercise("FeedForward")
def test_network_refuses_other_activations(student):
    """An activation that is neither "relu" nor "gelu" raises a ValueError when the network is created."""
    assert_raises("ValueError", student.FeedForward, 3, 5, activation="sigmoid")


# --- the two blocks ---------------------------------------------------------------------------------------------------

BLOCKS = {"post": "PostNormEncoderBlock", "pre": "PreNormEncoderBlock"}


def block_parameters(draw, width, inner):
    """Parameters of a block, those of the norms too."""
    maps = {f"attention.w_{name}.weight": draw.normal(width, width) / math.sqrt(width) for name in "qkvo"}
    maps |= {f"attention.w_{name}.bias": draw.normal(width) / 2 for name in "qkvo"}
    maps |= {f"feed_forward.{name}": parameter for name, parameter in two_maps(draw, width, inner).items()}
    for name in ("norm1", "norm2"):
        maps |= {f"{name}.weight": draw.uniform(0.5, 1.5, width), f"{name}.bias": draw.normal(width) / 2}
    return maps


def block_with(student, kind, maps, num_heads, **more):
    """A block of yours with these parameters, in evaluation."""
    inner, width = maps["feed_forward.linear1.weight"].shape
    block = getattr(student, BLOCKS[kind])(width, num_heads, inner, **more)
    block.load_state_dict(maps, strict=False)
    block.eval()
    return block


def with_silent_sub_layers(maps):
    """The same parameters, but what both sub-layers say is 0."""
    last = ("attention.w_o", "feed_forward.linear2")
    return {name: torch.zeros_like(p) if name.startswith(last) else p for name, p in maps.items()}


def check_names(student, draw, kind):
    """All parameters, by name and size."""
    maps = block_parameters(draw, 6, 5)
    state = getattr(student, BLOCKS[kind])(6, 3, 5).state_dict()
    for name, parameter in maps.items():
        assert_true(name in state, f"The block has no {name}; it has {', '.join(state)}.")
        found, size = tuple(state[name].shape), tuple(parameter.shape)
        assert_true(found == size, f"{name} must have the shape {size}, got {found}.")


def check_against_torch(student, draw, kind):
    """PyTorch's own layer with the same parameters."""
    maps, x, mask = block_parameters(draw, 6, 5), 2 * draw.normal(2, 7, 6) + 1, draw.mask(2, 1, 1, 7)
    block = block_with(student, kind, maps, 3)
    by_torch = nn.TransformerEncoderLayer(6, 3, 5, dropout=0.0, batch_first=True, norm_first=kind == "pre")
    state = {k.removeprefix("feed_forward."): p for k, p in maps.items() if not k.startswith("attention.")}
    for part in ("weight", "bias"):
        # PyTorch stacks the maps of queries, keys and values, and its mask is True where a key is hidden.
        state[f"self_attn.in_proj_{part}"] = torch.cat([maps[f"attention.w_{name}.{part}"] for name in "qkv"])
        state[f"self_attn.out_proj.{part}"] = maps[f"attention.w_o.{part}"]
    by_torch.load_state_dict(state)
    with torch.no_grad():
        # One mask for each sentence and head, in one row: a mask of the keys alone loads a computer algebra system.
        expected = by_torch(x), by_torch(x, ~mask.expand(2, 3, 7, 7).flatten(0, 1))
    assert_close(block(x), expected[0], "attention", "the output")
    assert_close(block(x, mask), expected[1], "attention", "the output with a mask")


def check_kept_alone(student, draw, kind):
    """The input is not changed, and dropout acts in training only, on what the sub-layers say."""
    maps, x = block_parameters(draw, 6, 5), draw.normal(2, 7, 6)
    block = block_with(student, kind, maps, 3, dropout=0.5)
    left = block.aftermath(x).arguments[0]
    assert_close(left, x, "exact", "x after the call")
    assert_close(block(x), block(x), "exact", "the output of a second call in evaluation")
    block.train()
    assert_true(not torch.equal(block(x), block(x)), "In training, two calls must not give the same output.")
    silent = block_with(student, kind, with_silent_sub_layers(maps), 3)(x)
    block = block_with(student, kind, maps, 3, dropout=1 - 1e-9)
    block.train()
    assert_close(block(x), silent, "attention", "the output when everything that the sub-layers say is dropped")


@exercise("PostNormEncoderBlock")
def test_post_norm_block_has_its_parts(student, draw):
    """The block has `attention`, `feed_forward`, `norm1` and `norm2`."""
    check_names(student, draw, "post")


@exercise("PostNormEncoderBlock")
def test_post_norm_block_with_silent_sub_layers(student, draw):
    """When both sub-layers say 0, x comes out as norm2(norm1(x))."""
    maps, x = with_silent_sub_layers(block_parameters(draw, 6, 5)), draw.normal(2, 7, 6)
    once = nn.functional.layer_norm(x, (6,), maps["norm1.weight"], maps["norm1.bias"])
    twice = nn.functional.layer_norm(once, (6,), maps["norm2.weight"], maps["norm2.bias"])
    assert_close(block_with(student, "post", maps, 3)(x), twice, "attention", "the output")


@exercise("PostNormEncoderBlock")
def test_post_norm_block_as_pytorch_has_it(student, draw):
    """With the same parameters the output is that of `nn.TransformerEncoderLayer`, with a mask and without."""
    check_against_torch(student, draw, "post")


@exercise("PostNormEncoderBlock")
def test_post_norm_block_in_training_and_evaluation(student, draw):
    """The input is not changed; dropout acts in training only, on what the sub-layers say, and not on the stream."""
    check_kept_alone(student, draw, "post")


@exercise("PreNormEncoderBlock")
def test_pre_norm_block_has_its_parts(student, draw):
    """The block has `attention`, `feed_forward`, `norm1` and `norm2`."""
    check_names(student, draw, "pre")


@exercise("PreNormEncoderBlock")
def test_pre_norm_block_with_silent_sub_layers(student, draw):
    """When both sub-layers say 0, x comes out as it went in, to the last bit."""
    maps, x = with_silent_sub_layers(block_parameters(draw, 6, 5)), draw.normal(2, 7, 6)
    assert_close(block_with(student, "pre", maps, 3)(x), x, "exact", "the output")


@exercise("PreNormEncoderBlock")
def test_pre_norm_block_as_pytorch_has_it(student, draw):
    """With the same parameters it is `nn.TransformerEncoderLayer` with norm_first=True, with a mask and without."""
    check_against_torch(student, draw, "pre")


@exercise("PreNormEncoderBlock")
def test_pre_norm_block_in_training_and_evaluation(student, draw):
    """The input is not changed; dropout acts in training only, on what the sub-layers say, and not on the stream."""
    check_kept_alone(student, draw, "pre")


# --- pre_norm_step ----------------------------------------------------------------------------------------------------


@exercise("pre_norm_step")
def test_step_when_the_network_says_nothing(student, draw):
    """With a second map of zeros the network adds 0, and the stream comes out as it went in."""
    x = 5 * draw.normal(2, 3, 4) + 1
    stream = student.pre_norm_step(x, draw.normal(4), draw.normal(4), draw.normal(4, 7), torch.zeros(7, 4))
    assert_close(stream, x, "attention", "the stream after a step of a silent network")


@exercise("pre_norm_step")
def test_step_worked_out_by_hand(student):
    """(20, 60) is normalised to (-1, 1); the network makes (1, 1) of that, and the stream goes on as (21, 61)."""
    # The hidden numbers are -1 and 1; ReLU leaves (0, 1), and the second map hands the 1 to both channels.
    tensors = torch.ones(2), torch.zeros(2), torch.eye(2), torch.tensor([[5.0, 5.0], [1.0, 1.0]])
    stream = student.pre_norm_step(torch.tensor([20.0, 60.0]), *tensors)
    assert_close(stream, torch.tensor([21.0, 61.0]), "attention", "the stream after the step")


# --- test_layer_norm --------------------------------------------------------------------------------------------------


def by_pytorch(x, weight, bias, eps=1e-5):
    """PyTorch's own layer norm, over the last axis."""
    return nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


def unchanged(x, weight, bias, eps=1e-5):
    """Wrong: nothing is normalised, only scaled and shifted."""
    return x * weight + bias


def without_its_mean(x, weight, bias, eps=1e-5):
    """Wrong: the mean is taken out, and the loudness stays as it was."""
    return (x - x.mean(dim=-1, keepdim=True)) * weight + bias


@exercise("test_layer_norm")
def test_your_test_tells_a_norm_from_none(student, draw):
    """A right solution, PyTorch's own, passes your test; one that normalises nothing is stopped."""
    right = [suspect(by_pytorch, "PyTorch's own layer norm.")]
    wrong = [suspect(unchanged, "nothing is normalised, only scaled and shifted")]
    assert_tells_apart(student.test_layer_norm, right, wrong, draw)


@exercise("test_layer_norm")
def test_your_test_stops_half_a_norm(student, draw):
    """A right solution passes your test; one that only takes out the mean is stopped."""
    right = [suspect(by_pytorch, "PyTorch's own layer norm.")]
    wrong = [suspect(without_its_mean, "the mean is taken out, and nothing is divided by")]
    assert_tells_apart(student.test_layer_norm, right, wrong, draw)


# --- RMSNorm, an extra ------------------------------------------------------------------------------------------------


@exercise("RMSNorm")
def test_rms_norm_worked_out_by_hand(student):
    """(1, 7) has the mean square 25: divided by 5 it is (0.2, 1.4)."""
    layer = student.RMSNorm(2)
    assert_close(layer(torch.tensor([1.0, 7.0])), torch.tensor([0.2, 1.4]), "attention", "the output")


@exercise("RMSNorm")
def test_rms_norm_as_pytorch_has_it(student, draw):
    """With the same weight and eps the output is that of `nn.RMSNorm`."""
    x, state = draw.normal(2, 5, 4) + 1, {"weight": draw.normal(4)}
    layer, by_torch = student.RMSNorm(4, eps=0.1), nn.RMSNorm(4, eps=0.1)
    layer.load_state_dict(state)
    by_torch.load_state_dict(state)
    with torch.no_grad():
        assert_close(layer(x), by_torch(x), "attention", "the output")


# --- SwiGLU, an extra -------------------------------------------------------------------------------------------------


@exercise("SwiGLU")
def test_gated_network_worked_out_by_hand(student):
    """Width 1, one hidden number: the gate lets 20 pass whole, the value is -3, and the last map halves: -30."""
    layer = student.SwiGLU(1, 1)
    layer.load_state_dict(
        {"w1.weight": torch.ones(1, 1) * 10, "w2.weight": torch.ones(1, 1) / 2, "w3.weight": torch.ones(1, 1) * -1.5}
    )
    assert_close(layer(torch.tensor([[2.0]])), torch.tensor([[-30.0]]), "attention", "the output")


@exercise("SwiGLU")
def test_gated_network_step_by_step(student, draw):
    """silu(w1 x) times w3 x, and then w2, with PyTorch's own silu."""
    maps = {"w1.weight": draw.normal(5, 3), "w2.weight": draw.normal(3, 5), "w3.weight": draw.normal(5, 3)}
    x, layer = draw.normal(2, 7, 3), student.SwiGLU(3, 5)
    layer.load_state_dict(maps)
    hidden = nn.functional.silu(x @ maps["w1.weight"].T) * (x @ maps["w3.weight"].T)
    assert_close(layer(x), hidden @ maps["w2.weight"].T, "attention", "the output")
