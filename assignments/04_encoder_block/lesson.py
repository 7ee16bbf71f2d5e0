# %% [markdown]
# # The encoder block
#
# > Nothing is ever recorded twice. Everybody plays along, and what they play is added to the tape.
#
# You can make words read each other, in several ways at once, and know where they stand. One round of that is not
# enough: "it" has to find "animal" before somebody can ask what the animal was too tired for. So layers are
# **stacked**, six in the first Transformer, a hundred and more today. And a stack of bare attention layers does not
# work. You will see it fail in a minute.
#
# What makes stacks work are three plain ideas around the attention, and together they are the **block** from which
# every Transformer is piled up:
#
# - the **residual stream**: a layer does not replace what it has read, it *adds* to it,
# - the **norm**: what a layer reads always has the same loudness,
# - the **feed-forward network**: after the words have listened to each other, each one thinks for itself.
#
# Our picture for this lesson is a **recording studio**. Every word has a tape with $D$ tracks. The tapes travel from
# room to room. In the first room of each block the musicians listen to *each other's* tapes (attention), in the second
# one everybody plays a solo over their *own* (feed-forward). And the rule of the house is **overdubbing**: what is
# played is added to the tape. Nobody ever copies a tape by playing it into a microphone.
#
# **You need** the lessons on attention and on several heads, mean and variance, and an idea of what a gradient is. **It
# takes** a little more than three hours, and half an hour more with the two extras. Every exercise is a good place for
# a break.
#
# | | you write | what it does | minutes |
# |---|---|---|---|
# | 1 | `layer_norm` | brings every vector to the same loudness | 15 |
# | 2 | `LayerNorm` | the same as a layer that learns | 5 |
# | 3 | `gelu` | a soft switch | 5 |
# | 4 | `FeedForward` | every word thinks for itself | 15 |
# | 5 | `PostNormEncoderBlock` | the block of the paper | 20 |
# | 6 | `PreNormEncoderBlock` | the block of today | 15 |
# | 7 | `pre_norm_step` | a famous mistake: find it and mend it | 10 |
# | 8 | `test_layer_norm` | tells right solutions from wrong ones | 30 |
# | + | `RMSNorm` (extra) | a norm that saves a step | 10 |
# | + | `SwiGLU` (extra) | a feed-forward network with a gate | 10 |
#
# The rest of the time is for reading and for playing with the demonstrations. What you wrote in earlier lessons is
# given in the cells below: `MultiHeadAttention` is ready for use. Everything else works as before: `check("...")` tries
# your code, and `autograder hint layer_norm` in a terminal helps in three steps.

# %% setup
import math
from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from autograder import after, check, hint

# How figures look: readable on a light and on a dark page, and lines that differ in more than their colour.
GREY, BLUE, ORANGE, GREEN = "#797979", "#0072B2", "#D55E00", "#009E73"
for part in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color"):
    plt.rcParams[part] = GREY
plt.rcParams["ytick.color"] = "#808080"  # with greys of both kinds, light and dark, Jupyter paints no panel behind
for part in ("figure.facecolor", "axes.facecolor", "savefig.facecolor"):
    plt.rcParams[part] = "none"
for part in ("axes.spines.top", "axes.spines.right", "legend.frameon"):
    plt.rcParams[part] = False
plt.rcParams["figure.constrained_layout.use"] = True
plt.rcParams["figure.dpi"] = 110
plt.rcParams["font.size"] = 11
plt.rcParams["axes.prop_cycle"] = plt.cycler(
    color=[ORANGE, BLUE, GREEN], marker=["o", "s", "^"], linestyle=["-", "--", ":"]
)

# %% given="attention: softmax attention_scores attention_weights scaled_dot_product_attention plot_attention"

# %% given="multi_head: split_heads merge_heads MultiHeadAttention"

# %% [markdown]
# ## 1. Copies of copies
#
# Take eight random words and send them through twelve attention layers, one after the other. Each layer is new, with
# the weights that PyTorch gives it, and nothing is trained. We ask after each layer how **alike** the words have
# become: the cosine of the angle between two words, averaged over all pairs. 0 means that they have nothing in common,
# 1 that they all point the same way.
#
# Then the same twelve layers again, but now what a layer says is *added* to what it has read: `x = x + layer(x)`.

# %%
torch.set_num_threads(1)  # such small matrices are faster without a second thread
generator = torch.Generator().manual_seed(0)
eight_words = torch.randn(1, 8, 32, generator=generator)


def alike(x):
    """The mean cosine between two different words of one sentence."""
    directions = nn.functional.normalize(x[0], dim=-1)
    return ((directions @ directions.T).sum().item() - len(directions)) / (len(directions) * (len(directions) - 1))


torch.manual_seed(0)
layers = [MultiHeadAttention(32, 4) for _ in range(12)]
with torch.no_grad():
    for name, keep in (("replaced", 0.0), ("added", 1.0)):
        x, curve = eight_words, [alike(eight_words)]
        for layer in layers:
            x = keep * x + layer(x)[0]
            curve.append(alike(x))
        plt.plot(range(13), curve, label=f"the words are {'added to' if keep else 'replaced'}")
        print(f"{name:9}", " ".join(f"{c:5.2f}" for c in curve))
plt.gcf().set_size_inches(6.5, 3.4)
plt.xlabel("attention layers")
plt.ylabel("mean cosine between two words")
plt.legend(loc="center right")
plt.show()

# %% [markdown]
# *What the picture shows.* With replacing (circles) the words are 88 percent alike after one layer and one and the same
# word eight times over after two. With adding (squares) they keep their own directions: 0.14 after twelve layers.
#
# The reason is that attention takes *averages*, and an average of averages is flatter than what it was made of. In the
# studio: whoever copies a tape by playing it in a room with seven others gets a bit of everybody, and a copy of the
# copy is mush. Dong et al. (2021) proved it for stacks of pure attention: the words become the same, and they do so
# faster than exponentially.

# %% [markdown]
# ## 2. The residual stream
#
# The cure is one plus sign. A layer $f$ no longer makes $f(x)$ of $x$ but
#
# $$x + f(x).$$
#
# It says only what is to be *changed*. This is called a **residual connection** (He et al., 2016), and what runs
# through the whole stack, from the first sum to the last, is the **residual stream**: the tape. Written out for $n$
# layers it is a sum:
#
# $$x_n = x_0 + f_1(x_0) + f_2(x_1) + \dots + f_n(x_{n-1}).$$
#
# Three things follow.
#
# - **Doing nothing is easy.** A layer that says 0 leaves the stream as it is. Without the sum it would have to learn to
#   copy, which is hard.
# - **Everybody reads everybody.** What layer 1 has added is still there when layer 9 listens. Layers talk to each other
#   through the stream.
# - **The gradient has a motorway.** The derivative of $x + f(x)$ is $1 + f'(x)$. Even where $f'$ is tiny, the 1 carries
#   the message back, all the way down to the first layer.
#
# > **Pitfalls**
# > - *In place.* `x += f(x)` writes onto the caller's own tape. `x = x + f(x)` makes a new one.
# > - *Added to what?* To the very $x$ that was read, not to a cleaned-up version of it. Sections 7 and 11 will come
# >   back to that.

