# %% [markdown]
# # Positions
#
# > Dog bites man. — Man bites dog.
#
# Three words, the same three words, and only one of the two makes the newspaper. The **order** decides. In the first
# lesson you built attention as a notice board: everybody pins up a card, everybody reads the board at the same moment.
# It made no difference where a card hung. That was its strength, and now it is its weakness: **attention does not know
# the order of the words.**
#
# The cure is to write on every card *when* it was spoken. But how do you write a time on a card that is made of numbers
# between $-1$ and $1$, so that a network can read it, so that it never runs out, and so that "just before" looks the
# same at every hour? You will write down the time in four ways:
#
# - as the hands of a **clock** (sinusoidal encoding, the way of the original Transformer),
# - as a **stamp** for each moment, whose picture is learned (learned positions, the way of GPT-2),
# - not at all: each reader looks at the **time that has passed** between two words (relative positions, the way of T5),
# - and, if you like, by **turning** the card itself like the hand of a clock (rotary positions), or by letting old
#   cards **fade** (linear biases).
#
# Clocks and times will stay with us for the whole lesson.
#
# **You need** the lessons on attention and on several heads; sine and cosine; and an idea of what a gradient is. **It
# takes** about three and a half hours, and three quarters of an hour more with the two extras. Every exercise is a good
# place for a break.
#
# | | you write | what it does | minutes |
# |---|---|---|---|
# | 1 | `sinusoidal_positional_encoding` | the hands of a clock, for every position | 20 |
# | 2 | `PositionalEncoding` | a layer that adds them to the words | 15 |
# | 3 | `LearnedPositionalEmbedding` | a learned stamp for every position | 10 |
# | 4 | `TokenEmbedding` | words as vectors, of a size that fits | 10 |
# | 5 | `relative_position_index` | the time from each word to each other | 15 |
# | 6 | `RelativeSelfAttention` | attention that knows how far two words are apart | 40 |
# | 7 | `add_positions` | a famous mistake: find it and mend it | 10 |
# | 8 | `test_sinusoidal_positional_encoding` | tells right solutions from wrong ones | 25 |
# | + | `apply_rope` (extra) | queries and keys, turned like hands | 30 |
# | + | `alibi_bias` (extra) | heads that forget, fast or slowly | 15 |
#
# What you wrote in earlier lessons is given to you here: `attention_scores`, `attention_weights`, `split_heads` and
# some more stand in the cells below, ready for use. Everything else works as before: `check("...")` tries your code,
# and `autograder hint ...` in a terminal helps in three steps. Convention of this lesson: **the first word is at
# position 0.**

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

# %% given="multi_head: split_heads merge_heads"

# %% [markdown]
# ## 1. What goes wrong without order
#
# Three words get three random vectors, and three random matrices make queries, keys and values of them. We put the
# words in both orders and watch what each word takes home.

# %%
generator = torch.Generator().manual_seed(3)
vectors = {word: torch.randn(4, generator=generator) for word in ("dog", "bites", "man")}
W_q, W_k, W_v = torch.randn(3, 4, 4, generator=generator)


def attend(sentence, stamp=lambda x: x):
    """Output and weights of one sentence; `stamp` may do something about the order first."""
    x = stamp(torch.stack([vectors[word] for word in sentence.split()]))
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v)


sentences = "dog bites man", "man bites dog"
fig, axes = plt.subplots(1, 2, figsize=(8, 3.8))
for ax, sentence in zip(axes, sentences, strict=True):
    output, weights = attend(sentence)
    plot_attention(weights, sentence.split(), sentence.split(), ax).set_title(sentence, weight="bold")
    for row in range(3):
        for column in range(3):
            ink = "white" if weights[row, column] < 0.5 else "black"
            ax.text(column, row, f"{weights[row, column].item():.2f}", ha="center", va="center", color=ink)
    for word, vector in zip(sentence.split(), output, strict=True):
        print(f"{sentence}:  {word:5} takes home {[round(v, 3) for v in vector.tolist()]}")
plt.show()

# %% [markdown]
# *What the picture shows.* Two tables of weights with their numbers. Find the row of "dog" and the column of "man": the
# number is the same on both sides. The right table is the left one with its rows and columns in the new order, and
# nothing else has happened. Compare the printed lines as well: each word takes home the same vector from both
# sentences, whether it bit or was bitten.
#
# In the language of mathematics: if $P$ puts the words into another order, then
#
# $$\mathrm{Attention}(P X) = P\,\mathrm{Attention}(X).$$
#
# Attention is **equivariant** under permutations. Whatever you stack upon it, as long as every word is treated alike,
# inherits this. A bag of words goes in, a bag of words comes out.
#
# > **Try it yourself.** Would a causal mask tell the two sentences apart? Think first: pass a mask to
# > `scaled_dot_product_attention` in the cell above.
#
# <details>
# <summary>Answer</summary>
#
# Yes, a little: with `torch.ones(3, 3, dtype=torch.bool).tril()` the first word sees one card, the second two, the
# third three, and so "dog" takes home different vectors. A mask breaks the symmetry. But within what a word may see,
# the order still does not count: the last word cannot tell "dog bites" from "bites dog".
#
# </details>

# %% [markdown]
# ## 2. Writing down a time: three attempts
#
# We want a vector for each position that is added to the word at that position. What should it be?
#
# **Just count.** 0, 1, 2, 3, ... The number grows without bound. At position 500 it drowns the word it is added to, and
# a network that was trained on short texts has never seen such a number.
#
# **Count, and divide by the length.** Now all numbers lie between 0 and 1. But the step from one word to the next is
# 1/4 in a sentence of five words and 1/49 in one of fifty: "the word before" looks different in every sentence.
#
# **Write the number in binary.** Now there are several columns, each with a digit that is 0 or 1. The last digit
# changes with every step, the one before it with every second, the next with every fourth. Bounded, unique, and the
# same in every sentence. That is nearly it. Only, a digit jumps: from 7 to 8 all four of them change at once.

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2))
axes[0].plot(range(50), range(50), "-", marker="")
axes[0].set(title="just count", xlabel="position", ylabel="number on the card")
for length, style in ((5, {}), (20, {"markersize": 4})):
    axes[1].plot(range(length), [p / (length - 1) for p in range(length)], label=f"{length} words", **style)
