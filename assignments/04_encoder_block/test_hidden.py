"""Hidden checks of 04_encoder_block. All points are earned here, on inputs that nobody has seen.

The oracles know nothing of solutions/: PyTorch's own functions and layers in double precision, one attention head after
the other, numbers worked out with Python's `math`. Sizes are distinct primes where divisibility does not forbid it.
Where the width is 4 and eps is 0.1, that is the point of the check: mistakes about eps and D - 1 hide in wide
vectors. A check makes its calls before it compares, so that a known mistake can be recognised by more than one of them.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

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

WRONG_AXES = (
    "over_positions_and_channels",
    "over_the_positions",
    "over_the_batch",
    "axis_counted_from_the_front",
)
WRONG_FORMULAS = (
    "unbiased_variance",
    "weight_forgotten",
    "bias_forgotten",
    "bias_scaled_too",
    "one_added_to_the_weight",
    "root_forgotten",
    "mean_not_subtracted",
    "never_divided",
    "mean_absolute_deviation",
    "weight_and_bias_exchanged",
)
WRONG_EPS = ("eps_outside_the_root", "eps_squared", "eps_argument_unused", "eps_left_out", "unbiased_variance")


def assert_left_alone(aftermath, *arguments):
    """The first arguments are bit for bit what they were, and no random number was drawn."""
    for found, before in zip(aftermath.arguments, arguments, strict=False):
        if isinstance(before, torch.Tensor):
            assert_close(found, before, "exact", "an argument after the call")
    assert_true(aftermath.random_state_kept, "The call has moved PyTorch's global random generator.")


def assert_gradient(found, expected, what):
    """A gradient arrives and is right."""
    assert_true(found is not None, f"No gradient reaches {what}: something on the way cannot be differentiated.")
    assert_close(found, expected, "gradient", f"the gradient of {what}")


def gradients_by_torch(function, tensors, toward):
    """The gradients of (function(*tensors) * toward).sum() in double precision, as float32."""
    leaves = [t.double().requires_grad_() for t in tensors]
    (function(*leaves) * toward.double()).sum().backward()
    return [leaf.grad.float() for leaf in leaves]


def load(layer, parameters, name):
    """Put these parameters into a layer; returns the names that it has beyond them."""
    others, missing = layer.load_state_dict(parameters, strict=False)
    assert_true(not missing, f"{name} has no parameter {' and no '.join(missing)}.")
    return others


def assert_nothing_more(others, name):
    """Beyond what it was asked for, a layer has no parameters. A buffer's name is nobody's business."""
    more = sorted({other for other in others if other.endswith(("weight", "bias"))})
    assert_true(not more, f"{name} learns more than it was asked for: {', '.join(more)}.")


def scattered(x):
    """The same numbers, laid out in memory in another order: the last axis is not the one that runs fastest."""
    return x.transpose(0, -1).contiguous().transpose(0, -1)


# --- layer_norm -------------------------------------------------------------------------------------------------------


def norm_by_torch(x, weight, bias, eps=1e-5):
    """PyTorch's layer norm, in double precision, in the dtype of x."""
    wide = F.layer_norm(x.double(), x.shape[-1:], weight.double(), bias.double(), eps)
    return wide.to(x.dtype)


def scale_and_shift(draw, width):
    """A weight and a bias that are far from 1 and 0, and from each other."""
    return draw.normal(width) + 0.5, 2 * draw.normal(width) - 1


@exercise("layer_norm")
@points(5)
@catches(*WRONG_AXES, *WRONG_FORMULAS)
def test_norm_of_tensors_of_every_rank(student, draw):
    """Every vector is normalised over its channels, scaled and shifted, however many axes stand before them."""
    inputs = []
    for shape in ((5, 4), (2, 5, 3), (3, 2, 5, 7), (3,)):
        inputs.append((2 * draw.normal(*shape) + 1, *scale_and_shift(draw, shape[-1])))

    found = [student.layer_norm(*tensors) for tensors in inputs]

    for tensors, normed in zip(inputs, found, strict=True):
        what = f"a tensor of shape {tuple(tensors[0].shape)}, normalised"
        assert_close(normed, norm_by_torch(*tensors), "attention", what)


@exercise("layer_norm")
@points(3)
@catches(*WRONG_AXES)
def test_positions_do_not_know_of_each_other(student, draw):
    """When one word changes, the others come out as before; a word alone comes out as it does in company."""
    x, (weight, bias) = draw.normal(3, 5, 7), scale_and_shift(draw, 7)
    moved = x.clone()
    moved[1, 2] = 3 * draw.normal(7)
    others = torch.ones(3, 5, dtype=torch.bool)
    others[1, 2] = False

    before, after = student.layer_norm(x, weight, bias), student.layer_norm(moved, weight, bias)
    alone = student.layer_norm(x[1:2, 2:3], weight, bias)

    right = norm_by_torch(x, weight, bias)
    assert_equal(tuple(after.shape), (3, 5, 7), "the shape of the result")
    assert_equal(tuple(before.shape), (3, 5, 7), "the shape of the result")
    assert_close(after[others], before[others], "attention", "the other words after one has changed")
    assert_close(alone, right[1:2, 2:3], "attention", "a word that is alone")
    assert_close(before, right, "attention", "the words")


@exercise("layer_norm")
@points(4)
@catches(*WRONG_EPS, "another_default_eps")
def test_where_eps_stands(student, draw):
    """Eps is added to the variance, inside the root; it is 1e-5 unless the caller says otherwise."""
    weight, bias = scale_and_shift(draw, 4)
    calls = [
        (draw.normal(2, 5, 4), weight, bias, 0.1),
        (0.3 * draw.normal(5, 4), weight, bias, 2.0),
        (draw.normal(2, 3, 4) / 300, weight, bias),
    ]

    found = [student.layer_norm(*call) for call in calls]
    by_name = student.layer_norm(x=calls[0][0], weight=weight, bias=bias, eps=0.7)

    for call, normed, size in zip(calls, found, ("of 0.1", "of 2", "left to its default"), strict=True):
        assert_close(normed, norm_by_torch(*call), "attention", f"the result with an eps {size}")
    assert_close(by_name, norm_by_torch(calls[0][0], weight, bias, 0.7), "attention", "the result with an eps of 0.7")


@exercise("layer_norm")
@points(4)
@catches("eps_left_out", "eps_outside_the_root", "difference_of_squares", "never_divided", "root_forgotten")
def test_quiet_loud_and_constant_vectors(student, draw):
    """Vectors a hundred times quieter or a thousand times louder, far from 0, or with equal channels."""
    x, (weight, bias) = draw.normal(2, 5, 4), scale_and_shift(draw, 4)
    # Whole numbers, so that not even the last bit of a mean is lost: what is left is the method.
    constant = draw.integers(-7, 8, 3, 5, 1).float().expand(3, 5, 4).contiguous()
    far = 16384 + draw.integers(-8, 9, 3, 5, 4).float()
    far[..., 0], far[..., 1] = 16384 - 9, 16384 + 9

    found = [student.layer_norm(scale * x, weight, bias) for scale in (1e-2, 1.0, 1e3)]
    of_constant = student.layer_norm(constant, weight, bias)
    of_far = student.layer_norm(far, weight, bias)

    for scale, normed in zip((1e-2, 1.0, 1e3), found, strict=True):
        what = f"vectors of a size of about {scale:g}, normalised"
        assert_close(normed, norm_by_torch(scale * x, weight, bias), "attention", what)
    assert_close(of_constant, bias.expand(3, 5, 4), "attention", "vectors whose channels are all equal")
    assert_close(of_far, norm_by_torch(far, weight, bias), "attention", "vectors far from 0")


@exercise("layer_norm")
@points(2)
@catches("statistics_detached", "norm_cuts_the_graph", "unbiased_variance", "weight_forgotten", "bias_forgotten")
def test_gradients_of_the_norm(student, draw):
    """Gradients reach x, through mean and variance too, and weight and bias."""
    x, (weight, bias), toward = draw.normal(2, 5, 4), scale_and_shift(draw, 4), draw.normal(2, 5, 4)

    found = student.layer_norm.gradients(x, weight, bias, 0.1, toward=toward).arguments
    student.layer_norm.gradients(-x, weight, bias, toward=toward)

    expected = gradients_by_torch(lambda x, w, b: F.layer_norm(x, (4,), w, b, 0.1), [x, weight, bias], toward)
    for gradient, right, name in zip(found, expected, ("x", "the weight", "the bias"), strict=False):
        assert_gradient(gradient, right, name)


@exercise("layer_norm")
@points(2)
@catches("x_centred_in_place", "norm_in_single_precision")
def test_norm_takes_any_float_tensor_as_it_comes(student, draw):
    """The dtype is kept, any layout in memory will do, and neither arguments nor random state are changed."""
    x, (weight, bias) = draw.normal(2, 5, 7), scale_and_shift(draw, 7)
    inputs = (x, scattered(x + 1))

    left = [student.layer_norm.aftermath(t, weight, bias) for t in inputs]
    found = [student.layer_norm(t, weight, bias) for t in inputs]
    in_double = [student.layer_norm(t.double(), weight.double(), bias.double(), 1e-3) for t in inputs]

    for t, after, normed, wide in zip(inputs, left, found, in_double, strict=True):
        assert_left_alone(after, t, weight, bias)
        assert_close(normed, norm_by_torch(t, weight, bias), "attention", "the result")
        expected = norm_by_torch(t.double(), weight, bias, 1e-3)
        assert_close(wide, expected, "attention", "the result for float64")


