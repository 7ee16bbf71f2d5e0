"""Wrong solutions that students of 04_encoder_block really write, each with its name and its hints.

Every entry holds one mistake and is right in all else, so that its numbers belong to that mistake alone. Mistakes of
`layer_norm`, `gelu` and `FeedForward` are also tried inside the exercises that build on them. The two blocks share most
of their mistakes; those of the post-norm block begin with `post`, those of the pre-norm block with `pre`.
"""

import math

import torch
from torch import nn

from autograder.authoring import misconception
from solutions.encoder_block import FeedForward, LayerNorm, gelu, layer_norm
from solutions.multi_head import MultiHeadAttention

# --- layer_norm -------------------------------------------------------------------------------------------------------


@misconception(
    "layer_norm",
    title="the variance is divided by D - 1, as `std` and `var` do by default",
    hints=(
        "Divide by n or by n - 1? Are the D numbers of a vector a sample of something, or all there are?",
        "Look at the line that makes the variance, and read in PyTorch's documentation what `correction` is by "
        "default.",
        "(1, 3) has the mean 2, and the squares of what is left are 1 and 1. Their mean is 1; divided by D - 1 it "
        "would be 2.",
    ),
    seen_in="the Annotated Transformer (annotated-transformer #119, #122) and many texts that follow it",
)
def unbiased_variance(x, weight, bias, eps=1e-5):
    variance = x.var(dim=-1, keepdim=True)
    return (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="eps is added to the standard deviation, outside the root",
    hints=(
        "Feed a very quiet vector. Who protects you from dividing by nearly 0, and where does it stand?",
        "Look at the order of two steps: taking the root and adding eps.",
        "Variance 9 and eps 16: inside the root the divisor is 5. Outside it would be 3 + 16 = 19.",
    ),
    seen_in="ARENA #228, the Annotated Transformer",
)
def eps_outside_the_root(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / (torch.sqrt(variance) + eps) * weight + bias


@misconception(
    "layer_norm",
    title="eps is squared before it is added to the variance",
    hints=(
        "Is eps a small variance or a small standard deviation here?",
        "Look at what is added to the variance. The docstring says what it is.",
        "Variance 9 and eps 16: the divisor is the root of 25.",
    ),
    seen_in="plausible",
)
def eps_squared(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps**2) * weight + bias


@misconception(
    "layer_norm",
    title="eps is 1e-5 whatever the caller says",
    hints=(
        "What happens to your result when the caller passes an eps of 1?",
        "Follow the argument eps from the signature to the root.",
        "A vector of variance 1 shrinks to about 0.71 of its size when eps is 1.",
    ),
    seen_in="plausible",
)
def eps_argument_unused(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias


@misconception(
    "layer_norm",
    title="eps is 1e-6 when the caller does not say otherwise",
    hints=(
        "Which eps does the docstring promise to a caller who passes none?",
        "Look at the signature.",
        "For a vector with a variance of 1e-5 the two defaults give 0.71 and 0.95 of the size.",
    ),
    seen_in="the Annotated Transformer has 1e-6, BERT 1e-12",
)
def another_default_eps(x, weight, bias, eps=1e-6):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="eps is left out",
    hints=(
        "What does your function make of a vector whose channels are all equal?",
        "Look at what you divide by, and at the vectors for which it is 0.",
        "(3, 3) has the variance 0, and 0 / 0 is nan. With eps it is 0 / 0.003, which is 0.",
    ),
    seen_in="plausible",
)
def eps_left_out(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance) * weight + bias


@misconception(
    "layer_norm",
    title="mean and variance are taken over the positions and the channels together",
    hints=(
        "When word 3 changes, does your result for word 0 change?",
        "Look at the axes of your mean. How many numbers does it give for a sentence of five words?",
        "Two words, (0, 2) and (10, 12): each has a mean of its own, 1 and 11. Over everything it would be 6.",
    ),
    seen_in="GATr PR #8",
)
def over_positions_and_channels(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=(-2, -1), keepdim=True)
    variance = (x - mean).square().mean(dim=(-2, -1), keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="each channel is normalised over the positions of its sentence",
    hints=(
        "Is it a word that should have mean 0, or a channel?",
        "Look at the axis of your mean, counted from the end.",
        "Two words, (0, 2) and (10, 12): the means that count are 1 and 11, one for each word, not 5 and 7.",
    ),
    seen_in="plausible; it is what instance norm does to images",
)
def over_the_positions(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-2, keepdim=True)
    variance = (x - mean).square().mean(dim=-2, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the numbers are normalised over the batch",
    hints=(
        "Should what comes out of a sentence depend on which other sentences are in the batch?",
        "Look at the axis of your mean. Batch norm and layer norm differ in nothing but this.",
        "A sentence alone in its batch has, normalised over the batch, only zeros: every number is its own mean.",
    ),
    seen_in="those who know batch norm first",
)
def over_the_batch(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=0, keepdim=True)
    variance = (x - mean).square().mean(dim=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the axis of the channels is counted from the front, which is right for some ranks only",
    hints=(
        "Your code gives other answers when an axis is added in front. From which end should the last axis be counted?",
        "Look at the axis of your mean and at the shape (..., D) of the docstring.",
        "In a tensor of shape (5, 4) the last axis is number 1. In one of shape (2, 5, 4) it is number 2. It is "
        "number -1 in both.",
    ),
    seen_in="plausible; fastNLP #254 for the softmax",
)
def axis_counted_from_the_front(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=1, keepdim=True)
    variance = (x - mean).square().mean(dim=1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the weight is not used",
    hints=(
        "Which of the four arguments does your result not depend on?",
        "Look at the last line: two steps follow the quotient.",
        "Normalised (-1, 1), weight (3, 3), bias (0, 0): (-3, 3).",
    ),
    seen_in="ARENA's errata",
)
def weight_forgotten(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) + bias


@misconception(
    "layer_norm",
    title="the bias is not used",
    hints=(
        "Your results always have a mean of 0 when all weights are equal. Should they?",
        "Look at the last line: two steps follow the quotient.",
        "Normalised (-1, 1), weight (1, 1), bias (5, 5): (4, 6).",
    ),
    seen_in="ARENA's errata",
)
def bias_forgotten(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight


@misconception(
    "layer_norm",
    title="the bias is added before the weight is multiplied",
    hints=(
        "Scale first or shift first?",
        "Look at the brackets in the last line. The docstring names the two steps in their order.",
        "Normalised (-1, 1), weight (10, 10), bias (5, 5): (-5, 15), and not (40, 60).",
    ),
    seen_in="plausible",
)
def bias_scaled_too(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return ((x - mean) / torch.sqrt(variance + eps) + bias) * weight


@misconception(
    "layer_norm",
    title="1 is added to the weight",
    hints=(
        "What should a weight of 1 change?",
        "Look at what you multiply by.",
        "Normalised (-1, 1) and the weight (1, 1): still (-1, 1).",
    ),
    seen_in="Gemma's norm is meant so, its weights begin at 0",
)
def one_added_to_the_weight(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * (1 + weight) + bias


@misconception(
    "layer_norm",
    title="what is left without the mean is divided by the variance itself, without a root",
    hints=(
        "When a vector becomes twice as loud, its variance becomes four times as large. What should the result do?",
        "Look at what you divide by: a length, or the square of one?",
        "(-3, 3) has the variance 9 and is divided by 3.",
    ),
    seen_in="plausible",
)
def root_forgotten(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / (variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the mean is subtracted for the variance, but not from the vector itself",
    hints=(
        "What is the mean of your result, before scale and shift?",
        "Look at the numerator of the quotient.",
        "(4, 6) has the mean 5 and the variance 1: the result is (-1, 1), not (4, 6).",
    ),
    seen_in="plausible",
)
def mean_not_subtracted(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return x / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the mean is subtracted, but nothing is divided by",
    hints=(
        "When a vector becomes ten times louder, what should happen to the result?",
        "Look at whether the variance is used after it has been computed.",
        "(-3, 3) and (-30, 30) both become (-1, 1), as far as eps allows.",
    ),
    seen_in="plausible",
)
def never_divided(x, weight, bias, eps=1e-5):
    return (x - x.mean(dim=-1, keepdim=True)) * weight + bias


@misconception(
    "layer_norm",
    title="the mean distance from the mean takes the place of the standard deviation",
    hints=(
        "How does the size of a vector with one large and many small channels come out: by sizes, or by squares?",
        "Look at how the distances from the mean are averaged.",
        "(0, 0, 0, 4) has the mean 1. The distances 1, 1, 1, 3 have the mean 1.5; the root of the mean of their "
        "squares is 1.73.",
    ),
    seen_in="plausible",
)
def mean_absolute_deviation(x, weight, bias, eps=1e-5):
    centred = x - x.mean(dim=-1, keepdim=True)
    spread = centred.abs().mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(spread.square() + eps) * weight + bias


@misconception(
    "layer_norm",
    title="weight and bias have changed places",
    hints=(
        "Which of the two is multiplied and which is added?",
        "Look at the last line, and at the order of the arguments in the signature.",
        "Normalised (-1, 1), weight (3, 3), bias (5, 5): (2, 8).",
    ),
    seen_in="plausible",
)
def weight_and_bias_exchanged(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * bias + weight


@misconception(
    "layer_norm",
    title="the variance is the mean of the squares less the square of the mean, which loses everything far from 0",
    hints=(
        "What is left when you subtract two numbers near 268 million in float32?",
        "Look at how the variance is computed. The formula is right on paper; ask how large its two terms are when "
        "the mean is.",
        "For (1000, 1002) the two terms are 1002002 and 1002001: six of seven digits cancel. Without the mean the "
        "vector is (-1, 1), and nothing cancels.",
    ),
    seen_in="plausible",
)
def difference_of_squares(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x * x).mean(dim=-1, keepdim=True) - mean * mean
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="mean and variance are cut out of the graph, so that gradients take them for constants",
    hints=(
        "When one channel grows, mean and variance grow with it. Does your gradient know?",
        "Look for something that stops gradients where mean and variance are made.",
        "Adding the same number to all channels changes nothing, so the gradients of a vector must sum to 0.",
    ),
    seen_in="plausible",
)
def statistics_detached(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True).detach()
    variance = (x - mean).square().mean(dim=-1, keepdim=True).detach()
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="x leaves the graph on the way, so that no gradient reaches it",
    hints=(
        "Something between input and output cannot be differentiated. What?",
        "Look for a step that leaves PyTorch, or that takes only the numbers of a tensor.",
        "A layer below this one would learn nothing at all: its gradient is None.",
    ),
    seen_in="plausible",
)
def norm_cuts_the_graph(x, weight, bias, eps=1e-5):
    x = torch.from_numpy(x.detach().numpy())
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the mean is subtracted from the caller's tensor",
    hints=(
        "Somebody still needs x after calling you. What does it hold then?",
        "Look for an operator that ends in = or a method that ends in _.",
        "The block adds what it has computed to the x that it began with. If you have changed that x, it adds to "
        "something else.",
    ),
    seen_in="plausible; ARENA #225 for the residual",
)
def x_centred_in_place(x, weight, bias, eps=1e-5):
    x -= x.mean(dim=-1, keepdim=True)
    variance = x.square().mean(dim=-1, keepdim=True)
    return x / torch.sqrt(variance + eps) * weight + bias


@misconception(
    "layer_norm",
    title="the result is float32 whatever comes in",
    hints=(
        "Which dtype did you get, and which did you return?",
        "Look for a conversion that names a dtype.",
        "A float64 tensor comes in, a float64 tensor goes out.",
    ),
    seen_in="tiny-llm #287",
)
def norm_in_single_precision(x, weight, bias, eps=1e-5):
    x = x.float()
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight.float() + bias.float()


# --- LayerNorm --------------------------------------------------------------------------------------------------------


@misconception(
    "LayerNorm",
    title="weight and bias are plain tensors, which PyTorch does not count as parameters",
    hints=(
        "Ask your layer how many parameters it has.",
        "Look at what kind of thing you assign to self.weight. A tensor is not yet a parameter.",
        "A layer of width 3 has 6 parameters. If `list(layer.parameters())` is empty, no optimiser will ever change "
        "them.",
    ),
    seen_in="ARENA's errata",
)
class weight_and_bias_not_registered(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = torch.ones(d_model)
        self.bias = torch.zeros(d_model)

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias, self.eps)


@misconception(
    "LayerNorm",
    title="weight and bias are buffers: saved and moved, but never learned",
    hints=(
        "Should the optimiser change these numbers?",
        "Look at how weight and bias are registered. There are two kinds of things that a layer saves.",
        "The sine waves of the positions are a buffer: nobody learns them. The scale of this layer is learned.",
    ),
    seen_in="plausible",
)
class weight_and_bias_as_buffers(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(d_model))
        self.register_buffer("bias", torch.zeros(d_model))

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias, self.eps)


@misconception(
    "LayerNorm",
    title="the parameters are called gamma and beta; here they are `weight` and `bias`",
    hints=(
        "By which names will somebody who loads trained weights look for yours?",
        "Look at the names of your two attributes, and at those in the docstring.",
        "`layer.state_dict()` must have the keys weight and bias.",
    ),
    seen_in="rasbt #626, #627; the original paper calls them gain and bias",
)
class named_gamma_and_beta(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(d_model))
        self.beta = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return layer_norm(x, self.gamma, self.beta, self.eps)


@misconception(
    "LayerNorm",
    title="the weight begins at 0, so that a new layer silences everything",
    hints=(
        "What does a new layer make of any input?",
        "Look at the numbers with which weight and bias begin.",
        "Something that is multiplied should begin as 1, something that is added as 0.",
    ),
    seen_in="plausible",
)
class weight_begins_at_zero(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias, self.eps)


@misconception(
    "LayerNorm",
    title="the layer has no bias",
    hints=(
        "How many numbers should a layer of width 3 learn?",
        "Look at the list of parameters in the docstring.",
        "With a weight of (1, 1) and a bias of (5, 5) every word comes out around 5, not around 0.",
    ),
    seen_in="plausible; some newer models leave it out",
)
class layer_without_bias(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return layer_norm(x, self.weight, torch.zeros_like(self.weight), self.eps)


@misconception(
    "LayerNorm",
    title="the layer has a bias and never uses it",
    hints=(
        "One of your two parameters never gets a gradient. Which one?",
        "Look at what `forward` hands to the function.",
        "With a bias of (5, 5) every word should come out around 5.",
    ),
    seen_in="ARENA's errata",
)
class bias_of_the_layer_unused(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return layer_norm(x, self.weight, torch.zeros_like(self.bias), self.eps)


@misconception(
    "LayerNorm",
    title="the layer forgets the eps that it was created with",
    hints=(
        "Who created the layer with an eps of 0.1, and where does that number go?",
        "Follow eps from `__init__` to the call of the function.",
        "With an eps of 3 a vector of variance 1 comes out half as large.",
    ),
    seen_in="plausible",
)
class eps_not_passed_on(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias)


@misconception(
    "LayerNorm",
    title="the layer keeps averages while it is trained and uses them in evaluation, as batch norm does",
    hints=(
        "Does what comes out of a word depend on which words the layer has seen before?",
        "Look at what `forward` writes into self. Layer norm has nothing to remember but weight and bias.",
        "A word that comes out as (-1, 1) in training comes out as (-1, 1) in evaluation.",
    ),
    seen_in="those who know batch norm first",
)
class running_statistics(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.mean, self.variance = torch.zeros(d_model), torch.ones(d_model)

    def forward(self, x):
        if self.training:
            numbers = x.detach().flatten(0, -2)
            self.mean = 0.9 * self.mean + 0.1 * numbers.mean(dim=0)
            self.variance = 0.9 * self.variance + 0.1 * numbers.var(dim=0, correction=0)
            return layer_norm(x, self.weight, self.bias, self.eps)
        return (x - self.mean) / torch.sqrt(self.variance + self.eps) * self.weight + self.bias


# --- gelu -------------------------------------------------------------------------------------------------------------


@misconception(
    "gelu",
    title="the approximation with tanh is used",
    hints=(
        "Is your function exact, or only very near?",
        "Look for a tanh and for the number 0.044715. The docstring asks for the distribution function itself.",
        "At 2 the exact value is 1.9545, and the approximation gives 1.9546.",
    ),
    seen_in="GPT-2 and BERT's first code, where it is meant",
)
def tanh_approximation(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@misconception(
    "gelu",
    title="the approximation with a sigmoid of 1.702 x is used",
    hints=(
        "Is your function exact, or only near?",
        "Look for the number 1.702. The docstring asks for the distribution function itself.",
        "At 1 the exact value is 0.841, and the approximation gives 0.846.",
    ),
    seen_in="the GELU paper names it as a fast approximation; CLIP uses it",
)
def sigmoid_approximation(x):
    return x * torch.sigmoid(1.702 * x)


@misconception(
    "gelu",
    title="ReLU is used: everything below 0 is cut off",
    hints=(
        "What should come out for -1: nothing, or a little?",
        "Look at how your function treats negative numbers. GELU has no corner.",
        "-0.5 becomes -0.154.",
    ),
    seen_in="plausible",
)
def relu_in_place_of_gelu(x):
    return x.clamp(min=0)


@misconception(
    "gelu",
    title="the logistic function takes the place of the normal distribution function",
    hints=(
        "Which S-shaped curve do you multiply by?",
        "Look at the curve from 0 to 1. There are several, and the one with exp(-x) in its denominator is another one.",
        "The share of a bell curve to the left of 1 is 0.841. The logistic function at 1 is 0.731.",
    ),
    seen_in="plausible: SiLU and GELU look alike",
)
def silu_in_place_of_gelu(x):
    return x * torch.sigmoid(x)


@misconception(
    "gelu",
    title="only the distribution function is returned, without x",
    hints=(
        "What should come out far to the right: 1, or x?",
        "Look at the last step: the share is a factor.",
        "Of 3 nearly all is let through: 2.996.",
    ),
    seen_in="plausible",
)
def the_share_alone(x):
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


@misconception(
    "gelu",
    title="the factor 1/2 is missing, so that everything is twice as large",
    hints=(
        "What should come out far to the right: x, or 2x?",
        "Look at the range of 1 + erf.",
        "erf runs from -1 to 1. A share runs from 0 to 1.",
    ),
    seen_in="plausible",
)
def half_forgotten(x):
    return x * (1 + torch.erf(x / math.sqrt(2)))


@misconception(
    "gelu",
    title="the 1 is missing: erf is halved but not lifted",
    hints=(
        "Your function gives the same for 2 and -2. Should it?",
        "Look at the range of what you multiply x by.",
        "Half of erf runs from -1/2 to 1/2. A share runs from 0 to 1.",
    ),
    seen_in="plausible",
)
def one_forgotten(x):
    return x * 0.5 * torch.erf(x / math.sqrt(2))


@misconception(
    "gelu",
    title="erf is taken of x itself, which is another bell curve",
    hints=(
        "To which standard deviation does the error function belong?",
        "Look at the argument of erf.",
        "The share to the left of 1 is 0.841 for a standard deviation of 1. Without the root it comes out as 0.921.",
    ),
    seen_in="plausible",
)
def root_of_two_forgotten(x):
    return x * 0.5 * (1 + torch.erf(x))


@misconception(
    "gelu",
    title="x is multiplied by the root of 2 inside erf, in place of divided",
    hints=(
        "Wider or narrower: which way does the root of 2 stretch the curve?",
        "Look at the argument of erf.",
        "The share to the left of 1 is 0.841. With the product it comes out as 0.977.",
    ),
    seen_in="plausible",
)
def multiplied_by_two(x):
    return x * 0.5 * (1 + torch.erf(x * math.sqrt(2)))


@misconception(
    "gelu",
    title="x is multiplied by the bell curve itself, not by the area to its left",
    hints=(
        "What should come out far to the right: x, or 0?",
        "Look at what you multiply by: the height of the curve, or the area to the left of x?",
        "At 0 the height of the bell curve is 0.399 and the area to the left is 0.5.",
    ),
    seen_in="plausible",
)
def density_for_distribution(x):
    return x * torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@misconception(
    "gelu",
    title="x is multiplied by the area to the right of it",
    hints=(
        "Which numbers should pass, the large or the small ones?",
        "Look at the sign before erf, or at erfc.",
        "Of 3 nearly all is let through, of -3 nearly nothing.",
    ),
    seen_in="plausible: erfc is the other side",
)
def one_minus_the_share(x):
    return x * 0.5 * (1 - torch.erf(x / math.sqrt(2)))


@misconception(
    "gelu",
    title="the numbers leave the graph on the way, so that no gradient arrives",
    hints=(
        "Something between input and output cannot be differentiated. What?",
        "Look for a step that leaves PyTorch: Python's math or NumPy know nothing of gradients.",
        "A layer below this one would learn nothing: its gradient is None.",
    ),
    seen_in="plausible",
)
def gelu_cuts_the_graph(x):
    shares = [0.5 * (1 + math.erf(number / math.sqrt(2))) for number in x.detach().flatten().tolist()]
    return x.detach() * torch.tensor(shares, dtype=x.dtype).reshape(x.shape)


@misconception(
    "gelu",
    title="gradients flow through x and not through the share",
    hints=(
        "x occurs twice in the formula. Through how many of the two places does your gradient flow?",
        "Look for something that stops gradients in the share.",
        "The slope at 1 is 0.841 from the first place and 0.242 from the second, together 1.083.",
    ),
    seen_in="plausible",
)
def share_detached(x):
    return x * (0.5 * (1 + torch.erf(x / math.sqrt(2)))).detach()


@misconception(
    "gelu",
    title="the caller's tensor is overwritten",
    hints=(
        "Somebody still needs x after calling you. What does it hold then?",
        "Look for an operator that ends in = or a method that ends in _.",
        "After a call with x = (1, 2), x must still be (1, 2).",
    ),
    seen_in="plausible",
)
def gelu_in_place(x):
    x *= 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    return x


@misconception(
    "gelu",
    title="the result is float32 whatever comes in",
    hints=(
        "Which dtype did you get, and which did you return?",
        "Look for a conversion that names a dtype.",
        "A float64 tensor comes in, a float64 tensor goes out.",
    ),
    seen_in="tiny-llm #287",
)
def gelu_in_single_precision(x):
    x = x.float()
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


# --- FeedForward ------------------------------------------------------------------------------------------------------


@misconception(
    "FeedForward",
    title="nothing stands between the two maps, which are then only one",
    hints=(
        "What are two linear maps in a row, written as one?",
        "Look at what happens to the hidden numbers between the two maps.",
        "Doubling and then tripling is multiplying by six. A bend in between makes a difference.",
    ),
    seen_in="plausible",
)
class no_activation(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.linear1(x)))


@misconception(
    "FeedForward",
    title="the activation comes after the second map",
    hints=(
        "Which values does your network refuse to give?",
        "Look at which of the two maps the activation follows.",
        "A network that ends with ReLU can never take anything away from a stream: it can only add.",
    ),
    seen_in="plausible",
)
class activation_after_the_second_map(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.activation(self.linear2(self.dropout(self.linear1(x))))


@misconception(
    "FeedForward",
    title="there is an activation after each of the two maps",
    hints=(
        "Which values does your network refuse to give?",
        "Look at what follows the second map.",
        "Hidden (1, 2) and a second map that takes the difference: the result is -1, and it stays -1.",
    ),
    seen_in="plausible",
)
class activation_after_both_maps(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.activation(self.linear2(self.dropout(self.activation(self.linear1(x)))))


@misconception(
    "FeedForward",
    title="the activation is applied to the input, before the first map",
    hints=(
        "Should what is negative in the input be lost before anybody has read it?",
        "Look at the order of the first map and the activation.",
        "The input -3 and a first map that multiplies by -1: the hidden number is 3.",
    ),
    seen_in="plausible; ResNets of the second version do it",
)
class activation_before_the_first_map(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.linear1(self.activation(x))))


@misconception(
    "FeedForward",
    title="the network adds its input to its result",
    hints=(
        "Whose job is the residual, the network's or the block's?",
        "Look at the last line. The formula of the docstring has nothing after the second map.",
        "If the second map gives 0, the network gives 0.",
    ),
    seen_in="plausible",
)
class network_adds_its_input(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return x + self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="the network normalises its input first",
    hints=(
        "Whose job is the norm, the network's or the block's?",
        "Look at the first step. The formula of the docstring begins with a map.",
        "An input that is ten times louder makes the hidden numbers about ten times louder.",
    ),
    seen_in="plausible",
)
class network_norms_its_input(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(x.var(dim=-1, correction=0, keepdim=True) + 1e-5)
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="the activation is ReLU whatever the caller asks for",
    hints=(
        "What changes in your network when somebody asks for GELU?",
        "Follow the argument `activation` from the signature to where the hidden numbers are bent.",
        "With GELU a hidden -0.5 becomes -0.154, with ReLU it becomes 0.",
    ),
    seen_in="plausible",
)
class always_relu(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="the activation is GELU whatever the caller asks for",
    hints=(
        "What changes in your network when somebody asks for ReLU?",
        "Follow the argument `activation` from the signature to where the hidden numbers are bent.",
        "With ReLU a hidden -0.5 becomes 0, with GELU it becomes -0.154.",
    ),
    seen_in="plausible",
)
class always_gelu(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="the two maps have no bias",
    hints=(
        "What does your network give for an input of zeros?",
        "Look at how the two maps are made, and at the formula: b_1 and b_2.",
        "Widths 2 and 3: 2 times 3 numbers and 3 more, then 3 times 2 and 2 more, 17 in all.",
    ),
    seen_in="plausible; some newer models leave them out",
)
class maps_without_bias(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff, bias=False)
        self.linear2 = nn.Linear(d_ff, d_model, bias=False)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="the maps do not have the names `linear1` and `linear2`",
    hints=(
        "By which names will somebody who loads trained weights look for your maps?",
        "Look at the names of your attributes, and at those in the docstring.",
        "`state_dict()` must have the keys linear1.weight, linear1.bias, linear2.weight and linear2.bias.",
    ),
    seen_in="w_1 and w_2 in the Annotated Transformer, c_fc and c_proj in GPT-2",
)
class maps_named_otherwise(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.fc2(self.dropout(self.activation(self.fc1(x))))


@misconception(
    "FeedForward",
    title="the inner width is always 4 times the outer one",
    hints=(
        "How many hidden numbers does your network have when d_ff is 7?",
        "Follow the argument d_ff to the two maps.",
        "D = 2 and F = 3: the weight of `linear1` has 3 rows and 2 columns.",
    ),
    seen_in="GPT-2 fixes the factor 4",
)
class inner_width_ignored(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, 4 * d_model)
        self.linear2 = nn.Linear(4 * d_model, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="`linear2` is the first map and `linear1` the second",
    hints=(
        "Which of the two maps makes the vector wider?",
        "Look at the sizes of the two maps.",
        "D = 2 and F = 3: the weight of `linear1` has 3 rows and 2 columns, that of `linear2` 2 rows and 3 columns.",
    ),
    seen_in="plausible",
)
class maps_in_the_wrong_order(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_ff, d_model)
        self.linear2 = nn.Linear(d_model, d_ff)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear1(self.dropout(self.activation(self.linear2(x))))


@misconception(
    "FeedForward",
    title="the hidden numbers are cut out of the graph, so that the first map learns nothing",
    hints=(
        "Which of your two maps never gets a gradient?",
        "Look for something that stops gradients on the way.",
        "After a step of training both maps should have moved.",
    ),
    seen_in="plausible",
)
class network_cuts_the_graph(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        hidden = self.activation(self.linear1(x)).detach()
        return self.linear2(self.dropout(hidden))


@misconception(
    "FeedForward",
    title="dropout is never used",
    hints=(
        "Call the network twice in training with a dropout of one half. What should you see?",
        "Follow the argument `dropout` to where it acts.",
        "With a rate of nearly 1, nearly all hidden numbers are 0 and what comes out is the bias of the second map.",
    ),
    seen_in="plausible",
)
class network_never_drops(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.activation(self.linear1(x)))


@misconception(
    "FeedForward",
    title="dropout acts in evaluation as well",
    hints=(
        "Call the network twice in evaluation. What do you see?",
        "Look at how dropout is called: the functional form has to be told whether it is training.",
        "In evaluation a dropout of 0.9 changes nothing.",
    ),
    seen_in="nanoGPT PR #240, minbert PR #5, CS231n #278",
)
class network_drops_in_evaluation(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.rate = dropout

    def forward(self, x):
        return self.linear2(nn.functional.dropout(self.activation(self.linear1(x)), self.rate))


@misconception(
    "FeedForward",
    title="dropout acts on the output, after the second map",
    hints=(
        "Which numbers should be dropped, the F hidden ones or the D of the result?",
        "Look at what stands between the dropout and the second map.",
        "If everything is dropped, the bias of the second map is left.",
    ),
    seen_in="plausible: GPT-2 has it there",
)
class network_drops_its_output(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.linear2(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="dropout acts on the input, before the first map",
    hints=(
        "Which numbers should be dropped, the D of the input or the F hidden ones?",
        "Look at what stands between the dropout and the second map.",
        "If everything is dropped, the bias of the second map is left, and nothing of the first.",
    ),
    seen_in="plausible",
)
class network_drops_its_input(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.activation(self.linear1(self.dropout(x))))


@misconception(
    "FeedForward",
    title="`dropout` is taken for the probability to keep a number",
    hints=(
        "Is a dropout of 0.1 much or little?",
        "Look at what you hand to PyTorch's dropout: it wants the probability to drop.",
        "With a rate of 0.1, nine of ten numbers stay.",
    ),
    seen_in="older frameworks mean it so",
)
class network_keeps_with_probability_p(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(1 - dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="dropout acts before the activation, which then bends the enlarged numbers",
    hints=(
        "Does dividing by 1 - dropout commute with the activation?",
        "Look at the order of dropout and activation. With ReLU it makes no difference, with GELU it does.",
        "GELU makes 0.84 of 1 and 1.95 of 2. Activated and then doubled, a 1 becomes 1.68; doubled and then "
        "activated, 1.95.",
    ),
    seen_in="plausible",
)
class network_drops_before_the_activation(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.activation(self.dropout(self.linear1(x))))


@misconception(
    "FeedForward",
    title="what is kept is not divided by 1 - dropout",
    hints=(
        "If half of the numbers are dropped, what happens to the size of the sum?",
        "Look at the numbers that stay.",
        "With a rate of one half, (1, 1, 1, 1) might become (2, 0, 2, 0): the sum is still 4.",
    ),
    seen_in="the first paper on dropout scales in evaluation instead",
)
class network_drops_without_scaling(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.rate = dropout

    def forward(self, x):
        hidden = self.activation(self.linear1(x))
        if self.training:
            hidden = hidden * (torch.rand_like(hidden) >= self.rate)
        return self.linear2(hidden)


@misconception(
    "FeedForward",
    title="an activation that nobody knows is silently taken for ReLU",
    hints=(
        'What does your network do with activation="rleu", and when will the caller notice?',
        "Look at the else branch.",
        "A misspelt name should be refused at once, with a message that says which names there are.",
    ),
    seen_in="plausible",
)
class unknown_activation_is_relu(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = gelu if activation == "gelu" else torch.relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@misconception(
    "FeedForward",
    title="an activation that nobody knows raises a KeyError",
    hints=(
        "Which kind of error does the docstring promise?",
        "Look at how the name is looked up. A dict has its own way to complain.",
        "`except ValueError` does not catch a KeyError.",
    ),
    seen_in="plausible",
)
class unknown_activation_is_a_key_error(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = {"relu": torch.relu, "gelu": gelu}[activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


# --- PostNormEncoderBlock ---------------------------------------------------------------------------------------------


@misconception(
    "PostNormEncoderBlock",
    title="nothing is added to what a sub-layer has read: the residuals are missing",
    hints=(
        "If a sub-layer says nothing, what should come out?",
        "Look at the two lines in which a sub-layer is called. What happens to the x that it has read?",
        "The stream (2, 6) and a sub-layer that gives (0, 0): the stream comes out normalised, and not as 0.",
    ),
    seen_in="plausible; weak tests pass it",
)
class post_without_residuals(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the attention takes the place of its input: its residual is missing",
    hints=(
        "If the attention says nothing, what should the feed-forward network read?",
        "Look at the line that calls the attention.",
        "The stream (2, 6) and an attention that gives (0, 0): the stream comes out normalised, and not as 0.",
    ),
    seen_in="plausible",
)
class post_without_attention_residual(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the feed-forward network takes the place of its input: its residual is missing",
    hints=(
        "If the feed-forward network says nothing, what should come out of the block?",
        "Look at the line that calls the feed-forward network.",
        "The stream (2, 6) and a network that gives (0, 0): the stream comes out normalised, and not as 0.",
    ),
    seen_in="plausible",
)
class post_without_network_residual(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="`norm1` serves the feed-forward network and `norm2` the attention",
    hints=(
        "Which of the two norms belongs to the attention?",
        "Look at the two names in `forward`, and at the docstring.",
        "In a new block both norms are alike and nobody notices. With trained weights one of them scales by 2 and "
        "the other by 3.",
    ),
    seen_in="plausible",
)
class post_norms_exchanged(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm2(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm1(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="`norm1` is used in both places and `norm2` never",
    hints=(
        "One of your two norms never gets a gradient. Which one?",
        "Look at the two names in `forward`.",
        "In a new block both norms are alike and nobody notices. With trained weights one of them scales by 2 and "
        "the other by 3.",
    ),
    seen_in="plausible; copied lines",
)
class post_norm1_used_twice(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm1(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="one and the same norm has both names",
    hints=(
        "How many parameters should two norms have?",
        "Look at how the norms are made. Two names for one object are still one object.",
        "Two norms of width 3 have 12 numbers. One with two names has 6, and whoever sets one sets both.",
    ),
    seen_in="U-Net_v2 #10 and VQ-VAE #2 reuse a layer in the same way",
)
class post_norms_from_one_object(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the feed-forward network comes before the attention",
    hints=(
        "Do the words talk first and think afterwards, or the other way round?",
        "Look at the order of the two sub-layers.",
        "With one word the order decides whether the attention reads what the network has said, or the network what "
        "the attention has.",
    ),
    seen_in="plausible",
)
class post_network_first(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm2(x + self.dropout(self.feed_forward(x)))
        return self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))


@misconception(
    "PostNormEncoderBlock",
    title="the attention has a single head whatever num_heads says",
    hints=(
        "Into how many heads does your attention split a word?",
        "Follow the argument num_heads to where the attention is made.",
        "With width 4 and 2 heads the scores are sums of 2 products, divided by the root of 2, not of 4.",
    ),
    seen_in="plausible",
)
class post_heads_ignored(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, 1, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the sub-layers read the normalised stream and nothing is normalised after adding: that is pre-norm",
    hints=(
        "Which comes last in this block, the sum or the norm?",
        "Look at what stands inside the brackets of each norm.",
        "The stream (2, 6) and sub-layers that give (0, 0): post-norm makes (-1, 1) of it, pre-norm leaves (2, 6).",
    ),
    seen_in="annotated-transformer #1, #92, #110",
)
class post_is_the_other_block(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the feed-forward network is added to the input of the block, so that what the attention has said is lost "
    "from the stream",
    hints=(
        "After the block, is what the attention has found still in the stream?",
        "Look at what the output of the feed-forward network is added to.",
        "The attention adds 1, the network adds 10: of 5 becomes 16, and not 15.",
    ),
    seen_in="plausible",
)
class post_second_residual_from_the_input(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        y = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(y)))


@misconception(
    "PostNormEncoderBlock",
    title="both sub-layers read the same input and are added together, side by side",
    hints=(
        "Can the feed-forward network think about what the attention has just found?",
        "Look at what each of the two sub-layers reads.",
        "One after the other: the attention makes 6 of 5, and the network reads 6. Side by side it would read 5.",
    ),
    seen_in="GPT-J and PaLM, where it is meant",
)
class post_sub_layers_side_by_side(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]) + self.dropout(self.feed_forward(x)))
        return self.norm2(x)


@misconception(
    "PostNormEncoderBlock",
    title="the output of each sub-layer is normalised before it is added",
    hints=(
        "What has mean 0 in the end: what a sub-layer says, or the stream?",
        "Look at what stands inside the brackets of each norm.",
        "The stream (2, 6) and a sub-layer that gives (1, 1): the sum is (3, 7), and normalised (-1, 1).",
    ),
    seen_in="plausible; Swin V2 means it so",
)
class post_adds_after_the_norm(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.norm1(self.dropout(self.attention(x, mask=mask)[0]))
        return x + self.norm2(self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="nothing is normalised after the attention",
    hints=(
        "How often should a word be normalised on its way through the block?",
        "Look at the line that calls the attention.",
        "The stream (2, 6) and an attention that gives (1, 1): the network reads (-1, 1), not (3, 7).",
    ),
    seen_in="plausible",
)
class post_without_norm1(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(x, mask=mask)[0])
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="nothing is normalised after the feed-forward network",
    hints=(
        "How often should a word be normalised on its way through the block?",
        "Look at the last line.",
        "Whatever comes out of this block has been normalised just before.",
    ),
    seen_in="plausible",
)
class post_without_norm2(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return x + self.dropout(self.feed_forward(x))


@misconception(
    "PostNormEncoderBlock",
    title="the feed-forward network reads the sum before it is normalised",
    hints=(
        "Is what the network reads the same as what its output is added to?",
        "Look at the two places of x in the last line.",
        "The sum (3, 7) is normalised to (-1, 1). The network reads (-1, 1), and what it says is added to (-1, 1).",
    ),
    seen_in="plausible",
)
class post_network_reads_before_the_norm(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        y = x + self.dropout(self.attention(x, mask=mask)[0])
        return self.norm2(self.norm1(y) + self.dropout(self.feed_forward(y)))


@misconception(
    "PostNormEncoderBlock",
    title="the feed-forward network is added to the sum before it was normalised",
    hints=(
        "Is what the network reads the same as what its output is added to?",
        "Look at the two places of x in the last line.",
        "The sum (3, 7) is normalised to (-1, 1). The network reads (-1, 1), and what it says is added to (-1, 1).",
    ),
    seen_in="plausible",
)
class post_network_residual_before_the_norm(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        y = x + self.dropout(self.attention(x, mask=mask)[0])
        return self.norm2(y + self.dropout(self.feed_forward(self.norm1(y))))


@misconception(
    "PostNormEncoderBlock",
    title="the block returns the attention weights beside its output",
    hints=(
        "How many things does the next block in the stack expect?",
        "Look at the return line, and at the shapes in the docstring.",
        "A stack of blocks is `for block in blocks: x = block(x)`. The second block would get a tuple.",
    ),
    seen_in="plausible",
)
class post_weights_returned_too(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        attended, weights = self.attention(x, mask=mask)
        x = self.norm1(x + self.dropout(attended))
        return self.norm2(x + self.dropout(self.feed_forward(x))), weights


@misconception(
    "PostNormEncoderBlock",
    title="the mask never reaches the attention",
    hints=(
        "What changes in your output when a mask covers every word but one?",
        "Follow the argument `mask` from the signature to the attention. Is it its fourth argument, or called by name?",
        "Two words, and the second is covered: the first word attends to itself alone, whatever the second says.",
    ),
    seen_in="UvA tutorial 6 computes its attention maps without the mask",
)
class post_mask_not_passed_on(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title='the mask is turned around: True has become "may not attend"',
    hints=(
        "Print the weights for a sentence with one covered word. Who looks at it?",
        'Look for a ~ on the way of the mask. In this course True means "may attend", everywhere.',
        "Three words, the last one covered, (True, True, False): nobody may look at the third.",
    ),
    seen_in="rasbt #1061, #1062, tensorflow/text #894",
)
class post_mask_inverted(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=None if mask is None else ~mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the mask is turned on its side, so that it covers queries in place of keys",
    hints=(
        "Which words must not be looked at? Is that a row of the weights, or a column?",
        "Look at what happens to the last two axes of the mask on its way.",
        "Padding in the third place is one covered column for everybody, not one row without cards.",
    ),
    seen_in="hyunwoongko PR #40, jadore801120 #57",
)
class post_mask_on_the_queries(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        if mask is not None and mask.dim() > 1:
            mask = mask.transpose(-2, -1)
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the feed-forward network has ReLU whatever the caller asks for",
    hints=(
        "What changes in your block when somebody asks for GELU?",
        "Follow the argument `activation` to where the feed-forward network is made.",
        "With GELU a hidden -0.5 becomes -0.154, with ReLU it becomes 0.",
    ),
    seen_in="plausible",
)
class post_activation_not_passed_on(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the inner width is always 4 times the outer one",
    hints=(
        "How many hidden numbers does your network have when d_ff is 7?",
        "Follow the argument d_ff to where the feed-forward network is made.",
        "D = 2 and F = 3: the weight of `linear1` has 3 rows and 2 columns.",
    ),
    seen_in="GPT-2 fixes the factor 4",
)
class post_inner_width_ignored(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, 4 * d_model, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the parts do not have the names of the docstring",
    hints=(
        "By which names will somebody who loads trained weights look for your parts?",
        "Look at the names of your attributes: `attention`, `feed_forward`, `norm1`, `norm2`.",
        "`state_dict()` must have a key attention.w_q.weight.",
    ),
    seen_in="self_attn in PyTorch, attn and mlp in GPT-2",
)
class post_parts_named_otherwise(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.self_attn = MultiHeadAttention(d_model, num_heads, dropout)
        self.ffn = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.self_attn(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.ffn(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the residual is cut out of the graph, so that gradients flow through the sub-layers alone",
    hints=(
        "The residual is a motorway in both directions. Does the gradient find it on the way back?",
        "Look for something that stops gradients in the two sums.",
        "If both sub-layers give 0, the gradient of the output must still reach the input.",
    ),
    seen_in="plausible",
)
class post_residual_detached(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x.detach() + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x.detach() + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="the sub-layers are added in place, to the caller's own tensor",
    hints=(
        "I kept a copy of x before calling your block. Is it still the same as x?",
        "Look for an operator that ends in =.",
        "`x = x + 1` makes a new tensor and leaves the old one alone. `x += 1` changes the old one, for everybody "
        "who holds it.",
    ),
    seen_in="ARENA #225",
)
class post_changes_its_input(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x += self.dropout(self.attention(x, mask=mask)[0])
        x = self.norm1(x)
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="dropout is never used, neither in the block nor in its parts",
    hints=(
        "Call the block twice in training with a dropout of one half. What should you see?",
        "Follow the argument `dropout` to the three places where it acts.",
        "If everything that the sub-layers say is dropped, the stream comes out normalised twice.",
    ),
    seen_in="plausible",
)
class post_never_drops(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, activation=activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.attention(x, mask=mask)[0])
        return self.norm2(x + self.feed_forward(x))


@misconception(
    "PostNormEncoderBlock",
    title="dropout acts inside the sub-layers, but not on what they say",
    hints=(
        "Where does the docstring want dropout, besides the inside of the sub-layers?",
        "Look at what happens to the output of a sub-layer before it is added.",
        "If everything is dropped, the biases of `w_o` and `linear2` are gone as well: the stream comes out "
        "normalised twice.",
    ),
    seen_in="plausible",
)
class post_drops_inside_only(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.attention(x, mask=mask)[0])
        return self.norm2(x + self.feed_forward(x))


@misconception(
    "PostNormEncoderBlock",
    title="dropout acts on the sum, and so on the residual as well",
    hints=(
        "Should the motorway have holes?",
        "Look at what stands inside the brackets of dropout: what a sub-layer says, or the whole stream?",
        "Of the stream (2, 6) and a sub-layer that says (1, 1), only the ones may be dropped.",
    ),
    seen_in="plausible",
)
class post_drops_the_sum(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(self.dropout(x + self.attention(x, mask=mask)[0]))
        return self.norm2(self.dropout(x + self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="dropout acts on what the attention says, but not on what the feed-forward network says",
    hints=(
        "Which of the two sub-layers is spared by your dropout?",
        "Look at the line that calls the feed-forward network.",
        "If everything that both say is dropped, the stream comes out normalised twice.",
    ),
    seen_in="plausible",
)
class post_drops_attention_only(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.feed_forward(x))


@misconception(
    "PostNormEncoderBlock",
    title="dropout acts on what the feed-forward network says, but not on what the attention says",
    hints=(
        "Which of the two sub-layers is spared by your dropout?",
        "Look at the line that calls the attention.",
        "If everything that both say is dropped, the stream comes out normalised twice.",
    ),
    seen_in="plausible",
)
class post_drops_the_network_only(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.attention(x, mask=mask)[0])
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PostNormEncoderBlock",
    title="dropout acts in evaluation as well",
    hints=(
        "Call the block twice in evaluation. What do you see?",
        "Look at how dropout is called: the functional form has to be told whether it is training.",
        "In evaluation a dropout of 0.9 changes nothing.",
    ),
    seen_in="nanoGPT PR #240, minbert PR #5, CS231n #278",
)
class post_drops_in_evaluation(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.rate = dropout

    def forward(self, x, mask=None):
        x = self.norm1(x + nn.functional.dropout(self.attention(x, mask=mask)[0], self.rate))
        return self.norm2(x + nn.functional.dropout(self.feed_forward(x), self.rate))


@misconception(
    "PostNormEncoderBlock",
    title="dropout acts on what the sub-layers say, but is not handed on to their inside",
    hints=(
        "The attention and the feed-forward network know dropout as well. With which rate did you create them?",
        "Look at the two lines that make the sub-layers.",
        "With a rate of one half, a word that attends only to itself gets its value twice as large, or not at all, "
        "before anything else is dropped.",
    ),
    seen_in="plausible",
)
class post_dropout_not_handed_on(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, activation=activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


# --- PreNormEncoderBlock ----------------------------------------------------------------------------------------------


@misconception(
    "PreNormEncoderBlock",
    title="nothing is added to what a sub-layer has read: the residuals are missing",
    hints=(
        "If a sub-layer says nothing, what should come out?",
        "Look at the two lines in which a sub-layer is called. What happens to the x that it has read?",
        "The stream (2, 6) and a sub-layer that gives (0, 0): the stream comes out as it went in, and not as 0.",
    ),
    seen_in="plausible; weak tests pass it",
)
class pre_without_residuals(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the attention takes the place of its input: its residual is missing",
    hints=(
        "If the attention says nothing, what should the feed-forward network read?",
        "Look at the line that calls the attention.",
        "The stream (2, 6) and an attention that gives (0, 0): the stream comes out as it went in, and not as 0.",
    ),
    seen_in="plausible",
)
class pre_without_attention_residual(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the feed-forward network takes the place of its input: its residual is missing",
    hints=(
        "If the feed-forward network says nothing, what should come out of the block?",
        "Look at the line that calls the feed-forward network.",
        "The stream (2, 6) and a network that gives (0, 0): the stream comes out as it went in, and not as 0.",
    ),
    seen_in="plausible",
)
class pre_without_network_residual(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="`norm1` serves the feed-forward network and `norm2` the attention",
    hints=(
        "Which of the two norms belongs to the attention?",
        "Look at the two names in `forward`, and at the docstring.",
        "In a new block both norms are alike and nobody notices. With trained weights one of them scales by 2 and "
        "the other by 3.",
    ),
    seen_in="plausible",
)
class pre_norms_exchanged(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm2(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm1(x)))


@misconception(
    "PreNormEncoderBlock",
    title="`norm1` is used in both places and `norm2` never",
    hints=(
        "One of your two norms never gets a gradient. Which one?",
        "Look at the two names in `forward`.",
        "In a new block both norms are alike and nobody notices. With trained weights one of them scales by 2 and "
        "the other by 3.",
    ),
    seen_in="plausible; copied lines",
)
class pre_norm1_used_twice(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm1(x)))


@misconception(
    "PreNormEncoderBlock",
    title="one and the same norm has both names",
    hints=(
        "How many parameters should two norms have?",
        "Look at how the norms are made. Two names for one object are still one object.",
        "Two norms of width 3 have 12 numbers. One with two names has 6, and whoever sets one sets both.",
    ),
    seen_in="U-Net_v2 #10 and VQ-VAE #2 reuse a layer in the same way",
)
class pre_norms_from_one_object(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the feed-forward network comes before the attention",
    hints=(
        "Do the words talk first and think afterwards, or the other way round?",
        "Look at the order of the two sub-layers.",
        "With one word the order decides whether the attention reads what the network has said, or the network what "
        "the attention has.",
    ),
    seen_in="plausible",
)
class pre_network_first(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.feed_forward(self.norm2(x)))
        return x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])


@misconception(
    "PreNormEncoderBlock",
    title="the attention has a single head whatever num_heads says",
    hints=(
        "Into how many heads does your attention split a word?",
        "Follow the argument num_heads to where the attention is made.",
        "With width 4 and 2 heads the scores are sums of 2 products, divided by the root of 2, not of 4.",
    ),
    seen_in="plausible",
)
class pre_heads_ignored(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, 1, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the norm follows the sum: that is post-norm",
    hints=(
        "Which comes last in this block, the sum or the norm?",
        "Look at what stands inside the brackets of each norm.",
        "The stream (2, 6) and sub-layers that give (0, 0): post-norm makes (-1, 1) of it, pre-norm leaves (2, 6).",
    ),
    seen_in="annotated-transformer #1, #92, #110",
)
class pre_is_the_other_block(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)[0]))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the feed-forward network is added to the input of the block, so that what the attention has said is lost "
    "from the stream",
    hints=(
        "After the block, is what the attention has found still in the stream?",
        "Look at what the output of the feed-forward network is added to.",
        "The attention adds 1, the network adds 10: of 5 becomes 16, and not 15.",
    ),
    seen_in="plausible",
)
class pre_second_residual_from_the_input(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        y = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(y)))


@misconception(
    "PreNormEncoderBlock",
    title="both sub-layers read the same input and are added together, side by side",
    hints=(
        "Can the feed-forward network think about what the attention has just found?",
        "Look at what each of the two sub-layers reads.",
        "One after the other: the attention makes 6 of 5, and the network reads 6. Side by side it would read 5.",
    ),
    seen_in="GPT-J and PaLM, where it is meant",
)
class pre_sub_layers_side_by_side(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        n = self.norm1(x)
        return x + self.dropout(self.attention(n, mask=mask)[0]) + self.dropout(self.feed_forward(n))


@misconception(
    "PreNormEncoderBlock",
    title="both sub-layers are added to the normalised stream, not to the stream itself",
    hints=(
        "The motorway should not pass through the toll booth. Does yours?",
        "Look at what the output of each sub-layer is added to.",
        "The stream (2, 6) and sub-layers that give (0, 0): (2, 6) comes out. If (-1, 1) does, the road leads "
        "through the norm.",
    ),
    seen_in="pytorch #61165, RiNALMo #9, burn #1054, faster-trajectory #3",
)
class pre_adds_to_the_normalised(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        n = self.norm1(x)
        n = self.norm2(n + self.dropout(self.attention(n, mask=mask)[0]))
        return n + self.dropout(self.feed_forward(n))


@misconception(
    "PreNormEncoderBlock",
    title="the attention is added to the normalised stream, not to the stream itself",
    hints=(
        "The motorway should not pass through the toll booth. Does yours, in the first half of the block?",
        "Look at the line that calls the attention, and at what its output is added to.",
        "The stream (20, 60) and an attention that gives (1, 1): (21, 61), and not (0, 2).",
    ),
    seen_in="pytorch #61165, RiNALMo #9",
)
class pre_attention_adds_to_the_normalised(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        n = self.norm1(x)
        x = n + self.dropout(self.attention(n, mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the feed-forward network reads the stream as it is, and `norm2` is never used",
    hints=(
        "What happens to the hidden numbers when the stream becomes ten times louder?",
        "Look at what is handed to the feed-forward network.",
        "The stream (20, 60): the network reads (-1, 1).",
    ),
    seen_in="plausible",
)
class pre_network_reads_the_raw_stream(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(x))


@misconception(
    "PreNormEncoderBlock",
    title="the attention reads the stream as it is, and `norm1` is never used",
    hints=(
        "What happens to the scores when the stream becomes ten times louder?",
        "Look at what is handed to the attention.",
        "The stream (20, 60): the attention reads (-1, 1).",
    ),
    seen_in="plausible",
)
class pre_attention_reads_the_raw_stream(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(x, mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="only the queries come from the normalised stream, keys and values from the raw one",
    hints=(
        "The attention takes up to three texts. Which of them should be normalised?",
        "Look at what is handed to the attention as query, as key and as value.",
        "The stream (20, 60): query, key and value are all made of (-1, 1).",
    ),
    seen_in="plausible: q, k, v = norm(x), x, x",
)
class pre_only_queries_normalised(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), x, x, mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the stream is normalised once more at the end of the block",
    hints=(
        "After the last sum, who still touches the stream?",
        "Look at the last line. The norm at the end of a pre-norm model belongs to the model, behind the last of all "
        "blocks.",
        "The stream (2, 6) and sub-layers that give (0, 0): (2, 6) comes out.",
    ),
    seen_in="pytorch #50086 is about the norm behind the last block",
)
class pre_normalised_at_the_end(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return self.norm2(x + self.dropout(self.feed_forward(self.norm2(x))))


@misconception(
    "PreNormEncoderBlock",
    title="a third norm stands at the end of the block",
    hints=(
        "How many norms does this block have, and how many belong to the model around it?",
        "Look at the last line. The norm at the end of a pre-norm model stands once, behind the last of all blocks.",
        "The stream (2, 6) and sub-layers that give (0, 0): (2, 6) comes out.",
    ),
    seen_in="pytorch #50086 is about the norm behind the last block",
)
class pre_has_a_third_norm(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return self.norm3(x + self.dropout(self.feed_forward(self.norm2(x))))


@misconception(
    "PreNormEncoderBlock",
    title="the feed-forward network reads the stream from before the attention",
    hints=(
        "Can the feed-forward network think about what the attention has just found?",
        "Look at what is handed to `norm2`.",
        "The attention makes (3, 9) of (2, 6): the network reads (3, 9), normalised.",
    ),
    seen_in="GPT-NeoX, where it is meant",
)
class pre_network_reads_the_old_stream(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        attended = self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + attended + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the block returns the attention weights beside its output",
    hints=(
        "How many things does the next block in the stack expect?",
        "Look at the return line, and at the shapes in the docstring.",
        "A stack of blocks is `for block in blocks: x = block(x)`. The second block would get a tuple.",
    ),
    seen_in="plausible",
)
class pre_weights_returned_too(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        attended, weights = self.attention(self.norm1(x), mask=mask)
        x = x + self.dropout(attended)
        return x + self.dropout(self.feed_forward(self.norm2(x))), weights


@misconception(
    "PreNormEncoderBlock",
    title="the mask never reaches the attention",
    hints=(
        "What changes in your output when a mask covers every word but one?",
        "Follow the argument `mask` from the signature to the attention. Is it its fourth argument, or called by name?",
        "Two words, and the second is covered: the first word attends to itself alone, whatever the second says.",
    ),
    seen_in="UvA tutorial 6 computes its attention maps without the mask",
)
class pre_mask_not_passed_on(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x))[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title='the mask is turned around: True has become "may not attend"',
    hints=(
        "Print the weights for a sentence with one covered word. Who looks at it?",
        'Look for a ~ on the way of the mask. In this course True means "may attend", everywhere.',
        "Three words, the last one covered, (True, True, False): nobody may look at the third.",
    ),
    seen_in="rasbt #1061, #1062, tensorflow/text #894",
)
class pre_mask_inverted(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=None if mask is None else ~mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the mask is turned on its side, so that it covers queries in place of keys",
    hints=(
        "Which words must not be looked at? Is that a row of the weights, or a column?",
        "Look at what happens to the last two axes of the mask on its way.",
        "Padding in the third place is one covered column for everybody, not one row without cards.",
    ),
    seen_in="hyunwoongko PR #40, jadore801120 #57",
)
class pre_mask_on_the_queries(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        if mask is not None and mask.dim() > 1:
            mask = mask.transpose(-2, -1)
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the feed-forward network has ReLU whatever the caller asks for",
    hints=(
        "What changes in your block when somebody asks for GELU?",
        "Follow the argument `activation` to where the feed-forward network is made.",
        "With GELU a hidden -0.5 becomes -0.154, with ReLU it becomes 0.",
    ),
    seen_in="plausible",
)
class pre_activation_not_passed_on(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the inner width is always 4 times the outer one",
    hints=(
        "How many hidden numbers does your network have when d_ff is 7?",
        "Follow the argument d_ff to where the feed-forward network is made.",
        "D = 2 and F = 3: the weight of `linear1` has 3 rows and 2 columns.",
    ),
    seen_in="GPT-2 fixes the factor 4",
)
class pre_inner_width_ignored(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, 4 * d_model, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the parts do not have the names of the docstring",
    hints=(
        "By which names will somebody who loads trained weights look for your parts?",
        "Look at the names of your attributes: `attention`, `feed_forward`, `norm1`, `norm2`.",
        "`state_dict()` must have a key attention.w_q.weight.",
    ),
    seen_in="self_attn in PyTorch, attn and mlp in GPT-2",
)
class pre_parts_named_otherwise(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.self_attn = MultiHeadAttention(d_model, num_heads, dropout)
        self.ffn = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.self_attn(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.ffn(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the residual is cut out of the graph, so that gradients flow through the sub-layers alone",
    hints=(
        "The residual is a motorway in both directions. Does the gradient find it on the way back?",
        "Look for something that stops gradients in the two sums.",
        "If both sub-layers give 0, the gradient of the output must still reach the input.",
    ),
    seen_in="plausible",
)
class pre_residual_detached(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x.detach() + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x.detach() + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="the sub-layers are added in place, to the caller's own tensor",
    hints=(
        "I kept a copy of x before calling your block. Is it still the same as x?",
        "Look for an operator that ends in =.",
        "`x = x + 1` makes a new tensor and leaves the old one alone. `x += 1` changes the old one, for everybody "
        "who holds it.",
    ),
    seen_in="ARENA #225",
)
class pre_changes_its_input(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x += self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        x += self.dropout(self.feed_forward(self.norm2(x)))
        return x


@misconception(
    "PreNormEncoderBlock",
    title="dropout is never used, neither in the block nor in its parts",
    hints=(
        "Call the block twice in training with a dropout of one half. What should you see?",
        "Follow the argument `dropout` to the three places where it acts.",
        "If everything that the sub-layers say is dropped, the stream comes out as it went in.",
    ),
    seen_in="plausible",
)
class pre_never_drops(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, activation=activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask=mask)[0]
        return x + self.feed_forward(self.norm2(x))


@misconception(
    "PreNormEncoderBlock",
    title="dropout acts inside the sub-layers, but not on what they say",
    hints=(
        "Where does the docstring want dropout, besides the inside of the sub-layers?",
        "Look at what happens to the output of a sub-layer before it is added.",
        "If everything is dropped, the biases of `w_o` and `linear2` are gone as well: the stream comes out as it "
        "went in.",
    ),
    seen_in="plausible",
)
class pre_drops_inside_only(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask=mask)[0]
        return x + self.feed_forward(self.norm2(x))


@misconception(
    "PreNormEncoderBlock",
    title="dropout acts on the sum, and so on the residual as well",
    hints=(
        "Should the motorway have holes?",
        "Look at what stands inside the brackets of dropout: what a sub-layer says, or the whole stream?",
        "Of the stream (2, 6) and a sub-layer that says (1, 1), only the ones may be dropped.",
    ),
    seen_in="plausible",
)
class pre_drops_the_sum(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = self.dropout(x + self.attention(self.norm1(x), mask=mask)[0])
        return self.dropout(x + self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="dropout acts on what the attention says, but not on what the feed-forward network says",
    hints=(
        "Which of the two sub-layers is spared by your dropout?",
        "Look at the line that calls the feed-forward network.",
        "If everything that both say is dropped, the stream comes out as it went in.",
    ),
    seen_in="plausible",
)
class pre_drops_attention_only(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.feed_forward(self.norm2(x))


@misconception(
    "PreNormEncoderBlock",
    title="dropout acts on what the feed-forward network says, but not on what the attention says",
    hints=(
        "Which of the two sub-layers is spared by your dropout?",
        "Look at the line that calls the attention.",
        "If everything that both say is dropped, the stream comes out as it went in.",
    ),
    seen_in="plausible",
)
class pre_drops_the_network_only(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask=mask)[0]
        return x + self.dropout(self.feed_forward(self.norm2(x)))


@misconception(
    "PreNormEncoderBlock",
    title="dropout acts in evaluation as well",
    hints=(
        "Call the block twice in evaluation. What do you see?",
        "Look at how dropout is called: the functional form has to be told whether it is training.",
        "In evaluation a dropout of 0.9 changes nothing.",
    ),
    seen_in="nanoGPT PR #240, minbert PR #5, CS231n #278",
)
class pre_drops_in_evaluation(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.rate = dropout

    def forward(self, x, mask=None):
        x = x + nn.functional.dropout(self.attention(self.norm1(x), mask=mask)[0], self.rate)
        return x + nn.functional.dropout(self.feed_forward(self.norm2(x)), self.rate)


@misconception(
    "PreNormEncoderBlock",
    title="dropout acts on what the sub-layers say, but is not handed on to their inside",
    hints=(
        "The attention and the feed-forward network know dropout as well. With which rate did you create them?",
        "Look at the two lines that make the sub-layers.",
        "With a rate of one half, a word that attends only to itself gets its value twice as large, or not at all, "
        "before anything else is dropped.",
    ),
    seen_in="plausible",
)
class pre_dropout_not_handed_on(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, activation=activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask)[0])
        return x + self.dropout(self.feed_forward(self.norm2(x)))


# --- pre_norm_step ----------------------------------------------------------------------------------------------------


@misconception(
    "pre_norm_step",
    title="the network's output is added to the normalised stream, not to the stream itself",
    hints=(
        "Let the network say nothing. Does the stream come out as it went in?",
        "Follow the name x from line to line. What does it hold at the moment of the sum?",
        "The stream (20, 60) and a network that says (1, 1): (21, 61) comes out. If (0, 2) does, the road leads "
        "through the norm.",
    ),
    seen_in="pytorch #61165, RiNALMo #9, burn #1054, faster-trajectory #3",
)
def stream_through_the_norm(x, weight, bias, w1, w2):
    # What the network reads always has the same loudness.
    x = layer_norm(x, weight, bias)
    hidden = torch.relu(x @ w1)
    # And what it says is added to the stream.
    return x + hidden @ w2


@misconception(
    "pre_norm_step",
    title="the stream is gone: the network's output takes its place",
    hints=(
        "If the network says nothing, what should come out?",
        "Look at what is returned. Which of the two summands is missing?",
        "The stream (2, 6) and a network that says (1, 1): (3, 7), and not (1, 1).",
    ),
    seen_in="plausible; weak tests pass it",
)
def step_without_the_stream(x, weight, bias, w1, w2):
    return torch.relu(layer_norm(x, weight, bias) @ w1) @ w2


@misconception(
    "pre_norm_step",
    title="the network reads the raw stream, and the sum is normalised: that is post-norm",
    hints=(
        "Which comes last in this step: the sum or the norm?",
        "Look at what the network reads, and at what happens to the sum.",
        "The stream (2, 6) and a network that says (1, 1): (3, 7), and not its normalised (-1, 1).",
    ),
    seen_in="annotated-transformer #1, #92, #110",
)
def step_of_the_other_block(x, weight, bias, w1, w2):
    return layer_norm(x + torch.relu(x @ w1) @ w2, weight, bias)


@misconception(
    "pre_norm_step",
    title="the norm is left out: the network reads the raw stream",
    hints=(
        "How loud is what the network reads when the stream is a hundred times as loud?",
        "Look at what is multiplied by w1.",
        "From (2, 6) and from (20, 60) the network should read the same: (-1, 1), scaled and shifted.",
    ),
    seen_in="plausible: the first cure that comes to mind",
)
def step_without_a_norm(x, weight, bias, w1, w2):
    return x + torch.relu(x @ w1) @ w2


@misconception(
    "pre_norm_step",
    title="the output of the network is normalised, not what it reads",
    hints=(
        "On which side of the network does the norm stand?",
        "Look at what is multiplied by w1, and at what is added.",
        "From (2, 6) the network should read (-1, 1). What it makes of it is added as it is.",
    ),
    seen_in="plausible; Swin V2 means it so",
)
def step_with_the_norm_behind(x, weight, bias, w1, w2):
    return x + layer_norm(torch.relu(x @ w1) @ w2, weight, bias)


@misconception(
    "pre_norm_step",
    title="the sum is normalised once more",
    hints=(
        "Does anything stand between the sum and the end of the step?",
        "Count the norms. In this step there is one.",
        "The stream (2, 6) and a network that says (0, 0): (2, 6) comes out, to the last bit.",
    ),
    seen_in="plausible",
)
def step_with_a_norm_at_each_end(x, weight, bias, w1, w2):
    return layer_norm(x + torch.relu(layer_norm(x, weight, bias) @ w1) @ w2, weight, bias)


@misconception(
    "pre_norm_step",
    title="three things are added: the stream, its normalised copy and the network's output",
    hints=(
        "How many summands has a residual step?",
        "Look at whether the normalised copy is still added beside the stream.",
        "The stream (2, 6) and a network that says (1, 1): (3, 7), and not (2, 8).",
    ),
    seen_in="plausible; half a repair",
)
def step_with_both_added(x, weight, bias, w1, w2):
    n = layer_norm(x, weight, bias)
    return x + n + torch.relu(n @ w1) @ w2


@misconception(
    "pre_norm_step",
    title="what the network reads is normalised, but neither scaled nor shifted",
    hints=(
        "Which arguments does your result not depend on?",
        "Look at what is done with weight and bias.",
        "From (2, 6) with the weight (3, 3) and the bias (1, 1) the network reads (-2, 4).",
    ),
    seen_in="plausible",
)
def step_without_scale_and_shift(x, weight, bias, w1, w2):
    n = layer_norm(x, torch.ones_like(weight), torch.zeros_like(bias))
    return x + torch.relu(n @ w1) @ w2


@misconception(
    "pre_norm_step",
    title="the ReLU between the two maps has got lost",
    hints=(
        "What do two linear maps in a row make?",
        "Look at what stands between w1 and w2.",
        "A hidden number of -3 adds nothing. Without the ReLU it adds -3 times a row of w2.",
    ),
    seen_in="plausible",
)
def step_without_relu(x, weight, bias, w1, w2):
    return x + layer_norm(x, weight, bias) @ w1 @ w2


@misconception(
    "pre_norm_step",
    title="the ReLU stands behind the second map",
    hints=(
        "Can your step ever take anything away from the stream?",
        "Look at where the ReLU closes: before or after w2.",
        "A network that says (-1, 1) makes (1, 7) of (2, 6). If the answer is (2, 7), something has cut off the -1.",
    ),
    seen_in="plausible",
)
def step_with_relu_behind(x, weight, bias, w1, w2):
    return x + torch.relu(layer_norm(x, weight, bias) @ w1 @ w2)


@misconception(
    "pre_norm_step",
    title="the sum is written into the caller's tensor",
    hints=(
        "Somebody still needs x after calling you. What does it hold then?",
        "Look for an operator that ends in = or a method that ends in _.",
        "`x += 1` changes the tensor that x names. `x = x + 1` makes a new one.",
    ),
    seen_in="ARENA #225",
)
def step_in_place(x, weight, bias, w1, w2):
    said = torch.relu(layer_norm(x, weight, bias) @ w1) @ w2
    x += said
    return x


@misconception(
    "pre_norm_step",
    title="the stream is cut off from the graph before it is added to",
    hints=(
        "Does the gradient still have its motorway?",
        "Look for something that copies numbers without their history.",
        "With a silent network the gradient of the input is the gradient of the output, unchanged.",
    ),
    seen_in="plausible",
)
def step_residual_detached(x, weight, bias, w1, w2):
    stream = x.detach().clone()
    return stream + torch.relu(layer_norm(x, weight, bias) @ w1) @ w2


@misconception(
    "pre_norm_step",
    title="the stream comes out in float32 whatever comes in",
    hints=(
        "Which dtype did you get, and which did you return?",
        "Look for a conversion that names a dtype.",
        "A float64 tensor comes in, a float64 tensor goes out.",
    ),
    seen_in="tiny-llm #287",
)
def step_in_single_precision(x, weight, bias, w1, w2):
    x, weight, bias, w1, w2 = x.float(), weight.float(), bias.float(), w1.float(), w2.float()
    return x + torch.relu(layer_norm(x, weight, bias) @ w1) @ w2


# --- test_layer_norm --------------------------------------------------------------------------------------------------


@misconception(
    "test_layer_norm",
    title="the test looks at the shape of the result and at no number in it",
    hints=(
        "How many functions keep the shape of what they get?",
        "Look at what stands after each `assert`: does it mention a single number of the result?",
        "A function that returns x as it came in has the right shape, too.",
    ),
    seen_in="plausible",
)
def shape_is_enough(layer_norm):
    for shape in ((7,), (5, 7), (2, 5, 7)):
        assert layer_norm(torch.randn(*shape), torch.ones(7), torch.zeros(7)).shape == shape


@misconception(
    "test_layer_norm",
    title="the test compares, and then returns whether all is well instead of raising",
    hints=(
        "What happens to the value that your test returns?",
        "Look at the last line: a wrong solution must be stopped by an exception, and a returned False is none.",
        "A smoke detector that notes 'there is a fire' in its diary wakes nobody.",
    ),
    seen_in="plausible",
)
def verdict_returned(layer_norm):
    x, weight, bias = torch.randn(2, 5, 4), torch.randn(4), torch.randn(4)
    found = layer_norm(x, weight, bias, 0.1)
    return torch.allclose(found, nn.functional.layer_norm(x, (4,), weight, bias, 0.1), atol=1e-4)


@misconception(
    "test_layer_norm",
    title="the test stops every solution, the right ones too",
    hints=(
        "What does your test say to your own `layer_norm`?",
        "Look for an `assert` that nothing can pass.",
        "A judge who convicts everybody has caught every thief, and nobody will thank him.",
    ),
    seen_in="plausible; a test that was never run on a right solution",
)
def everything_stopped(layer_norm):
    y = layer_norm(torch.randn(2, 5, 4), torch.ones(4), torch.zeros(4))
    assert (y.mean(-1) == 0).all()
    assert (y.var(-1) == 1).all()


@misconception(
    "test_layer_norm",
    title="the test expects equality to the last digit, which right solutions do not have",
    hints=(
        "May two right solutions differ in the seventh digit?",
        "Look at how you compare: is there a tolerance?",
        "0.1 + 0.2 is not 0.3 in a computer, and yet nobody has made a mistake.",
    ),
    seen_in="plausible",
)
def equal_to_the_last_digit(layer_norm):
    x, weight, bias = torch.randn(4, 5, 7), torch.randn(7), torch.randn(7)
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    assert torch.equal(layer_norm(x, weight, bias), centred / torch.sqrt(variance + 1e-5) * weight + bias)


@misconception(
    "test_layer_norm",
    title="the test expects a variance that is divided by D - 1, and so stops the right solutions",
    hints=(
        "What does your test say to your own `layer_norm`?",
        "Look at how the variance that you expect is made, and at what `std` and `var` divide by.",
        "(1, 3) has the variance 1 here. `torch.tensor([1.0, 3.0]).var()` is 2.",
    ),
    seen_in="the Annotated Transformer's formula, taken for the oracle (annotated-transformer #119, #122)",
)
def correction_expected(layer_norm):
    x, weight, bias = torch.randn(2, 5, 4), torch.randn(4), torch.randn(4)
    expected = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 0.1).sqrt() * weight + bias
    assert torch.allclose(layer_norm(x, weight, bias, 0.1), expected, atol=1e-4)


@misconception(
    "test_layer_norm",
    title="the test asks for a mean of 0 and for nothing else",
    hints=(
        "What does a function do that only takes out the mean?",
        "Look at what you ask of the result: half of the word 'normalise' is missing.",
        "(-4, 4) and (-1, 1) both have the mean 0.",
    ),
    seen_in="plausible",
)
def mean_zero_is_enough(layer_norm):
    for shape in ((7,), (5, 7), (2, 5, 7), (2, 3, 5, 7)):
        y = layer_norm(3 * torch.randn(*shape) + 1, torch.ones(7), torch.zeros(7))
        assert y.shape == shape
        assert (y.mean(-1).abs() < 1e-4).all()


@misconception(
    "test_layer_norm",
    title="the test asks for mean 0 and variance 1, with the weight 1, the bias 0 and the usual eps",
    hints=(
        "Which of the four arguments could a solution ignore without your noticing?",
        "Look at the numbers that you hand over as weight, bias and eps. Would it show if they were not used?",
        "Times 1 and plus 0: with these two nobody can be caught.",
    ),
    seen_in="plausible",
)
def mean_and_variance_are_enough(layer_norm):
    for shape in ((4,), (5, 4), (2, 5, 4)):
        x = torch.arange(40.0).square().sin()[: math.prod(shape)].reshape(shape)
        y = layer_norm(3 * x, torch.ones(4), torch.zeros(4))
        assert y.shape == shape
        assert (y.mean(-1).abs() < 1e-3).all()
        assert ((y.var(-1, correction=0) - 1).abs() < 1e-2).all()


@misconception(
    "test_layer_norm",
    title="the test has one wide vector, in which D and D - 1 and most axes are the same",
    hints=(
        "How much do 1/768 and 1/767 differ?",
        "Look at the sizes of your x: how many vectors are there, and how many numbers does each have?",
        "With D = 4 the two variances differ by a third, with D = 768 by a thousandth.",
    ),
    seen_in="plausible",
)
def one_wide_vector(layer_norm):
    x = torch.arange(768.0).square().sin().reshape(1, 1, 768)
    weight, bias = torch.linspace(-2, 3, 768), torch.linspace(4, -1, 768)
    y = layer_norm(x, weight, bias)
    assert y.shape == x.shape
    assert torch.allclose(y, nn.functional.layer_norm(x, (768,), weight, bias), atol=1e-2)


@misconception(
    "test_layer_norm",
    title="the weight of the test is 1 and its bias 0, so that neither shows",
    hints=(
        "Could a solution leave out its last two steps without your noticing?",
        "Look at the weight and the bias of every call.",
        "Times 1 and plus 0 change nothing, and times 3 and plus 7 do.",
    ),
    seen_in="plausible; a new layer begins with them",
)
def ones_and_zeros(layer_norm):
    weight, bias = torch.ones(4), torch.zeros(4)
    for shape, size, options in (((4,), 1.0, (0.1,)), ((5, 4), 0.003, ()), ((2, 5, 4), 1.0, (0.1,))):
        x = size * torch.arange(40.0).square().sin()[: math.prod(shape)].reshape(shape)
        expected = nn.functional.layer_norm(x, (4,), weight, bias, *options)
        assert torch.allclose(layer_norm(x, weight, bias, *options), expected, atol=1e-3)
    x, toward = torch.tensor([1.0, 4.0, -2.0, 0.5], requires_grad=True), torch.tensor([3.0, 1.0, -2.0, 0.5])
    functions = layer_norm, lambda x, w, b: nn.functional.layer_norm(x, (4,), w, b)
    found, wanted = (torch.autograd.grad((f(x, weight, bias) * toward).sum(), x)[0] for f in functions)
    assert torch.allclose(found, wanted, atol=1e-3)
    far = torch.tensor([16384.0 - 9, 16384.0 + 2, 16384.0 - 1, 16384.0 + 9])
    assert torch.allclose(layer_norm(far, weight, bias), nn.functional.layer_norm(far, (4,), weight, bias), atol=1e-3)


@misconception(
    "test_layer_norm",
    title="the test knows tensors of one number of axes only",
    hints=(
        "The docstring says (..., D). What may stand for the three dots?",
        "Look at the shapes of your inputs: do all of them have the same number of axes?",
        "In (2, 5, 4) the last axis is number 2. In (5, 4) it is number 1, and in both number -1.",
    ),
    seen_in="plausible",
)
def one_rank_only(layer_norm):
    weight, bias = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([1.0, 5.0, -2.0, 0.25])
    for size, eps in ((1.0, 0.1), (0.003, 1e-5)):
        x = (size * torch.arange(20.0).square().sin().reshape(5, 4)).requires_grad_()
        toward = torch.arange(20.0).cos().reshape(5, 4)
        options = () if eps == 1e-5 else (eps,)
        y, expected = layer_norm(x, weight, bias, *options), nn.functional.layer_norm(x, (4,), weight, bias, eps)
        assert torch.allclose(y, expected, atol=1e-3)
        found, wanted = (torch.autograd.grad((t * toward).sum(), x)[0] for t in (y, expected))
        assert torch.allclose(found, wanted, atol=1e-2, rtol=1e-3)
    far = torch.tensor([[16384.0 - 9, 16384.0 + 2, 16384.0 - 1, 16384.0 + 9]])
    assert torch.allclose(layer_norm(far, weight, bias), nn.functional.layer_norm(far, (4,), weight, bias), atol=1e-3)


@misconception(
    "test_layer_norm",
    title="the test never looks where eps makes a difference",
    hints=(
        "How loud must a vector be for 1e-5 to matter?",
        "Look at the size of your numbers and at the eps that you hand over, if you do.",
        "A variance of 1 and an eps of 1e-5: the fifth digit. A variance of 1e-5: a factor of 1.4.",
    ),
    seen_in="plausible; nobody notices a wrong eps at ordinary loudness",
)
def usual_eps_only(layer_norm):
    weight, bias = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([1.0, 5.0, -2.0, 0.25])
    for shape in ((4,), (5, 4), (2, 5, 4)):
        x = 3 * torch.arange(40.0).square().sin()[: math.prod(shape)].reshape(shape)
        expected = nn.functional.layer_norm(x, (4,), weight, bias)
        assert torch.allclose(layer_norm(x, weight, bias), expected, atol=1e-2)
    x, toward = torch.tensor([1.0, 4.0, -2.0, 0.5], requires_grad=True), torch.tensor([3.0, 1.0, -2.0, 0.5])
    functions = layer_norm, lambda x, w, b: nn.functional.layer_norm(x, (4,), w, b)
    found, wanted = (torch.autograd.grad((f(x, weight, bias) * toward).sum(), x)[0] for f in functions)
    assert torch.allclose(found, wanted, atol=1e-3)
    far = torch.tensor([16384.0 - 9, 16384.0 + 2, 16384.0 - 1, 16384.0 + 9])
    assert torch.allclose(layer_norm(far, weight, bias), nn.functional.layer_norm(far, (4,), weight, bias), atol=1e-3)


@misconception(
    "test_layer_norm",
    title="the test looks at numbers alone and never asks for a gradient",
    hints=(
        "A network learns from gradients. Does your test ever look at one?",
        "Numbers can be copied without their history. Ask whether a result still knows where it came from.",
        "A photograph of a letter has the same words, and an answer to it does not reach the writer.",
    ),
    seen_in="plausible",
)
def gradients_never_asked(layer_norm):
    weight, bias = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([1.0, 5.0, -2.0, 0.25])
    for shape, size, options in (((4,), 1.0, (0.1,)), ((5, 4), 0.003, ()), ((2, 5, 4), 1.0, (0.1,))):
        x = size * torch.arange(40.0).square().sin()[: math.prod(shape)].reshape(shape)
        expected = nn.functional.layer_norm(x, (4,), weight, bias, *options)
        assert torch.allclose(layer_norm(x, weight, bias, *options), expected, atol=1e-3)
    far = torch.tensor([16384.0 - 9, 16384.0 + 2, 16384.0 - 1, 16384.0 + 9])
    assert torch.allclose(layer_norm(far, weight, bias), nn.functional.layer_norm(far, (4,), weight, bias), atol=1e-3)


@misconception(
    "test_layer_norm",
    title="the test asks whether there is a gradient, and not whether it is right",
    hints=(
        "Can a gradient be there and be wrong?",
        "Look at what you do with the gradient: do you compare its numbers with anything?",
        "Add the same number to all channels, and the result stays as it was. So the gradients of a vector sum to 0; "
        "if mean and variance are taken for constants, they do not.",
    ),
    seen_in="plausible",
)
def gradient_is_there(layer_norm):
    weight, bias = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([1.0, 5.0, -2.0, 0.25])
    for shape, size, options in (((4,), 1.0, (0.1,)), ((5, 4), 0.003, ()), ((2, 5, 4), 1.0, (0.1,))):
        x = size * torch.arange(40.0).square().sin()[: math.prod(shape)].reshape(shape)
        expected = nn.functional.layer_norm(x, (4,), weight, bias, *options)
        assert torch.allclose(layer_norm(x, weight, bias, *options), expected, atol=1e-3)
    x = torch.tensor([1.0, 4.0, -2.0, 0.5], requires_grad=True)
    layer_norm(x, weight, bias).square().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    far = torch.tensor([16384.0 - 9, 16384.0 + 2, 16384.0 - 1, 16384.0 + 9])
    assert torch.allclose(layer_norm(far, weight, bias), nn.functional.layer_norm(far, (4,), weight, bias), atol=1e-3)


@misconception(
    "test_layer_norm",
    title="all numbers of the test are near 0, where nothing cancels",
    hints=(
        "Two formulas for the variance are the same on paper. On which numbers do they differ in float32?",
        "Look at how far your vectors are from 0, compared with how far their numbers are from each other.",
        "For (10000, 10002) the variance is 1, and the square of the mean is a hundred million.",
    ),
    seen_in="plausible",
)
def never_far_from_zero(layer_norm):
    weight, bias = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([1.0, 5.0, -2.0, 0.25])
    for shape, size, options in (((4,), 1.0, (0.1,)), ((5, 4), 0.003, ()), ((2, 5, 4), 1.0, (0.1,))):
        x = size * torch.arange(40.0).square().sin()[: math.prod(shape)].reshape(shape)
        expected = nn.functional.layer_norm(x, (4,), weight, bias, *options)
        assert torch.allclose(layer_norm(x, weight, bias, *options), expected, atol=1e-3)
    x, toward = torch.tensor([1.0, 4.0, -2.0, 0.5], requires_grad=True), torch.tensor([3.0, 1.0, -2.0, 0.5])
    functions = layer_norm, lambda x, w, b: nn.functional.layer_norm(x, (4,), w, b)
    found, wanted = (torch.autograd.grad((f(x, weight, bias) * toward).sum(), x)[0] for f in functions)
    assert torch.allclose(found, wanted, atol=1e-3)


# --- RMSNorm, an extra ------------------------------------------------------------------------------------------------


@misconception(
    "RMSNorm",
    title="the mean is subtracted first: that is layer norm",
    hints=(
        "What is the one step of layer norm that this norm leaves out?",
        "Look at what stands in the numerator.",
        "(1, 7) becomes (0.2, 1.4), and not (-1, 1).",
    ),
    seen_in="plausible",
)
class rms_subtracts_the_mean(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        x = x - x.mean(dim=-1, keepdim=True)
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the squares are added up and not averaged",
    hints=(
        "Should the size of what comes out depend on the width?",
        "Look at the letter M in the name.",
        "(3, 4) has the mean square 12.5, whose root is 3.54. The root of the sum would be 5.",
    ),
    seen_in="plausible; it is what F.normalize does",
)
class rms_sums_the_squares(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).sum(dim=-1, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the sum of the squares is divided by D - 1",
    hints=(
        "How many numbers are averaged?",
        "Look at what the sum of the squares is divided by.",
        "(3, 4) has the mean square 12.5, not 25.",
    ),
    seen_in="plausible",
)
class rms_divides_by_one_less(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).sum(dim=-1, keepdim=True) / (x.size(-1) - 1) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the mean square itself is divided by, without a root",
    hints=(
        "When a vector becomes twice as loud, what should the result do?",
        "Look at the letter R in the name.",
        "(3, 3) has the mean square 9 and is divided by 3.",
    ),
    seen_in="plausible",
)
class rms_without_the_root(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / ((x * x).mean(dim=-1, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the weight is not used",
    hints=(
        "Which of your parameters never gets a gradient?",
        "Look at what follows the quotient.",
        "Divided (0.2, 1.4), weight (10, 10): (2, 14).",
    ),
    seen_in="plausible",
)
class rms_weight_unused(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps)


@misconception(
    "RMSNorm",
    title="1 is added to the weight",
    hints=(
        "What should a weight of 1 change?",
        "Look at what you multiply by.",
        "Divided (0.2, 1.4), weight (1, 1): still (0.2, 1.4).",
    ),
    seen_in="Gemma's norm is meant so, its weights begin at 0",
)
class rms_adds_one_to_the_weight(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps) * (1 + self.weight)


@misconception(
    "RMSNorm",
    title="the mean square is taken over all positions together",
    hints=(
        "When word 3 changes, does your result for word 0 change?",
        "Look at the axes of your mean.",
        "Two words, (1, 7) and (3, 3), have the mean squares 25 and 9, one for each word.",
    ),
    seen_in="plausible",
)
class rms_over_positions_and_channels(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        axes = (-2, -1) if x.dim() > 1 else -1
        return x / torch.sqrt((x * x).mean(dim=axes, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="eps is added outside the root",
    hints=(
        "Feed a very quiet vector. Where does eps stand?",
        "Look at the order of two steps: taking the root and adding eps.",
        "Mean square 9 and eps 16: the divisor is 5, and not 19.",
    ),
    seen_in="plausible",
)
class rms_eps_outside_the_root(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / (torch.sqrt((x * x).mean(dim=-1, keepdim=True)) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="eps is left out",
    hints=(
        "What does your layer make of a vector of zeros?",
        "Look at what you divide by.",
        "0 / 0 is nan, 0 / 0.001 is 0.",
    ),
    seen_in="plausible",
)
class rms_eps_left_out(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True)) * self.weight


@misconception(
    "RMSNorm",
    title="eps is 1e-6 whatever the caller says",
    hints=(
        "What happens to your result when the caller passes an eps of 1?",
        "Follow eps from `__init__` to the root.",
        "With an eps of 3 a vector with the mean square 1 comes out half as large.",
    ),
    seen_in="plausible",
)
class rms_eps_unused(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + 1e-6) * self.weight


@misconception(
    "RMSNorm",
    title="eps is 1e-5 when the caller does not say otherwise",
    hints=(
        "Which eps does the docstring promise to a caller who passes none?",
        "Look at the signature.",
        "For a vector with a mean square of 1e-6 the two defaults give 0.71 and 0.30 of the size.",
    ),
    seen_in="LLaMA has 1e-5 and 1e-6 in different versions",
)
class rms_default_eps_of_layer_norm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the layer has a bias",
    hints=(
        "How many numbers should a layer of width 3 learn?",
        "Look at the list of parameters in the docstring.",
        "Zeros come out as zeros, whatever was learned.",
    ),
    seen_in="plausible",
)
class rms_has_a_bias(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps) * self.weight + self.bias


@misconception(
    "RMSNorm",
    title="the weight begins at 0, so that a new layer silences everything",
    hints=(
        "What does a new layer make of any input?",
        "Look at the numbers with which the weight begins.",
        "Something that is multiplied should begin as 1.",
    ),
    seen_in="Gemma's weights begin at 0, and 1 is added",
)
class rms_weight_begins_at_zero(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the weight is a buffer: saved and moved, but never learned",
    hints=(
        "Should the optimiser change the weight?",
        "Look at how the weight is registered.",
        "A layer of width 3 has 3 parameters.",
    ),
    seen_in="plausible",
)
class rms_weight_as_buffer(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps) * self.weight


@misconception(
    "RMSNorm",
    title="the root is cut out of the graph, so that gradients take it for a constant",
    hints=(
        "When one channel grows, the root mean square grows with it. Does your gradient know?",
        "Look for something that stops gradients where the root is made.",
        "Making a vector longer changes nothing, as far as eps allows, so the gradient has no part along the vector.",
    ),
    seen_in="plausible",
)
class rms_detached(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps).detach() * self.weight


# --- SwiGLU, an extra -------------------------------------------------------------------------------------------------


@misconception(
    "SwiGLU",
    title="the gate is a sigmoid: that is GLU",
    hints=(
        "What should the gate be for a large positive number: 1, or the number itself?",
        "Look at what is done to w1 x. The docstring says what silu is.",
        "silu(2) = 2 * 0.881 = 1.762; the sigmoid alone is 0.881.",
    ),
    seen_in="the original GLU, where it is meant",
)
class sigmoid_gate(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        return self.w2(torch.sigmoid(self.w1(x)) * self.w3(x))


@misconception(
    "SwiGLU",
    title="the gate is GELU: that is GEGLU",
    hints=(
        "Which S-shaped curve does silu multiply by?",
        "Look at what is done to w1 x.",
        "silu(1) = 0.731, gelu(1) = 0.841.",
    ),
    seen_in="the same paper has this variant as well",
)
class gelu_gate(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        return self.w2(gelu(self.w1(x)) * self.w3(x))


@misconception(
    "SwiGLU",
    title="the gate is ReLU: that is ReGLU",
    hints=(
        "What should the gate be for a negative number?",
        "Look at what is done to w1 x.",
        "silu(-1) = -0.269, relu(-1) = 0.",
    ),
    seen_in="the same paper has this variant as well",
)
class relu_gate(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        return self.w2(torch.relu(self.w1(x)) * self.w3(x))


@misconception(
    "SwiGLU",
    title="w3 goes through silu and w1 does not",
    hints=(
        "Which of the two maps is the gate?",
        "Look at which of the two results goes through silu.",
        "If w1 x is very negative, nothing passes, whatever w3 x is.",
    ),
    seen_in="plausible: the numbers of the three maps differ between papers",
)
class the_other_map_is_the_gate(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        z = self.w3(x)
        return self.w2(z * torch.sigmoid(z) * self.w1(x))


@misconception(
    "SwiGLU",
    title="w3 is never used: nothing is gated",
    hints=(
        "Which of your three maps never gets a gradient?",
        "Look at the product.",
        "If w3 x is 0, the result is 0.",
    ),
    seen_in="plausible",
)
class no_gate(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        z = self.w1(x)
        return self.w2(z * torch.sigmoid(z))


@misconception(
    "SwiGLU",
    title="the two parts are added and not multiplied",
    hints=(
        "What does a closed gate do to what would pass?",
        "Look at the sign between the two parts.",
        "If silu(w1 x) is 0, nothing passes, whatever w3 x is.",
    ),
    seen_in="plausible",
)
class gate_added(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        z = self.w1(x)
        return self.w2(z * torch.sigmoid(z) + self.w3(x))


@misconception(
    "SwiGLU",
    title="the two parts are multiplied first, and silu is taken of the product",
    hints=(
        "What goes through silu: one part, or the product?",
        "Look at the order of silu and the product.",
        "w1 x = 1 and w3 x = -2: 0.731 * (-2) = -1.462. silu(-2) would be -0.238.",
    ),
    seen_in="plausible",
)
class silu_of_the_product(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        z = self.w1(x) * self.w3(x)
        return self.w2(z * torch.sigmoid(z))


@misconception(
    "SwiGLU",
    title="both parts go through silu",
    hints=(
        "How many of the two parts are bent?",
        "Look at which of the two results goes through silu.",
        "w1 x = 1 and w3 x = -2: 0.731 * (-2), and not 0.731 * (-0.238).",
    ),
    seen_in="plausible",
)
class silu_on_both(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        z, v = self.w1(x), self.w3(x)
        return self.w2(z * torch.sigmoid(z) * (v * torch.sigmoid(v)))


@misconception(
    "SwiGLU",
    title="the three maps have a bias",
    hints=(
        "What should come out for an input of zeros?",
        "Look at how the three maps are made.",
        "Widths 2 and 3: three maps with 6 numbers each, 18 in all.",
    ),
    seen_in="plausible: it is the default of nn.Linear",
)
class gated_maps_have_a_bias(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff)
        self.w2 = nn.Linear(d_ff, d_model)
        self.w3 = nn.Linear(d_model, d_ff)

    def forward(self, x):
        z = self.w1(x)
        return self.w2(z * torch.sigmoid(z) * self.w3(x))


@misconception(
    "SwiGLU",
    title="w2 and w3 have exchanged their sizes",
    hints=(
        "Which two of the three maps read x?",
        "Look at the sizes of the three maps.",
        "D = 2 and F = 3: the weights of w1 and w3 have 3 rows and 2 columns, that of w2 has 2 rows and 3 columns.",
    ),
    seen_in="plausible: the numbers of the three maps differ between papers",
)
class gated_maps_of_the_wrong_sizes(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_model, d_ff, bias=False)
        self.w3 = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        z = self.w1(x)
        return self.w3(z * torch.sigmoid(z) * self.w2(x))


@misconception(
    "SwiGLU",
    title="the gate is cut out of the graph, so that w1 learns nothing",
    hints=(
        "Which of your three maps never gets a gradient?",
        "Look for something that stops gradients on the way.",
        "After a step of training all three maps should have moved.",
    ),
    seen_in="plausible",
)
class gate_detached(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        z = self.w1(x)
        return self.w2((z * torch.sigmoid(z)).detach() * self.w3(x))