axes[1].set(title="divided by the length", xlabel="position")
axes[1].legend()
digits = torch.tensor([[p >> bit & 1 for bit in (3, 2, 1, 0)] for p in range(16)])
axes[2].imshow(digits.T, aspect="auto", vmin=0, vmax=1)
axes[2].set(title="binary digits", xlabel="position", yticks=range(4), yticklabels=["8", "4", "2", "1"])
axes[2].set_xticks(range(0, 16, 3))
plt.show()

# %% [markdown]
# *What the pictures show.* Left: the plain count rises without end. Middle: two sentences, one of 5 words (circles) and
# one of 20 (squares); the steps between neighbours differ by a factor of nearly five. Right: the binary digits of the
# positions 0 to 15, bright for 1. The bottom row changes at every step, the top row only once.
#
# Look at the right picture with half-closed eyes: rows that swing, each half as fast as the one below it. Make the
# swinging **smooth**, and you have a clock.

# %% [markdown]
# ## 3. The clock
#
# A clock with one hand that turns once a minute tells you the second, but not the hour. A clock with one hand that
# turns once a day tells the hour, but nobody can read a second from it. So a clock has **several hands, each slower
# than the one before**. The fast ones tell neighbours apart, the slow ones tell morning from evening, and together they
# are unique for a long time.
#
# One hand is an angle. To write down an angle with numbers that do not jump (from 359 degrees back to 0), write down
# where the **tip** of the hand is: two numbers, the sine and the cosine.

# %%
# Drawing only: three hands with the speeds 1, 1/4 and 1/16 (radians per step), at nine positions.
fig, axes = plt.subplots(3, 9, figsize=(10.5, 3.9))
for row, slower in enumerate((1, 4, 16)):
    for position in range(9):
        ax, angle = axes[row, position], position / slower
        ax.add_patch(plt.Circle((0, 0), 1, fill=False, color=GREY))
        tip = math.sin(angle), math.cos(angle)
        ax.annotate(
            "", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": ORANGE, "lw": 2, "shrinkA": 0, "shrinkB": 0}
        )
        ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
        ax.axis("off")
        if row == 0:
            ax.set_title(f"{position}")
    axes[row, 0].text(-1.5, 0, f"hand {row}", ha="right", va="center")
fig.suptitle("position")
plt.show()

# %% [markdown]
# *What the picture shows.* From left to right the positions 0 to 8, from top to bottom three hands of the same clock.
# All begin at twelve and turn clockwise. The first hand makes more than a full turn on the way; the second, four times
# slower, a third of one; the third, slower by four once more, barely moves. No two of the nine columns look the same.
#
# ### The formula
#
# The encoding of Vaswani et al. (section 3.5) has $D/2$ hands. Hand $i$, counted from $i = 0$, moves $1 / 10000^{2i/D}$
# radians from each position to the next, and the sine and the cosine of its angle stand side by side:
#
# $$\begin{aligned}
# \mathrm{PE}(p,\ 2i) &= \sin\!\left(\frac{p}{10000^{2i/D}}\right) \\
# \mathrm{PE}(p,\ 2i+1) &= \cos\!\left(\frac{p}{10000^{2i/D}}\right)
# \end{aligned}$$
#
# **The letter $i$ counts hands, not columns.** Both columns of a hand share one angle. The first hand ($i = 0$) moves 1
# radian per step, a full turn in $2\pi \approx 6.3$ words. The last one is almost 10000 times slower: a full turn takes
# almost $62\,800$ words. The 10000 is called the **base**.
#
# ### Once by hand
#
# Width $D = 4$, so two hands, and the base 100 to keep the numbers readable. The speeds are $1/100^{0/4} = 1$ and
# $1/100^{2/4} = 1/10$.
#
# | $p$ | angle of hand 0 | angle of hand 1 | column 0: sin | column 1: cos | column 2: sin | column 3: cos |
# |---|---|---|---|---|---|---|
# | 0 | 0 | 0 | 0.000 | 1.000 | 0.000 | 1.000 |
# | 1 | 1 | 0.1 | 0.841 | 0.540 | 0.100 | 0.995 |
# | 2 | 2 | 0.2 | 0.909 | $-0.416$ | 0.199 | 0.980 |
# | 3 | 3 | 0.3 | 0.141 | $-0.990$ | 0.296 | 0.955 |
#
# Every row is what the clock shows at that position. Row 0 is always 0, 1, 0, 1, ...: all hands at twelve.
#
# > **Pitfalls**
# > - *What does your loop count?* If it counts hands, the exponent needs its 2. If it goes 0, 2, 4, ... it counts
# >   columns. Print the exponent of the last hand and ask whether it is where you expect it.
# > - *Interleaved.* Sine, cosine, sine, cosine. All sines first is a design that exists, with the same information in
# >   other places; here it is wrong.
# > - *An odd width* has one more sine than cosines: the last hand shows only half of itself.
# > - *Brackets.* `-a / b // 2` is not what you think.
# > - *Radians.* The formula speaks radians, and so does PyTorch.

# %% solution="sinusoidal_positional_encoding"

# %% check="sinusoidal_positional_encoding"

# %%
with after("sinusoidal_positional_encoding"):
    table = sinusoidal_positional_encoding(100, 64)
    fig, axes = plt.subplots(1, 2, figsize=(11, 4), width_ratios=[1, 1.2])
    for hand, style in zip((0, 4, 8, 12), ("-", "--", "-.", ":"), strict=True):
        axes[0].plot(table[:60, 2 * hand] - 2.4 * hand / 4, style, marker="", color=BLUE)
    axes[0].set(title="sines of four hands", xlabel="position", yticks=[0, -2.4, -4.8, -7.2])
    axes[0].set_yticklabels([f"column {2 * hand}" for hand in (0, 4, 8, 12)])
    image = axes[1].imshow(table, aspect="auto", cmap="RdBu", vmin=-1, vmax=1)
    axes[1].set(title="the whole table", xlabel="column", ylabel="position")
    fig.colorbar(image, ax=axes[1])
    plt.show()

# %% [markdown]
# *What the pictures show.* Left: four columns of the table as waves over the positions, drawn one below the other, the
# fast ones on top. Right: the table of 100 positions (downwards) and 64 columns (to the right), in red for $-1$ and
# blue for $1$. On the left side of it the colours change with every row: fast hands. Towards the right they change more
# and more slowly, and the last columns are constant stripes: sines that have not left 0, cosines that have not left 1.
#
# **What to notice.** No number is outside $[-1, 1]$. No two rows are equal. A row does not depend on how many rows
# follow. And nothing was learned: the table is known before the first word is read.
#
# > **Try it yourself.** Call your function with `base=100` and with `base=1e6`, and draw the heatmaps. Where do the
# > stripes begin? Which base would you take for sentences of at most 50 words?