# %% [markdown]
# ## 3. The level control
#
# If everybody only ever adds, tapes get louder and louder, and the one who comes last hears something quite different
# from the one who came first. A studio puts a **level control** in between: it turns every tape up or down until it has
# the same loudness. That is **layer norm** (Ba et al., 2016). For one vector $x$ with $D$ channels:
#
# $$\mu = \frac1D\sum_i x_i \qquad \sigma^2 = \frac1D\sum_i (x_i-\mu)^2 \qquad
# y_i = \frac{x_i-\mu}{\sqrt{\sigma^2+\epsilon}}\cdot w_i + b_i$$
#
# First the mean is taken out, then the loudness is set to 1. Then come a scale $w$ and a shift $b$ for each channel,
# which are learned: if a layer would rather have channel 7 louder, it can.
#
# ### Once by hand
#
# $x = (2, 4, 6, 12)$, so $D = 4$.
#
# | step | |
# |---|---|
# | mean | $(2+4+6+12)/4 = 6$ |
# | without it | $(-4, -2, 0, 6)$ |
# | variance | $(16+4+0+36)/4 = 14$ |
# | root (with $\epsilon = 10^{-5}$) | $\sqrt{14.00001} = 3.742$ |
# | quotient | $(-1.069, -0.535, 0, 1.604)$ |
#
# Its mean is 0, and the mean of its squares is 1.
#
# ### Which numbers share a mean?
#
# This is where most mistakes are made, and the answer is short: **those of one word.**

# %%
# Drawing only: two sentences of three words with five channels.
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.4))
kinds = {
    "layer norm: one word": lambda s, p, c: (s, p) == (0, 1),
    "batch norm: one channel": lambda s, p, c: c == 2,
    "a mistake: one sentence": lambda s, p, c: s == 0,
}
for ax, (title, together) in zip(axes, kinds.items(), strict=True):
    for s in range(2):
        for p in range(3):
            for c in range(5):
                corner = (c + 0.7 * s, -p - 4 * s)
                ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, edgecolor=GREY, lw=0.8))
                if together(s, p, c):
                    ax.add_patch(plt.Rectangle(corner, 1, 1, facecolor=ORANGE, edgecolor=GREY, alpha=0.55, hatch="///"))
        ax.text(-0.3 + 0.7 * s, -0.5 - 4 * s, f"sentence {s}", rotation=90, ha="center", va="center", size=9)
    ax.text(2.5, 1.25, "channels", ha="center", size=9)
    ax.text(5.15, 0.5, "word 0", va="center", size=9)
    ax.text(5.15, -0.5, "word 1", va="center", size=9)
    ax.set(xlim=(-0.9, 7.2), ylim=(-6.3, 2.6), aspect="equal")
    ax.set_title(title, weight="bold", color=GREEN if title.startswith("layer") else GREY)
    ax.axis("off")
plt.show()

# %% [markdown]
# *What the pictures show.* Three times the same numbers: two sentences, three words each (rows), five channels
# (columns). Hatched is a group of numbers that share one mean and one variance. Left, layer norm: one row. Middle,
# batch norm, which is popular with images: one column through the whole batch. Right, a common mistake: a whole
# sentence.
#
# Only on the left does a word come out the same whatever the other words are, however long the sentence, however many
# sentences in the batch, in training as in evaluation. That is what a stack needs in which *attention alone* is
# supposed to carry something from word to word.
#
# > **Pitfalls**
# > - *D or D - 1?* PyTorch's `std` and `var` divide by $D - 1$ unless told otherwise. The formula divides by $D$. At $D
# >   = 4$ the difference is 15 percent, at $D = 768$ less than a thousandth, so tests with wide vectors do not see it.
# > - *Inside or outside?* $\sqrt{\sigma^2 + \epsilon}$, not $\sigma + \epsilon$. Several well-known texts have it
# >   outside. The picture after the exercise shows what that does.
# > - *Lining up.* The mean of `(B, L, D)` over the last axis is `(B, L)`, which does not line up with `(B, L, D)`. Keep
# >   the axis.
# > - *Far from 0.* The variance is also the mean of the squares less the square of the mean. On paper. In float32 two
# >   huge numbers cancel, and nothing is left.
# > - *In place.* `x -= mean` changes the caller's tensor, on which others rely.

# %% solution="layer_norm"

# %% check="layer_norm"

# %%
with after("layer_norm"):
    generator = torch.Generator().manual_seed(0)
    loudness = 10 ** torch.linspace(-7, 2, 46)
    shape = torch.randn(16, generator=generator)
    shape = (shape - shape.mean()) / shape.std(correction=0)  # a vector with mean 0 and standard deviation 1
    vectors = loudness[:, None] * shape
    inside = layer_norm(vectors, torch.ones(16), torch.zeros(16)).std(-1, correction=0)
    outside = (vectors / (vectors.std(-1, correction=0, keepdim=True) + 1e-5)).std(-1, correction=0)
    plt.figure(figsize=(6.5, 3.4))
    plt.semilogx(loudness, inside, label="eps inside the root: yours", markevery=3)
    plt.semilogx(loudness, outside, label="eps outside", markevery=3)
    plt.xlabel("loudness of what comes in (standard deviation)")
    plt.ylabel("loudness of what comes out")
    plt.legend()
    plt.show()
    hand = layer_norm(torch.tensor([2.0, 4.0, 6.0, 12.0]), torch.ones(4), torch.zeros(4))
    print("the example by hand:", [round(y, 3) for y in hand.tolist()])

# %% [markdown]
# *What the picture shows.* Across, how loud a vector is; up, how loud it comes out. On the right side both curves lie
# at 1: the level control does its work. On the left, eps wins: what is much quieter than it is silence and stays
# silence. With eps inside (circles) half of the loudness is reached near 0.002, because there $10^{-5}$ is a
# *variance*, and its root is 0.003. With eps outside (squares) it is reached at 0.00001, nearly two hundred times
# lower: a network with that norm hears noise where yours hears nothing.
#
# At ordinary loudness nobody could tell the two apart. That is why checks turn eps up to 0.1 and vectors down to a
# hundredth: **a test has to look where the mistake is.**
#
# ### The layer
#
# `LayerNorm` keeps $w$ and $b$, called `weight` and `bias`, as parameters. They begin as ones and zeros, so that a new
# layer only normalises.