# --- LayerNorm --------------------------------------------------------------------------------------------------------


@exercise("LayerNorm")
@points(3)
@catches(
    "weight_and_bias_not_registered",
    "weight_and_bias_as_buffers",
    "named_gamma_and_beta",
    "weight_begins_at_zero",
    "layer_without_bias",
)
def test_norm_layer_learns_a_weight_and_a_bias(student, draw):
    """A new layer has the parameters `weight`, all ones, and `bias`, all zeros, and only normalises."""
    x = [2 * draw.normal(2, 5, width) + 1 for width in (7, 3)]
    layers = [student.LayerNorm(7), student.LayerNorm(d_model=3)]

    states = [layer.state_dict() for layer in layers]
    found = [layer.gradients(t) for layer, t in zip(layers, x, strict=True)]
    normed = [layer(t) for layer, t in zip(layers, x, strict=True)]

    for state, gradients, t, result in zip(states, found, x, normed, strict=True):
        width = t.size(-1)
        for name, start in (("weight", torch.ones(width)), ("bias", torch.zeros(width))):
            assert_true(name in state, f"LayerNorm has no {name} in its state_dict.")
            assert_close(state[name], start, "exact", f"the {name} of a new layer")
            assert_true(name in gradients.parameters, f"{name} is no parameter: an optimiser would never find it.")
        assert_nothing_more(set(gradients.parameters) - {"weight", "bias"}, "LayerNorm")
        assert_close(result, norm_by_torch(t, *start_of(width)), "attention", "the output of a new layer")


def start_of(width):
    """Weight and bias of a new layer."""
    return torch.ones(width), torch.zeros(width)


def norm_with(student, weight, bias, **more):
    """A norm of the student's with these parameters."""
    layer = student.LayerNorm(weight.numel(), **more)
    load(layer, {"weight": weight, "bias": bias}, "LayerNorm")
    return layer


@exercise("LayerNorm")
@points(3)
@catches(
    "eps_not_passed_on", "layer_without_bias", "bias_of_the_layer_unused", "unbiased_variance", "eps_outside_the_root"
)
def test_norm_layer_uses_what_it_has_learned(student, draw):
    """With other weights and biases, and with any eps, it is layer norm."""
    (weight, bias), (other_weight, other_bias) = scale_and_shift(draw, 4), scale_and_shift(draw, 7)
    x, quiet, single = draw.normal(2, 5, 4), draw.normal(2, 3, 4) / 300, draw.normal(7)
    exaggerated, usual = norm_with(student, weight, bias, eps=0.1), norm_with(student, weight, bias)

    found = [exaggerated(x), exaggerated(x[0]), usual(x), usual(quiet)]
    found.append(norm_with(student, other_weight, other_bias)(single))

    expected = [
        norm_by_torch(x, weight, bias, 0.1),
        norm_by_torch(x[0], weight, bias, 0.1),
        norm_by_torch(x, weight, bias),
        norm_by_torch(quiet, weight, bias),
        norm_by_torch(single, other_weight, other_bias),
    ]
    for normed, right in zip(found, expected, strict=True):
        assert_close(normed, right, "attention", f"the output for a tensor of shape {tuple(right.shape)}")


@exercise("LayerNorm")
@points(2)
@catches(
    "weight_and_bias_as_buffers", "weight_and_bias_not_registered", "layer_without_bias", "bias_of_the_layer_unused"
)
def test_gradients_reach_weight_and_bias(student, draw):
    """Gradients reach the input, the weight and the bias."""
    x, (weight, bias), toward = draw.normal(2, 5, 4), scale_and_shift(draw, 4), draw.normal(2, 5, 4)
    layer = norm_with(student, weight, bias, eps=0.1)

    found = layer.gradients(x, toward=toward)
    layer.gradients(-x, toward=toward)

    expected = gradients_by_torch(lambda x, w, b: F.layer_norm(x, (4,), w, b, 0.1), [x, weight, bias], toward)
    assert_gradient(found.arguments[0], expected[0], "the input")
    assert_gradient(found.parameters.get("weight"), expected[1], "the weight")
    assert_gradient(found.parameters.get("bias"), expected[2], "the bias")


@exercise("LayerNorm")
@points(2)
@catches("running_statistics")
def test_norm_layer_is_the_same_in_training_and_evaluation(student, draw):
    """What it has seen before, train and eval mode make no difference; dtype, arguments and random state are kept."""
    x, other, (weight, bias) = draw.normal(2, 5, 7), 3 * draw.normal(3, 2, 7) + 2, scale_and_shift(draw, 7)
    layer = norm_with(student, weight, bias)

    layer.train()
    in_training = [layer(x), layer(other), layer(x)]
    layer.eval()
    in_evaluation = [layer(x), layer(other)]
    left = layer.aftermath(x)
    wide = norm_with(student, weight, bias)
    wide.double()
    in_double = wide(x.double())

    for normed, t in zip(in_training, (x, other, x), strict=True):
        assert_close(normed, norm_by_torch(t, weight, bias), "attention", "the output in training")
    for normed, t in zip(in_evaluation, (x, other), strict=True):
        assert_close(normed, norm_by_torch(t, weight, bias), "attention", "the output in evaluation")
    assert_left_alone(left, x)
    assert_close(in_double, norm_by_torch(x.double(), weight, bias), "attention", "the output for float64")


# --- gelu -------------------------------------------------------------------------------------------------------------


def gelu_by_hand(x):
    """GELU, one number at a time."""
    numbers = [t * 0.5 * math.erfc(-t / math.sqrt(2)) for t in x.double().flatten().tolist()]
    return torch.tensor(numbers, dtype=x.dtype).reshape(x.shape)


WRONG_GELUS = (
    "relu_in_place_of_gelu",
    "silu_in_place_of_gelu",
    "the_share_alone",
    "half_forgotten",
    "one_forgotten",
    "root_of_two_forgotten",
    "density_for_distribution",
    "multiplied_by_two",
    "one_minus_the_share",
)


@exercise("gelu")
@points(4)
@catches(*WRONG_GELUS)
def test_gelu_of_small_numbers(student, draw):
    """Each number is multiplied by the probability that a standard normal variable lies below it."""
    known = torch.tensor([-3.0, -1.0, 0.0, 0.5, 2.0])
    inputs = [known, draw.normal(2, 5, 7), draw.uniform(-2.0, 0.0, 11), draw.uniform(0.0, 3.0, 5, 3)]

    found = [student.gelu(x) for x in inputs]

    for x, activated in zip(inputs, found, strict=True):
        assert_close(activated, gelu_by_hand(x), "softmax", f"the result for a tensor of shape {tuple(x.shape)}")


@exercise("gelu")
@points(2)
@catches("tanh_approximation", "sigmoid_approximation")
def test_gelu_is_exact(student, draw):
    """Near 2.7 and -2.7 the approximations are farthest off: here the exact function is wanted."""
    # On the negative side the result is nearly 0, so that a small difference is not small beside it.
    x = -2.7 + draw.uniform(-0.3, 0.3, 13)
    inputs = [x, -x]

    found = [student.gelu(t) for t in inputs]

    assert_close(found[0], gelu_by_hand(inputs[0]), "softmax", "the result near -2.7")
    assert_close(found[1], gelu_by_hand(inputs[1]), "softmax", "the result near 2.7")


@exercise("gelu")
@points(1)
@catches("the_share_alone", "half_forgotten", "one_forgotten", "density_for_distribution", "one_minus_the_share")
def test_gelu_far_out(student, draw):
    """Far to the left the result is 0, far to the right it is x itself, and at 0 it is 0."""
    x = draw.uniform(15.0, 900.0, 7)

    found = [student.gelu(t) for t in (x, -x, torch.zeros(3))]

    assert_close(found[0], x, "softmax", "the result far to the right")
    assert_close(found[1], torch.zeros(7), "softmax", "the result far to the left")
    assert_close(found[2], torch.zeros(3), "softmax", "the result at 0")


@exercise("gelu")
@points(2)
@catches("gelu_cuts_the_graph", "share_detached", "relu_in_place_of_gelu", "silu_in_place_of_gelu")
def test_gradients_of_gelu(student, draw):
    """Gradients flow back through both places in which x occurs."""
    x, toward = draw.normal(5, 7), draw.normal(5, 7)

    found = student.gelu.gradients(x, toward=toward).arguments[0]
    student.gelu.gradients(2 * x, toward=toward)

    wide = x.double()
    slope = 0.5 * torch.special.erfc(-wide / math.sqrt(2)) + wide * torch.exp(-wide * wide / 2) / math.sqrt(2 * math.pi)
    assert_gradient(found, (slope * toward).float(), "the input")


@exercise("gelu")
@points(1)
@catches("gelu_in_place", "gelu_in_single_precision")
def test_gelu_takes_any_float_tensor_as_it_comes(student, draw):
    """The dtype is kept, and neither the argument nor the random state is changed."""
    inputs = [draw.normal(2, 5, 7), scattered(draw.normal(3, 5, 2)), draw.normal(1)[0]]

    left = [student.gelu.aftermath(x) for x in inputs]
    found = [student.gelu(x.double()) for x in inputs]

    for x, after, activated in zip(inputs, left, found, strict=True):
        assert_left_alone(after, x)
        assert_close(activated, gelu_by_hand(x.double()), "softmax", "the result for float64")