# %% [markdown]
# ## 4. A famous mistake, and the plot that exposes it
#
# Here is a mistake that was found in several public implementations. A loop counts $i = 0, 2, 4, \dots$, columns
# already, and the formula with its $2i$ is copied as it stands. So the exponent is doubled: $10000^{2 \cdot 2i/D}$ in
# the place of $10000^{2i/D}$. That is the same as a base of $10000^2 = 100\,000\,000$, and so we can call your own
# function to make the wrong table.
#
# It hides well. Let us put the properties that tutorials praise to the test, for both tables:

# %%
D = 64


def right_and_wrong():
    """The table of 512 positions as it should be, and with the doubled exponent."""
    right = sinusoidal_positional_encoding(512, D)
    return {"right": right, "doubled exponent": sinusoidal_positional_encoding(512, D, base=10000.0**2)}


with after("sinusoidal_positional_encoding"):
    for name, t in right_and_wrong().items():
        on_circle = torch.allclose(t[:, 0::2] ** 2 + t[:, 1::2] ** 2, torch.ones(1), atol=1e-5)
        closest = torch.cdist(t, t).fill_diagonal_(9.0).min().item()
        gram = t @ t.T
        same_everywhere = torch.allclose(gram[1:, 1:], gram[:-1, :-1], atol=1e-2)
        print(f"{name:17} between -1 and 1: {bool((t.abs() <= 1).all())}, sin² + cos² = 1: {on_circle}, "
              f"closest two rows: {closest:.2f}, depends on distance only: {same_everywhere}")  # fmt: skip

# %% [markdown]
# Both pass everything. A model with the wrong table trains, too: in the experiment of section 10 it would learn the
# task nearly as well as with the right one. What is wrong is visible only in the **speeds of the hands**, and those can
# be measured on any table: how far does each pair of columns turn from position 0 to position 1?

