"""Right solutions of 04_encoder_block that look different from the reference; each must get full marks.

A check that rejects one of them asks for a way of writing, not for a result.
"""

import math

import torch
from torch import nn

from autograder.authoring import alternative
from solutions.encoder_block import FeedForward, LayerNorm, gelu, layer_norm
from solutions.multi_head import MultiHeadAttention

# --- layer_norm -------------------------------------------------------------------------------------------------------


@alternative("layer_norm", why="PyTorch's variance, told not to correct.")
def norm_by_var(x, weight, bias, eps=1e-5):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
    return weight * (x - mean) / (variance + eps).sqrt() + bias


@alternative("layer_norm", why="var_mean and rsqrt, with the affine part in one addcmul.")
def norm_by_rsqrt(x, weight, bias, eps=1e-5):
    variance, mean = torch.var_mean(x, dim=-1, unbiased=False, keepdim=True)
    return torch.addcmul(bias, (x - mean) * torch.rsqrt(variance + eps), weight)


@alternative("layer_norm", why="Sums divided by the width, and a power of -1/2 in place of a root.")
def norm_by_powers(x, weight, bias, eps=1e-5):
    shifted = x - x.sum(dim=-1, keepdim=True) / x.shape[-1]
    spread = shifted.pow(2).sum(dim=-1, keepdim=True) / x.shape[-1]
    return shifted * (spread + eps) ** -0.5 * weight + bias


@alternative("layer_norm", why="Computes in double precision and returns the dtype that came in.")
def norm_in_double(x, weight, bias, eps=1e-5):
    wide = x.double()
    centred = wide - wide.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt(torch.einsum("...d,...d->...", centred, centred)[..., None] / x.size(-1) + eps)
    return (scaled * weight.double() + bias.double()).to(x.dtype)


@alternative("layer_norm", why="One vector after the other.")
def norm_row_by_row(x, weight, bias, eps=1e-5):
    rows = []
    for row in x.reshape(-1, x.size(-1)):
        centred = row - row.mean()
        rows.append(centred / torch.sqrt(centred.pow(2).mean() + eps) * weight + bias)
    return torch.stack(rows).reshape(x.shape)


# --- LayerNorm --------------------------------------------------------------------------------------------------------