# --- FeedForward ------------------------------------------------------------------------------------------------------


def two_maps(draw, width, inner, prefix=""):
    """Parameters of a feed-forward network whose hidden numbers are about as often negative as positive."""
    return {
        f"{prefix}linear1.weight": draw.normal(inner, width) / math.sqrt(width),
        f"{prefix}linear1.bias": draw.normal(inner) / 2,
        f"{prefix}linear2.weight": draw.normal(width, inner) / math.sqrt(inner),
        f"{prefix}linear2.bias": draw.normal(width) / 2,
    }


def network_with(student, maps, **more):
    """A feed-forward network of the student's with these parameters, in evaluation."""
    inner, width = maps["linear1.weight"].shape
    layer = student.FeedForward(width, inner, **more)
    load(layer, maps, "FeedForward")
    layer.eval()
    return layer


def network_by_torch(maps, x, activation=torch.relu, prefix=""):
    """The two maps and the activation, in the dtype of x."""
    maps = {name.removeprefix(prefix): parameter.to(x.dtype) for name, parameter in maps.items()}
    hidden = activation(x @ maps["linear1.weight"].T + maps["linear1.bias"])
    return hidden @ maps["linear2.weight"].T + maps["linear2.bias"]


WRONG_NETWORKS = (
    "no_activation",
    "activation_after_the_second_map",
    "activation_after_both_maps",
    "activation_before_the_first_map",
    "network_adds_its_input",
    "always_gelu",
)


@exercise("FeedForward")
@points(2)
@catches("maps_without_bias", "maps_named_otherwise", "inner_width_ignored", "maps_in_the_wrong_order")
def test_network_has_two_maps(student, draw):
    """The network learns `linear1`, from D to F, and `linear2`, from F to D, both with a bias, and nothing else."""
    others = []
    # An inner width of 4 D first: whoever always takes that one is wrong only from the second case on.
    for width, inner in ((3, 12), (5, 13), (7, 3)):
        maps = two_maps(draw, width, inner)
        others += load(student.FeedForward(width, inner), maps, "FeedForward")
        others += load(
            student.FeedForward(d_model=width, d_ff=inner, dropout=0.1, activation="gelu"), maps, "FeedForward"
        )
    assert_nothing_more(others, "FeedForward")


@exercise("FeedForward")
@points(3)
@catches(*WRONG_NETWORKS)
def test_network_with_relu(student, draw):
    """Map, ReLU, map: relu(x W1 + b1) W2 + b2, for tensors of any rank; ReLU is the default."""
    cases = [(two_maps(draw, 5, 13), draw.normal(2, 7, 5)), (two_maps(draw, 7, 3), draw.normal(5, 7))]

    found = [network_with(student, maps)(x) for maps, x in cases]
    found += [network_with(student, maps, activation="relu")(x) for maps, x in cases]

    for (maps, x), output in zip(cases * 2, found, strict=True):
        right = network_by_torch(maps, x.double()).float()
        assert_close(output, right, "attention", f"the output for a tensor of shape {tuple(x.shape)}")


@exercise("FeedForward")
@points(2)
@catches("always_relu", "no_activation", "activation_before_the_first_map", "activation_after_the_second_map")
def test_network_with_gelu(student, draw):
    """With activation="gelu" the same maps have GELU between them."""
    # Each channel of the output shows one hidden number. Whoever took an approximation of GELU is a thousandth off at
    # most, which is no mistake here: a hundredth of the output is compared.
    maps = two_maps(draw, 5, 13)
    maps["linear2.weight"] = torch.eye(13)[draw.permutation(13)[:5]]
    inputs = [draw.normal(2, 17, 5), draw.normal(11, 5)]
    layer = network_with(student, maps, activation="gelu")

    found = [layer(x) for x in inputs]

    for x, output in zip(inputs, found, strict=True):
        right = network_by_torch(maps, x.double(), gelu_by_hand).float()
        assert_equal(tuple(output.shape), tuple(x.shape), "the shape of the output")
        assert_close(output / 100, right / 100, "attention", "a hundredth of the output")


@exercise("FeedForward")
@points(1)
@catches("no_activation", "network_adds_its_input", "network_norms_its_input")
def test_network_treats_every_position_alike(student, draw):
    """Words in another order come out the same, in the other order, and a word alone comes out as in company."""
    maps, x, order = two_maps(draw, 5, 13), draw.normal(2, 7, 5), draw.permutation(7)
    layer = network_with(student, maps)

    found = layer(x), layer(x[:, order]), layer(x[:, 2:3])

    right = network_by_torch(maps, x.double()).float()
    expected = right, right[:, order], right[:, 2:3]
    names = "the output", "the output for words in another order", "the output for a single word"
    for output, wanted, what in zip(found, expected, names, strict=True):
        assert_close(output, wanted, "attention", what)


@exercise("FeedForward")
@points(2)
@catches("network_cuts_the_graph", "no_activation", "activation_after_the_second_map")
def test_gradients_reach_both_maps(student, draw):
    """Gradients reach the input and both maps with their biases."""
    maps, x, toward = two_maps(draw, 5, 13), draw.normal(2, 7, 5), draw.normal(2, 7, 5)
    layer = network_with(student, maps)

    found = layer.gradients(x, toward=toward)
    layer.gradients(-x, toward=toward)

    names = list(maps)
    expected = gradients_by_torch(
        lambda x, *p: network_by_torch(dict(zip(names, p, strict=True)), x), [x, *maps.values()], toward
    )
    assert_gradient(found.arguments[0], expected[0], "the input")
    for name, right in zip(names, expected[1:], strict=True):
        assert_gradient(found.parameters.get(name), right, name)


NEARLY_ALL, NEARLY_NONE = 1 - 1e-9, 1e-9
"""Rates of dropout with which chance has nothing left to say, and by which nobody divides 0."""


@exercise("FeedForward")
@points(2)
@catches(
    "network_never_drops",
    "network_drops_in_evaluation",
    "network_drops_its_output",
    "network_drops_its_input",
    "network_keeps_with_probability_p",
)
def test_network_with_nearly_everything_dropped(student, draw):
    """In training with all hidden numbers dropped the bias of `linear2` is left; in evaluation nothing is dropped."""
    maps, x = two_maps(draw, 5, 13), draw.normal(2, 7, 5)
    all_dropped, none_dropped = (network_with(student, maps, dropout=rate) for rate in (NEARLY_ALL, NEARLY_NONE))
    unsaid = network_with(student, maps)
    unsaid.train()

    in_evaluation = [all_dropped(x), none_dropped(x)]
    all_dropped.train()
    none_dropped.train()
    in_training = [all_dropped(x), all_dropped(-x)]
    kept = {"when nothing is dropped": none_dropped(x), "of a network made without a dropout": unsaid(x)}
    all_dropped.eval()
    in_evaluation.append(all_dropped(x))

    right = network_by_torch(maps, x.double()).float()
    for output in in_training:
        what = "the output when every hidden number is dropped"
        assert_close(output, maps["linear2.bias"].expand(2, 7, 5), "attention", what)
    for when, output in kept.items():
        assert_close(output, right, "attention", f"the output in training {when}")
    for output in in_evaluation:
        assert_close(output, right, "attention", "the output in evaluation")


@exercise("FeedForward")
@points(1)
@catches("network_drops_before_the_activation", "network_never_drops", "network_drops_without_scaling")
def test_network_drops_single_hidden_numbers(student, draw):
    """In training each activated number is either dropped or divided by 1 - dropout, about as many as asked."""
    # Each channel of the output shows one hidden number, which does not depend on x. Their sizes are near 1, where
    # GELU of the double is far from the double of GELU.
    maps = two_maps(draw, 7, 11)
    maps["linear1.weight"], maps["linear2.bias"] = torch.zeros(11, 7), torch.zeros(7)
    maps["linear1.bias"] = draw.uniform(0.8, 1.2, 11) * (2 * draw.integers(0, 2, 11) - 1)
    chosen = draw.permutation(11)[:7]
    maps["linear2.weight"] = torch.eye(11)[chosen]
    hidden = {"relu": torch.relu(maps["linear1.bias"]), "gelu": gelu_by_hand(maps["linear1.bias"])}
    x = draw.normal(3, 23, 7)

    found = {}
    for activation in ("gelu", "relu"):
        layer = network_with(student, maps, dropout=0.5, activation=activation)
        layer.train()
        found[activation] = [layer(x) for _ in range(2)]

    for activation, outputs in found.items():
        whole = hidden[activation][chosen].expand(3, 23, 7) / 0.5
        for output in outputs:
            assert_equal(tuple(output.shape), (3, 23, 7), "the shape of the output")
            expected = torch.where(output.abs() < 1e-6, torch.zeros_like(whole), whole)
            what = f'the hidden numbers in training with "{activation}", each either 0 or divided by 1 - dropout'
            assert_close(output / 100, expected / 100, "attention", f"a hundredth of {what}")
    dropped = torch.stack([output == 0 for output in found["gelu"]])
    assert_true(not torch.equal(*dropped), "Two calls in training have dropped exactly the same numbers.")
    share = float(dropped.double().mean())
    # 966 numbers in all: 0.1 are more than six standard deviations.
    assert_true(abs(share - 0.5) < 0.1, f"With a dropout of 0.5 a share of {share:.2f} of the numbers was dropped.")