# %%
with after("sinusoidal_positional_encoding"):
    tables, hands = right_and_wrong(), torch.arange(D // 2)
    fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
    for name, t in tables.items():
        speed = torch.atan2(t[1, 0::2], t[1, 1::2])  # row 0 is at twelve, so row 1 shows what was gained
        axes[0].semilogy(hands, speed, label=name, markersize=4, linestyle="")
        axes[1].plot(hands, (speed * 512 / (2 * math.pi)).clamp(max=1), label=name, markersize=4)
        useful = (speed * 512 / (2 * math.pi) > 0.1).sum().item()
        print(f"{name:17} hands that make at least a tenth of a turn within 512 words: {useful} of {D // 2}")
    axes[0].semilogy(hands, 10000.0 ** (-2 * hands / D), "-", marker="", color=GREY, lw=1, zorder=0)
    axes[0].semilogy(hands, 10000.0 ** (-4 * hands / D), "-", marker="", color=GREY, lw=1, zorder=0)
    axes[0].set(title="speed of each hand", xlabel="hand", ylabel="radians per word")
    axes[1].set(title="turns within 512 words, at most 1", xlabel="hand")
    axes[0].legend()
    plt.show()

# %% [markdown]
# *What the pictures show.* Left: the speed of each hand, on a logarithmic axis. Circles, the right table: a straight
# line from 1 down to nearly 1/10000. Squares, the doubled exponent: a straight line of **twice the slope**, down to
# nearly $10^{-8}$. The marks are measured, the grey lines behind them are the two formulas. Right: how much of a turn
# each hand makes in a text of 512 words (cut at one turn). The squares are near 0 from the middle hand on. The printed
# lines count: of 32 hands, 24 make at least a tenth of a turn in the right table, and 12 in the wrong one. The others
# hardly move, and their columns are wasted.
#
# **The lesson to keep:** a property that the wrong version shares proves nothing. The hidden checks of this exercise
# measure the slope on your table, as you have just done.
#
# > **Try it yourself.** What would the left plot look like if sine and cosine of each column had a speed of their own
# > (so that $i$ counts columns)? And with the base 1000?
#
# <details>
# <summary>Answer</summary>
#
# With columns counted as hands the two numbers of a pair no longer belong to one angle: the squares no longer add up to
# 1, and the measured "speeds" are off the line. With the base 1000 the plot is a straight line again, from 1 to nearly
# 1/1000: the slope is three quarters of the right one.
#
# </details>

# %% [markdown]
# ## 5. How similar are two times?
#
# Attention compares by dot products. So what is the dot product of two *positions*? A hand contributes
#
# $$\sin a \sin b + \cos a \cos b = \cos(a - b),$$
#
# the cosine of the angle between two times. Summed over all hands, position $p$ and position $p + k$ have
#
# $$\mathrm{PE}(p) \cdot \mathrm{PE}(p + k) = \sum_i \cos\!\left(\frac{k}{10000^{2i/D}}\right),$$
#
# and $p$ is gone. **The similarity of two positions depends on their distance alone.** Even better: to come from $p$ to
# $p + k$, each hand turns on by an angle that depends on $k$ alone. A turn is a linear map, so a matrix $W$ can learn
# "three words earlier", once, for all positions.

# %%
with after("sinusoidal_positional_encoding"):
    similarity = {name: t @ t.T / (D / 2) for name, t in right_and_wrong().items()}
    fig, axes = plt.subplots(1, 2, figsize=(10.5, 4), width_ratios=[1, 1.3])
    image = axes[0].imshow(similarity["right"][:64, :64], vmin=0, vmax=1)
    axes[0].set(title="similarity of two positions", xlabel="position", ylabel="position")
    fig.colorbar(image, ax=axes[0])
    for name, s in similarity.items():
        axes[1].plot(range(-60, 61), s[60, :121], label=name, marker="")
    axes[1].set(title="similarity and distance", xlabel="distance", ylim=(0, 1.05))
    axes[1].legend()
    plt.show()

# %% [markdown]
# *What the pictures show.* Left: the dot products of 64 positions with each other, divided by $D/2$ so that the
# diagonal is 1. All diagonals have one colour: only the distance counts. Right: the similarity against the distance. It
# is highest at 0, falls steeply on both sides, and then ripples. The dashed line belongs to the doubled exponent of
# section 4: it also peaks at 0, but stays high far out, because every hand that stands still agrees with everybody.
#
# Both sides of the peak are equal: the dot product alone does not tell "before" from "after". The matrices $W_q$ and
# $W_k$ can: they may turn one side first.

# %% [markdown]
# ## 6. A layer that adds the clock to the words
#
# Now the time goes onto the card. It is *added*, word by word:
#
# $$x_p \leftarrow x_p + \mathrm{PE}(p)$$
#
# *Why added, and not written beside it?* Beside it would make every card wider, and all matrices after it. In a space
# of some hundred dimensions two vectors mostly do not get into each other's way, and the maps $W_q, W_k, W_v$ can learn
# to look at the one or at the other. Adding is cheap, and experience says that it is enough.
#
# The layer computes its table once, for `max_len` positions, and takes the rows that it needs. Where should it keep the
# table?
#
# | kept as | moves with `.to(device)` | in the `state_dict` | moved by the optimiser |
# |---|---|---|---|
# | plain attribute | no | no | no |
# | `nn.Parameter` | yes | yes | **yes** |
# | **buffer** (`self.register_buffer(name, tensor)`) | yes | yes, unless `persistent=False` | no |
#
# A clock is not for training: a buffer it is. After the sum comes a dropout, as in the paper.
#
# > **Pitfalls**
# > - *Which axis is the position?* `x` is `(B, L, D)`. Cut the table by the wrong one, and two equal sentences in a
# >   batch become different: one reads the time of sentence 0, the other the time of sentence 1. Old code with
# >   positions first is right in its own layout and wrong here.
# > - *Too long.* A table of `max_len` rows cannot serve more words. Say so with a `ValueError` that names both numbers.
# >   A table of one row would otherwise be broadcast over a whole sentence, silently.
# > - *The dtype.* A float16 word plus a float32 clock is float32. Give back what came in.
# > - *In place.* `x += ...` writes the time on the caller's cards.

# %% solution="PositionalEncoding"

# %% check="PositionalEncoding"

# %%
with after("PositionalEncoding"):
    clock = PositionalEncoding(4, max_len=10)
    stamped = {s: dict(zip(s.split(), attend(s, lambda x: clock(x[None])[0])[0], strict=True)) for s in sentences}
    for word in ("dog", "bites", "man"):
        first, second = (stamped[s][word] for s in sentences)
        print(
            f"{word:5} takes home {[round(v, 2) for v in first.tolist()]} and {[round(v, 2) for v in second.tolist()]}"
        )

# %% [markdown]
# **What to notice.** The same words, the same matrices as in section 1, and now every word takes home something else:
# even "bites", which stands at the same place in both sentences, because the cards that it reads have changed. Order
# counts.
#
# > **Try it yourself.** Print `list(clock.parameters())`, `clock.state_dict().keys()` and `clock.double().pe.dtype`.
# > Which of the three would change if the table were a plain attribute?

# %% [markdown]
# ## 7. A stamp for every moment
#
# The clock is designed. One could also *learn* how a time looks: every position gets a stamp, a vector of $D$ numbers
# that begins at random and is trained like everything else. This is an embedding, looked up not by a word but by a
# position: word 0 gets row 0, word 1 gets row 1. GPT-2 and BERT do this.
#
# | | clock | stamps |
# |---|---|---|
# | numbers to learn | none | `max_len` times $D$ |
# | similarity of neighbours | by design | only if training finds it useful |
# | beyond the longest sentence in training | has an answer (whether it helps is another question) | has none |
#
# Vaswani et al. tried both and found "nearly identical results" (table 3, row E).
#
# > **Pitfalls**
# > - *What is looked up?* Positions, not words: 0, 1, ..., $L - 1$, the same for all sentences of the batch.
# > - *Shorter sentences* use the first rows only, and only those are trained.
# > - *Longer ones* have no row. A `ValueError` says it better than "index out of range".

# %% solution="LearnedPositionalEmbedding"

# %% check="LearnedPositionalEmbedding"

# %%
with after("LearnedPositionalEmbedding"):
    stamps = LearnedPositionalEmbedding(max_len=8, d_model=4)
    stamps(torch.zeros(2, 3, 4)).sum().backward()
    print(
        "how often each row was used, in a batch of 2 sentences of 3 words:",
        stamps.embedding.weight.grad[:, 0].tolist(),
    )

# %% [markdown]
# **What to notice.** Rows 0 to 2 were used twice each, rows 3 to 7 not at all. Train on short sentences, and the stamps
# for late positions stay as random as they began. We shall see in section 10 what that means.

# %% [markdown]
# ## 8. Words of the right size
#
# What is the clock added *to*? Each word of the vocabulary has an id, and an embedding has a row for each id. In the
# original Transformer the same matrix also serves as the last layer, and for that its authors draw its entries small:
# with a standard deviation of $1/\sqrt{D}$. Then a whole word vector has a length of about 1. And the clock? Each of
# its $D/2$ hands has length 1, so the vector has the length $\sqrt{D/2}$, at $D = 512$ that is 16. The time would shout
# down the word.
#
# So the word is multiplied by $\sqrt{D}$ first (section 3.4 of the paper):

# %%
widths = [16, 32, 64, 128, 256, 512, 1024]
generator = torch.Generator().manual_seed(0)
plain = [(torch.randn(200, d, generator=generator) / math.sqrt(d)).norm(dim=-1).mean().item() for d in widths]
scaled = [length * math.sqrt(d) for length, d in zip(plain, widths, strict=True)]
fig, ax = plt.subplots(figsize=(6.5, 3.6))
ax.loglog(widths, plain, label="word, not scaled")
ax.loglog(widths, scaled, label="word, times √D")
ax.loglog(widths, [math.sqrt(d / 2) for d in widths], label="clock, √(D/2)")
ax.set(xlabel="width D", ylabel="length of the vector", title="Who is louder?")
ax.set_xticks(widths, widths)
ax.minorticks_off()
ax.legend()
plt.show()

# %% [markdown]
# *What the picture shows.* The length of the vectors against the width, both axes logarithmic. Circles: words drawn
# with a standard deviation of $1/\sqrt D$, always of length 1. Triangles: the clock, which grows with the root of the
# width. Squares: the words after scaling, a little above the clock at every width.
#
# A model with learned stamps can choose their size itself, so GPT does without the factor. That is why your layer takes
# `scale` as an argument. (PyTorch's `nn.Embedding` draws its rows with a standard deviation of 1 unless told otherwise;
# then a word is as long as after scaling, and the factor makes it very loud. Initialisation and scale belong together.)
#
# > **Pitfalls**
# > - *The root, not the width.* And not rounded: $\sqrt{7}$ is not 2.
# > - *Scale the result, not the table.* A table that is multiplied in every call grows with every call.
# > - *Id 0 is a word like any other.* An embedding can be told that an id is padding; nobody asked for it here.

# %% solution="TokenEmbedding"

# %% check="TokenEmbedding"

# %%
with after("TokenEmbedding", "PositionalEncoding"):
    words = TokenEmbedding(vocab_size=1000, d_model=512)
    nn.init.normal_(words.embedding.weight, std=512**-0.5, generator=torch.Generator().manual_seed(0))
    ids = torch.arange(20).view(1, 20)
    for name, vector in {"scaled": words(ids), "not scaled": words(ids) / math.sqrt(512)}.items():
        sum_of_both = PositionalEncoding(512)(vector)
        likeness = torch.cosine_similarity(sum_of_both, vector, dim=-1).mean().item()
        print(f"{name:10}  cosine of the angle between word + clock and the word alone: {likeness:.2f}")

# %% [markdown]
# **What to notice.** With the scale the sum still points mostly towards the word. Without it, what is left of the word
# is a faint accent on the time.

# %% [markdown]
# ## 9. Not the time, but the time that has passed
#
# "The word before" means the same everywhere, at 9 o'clock and at noon. What usually matters is not when two words were
# spoken, but **how much time lies between them**. Then why write down the time at all? Leave the cards as they are and
# give every reader a watch that shows the distance: *this card is from two words ago; that one is from right after me.*
#
# The way from query $i$ to key $j$ is $j - i$: negative for the past, positive for the future. For each way and each
# head we learn **one number**, and add it to the score:
#
# $$\text{score}_{ij} = \frac{q_i \cdot k_j}{\sqrt d} + b_{\,j - i}$$
#
# A head with a large $b_{-1}$ looks at the word before. One with large numbers all over the negative side looks into
# the past. (Shaw et al. 2018 learned a vector for each way; T5 makes do with a number.)
#
# ### From ways to rows of a table
#
# There are many possible ways, and the table is finite. So ways longer than $k$ (`max_distance`) are **clipped** to
# $k$: "long ago" is one time, whether it is fifty words or five hundred. What is left are the $2k + 1$ ways from $-k$
# to $k$, and as a table begins with row 0, we add $k$:
#
# $$\text{index}_{ij} = \mathrm{clip}(j - i,\ -k,\ k) + k$$
#
# For 3 queries, 4 keys and $k = 1$, so three rows (past, now, future):
#
# | | key 0 | key 1 | key 2 | key 3 |
# |---|---|---|---|---|
# | query 0 | 1 | 2 | 2 | 2 |
# | query 1 | 0 | 1 | 2 | 2 |
# | query 2 | 0 | 0 | 1 | 2 |
#
# > **Pitfalls**
# > - *Which way round?* Where you want to go, minus where you are. From 5 o'clock to 3 o'clock it is $-2$.
# > - *Clip, then shift*, or change the bounds.
# > - *Not always square.* There may be more keys than queries.
# > - *int64*, or no table will accept it.

# %% solution="relative_position_index"

# %% check="relative_position_index"

# %%
with after("relative_position_index"):
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.9))
    for ax, k in zip(axes, (2, 5), strict=True):
        index = relative_position_index(8, 8, k)
        ax.imshow(index, vmin=0, vmax=2 * k)
        for i in range(8):
            for j in range(8):
                ink = "white" if index[i, j] <= k else "black"
                ax.text(j, i, index[i, j].item(), ha="center", va="center", color=ink)
        ax.set(title=f"largest distance {k}: {2 * k + 1} rows", xlabel="key", ylabel="query")
    plt.show()

