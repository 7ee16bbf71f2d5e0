"""The encoder block: attention and a feed-forward network, each beside a residual stream, with layer norm.

Source: Vaswani et al. 2017, "Attention Is All You Need", sections 3.1, 3.3 and 5.4, https://arxiv.org/abs/1706.03762;
Ba, Kiros and Hinton 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450;
Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", https://arxiv.org/abs/2002.04745.

Axes, beyond those of `solutions/multi_head.py`:

    F   width inside the feed-forward network (d_ff in the paper), often 4 * D

Every part of a block takes (B, L, D) and gives (B, L, D). Of all of them, attention alone lets one position read
another; everything else in this file treats each position by itself.

Deviations from the paper: the maps of the attention have a bias. Dropout also acts on the attention weights and inside
the feed-forward network, as in the authors' own code and in torch.nn.TransformerEncoderLayer; the text of the paper has
it on the output of each sub-layer alone. Besides the post-norm of the paper there is the pre-norm of most models since.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions.multi_head import MultiHeadAttention


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Bring every vector to mean 0 and variance 1, then scale and shift each of its channels.

    Mean and variance are taken over the last axis alone, so that each position is normalised by itself. The variance
    is the biased one (divide by D), and eps is added to the variance, inside the root. A vector whose channels are all
    equal has nothing to scale: the result is the bias.

    Shapes: x (..., D), weight (D,), bias (D,) -> (..., D)
    Source: Ba, Kiros and Hinton 2016, equations 3 and 4; eps as in torch.nn.functional.layer_norm.
    """
    # One mean for each position: an average over the sentence or the batch would let words change each other.
    mean = x.mean(dim=-1, keepdim=True)                                 # (..., 1)
    centred = x - mean                                                  # (..., D)
    # Divided by D, not by D - 1: these D numbers are all there are, not a sample from which something is estimated.
    variance = (centred * centred).mean(dim=-1, keepdim=True)           # (..., 1)
    # Inside the root eps is a variance: 1e-5 stands for a standard deviation of 0.003. Outside it would be 300 times
    # weaker, and quiet vectors would come out much louder.
    return centred / torch.sqrt(variance + eps) * weight + bias


class LayerNorm(nn.Module):
    """Layer norm with a scale and a shift that are learned.

    `weight` and `bias` are parameters with one number for each channel. They begin as ones and zeros, so that a new
    layer only normalises.

    Shapes: x (..., D) -> (..., D)
    Source: Ba, Kiros and Hinton 2016, section 3.
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        """Create weight and bias, each of shape (D,)."""
        super().__init__()
        self.eps = eps
        # Parameters, not plain tensors: the optimiser, `state_dict` and `.to(device)` know nothing of those.
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every position of x."""
        return layer_norm(x, self.weight, self.bias, self.eps)


def gelu(x: Tensor) -> Tensor:
    """The Gaussian error linear unit: x times the probability that a standard normal variable is below x.

    Exact, with the distribution function of the normal distribution; not the approximation with tanh.

    Shapes: x of any shape -> the same shape and dtype
    Source: Hendrycks and Gimpel 2016, "Gaussian Error Linear Units (GELUs)", section 2,
            https://arxiv.org/abs/1606.08415.
    """
    # ReLU is x times a step from 0 to 1; here the step is smooth. `erf` runs from -1 to 1 and belongs to a variance of
    # 1/2; the root of 2, the 1 and the half turn it into the distribution function.
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