@exercise("FeedForward")
@points(1)
@catches("unknown_activation_is_relu", "unknown_activation_is_a_key_error")
def test_network_refuses_other_activations(student, draw):
    """An activation other than "relu" and "gelu" is refused with a ValueError when the network is created."""
    assert_raises("ValueError", student.FeedForward, 5, 7, 0.0, "sigmoid")
    assert_raises("ValueError", student.FeedForward, 5, 7, activation="")
    assert_raises("ValueError", student.FeedForward, 3, 11, 0.1, "tanh", says="tanh")


@exercise("FeedForward")
@points(1)
@catches("network_drops_in_evaluation")
def test_network_leaves_its_arguments_alone(student, draw):
    """The dtype is kept; arguments, parameters and random state are not changed, and a second call gives the same."""
    maps, x = two_maps(draw, 5, 13), draw.normal(2, 7, 5)
    layer = network_with(student, maps, dropout=0.3)

    left = [layer.aftermath(t) for t in (x, scattered(x))]
    twice = [layer(x) for _ in range(2)]
    state = layer.state_dict()
    wide = network_with(student, maps, dropout=0.3)
    wide.double()
    in_double = wide(x.double())

    right = network_by_torch(maps, x.double())
    for after in left:
        assert_left_alone(after, x)
    for name, parameter in maps.items():
        assert_close(state[name], parameter, "exact", f"{name} after the call")
    for output in twice:
        assert_close(output, right.float(), "attention", "the output")
    assert_close(in_double, right, "attention", "the output for float64")


# --- the two blocks ---------------------------------------------------------------------------------------------------

BLOCKS = {"post": "PostNormEncoderBlock", "pre": "PreNormEncoderBlock"}


def stream(draw, *shape):
    """A residual stream whose vectors have neither mean 0 nor variance 1."""
    return 2 * draw.normal(*shape) + 0.7


def block_parameters(draw, width, inner):
    """Parameters of a block, none of them special: those of the norms too."""
    maps = {f"attention.w_{name}.weight": draw.normal(width, width) / math.sqrt(width) for name in "qkvo"}
    maps |= {f"attention.w_{name}.bias": draw.normal(width) / 2 for name in "qkvo"}
    maps |= two_maps(draw, width, inner, "feed_forward.")
    for name in ("norm1", "norm2"):
        maps[f"{name}.weight"], maps[f"{name}.bias"] = draw.uniform(0.5, 1.5, width), draw.normal(width) / 2
    return maps


def silence(maps, *sub_layers):
    """Let these sub-layers have nothing to say: their last maps give 0."""
    names = {"attention": "attention.w_o", "feed_forward": "feed_forward.linear2"}
    for sub_layer in sub_layers:
        for kind in ("weight", "bias"):
            name = f"{names[sub_layer]}.{kind}"
            maps[name] = torch.zeros_like(maps[name])
    return maps


def only_normalise(maps):
    """Let the norms do nothing but normalise."""
    for name in ("norm1", "norm2"):
        maps[f"{name}.weight"], maps[f"{name}.bias"] = start_of(maps[f"{name}.weight"].numel())
    return maps


def block_with(student, kind, maps, num_heads, **more):
    """A block of the student's with these parameters, in evaluation."""
    inner, width = maps["feed_forward.linear1.weight"].shape
    block = getattr(student, BLOCKS[kind])(width, num_heads, inner, **more)
    load(block, maps, BLOCKS[kind])
    block.eval()
    return block


def attention_by_heads(maps, num_heads, x, mask=None):
    """Self-attention, one head after the other, in the dtype of x."""
    maps = {name.removeprefix("attention."): p.to(x.dtype) for name, p in maps.items() if name.startswith("attention.")}
    d = x.size(-1) // num_heads
    output = maps["w_o.bias"]
    if mask is not None:
        mask = mask.expand(x.size(0), num_heads, x.size(1), x.size(1))
    for head in range(num_heads):
        own = slice(head * d, (head + 1) * d)
        q, k, v = (x @ maps[f"w_{name}.weight"][own].T + maps[f"w_{name}.bias"][own] for name in "qkv")
        scores = torch.einsum("bid,bjd->bij", q, k) / math.sqrt(d)
        if mask is not None:
            # A row without keys: any finite score will do, its weights are struck out below.
            scores = scores.masked_fill(~mask[:, head], -math.inf)
            scores = scores.masked_fill(~mask[:, head].any(-1, keepdim=True), 0.0)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights * mask[:, head]
        output = output + weights @ v @ maps["w_o.weight"][:, own].T
    return output


def block_by_torch(kind, maps, num_heads, x, mask=None, activation=torch.relu):
    """What the block should give, in the dtype of x, with torch's layer norm."""

    def norm(name, t):
        return F.layer_norm(t, t.shape[-1:], maps[f"{name}.weight"].to(t.dtype), maps[f"{name}.bias"].to(t.dtype))

    def network(t):
        own = {name: p for name, p in maps.items() if name.startswith("feed_forward.")}
        return network_by_torch(own, t, activation, "feed_forward.")

    if kind == "pre":
        x = x + attention_by_heads(maps, num_heads, norm("norm1", x), mask)
        return x + network(norm("norm2", x))
    x = norm("norm1", x + attention_by_heads(maps, num_heads, x, mask))
    return norm("norm2", x + network(x))


def in_double(kind, maps, num_heads, x, mask=None, activation=torch.relu):
    """`block_by_torch` in double precision, as float32."""
    return block_by_torch(kind, maps, num_heads, x.double(), mask, activation).float()


def of(kind, *names):
    """The names of known mistakes in a block of this kind."""
    return tuple(f"{kind}_{name}" for name in names)


BOTH = (
    "without_residuals",
    "without_attention_residual",
    "without_network_residual",
    "norms_exchanged",
    "norm1_used_twice",
    "network_first",
    "heads_ignored",
    "is_the_other_block",
    "second_residual_from_the_input",
    "sub_layers_side_by_side",
)
POST = of(
    "post",
    *BOTH,
    "adds_after_the_norm",
    "without_norm1",
    "without_norm2",
    "network_reads_before_the_norm",
    "network_residual_before_the_norm",
)
PRE = of(
    "pre",
    *BOTH,
    "adds_to_the_normalised",
    "attention_adds_to_the_normalised",
    "network_reads_the_raw_stream",
    "attention_reads_the_raw_stream",
    "only_queries_normalised",
    "normalised_at_the_end",
    "network_reads_the_old_stream",
)


def check_parts(student, draw, kind):
    """Names and sizes of all parameters, and arguments that are refused."""
    name, others = BLOCKS[kind], []
    for width, heads, inner in ((6, 3, 11), (10, 2, 7)):
        maps = block_parameters(draw, width, inner)
        make = getattr(student, name)
        others += load(make(width, heads, inner), maps, name)
        others += load(make(d_model=width, num_heads=heads, d_ff=inner, dropout=0.1, activation="gelu"), maps, name)
    assert_nothing_more(others, name)
    assert_raises("ValueError", getattr(student, name), 7, 2, 5)
    assert_raises("ValueError", getattr(student, name), 6, 2, 5, 0.0, "swish")


def check_numbers(student, draw, kind):
    """The whole block, with parameters none of which is special."""
    cases = [
        (block_parameters(draw, 21, 11), 3, stream(draw, 2, 5, 21)),
        (block_parameters(draw, 10, 13), 5, stream(draw, 3, 7, 10)),
        (block_parameters(draw, 6, 17), 2, stream(draw, 2, 1, 6)),
    ]

    found = [block_with(student, kind, maps, heads)(x) for maps, heads, x in cases]

    for (maps, heads, x), output in zip(cases, found, strict=True):
        right = in_double(kind, maps, heads, x)
        assert_close(output, right, "attention", f"the output for a tensor of shape {tuple(x.shape)}")


def check_one_silent(student, draw, kind):
    """One of the sub-layers has nothing to say."""
    x, maps = stream(draw, 2, 5, 21), block_parameters(draw, 21, 11)
    cases = {
        "attention": silence(dict(maps), "feed_forward"),
        "the feed-forward network": silence(dict(maps), "attention"),
    }

    found = [block_with(student, kind, only, 3)(t) for only in cases.values() for t in (x, -x)]

    expected = [(who, in_double(kind, only, 3, t)) for who, only in cases.items() for t in (x, -x)]
    for output, (who, right) in zip(found, expected, strict=True):
        assert_close(output, right, "attention", f"the output when {who} is the only one that has something to say")


def check_masks(student, draw, kind):
    """Masks of every shape that broadcasts to (B, H, L, L), one with a row that is empty."""
    x, maps = stream(draw, 2, 5, 21), block_parameters(draw, 21, 11)
    masks = [draw.mask(*shape) for shape in ((5,), (2, 1, 1, 5), (5, 5), (2, 1, 5, 5), (3, 1, 5), (2, 3, 5, 5))]
    masks[3][0, 0, 2] = False
    block = block_with(student, kind, maps, 3)

    found = [block(x, mask=mask) for mask in masks]
    by_place = block(x, masks[1])

    for mask, output in zip(masks, found, strict=True):
        right = in_double(kind, maps, 3, x, mask)
        assert_close(output, right, "attention", f"the output with a mask of shape {tuple(mask.shape)}")
    right = in_double(kind, maps, 3, x, masks[1])
    assert_close(by_place, right, "attention", "the output with the mask as the second argument")