# %% [markdown]
# *What the pictures show.* The index of every pair of 8 words, written into the cells and coloured from dark (0) to
# bright. Every diagonal has one number. On the left, with a largest distance of 2, the corners are flat: whatever is
# two words away, or more, is the same. On the right, with 5, the stripes go on nearly to the corners.
#
# ### The layer
#
# `RelativeSelfAttention` is multi-head attention with this one addition. Follow the shapes: the index is `(L, L)`;
# looked up in a table with a column for each head it is `(L, L, H)`; the scores are `(B, H, L, L)`. Something has to
# move.
#
# > **Pitfalls**
# > - *Moving an axis is not the same as reshaping.* You met this in the lesson on heads: the shape comes out right, the
# >   numbers in other places.
# > - *Where is it added?* To the scores, when they are scaled already and not yet weights. After the softmax the
# >   weights would no longer sum to 1; before the scale the bias would shrink with the width of the head.
# > - *The mask still has the last word.* A covered card stays covered, however well its distance is liked.
# > - *The names* `w_q`, `w_k`, `w_v`, `w_o` (with bias) and `bias` (an `nn.Embedding`) are part of the task.

# %% solution="RelativeSelfAttention"

# %% check="RelativeSelfAttention"

# %% [markdown]
# To see the table at work, take a sentence of eight **equal** words. Their content tells nobody apart, so whatever a
# head prefers, it prefers because of the time. We write three tables by hand: "just before", "nearby" and "not me".

# %%
equal_words = torch.ones(1, 8, 12)
names = [str(p) for p in range(8)]


def layer_by_hand(k=3):
    """Three heads whose tables nobody had to learn."""
    layer = RelativeSelfAttention(d_model=12, num_heads=3, max_distance=k)
    ways = torch.arange(-k, k + 1).float()
    with torch.no_grad():
        layer.bias.weight[:, 0] = 5.0 * (ways == -1)
        layer.bias.weight[:, 1] = -ways.abs()
        layer.bias.weight[:, 2] = -5.0 * (ways == 0)
    return layer


with after("RelativeSelfAttention"):
    _, weights = layer_by_hand()(equal_words)
    fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.8))
    for head, (ax, title) in enumerate(zip(axes, ("just before", "nearby", "not me"), strict=True)):
        plot_attention(weights[0, head], names, names, ax).set_title(f"head {head}: {title}")
    plt.show()

