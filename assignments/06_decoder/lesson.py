# %% [markdown]
# # The decoder: guessing the next letter
#
# > The animal didn't cross the street because it was too ▒▒▒▒▒
#
# Take a book, lay a **card** over the page so that only the beginning of a sentence is visible, and let a friend guess
# the next letter. Uncover it, whatever the guess was, and go on. Claude Shannon played this game with people in 1951 to
# find out how much there is to guess in English. Between 0.6 and 1.3 bits for each letter, he concluded, when the
# players see the last hundred: most of what we write is no surprise.
#
# A **language model** is a machine that plays this game, and nothing else. The models of the GPT family do: they turn
# everything they are asked into "what comes next?", write their guess down, and ask again. You will build one here from
# the parts of the earlier lessons, train it on a book that lies on your own disk, and let it write.
#
# What is new is the card. In code it is called a *mask*, it is one line long, and a model without it looks brilliant in
# training and can do nothing at all. The card stays with us for the whole lesson:
#
# | | in the game |
# |---|---|
# | causal mask | the card |
# | teacher forcing | the card is moved on, whatever was guessed |
# | loss | how surprised the player is by what appears |
# | cross-attention | a second page beside the first, with no card on it |
# | generation | there is nothing under the card: the guess is written down and becomes the text |
# | temperature, top-k, top-p | how daring the player is |
# | KV cache (extra) | notes in the margin, so that the page need not be read again for every letter |
#
# **You need** the lessons on attention, on several heads, on positions and on the encoder block; it helps to have seen
# a training loop. **It takes** about six and a quarter hours, and three quarters of an hour more with the extra: four
# and a half hours of writing code, the rest for reading and playing. Every exercise is a good place for a break, and
# section 8 is a very good one: there the computer works for a minute, and you watch.
#
# | | you write | what it does | minutes |
# |---|---|---|---|
# | 1 | `causal_mask` | the card, for all rounds of the game at once | 10 |
# | 2 | `combine_masks` | several reasons not to look, joined | 10 |
# | 3 | `CausalSelfAttention` | attention that cannot look ahead | 20 |
# | 4 | `DecoderBlock` | look back, look at the other page, think | 35 |
# | 5 | `init_gpt_weights` | how to begin | 15 |
# | 6 | `GPT` | the whole model, and its loss | 45 |
# | 7 | `apply_temperature` | more or less daring | 10 |
# | 8 | `top_k_filter` | a short list of fixed length | 15 |
# | 9 | `top_p_filter` | a short list as long as it takes | 25 |
# | 10 | `sample_next_token` | one throw of the dice | 15 |
# | 11 | `generate` | writing | 30 |
# | 12 | `nucleus_mask` | a famous mistake: find it and mend it | 10 |
# | 13 | `test_top_p_filter` | tells right filters from wrong ones | 30 |
# | + | `KVCache` (extra) | notes in the margin | 45 |
#
# What you built in earlier lessons is given in the cells below. Everything else works as before: `check("...")` tries
# your code, and `autograder hint ...` in a terminal helps in three steps.

# %% setup
import math
from collections.abc import Callable
from itertools import permutations

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

# %% given="positions: LearnedPositionalEmbedding TokenEmbedding"

# %% given="encoder_block: layer_norm LayerNorm gelu FeedForward"

# %% [markdown]
# ## 1. All rounds of the game at once
#
# Play the game on "the card". In the first round you see `t` and guess the `h`. In the second you see `th` and guess
# the `e`. Seven rounds, one after the other.
#
# A network need not play them one after the other. The page is printed, all rounds are known in advance, so we write
# them **below each other**, one row for each:

# %%
# Drawing only.
word = "the card"
rounds = len(word) - 1
fig, axes = plt.subplots(1, 2, figsize=(10, 4.1), width_ratios=[1.25, 1])
for i in range(rounds):
    for j, letter in enumerate(word):
        sign = letter.replace(" ", "␣")
        if j <= i:
            axes[0].text(j, i, sign, ha="center", va="center", family="monospace", size=14)
        else:
            corner = (j - 0.5, i - 0.5)
            axes[0].add_patch(plt.Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor=GREY, alpha=0.4, lw=0))
    axes[0].add_patch(plt.Rectangle((i + 0.5, i - 0.5), 1, 1, fill=False, edgecolor=ORANGE, lw=2, zorder=3))
    axes[0].text(8.2, i, word[i + 1].replace(" ", "␣"), color=ORANGE, va="center", weight="bold", family="monospace")
axes[0].text(8.2, -0.95, "to guess", color=ORANGE, ha="center")
axes[0].set(xlim=(-0.6, 9), ylim=(6.6, -1.3), aspect="equal", yticks=range(rounds), ylabel="round", xticks=[])
axes[0].set_title("the rounds, and the card", loc="left", weight="bold")
axes[0].spines[["left", "bottom"]].set_visible(False)
for i in range(rounds):
    for j in range(rounds):
        hatch = "////" if j > i else None
        axes[1].add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor=GREY, lw=0.7))
        if j <= i:
            axes[1].text(j, i, "✓", ha="center", va="center", color=GREEN, weight="bold")
signs = [c.replace(" ", "␣") for c in word[:-1]]
axes[1].set(xlim=(-0.5, 6.5), ylim=(6.5, -0.5), aspect="equal", xlabel="is read", ylabel="who reads")
axes[1].set_xticks(range(rounds), signs, family="monospace")
axes[1].set_yticks(range(rounds), signs, family="monospace")
axes[1].set_title("who can see whom", loc="left", weight="bold")
plt.show()

# %% [markdown]
# *What the pictures show.* Left: a row is a round of the game. The letters that are visible, the card (hatched), and at
# its edge, framed, the letter to guess; it stands again at the end of the row. Right: the same triangle as a table.
# Rows are readers, columns are letters that are read, a tick means "may see". This table is the **causal mask**: `True`
# where $j \le i$.
#
# Two things to notice.
#
# - **The diagonal is allowed.** In round $i$ the letter at position $i$ has already been uncovered. What has to be
#   guessed is the letter at position $i + 1$, one further to the right. A player who may not see their own letter has,
#   in round 0, nothing to look at.
# - **Each row is a round of its own.** The triangle is not one card but a stack of them, laid in one go. That is what
#   makes Transformers fast to *train*. Writing is another matter, as we shall see.
#
# Sometimes the readers are only the last few positions: the beginning of the text has been read before, and there are
# notes. Then the mask has fewer rows than columns, and its last row is still the one that sees everything: **aligned at
# the bottom right.**
#
# > **Pitfalls**
# > - *True and False the other way round.* Here `True` means "may attend". In `nn.MultiheadAttention` it means the
# >   opposite, and a triangle on the wrong side looks just as pretty.
# > - *Off by one.* One column too many and every player sees exactly the letter they have to guess.
# > - *Aligned at the top left.* For 2 readers and 5 letters, the newest letter would be allowed to see only the two
# >   oldest.
# > - *A mask is bool*, not 0.0 and 1.0.

# %% solution="causal_mask"

# %% check="causal_mask"

# %%
with after("causal_mask"):
    for title, mask in {"5 readers, 5 letters": causal_mask(5), "2 readers, 5 letters": causal_mask(2, 5)}.items():
        print(title)
        for row in mask:
            print("   ", " ".join("✓" if allowed else "·" for allowed in row.tolist()))

# %% [markdown]
# ## 2. More than one reason not to look
#
# Sentences of a batch are not equally long. Short ones are filled up with padding, and nobody may look at padding
# either: that was the padding mask of shape `(B, 1, 1, L)`. A pair of positions is allowed only **if all masks allow
# it**. Axes of size 1 are stretched, as always when shapes are lined up from the right.