def check_against_torch(student, draw, kind):
    """PyTorch's own layer with the same parameters."""
    x, maps, mask = stream(draw, 2, 7, 14), block_parameters(draw, 14, 23), draw.mask(2, 1, 1, 7)
    block = block_with(student, kind, maps, 2)

    found = [block(x), block(x, mask)]

    theirs = nn.TransformerEncoderLayer(14, 2, 23, 0.0, batch_first=True, norm_first=kind == "pre").double()
    state = {name.removeprefix("feed_forward."): parameter for name, parameter in maps.items()}
    theirs.load_state_dict(
        {name: parameter for name, parameter in state.items() if not name.startswith("attention.")}
        | {
            f"self_attn.in_proj_{k}": torch.cat([maps[f"attention.w_{n}.{k}"] for n in "qkv"])
            for k in ("weight", "bias")
        }
        | {f"self_attn.out_proj.{k}": maps[f"attention.w_o.{k}"] for k in ("weight", "bias")}
    )
    with torch.no_grad():
        expected = [theirs(x.double()), theirs(x.double(), src_key_padding_mask=~mask[:, 0, 0])]
    for output, right in zip(found, expected, strict=True):
        assert_close(output, right.float(), "attention", "the output")


def check_gelu(student, draw, kind):
    """The activation is handed on: each channel shows one hidden number, and approximations of GELU are no mistake."""
    maps = only_normalise(silence(block_parameters(draw, 6, 13), "attention"))
    # Near 0.75 and -0.75 ReLU and GELU differ most, at 0 not at all, and GELU and its approximations hardly anywhere.
    # Some of each, because a norm would take out what is the same for all channels.
    loud = draw.uniform(0.6, 0.9, 13) * (2 * draw.integers(0, 2, 13) - 1)
    maps["feed_forward.linear1.weight"] = torch.zeros(13, 6)
    maps["feed_forward.linear1.bias"] = torch.where(torch.arange(13) % 2 == 0, loud, torch.zeros(13))
    maps["feed_forward.linear2.weight"] = torch.eye(13)[draw.permutation(6)]
    inputs = [stream(draw, 3, 11, 6), stream(draw, 2, 17, 6)]
    block = block_with(student, kind, maps, 2, activation="gelu")

    found = [block(x) for x in inputs]

    for x, output in zip(inputs, found, strict=True):
        right = in_double(kind, maps, 2, x, activation=gelu_by_hand)
        assert_equal(tuple(output.shape), tuple(x.shape), "the shape of the output")
        assert_close(output / 30, right / 30, "attention", "a thirtieth of the output with activation='gelu'")


def check_gradients(student, draw, kind):
    """Gradients of the input and of all parameters."""
    x, toward, maps, mask = stream(draw, 2, 5, 6), draw.normal(2, 5, 6), block_parameters(draw, 6, 11), draw.mask(5, 5)
    block = block_with(student, kind, maps, 2)

    found = block.gradients(x, mask, toward=toward)
    block.gradients(-x, toward=toward)

    names = list(maps)
    expected = gradients_by_torch(
        lambda x, *p: block_by_torch(kind, dict(zip(names, p, strict=True)), 2, x, mask), [x, *maps.values()], toward
    )
    assert_gradient(found.arguments[0], expected[0], "the input")
    for name, right in zip(names, expected[1:], strict=True):
        if name != "attention.w_k.bias":  # it moves all scores of a query alike: nothing but rounding
            assert_gradient(found.parameters.get(name), right, name)


def check_everything_dropped(student, draw, kind):
    """In training with everything dropped, the sub-layers have nothing to say; in evaluation nothing is dropped."""
    x, maps = stream(draw, 2, 5, 6), block_parameters(draw, 6, 11)
    block, unsaid = block_with(student, kind, maps, 3, dropout=NEARLY_ALL), block_with(student, kind, maps, 3)

    in_evaluation = block(x)
    block.train()
    unsaid.train()
    kept = unsaid(x)
    in_training = [block(x), block(-x)]
    block.eval()
    once_more = block(x)

    nothing = silence(dict(maps), "attention", "feed_forward")
    for t, output in zip((x, -x), in_training, strict=True):
        right = in_double(kind, nothing, 3, t)
        assert_close(output, right, "attention", "the output when everything that the sub-layers say is dropped")
    right = in_double(kind, maps, 3, x)
    for output in (in_evaluation, once_more):
        assert_close(output, right, "attention", "the output in evaluation")
    assert_close(kept, right, "attention", "the output in training of a block made without a dropout")


def said(kind, output, before):
    """What a sub-layer has added, when the others have nothing to say and the first two channels got nothing.

    A norm stretches and moves a vector as a whole; the first two channels tell by how much.
    """
    if kind == "pre":
        return output - before
    stretch = (before[..., 1] - before[..., 0]) / (output[..., 1] - output[..., 0])
    return before[..., :1] + (output - output[..., :1]) * stretch[..., None] - before


def stream_with_marks(draw, *shape):
    """A stream whose first two channels are known and far apart."""
    x = stream(draw, *shape)
    x[..., 0], x[..., 1] = -2.0, 2.0
    return x


def check_single_numbers_dropped(student, draw, kind):
    """Each number of what a sub-layer says is either dropped or divided by 1 - dropout."""
    p, x = 0.25, stream_with_marks(draw, 2, 13, 21)
    whatever = only_normalise(silence(block_parameters(draw, 21, 11), "attention", "feed_forward"))
    ones = torch.ones(21)
    ones[:2] = 0
    before = {"attention": x, "feed_forward": x if kind == "pre" else norm_by_torch(x, *start_of(21))}
    constant = {"attention": "attention.w_o.bias", "feed_forward": "feed_forward.linear2.bias"}

    found = {}
    for who, name in constant.items():
        block = block_with(student, kind, whatever | {name: ones}, 3, dropout=p)
        block.train()
        found[who] = [block(x) for _ in range(2)]

    for who, outputs in found.items():
        dropped = []
        for output in outputs:
            assert_equal(tuple(output.shape), (2, 13, 21), "the shape of the output")
            numbers = said(kind, output, before[who])[..., 2:]
            dropped.append(numbers < 0.5)
            expected = torch.full_like(numbers, 1 / (1 - p)).masked_fill(dropped[-1], 0.0)
            what = f"what {who} adds in training, each number either 0 or divided by 1 - dropout"
            # What comes back from behind a norm is known a little less exactly.
            assert_close(numbers / 10, expected / 10, "attention", f"a tenth of {what}")
        assert_true(not torch.equal(*dropped), "Two calls in training have dropped exactly the same numbers.")
        share = float(torch.stack(dropped).double().mean())
        # 988 numbers: 0.1 are more than six standard deviations.
        assert_true(abs(share - p) < 0.1, f"With a dropout of {p} a share of {share:.2f} of {who} was dropped.")


def check_dropped_inside(student, draw, kind):
    """Dropout is handed on: to the attention for its weights, and to the feed-forward network."""
    p, x = 0.25, stream_with_marks(draw, 31, 1, 21)
    quiet = only_normalise(silence(block_parameters(draw, 21, 23), "attention", "feed_forward"))
    shown = torch.eye(23)[:21]
    shown[:2] = 0
    # A sentence of one word gives itself a weight of 1; all its values are 1, and so are all hidden numbers.
    attention = quiet | {
        "attention.w_v.weight": torch.zeros(21, 21),
        "attention.w_v.bias": torch.ones(21),
        "attention.w_o.weight": shown[:, :21],
    }
    network = quiet | {
        "feed_forward.linear1.weight": torch.zeros(23, 21),
        "feed_forward.linear1.bias": torch.ones(23),
        "feed_forward.linear2.weight": shown,
    }
    before = {"attention": x, "feed_forward": x if kind == "pre" else norm_by_torch(x, *start_of(21))}

    found = {}
    for who, maps in (("attention", attention), ("feed_forward", network)):
        block = block_with(student, kind, maps, 3, dropout=p)
        block.train()
        found[who] = block(x)

    for who, output in found.items():
        assert_equal(tuple(output.shape), (31, 1, 21), "the shape of the output")
        numbers = said(kind, output, before[who])[..., 2:]
        expected = torch.full_like(numbers, 1 / (1 - p) ** 2).masked_fill(numbers < 0.5, 0.0)
        what = f"a tenth of what {who} adds in training: whatever is kept twice is divided by 1 - dropout twice"
        assert_close(numbers / 10, expected / 10, "attention", what)


def check_left_alone(student, draw, kind):
    """Dtype, arguments, parameters, random state, layout in memory, a second call."""
    x, maps, mask = stream(draw, 2, 5, 6), block_parameters(draw, 6, 11), draw.mask(2, 1, 1, 5)
    block = block_with(student, kind, maps, 2, dropout=0.3)

    left = [block.aftermath(t, mask) for t in (x, scattered(x))]
    found = [block(x, mask), block(x, mask), block(scattered(x), mask)]
    state = block.state_dict()
    wide = block_with(student, kind, maps, 2, dropout=0.3)
    wide.double()
    in_float64 = wide(x.double(), mask)

    right = block_by_torch(kind, maps, 2, x.double(), mask)
    for after in left:
        assert_left_alone(after, x, mask)
    for name, parameter in maps.items():
        assert_close(state[name], parameter, "exact", f"{name} after the call")
    for output in found:
        assert_close(output, right.float(), "attention", "the output")
    assert_close(in_float64, right, "attention", "the output for float64")