# %% [markdown]
# *What the pictures show.* Three heads, each with the weights of eight equal words (dark is 0, bright is 1). Head 0: a
# bright line just below the diagonal; only the first word, which has nobody before it, spreads its weight over all.
# Head 1: a soft band around the diagonal. Head 2: a dark diagonal, and all the rest in one even tone.
#
# **What to notice.** Nothing in these pictures depends on *where* in the sentence you are, except near its ends, where
# there are fewer neighbours. That is what "relative" means.
#
# ### What position alone does to attention
#
# The same experiment for what you have built so far: eight equal words, each kind of position, and the weights that
# come out when the keys are the words themselves and the queries are the words, twice as loud.

# %%
with after("PositionalEncoding", "LearnedPositionalEmbedding", "RelativeSelfAttention"):
    torch.manual_seed(4)
    words = torch.ones(1, 8, 32) / 4
    _, relative = layer_by_hand()(equal_words)
    kinds = {"no position": nn.Identity(), "clock": PositionalEncoding(32)}
    kinds["stamps, untrained"] = LearnedPositionalEmbedding(8, 32)
    fig, axes = plt.subplots(1, 4, figsize=(11.5, 3.3))
    for ax, (name, position) in zip(axes, kinds.items(), strict=False):
        x = position(words)
        _, weights = scaled_dot_product_attention(2 * x, x, x)
        plot_attention(weights[0], names, names, ax).set_title(name)
    plot_attention(relative[0, 1], names, names, axes[3]).set_title("relative, head 1")
    plt.show()

# %% [markdown]
# *What the pictures show.* From left to right. *No position*: one even tone, nobody can be told apart. *Clock*: a soft
# band along the diagonal, by design. *Stamps, untrained*: a bright diagonal; a random stamp resembles itself and
# nobody else, so neighbours mean nothing yet. *Relative*: the band that the table asks for.

# %% [markdown]
# ## 10. Who has learned "the word before"?
#
# Now let training decide. Every word is a note of four random numbers, and the task is: *name the note of the word
# before you.* Without order that is impossible. Four models with one head each, all the same but for their positions,
# learn on sentences of **10** words. Then we read sentences of **20** words to them.

# %%
width = 32


class Reader(nn.Module):
    """One layer of attention over notes; `position` says what is done about the order."""

    def __init__(self, position, learn_bias=False):
        super().__init__()
        self.into, self.position = nn.Linear(4, width), position
        self.attention, self.out = RelativeSelfAttention(width, 1, max_distance=4), nn.Linear(width, 4)
        nn.init.zeros_(self.attention.bias.weight).requires_grad_(learn_bias)  # a table of zeros is plain attention

    def forward(self, notes):
        output, weights = self.attention(self.position(self.into(notes)))
        return self.out(output), weights


with after("PositionalEncoding", "LearnedPositionalEmbedding", "RelativeSelfAttention"):
    torch.manual_seed(2)
    readers = {
        "no position": Reader(nn.Identity()),
        "clock": Reader(PositionalEncoding(width, max_len=20)),
        "stamps": Reader(LearnedPositionalEmbedding(20, width)),
        "relative": Reader(nn.Identity(), learn_bias=True),
    }
    generator = torch.Generator().manual_seed(0)
    test = torch.randn(200, 20, 4, generator=generator)
    cores = torch.get_num_threads()
    torch.set_num_threads(1)  # so little work is not worth sharing
    print("mean squared error          10 words   20 words: the last five")
    for name, reader in readers.items():
        optimizer = torch.optim.Adam([p for p in reader.parameters() if p.requires_grad], lr=5e-3)
        for _ in range(300):
            notes = torch.randn(48, 10, 4, generator=generator)
            loss = (reader(notes)[0][:, 1:] - notes[:, :-1]).square().mean()  # the first word has nobody before it
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            short, long = ((reader(t)[0][:, 1:] - t[:, :-1]).square() for t in (test[:, :10], test))
        print(f"  {name:24} {short.mean():8.2f} {long[:, -5:].mean():10.2f}")
    torch.set_num_threads(cores)

    fig, axes = plt.subplots(1, 4, figsize=(11.5, 3.6))
    names = [str(p) if p % 5 == 0 else "" for p in range(20)]
    for ax, (name, reader) in zip(axes, readers.items(), strict=True):
        plot_attention(reader(test[:1])[1][0, 0], names, names, ax).set_title(name)
        ax.axhline(9.5, color=ORANGE, lw=1, linestyle="--")
        ax.axvline(9.5, color=ORANGE, lw=1, linestyle="--")
    plt.show()

# %% [markdown]
# *What the pictures show.* The weights of one sentence of 20 words that nobody was trained on; the dashed lines mark
# the end of the lengths seen in training. *No position*: no pattern, and an error near 1, which is the variance of the
# notes: it knows nothing. *Clock* and *stamps*: up to the lines, a bright line just below the diagonal. Beyond them it
# loses its way, and the printed error jumps above 1. *Relative*: the line is less bright, but it goes on to the end.
#
# **What to notice.**
#
# - Order can be learned, from nothing but "your answer was wrong by this much".
# - Stamps beyond the tenth were never trained; they are as random as they began. That the clock *has* a row for
#   position 15 does not mean that the model knows what to do with it: $W_q$ and $W_k$ have only ever seen ten rows.
#   Vaswani et al. hoped that the waves would carry over to longer texts. Here they do not, and this is what later work
#   found as well (Press et al. 2022, figure 1).
# - The relative table has one row for "just before", and it is the same one everywhere. Its error still grows a little
#   with the length: there are more words "long ago", all with the same bias, and together they take some of the weight.
#
# > **Try it yourself.** Train on sentences of *random* length up to 20 (`torch.randint`). Who is cured?
#
# <details>
# <summary>What to expect</summary>
#
# Clock and stamps: once all 20 positions have occurred in training, the error of the last five words falls below 0.1
# for both. The relative reader stays about where it was. It had nothing to be cured of.
#
# </details>

# %% [markdown]
# ## 11. Find the mistake: the time of the wrong clock
#
# PyTorch's own tutorial on Transformers had the *positions first* for years: its tensors are (positions, sentences,
# width), and its line `x + self.pe[:x.size(0)]` is right there. Many models have the *batch first*, and into some of
# them the line was copied as it stood. It was reported in a model that reads DNA (C.Origami, issue 42) and in one for
# porous materials (MOFormer, issue 9), both in 2024.
#
# The next cell holds `add_positions`, the heart of `PositionalEncoding` as a function of its own, with that mistake in
# it. Its docstring tells what it should do.
#
# **How could it live?** The shapes fit, there is a check for sentences that are too long, and with one sentence of one
# word everything is right. All words of a sentence are told the same time, and each sentence another one. So the model
# knows nothing of the order of its words, and what it knows instead, the place of a sentence in its batch, is noise.
# It trains all the same: much can be guessed from the words alone.
#
# Be careful when you mend it: **the mistake is one, but the code that expects positions first is more than one line.**