# %%
length, padded = 5, 2  # a sentence with two positions of padding on the left
past = torch.ones(length, length).tril().bool()
padding = (torch.arange(length) >= padded).view(1, length)
fig, axes = plt.subplots(1, 4, figsize=(11, 3.1))
shown = {
    "the card": past,
    "no padding": padding.expand(length, length),
    "both: and": past & padding,
    "wrong: or": past | padding,
}
for ax, (title, table) in zip(axes, shown.items(), strict=True):
    for i in range(length):
        for j in range(length):
            allowed = bool(table[i, j])
            hatch = None if allowed else "////"
            ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor=GREY, lw=0.7))
            if allowed:
                good = bool(past[i, j] & padding[0, j])
                sign, color = ("✓", GREEN) if good or title != "wrong: or" else ("!", ORANGE)
                ax.text(j, i, sign, ha="center", va="center", color=color, weight="bold")
    ax.set(xlim=(-0.5, 4.5), ylim=(4.5, -0.5), aspect="equal", title=title)
    ax.set_xticks(range(length), list("PPABC"))
    ax.set_yticks(range(length), list("PPABC"))
plt.show()

# %% [markdown]
# *What the pictures show.* A sentence "P P A B C" with two positions of padding in front; rows read, columns are read.
# First the card, then the padding mask: one row of verdicts about the *columns*, the same for every reader. Third, both
# joined by "and": three rows of real letters, each with its own past and no padding. Fourth, joined by "or": every
# exclamation mark is a pair that one of the two masks has forbidden. The future is open again.
#
# The first two rows of the right answer are empty. These readers are padding themselves, and what they make of nothing
# does not matter, as long as it is not `nan`. Your `attention_weights` gives them zeros.
#
# > **Pitfalls**
# > - *`None` is a mask too*: it forbids nothing. And if there is no other, the result is `None`.
# > - *`&=` writes into the caller's mask.* The next layer gets the damage.
# > - *Masks of numbers* (0 and 1, or 0 and $-\infty$) come from other conventions. Refuse them, rather than guess.

# %% solution="combine_masks"

# %% check="combine_masks"

# %%
with after("causal_mask", "combine_masks"):
    two = torch.tensor([[True] * 5, [False, False, True, True, True]])[:, None, None, :]  # (B, 1, 1, L)
    joined = combine_masks(causal_mask(5), two, None)
    print("(5, 5) and (2, 1, 1, 5) and None give", tuple(joined.shape))

# %% [markdown]
# ## 3. Attention that cannot look ahead
#
# Now put the card into the attention. `CausalSelfAttention` *has* a `MultiHeadAttention` and adds the causal mask in
# every call, whether or not somebody asks for it. So no one can forget it. A mask that is passed can take more away; it
# cannot give the future back.
#
# How do you find out whether it works? Not by looking at the weights alone, and not by training: both can look fine.
# Ask the layer itself, as in the lesson on several heads. Change one input at a time, and note which outputs move.
# **Output $i$ must depend on inputs 0 to $i$, on all of them, and on no others.** Exactly this triangle: not a tick too
# many (a leak), not one too few (a lost past).
#
# > **Pitfalls**
# > - *A mask for the longest sentence*, made once and cut to size, has to be cut on both axes. Making it anew for the
# >   length at hand is cheap.
# > - *The mask is no parameter.* Nothing about it is learned.
# > - *Two values*: the output and the weights of each head.
# > - *`cache`* is there for the extra at the end. Until then it is `None`; leave it alone.

# %% solution="CausalSelfAttention"

# %% check="CausalSelfAttention"

# %%
triangle = torch.ones(6, 6).tril()  # what we hope to find


def who_meets_whom(run, x):
    """For each output (row) and input (column): does the output move when the input does?"""
    before, length = run(x), x.size(1)
    meets = torch.zeros(before.size(1), length, dtype=torch.bool)
    for j in range(length):
        changed = x.clone()
        changed[:, j] = changed[:, j].flip(-1)
        meets[:, j] = (run(changed) - before).abs().sum(dim=(0, 2)) > 1e-6
    return meets


def draw_meetings(ax, meets, expected, title):
    """Tick: as it should be. Exclamation mark: meets, and must not. Question mark: should, and does not."""
    for i, row in enumerate(meets.tolist()):
        for j, met in enumerate(row):
            allowed = bool(expected[i, j])
            hatch = None if allowed else "////"
            ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor=GREY, lw=0.7))
            sign, color = {(1, 1): ("✓", GREEN), (0, 1): ("!", ORANGE), (1, 0): ("?", BLUE)}.get(
                (int(allowed), int(met)), ("", GREY)
            )
            ax.text(j, i, sign, ha="center", va="center", color=color, weight="bold")
    rows, columns = meets.shape
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal", title=title)
    ax.set(xlabel="input", ylabel="output", xticks=range(columns), yticks=range(rows))


with after("CausalSelfAttention"):
    torch.manual_seed(0)
    layer = CausalSelfAttention(d_model=12, num_heads=3).eval()
    x = torch.randn(1, 6, 12)
    with torch.no_grad():
        output, weights = layer(x)
        fig, axes = plt.subplots(1, 3, figsize=(11, 3.6))
        plot_attention(weights[0, 0], list("abcdef"), list("abcdef"), axes[0]).set_title("weights of head 0")
        draw_meetings(axes[1], who_meets_whom(lambda y: layer(y)[0], x), triangle, "your layer")
        draw_meetings(axes[2], who_meets_whom(lambda y: layer.attention(y)[0], x), triangle, "the same, no card")
    plt.show()

# %% [markdown]
# *What the pictures show.* Left, the weights of one head of an untrained layer: nothing above the diagonal, and the
# first row gives everything to itself, for lack of anybody else. Middle, the experiment: a tick in every cell of the
# triangle and nothing outside. Right, the same weights without the card: an exclamation mark for every leak.

# %% [markdown]
# ## 4. One floor of the decoder
#
# The first Transformer was a translator. It had two towers: the *encoder* of the last lesson reads the French page, and
# the *decoder* plays our game on the English one. On each floor of the decoder three things happen.
#
# | | who asks | who answers | card? | norm |
# |---|---|---|---|---|
# | **self-attention** | English letters | English letters | yes | `norm1` |
# | **cross-attention** | English letters | French letters, as the encoder left them (the *memory*) | no | `norm2` |
# | **feed-forward** | each letter by itself | - | - | `norm3` |
#
# The French page lies open beside the English one: there is nothing to guess on it, so there is no card. What may have
# to be hidden is its padding, with `memory_mask`; and since the *keys* are French, that mask has French columns.
#
# A model that only writes, such as GPT, has no other page. Then the cross-attention is left out, and with it the third
# norm: `norm1` belongs to the attention, `norm2` to the feed-forward network.

# %%
# Drawing only: a block with its main road and its three detours.
fig, ax = plt.subplots(figsize=(11, 3.7))
ax.annotate("", (12.6, 0), (-0.6, 0), arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 2.5})
ax.text(-0.6, -0.45, "x", size=13, ha="center")
ax.text(12.6, -0.45, "out", size=13, ha="center")
for k, (name, color) in enumerate((("self-attention", BLUE), ("cross-attention", ORANGE), ("feed-forward", GREEN))):
    left = 4.1 * k
    ax.plot([left, left], [0, 2.0], "-", marker="", color=color, lw=1.5)
    ax.annotate("", (left + 3.2, 0.22), (left + 3.2, 2.0), arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.5})
    ax.plot([left, left + 3.2], [2.0, 2.0], "-", marker="", color=color, lw=1.5, zorder=0)
    ax.text(left, 0.9, f"norm{k + 1}", ha="center", bbox={"boxstyle": "round", "fc": "w", "ec": color}, color="#333333")
    ax.text(
        left + 1.6,
        2,
        name,
        ha="center",
        va="center",
        color="#333333",
        bbox={"boxstyle": "round", "fc": "w", "ec": color},
    )
    ax.text(
        left + 3.2,
        0,
        "+",
        ha="center",
        va="center",
        color="#333333",
        bbox={"boxstyle": "circle", "fc": "w", "ec": GREY},
    )