# %% solution="LayerNorm"

# %% check="LayerNorm"

# %% [markdown]
# ## 4. A soft switch
#
# Now to the second room, where every word plays a solo. It needs something that is not linear, and the simplest such
# thing is a switch: **ReLU** lets positive numbers pass and stops negative ones, $\max(0, x)$. It has a corner at 0,
# and left of the corner it is dead: no output, no gradient.
#
# **GELU** (Hendrycks and Gimpel, 2016) has no corner. It multiplies $x$ by a share between 0 and 1,
#
# $$\mathrm{gelu}(x) = x\cdot\Phi(x), \qquad \Phi(x) = \tfrac12\left(1 + \mathrm{erf}\frac{x}{\sqrt2}\right),$$
#
# and the share $\Phi(x)$ is the area under the bell curve (mean 0, standard deviation 1) to the left of $x$. Far to the
# right everything passes, far to the left nothing, and at 0 one half. It is the activation of BERT and GPT-2.
#
# | $x$ | $-3$ | $-1$ | $0$ | $0.5$ | $2$ |
# |---|---|---|---|---|---|
# | share $\Phi(x)$ | 0.0013 | 0.1587 | 0.5 | 0.6915 | 0.9772 |
# | $\mathrm{gelu}(x)$ | $-0.0040$ | $-0.1587$ | 0 | 0.3457 | 1.9545 |
#
# PyTorch has $\mathrm{erf}$ as `torch.erf`; it belongs to a narrower bell, hence the root of 2. Many programs use an
# approximation with tanh, which is off by up to 0.0005 near $\pm 2.7$. Here the exact function is wanted.

# %% solution="gelu"

# %% check="gelu"

# %%
with after("gelu"):
    x = torch.linspace(-4, 3, 141, requires_grad=True)
    curves = {"ReLU": torch.relu(x), "GELU": gelu(x), "share": 0.5 * torch.erfc(-x / math.sqrt(2))}
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.4))
    for name, y in curves.items():
        axes[0].plot(x.detach(), y.detach(), label=name, markevery=20)
        if name != "share":
            axes[1].plot(x.detach(), torch.autograd.grad(y.sum(), x)[0], label=name, markevery=20)
    axes[0].set(title="what passes", xlabel="x")
    axes[1].set(title="slope", xlabel="x")
    axes[0].legend()
    axes[1].legend()
    plt.show()

# %% [markdown]
# *What the pictures show.* Left: ReLU (circles) with its corner, GELU (squares) as a smooth version of it that dips a
# little below 0, and the share (triangles) that GELU multiplies by. Right: the slopes. ReLU's jumps from 0 to 1. GELU's
# overshoots 1 a little, and on the left it dips below 0 before it dies out: between about $-3$ and $0$ a hidden number
# still gets a gradient and can come back.

# %% [markdown]
# ## 5. Everybody thinks for themselves
#
# The **feed-forward network** maps a word to $F$ hidden numbers, switches each of them, and maps back:
#
# $$\mathrm{FFN}(x) = \mathrm{act}(x W_1 + b_1)\,W_2 + b_2$$
#
# It is **position-wise**: every word goes through the same two maps, and none hears of another. $F$ is usually $4D$, so
# two thirds of the numbers that a block learns are here: $2\cdot 4D^2$, against $4D^2$ in the attention.
#
# Why the switch? Because two linear maps in a row are one linear map. Let us count on it after the exercise.
#
# In training, **dropout** acts on the hidden numbers, after the activation. (What dropout does was shown in the lesson
# on several heads: some numbers become 0, the others are divided by $1 - p$, and in evaluation nothing happens.)
#
# > **Pitfalls**
# > - *The names are part of the task*: `linear1`, `linear2`.
# > - *One switch, between the maps.* With one after the second map the network could only ever add, never take away.
# > - *Unknown names.* `activation="rleu"` is a slip of the finger. Refuse it when the network is created, with a
# >   `ValueError` that says what there is.
# > - *The residual is not here.* The block adds. If the network adds as well, everything is added twice.

# %% solution="FeedForward"

# %% check="FeedForward"