# %% solution="add_positions"

# %% check="add_positions"

# %%
with after("sinusoidal_positional_encoding", "add_positions"):
    table = sinusoidal_positional_encoding(16, 16)
    silence = torch.zeros(4, 12, 16)  # 4 sentences of 12 words that say nothing, so that only the time is left
    told = add_positions(silence, table)
    fig, axes = plt.subplots(1, 4, figsize=(11, 3), sharey=True)
    for number, ax in enumerate(axes):
        ax.imshow(told[number], cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
        ax.set(title=f"sentence {number}", xlabel="channel")
        rows = [min(range(16), key=lambda p, w=word: (table[p] - w).abs().sum().item()) for word in told[number]]
        print(f"sentence {number}: its words are told the times {rows}")
    axes[0].set_ylabel("word")
    plt.show()

# %% [markdown]
# *What the pictures show.* What the words of four silent sentences are told: one panel for each sentence, one row for
# each word. As long as the mistake is in, each panel consists of vertical stripes, the same time for all its words, and
# no two panels are alike. Once it is mended, all four panels are equal, and each shows the first 12 rows of the table
# of section 3.
#
# **What to notice.** `x.size(0)` does not say what it counts. In your own code, unpack the shape once and give its axes
# names: `batch, length, width = x.shape`.

# %% [markdown]
# ## 12. Whose waves are right?
#
# Section 4 has shown a wrong table that passes everything that tutorials ask of it. So: **what would you ask?** You
# write the test. `test_sinusoidal_positional_encoding` receives a function that somebody claims to be
# `sinusoidal_positional_encoding`. If it is wrong, your test raises an exception; `assert` does that. If it is right,
# your test returns.
#
# You are graded like a judge: solutions come before your test in an order that is drawn, right ones that are written in
# very different ways, and wrong ones with the mistakes that people really make. The checks take the wrong ones in
# groups (wrong speeds; right waves in the wrong place; odd widths; base and dtype), and **a group counts only if your
# test stops all of it and no right solution.** You can call a solution; its code stays hidden.
#
# - **Numbers, not properties.** You have a formula, and Python has `math.sin` and `math.cos`. A test may be slow and
#   plain: two loops and one comparison are fine.
# - **Where would a mistake show?** Not in row 0, in which no hand has moved, and not in a table with a single hand. And
#   a base of 10000 that is written into the formula shows only if you ask for another one.
# - **What may a right solution do?** Round. Angles in float32 lose digits far out, so keep to the first few dozen
#   positions, and compare with a tolerance such as `1e-4`.
#
# > **Pitfalls**
# > - *Returning False stops nobody.* Raise.
# > - *`torch.allclose`* refuses to compare float32 with float64. Convert what you expect. (But do ask for the dtype of
# >   the table itself.)
# > - *Expecting the wrong thing* convicts the innocent: your own function should pass. Begin with that.
# > - *Size.* Small tables are enough: a solution under test answers for no length and no width above 5000.

# %% solution="test_sinusoidal_positional_encoding"

# %% check="test_sinusoidal_positional_encoding"

# %%
claims = {
    "your own": lambda n, d, base=10000.0: sinusoidal_positional_encoding(n, d, base),
    "doubled exponent": lambda n, d, base=10000.0: sinusoidal_positional_encoding(n, d, base**2),
    "base ignored": lambda n, d, base=10000.0: sinusoidal_positional_encoding(n, d),
    "counted from 1": lambda n, d, base=10000.0: sinusoidal_positional_encoding(n + 1, d, base)[1:],
    "float64": lambda n, d, base=10000.0: sinusoidal_positional_encoding(n, d, base).double(),
}
with after("sinusoidal_positional_encoding", "test_sinusoidal_positional_encoding"):
    for name, claim in claims.items():
        try:
            test_sinusoidal_positional_encoding(claim)
            verdict = "passes"
        except NotImplementedError:
            raise
        except Exception as error:
            verdict = f"is stopped ({type(error).__name__})"
        print(f"{name:17} {verdict}")

# %% [markdown]
# **What to notice.** A test is a question. Whether it is a good one is decided by the wrong answers: if they would all
# give the answer that you hope for, you have not asked anything.

# %% [markdown]
# ## 13. Extra: turned like the hand of a clock
#
# The first of the two extras is what most large language models of today use in the place of the clock, the second is
# the simplest cure of all. They are not graded unless your course says so.
#
# Section 5 has shown two things: a turn says "later", and the product of two turned things sees only the difference of
# their angles. **Rotary positions** (RoPE, Su et al. 2021) use it directly. Nothing is added to the word. Instead, in
# each head, the *query* and the *key* are cut into pairs of channels, each pair is an arrow, and the arrow is turned by
# the angle of its position:
#
# $$\begin{pmatrix} a' \\ b' \end{pmatrix} =
# \begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}
# \begin{pmatrix} a \\ b \end{pmatrix}, \qquad \theta = \frac{p}{10000^{2i/d}}$$
#
# where $d$ is now the width of a head. If both query and key move on by 100 words, both turn by the same angles, and
# their dot product stays the same. Values are not turned: they are taken along, not compared.

# %%
# Drawing only: a query at position 2 and a key at position 5, and the same two 4 positions later.
fig, axes = plt.subplots(1, 2, figsize=(7, 3.6))
for ax, later in zip(axes, (0, 4), strict=True):
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color=GREY, linestyle=":"))
    for label, own, position, color in (("query", 0.3, 2 + later, BLUE), ("key", 0.9, 5 + later, ORANGE)):
        angle = own + 0.35 * position
        tip = math.cos(angle), math.sin(angle)
        ax.annotate(
            "", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2, "shrinkA": 0, "shrinkB": 0}
        )
        ax.text(1.16 * tip[0], 1.16 * tip[1], f"{label}\nat {position}", ha="center", va="center", color=color)
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.4, 1.4), aspect="equal", title="now" if not later else "four words later")
    ax.axis("off")
plt.show()