ax.text(1.6, 2.4, "with the card", ha="center", color=BLUE)
ax.text(5.7, 3.35, "memory", ha="center", color=ORANGE, weight="bold")
ax.annotate("", (5.7, 2.35), (5.7, 3.25), arrowprops={"arrowstyle": "-|>", "color": ORANGE, "lw": 1.5})
ax.text(5.9, 2.8, "keys and values", color=ORANGE, size=9)
ax.set(xlim=(-1, 13), ylim=(-0.7, 3.7))
ax.axis("off")
plt.show()

# %% [markdown]
# *What the picture shows.* The main road runs from left to right and nothing stands on it but three plus signs. Each
# sub-layer is a detour: it branches off, passes its norm, does its work and is added. Into the second one comes the
# memory, from above, for keys and values; the questions come from the road.
#
# Between sub-layer and plus sign there is dropout, in training.
#
# > **Pitfalls**
# > - *Three norms in a fixed order.* The one of the feed-forward network is the last one there is.
# > - *The memory is not normed again.* It comes from an encoder that has done so.
# > - *Which mask where?* `self_mask` is about the page that is written, `memory_mask` about the one that is read. A
# >   causal mask on the French page would hide its end from the first English letter: no error, a bad translator.
# > - *A block that asks the source and gets none* should say so, with a `ValueError`.
# > - *`x += ...`* changes what the caller holds.

# %% solution="DecoderBlock"

# %% check="DecoderBlock"

# %%
with after("DecoderBlock"):
    torch.manual_seed(0)
    block = DecoderBlock(12, 3, 48).eval()
    x, memory = torch.randn(1, 5, 12), torch.randn(1, 7, 12)
    with torch.no_grad():
        fig, axes = plt.subplots(1, 3, figsize=(11, 3.4))
        mine = who_meets_whom(lambda y: block(y, memory), x)
        draw_meetings(axes[0], mine, torch.ones(5, 5).tril(), "on its own page")
        source = who_meets_whom(lambda y: block(x, y), memory)
        draw_meetings(axes[1], source, torch.ones(5, 7), "on the other page")
        hidden = torch.tensor([True] * 4 + [False] * 3).view(1, 1, 1, 7)
        source = who_meets_whom(lambda y: block(x, y, memory_mask=hidden), memory)
        draw_meetings(axes[2], source, hidden.view(1, 7).expand(5, 7), "its last 3 are padding")
        axes[1].set_xlabel("memory")
        axes[2].set_xlabel("memory")
    plt.show()

# %% [markdown]
# *What the pictures show.* Which outputs of your block move when one input does. On its own page (left), the triangle.
# On the other page (middle), every reader sees everything: the very first letter of a translation may depend on the
# last word of the source. With padding (right), whole *columns* are closed, the same for all readers.

# %% [markdown]
# ## 5. How to begin
#
# A stack of blocks is a road with $2N$ plus signs, for $N$ blocks of two sub-layers. Each adds something to the stream,
# and at the start, when all is chance, what they add is unrelated. Variances of unrelated things add up: after $2N$
# terms of the same size, the stream is $\sqrt{2N}$ times as large as one of them. The deeper the model, the louder its
# end.
#
# GPT-2 begins with small numbers, of standard deviation 0.02, and draws those matrices that *end on the road* (`w_o`
# and `linear2`) smaller still, by $1/\sqrt{2N}$. Then what all of them add together has the size of one term, however
# many there are.
#
# > **Pitfalls**
# > - *N counts blocks*, not sub-layers and not parameters. Each block adds twice.
# > - *A norm's weight begins at 1*, not at 0.02: it has to let something through.
# > - *Parameters, not copies.* The function returns nothing; the model itself has to change.

# %% solution="init_gpt_weights"

# %% check="init_gpt_weights"

# %%
with after("init_gpt_weights"):
    depths = range(25)
    fig, ax = plt.subplots(figsize=(6.8, 3.5))
    for name in ("as PyTorch draws them", "0.02 everywhere", "yours"):
        torch.manual_seed(0)
        tower = nn.ModuleList(DecoderBlock(64, 4, 256, activation="gelu", cross_attention=False) for _ in range(24))
        if name != "as PyTorch draws them":
            init_gpt_weights(tower)
        if name == "0.02 everywhere":
            for label, parameter in tower.named_parameters():
                if label.endswith(("w_o.weight", "linear2.weight")):
                    nn.init.normal_(parameter, std=0.02)
        x = torch.randn(4, 16, 64)
        stream, added = x, [0.0]
        with torch.no_grad():
            for block in tower:
                stream = block(stream)
                added.append((stream - x).std().item())
        ax.plot(depths, added, markevery=4, label=name)
        print(f"{name:22} after 24 blocks, what was added has a standard deviation of {added[-1]:.2f}")
    ax.set(xlabel="blocks passed", ylabel="size of what was added", title="A stream of size 1, and its tributaries")
    ax.legend()
    plt.show()

# %% [markdown]
# *What the picture shows.* The stream enters with a standard deviation of 1; the curves show the size of what the
# blocks have added to it, up to each floor. Circles, the way PyTorch draws its layers by default: at the top, what was
# added is half as loud again as what came in. Squares, 0.02 for every matrix: 0.14. Triangles, your start: 0.02, which
# is smaller by about the root of 48, the number of plus signs.

# %% [markdown]
# ## 6. GPT
#
# All parts are there. Follow one letter through the tower:
#
# | step | shape | |
# |---|---|---|
# | letters as numbers | `(B, T)` | |
# | what it is, plus where it stands | `(B, T, D)` | two tables, added; then dropout |
# | $N$ blocks | `(B, T, D)` | read back, think, $N$ times |
# | a last norm | `(B, T, D)` | pre-norm towers need one: nobody has normed the stream |
# | the head | `(B, T, V)` | one score for every letter that could come next: the **logits** |
#
# ### The card is moved on, whatever was guessed
#
# In Shannon's game, after a wrong guess the true letter is shown, and the next round goes on from there. In training it
# is the same: every round gets the *true* text as its past, never the model's own guesses. This is called **teacher
# forcing**, and it is why all rounds can be played in one pass. What has to be guessed is the same text, **one step
# further on**:

# %%
page = "the card is moved on"
print("ids      ", " ".join(page[:-1].replace(" ", "␣")))
print("targets  ", " ".join(page[1:].replace(" ", "␣")), f"   {len(page) - 1} rounds from {len(page)} letters")

# %% [markdown]
# Your model gets targets that are shifted already; it does not shift them again.
#
# ### Surprise
#
# For each round the model gives every letter a probability, by a softmax over the $V$ logits. Then the card moves, and
# the model is *surprised* by $-\ln p$ of the letter that appears: 0 if it was sure of it, $\ln V$ if it thought all
# letters alike, and much more if it was sure of another. The **loss** is the mean surprise over all rounds that count;
# a target of $-100$ marks one that does not.
#
# This gives a test that costs nothing. A new model should know nothing, and say so: **its first loss should be about
# $\ln V$.** Much more means that it begins with opinions.
#
# ### One matrix, used twice
#
# The embedding holds one vector for each letter, $(V, D)$. The head compares the stream with one vector for each
# letter, $(V, D)$ as well. GPT-2 uses *the same matrix* for both: a letter is recognised by the vector by which it is
# written. With a large vocabulary this saves a good part of all parameters, and each row learns from both uses.
#
# > **Pitfalls**
# > - *Sharing means one object.* A copy has the same numbers until the first step of training.
# > - *No scale.* GPT adds words and positions as they are (`scale=False`).
# > - *An `nn.Embedding` begins at size 1.* As a head, that gives logits as large as $\sqrt D$ and a first loss far
# >   above $\ln V$. So initialise at the very end.
# > - *Flatten alike.* For the loss, `(B, T, V)` becomes `(B * T, V)` and `(B, T)` becomes `(B * T)`.
# > - *A text longer than `max_len`* has no positions: `ValueError`. And `max_len` is an attribute, because whoever
# >   writes with the model has to know it.
# > - *Logits, not probabilities.* The softmax belongs to the loss.

# %% solution="GPT"

# %% check="GPT"