@alternative("LayerNorm", why="Everything in the layer, no call of layer_norm; eps as a buffer that is not saved.")
class norm_in_one_piece(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.weight = nn.Parameter(torch.full((d_model,), 1.0))
        self.register_buffer("epsilon", torch.tensor(eps), persistent=False)

    def forward(self, x):
        variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(variance + self.epsilon) * self.weight + self.bias


@alternative("LayerNorm", why="register_parameter, init functions, and an argument more.")
class norm_registered_by_name(nn.Module):
    def __init__(self, d_model, eps=1e-5, device=None):
        super().__init__()
        self.e = eps
        self.register_parameter("weight", nn.Parameter(torch.empty(d_model, device=device)))
        self.register_parameter("bias", nn.Parameter(torch.empty(d_model, device=device)))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        assert x.size(-1) == self.weight.numel()
        return layer_norm(x, weight=self.weight, bias=self.bias, eps=self.e)


@alternative("LayerNorm", why="Asks layer_norm only to normalise, and scales and shifts itself.")
class norm_scaled_outside(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        normed = layer_norm(x, torch.ones_like(self.weight), torch.zeros_like(self.bias), self.eps)
        return torch.add(self.bias, torch.mul(self.weight, normed))


# --- gelu -------------------------------------------------------------------------------------------------------------


@alternative("gelu", why="PyTorch's normal distribution function by its short name.")
def gelu_by_ndtr(x):
    return x * torch.special.ndtr(x)


@alternative("gelu", why="The complementary error function, which is more exact far to the left.")
def gelu_by_erfc(x):
    return 0.5 * x * torch.special.erfc(-x * math.sqrt(0.5))


@alternative("gelu", why="A normal distribution object, asked for its distribution function.")
def gelu_by_distribution(x):
    normal = torch.distributions.Normal(torch.zeros((), dtype=x.dtype), torch.ones((), dtype=x.dtype))
    return x * normal.cdf(x)


@alternative("gelu", why="Half of x, plus half of x times erf.")
def gelu_in_two_halves(x):
    half = x / 2
    return half + half * torch.erf(x / 2**0.5)


# --- FeedForward ------------------------------------------------------------------------------------------------------


@alternative("FeedForward", why="Everything functional, dropout too, which is told whether it is training.")
class network_by_functions(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in {"relu", "gelu"}:
            raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear2 = nn.Linear(d_ff, d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.kind, self.p = activation, dropout

    def forward(self, x):
        hidden = nn.functional.linear(x, self.linear1.weight, self.linear1.bias)
        hidden = hidden.clamp(min=0) if self.kind == "relu" else gelu(hidden)
        return self.linear2(nn.functional.dropout(hidden, self.p, self.training))


@alternative(
    "FeedForward", why="Activation modules, the tanh approximation for GELU; an ingredient here, not the task."
)
class network_with_modules(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        match activation:
            case "relu":
                self.bend = nn.ReLU()
            case "gelu":
                self.bend = nn.GELU(approximate="tanh")
            case _:
                raise ValueError(f"expected relu or gelu, got {activation}")
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.drop(self.bend(self.linear1(x))))


@alternative("FeedForward", why="einsum, ReLU by maximum, and a dropout of its own.")
class network_by_einsum(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation == "relu":
            self.activation = lambda t: torch.maximum(t, torch.zeros_like(t))
        elif activation == "gelu":
            self.activation = nn.functional.gelu
        else:
            raise ValueError(f"activation must be relu or gelu, got {activation!r}")
        self.linear1 = nn.Linear(in_features=d_model, out_features=d_ff)
        self.linear2 = nn.Linear(in_features=d_ff, out_features=d_model)
        self.rate = dropout

    def forward(self, x):
        hidden = torch.einsum("...d,fd->...f", x, self.linear1.weight) + self.linear1.bias
        hidden = self.activation(hidden)
        if self.training and self.rate > 0:
            hidden = hidden * (torch.rand_like(hidden) >= self.rate) / (1 - self.rate)
        return torch.einsum("...f,df->...d", hidden, self.linear2.weight) + self.linear2.bias


@alternative("FeedForward", why="ReLU commutes with dropout, so for ReLU the order of the two makes no difference.")
class network_drops_before_relu(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"activation must be relu or gelu, got {activation!r}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.gelu = activation == "gelu"
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if self.gelu:
            return self.linear2(self.dropout(gelu(self.linear1(x))))
        return self.linear2(self.dropout(self.linear1(x)).relu())


# --- PostNormEncoderBlock ---------------------------------------------------------------------------------------------


@alternative("PostNormEncoderBlock", why="Two dropouts, torch.add, and a helper for the two halves.")
class post_with_a_helper(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout=dropout, activation=activation)
        self.attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.dropout1, self.dropout2 = nn.Dropout(dropout), nn.Dropout(dropout)

    def add_and_norm(self, x, said, dropout, norm):
        return norm(torch.add(x, dropout(said)))

    def forward(self, x, mask=None):
        x = self.add_and_norm(x, self.attention(x, x, x, mask)[0], self.dropout1, self.norm1)
        return self.add_and_norm(x, self.feed_forward(x), self.dropout2, self.norm2)


@alternative(
    "PostNormEncoderBlock", why="PyTorch's own layer norm inside, which has the same names; functional dropout."
)
class post_with_torch_norms(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout, True)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.p = dropout

    def forward(self, x, mask=None):
        output, _ = self.attention(query=x, mask=mask)
        x = self.norm1(nn.functional.dropout(output, self.p, self.training) + x)
        output = self.feed_forward(x)
        return self.norm2(nn.functional.dropout(output, self.p, self.training) + x)


@alternative("PostNormEncoderBlock", why="In place, but only on tensors of its own.")
class post_in_place_on_its_own(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.norm1 = LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm2 = LayerNorm(d_model)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        stream = x.clone()
        stream += self.drop(self.attention(x, mask=mask)[0])
        stream = self.norm1(stream)
        said = self.feed_forward(stream)
        return self.norm2(self.drop(said).add_(stream))


# --- PreNormEncoderBlock ----------------------------------------------------------------------------------------------


@alternative("PreNormEncoderBlock", why="A helper that gets the sub-layer as a function; two dropouts.")
class pre_with_a_helper(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout=dropout, activation=activation)
        self.attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.drops = nn.ModuleList([nn.Dropout(dropout) for _ in range(2)])

    def residual(self, x, norm, sub_layer, drop):
        return x + drop(sub_layer(norm(x)))

    def forward(self, x, mask=None):
        x = self.residual(x, self.norm1, lambda n: self.attention(n, mask=mask)[0], self.drops[0])
        return self.residual(x, self.norm2, self.feed_forward, self.drops[1])


@alternative("PreNormEncoderBlock", why="Key and value named, PyTorch's layer norm, everything kept in variables.")
class pre_with_everything_named(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model=d_model, num_heads=num_heads, dropout=dropout)
        self.feed_forward = FeedForward(d_model=d_model, d_ff=d_ff, dropout=dropout, activation=activation)
        self.norm1, self.norm2 = nn.LayerNorm(d_model, eps=1e-5), nn.LayerNorm(d_model, eps=1e-5)
        self.dropout = dropout

    def forward(self, x, mask=None):
        residual = x
        x = self.norm1(x)
        x, _weights = self.attention(x, x, x, mask=mask)
        x = nn.functional.dropout(x, p=self.dropout, training=self.training)
        x = residual + x
        residual = x
        x = self.norm2(x)
        x = self.feed_forward(x)
        x = nn.functional.dropout(x, p=self.dropout, training=self.training)
        return residual + x


@alternative("PreNormEncoderBlock", why="Adds up what was said, and adds the input last.")
class pre_with_a_sum_of_updates(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.rate = dropout

    def drop(self, said):
        if not self.training or self.rate == 0:
            return said
        return torch.where(torch.rand_like(said) < self.rate, 0.0, said / (1 - self.rate))

    def forward(self, x, mask=None):
        first = self.drop(self.attention(self.norm1(x), mask=mask)[0])
        second = self.drop(self.feed_forward(self.norm2(x + first)))
        return x + (first + second)


# --- pre_norm_step ----------------------------------------------------------------------------------------------------


@alternative("pre_norm_step", why="The stream is put aside under another name before x is normalised.")
def stream_put_aside(x, weight, bias, w1, w2):
    residual = x
    x = layer_norm(x, weight, bias)
    x = (x @ w1).relu() @ w2
    return residual + x


@alternative("pre_norm_step", why="In one line, with the functional linear maps, and the stream as the second summand.")
def step_in_one_line(x, weight, bias, w1, w2):
    return nn.functional.linear(nn.functional.linear(layer_norm(x, weight, bias), w1.T).clamp_min(0.0), w2.T).add(x)


@alternative("pre_norm_step", why="Its own norm, and einsum.")
def step_by_einsum(x, weight, bias, w1, w2):
    variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    n = (x - mean) * torch.rsqrt(variance + 1e-5) * weight + bias
    hidden = torch.einsum("...d,df->...f", n, w1)
    return torch.einsum("...f,fd->...d", torch.where(hidden > 0, hidden, torch.zeros_like(hidden)), w2) + x


@alternative("pre_norm_step", why="One position after the other, in a copy that is then added to in place.")
def step_into_a_copy(x, weight, bias, w1, w2):
    rows = x.reshape(-1, x.size(-1))
    said = torch.stack([torch.relu(layer_norm(row, weight, bias) @ w1) @ w2 for row in rows])
    stream = x.clone()
    stream += said.reshape(x.shape)
    return stream


# --- test_layer_norm --------------------------------------------------------------------------------------------------


@alternative("test_layer_norm", why="PyTorch's own layer norm says what is right, for numbers and for gradients.")
def judged_by_pytorch(layer_norm):
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(3, generator=generator), torch.randn(3, generator=generator) + 2
    for shape, size, options in (((3,), 1.0, (0.5,)), ((5, 3), 0.003, ()), ((2, 5, 3), 0.1, (0.01,))):
        x = size * torch.randn(*shape, generator=generator)
        toward = torch.randn(*shape, generator=generator)
        results = []
        for function in (layer_norm, lambda x, w, b, *eps: nn.functional.layer_norm(x, (3,), w, b, *eps)):
            leaf = x.clone().requires_grad_()
            y = function(leaf, weight, bias, *options)
            results.append((y, *torch.autograd.grad((y * toward).sum(), leaf)))
        for found, expected in zip(*results, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    far = torch.tensor([[16384.0, 16386.0, 16389.0]])
    torch.testing.assert_close(
        layer_norm(far, weight, bias), nn.functional.layer_norm(far, (3,), weight, bias), rtol=1e-3, atol=1e-3
    )


@alternative(
    "test_layer_norm", why="Numbers worked out by hand, and what gradients must sum to, with errors of its own."
)
def judged_by_hand(layer_norm):
    def refuse_unless(found, expected):
        if list(found.shape) != list(torch.tensor(expected).shape):
            raise ValueError("shape")
        if (found - torch.tensor(expected)).abs().max() > 2e-3:
            raise ValueError("numbers")

    ones = torch.ones(2)
    weight, bias = torch.tensor([10.0, 20.0]), torch.tensor([7.0, 5.0])
    refuse_unless(layer_norm(torch.tensor([1.0, 3.0]), weight, bias, 3.0), [2.0, 15.0])
    refuse_unless(layer_norm(torch.tensor([[1.0, 9.0], [6.0, -2.0]]), weight, bias, 9.0), [[-1.0, 21.0], [15.0, -11.0]])
    deep = layer_norm(torch.tensor([[[1.0, 3.0], [6.0, 2.0], [4.0, 4.0]]]), weight, bias)
    refuse_unless(deep, [[[-3.0, 25.0], [17.0, -15.0], [7.0, 5.0]]])
    # Three numbers: the mean distance from the mean is not the standard deviation.
    third = layer_norm(torch.tensor([0.0, 0.0, 3.0]), torch.ones(3), torch.zeros(3))
    refuse_unless(third, [-(0.5**0.5), -(0.5**0.5), 2**0.5])
    # A variance of 1e-5 beside an eps of 1e-5: the root of one half is left.
    quiet = 1e-5**0.5
    refuse_unless(layer_norm(torch.tensor([-quiet, quiet]), ones, 0 * ones), [-(0.5**0.5), 0.5**0.5])
    refuse_unless(layer_norm(torch.tensor([16383.0, 16385.0]), ones, 0 * ones), [-1.0, 1.0])
    x = torch.tensor([1.0, 4.0, -2.0, 0.5], requires_grad=True)
    (layer_norm(x, torch.ones(4), torch.zeros(4)) * torch.tensor([1.0, 2.0, 4.0, -3.0])).sum().backward()
    # Neither a shift of all channels nor, far above eps, a change of loudness changes anything.
    if x.grad is None or abs(x.grad.sum()) > 1e-3 or abs((x.grad * x.detach()).sum()) > 1e-3:
        raise ValueError("gradient")


@alternative("test_layer_norm", why="A formula of its own in double precision, through matrices, and its Jacobian.")
def judged_by_matrices(layer_norm):
    def expected_of(x, weight, bias, eps):
        d = x.size(-1)
        centre = torch.eye(d, dtype=torch.float64) - 1 / d
        c = x.double() @ centre
        return (c / (c.pow(2).sum(-1, keepdim=True) / d + eps).sqrt() * weight.double() + bias.double()).float()

    generator = torch.Generator().manual_seed(7)
    weight, bias = torch.tensor([3.0, -2.0, 0.5, 1.5, -4.0]), torch.tensor([1.0, 2.0, -3.0, 4.0, 0.5])
    for x, options in (
        (torch.randn(2, 3, 5, generator=generator), {"eps": 0.2}),
        (torch.randn(7, 5, generator=generator) / 400, {}),
        (torch.randn(5, generator=generator), {"eps": 1.0}),
        (torch.randn(2, 1, 2, 5, generator=generator) / 100, {"eps": 1e-4}),
        (8192 + torch.tensor([[3.0, -4.0, 0.0, 6.0, 1.0]]), {}),
    ):
        found = layer_norm(x, weight, bias, **options)
        assert found.shape == x.shape
        assert (found - expected_of(x, weight, bias, options.get("eps", 1e-5))).abs().max() < 1e-3
    x = torch.tensor([1.0, 2.0, -1.0, 4.0, 0.0])
    wanted = torch.autograd.functional.jacobian(lambda t: expected_of(t, weight, bias, 0.3), x)
    for channel in range(5):
        leaf = x.clone().requires_grad_()
        (row,) = torch.autograd.grad(layer_norm(leaf, weight, bias, 0.3)[channel], leaf)
        assert (row - wanted[channel]).abs().max() < 1e-3


# --- RMSNorm, an extra ------------------------------------------------------------------------------------------------


@alternative("RMSNorm", why="rsqrt and pow.")
class rms_by_rsqrt(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.e = eps

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.e))


@alternative("RMSNorm", why="The length of the vector, squared and divided by the width.")
class rms_by_length(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        squares = torch.einsum("...d,...d->...", x, x).unsqueeze(-1)
        return x / (squares / x.size(-1) + self.eps) ** 0.5 * self.weight


@alternative("RMSNorm", why="Computes in double precision and returns the dtype that came in.")
class rms_in_double(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d_model)), eps

    def forward(self, x):
        wide = x.double()
        return (wide / wide.square().mean(-1, True).add(self.eps).sqrt()).to(x.dtype) * self.weight


# --- SwiGLU, an extra -------------------------------------------------------------------------------------------------


@alternative("SwiGLU", why="PyTorch's own silu.")
class swiglu_by_silu(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1, self.w3 = (nn.Linear(d_model, d_ff, bias=False) for _ in range(2))
        self.w2 = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        return self.w2(nn.functional.silu(self.w1(x)) * self.w3(x))


@alternative("SwiGLU", why="Both inner maps stacked into one product, and cut apart.")
class swiglu_fused(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        both = x @ torch.cat([self.w1.weight, self.w3.weight]).T
        gate, value = both.chunk(2, dim=-1)
        return (gate * value / (1 + torch.exp(-gate))) @ self.w2.weight.T


@alternative("SwiGLU", why="einsum for all three maps.")
class swiglu_by_einsum(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w3 = nn.Linear(d_model, d_ff, False)
        self.w2 = nn.Linear(d_ff, d_model, False)
        self.w1 = nn.Linear(d_model, d_ff, False)
        self.act = nn.SiLU()

    def forward(self, x):
        gate = self.act(torch.einsum("...d,fd->...f", x, self.w1.weight))
        return torch.einsum("...f,...f,df->...d", gate, self.w3(x), self.w2.weight)