# --- PostNormEncoderBlock ---------------------------------------------------------------------------------------------

DROPOUTS = (
    "never_drops",
    "drops_inside_only",
    "drops_the_sum",
    "drops_attention_only",
    "drops_the_network_only",
)


@exercise("PostNormEncoderBlock")
@points(1)
@catches("post_inner_width_ignored", "post_parts_named_otherwise", "post_norms_from_one_object")
def test_post_norm_block_has_its_parts(student, draw):
    """The block has `attention`, `feed_forward`, `norm1` and `norm2`, and refuses what its parts refuse."""
    check_parts(student, draw, "post")
    maps = block_parameters(draw, 6, 11)
    block = block_with(student, "post", maps, 3)
    state = block.state_dict()
    for name, parameter in maps.items():
        assert_close(state[name], parameter, "exact", f"{name}, after it was loaded")


@exercise("PostNormEncoderBlock")
@points(4)
@catches(*POST, "post_norms_from_one_object", "post_weights_returned_too")
def test_post_norm_block_number_by_number(student, draw):
    """Attention, add, norm; feed-forward network, add, norm."""
    check_numbers(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(2)
@catches(
    "post_without_residuals",
    "post_without_attention_residual",
    "post_without_network_residual",
    "post_is_the_other_block",
    "post_without_norm1",
    "post_without_norm2",
    "post_norm1_used_twice",
)
def test_post_norm_block_with_silent_sub_layers(student, draw):
    """When both sub-layers give 0, the input comes out normalised twice: by `norm1`, then by `norm2`."""
    maps = silence(block_parameters(draw, 21, 11), "attention", "feed_forward")
    inputs = [stream(draw, 2, 5, 21), 10 * stream(draw, 3, 2, 21)]
    block = block_with(student, "post", maps, 3)

    found = [block(x) for x in inputs]

    for x, output in zip(inputs, found, strict=True):
        first = norm_by_torch(x, maps["norm1.weight"], maps["norm1.bias"])
        right = norm_by_torch(first, maps["norm2.weight"], maps["norm2.bias"])
        assert_close(output, right, "attention", "the output when both sub-layers give 0")


@exercise("PostNormEncoderBlock")
@points(2)
@catches(*(name for name in POST if name not in ("post_network_first", "post_heads_ignored")))
def test_post_norm_block_with_one_silent_sub_layer(student, draw):
    """With only one sub-layer that has something to say, its output is added to what that sub-layer has read."""
    check_one_silent(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches("post_is_the_other_block", "post_without_norm2", "post_adds_after_the_norm", "post_network_first")
def test_post_norm_block_ends_with_a_norm(student, draw):
    """With a `norm2` that only normalises, every word comes out with mean 0 and variance 1."""
    maps = block_parameters(draw, 10, 13)
    maps["norm2.weight"], maps["norm2.bias"] = start_of(10)
    inputs = [stream(draw, 2, 5, 10), 3 * stream(draw, 3, 7, 10)]
    block = block_with(student, "post", maps, 5)

    found = [block(x) for x in inputs]

    for x, output in zip(inputs, found, strict=True):
        assert_equal(tuple(output.shape), tuple(x.shape), "the shape of the output")
        means, variances = output.mean(-1), output.var(-1, correction=0)
        assert_close(means, torch.zeros_like(means), "attention", "the mean of every word")
        assert_close(variances, torch.ones_like(variances), "attention", "the variance of every word")
        assert_close(output, in_double("post", maps, 5, x), "attention", "the output")


@exercise("PostNormEncoderBlock")
@points(3)
@catches("post_mask_not_passed_on", "post_mask_inverted", "post_mask_on_the_queries")
def test_post_norm_block_with_masks(student, draw):
    """The mask reaches the attention, whatever its shape."""
    check_masks(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches(*POST, "post_mask_not_passed_on", "post_mask_inverted")
def test_post_norm_block_as_pytorch_has_it(student, draw):
    """With the same parameters the output is that of `nn.TransformerEncoderLayer`."""
    check_against_torch(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches("post_activation_not_passed_on")
def test_post_norm_block_with_gelu(student, draw):
    """With activation="gelu" the feed-forward network has GELU between its maps."""
    check_gelu(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches("post_residual_detached", "post_changes_its_input", "post_without_residuals", "post_is_the_other_block")
def test_gradients_of_the_post_norm_block(student, draw):
    """Gradients reach the input and every parameter, along the residuals and through the sub-layers."""
    check_gradients(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches(*of("post", *DROPOUTS, "drops_in_evaluation"))
def test_post_norm_block_with_everything_dropped(student, draw):
    """In training with everything dropped the input comes out normalised twice; in evaluation nothing is dropped."""
    check_everything_dropped(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches(*of("post", *DROPOUTS))
def test_post_norm_block_drops_what_sub_layers_say(student, draw):
    """Dropout acts on the output of each sub-layer, number by number, before it is added."""
    check_single_numbers_dropped(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches("post_dropout_not_handed_on", "post_never_drops", "post_drops_inside_only")
def test_post_norm_block_hands_dropout_on(student, draw):
    """The attention drops weights and the feed-forward network hidden numbers, with the same probability."""
    check_dropped_inside(student, draw, "post")


@exercise("PostNormEncoderBlock")
@points(1)
@catches("post_changes_its_input", "post_drops_in_evaluation")
def test_post_norm_block_leaves_its_arguments_alone(student, draw):
    """The dtype is kept; arguments, parameters and random state are not changed, and a second call gives the same."""
    check_left_alone(student, draw, "post")


# --- PreNormEncoderBlock ----------------------------------------------------------------------------------------------


@exercise("PreNormEncoderBlock")
@points(1)
@catches("pre_inner_width_ignored", "pre_parts_named_otherwise", "pre_norms_from_one_object", "pre_has_a_third_norm")
def test_pre_norm_block_has_its_parts(student, draw):
    """The block has `attention`, `feed_forward`, `norm1` and `norm2`, and refuses what its parts refuse."""
    check_parts(student, draw, "pre")
    maps = block_parameters(draw, 6, 11)
    block = block_with(student, "pre", maps, 3)
    state = block.state_dict()
    for name, parameter in maps.items():
        assert_close(state[name], parameter, "exact", f"{name}, after it was loaded")


@exercise("PreNormEncoderBlock")
@points(5)
@catches(*PRE, "pre_norms_from_one_object", "pre_weights_returned_too", "pre_has_a_third_norm")
def test_pre_norm_block_number_by_number(student, draw):
    """Norm, attention, add; norm, feed-forward network, add."""
    check_numbers(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(3)
@catches(
    "pre_without_residuals",
    "pre_without_attention_residual",
    "pre_without_network_residual",
    "pre_adds_to_the_normalised",
    "pre_attention_adds_to_the_normalised",
    "pre_normalised_at_the_end",
    "pre_is_the_other_block",
)
def test_pre_norm_block_with_silent_sub_layers(student, draw):
    """When both sub-layers give 0, the input comes out as it went in, and so does its gradient on the way back."""
    maps = silence(block_parameters(draw, 21, 11), "attention", "feed_forward")
    inputs, toward = [stream(draw, 2, 5, 21), 10 * stream(draw, 3, 2, 21)], draw.normal(2, 5, 21)
    block = block_with(student, "pre", maps, 3)

    found = [block(x) for x in inputs]
    gradient = block.gradients(inputs[0], toward=toward).arguments[0]

    for x, output in zip(inputs, found, strict=True):
        assert_close(output, x, "attention", "the output when both sub-layers give 0")
    assert_gradient(gradient, toward, "the input when both sub-layers give 0")


@exercise("PreNormEncoderBlock")
@points(3)
@catches(
    *(
        name
        for name in PRE
        if name not in ("pre_network_first", "pre_heads_ignored", "pre_network_reads_the_old_stream")
    )
)
def test_pre_norm_block_with_one_silent_sub_layer(student, draw):
    """With only one sub-layer that has something to say, its output is added to the raw stream."""
    check_one_silent(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(2)
@catches(
    "pre_adds_to_the_normalised",
    "pre_attention_adds_to_the_normalised",
    "pre_attention_reads_the_raw_stream",
    "pre_network_reads_the_raw_stream",
    "pre_normalised_at_the_end",
    "pre_is_the_other_block",
    "pre_only_queries_normalised",
)
def test_a_louder_stream_goes_through_the_pre_norm_block(student, draw):
    """A stream that is ten or a hundred times louder comes out louder; what the attention adds stays the same."""
    x, maps = stream(draw, 2, 5, 21), silence(block_parameters(draw, 21, 11), "feed_forward")
    whole = block_parameters(draw, 10, 13)
    inputs = [stream(draw, 3, 7, 10) * scale for scale in (0.1, 30.0)]
    block, other = block_with(student, "pre", maps, 3), block_with(student, "pre", whole, 5)

    found = [block(scale * x) for scale in (1.0, 10.0, 100.0)]
    of_whole = [other(t) for t in inputs]

    for scale, output in zip((1.0, 10.0, 100.0), found, strict=True):
        right = in_double("pre", maps, 3, scale * x)
        assert_close(output, right, "attention", f"the output for a stream that is {scale:g} times as loud")
    for t, output in zip(inputs, of_whole, strict=True):
        assert_close(output, in_double("pre", whole, 5, t), "attention", "the output for a quiet or a loud stream")


@exercise("PreNormEncoderBlock")
@points(3)
@catches("pre_mask_not_passed_on", "pre_mask_inverted", "pre_mask_on_the_queries")
def test_pre_norm_block_with_masks(student, draw):
    """The mask reaches the attention, whatever its shape."""
    check_masks(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(1)
@catches(*PRE, "pre_mask_not_passed_on", "pre_mask_inverted")
def test_pre_norm_block_as_pytorch_has_it(student, draw):
    """With the same parameters the output is that of `nn.TransformerEncoderLayer` with norm_first=True."""
    check_against_torch(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(1)
@catches("pre_activation_not_passed_on")
def test_pre_norm_block_with_gelu(student, draw):
    """With activation="gelu" the feed-forward network has GELU between its maps."""
    check_gelu(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(2)
@catches("pre_residual_detached", "pre_changes_its_input", "pre_without_residuals", "pre_adds_to_the_normalised")
def test_gradients_of_the_pre_norm_block(student, draw):
    """Gradients reach the input and every parameter, along the residuals and through the sub-layers."""
    check_gradients(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(1)
@catches(*of("pre", *DROPOUTS, "drops_in_evaluation"))
def test_pre_norm_block_with_everything_dropped(student, draw):
    """In training with everything dropped the input comes out as it went in; in evaluation nothing is dropped."""
    check_everything_dropped(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(1)
@catches(*of("pre", *DROPOUTS))
def test_pre_norm_block_drops_what_sub_layers_say(student, draw):
    """Dropout acts on the output of each sub-layer, number by number, before it is added."""
    check_single_numbers_dropped(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(1)
@catches("pre_dropout_not_handed_on", "pre_never_drops", "pre_drops_inside_only")
def test_pre_norm_block_hands_dropout_on(student, draw):
    """The attention drops weights and the feed-forward network hidden numbers, with the same probability."""
    check_dropped_inside(student, draw, "pre")


@exercise("PreNormEncoderBlock")
@points(1)
@catches("pre_changes_its_input", "pre_drops_in_evaluation")
def test_pre_norm_block_leaves_its_arguments_alone(student, draw):
    """The dtype is kept; arguments, parameters and random state are not changed, and a second call gives the same."""
    check_left_alone(student, draw, "pre")


# --- pre_norm_step ----------------------------------------------------------------------------------------------------

WRONG_STEPS = (
    "stream_through_the_norm",
    "step_without_the_stream",
    "step_of_the_other_block",
    "step_without_a_norm",
    "step_with_the_norm_behind",
    "step_with_a_norm_at_each_end",
    "step_with_both_added",
    "step_without_scale_and_shift",
    "step_without_relu",
    "step_with_relu_behind",
)


def step_by_torch(x, weight, bias, w1, w2):
    """One step, in double precision, with PyTorch's layer norm; returns float64."""
    x, weight, bias, w1, w2 = (t.double() for t in (x, weight, bias, w1, w2))
    return x + F.relu(F.layer_norm(x, x.shape[-1:], weight, bias) @ w1) @ w2


def step_tensors(draw, *shape, inner):
    """A stream that is neither at 0 nor of size 1, and what a step needs beside it."""
    d = shape[-1]
    return (
        3 * draw.normal(*shape) + 2,
        *scale_and_shift(draw, d),
        draw.normal(d, inner),
        draw.normal(inner, d),
    )


@exercise("pre_norm_step")
@points(2)
@catches(*WRONG_STEPS)
def test_step_adds_to_the_stream_itself(student, draw):
    """The network reads the normalised stream, and what it says is added to the stream as it came in."""
    cases = [step_tensors(draw, *shape, inner=inner) for shape, inner in (((2, 5, 7), 11), ((3, 5), 2), ((7,), 13))]

    found = [student.pre_norm_step(*case) for case in cases]

    for case, stream in zip(cases, found, strict=True):
        assert_close(stream, step_by_torch(*case).float(), "attention", "the stream after the step")


@exercise("pre_norm_step")
@points(1)
@catches(
    "stream_through_the_norm",
    "step_without_the_stream",
    "step_of_the_other_block",
    "step_with_a_norm_at_each_end",
    "step_with_both_added",
)
def test_step_of_a_silent_network(student, draw):
    """When the network gives 0, the stream comes out as it went in."""
    cases = []
    for shape, inner, silent in (((2, 5, 7), 3, 4), ((3, 2, 5, 11), 7, 3), ((3, 5), 13, 4)):
        case = list(step_tensors(draw, *shape, inner=inner))
        case[silent] = torch.zeros_like(case[silent])
        cases.append(case)

    found = [student.pre_norm_step(*case) for case in cases]

    for case, stream in zip(cases, found, strict=True):
        assert_close(stream, case[0], "attention", "the stream after a step of a silent network")


@exercise("pre_norm_step")
@points(1)
@catches("stream_through_the_norm", "step_without_a_norm", "step_of_the_other_block", "step_without_the_stream")
def test_step_of_a_louder_stream(student, draw):
    """A stream that is ten or a hundred times louder comes out louder, and the network adds the same to it."""
    x, *others = step_tensors(draw, 2, 5, 7, inner=11)

    found = [student.pre_norm_step(scale * x, *others) for scale in (1.0, 10.0, 100.0)]

    for scale, stream in zip((1.0, 10.0, 100.0), found, strict=True):
        right = step_by_torch(scale * x, *others).float()
        assert_close(stream, right, "attention", f"a stream that is {scale:g} times as loud, after the step")


@exercise("pre_norm_step")
@points(1)
@catches("step_in_place", "step_residual_detached", "step_in_single_precision", "stream_through_the_norm")
def test_step_fits_into_a_larger_computation(student, draw):
    """Gradients reach all five tensors, the dtype is kept, and neither arguments nor random state are changed."""
    cases = [step_tensors(draw, *shape, inner=inner) for shape, inner in (((2, 3, 5), 7), ((3, 7), 2))]
    towards = [draw.normal(2, 3, 5), draw.normal(3, 7)]

    in_double = [student.pre_norm_step(*(t.double() for t in case)) for case in cases]
    left = [student.pre_norm_step.aftermath(*case) for case in cases]
    back = [student.pre_norm_step.gradients(*c, toward=w).arguments for c, w in zip(cases, towards, strict=True)]

    for case, toward, stream, after, gradients in zip(cases, towards, in_double, left, back, strict=True):
        assert_close(stream, step_by_torch(*case), "attention", "the stream for float64")
        assert_left_alone(after, *case)
        expected = gradients_by_torch(step_by_torch, case, toward)
        for name, gradient, right in zip(("x", "weight", "bias", "w1", "w2"), gradients, expected, strict=False):
            assert_gradient(gradient, right, name)


# --- test_layer_norm --------------------------------------------------------------------------------------------------

# Tests that fail every group: they stop nothing, or right solutions as well.
BLIND_OR_PICKY = (
    "shape_is_enough",
    "verdict_returned",
    "everything_stopped",
    "equal_to_the_last_digit",
    "correction_expected",
)


@exercise("test_layer_norm")
@points(2)
@catches("one_wide_vector", "one_rank_only", *BLIND_OR_PICKY)
def test_a_mean_of_the_wrong_numbers_is_stopped(student, draw, suspects):
    """Your test stops solutions that normalise over the wrong axes, and lets every right solution pass."""
    wrong = suspects.wrong("layer_norm", *WRONG_AXES)
    assert_tells_apart(student.test_layer_norm, suspects.right("layer_norm"), wrong, draw)


@exercise("test_layer_norm")
@points(2)
@catches("mean_zero_is_enough", "one_wide_vector", *BLIND_OR_PICKY)
def test_a_wrong_loudness_is_stopped(student, draw, suspects):
    """It stops solutions that divide by something else than the root of the biased variance, or by nothing."""
    wrong = suspects.wrong(
        "layer_norm",
        "unbiased_variance",
        "root_forgotten",
        "mean_not_subtracted",
        "never_divided",
        "mean_absolute_deviation",
    )
    assert_tells_apart(student.test_layer_norm, suspects.right("layer_norm"), wrong, draw)


@exercise("test_layer_norm")
@points(2)
@catches("mean_zero_is_enough", "mean_and_variance_are_enough", "ones_and_zeros", *BLIND_OR_PICKY)
def test_a_misused_weight_or_bias_is_stopped(student, draw, suspects):
    """It stops solutions that forget the weight or the bias, exchange them, or use them in another way."""
    wrong = suspects.wrong(
        "layer_norm",
        "weight_forgotten",
        "bias_forgotten",
        "bias_scaled_too",
        "one_added_to_the_weight",
        "weight_and_bias_exchanged",
    )
    assert_tells_apart(student.test_layer_norm, suspects.right("layer_norm"), wrong, draw)


@exercise("test_layer_norm")
@points(2)
@catches("mean_zero_is_enough", "mean_and_variance_are_enough", "one_wide_vector", "usual_eps_only", *BLIND_OR_PICKY)
def test_a_misplaced_eps_is_stopped(student, draw, suspects):
    """It stops solutions whose eps is missing, stands outside the root, or is another one."""
    wrong = suspects.wrong(
        "layer_norm",
        "eps_outside_the_root",
        "eps_squared",
        "eps_argument_unused",
        "another_default_eps",
        "eps_left_out",
    )
    assert_tells_apart(student.test_layer_norm, suspects.right("layer_norm"), wrong, draw)


@exercise("test_layer_norm")
@points(1)
@catches(
    "mean_zero_is_enough",
    "mean_and_variance_are_enough",
    "one_wide_vector",
    "gradients_never_asked",
    "gradient_is_there",
    *BLIND_OR_PICKY,
)
def test_a_wrong_gradient_is_stopped(student, draw, suspects):
    """It stops solutions whose numbers are right and whose gradient is missing or wrong."""
    wrong = suspects.wrong("layer_norm", "statistics_detached", "norm_cuts_the_graph")
    assert_tells_apart(student.test_layer_norm, suspects.right("layer_norm"), wrong, draw)


@exercise("test_layer_norm")
@points(1)
@catches(
    "mean_zero_is_enough", "mean_and_variance_are_enough", "one_wide_vector", "never_far_from_zero", *BLIND_OR_PICKY
)
def test_a_variance_that_cancels_is_stopped(student, draw, suspects):
    """It stops a solution that is right near 0, and loses everything far from it."""
    wrong = suspects.wrong("layer_norm", "difference_of_squares")
    assert_tells_apart(student.test_layer_norm, suspects.right("layer_norm"), wrong, draw)


# --- RMSNorm, an extra ------------------------------------------------------------------------------------------------


def rms_norm_by_torch(x, weight, eps=1e-6):
    """PyTorch's RMS norm, in double precision, in the dtype of x."""
    return F.rms_norm(x.double(), x.shape[-1:], weight.double(), eps).to(x.dtype)


def rms_norm_with(student, weight, **more):
    """An RMS norm of the student's with this weight."""
    layer = student.RMSNorm(weight.numel(), **more)
    load(layer, {"weight": weight}, "RMSNorm")
    return layer


@exercise("RMSNorm")
@points(2)
@catches("rms_weight_as_buffer", "rms_has_a_bias", "rms_weight_begins_at_zero")
def test_rms_norm_learns_a_weight(student, draw):
    """A new layer has the parameter `weight`, all ones, and no other."""
    layers = [student.RMSNorm(7), student.RMSNorm(d_model=3, eps=0.1)]

    states = [layer.state_dict() for layer in layers]
    found = [layer.gradients(draw.normal(2, 5, width)).parameters for layer, width in zip(layers, (7, 3), strict=True)]

    for state, parameters, width in zip(states, found, (7, 3), strict=True):
        assert_true("weight" in state, "RMSNorm has no weight in its state_dict.")
        assert_close(state["weight"], torch.ones(width), "exact", "the weight of a new layer")
        assert_true("weight" in parameters, "weight is no parameter: an optimiser would never find it.")
        assert_nothing_more(set(parameters) - {"weight"}, "RMSNorm")


@exercise("RMSNorm")
@points(3)
@catches(
    "rms_subtracts_the_mean",
    "rms_sums_the_squares",
    "rms_divides_by_one_less",
    "rms_weight_unused",
    "rms_adds_one_to_the_weight",
    "rms_over_positions_and_channels",
    "rms_without_the_root",
)
def test_rms_norm_of_vectors_with_a_mean(student, draw):
    """Every vector is divided by its root mean square and scaled; its mean is left alone."""
    cases = [(2 * draw.normal(*shape) + 1.5, draw.normal(shape[-1]) + 0.5) for shape in ((5, 4), (2, 5, 7), (3,))]

    found = [rms_norm_with(student, weight)(x) for x, weight in cases]

    for (x, weight), normed in zip(cases, found, strict=True):
        what = f"the output for a tensor of shape {tuple(x.shape)}"
        assert_close(normed, rms_norm_by_torch(x, weight), "attention", what)


@exercise("RMSNorm")
@points(3)
@catches("rms_eps_outside_the_root", "rms_eps_left_out", "rms_default_eps_of_layer_norm", "rms_eps_unused")
def test_where_eps_stands_in_rms_norm(student, draw):
    """Eps is added to the mean square, inside the root; it is 1e-6 unless the caller says otherwise."""
    weight, x, quiet = draw.normal(4) + 0.5, draw.normal(2, 5, 4), draw.normal(2, 3, 4) / 1000
    exaggerated, usual = rms_norm_with(student, weight, eps=0.1), rms_norm_with(student, weight)

    found = [exaggerated(x), usual(quiet), usual(1000 * x), usual(torch.zeros(3, 4))]

    expected = [
        rms_norm_by_torch(x, weight, 0.1),
        rms_norm_by_torch(quiet, weight),
        rms_norm_by_torch(1000 * x, weight),
        torch.zeros(3, 4),
    ]
    names = "with an eps of 0.1", "for quiet vectors", "for loud vectors", "for vectors of zeros"
    for normed, right, what in zip(found, expected, names, strict=True):
        assert_close(normed, right, "attention", f"the output {what}")


@exercise("RMSNorm")
@points(2)
@catches("rms_detached", "rms_weight_as_buffer", "rms_weight_unused")
def test_rms_norm_fits_into_a_larger_computation(student, draw):
    """Gradients reach input and weight; dtype, arguments and random state are kept."""
    weight, x, toward = draw.normal(4) + 0.5, draw.normal(2, 5, 4) + 1, draw.normal(2, 5, 4)
    layer = rms_norm_with(student, weight, eps=0.1)

    found = layer.gradients(x, toward=toward)
    layer.gradients(-x, toward=toward)
    left = layer.aftermath(x)
    layer.double()
    wide = layer(x.double())

    expected = gradients_by_torch(lambda x, w: F.rms_norm(x, (4,), w, 0.1), [x, weight], toward)
    assert_gradient(found.arguments[0], expected[0], "the input")
    assert_gradient(found.parameters.get("weight"), expected[1], "the weight")
    assert_left_alone(left, x)
    assert_close(wide, rms_norm_by_torch(x.double(), weight, 0.1), "attention", "the output for float64")


# --- SwiGLU, an extra -------------------------------------------------------------------------------------------------


def three_maps(draw, width, inner):
    """Parameters of a gated network."""
    return {
        "w1.weight": draw.normal(inner, width) * 1.5 / math.sqrt(width),
        "w2.weight": draw.normal(width, inner) / math.sqrt(inner),
        "w3.weight": draw.normal(inner, width) / math.sqrt(width),
    }


def gated_network_with(student, maps):
    """A gated network of the student's with these parameters."""
    inner, width = maps["w1.weight"].shape
    layer = student.SwiGLU(width, inner)
    load(layer, maps, "SwiGLU")
    return layer


def gated_network_by_torch(maps, x):
    """The gated network, in the dtype of x."""
    w1, w2, w3 = (maps[f"w{i}.weight"].to(x.dtype) for i in (1, 2, 3))
    return (F.silu(x @ w1.T) * (x @ w3.T)) @ w2.T


@exercise("SwiGLU")
@points(3)
@catches("gated_maps_have_a_bias", "gated_maps_of_the_wrong_sizes")
def test_gated_network_has_three_maps(student, draw):
    """The network learns `w1` and `w3`, from D to F, and `w2`, from F to D, without biases, and nothing else."""
    others = []
    for width, inner in ((5, 13), (7, 3)):
        maps = three_maps(draw, width, inner)
        others += load(student.SwiGLU(width, inner), maps, "SwiGLU")
        others += load(student.SwiGLU(d_model=width, d_ff=inner), maps, "SwiGLU")
    assert_nothing_more(others, "SwiGLU")


@exercise("SwiGLU")
@points(5)
@catches(
    "sigmoid_gate",
    "gelu_gate",
    "relu_gate",
    "the_other_map_is_the_gate",
    "no_gate",
    "gate_added",
    "silu_of_the_product",
    "silu_on_both",
)
def test_gated_network_number_by_number(student, draw):
    """silu(w1 x) times w3 x, mapped back by w2, for tensors of any rank."""
    cases = [(three_maps(draw, 5, 13), 2 * draw.normal(2, 7, 5)), (three_maps(draw, 7, 3), 2 * draw.normal(5, 7))]

    found = [gated_network_with(student, maps)(x) for maps, x in cases]

    for (maps, x), output in zip(cases, found, strict=True):
        right = gated_network_by_torch(maps, x.double()).float()
        assert_close(output, right, "attention", f"the output for a tensor of shape {tuple(x.shape)}")


@exercise("SwiGLU")
@points(2)
@catches("gate_detached", "no_gate", "sigmoid_gate")
def test_gated_network_fits_into_a_larger_computation(student, draw):
    """Gradients reach the input and all three maps; dtype, arguments and random state are kept."""
    maps, x, toward = three_maps(draw, 5, 13), draw.normal(2, 7, 5), draw.normal(2, 7, 5)
    layer = gated_network_with(student, maps)

    found = layer.gradients(x, toward=toward)
    layer.gradients(-x, toward=toward)
    left = layer.aftermath(x)
    layer.double()
    wide = layer(x.double())

    names = list(maps)
    expected = gradients_by_torch(
        lambda x, *p: gated_network_by_torch(dict(zip(names, p, strict=True)), x), [x, *maps.values()], toward
    )
    assert_gradient(found.arguments[0], expected[0], "the input")
    for name, right in zip(names, expected[1:], strict=True):
        assert_gradient(found.parameters.get(name), right, name)
    assert_left_alone(left, x)
    assert_close(wide, gated_network_by_torch(maps, x.double()), "attention", "the output for float64")