# %%
with after("GPT"):
    size = {"vocab_size": 50257, "d_model": 768, "num_heads": 12, "num_layers": 12, "max_len": 1024}
    with torch.device("meta"):  # shapes without numbers: the model would need half a gigabyte
        for tied in (True, False):
            count = sum(parameter.numel() for parameter in GPT(**size, tie_weights=tied).parameters())
            print(f"the size of GPT-2 small, {'tied' if tied else 'not tied':9} {count:,} parameters")

    torch.manual_seed(0)
    ids, targets = torch.randint(76, (2, 16, 64))
    model = GPT(vocab_size=76, d_model=96, num_heads=4, num_layers=2, max_len=64).eval()
    with torch.no_grad():
        print(f"\nfirst loss {model(ids, targets)[1].item():.2f}, ln 76 = {math.log(76):.2f}")
        nn.init.normal_(model.token_embedding.embedding.weight)
        print(f"first loss with an embedding of size 1: {model(ids, targets)[1].item():.2f}")

# %% [markdown]
# 124,439,808 is what GPT-2 small has (its paper says 117 million, which was a mistake in counting); the shared matrix
# saves nearly 39 million. The last line is a model that is very sure of itself, and of nonsense: it would have to
# forget its opinions before it could learn anything.

# %% [markdown]
# ## 7. A book
#
# Every Python carries a book: what `help("while")` or `help("yield")` prints comes from `pydoc_data.topics`, the
# chapters of the language reference. We take its sentences and leave out program text and tables. Every tenth paragraph
# is kept aside, to see how the model plays on pages that it has never read.

# %%
import re
from functools import cache
from pydoc_data.topics import topics

plain = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "*": None, "\\": None})
paragraphs = {}  # a dictionary keeps each of them once, in order
for name in sorted(topics):
    for paragraph in re.split(r"\n\s*\n", topics[name].translate(plain)):
        words = re.sub(r"^(-|\d+\.) ", "", " ".join(paragraph.split()))
        if re.fullmatch(r"""[A-Z"][A-Za-z0-9 .,:;'"()_-]{40,}[.:]""", words):
            paragraphs[words] = None
paragraphs = list(paragraphs)

letters = sorted(set("\n".join(paragraphs)) | {"\n"})
number = {letter: i for i, letter in enumerate(letters)}


def encode(text):
    """Letters to numbers: a tensor of shape (T,)."""
    return torch.tensor([number[letter] for letter in text])


def decode(ids):
    """Numbers to letters."""
    return "".join(letters[i] for i in ids.tolist())