# %% [markdown]
# *What the picture shows.* One pair of channels, seen as arrows. Left: a query at position 2 and a key at position 5.
# Right: the same two, four words later. Both arrows have turned by the same angle, so the angle *between* them is
# unchanged, and with it the dot product.
#
# > **Pitfalls**
# > - *Which two channels make an arrow?* Here neighbours, as in the paper: 0 and 1, 2 and 3. Many models pair channel
# >   $i$ with $i + d/2$. Weights trained for one layout are useless in the other.
# > - *One minus, and only one.* With the sign in the wrong place arrows grow or are mirrored. Test: position 0 changes
# >   nothing, and no arrow changes its length.
# > - *`offset`.* When words arrive one at a time, the next one is not at position 0.
# > - *Which axis is the position?* The last but one.

# %% solution="apply_rope"

# %% check="apply_rope"

# %%
with after("apply_rope"):
    generator = torch.Generator().manual_seed(1)
    q, k = torch.randn(2, 1, 1, 1, 16, generator=generator)
    turned_q, turned_k = (apply_rope(t.expand(1, 1, 12, 16)) for t in (q, k))
    scores = (turned_q @ turned_k.transpose(-2, -1))[0, 0]
    fig, ax = plt.subplots(figsize=(4.6, 3.8))
    image = ax.imshow(scores)
    ax.set(title="the same query and key at 12 positions", xlabel="position of the key", ylabel="position of the query")
    fig.colorbar(image, ax=ax)
    plt.show()
    print(f"query at 3, key at 1: {scores[3, 1].item():.4f}     query at 11, key at 9: {scores[11, 9].item():.4f}")

# %% [markdown]
# *What the picture shows.* The dot products of one query and one key, each put at 12 positions. Every diagonal has one
# colour: the distance alone decides. And the two sides of the middle diagonal differ: "two words before" is not "two
# words after".

# %% [markdown]
# ## 14. Extra: heads that forget
#
# The simplest of all: **take off a little of the score for every word that lies in between.** Nothing is learned. Head
# $h$, counted from 1 to $H$, has a slope $m_h = 2^{-8h/H}$, and its bias is
#
# $$b_{ij} = -m_h\,\lvert j - i \rvert .$$
#
# The first heads forget fast and see the neighbours, the last ones forget slowly and see far. Press et al. (2022) call
# it ALiBi, attention with linear biases. They use it in causal models, where only the past counts; ours acts on both
# sides.
#
# > **Pitfalls**
# > - *Minus.* A plus would prefer what is far away.
# > - *Heads are counted from 1*, so that the last one always has the slope $2^{-8}$.
# > - *The slopes are a geometric sequence*: each is the same fraction of the one before.

# %% solution="alibi_bias"

# %% check="alibi_bias"

# %%
with after("alibi_bias"):
    bias = alibi_bias(4, 33, 33)
    fig, axes = plt.subplots(1, 3, figsize=(11, 3.7))
    for head, style in enumerate(("-", "--", "-.", ":")):
        axes[0].plot(range(-16, 17), bias[head, 16], style, marker="", color=BLUE, label=f"head {head + 1}")
    axes[0].set(title="bias and distance", xlabel="distance", ylabel="taken off the score")
    axes[0].legend(fontsize=9)
    names = [str(p) if p % 8 == 0 else "" for p in range(33)]
    for ax, head in zip(axes[1:], (0, 3), strict=True):
        weights = attention_weights(bias[head])
        ax.imshow(weights)
        ax.set(title=f"head {head + 1}, equal words", xlabel="key", ylabel="query")
        print(f"head {head + 1}: largest weight {weights.max().item():.3f}, smallest {weights.min().item():.3f}")
    plt.show()

# %% [markdown]
# *What the pictures show.* Left: the bias against the distance, a roof for each of four heads; the steepest belongs to
# head 1, the one of head 4 is nearly flat. Middle and right: the weights of 33 equal words in the first and the last
# head (each with a colour scale of its own). Head 1 sees a band around itself. Head 4 sees nearly everything alike:
# look at the printed numbers, the colours exaggerate.

# %% [markdown]
# ## What you have built
#
# | part | in the language of clocks | acts on | to learn | knows |
# |---|---|---|---|---|
# | sinusoidal encoding | what the hands show | the words, added | nothing | where |
# | learned positions | a stamp for each moment | the words, added | `max_len` times $D$ | where, up to `max_len` |
# | embedding scale | a word as loud as the time | the words, multiplied | nothing | |
# | relative bias | how long ago? | the scores, added | $(2k+1)$ times $H$ | how far, up to $k$ |
# | rotary (extra) | the card turns with the time | queries and keys, turned | nothing | how far |
# | linear bias (extra) | old cards fade | the scores, added | nothing | how far |
#
# And four sentences to keep:
#
# - Attention alone is **equivariant**: another order of the words gives the same results in another order.
# - In the formula **$i$ counts pairs**. Measure speeds, not properties, to see whether you have it right.
# - A fixed table is a **buffer**; words and positions must be of **similar size**.
# - What matters is mostly the **distance**, and what was never trained is not known.
#
# ## What comes next
#
# You can read a sentence with several heads, and you know the order of its words. The next lesson builds the **block**
# around it: a way past each layer, a norm that keeps numbers in bounds, and a small network that thinks about each word
# on its own. Stacked, that is an encoder.
#
# ## Read on
#
# - A. Vaswani et al., [Attention Is All You Need](https://arxiv.org/abs/1706.03762), 2017. Section 3.5 is the clock,
#   section 3.4 the scale, and row (E) of table 3 compares it with learned positions.
# - J. Gehring et al., [Convolutional Sequence to Sequence Learning](https://arxiv.org/abs/1705.03122), 2017. Learned
#   positions, in section 3.1.
# - P. Shaw, J. Uszkoreit and A. Vaswani, [Self-Attention with Relative Position
#   Representations](https://arxiv.org/abs/1803.02155), 2018. Ways, and their clipping.
# - C. Raffel et al., [Exploring the Limits of Transfer Learning with a Unified Text-to-Text
#   Transformer](https://arxiv.org/abs/1910.10683), 2020. The bias of T5, in section 2.1.
# - J. Su et al., [RoFormer: Enhanced Transformer with Rotary Position Embedding](https://arxiv.org/abs/2104.09864),
#   2021.
# - O. Press, N. A. Smith and M. Lewis, [Train Short, Test Long: Attention with Linear Biases Enables Input Length
#   Extrapolation](https://arxiv.org/abs/2108.12409), 2022. Also on what happens to the others beyond the training
#   length.