# %%
with after("FeedForward"):
    points = torch.linspace(-2, 2, 81)[:, None]
    target = torch.sin(3 * points)
    fig, ax = plt.subplots(figsize=(7, 3.6))
    ax.plot(points, target, "-", marker="", color=GREY, lw=5, alpha=0.4, label="to be learned")
    for name in ("relu", "gelu", "nothing"):
        torch.manual_seed(2)
        network = FeedForward(1, 32, activation="relu" if name == "nothing" else name)
        run = network if name != "nothing" else nn.Sequential(network.linear1, network.linear2)
        optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
        for _ in range(400):
            loss = (run(points) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ax.plot(points, run(points).detach(), markevery=10, label=f"between the maps: {name}")
        print(f"between the maps: {name:8} error {loss.item():.4f}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax.set(xlabel="x", ylim=(-1.7, 1.7))
    plt.show()

# %% [markdown]
# *What the picture shows.* A wave (thick grey line), and what three networks of the same size have learned of it after
# 400 steps. With ReLU (circles) it follows the wave in straight pieces, with GELU (squares) in smooth ones. With
# nothing between the maps (triangles) it is a straight line, and no training in the world will bend it: 32 hidden
# numbers, and not one more possibility than a single map has. Its error is what the best line leaves.
#
# **What breaks when the feed-forward network is missing?** Attention only ever *mixes* values: once the weights are
# fixed, what it gives is linear in them. Without the second room nobody computes anything new from what was gathered.

# %% [markdown]
# ## 6. The block
#
# Two rooms, each with a plus sign and a level control. Where does the level control stand? There are two answers.
#
# | | | in the studio |
# |---|---|---|
# | **post-norm** (the paper; BERT) | $x \leftarrow \mathrm{norm}(x + f(x))$ | after each room the *tape* is mastered |
# | **pre-norm** (GPT-2, most since) | $x \leftarrow x + f(\mathrm{norm}(x))$ | the control is in the *headphones* |

# %%
# Drawing only.
fig, axes = plt.subplots(1, 2, figsize=(10, 7))


def box(ax, x, y, text, color, width=2.6):
    """A box with a text, centred at (x, y)."""
    corner = (x - width / 2, y - 0.32)
    ax.add_patch(plt.Rectangle(corner, width, 0.64, facecolor="none", edgecolor=color, lw=2))
    ax.text(x, y, text, ha="center", va="center", color=color, weight="bold", size=10)


def arrow(ax, *path, color=GREY):
    """A line through the points of the path, with a head at its end."""
    xs, ys = zip(*path, strict=True)
    ax.plot(xs[:-1], ys[:-1], "-", marker="", color=color, lw=2)
    ax.annotate(
        "", path[-1], path[-2], arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    )


def plus(ax, x, y):
    """Where something is added."""
    ax.add_patch(plt.Circle((x, y), 0.24, facecolor="none", edgecolor=ORANGE, lw=2))
    ax.text(x, y - 0.02, "+", ha="center", va="center", color=ORANGE, size=15)


for ax, kind in zip(axes, ("post-norm", "pre-norm"), strict=True):
    y = 0.0
    ax.text(0, y - 0.25, "x", ha="center", va="top", weight="bold")
    for name, norm, color in (("attention", "norm1", BLUE), ("feed-forward", "norm2", GREEN)):
        # From below: fork, (norm,) sub-layer, plus, (norm).
        side = 2.4 if kind == "post-norm" else 0.0  # where the stream runs
        fork, inner = (0.0, y + 0.45), 0.0 if kind == "post-norm" else 2.4
        sub, total = y + (1.3 if kind == "post-norm" else 2.2), y + (2.3 if kind == "post-norm" else 3.2)
        if kind == "pre-norm":
            arrow(ax, (0, y), (0, total - 0.24), color=ORANGE)
        if kind == "post-norm":
            arrow(ax, (0, y), (0, sub - 0.32))
            arrow(ax, (0, sub + 0.32), (0, total - 0.24))
            arrow(ax, fork, (side, fork[1]), (side, total), (0.24, total), color=ORANGE)
            arrow(ax, (0, total + 0.24), (0, total + 0.68))
            box(ax, 0, total + 1.0, norm, GREY)
            y = total + 1.32
        else:
            arrow(ax, fork, (inner, fork[1]), (inner, y + 0.88))
            box(ax, inner, y + 1.2, norm, GREY)
            arrow(ax, (inner, y + 1.52), (inner, sub - 0.32))
            arrow(ax, (inner, sub + 0.32), (inner, total), (0.24, total), color=color)
            y = total + 0.24
        box(ax, inner, sub, name, color)
        plus(ax, 0, total)
        if name == "attention":
            arrow(
                ax,
                (inner - 2.2 if kind == "post-norm" else inner + 2.2, sub),
                (inner + (-1.3 if kind == "post-norm" else 1.3), sub),
            )
            ax.text(
                inner + (-2.3 if kind == "post-norm" else 2.3),
                sub,
                "mask",
                ha="right" if kind == "post-norm" else "left",
                va="center",
            )
    top = y + 0.5
    arrow(ax, (0, y), (0, top), color=ORANGE if kind == "pre-norm" else GREY)
    left, right = (-3.3, 3.0) if kind == "post-norm" else (-1.2, 5.6)
    ax.add_patch(plt.Rectangle((left, 0.15), right - left, y - 0.0, fill=False, edgecolor=GREY, ls="--", lw=1))
    ax.text(right - 0.1, y + 0.05, "N times", ha="right", va="top", size=10)
    if kind == "pre-norm":
        box(ax, 0, top + 0.36, "one last norm", GREY)
        arrow(ax, (0, top + 0.68), (0, top + 1.2))
    ax.set(xlim=(-3.9, 5.8), ylim=(-0.7, 9.0), aspect="equal")
    ax.set_title(kind, weight="bold")
    ax.axis("off")
plt.show()

# %% [markdown]
# *What the picture shows.* Both blocks, from below to above. Orange is the residual edge, often forgotten in drawings.
# On the left, **post-norm**: the edge goes around each sub-layer, and the sum goes *through the norm* before it travels
# on. On the right, **pre-norm**: put your finger on the x and follow the orange line upwards. It meets two plus signs
# and nothing else. The norms stand in the side roads. The dashed frame is one block; N of them are piled up. Behind the
# last one a pre-norm stack has *one* more norm, since nobody has tidied up the stream until then; it belongs to the
# model of the next lesson, not to the block.
#
# In both blocks **dropout** acts on what a sub-layer says, just before it is added, and never on the stream: a hole in
# the motorway would be a hole for all rooms that follow. The same rate is handed on to the attention (for its weights)
# and to the feed-forward network (for its hidden numbers).
#
# ### Write them
#
# The parts are called `attention`, `feed_forward`, `norm1` (of the attention) and `norm2` (of the feed-forward
# network). Post-norm first, because it is the paper's.
#
# > **Pitfalls**
# > - *The attention returns two things.* Only its output goes on.
# > - *The mask is its fourth argument*, behind key and value. Call it by name.
# > - *Two norms, not one used twice.* In a new block nobody sees the difference: both begin as ones and zeros.
# > - *The second sum* adds to what came out of the first, not to the x with which the block began.

# %% solution="PostNormEncoderBlock"

# %% check="PostNormEncoderBlock"

# %% [markdown]
# ## 7. Headphones
#
# Now pre-norm. The two differ by where a bracket closes, and your fingers will want to write the first one again.
#
# There is a slip in writing the second one that has been found in several public repositories. Such code raises no
# error, and it trains, more or less. In section 11 you will meet it in the flesh.
#
# A check that finds it at once: **let both sub-layers say nothing.** Set the weights and biases of `w_o` and of
# `linear2` to 0. What should come out of a pre-norm block? And of a post-norm block? Try to answer before you read on.
#
# <details>
# <summary>Answer</summary>
#
# Pre-norm: $x + 0 + 0$, that is $x$, to the last bit. Post-norm: the norm of the norm of $x$, which for a new block is
# nearly the norm of $x$.
#
# </details>

# %% solution="PreNormEncoderBlock"

# %% check="PreNormEncoderBlock"

# %%
with after("PreNormEncoderBlock", "PostNormEncoderBlock"):
    torch.manual_seed(0)
    x = 3 * torch.randn(2, 5, 12)
    for block in (PreNormEncoderBlock(12, 3, 48), PostNormEncoderBlock(12, 3, 48)):
        for silent in (block.attention.w_o, block.feed_forward.linear2):
            nn.init.zeros_(silent.weight)
            nn.init.zeros_(silent.bias)
        with torch.no_grad():
            y = block(x)
        change, size = (y - x).abs().max().item(), y.std(-1, correction=0).mean().item()
        print(f"{type(block).__name__:21} largest change {change:.3f}, standard deviation of a word {size:.3f}")
    sizes = {name: p.numel() for name, p in PreNormEncoderBlock(512, 8, 2048).named_parameters()}
    for part in ("attention", "feed_forward", "norm"):
        count = sum(size for name, size in sizes.items() if name.startswith(part))
        print(f"{part:13} {count:9,} numbers to learn, {count / sum(sizes.values()):.1%}")

# %% [markdown]
# The last three lines count the numbers of one block of the original size, $D = 512$ and $F = 2048$: a third for
# listening, two thirds for thinking, and next to nothing for the norms.

# %% [markdown]
# ## 8. What breaks without ...
#
# Time to take the parts away, one at a time, and to **measure**. Four stacks of 1 to 32 blocks: pre-norm, post-norm,
# pre-norm without the residuals, and pre-norm without the norms. Nothing is trained. A random loss is put on top, and
# we ask how large its gradient still is when it arrives at the bottom, at the words. Ideally a word at the bottom hears
# about as much as somebody at the top: 1.
#
# Networks begin with random weights, and it matters how large. We try two ways: what `nn.Linear` does by itself, and
# *Xavier*, which is larger here, and which many Transformers start from.

# %%
depths = (1, 2, 4, 8, 16, 32)


def without_residuals(block, x):
    """A pre-norm block in which each sub-layer replaces the stream."""
    return block.feed_forward(block.norm2(block.attention(block.norm1(x))[0]))


def without_norms(block, x):
    """A pre-norm block whose sub-layers read the raw stream."""
    x = x + block.attention(x)[0]
    return x + block.feed_forward(x)


STYLES = {
    "pre-norm": {"color": ORANGE, "marker": "o", "ls": "-"},
    "post-norm": {"color": BLUE, "marker": "s", "ls": "--"},
    "no residuals": {"color": GREEN, "marker": "^", "ls": ":"},
    "no norms": {"color": GREY, "marker": "D", "ls": "-."},
}


def build(kind, depth, width=32):
    """A stack of blocks and how to send x through it."""
    make = PostNormEncoderBlock if kind == "post-norm" else PreNormEncoderBlock
    blocks = nn.ModuleList(make(width, 4, 4 * width) for _ in range(depth))
    steps = {"no residuals": without_residuals, "no norms": without_norms}
    last = LayerNorm(width) if kind == "pre-norm" else nn.Identity()

    def run(x):
        for block in blocks:
            x = steps[kind](block, x) if kind in steps else block(x)
        return last(x), x  # with the last norm of a pre-norm stack, and the bare stream

    return blocks, run


def start_with_xavier(blocks):
    """Large random weights, and biases of 0; norms stay as they are."""
    for name, parameter in blocks.named_parameters():
        if "norm" not in name:
            nn.init.xavier_uniform_(parameter) if parameter.dim() > 1 else nn.init.zeros_(parameter)


with after("PreNormEncoderBlock", "PostNormEncoderBlock"):
    fig, axes = plt.subplots(2, 2, figsize=(10, 7))
    for start, ax in zip(("nn.Linear", "Xavier"), axes[0], strict=True):
        for kind in STYLES:
            gradients, sizes, likeness = [], [], []
            for depth in depths:
                torch.manual_seed(0)
                blocks, run = build(kind, depth)
                if start == "Xavier":
                    start_with_xavier(blocks)
                x = torch.randn(4, 8, 32, requires_grad=True)
                y, stream = run(x)
                wish = torch.randn(4, 8, 32)
                (y * wish).sum().backward()
                gradients.append((x.grad.norm() / wish.norm()).item())
                sizes.append(stream.std().item())
                likeness.append(alike(stream.detach()))
            ax.loglog(depths, gradients, label=kind, **STYLES[kind])
            print(f"{start:9} {kind:13} gradient", " ".join(f"{g:7.2g}" for g in gradients))
            if start == "Xavier":
                axes[1, 0].loglog(depths, sizes, **STYLES[kind])
                axes[1, 1].semilogx(depths, likeness, **STYLES[kind])
                print(f"{'':23} size    ", " ".join(f"{size:7.2g}" for size in sizes))
                print(f"{'':23} alike   ", " ".join(f"{cosine:7.2f}" for cosine in likeness))
        ax.set_title(f"gradient at the words, start: {start}")
    axes[1, 0].set_title("size of the stream, start: Xavier")
    axes[1, 1].set_title("how alike the words are, start: Xavier")
    axes[0, 0].legend()
    for ax in axes.flat:
        ax.set_xticks(depths, [str(depth) for depth in depths])
        ax.minorticks_off()
        ax.set_xlabel("blocks")
    plt.show()

# %% [markdown]
# *What the pictures show.* Across are always the blocks; all scales but the last one upwards are logarithmic.
#
# - **Upper left**, gradients from the small start. Through 32 blocks pre-norm (circles) brings down 0.92 of the
#   gradient and post-norm (squares) 0.66. Without residuals (triangles) less than a hundredth is left: the motorway is
#   gone, and every room passes on only what it makes of the message.
# - **Upper right**, the same from the large start. Now it is the stack without norms (diamonds) that breaks, in the
#   other direction: its gradient has grown by a factor of 70 billion.
# - **Lower left** is the reason: without norms, a louder stream makes every sub-layer louder, which makes the stream
#   louder still, up to 5 million after 32 blocks. Pre-norm grows too, but slowly, to 6: 64 additions of things of about
#   the same size. Post-norm is at 1 by construction.
# - **Lower right**: without residuals all words are one word again after two blocks, as in section 1: the norms have
#   kept up the loudness, but not the differences. Post-norm and the stack without norms get there as well, with 8
#   blocks. In post-norm each norm turns the tape down a little in favour of what was just played. Pre-norm holds out
#   longest.
#
# Now let them learn. A task that needs no more than one good look: say the sentence backwards, eight random letters out
# of ten, with eight blocks and the large start. Whoever guesses has a loss of $\ln 10 = 2.3$.

# %%
sentence_length, alphabet = 8, 10


def train(kind, depth=8, steps=70, width=32):
    """Train a stack to say letters backwards; returns the loss of each step."""
    torch.manual_seed(0)
    blocks, run = build(kind, depth, width)
    start_with_xavier(blocks)
    embedding, head = nn.Embedding(alphabet, width), nn.Linear(width, alphabet)
    positions = nn.Parameter(torch.randn(sentence_length, width))
    everything = [positions, *embedding.parameters(), *head.parameters(), *blocks.parameters()]
    optimizer = torch.optim.Adam(everything, lr=0.005)
    losses = []
    for _ in range(steps):
        ids = torch.randint(alphabet, (32, sentence_length))
        y, _ = run(embedding(ids) + positions)
        loss = nn.functional.cross_entropy(head(y).flatten(0, 1), ids.flip(1).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


with after("PreNormEncoderBlock", "PostNormEncoderBlock"):
    fig, ax = plt.subplots(figsize=(6.5, 3.6))
    for kind, style in STYLES.items():
        losses = train(kind)
        smooth = [sum(losses[i : i + 10]) / 10 for i in range(0, len(losses) - 9, 5)]
        ax.plot(range(5, 5 + 5 * len(smooth), 5), smooth, label=kind, markevery=2, **style)
        print(f"{kind:13} loss of the last ten steps {smooth[-1]:.3f}")
    ax.axhline(math.log(10), color=GREY, lw=1)
    ax.set(xlabel="step", ylabel="loss", yscale="log")
    ax.text(64, math.log(10) * 1.1, "guessing", ha="right", va="bottom", size=9)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %% [markdown]
# *What the picture shows.* The loss against the training step, on a logarithmic scale. **Pre-norm** (circles) has
# learned the task after 70 steps. **Post-norm** (squares) is still guessing. The paper trained it with a learning rate
# that begins at nearly 0 and is warmed up over thousands of steps. (Xiong et al. explain why; you will write the
# warm-up in the lesson on training.) **Without residuals** (triangles) nothing is learned at all. **Without norms**
# (diamonds) the loss is in the hundreds and jumps about.
#
# Be fair to the losers. Delete the line `start_with_xavier(blocks)` in `train` and run the cell once more. From the
# small start the stack without norms learns as fast as pre-norm, and post-norm is on its way, more slowly. Only the
# stack without residuals stays where it was. So norms are not what makes a small, gently started network learn. **They
# make it matter less how it was started**, how deep it is and how large the steps are.

# %% [markdown]
# ## 9. One word on its way through the block
#
# Who hears of whom, and when? Send a sentence of six words through a pre-norm block twice; the second time word 2 is
# another one. At seven places in the block we look how much each position has changed.

# %%
with after("PreNormEncoderBlock"):
    torch.manual_seed(1)
    block = PreNormEncoderBlock(16, 4, 64)
    first = torch.randn(1, 6, 16)
    second = first.clone()
    second[0, 2] = torch.randn(16)

    def stations(x):
        """What is seen at each station of the block."""
        seen = {"x": x, "norm1": block.norm1(x)}
        seen["attention says"] = block.attention(seen["norm1"])[0]
        seen["first sum"] = x + seen["attention says"]
        seen["norm2"] = block.norm2(seen["first sum"])
        seen["network says"] = block.feed_forward(seen["norm2"])
        seen["second sum"] = seen["first sum"] + seen["network says"]
        return seen

    with torch.no_grad():
        pairs = zip(stations(first).items(), stations(second).values(), strict=True)
        changes = {name: (a - b).norm(dim=-1)[0] for (name, a), b in pairs}
    fig, ax = plt.subplots(figsize=(7, 4))
    table = torch.stack(list(changes.values()))
    ax.imshow(table.clamp(min=1e-3).log10(), cmap="viridis", vmin=-2, vmax=1, aspect="auto")
    for row, line in enumerate(table):
        for column, change in enumerate(line.tolist()):
            ink = "white" if change < 1 else "black"
            ax.text(column, row, f"{change:.2f}" if change else "0", ha="center", va="center", color=ink)
    ax.set_xticks(range(6), [f"word {i}" for i in range(6)])
    ax.set_yticks(range(7), list(changes))
    ax.set_title("change when word 2 is replaced")
    plt.show()

# %% [markdown]
# *What the picture shows.* From top to bottom the stations of the block, from left to right the words; each cell is the
# length of the change. An exact 0 means that this word has not noticed anything. The norm keeps the change where it is.
# **The attention spreads it**, thinly, to everybody. The first sum is where it enters the stream: word 2 itself is
# still far ahead, because its own tape is the new one. The second norm and the network add no new listeners; they work
# on what each word has. That is the division of labour of the whole Transformer: *attention moves, the network
# computes.*
#
# > **Try it yourself.** Hand a mask to the block that hides word 2 from everybody:
# > `mask = torch.tensor([True, True, False, True, True, True])`, in both calls of `stations`, for `block.attention`.
# > Which columns become exactly 0?
#
# <details>
# <summary>What to expect</summary>
#
# All but that of word 2. Nobody may look at it, so nobody notices that it has changed. It still looks at the others and
# goes through the same rooms, but nobody takes anything from it.
#
# </details>

# %% [markdown]
# ## 10. Looking through a stack
#
# The weights of one block say who listened to whom *in that block*. But what a word says in block 3 is no longer only
# its own: it holds what it has heard in blocks 1 and 2. To see through the whole stack, the maps have to be multiplied.
#
# And one must not forget the residual: half of what travels on is the tape itself. **Attention rollout** (Abnar and
# Zuidema, 2020) takes, for each block, the mean $A_l$ of its heads and mixes it with the identity:
#
# $$R = \hat A_n \cdots \hat A_2\,\hat A_1, \qquad \hat A_l = \tfrac12 A_l + \tfrac12 I.$$
#
# To see it work, forbid far looks: each word may attend to itself and its two neighbours. Four blocks, nothing trained.
# On the right is what really happens: the size of the derivative of every output word by every input word, row by row
# brought to the sum 1.

# %%
with after("PreNormEncoderBlock"):
    torch.manual_seed(3)
    length, width = 9, 16
    blocks = [PreNormEncoderBlock(width, 4, 4 * width) for _ in range(4)]
    place = torch.arange(length)
    near = (place[:, None] - place).abs() <= 1
    x = torch.randn(1, length, width)

    def run(x):
        """The stream after the last block."""
        for block in blocks:
            x = block(x, near)
        return x

    rollout, maps, stream = torch.eye(length), [], x
    with torch.no_grad():
        for block in blocks:
            weights = block.attention(block.norm1(stream), mask=near)[1]
            maps.append(weights.mean(dim=1)[0])
            rollout = (0.5 * maps[-1] + 0.5 * torch.eye(length)) @ rollout
            stream = block(stream, near)
    slopes = torch.autograd.functional.jacobian(run, x)[0, :, :, 0]  # (L, D, L, D)
    measured = slopes.square().sum(dim=(1, 3)).sqrt()
    measured = measured / measured.sum(-1, keepdim=True)

    names = [f"{i}" for i in range(length)]
    fig, axes = plt.subplots(1, 4, figsize=(13, 3.7))
    shown = {
        "block 1 alone": maps[0],
        "block 4 alone": maps[3],
        "rollout of four": rollout,
        "measured": measured,
    }
    for ax, (title, table) in zip(axes, shown.items(), strict=True):
        plot_attention(table, names, names, ax).set_title(title)
        ax.tick_params(axis="x", rotation=0)
        ax.set(xlabel="input word", ylabel="output word" if ax is axes[0] else "")
        print(f"{title:16} word 4 hears", " ".join(f"{share:.3f}" for share in table[4].tolist()))
    plt.show()

# %% [markdown]
# *What the pictures show.* Rows are words that come out, columns are words that went in. The first two maps are those
# of single blocks, with a narrow band: nobody looks further than one word. From them you would think that word 4 never
# hears of word 0. The rollout (third) is wider: with each block the news travels one word further, so after four blocks
# word 4 has heard of all nine, though of the far ones very little. The last picture, which was *measured*, has the same
# shape, zeros and all.
#
# The numbers differ, though. Of itself word 4 keeps 0.35 according to the rollout, and 0.61 as measured: what these
# untrained rooms say is quieter than the tape, so that more than half of what travels on is the tape. Rollout knows
# nothing of values, of the network and of how loud a sub-layer is beside the stream; it just assumes half and half. It
# is a way to see **who can have heard of whom**, not a measurement of importance. When you need that, change the input
# and look at the output.

# %% [markdown]
# ## 11. Find the mistake: every tape equally loud
#
# In July 2021 a reader compared PyTorch's own Transformer layers, which had just been given pre-norm, with the drawing
# in the paper of Xiong et al., and reported that the two did not agree (pytorch, issue 61165). In June 2024 another one
# found the same mistake in the attention of RiNALMo, a model that reads RNA (RiNALMo, issue 9). It is an oversight, its
# authors answered, and advised everybody who uses their trained weights to leave it in: the model had been trained with
# it.
#
# The next cell holds `pre_norm_step`, the second half of a pre-norm block as one function: norm, feed-forward network,
# sum. To keep it short the network has no biases; its two maps are handed over as matrices. That mistake is in it. Its
# docstring tells what it should do.
#
# **How could it live?** Shapes are right, gradients arrive everywhere, and nothing explodes: on the contrary, the
# stream is at the same pleasant loudness in every room. It trains, too. All that is missing is what pre-norm was wanted
# for. Run the cell and the demonstration below it, then read the code with a finger on the stream.

# %% solution="pre_norm_step"

# %% check="pre_norm_step"

# %%
with after("pre_norm_step"):
    generator = torch.Generator().manual_seed(0)
    D, F = 32, 128
    words = torch.randn(50, D, generator=generator)
    maps = [
        (torch.randn(D, F, generator=generator) / D**0.5, 0.3 * torch.randn(F, D, generator=generator) / F**0.5)
        for _ in range(12)
    ]
    wish = torch.randn(50, D, generator=generator)
    fig, ax = plt.subplots(figsize=(6.5, 3.6))
    for loudness in (0.1, 1.0, 10.0):
        start = (loudness * words).requires_grad_()
        x, sizes = start, [start.std().item()]
        for w1, w2 in maps:
            x = pre_norm_step(x, torch.ones(D), torch.zeros(D), w1, w2)
            sizes.append(x.std().item())
        (gradient,) = torch.autograd.grad((x * wish).sum(), start)
        ax.semilogy(range(13), sizes, label=f"it begins at {loudness:g}")
        print(
            f"a tape that begins at {loudness:4g}: loudness after 1 step {sizes[1]:5.2f}, after 12 {sizes[-1]:5.2f},",
            f"gradient at the bottom {(gradient.norm() / wish.norm()).item():5.2f}",
        )
    ax.set(xlabel="steps", ylabel="loudness of the stream")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %% [markdown]
# *What the picture shows.* Fifty words go through twelve steps of untrained networks, three times: ten times quieter
# than usual (circles), as usual (squares), ten times louder (triangles). As long as the mistake is in, the three curves
# are one from the first step on, at 1.02: what was loud and what was quiet is forgotten, together with the tape itself.
# And what reaches the bottom of the gradient depends on the loudness alone: a tenth of it for the loud tape, ten times
# as much for the quiet one. Once it is mended, three tapes stay three tapes. The loud one is hardly changed by what is
# added (10.27 before, 10.28 after twelve steps, and the gradient comes through whole), the usual one grows to 1.23, and
# the quiet one, to which the networks say as much as to the others, to 0.68.
#
# <details>
# <summary>Why it trains all the same (read this when you are through)</summary>
#
# With the mistake in it a step makes $n + f(n)$ of $n = \mathrm{norm}(x)$, and the next one begins by normalising that.
# So what the networks read, one after the other, is $\mathrm{norm}(n + f(n))$: that is **post-norm**, the block of the
# paper, with one more norm at the bottom. Who meant to write the one has written the other, with its need for a
# warm-up.
#
# </details>
#
# **What to notice.** One name for two things: first $x$ is the stream, a line later its copy. Give the copy a name of
# its own, and the mistake is hard to write. And a number that is pleasantly constant can be a symptom.

# %% [markdown]
# ## 12. Who normalises right?
#
# The mistakes of a layer norm are quiet ones. With wide vectors nobody sees $D - 1$, with loud ones nobody sees where
# eps stands, and a new layer, with its ones and zeros, shows neither scale nor shift. Now **you write the test** that
# sees them. `test_layer_norm` receives a function that somebody claims to be `layer_norm`. If it is wrong, your test
# raises an exception; `assert` does that. If it is right, your test returns.
#
# You are graded like a judge: solutions come before your test in an order that is drawn, right ones that look very
# different from each other, and wrong ones with the mistakes that people really make. The checks take the wrong ones in
# groups (axes; loudness; weight and bias; eps; gradients; vectors far from 0), and **a group counts only if your test
# stops all of it and no right solution.** You can call a solution, as `layer_norm(x, weight, bias)` or with an eps as
# the fourth argument, and differentiate it; its code stays hidden.
#
# - **Where do the right numbers come from?** From paper (section 3 has an example), from a plain loop with Python's own
#   `sum`, or from PyTorch: in a *test* its layer norm is allowed. But an oracle only answers. To ask where it hurts is
#   up to you.
# - **Where does a mistake show?** Take the pitfalls of section 3 one by one, and find for each the numbers on which
#   right and wrong differ most: how many channels, how many axes, how loud, how far from 0?
# - **What about gradients?** Mean and variance depend on every channel, and a gradient has to know that. The sum over
#   one normalised word tells you nothing: whatever the word is, it is 0, and the gradients of a constant are 0. So
#   multiply the results by different numbers before you add them up.
#
# > **Pitfalls**
# > - *Returning False stops nobody.* Raise.
# > - *To the last digit* even right solutions differ. `torch.allclose(a, b, atol=1e-4)` is a fair question for numbers
# >   of ordinary size.
# > - *Expecting the wrong thing* convicts the innocent: `std` and `var` divide by $D - 1$. Your own `layer_norm` should
# >   pass; begin with that.
# > - *Size.* Small tensors and few calls are enough: a solution under test answers for at most 5000 numbers at a time,
# >   and your test has only a few seconds for a whole group of them. Ten calls or so are plenty.

# %% solution="test_layer_norm"

# %% check="test_layer_norm"

# %%
claims = {
    "your own": lambda x, weight, bias, eps=1e-5: layer_norm(x, weight, bias, eps),
    "eps ignored": lambda x, weight, bias, eps=1e-5: layer_norm(x, weight, bias),
    "bias ignored": lambda x, weight, bias, eps=1e-5: layer_norm(x, weight, 0 * bias, eps),
    "a sentence at once": lambda x, weight, bias, eps=1e-5: nn.functional.layer_norm(x, x.shape[-2:], eps=eps),
    "copied numbers": lambda x, weight, bias, eps=1e-5: layer_norm(x.detach(), weight, bias, eps),
}
with after("layer_norm", "test_layer_norm"):
    for name, claim in claims.items():
        try:
            test_layer_norm(claim)
            verdict = "passes"
        except NotImplementedError:
            raise
        except Exception as error:
            verdict = f"is stopped ({type(error).__name__})"
        print(f"{name:18} {verdict}")

# %% [markdown]
# **What to notice.** Every line of a good test stands for a mistake that somebody has made. If you cannot say which
# one, the line may be there for nothing; and if you know a mistake for which there is no line, you know what to write
# next.

# %% [markdown]
# ## 13. Extra: saving a step
#
# Do we need the mean? **RMSNorm** (Zhang and Sennrich, 2019) leaves it alone: it divides by the *root mean square*, and
# has no bias.
#
# $$y_i = \frac{x_i}{\sqrt{\frac1D\sum_j x_j^2 + \epsilon}}\cdot w_i$$
#
# That is a bit less work, and large models such as LLaMA do well with it. $(1, 7)$ has the mean square 25
# and becomes $(0.2, 1.4)$; layer norm would make $(-1, 1)$ of it.

# %% solution="RMSNorm"

# %% check="RMSNorm"

# %% [markdown]
# ## 14. Extra: a network with a gate
#
# A switch is a factor between 0 and 1 that depends on the number itself. Why not let *another* map decide? In
# **SwiGLU** (Shazeer, 2020) one map makes values and a second one makes gates:
#
# $$\mathrm{SwiGLU}(x) = \big(\mathrm{silu}(x W_1) \odot x W_3\big)\,W_2, \qquad
# \mathrm{silu}(z) = z\cdot\frac{1}{1+e^{-z}}$$
#
# Three maps instead of two, all without a bias; to keep the size, $F$ is then often chosen as $\frac23\cdot 4D$. Why it
# is better the paper does not say: its author attributes the success to "divine benevolence". Such is engineering.

# %% solution="SwiGLU"

# %% check="SwiGLU"

# %%
with after("RMSNorm", "SwiGLU"):
    torch.manual_seed(0)
    x = torch.randn(2, 5, 12) + 2
    normed = RMSNorm(12)(x)
    print(
        "mean of a word",
        round(normed.mean().item(), 3),
        " mean of its squares",
        round(normed.square().mean().item(), 3),
    )
    plain, gated = FeedForward(12, 48), SwiGLU(12, 32)
    for network in (plain, gated):
        print(type(network).__name__, sum(p.numel() for p in network.parameters()), "numbers to learn")

# %% [markdown]
# ## What you have built
#
# | part | in the studio | what it is for | what breaks without it | a mistake that nobody notices |
# |---|---|---|---|---|
# | residual | overdubbing | nothing is lost on the way | all words become the same | adding to the normalised |
# | layer norm | level control | the same loudness everywhere | the stream explodes | $D - 1$; eps outside |
# | scale and shift | a mixing desk for each room | loud channels where they are wanted | | one norm used twice |
# | activation | a switch | more than one linear map | two maps are one | a switch behind the second map |
# | feed-forward | solos | computing with what was heard | words only mix | |
# | post-norm | mastering after each room | the stream stays at size 1 | | |
# | pre-norm | headphones | a motorway from bottom to top | | a norm at the end of every block |
# | dropout | a musician misses a bar | nobody relies on a single voice | | on the sum; in evaluation as well |
#
# And three sentences to keep:
#
# - **Layers do not replace, they add.** What you look at inside a Transformer is a sum.
# - **Attention moves, the network computes**, and norms keep to their own word.
# - **Silence is the best test**: a sub-layer that says 0 shows where the stream really runs.
#
# ## What comes next
#
# You have the block. The next lesson piles blocks up, puts words and positions in at the bottom and a head on top,
# copes with sentences of different lengths, and has the first complete Transformer classify and tag.
#
# ## Read on
#
# - A. Vaswani et al., [Attention Is All You Need](https://arxiv.org/abs/1706.03762), 2017. Section 3.1 has the block,
#   3.3 the feed-forward network, 5.4 dropout.
# - J. Ba, J. Kiros and G. Hinton, [Layer Normalization](https://arxiv.org/abs/1607.06450), 2016.
# - K. He et al., [Deep Residual Learning for Image Recognition](https://arxiv.org/abs/1512.03385), 2016: the plus sign.
# - R. Xiong et al., [On Layer Normalization in the Transformer Architecture](https://arxiv.org/abs/2002.04745), 2020:
#   pre-norm beside post-norm, and why post-norm wants a warm-up of the learning rate.
# - Y. Dong, J.-B. Cordonnier and A. Loukas, [Attention is not all you need](https://arxiv.org/abs/2103.03404), 2021:
#   what becomes of pure attention.
# - S. Abnar and W. Zuidema, [Quantifying Attention Flow in Transformers](https://arxiv.org/abs/2005.00928), 2020:
#   rollout.
# - N. Elhage et al., [A Mathematical Framework for Transformer
#   Circuits](https://transformer-circuits.pub/2021/framework/index.html), 2021: how far one gets by reading the
#   residual stream as a sum.
# - The documentation of
#   [torch.nn.TransformerEncoderLayer](https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html):
#   your two blocks are its two values of `norm_first`.