book = encode("\n".join(p for i, p in enumerate(paragraphs) if i % 10))
aside = encode("\n".join(paragraphs[::10]))
print(f"{len(paragraphs)} paragraphs, {len(book):,} letters to learn from, {len(aside):,} aside, V = {len(letters)}")
print("\n" + paragraphs[len(paragraphs) // 2])

# %% [markdown]
# "Letter" means any sign here, spaces and commas too. Large models use pieces of words; nothing else in this lesson
# would change.
#
# How well can one play without a network? Two simple players give us lines to compare with. One knows only how often
# each letter occurs. The other looks at the letter before, and knows how often each one follows it.

# %%
V = len(letters)
single = torch.bincount(book, minlength=V) + 1.0  # one for each, so that nothing is impossible
pairs = torch.bincount(book[:-1] * V + book[1:], minlength=V * V).view(V, V) + single / single.sum()
surprise = {
    "all letters alike": math.log(V),
    "how often each letter occurs": -(single / single.sum()).log()[aside].mean().item(),
    "the letter before": -(pairs / pairs.sum(dim=1, keepdim=True)).log()[aside[:-1], aside[1:]].mean().item(),
}
for name, loss in surprise.items():
    print(f"{name:30} {loss:.2f} nats a letter, {loss / math.log(2):.2f} bits")

# %% [markdown]
# ## 8. Training
#
# Windows of 65 letters from random places of the book: 64 to read, and the same one step further on to guess. Twelve
# windows are 768 rounds of the game in one pass. Everything below is PyTorch's own and will be yours in the last
# lesson; today it only has to work. The model has two blocks, 96 channels and four heads: about 240,000 parameters, one
# five-hundredth of GPT-2 small.
#
# **The next but one cell works for about a minute.** A bar shows how far it is. Interrupt the kernel (the square in the
# toolbar) when you have seen enough: what has been learned so far is kept. Running the cell right below again forgets
# it and starts anew.

# %%
import time

from IPython.display import display

torch.set_num_threads(1)  # runs can be repeated, and a second core that is busy does not slow this one down
STEPS, WINDOW = 1500, 64


class Bar:
    """A bar that fills up while something long is running."""

    def __init__(self, total):
        self.total, self.start = total, time.perf_counter()
        self.line = display({"text/plain": "..."}, raw=True, display_id=True)

    def show(self, done, text):
        """Draw it anew."""
        spent = time.perf_counter() - self.start
        left = f"{spent / done * (self.total - done):.0f} s left" if done < self.total else f"{spent:.0f} s"
        full = "█" * (30 * done // self.total)
        self.line.update({"text/plain": f"{full:░<30} step {done} of {self.total}, {text}, {left}"}, raw=True)


def train(model, steps):
    """Train a model on the book; returns steps, losses in training, losses aside, and states on the way."""
    window = model.max_len + 1
    generator = torch.Generator().manual_seed(0)
    windows, unseen = (text.unfold(0, window, 1) for text in (book, aside))  # (places, window), without a copy
    unseen = unseen[:: len(unseen) // 100]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.99), weight_decay=0.1)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, steps, pct_start=0.05, cycle_momentum=False)
    history, states, bar, recent = [], {}, Bar(steps), []
    try:
        for step in range(1, steps + 1):
            if step in (1, 101, 401):
                states[step - 1] = {name: value.clone() for name, value in model.state_dict().items()}
            drawn = windows[torch.randint(len(windows), (12,), generator=generator)]
            _, loss = model(drawn[:, :-1], drawn[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            recent.append(loss.item())
            if step % 50 == 0 or step == 1:
                with torch.no_grad():
                    outside = model(unseen[:, :-1], unseen[:, 1:])[1].item()
                history.append((step, sum(recent) / len(recent), outside))
                recent = []
                bar.show(step, f"loss {history[-1][1]:.2f}")
    except KeyboardInterrupt:
        print("interrupted; what has been learned so far is kept")
    return *map(list, zip(*history, strict=True)), states


@cache  # trained once; the cells below use the same model
def trained():
    """Your GPT after training, and what was noted on the way."""
    torch.manual_seed(0)
    model = GPT(V, d_model=96, num_heads=4, num_layers=2, max_len=WINDOW)
    notes = train(model, STEPS)
    return model.eval(), *notes


# %%
with after("GPT"):
    model, steps, losses, outside, states = trained()
    fig, ax = plt.subplots(figsize=(7.5, 4))
    ax.plot(steps, losses, markevery=4, label="pages of the book")
    ax.plot(steps, outside, markevery=4, label="pages kept aside")
    for name, loss in surprise.items():
        ax.axhline(loss, color=GREY, lw=1)
        ax.text(steps[-1], loss + 0.04, f"{name}: {loss:.2f}", ha="right", size=9)
    ax.set(xlabel="step", ylabel="loss: surprise in nats", ylim=(1, 4.6))
    ax.legend(loc="lower left")
    plt.show()
    print(f"at the end: {losses[-1]:.2f} in the book, {outside[-1]:.2f} aside, {outside[-1] / math.log(2):.2f} bits")

# %% [markdown]
# *What the picture shows.* The loss against the step: pages of the book (circles), pages kept aside (squares), and the
# three simple players as grey lines. The model begins on the first line: it knows nothing, and says so. Within a
# hundred steps it has found out which letters are frequent, and comes to the third line: it knows which letter follows
# which. There it lingers for a while, and then it goes through. Below that line there is something that pairs of
# letters cannot tell. For that it has to look back, and its attention has begun to.
#
# At the end it is at about 1.3 nats, or 1.9 bits a letter. The two curves hardly part: in one minute nobody learns a
# book by heart. Shannon's players needed 1.3 bits at most; but they had read more than one book, and his alphabet had
# no capitals and no commas. (Your numbers can differ a little from these: another Python carries another edition of the
# book.)
#
# > **Try it yourself.** What is a long memory worth? Set `WINDOW = 8` and run the two cells above again; it takes a
# > quarter of the time. Which of the simple players does it still beat? (Set it back to 64 afterwards, for the rest of
# > the lesson, and train again.)
#
# <details>
# <summary>What to expect</summary>
#
# About 2.15 on the pages kept aside, instead of 1.32: better than the letter before with its 2.42, but not by much. A
# part of the loss has another reason: windows of 8 letters are fewer letters, too, an eighth of them in 1500 steps.
#
# </details>
#
# ### What if the card is forgotten?
#
# A small experiment that you should see once in your life. One block, windows of 32 letters, ten seconds of training,
# and an attention without a card. How good can it get?

# %%
FEWER_STEPS = 600


class OpenPage(nn.Module):
    """The attention of a layer, with its card taken away."""

    def __init__(self, layer):
        super().__init__()
        self.attention = layer.attention

    def forward(self, x, mask=None, cache=None):
        """Attend to everything."""
        return self.attention(x, mask=mask)


@cache
def cheater():
    """A GPT that was trained without a card."""
    torch.manual_seed(0)
    model = GPT(V, d_model=96, num_heads=4, num_layers=1, max_len=32)
    for block in model.blocks:
        block.self_attention = OpenPage(block.self_attention)
    notes = train(model, FEWER_STEPS)
    return model.eval(), *notes


with after("GPT"):
    model = trained()[0]
    peeking, steps, losses, outside, _ = cheater()
    print(f"loss without the card, pages kept aside: {outside[-1]:.3f}")
    texts = aside.unfold(0, 33, 1)[::29]
    texts, following = texts[:, :-1], texts[:, -1]
    with torch.no_grad():
        for name, player in {"your model": model, "without the card": peeking}.items():
            read = texts[:, -player.max_len :]
            guess = player(read)[0]
            inside = (guess[:, :-1].argmax(-1) == read[:, 1:]).double().mean().item()
            end = (guess[:, -1].argmax(-1) == following).double().mean().item()
            print(f"{name:17} right guesses inside the text {inside:.0%}, at its end {end:.0%}")
        print(f"whoever always says 'space': {(following == number[' ']).double().mean():.0%}")

# %% [markdown]
# **What to notice.** The loss falls to about 0.2 nats, or 0.3 bits, far below what Shannon thought possible: a world
# record. Inside a text this player "guesses" 99 of 100 letters. At the *end* of a text, where nothing stands on the
# right, it is right in one case out of five, hardly better than somebody who says "space" every time. Your model, with
# the card, is as good in one place as in the other.
#
# Nothing in the training betrayed it. The loss went down, on pages kept aside as well. A leak shows only when you ask
# which output depends on which input, or when the model is made to write.

# %% [markdown]
# ## 9. How daring?
#
# The model does not say which letter comes next. It says how probable each of them is, and somebody has to choose. Here
# is what your model thinks in a few places. `␣` is a space.

# %%
SURE, OPEN = 'The "with" statement is us', "If the object "


def guesses(text):
    """The logits of your trained model for the letter that comes after the text: (V,)."""
    model = trained()[0]
    with torch.no_grad():
        return model(encode(text)[None, -model.max_len :])[0][0, -1]


def sign(letter):
    """How a letter is shown."""
    return {" ": "␣", "\n": "¶"}.get(letter, letter)


def draw_guesses(ax, text, change=None, title="", first=14):
    """Bars for the most probable letters after a text; dots, or crosses where nothing is left, for what they were."""
    logits = guesses(text)
    before = torch.softmax(logits, dim=-1)
    best = before.topk(first).indices
    now = before if change is None else torch.softmax(change(logits), dim=-1)
    ax.bar(range(first), now[best], color=BLUE, alpha=0.85)
    if change is not None:
        gone = now[best] == 0
        places = torch.arange(first)
        ax.plot(places[~gone], before[best][~gone], "o", color=ORANGE, ms=4)
        ax.plot(places[gone], before[best][gone], "x", color=ORANGE, ms=5)
    ax.set_xticks(range(first), [sign(letters[i]) for i in best.tolist()], family="monospace")
    ax.set(ylim=(-0.02, 1.02), title=title)


with after("GPT"):
    for text in ("The ", "The obj", SURE, OPEN, "the name of a "):
        best = torch.softmax(guesses(text), dim=-1).topk(6)
        line = [f"{sign(letters[i])} {p:.2f}" for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]
        print(f"{text:28}", "   ".join(line))

# %% [markdown]
# Some places are hardly a question: after `The obj` everybody writes an `e`. In others many letters are possible, and
# behind them comes a long tail of letters that are nearly impossible each, but not so rare *together*. Whoever throws
# the dice honestly at every letter will throw one from the tail every few words, and the model, which has never read
# such a thing, has to go on from there.
#
# ### Temperature
#
# The first knob makes the whole distribution sharper or flatter: divide the logits by a **temperature** before the
# softmax. Above 1 the differences shrink, below 1 they grow. In the limit 0 only the best letter is left: that is
# **greedy**.
#
# > **Pitfalls**
# > - *Logits, not probabilities.* A factor in front of all probabilities does nothing, or makes them none.
# > - *Hot water moves more.* Which way round is it: multiply or divide?
# > - *0 cannot be divided by*, and still has a meaning. Below 0 there is none.

# %% solution="apply_temperature"

# %% check="apply_temperature"

# %%
with after("GPT", "apply_temperature"):
    fig, axes = plt.subplots(1, 4, figsize=(13, 3.1), sharey=True)
    for ax, temperature in zip(axes, (0, 0.5, 1, 2), strict=True):
        draw_guesses(ax, OPEN, lambda logits, t=temperature: apply_temperature(logits, t), f"temperature {temperature}")
        left = torch.distributions.Categorical(logits=apply_temperature(guesses(OPEN), temperature).clamp_min(-1e9))
        print(f"temperature {temperature}: entropy {abs(left.entropy().item()):.2f} nats")
    axes[0].set_ylabel("probability")
    plt.show()

# %% [markdown]
# *What the pictures show.* The letters after `If the object `, most probable first: bars for the distribution at four
# temperatures, dots for the untouched one, and crosses in their place where nothing is left of it. At 0 one bar stands.
# At 0.5 the tall get taller; at 2 the bars flatten out, and the tail, which goes on beyond the picture, gains most.
#
# Temperature has no memory of sense and nonsense: it lifts the whole tail together. The other two knobs cut it off.
#
# ### A short list of fixed length
#
# **Top-k** keeps the $k$ best letters of each row. The others get a logit of $-\infty$, and so a probability of exactly
# 0; the softmax shares the minute among those that are left. Kept logits stay as they are and where they are.
#
# > **Pitfalls**
# > - *0 is no small logit.* $e^0 = 1$.
# > - *Exactly k.* "At least as large as the $k$-th" keeps more, when several are equal. Here it is the lowest ids.
# > - *k larger than V* keeps all; *k below 1* is a `ValueError`.

# %% solution="top_k_filter"

# %% check="top_k_filter"

# %%
with after("GPT", "top_k_filter"):
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.1), sharey=True)
    for ax, text in zip(axes, (SURE, OPEN), strict=True):
        draw_guesses(ax, text, lambda logits: top_k_filter(logits, 5), f"top-k 5 after “…{text[-14:]}”")
    axes[0].set_ylabel("probability")
    plt.show()

# %% [markdown]
# *What the pictures show.* The same $k$ in two places. On the left the model is sure, and four of the five places on
# the list go to letters that it does not believe in. On the right it is not, and good letters are cut off because five
# places are too few. **A list of fixed length fits nowhere.**
#
# ### A list as long as it takes
#
# **Top-p** (Holtzman et al. call it *nucleus sampling*) asks another question: which are the fewest best letters that
# together have at least the probability $p$? Go through them from the best one down and add up. A letter stays while
# the sum *before* it is below $p$. So the letter that crosses the line stays, and the best letter always does.
#
# | letter | a | b | c | d |
# |---|---|---|---|---|
# | probability | 0.15 | 0.5 | 0.1 | 0.25 |
# | place in the order | 3 | 1 | 4 | 2 |
# | sum before it | 0.75 | 0 | 0.9 | 0.5 |
# | stays with $p = 0.7$ | | ✓ | | ✓ |
#
# The two that stay have 0.75 together. Without d it would be 0.5: too little.
#
# > **Pitfalls**
# > - *The letter that crosses.* Drop it, and you keep less than you promised; where the best letter alone is above $p$,
# >   you keep nothing at all.
# > - *The way back.* The sums are in the order of the probabilities, the logits in the order of the alphabet. Letter
# >   number 3 is not the letter in third place. A test with sorted numbers will never notice.
# > - *Probabilities add up*, logits do not.
# > - *p = 1 keeps all*, even if rounding brings the sum to 1 too early.

# %% solution="top_p_filter"

# %% check="top_p_filter"

# %%
with after("GPT", "apply_temperature", "top_k_filter", "top_p_filter"):
    ways = {
        "as it is": None,
        "greedy": lambda logits: apply_temperature(logits, 0),
        "temperature 0.5": lambda logits: apply_temperature(logits, 0.5),
        "top-k 5": lambda logits: top_k_filter(logits, 5),
        "top-p 0.9": lambda logits: top_p_filter(logits, 0.9),
    }
    fig, axes = plt.subplots(2, 5, figsize=(14.5, 5.6), sharey=True)
    for row, text in zip(axes, (SURE, OPEN), strict=True):
        for ax, (name, change) in zip(row, ways.items(), strict=True):
            draw_guesses(ax, text, change, name, first=12)
        row[0].set_ylabel(f"after “…{text[-10:]}”")
    plt.show()
    for text in ("The ", "The obj", SURE, OPEN, "the name of a "):
        kept = (top_p_filter(guesses(text), 0.9) > -math.inf).sum().item()
        print(f"{text:28} top-p 0.9 keeps {kept:2} of {V} letters")

# %% [markdown]
# *What the pictures show.* Two places (rows), five ways to choose (columns), all from your own model. Dots show the
# untouched distribution, crosses letters that cannot be chosen any more. Compare the last two columns. Above, where
# the model is sure, top-p keeps very few. Below, where it is not, it keeps more than top-k, and only the tail is gone.
#
# ### One throw
#
# `sample_next_token` puts the knobs in a row and throws the dice. The order matters, because each filter sees what the
# one before has left: **temperature, then top-k, then top-p.** The dice are a *generator*, which the caller may bring:
# with the same one the same text is written again, and nobody else's random numbers are touched.
#
# > **Pitfalls**
# > - *A filter that is `None` is left out.* And `if top_p:` is not the same question as `if top_p is not None:`.
# > - *One number for each row*: `(B,)`, not `(B, 1)`.
# > - *Seeding inside* would throw the same numbers for every letter.

# %% solution="sample_next_token"

# %% check="sample_next_token"

# %%
with after("GPT", "sample_next_token"):
    generator = torch.Generator().manual_seed(0)
    throws = guesses(OPEN).expand(1000, V)  # a thousand times the same place
    for name, knobs in {
        "as it is": {},
        "temperature 2": {"temperature": 2.0},
        "temperature 2, top-p 0.9": {"temperature": 2.0, "top_p": 0.9},
        "temperature 2, top-k 10, top-p 0.9": {"temperature": 2.0, "top_k": 10, "top_p": 0.9},
    }.items():
        drawn = sample_next_token(throws, generator=generator, **knobs)
        counts = torch.bincount(drawn, minlength=V)
        found = " ".join(f"{sign(letters[i])}{counts[i]}" for i in counts.argsort(descending=True)[:9])
        print(f"{name:35} {(counts > 0).sum():2} different letters: {found} ...")

# %% [markdown]
# **What to notice.** A thousand throws in the same place. Hot dice alone find letters that do not belong there; a
# filter *after* the temperature cuts what the heat has lifted.
#
# ### All knobs at once
#
# The next cell is for playing: the three knobs, for the mouse or for the arrow keys, and real words. In the book of
# section 7 it was counted which word comes after *has*: how often *been*, how often *a*, and so on. The same was done
# for *such* and for *there*.

# %%
from autograder.playground import SamplingPlayground

SamplingPlayground()

# %% [markdown]
# *What the picture shows.* One word in each row, the most frequent first. A full bar is the probability with which the
# word is drawn, the mark what it was before you touched the knobs. A hatched bar and a line through the word: gone, and
# at the end of the row stands which knob has cut it. The column *sum before it* is what top-p compares with $p$.
#
# > **Try it yourself.** Predict first, then move a slider.
# > 1. After *such* one word has more than half of all. How many words does top-p 0.5 keep there? How many after *has*?
# > 2. After *has*, top-p 0.8 keeps seven words. Set the temperature to 2: does it keep more or fewer? And at 0.5?
# > 3. Back at temperature 1 and top-p 0.8, set top-k to 5. Top-p alone kept seven. Why are there not five now?
#
# <details>
# <summary>Answers</summary>
#
# 1. One, and three. With top-k 3 it would be three in both places.
# 2. More: twelve, because a flatter distribution needs more words to come to 0.8. At 0.5 it is three.
# 3. Four are left. Top-p sees what top-k has left, and there the probabilities are larger: the best four of five have
#    0.8 together. Had top-p come first, five would be left.
#
# </details>
#
# ## 10. Writing
#
# Now there is nothing under the card. Guess, write the guess down, and read it as if it had been printed. That is all:
#
# - The model reads at most `max_len` letters. Of a longer text it gets the **last** ones.
# - It returns logits for *every* position. The **last** one has read everything.
# - With several rows, some are finished before others: a row that has drawn the end sign gets padding from then on, and
#   when all have ended, it is over.
# - While it writes, the model is in evaluation mode and keeps no gradients. Afterwards it is as it was: somebody may be
#   in the middle of a training, and only wants to see a sample.
#
# > **Pitfalls**
# > - *Position 0 instead of the last.* The guesses of the past have been seen already.
# > - *Cutting the text instead of the context.* What is returned is the whole text, prompt first.
# > - *`model.eval()` and never back.* From then on training goes on without dropout, and nothing says so.
# > - *One row has ended*; that does not end the others.

# %% solution="generate"

# %% check="generate"

# %% [markdown]
# ### Before and after

# %%
import copy
import textwrap


def write(model, prompt, count, **knobs):
    """Let a model go on from a prompt, with dice that are the same every time."""
    generator = torch.Generator().manual_seed(1)
    return decode(generate(model, encode(prompt)[None], count, generator=generator, **knobs)[0])


with after("GPT", "generate"):
    model, _, _, _, states = trained()
    for step, state in states.items():
        younger = copy.deepcopy(model)
        younger.load_state_dict(state)
        print(f"--- after {step} steps\n{textwrap.fill(write(younger, 'The ', 160).replace(chr(10), ' ¶ '), 110)}\n")
    print(f"--- after training\n{textwrap.fill(write(model, 'The ', 320).replace(chr(10), ' ¶ '), 110)}")

# %% [markdown]
# **What to notice.** Before training, all letters are alike. After 100 steps the words have a likely length, and
# letters that like each other stand together. After 400 steps many words nearly exist. At the end most of them do,
# sentences begin with a capital and end with a full stop. It does not *mean* anything: this player has seen 64 letters
# at a time, for one minute.
#
# ### The same model, six temperaments
#
# Now let it write with different knobs. Two numbers say a little about the result: how many of its words occur in the
# book at all, and how many of them are different from each other.

# %%
with after("GPT", "generate"):
    model = trained()[0]
    known = set(re.findall(r"[A-Za-z]{2,}", decode(book)))
    ways = {
        "greedy": {"temperature": 0},
        "temperature 0.5": {"temperature": 0.5},
        "temperature 1": {},
        "temperature 1.5": {"temperature": 1.5},
        "top-k 5": {"top_k": 5},
        "top-p 0.9": {"top_p": 0.9},
    }
    print(f"{'':16} {'in the book':>12} {'different':>10}\n")
    for name, knobs in ways.items():
        generator = torch.Generator().manual_seed(0)
        texts = generate(model, encode("\n").expand(8, 1), 200, generator=generator, **knobs)
        words = [word for text in texts for word in re.findall(r"[A-Za-z]{2,}", decode(text))]
        real = sum(word in known for word in words) / len(words)
        print(f"{name:16} {real:12.0%} {len(set(words)) / len(words):10.0%}")
        print(textwrap.indent(textwrap.fill(decode(texts[0, 1:221]).replace("\n", " ¶ "), 105), "    "), end="\n\n")

# %% [markdown]
# **What to notice.**
#
# - *Greedy* spells best and says nothing: always the best letter, and soon it walks in a circle. Holtzman et al. found
#   the same in large models. The best letter every time does not make a good text.
# - *Temperature 1.5* has the richest vocabulary. Most of it does not exist: every letter from the tail is read again
#   and leads further astray.
# - *Temperature 0.5, top-k and top-p* lie between. Cutting off the tail leaves more variety than cooling everything, at
#   a price in spelling.
#
# None of the numbers measures sense. And none of this has changed the model: it is the same player, six times.
#
# ## 11. Who looks where: encoder and decoder
#
# The encoder of the last lesson has no card. Is it a cheater? No: its task is not to say what it sees. Its text is
# complete, and to understand a word one may well look ahead. The same layer, with and without a card, serves two
# purposes:
#
# | | above the diagonal | made for |
# |---|---|---|
# | attention in an **encoder** | whatever it likes | reading a text that is complete |
# | attention in a **decoder** | nothing | writing a text that is not |
# | **cross-attention** | no diagonal: rows and columns are different texts | asking one text while writing another |
#
# One number tells them apart: the **fraction of all attention that lies above the diagonal**, on later positions.
# Whoever looks at all of 22 letters evenly has 0.48. Let us measure three sets of heads: those of your decoder; the
# same ones, same weights, with the card lifted; and those of the cheater, who has never had one.

# %%
look_at = "The object is called a"


def above_diagonal(weights):
    """Which part of all attention goes to positions that come later."""
    return (weights * torch.ones(weights.shape[-2:]).triu(1)).sum().item() / weights.sum().item()


def maps_of(model, text, covered=True):
    """The attention weights of every layer of a GPT on a text, (layers, H, T, T), with the card or without."""
    x = model.position_embedding(model.token_embedding(encode(text)[None]))
    found = []
    with torch.no_grad():
        for block in model.blocks:
            layer = block.self_attention if covered else block.self_attention.attention
            found.append(layer(block.norm1(x))[1][0])
            x = block(x)
    return torch.stack(found)


with after("GPT"):
    names = [sign(letter) for letter in look_at]
    model, peeking = trained()[0], cheater()[0]
    sets = {
        "your decoder": maps_of(model, look_at),
        "its card lifted": maps_of(model, look_at, covered=False),
        "trained without a card": maps_of(peeking, look_at),
    }
    fig, axes = plt.subplots(1, 3, figsize=(13.5, 4.6))
    for ax, (title, found) in zip(axes, sets.items(), strict=True):
        heads = found.flatten(0, 1)
        shares = [above_diagonal(head) for head in heads]
        chosen = max(range(len(shares)), key=lambda h: shares[h]) if max(shares) > 0 else 0
        plot_attention(heads[chosen], names, names, ax)
        ax.set_title(f"{title}\nabove the diagonal: {above_diagonal(found):.2f}")
        ax.tick_params(labelsize=8)
        print(f"{title:24}", "  ".join(f"{share:.2f}" for share in shares))
    plt.show()

# %% [markdown]
# *What the pictures show.* Of each set, the head with the largest fraction; the title has the mean of all heads, and
# the fractions of the single ones stand below. Left, your decoder: a triangle, and exactly 0 in every head. In the
# middle the same weights without the card: most of the attention moves to the right. In training, the late ones among
# the visible letters were the near ones, and these heads like them late; where to stop, only the card had told them.
# Right, the cheater: a bright line just *above* the diagonal. Every letter looks at its right neighbour, where the
# answer is; only the last one has none.

# %% [markdown]
# ## 12. Find the mistake: the short list of the wrong words
#
# Back to the short list of section 9, as long as it takes. In 2024 a reader of the library PaLM-rlhf-pytorch reported
# (issue 60) that its top-p was wrong: what had been decided about the sorted words did not find the way back to the
# vocabulary. The next cell holds a function with this mistake, in its plainest form. It does not filter; it only says
# who stays, as a mask.
#
# **How could it live?** The shape is right, nothing is `nan`, and in every row the right *number* of words stays, so
# even a test that counts is content. In the example that one writes down first, 0.5, 0.3, 0.2, the numbers are sorted,
# and there it is right altogether: it is, wherever the best words happen to have the lowest ids. And a player who draws
# from the wrong list does not fall silent. The text is odd, and drawn texts are odd now and then.
#
# The docstring says what the function should do. It is yours to mend. Look before you change anything:
#
# 1. Run the cell and the demonstration below it. In which of the two pictures do the wrong words stay?
# 2. Follow one verdict: where is it made, in which column does it stand there, and where is it returned?
# 3. Change as little as you can.

# %% solution="nucleus_mask"

# %% check="nucleus_mask"

# %%
with after("nucleus_mask"):
    logits = 1.3 * torch.randn(10, generator=torch.Generator().manual_seed(5))
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.1), sharey=True)
    pictures = {"the best word is number 0": logits.sort(descending=True).values, "numbered as they came": logits}
    for ax, (title, row) in zip(axes, pictures.items(), strict=True):
        shares, stays = torch.softmax(row, dim=-1), nucleus_mask(row, 0.8)
        bars = ax.bar(range(10), shares, color=BLUE)
        for bar, stay in zip(bars, stays.tolist(), strict=True):
            if not stay:
                bar.set(facecolor="none", edgecolor=GREY, hatch="////")
        ax.set(title=title, xlabel="word", xticks=range(10))
        print(f"{title:26} {int(stays.sum())} words stay and have {shares[stays].sum():.2f} together")
    axes[0].set_ylabel("probability")
    plt.show()

# %% [markdown]
# *What the pictures show.* Ten words, the same ten probabilities in both pictures, and $p = 0.8$. Full bars stay,
# hatched ones go. On the left the words are numbered by rank, on the right by chance. As long as the mistake is in,
# three words stay on the right as well, and they have 0.07 together: the words 0, 1 and 2, whatever they are. The best
# word of all, with 0.62, goes. Once it is mended, the full bars are the highest ones in both pictures, and the two
# printed lines say the same: 0.85.
#
# **What to notice.** "Number the words anew, and the same words stay" is a test that needs no right answer. It finds
# this mistake in any row that is not sorted.
#
# ## 13. Whose short list is right?
#
# The tests of such code were green, if there were any. So now **you write the test.** `test_top_p_filter` receives a
# function that somebody claims to be `top_p_filter`. If it is wrong, your test raises an exception; `assert` does that.
# If it is right, your test returns.
#
# You are graded like a judge. A good number of solutions come before your test, right and wrong ones, in an order that
# is drawn. The wrong ones hold mistakes of section 9 and some more: the wrong words, too few or too many of them, other
# logits than before, equal words, rows that get in each other's way, the ends of the range of $p$. The checks take them
# in groups, and **a group counts only if your test stops all of its wrong solutions and no right one.**
#
# - **What do I know without computing it myself?** A short list worked out by hand, or a property: those who stay have
#   $p$ together, with one less they would not; the order of the words does not matter.
# - **Would a wrong solution give another answer?** Sorted words, a single row, a best word above $p$ alone: where
#   everything is easy, wrong solutions are right.
# - **Would a right solution be allowed its freedom?** It may add up in float32 or float64, from above or from below.
#
# Small tensors are enough: a solution under test answers for at most 5000 numbers at a time.
#
# > **Pitfalls**
# > - *Returning False stops nobody.* Raise.
# > - *0.1 + 0.2 is not 0.3*, for a computer. With a $p$ that the words reach exactly, rounding decides, and right
# >   solutions can differ. Stay away from the sums, except on purpose: $n$ equal words have exactly $1/n$ each when $n$
# >   is a power of 2.
# > - *The error that you want* is caught with `try` and `except ValueError`. If none comes, raise one of your own.
# > - *Your own function is a solution, too.* Your test should let it pass. Begin with that.

# %% solution="test_top_p_filter"

# %% check="test_top_p_filter"

# %%
longest = 2  # how many words the last of three wrong filters keeps at most, in plain sight; try 4, and 50


def keeps_all(logits, p):
    return logits.clone()


def sorts_and_stays_sorted(logits, p):
    ranked = logits.sort(dim=-1, descending=True).values
    shares = torch.softmax(ranked, dim=-1)
    return ranked.masked_fill(shares.cumsum(dim=-1) - shares >= p, -math.inf)


def keeps_only_so_many(logits, p):
    return top_k_filter(top_p_filter(logits, p), longest)


with after("top_k_filter", "top_p_filter", "test_top_p_filter"):
    for claim in (top_p_filter, keeps_all, sorts_and_stays_sorted, keeps_only_so_many):
        try:
            test_top_p_filter(claim)
            verdict = "passes"
        except NotImplementedError:
            raise
        except Exception as error:
            verdict = f"is stopped ({type(error).__name__})"
        print(f"{claim.__name__:24} {verdict}")

# %% [markdown]
# **What to notice.** Every test sees as far as its examples. A filter that keeps at most two words is stopped by one
# row in which three are needed, and one that keeps at most fifty passes every test with no more words than that. In
# practice that would be a limit that you want to know of. So a good test has a few examples by hand, one property, and
# one case that is larger than all others.
#
# ## 14. Extra: notes in the margin
#
# This one is not graded unless your course says so. Look again at how `generate` works. To find letter 501 the model
# reads 500 letters, through all blocks. For letter 502 it reads 501, and all but one of them it has read before.
#
# What has changed for the old letters? **Nothing.** They cannot see what comes after them, the card sees to that. So
# their keys and values, in every layer, are what they were, and later letters need nothing else of them. (In an encoder
# every letter would have to be read anew.) So keep notes: a **KV cache** has, for each layer, a shelf with the keys and
# values of all positions so far. A new letter brings its own, reads the shelf, and that is all.
#
# It takes three things, and two of them are in cells that you have passed already; their `forward` has the parameter
# `cache` for this.
#
# | where | what changes |
# |---|---|
# | `KVCache` | joins what is new to what is old, for each layer separately |
# | `CausalSelfAttention` | $T$ queries, $P + T$ keys and values: the mask is no longer square |
# | `GPT` (and `DecoderBlock`, which hands the cache on) | the new letters stand at positions $P$ to $P + T - 1$ |
#
# Notes take room: two vectors of width $D$ for each layer and position. For GPT-2 small that is $2 \cdot 12 \cdot 768$
# numbers, 72 KiB in float32, for each word, and 72 MiB for its longest text.
#
# > **Pitfalls**
# > - *The fifth letter thinks that it is the first*: positions have to go on where they stopped.
# > - *The mask at the wrong corner.* One new letter may see everything. This is why the triangle is aligned at the
# >   bottom right.
# > - *One shelf for all layers.* What the second floor has noted does not help on the first.
# > - *A text longer than `max_len`.* When the window moves on, every letter gets another position, and all notes are
# >   worthless. Your `generate` does without a cache, and so it can go on for ever.

# %% solution="KVCache"

# %% check="KVCache"

# %%
LETTERS = 511


def seconds_for_each_letter(model, count, use_notes):
    """Write greedily, and take the time of every letter; returns the text and the times."""
    ids, times = torch.zeros(1, 1, dtype=torch.int64), []
    with torch.no_grad():
        cache = KVCache() if use_notes else None
        for _ in range(count):
            start = time.perf_counter()
            logits = model(ids[:, -1:], cache=cache)[0] if use_notes else model(ids)[0]
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
            times.append(time.perf_counter() - start)
    return ids, torch.tensor(times)


with after("GPT", "KVCache"):
    torch.manual_seed(0)
    model = GPT(V, d_model=96, num_heads=4, num_layers=2, max_len=512).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)  # untrained, but with opinions: the texts should be worth comparing
    with_notes, fast = seconds_for_each_letter(model, LETTERS, True)
    without, slow = seconds_for_each_letter(model, LETTERS, False)
    fig, ax = plt.subplots(figsize=(7, 3.5))
    for times, label in ((slow, "reading all again"), (fast, "with notes")):
        ax.plot(1000 * times.unfold(0, 25, 1).amin(-1), markevery=60, label=label)
    ax.set(xlabel="letters already written", ylabel="milliseconds for the next", ylim=(0, None))
    ax.legend()
    plt.show()
    print("the same text:", torch.equal(with_notes, without))
    print(f"{LETTERS} letters: {slow.sum():.2f} s and {fast.sum():.2f} s, {slow.sum() / fast.sum():.1f} times as fast")

# %% [markdown]
# *What the picture shows.* The time for the next letter, against how many there are already. Without notes (circles) it
# grows with the text, since all of it is read again; with notes (squares) it hardly does. On the machine on which this
# was written, 511 letters took about a seventh of the time. And the line that matters most: *the same text*. A cache
# that is faster and wrong is easy to write.
#
# ## What you have built
#
# | part | in the game | a mistake that nobody notices |
# |---|---|---|
# | causal mask | a card for every round | a card one letter too far to the right: the loss becomes wonderful |
# | joined masks | several reasons not to look | "or" in the place of "and" |
# | decoder block | look back, look over, think | a card on the page that is only read |
# | first weights | no opinions | an embedding of size 1 as a head |
# | GPT | the whole player | a copy of the matrix that should be shared |
# | temperature | how daring | applied to probabilities |
# | top-k, top-p | the short list | letters marked by their rank, not by their number |
# | generate | writing what was guessed | evaluation mode, and never back |
# | a test | a judge of short lists | sorted examples: the judge is content with everything |
# | KV cache | notes in the margin | every letter thinks that it is the first |
#
# And three sentences to keep:
#
# - A language model answers one question, **what comes next?**, and the card makes it an honest one.
# - Training plays all rounds at once, because the true text is known. **Writing plays them one by one.**
# - The model gives probabilities. **What is written is a choice**, and it is yours.
#
# ## What comes next
#
# Your decoder block has a door that GPT never opens: the cross-attention. In the next lesson an encoder stands behind
# it, and the two towers translate. After that you will write what was only lent to you today: the batches, the loss,
# the schedule, the training loop.
#
# ## Read on
#
# - C. E. Shannon, [Prediction and Entropy of Printed English](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x),
#   1951: the game.
# - A. Radford et al., Improving Language Understanding by Generative Pre-Training, 2018, and Language Models are
#   Unsupervised Multitask Learners, 2019: GPT and GPT-2. Section 2.3 of the second describes what you have built, in
#   half a page.
# - O. Press and L. Wolf, [Using the Output Embedding to Improve Language Models](https://arxiv.org/abs/1608.05859),
#   2017: one matrix for reading and writing.
# - A. Holtzman et al., [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751), 2020: why the
#   best letter every time is not the best text, and top-p. Top-k is from A. Fan et al.,
#   [Hierarchical Neural Story Generation](https://arxiv.org/abs/1805.04833), 2018.
# - R. Pope et al., [Efficiently Scaling Transformer Inference](https://arxiv.org/abs/2211.05102), 2022: what a KV cache
#   costs when the model is large.