class FeedForward(nn.Module):
    """The position-wise feed-forward network: wider, an activation, and back.

    Learns two linear maps with bias, `linear1` from D to F and `linear2` from F to D. Between them stands the
    activation, "relu" or "gelu", and after the activation, in training, dropout.

    Shapes: x (..., D) -> (..., D)
    Raises: ValueError, already when it is created, for any other activation.
    Source: Vaswani et al. 2017, section 3.3, equation 2: FFN(x) = max(0, x W_1 + b_1) W_2 + b_2.
    """

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0, activation: str = "relu") -> None:
        """Create the two maps."""
        super().__init__()
        activations = {"relu": torch.relu, "gelu": gelu}
        if activation not in activations:
            raise ValueError(f'activation must be "relu" or "gelu", got {activation!r}')
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = activations[activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Send every position of x through the same two maps."""
        # Without the activation the two maps would be one: a product of two matrices is a matrix.
        hidden = self.activation(self.linear1(x))                       # (..., D) -> (..., F)
        # No activation after the second map: what is added to the stream has to be able to be negative.
        result: Tensor = self.linear2(self.dropout(hidden))             # (..., F) -> (..., D)
        return result


class PostNormEncoderBlock(nn.Module):
    """The block of the paper: after each sub-layer add, then normalise.

    First the attention, then the feed-forward network, and around each of them: norm(x + sub-layer(x)). Has the
    modules `attention` (a `MultiHeadAttention`), `feed_forward` (a `FeedForward`), and two `LayerNorm`: `norm1` belongs
    to the attention and `norm2` to the feed-forward network.

    In training, `dropout` acts on the output of each sub-layer before it is added. The same probability is handed to
    the attention, for its weights, and to the feed-forward network.

    Shapes: x (B, L, D), mask broadcastable to (B, H, L, L), bool, True = may attend -> (B, L, D)
    Raises: ValueError, already when it is created, if d_model is not divisible by num_heads or for an activation that
            is neither "relu" nor "gelu".
    Source: Vaswani et al. 2017, section 3.1, and section 5.4 for dropout.
    """

    def __init__(
        self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0, activation: str = "relu"
    ) -> None:
        """Create the two sub-layers and their norms."""
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        # Two norms: what follows the attention has another scale and shift than what follows the network.
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Send x through both sub-layers."""
        attended, _ = self.attention(x, mask=mask)                      # (B, L, D)
        # The norm comes last, after the sum: nothing leaves a sub-layer that has not been normalised. `x = x + ...`
        # makes a new tensor; `x += ...` would change the caller's.
        x = self.norm1(x + self.dropout(attended))
        result: Tensor = self.norm2(x + self.dropout(self.feed_forward(x)))
        return result


class PreNormEncoderBlock(nn.Module):
    """The block of most models since: normalise what each sub-layer reads, and add to a stream that nobody normalises.

    First the attention, then the feed-forward network, and around each of them: x + sub-layer(norm(x)). Has the
    modules `attention` (a `MultiHeadAttention`), `feed_forward` (a `FeedForward`), and two `LayerNorm`: `norm1` belongs
    to the attention and `norm2` to the feed-forward network.

    In training, `dropout` acts on the output of each sub-layer before it is added. The same probability is handed to
    the attention, for its weights, and to the feed-forward network.

    Shapes: x (B, L, D), mask broadcastable to (B, H, L, L), bool, True = may attend -> (B, L, D)
    Raises: ValueError, already when it is created, if d_model is not divisible by num_heads or for an activation that
            is neither "relu" nor "gelu".
    Source: Xiong et al. 2020, figure 1 (b).
    """

    def __init__(
        self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0, activation: str = "relu"
    ) -> None:
        """Create the two sub-layers and their norms."""
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Send x through both sub-layers."""
        # Queries, keys and values all come from the normalised x.
        attended, _ = self.attention(self.norm1(x), mask=mask)          # (B, L, D)
        # What is added to is the raw x. With the normalised one the straight way from input to output, and with it
        # the gradient's, would lead through every norm.
        x = x + self.dropout(attended)
        result: Tensor = x + self.dropout(self.feed_forward(self.norm2(x)))
        return result


def pre_norm_step(x: Tensor, weight: Tensor, bias: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
    """Take one step of a pre-norm stream: a feed-forward network reads its normalised copy and adds to the stream.

    The network has two maps without bias and ReLU between them. What it reads is normalised, scaled by `weight` and
    shifted by `bias`; what its output is added to is x as it came in, which is not changed.

    Shapes: x (..., D), weight (D,), bias (D,), w1 (D, F), w2 (F, D) -> (..., D)
    Source: Xiong et al. 2020, figure 1 (b).
    """
    # A name of its own for the copy. The stream has to stay within reach until something is added to it.
    normed = layer_norm(x, weight, bias)                                # (..., D)
    return x + torch.relu(normed @ w1) @ w2                             # (..., D) -> (..., F) -> (..., D)


def test_layer_norm(layer_norm: Callable[..., Tensor]) -> None:
    """Test a function that claims to be `layer_norm`: raise an exception if it is wrong, else return.

    What it has to do stands in the docstring of `layer_norm`. It may be written in any way, and be wrong in the last
    digits as float32 is.

    Raises: AssertionError, or any other exception, when the function is wrong.
    """

    def by_hand(vector: list[float], eps: float) -> Tensor:
        """The formula number by number: slow, plain, and without an axis to be mistaken about."""
        mean = sum(vector) / len(vector)
        variance = sum((number - mean) ** 2 for number in vector) / len(vector)
        numbers = zip(vector, scale, shift, strict=True)
        return torch.tensor([(number - mean) / math.sqrt(variance + eps) * w + b for number, w, b in numbers])

    # Four channels: with D = 4 the difference between D and D - 1 is 15 percent, with D = 768 it is invisible. Far from
    # 1 and 0, and each channel another number, so that nothing can be left out or exchanged.
    scale, shift = [2.0, -1.0, 0.5, 3.0], [1.0, 5.0, -2.0, 0.25]
    weight, bias = torch.tensor(scale), torch.tensor(shift)
    # Numbers in which no pattern helps anybody, and which are the same each time.
    x = torch.sin(torch.arange(60.0) ** 2).reshape(3, 5, 4)

    # Each vector must come out as it does alone, whatever stands before its axis: nothing, one or two axes.
    for sample in (x[0, 0], x[0], x):
        # A large eps shows whether it is used, and where it stands. Vectors that are quieter than the root of 1e-5
        # show the same of the default; loud ones show neither.
        for size, eps in ((1.0, 0.1), (1 / 300, None)):
            result = layer_norm(size * sample, weight, bias, *([] if eps is None else [eps]))
            assert result.shape == sample.shape
            rows = (size * sample).reshape(-1, 4).tolist()
            expected = torch.stack([by_hand(row, 1e-5 if eps is None else eps) for row in rows])
            assert torch.allclose(result.reshape(-1, 4), expected, atol=1e-4)

    # Far from 0: whole numbers, so that float32 holds them exactly, and whoever squares them before the mean is out
    # loses what counts.
    far = [16384.0 - 9, 16384.0 + 2, 16384.0 - 1, 16384.0 + 9]
    assert torch.allclose(layer_norm(torch.tensor(far), weight, bias), by_hand(far, 1e-5), atol=1e-4)

    # The gradient, against its definition: move one number a little and see by how much the result has moved. A mean
    # or a variance that was cut out of the graph shows here and nowhere else.
    vector, toward = x[1, 3].clone().requires_grad_(), torch.tensor([3.0, 1.0, -2.0, 0.5])
    (gradient,) = torch.autograd.grad((layer_norm(vector, weight, bias, 0.1) * toward).sum(), vector)
    step = 2.0**-7
    for i in range(4):
        up, down = vector.tolist(), vector.tolist()
        up[i], down[i] = up[i] + step, down[i] - step
        slope = ((by_hand(up, 0.1) - by_hand(down, 0.1)) * toward).sum() / (2 * step)
        assert abs(gradient[i] - slope) < 0.01


class RMSNorm(nn.Module):
    """Layer norm without the mean: divide by the root mean square, then scale each channel.

    `weight` is a parameter of shape (D,) that begins as ones; there is no bias. The mean is neither subtracted nor
    computed, and eps is added to the mean square, inside the root.

    Shapes: x (..., D) -> (..., D)
    Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4,
            https://arxiv.org/abs/1910.07467.
    """

    def __init__(self, d_model: int, eps: float = 1e-6) -> None:
        """Create the weight."""
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every position of x."""
        mean_square = (x * x).mean(dim=-1, keepdim=True)                # (..., 1)
        return x / torch.sqrt(mean_square + self.eps) * self.weight


class SwiGLU(nn.Module):
    """A feed-forward network with a gate: one map makes values, a second one decides how much of each passes.

    Learns three linear maps without bias, `w1` and `w3` from D to F and `w2` from F back to D:
    w2(silu(w1 x) * w3 x), where silu(z) = z * sigmoid(z).

    Shapes: x (..., D) -> (..., D)
    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6, https://arxiv.org/abs/2002.05202.
    """

    def __init__(self, d_model: int, d_ff: int) -> None:
        """Create the three maps."""
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Send every position of x through the gated network."""
        z = self.w1(x)                                                  # (..., F)
        gate = z * torch.sigmoid(z)
        result: Tensor = self.w2(gate * self.w3(x))                     # (..., F) -> (..., D)
        return result
