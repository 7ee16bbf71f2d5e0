# %% [markdown]
# # Multi-head attention
#
# > The animal didn't cross the street because **it** was too tired.
#
# To understand "it" you want to know two things: *who* is meant, and *what is said* about them. The animal; tired. Your
# attention from the last lesson has one minute of reading time for each word, and whatever it reads it stirs into one
# average. Half of "animal" and half of "tired" is not an answer to either question.
#
# **Multi-head attention** asks several short questions at once and keeps the answers apart:
#
# $$\mathrm{MultiHead}(Q, K, V) = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_H)\,W^O
# \qquad \mathrm{head}_h = \mathrm{Attention}(QW^Q_h,\ KW^K_h,\ VW^V_h)$$
#
# The attention in it is yours already. What is new is *bookkeeping*: cutting vectors into pieces, working on all pieces
# at once, and putting them together again without mixing anything up. That is where the famous mistakes of this lesson
# live, and most of them raise no error.
#
# **You need** the lesson on attention, and `reshape` and `transpose` in PyTorch. **It takes** about three
# hours; every exercise is a good place for a break.
#
# | | you write | what it does | minutes |
# |---|---|---|---|
# | 1 | `split_heads` | cuts every vector into one piece for each head | 10 |
# | 2 | `merge_heads` | puts the pieces side by side again | 10 |
# | 3 | `split_fused_qkv` | queries, keys and values out of one wide tensor | 15 |
# | 4 | `MultiHeadAttention` | the whole layer, for one text or two | 40 |
# | 5 | `attention_entropy` | measures how widely a head looks | 10 |
# | 6 | `attend_in_heads` | a famous mistake: find it and mend it | 10 |
# | 7 | `test_split_heads` | tells right solutions from wrong ones | 25 |
#
# The rest of the time is for reading and for playing with the demonstrations.
#
# **How this notebook works**
#
# - Replace the `raise NotImplementedError()` of an exercise by your code. The docstring is the specification, shapes
#   included. Run the cell below it to have your code tried; grading asks the same kind of questions with other numbers.
# - The other code cells are demonstrations. Those that need your code wait for it. They are left out when you are
#   graded, so a helper function of yours belongs in the cell of its exercise.
# - What you built in the last lesson is given, in a cell below this one. PyTorch's finished multi-head layer is not.
# - Stuck? `autograder hint split_heads` in a terminal begins with a question and says more each time you ask.

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

# %% [markdown]
# ## 1. One minute is not enough
#
# Back to the **notice board** of the last lesson. Every word pins up a card with a headline and a note, and every word
# reads the cards: it shares out one minute, most of it to the cards whose headlines fit its question, and goes home
# with a blend of the notes.
#
# A blend has a weakness. Suppose that notes are two numbers, points in a plane, and that "it" gives half of its minute
# to "animal" and half to "tired":

# %%
# Drawing only.
notes = {"animal": (1.0, 5.0), "tired": (5.0, 1.0), "street": (3.0, 3.0), "cross": (5.0, 5.0)}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True)
titles = "One board: half a minute each", "Two boards: a minute on each"
for ax, title in zip(axes, titles, strict=True):
    for word, (first, second) in notes.items():
        ax.plot(first, second, "o", color=GREY, ms=7)
        ax.text(first + 0.15, second + 0.18, word)
    ax.set(title=title, xlabel="first number of the note", xlim=(0.3, 6.2), ylim=(0.3, 6.2), aspect="equal")
axes[0].set_ylabel("second number")
axes[0].plot([1, 5], [5, 1], "--", marker="", color=GREY, lw=1, zorder=0)
axes[0].plot(3, 3, "X", color=ORANGE, ms=14, mfc="none", mew=2)
axes[0].text(2.7, 2.9, "what is\ntaken home", color=ORANGE, ha="right", va="top", weight="bold")
for (x, y), marker, color, board in (((1, 5), "s", BLUE, 1), ((5, 1), "^", GREEN, 2)):
    axes[1].plot(x, y, marker, color=color, ms=15, mfc="none", mew=2)
    axes[1].text(2.3, y - 0.12, f"from board {board}", color=color, weight="bold")
plt.show()

# %% [markdown]
# *What the picture shows.* Four notes as points. On the left the blend, an orange cross, lies halfway between "animal"
# and "tired", exactly on the note of "street", a card that was not read at all. Whoever looks at the result cannot know
# better. On the right the same reader has two boards and a minute for each: it takes home the note of "animal" (square)
# from the first and that of "tired" (triangle) from the second, and keeps them apart.
#
# The authors of the formula say it in half a sentence: with a single head, "averaging inhibits this".
#
# ### Several small boards
#
# So we put up **H boards instead of one**. To keep the work the same, each of them is smaller: a vector of width $D$ is
# cut into $H$ strips of width $d = D/H$, and board $h$ gets strip $h$ of every question, every headline and every note.
# Each reader has a minute *per board*. At home the strips are taped side by side again, and the result is as wide as
# before.
#
# | | one head | H heads |
# |---|---|---|
# | width of a question | $D$ | $d = D / H$ |
# | numbers to learn ($W^Q, W^K, W^V, W^O$) | $4 D^2$ | $4 D^2$ |
# | multiplications for all scores | $L^2 D$ | $H \cdot L^2 d = L^2 D$ |
# | weights to store, exponentials to take | $L^2$ | $H \cdot L^2$ |
# | blends per reader | 1 | $H$ |
#
# Several heads are nearly free. What you pay: there are $H$ tables of weights to store in place of one, and the
# questions of a head are **narrower**. With $D = 512$, one head compares 512 numbers, each of eight heads 64, each of
# 512 heads a single one. In the paper's experiments on translation (table 3, rows A), one head was 0.9 BLEU points
# worse than the best number of heads, and too many heads lost quality as well.
#
# ### The way through
#
# | step | shape | on the boards |
# |---|---|---|
# | words | `(B, L, D)` | |
# | map | `(B, L, D)` | everybody writes one long question (and headline, and note) |
# | **split** | `(B, H, L, d)` | scissors: one strip for each board |
# | scores, weights | `(B, H, Lq, Lk)` | on each board, everybody reads |
# | average | `(B, H, Lq, d)` | what was taken along from each board |
# | **merge** | `(B, Lq, D)` | tape: side by side again |
# | map | `(B, Lq, D)` | a summary of all boards |
#
# Here your leading axes pay off. `attention_weights` never cared what stands in front of its last two axes, so it will
# carry $H$ boards as it carries $B$ sentences, with no loop.
#
# The next cell is the whole way to play with: four sliders, for the mouse or for the arrow keys.

# %%
from autograder.playground import TensorPlayground

TensorPlayground()

# %% [markdown]
# *What the picture shows.* A row for each step, and all blocks in one scale: height is positions, width is channels (or
# keys, in scores and weights), depth is the sentences of the batch. Blocks stand apart where the heads have an axis of
# their own; the numbers below them are those of the heads. On the right the shape, how many multiplications the matrix
# products take, and the memory of what is new. `split heads` takes none: it is a view of the same numbers.
#
# > **Try it yourself.** Predict first, then move a slider.
# > 1. Twice the length, `L` from 5 to 10. What doubles, and what does more than that?
# > 2. `H` from 1 to 2, to 3, to 4. Does the work change? Does the memory?
# > 3. Set `D` to 5 and `H` to 1. From which length on do the two products inside the heads cost as much as the four
# >    maps around them?
# > 4. `D` = 10 and `H` = 4. What is wrong?
#
# <details>
# <summary>Answers</summary>
#
# 1. Everything that is $L$ high doubles. The scores and weights are $L$ wide as well, and become four times as large;
#    so do the multiplications for scores and averages.
# 2. The work stays the same: $H$ heads of width $D/H$. Scores and weights grow, there is one table more for each head.
# 3. From $L = 10$ on; there both take 2,000 multiplications. In general $4LD^2 = 2L^2D$ at $L = 2D$: in texts that
#    are short compared with the width, the maps are most of the work.
# 4. The last axis cannot be cut into four equal strips. 1, 2, 5 and 10 heads would do.
#
# </details>
#
# ## 2. Scissors: following one number
#
# `split_heads` turns `(B, L, D)` into `(B, H, L, d)`, and head $h$ gets the channels $h\cdot d$ to $(h+1)\cdot d - 1$
# of **every** position. It is two lines, and a popular way to write it in one is wrong. To see why, use a tensor in
# which each number says where it came from. `torch.arange` counts in the order in which numbers lie in memory: through
# the channels of position 0, then through those of position 1, and so on.

# %%
numbers = torch.arange(24).reshape(1, 4, 6)  # one sentence, 4 positions, 6 channels; 3 heads of width 2


def draw_table(ax, table, left, top, title, hatches=None):
    """Draw a table of numbers whose upper left corner is at (left, top); the 13 stands out."""
    for r, row in enumerate(table):
        for c, number in enumerate(row):
            corner = (left + c, top - r - 1)
            hatch = None if hatches is None else hatches[c]
            ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, edgecolor=GREY, hatch=hatch, alpha=0.45, lw=0.8))
            style = {"color": ORANGE, "weight": "bold", "size": 14} if number == 13 else {"size": 10}
            ax.text(left + c + 0.5, top - r - 0.5, f"{number}", ha="center", va="center", **style)
            if number == 13:
                ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, edgecolor=ORANGE, lw=2.5, zorder=3))
    ax.text(left, top + 0.25, title, size=10)


fig, ax = plt.subplots(figsize=(10, 5.4))
draw_table(ax, numbers[0].tolist(), 0, 0, "x: a row is a position", ["", "", "/", "/", "\\", "\\"])
right = [[[numbers[0, p, 2 * h + j].item() for j in range(2)] for p in range(4)] for h in range(3)]
dealt = numbers.reshape(3, 4, 2).tolist()
for h, hatch in enumerate(("", "/", "\\")):
    draw_table(ax, right[h], 9 + 3.2 * h, 3, f"head {h}", [hatch, hatch])
    draw_table(ax, dealt[h], 9 + 3.2 * h, -3.2, f"head {h}")
ax.text(9, 4.1, "as it should be: scissors", weight="bold", color=GREEN)
ax.text(9, -2.1, "the same shape, the wrong numbers: reshape", weight="bold", color=ORANGE)
ax.annotate("", (8.6, 1), (6.4, -1.5), arrowprops={"arrowstyle": "->", "color": GREEN, "lw": 2})
ax.annotate("", (8.6, -5), (6.4, -2.5), arrowprops={"arrowstyle": "->", "color": ORANGE, "lw": 2})
ax.set(xlim=(-0.3, 18.2), ylim=(-7.5, 4.8), aspect="equal")
ax.axis("off")
plt.show()

# %% [markdown]
# *What the picture shows.* On the left a sentence of 4 positions (rows) with 6 channels (columns), numbered 0 to 23;
# the hatching says which head owns which channels. The 13, framed, is channel 1 of position 2. Upper right, as it
# should be: every head has all four positions, two channels of each. The 13 is in head 0, third row. Lower right,
# `reshape(B, H, L, d)`: the numbers are dealt out in the order of memory. Head 0 has positions 0 and 1 in full and
# nothing of positions 2 and 3, and the 13 has ended up in head 1.
#
# **Both have the shape `(1, 3, 4, 2)`.** A test that looks at shapes cannot tell them apart, and a network with the
# lower version often trains. It is only that its "heads" are pieces of the sentence.
#
# The rule behind it: a `reshape` never moves a number. It reads all numbers in the order of memory, the last axis
# fastest, and cuts the line into pieces of the new shape. It may cut *one* axis in two, or join *neighbours* into one.
# To change the *order* of axes takes a `transpose` (or `permute`).
#
# > **Try it yourself**, on paper: where is the 8, and where the 21, in each of the two versions?
#
# <details>
# <summary>Answer</summary>
#
# The 8 is channel 2 of position 1: head 1, row 1, first column. Dealt out it is the first number of head 1. The 21 is
# channel 3 of position 3: head 1, row 3, second column. Dealt out it is in head 2, row 2, second column.
#
# </details>
#
# > **Pitfalls**
# > - *One step instead of two.* See above. Cut the last axis first, then move the axis of the heads to its place.
# > - *Cut in which order?* The two pieces of the last axis are heads and width of a head. In the other order every head
# >   gets every third channel: another convention, used nowhere in this course.
# > - *A width that does not divide.* 3 heads cannot share 10 channels. Say so with a `ValueError` that names both.

# %% solution="split_heads"

# %% check="split_heads"

# %%
with after("split_heads"):
    heads = split_heads(numbers, 3)
    print("shape", tuple(heads.shape))
    for h in range(3):
        print(f"head {h}:", heads[0, h].tolist())
    print("the 13 is at (sentence, head, position, channel)", (heads == 13).nonzero()[0].tolist())

# %% [markdown]
# ## 3. Tape: side by side again
#
# `merge_heads` is the way back: `(B, H, L, d)` to `(B, L, D)`. Each position takes its strip from head 0, then from
# head 1, and so on. What becomes *one* axis has to be *neighbours* first.
#
# You may meet this on the way:

# %%
page = torch.arange(6).reshape(2, 3)
print("a page of 2 rows and 3 columns:", page.tolist(), " steps in memory:", page.stride())
turned = page.transpose(0, 1)
print("turned around:", turned.tolist(), " steps in memory:", turned.stride())
print("still the same six numbers in the same places:", turned.data_ptr() == page.data_ptr())
try:
    turned.view(6)
except RuntimeError as error:
    print("\nview says:   ", str(error).split(".")[0] + ".")
print("reshape gives", turned.reshape(6).tolist())

# %% [markdown]
# A transpose moves nothing. It only notes that from now on one step along the first axis means one step in memory, and
# one along the second means three. `view` promises to move nothing either, so for the order 0, 3, 1, 4, 2, 5 it has to
# give up. `reshape` copies the numbers when it must.
#
# The message has a bad reputation: people meet it, replace `view` by `reshape` *and move it to another place* until the
# error is gone. Read it as a question instead: in which order should these numbers lie?
#
# > **Pitfalls**
# > - *Flattening without turning back.* `(B, H, L, d)` reshaped straight to `(B, L, D)` has the right shape. It tapes
# >   strips of *different positions* to one another.
# > - *The heads last.* If the axis of the heads runs fastest, you get channel 0 of every head, then channel 1: a
# >   shuffled deck. Head $h$ owns $d$ channels in a row.
# > - *Adding or averaging the heads* would make one blend again of what you took pains to keep apart.

# %% solution="merge_heads"

# %% check="merge_heads"

# %% [markdown]
# ### Two mistakes that undo each other
#
# The natural test is the round trip: split, merge, and compare with what you had. It is not enough. The wrong `reshape`
# in both places passes it perfectly, because each undoes the other.
#
# A better question is: **who meets whom?** Take 6 positions and the causal mask of the last lesson, with which position
# $i$ may read positions 0 to $i$. Change one input at a time and see which outputs notice.

# %%
length, causal = 6, torch.ones(6, 6).tril()


def who_meets_whom(split, merge):
    """For each output (row) and input (column): does the output notice when the input changes?"""
    meets = torch.zeros(length, length, dtype=torch.bool)
    for source in range(length):
        x = torch.zeros(1, length, 12)
        x[0, source] = 1.0
        meets[:, source] = merge(causal @ split(x))[0].sum(-1) > 0
    return meets


with after("split_heads", "merge_heads"):
    splits = {"your split": lambda x: split_heads(x, 3), "split by reshape": lambda x: x.reshape(1, 3, length, 4)}
    merges = {"your merge": merge_heads, "merge by reshape": lambda x: x.reshape(1, length, 12)}
    fig, axes = plt.subplots(1, 4, figsize=(11, 3.3), sharey=True)
    pairs = [(s, m) for s in splits for m in merges]
    for ax, (s, m) in zip(axes, pairs, strict=True):
        meets = who_meets_whom(splits[s], merges[m])
        for i in range(length):
            for j in range(length):
                allowed, met = j <= i, meets[i, j].item()
                hatch = "////" if not allowed else None
                ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=GREY, hatch=hatch, lw=0.7))
                sign, color = {
                    (True, True): ("✓", GREEN),
                    (False, True): ("!", ORANGE),
                    (True, False): ("?", BLUE),
                }.get((allowed, met), ("", GREY))
                ax.text(j, i, sign, ha="center", va="center", color=color, size=13, weight="bold")
        ax.set(xlim=(-0.5, 5.5), ylim=(5.5, -0.5), aspect="equal", xlabel="input", title=f"{s},\n{m}")
        ax.title.set_size(10)
    axes[0].set_ylabel("output")
    plt.show()

# %% [markdown]
# *What the pictures show.* Rows are outputs, columns are inputs; the hatched triangle is the future, which nobody may
# see. A tick: meets whom it should. An exclamation mark: sees the future. A question mark: does not meet somebody whom
# it should. From left to right: your two functions (ticks in the whole triangle and nothing else); a wrong merge; a
# wrong split; both wrong. With both wrong **nobody sees the future**, so the usual test for leaks passes as well, and
# the round trip is perfect. But position 2 has never heard of positions 0 and 1: the sentence has fallen into three
# pairs.
#
# This is no fairy tale. A public implementation carried the wrong merge for about two years, under unit tests that
# passed, and its demonstration still trained. Networks learn around a great deal. **"It trains" is no test**; numbers
# with an address are.

# %% [markdown]
# ## 4. Three maps in one
#
# Before the boards, every word writes a question, a headline and a note: three matrices. Since all three read the same
# words, they can be stacked into a single matrix of height $3D$: one large product instead of three, which keeps a
# processor busier. GPT-2 stores its weights so, and so does PyTorch's own layer. What comes out is one wide tensor of
# shape `(B, L, 3D)`, and somebody has to take it apart.
#
# The question is in which order things lie in the $3D$ channels. Two layouts are in use:

# %%
# Drawing only: the 3D channels of one position, for H = 2 heads of width d = 3.
fig, ax = plt.subplots(figsize=(10, 2.9))
layouts = {
    "blocks (ours, GPT-2, PyTorch)": [(part, head) for part in "qkv" for head in range(2)],
    "triples for each head": [(part, head) for head in range(2) for part in "qkv"],
}
hatches = {"q": "", "k": "//", "v": ".."}
for row, (name, order) in enumerate(layouts.items()):
    top = -2.6 * row
    ax.text(0, top + 0.25, name, weight="bold")
    for place, (part, head) in enumerate(order):
        for j in range(3):
            corner = (3 * place + j, top - 1)
            ax.add_patch(
                plt.Rectangle(corner, 1, 1, fill=False, edgecolor=GREY, hatch=hatches[part], alpha=0.6, lw=0.8)
            )
        ax.add_patch(plt.Rectangle((3 * place, top - 1), 3, 1, fill=False, edgecolor=(BLUE, ORANGE)[head], lw=2))
        label = {"ha": "center", "va": "top", "color": (BLUE, ORANGE)[head], "weight": "bold"}
        ax.text(3 * place + 1.5, top - 1.1, f"{part}, head {head}", **label)
ax.set(xlim=(-0.2, 18.2), ylim=(-4.6, 0.9))
ax.axis("off")
plt.show()

# %% [markdown]
# *What the picture shows.* Eighteen channels of one position, twice. Above, **blocks**: all queries (plain), then all
# keys (hatched), then all values (dotted), and within each block head 0 before head 1. Below, **triples**: everything
# of head 0 first, its query, key and value, then everything of head 1. Same number of channels, same shapes after
# cutting. Weights trained with one layout and read with the other give nonsense, and no error.
#
# In this course it is **blocks, in the order q, k, v**, and within a block heads own channels as in section 2.
#
# > **Pitfalls**
# > - *Heads first, blocks second* is the other layout. Which cut has to come first?
# > - *Every third channel* is no block.
# > - *Divisible by what?* The last axis must be shared by three *and* by the heads. Refuse what is not, with a
# >   `ValueError`.

# %% solution="split_fused_qkv"

# %% check="split_fused_qkv"

# %%
with after("split_fused_qkv"):
    generator = torch.Generator().manual_seed(0)
    words = torch.randn(1, 4, 6, generator=generator)
    three = torch.randn(3, 6, 6, generator=generator)  # W_q, W_k and W_v
    q, k, v = split_fused_qkv(words @ three.flatten(0, 1).T, 2)
    print("from one wide product:", tuple(q.shape), tuple(k.shape), tuple(v.shape))
    alone = words @ three[1].T  # the keys, with their own matrix
    print("keys of head 1, the same as with three products:", torch.allclose(k[:, 1], alone[..., 3:], atol=1e-6))

# %% [markdown]
# ## 5. The layer
#
# All parts lie on the table: map, split, attend, merge, map. A few decisions are left.
#
# **Map first, then cut.** Every strip of a question is written after reading the *whole* word: $W^Q$ is $D \times D$.
# If you cut the word first and gave each head a small map of its strip, head 0 could never see what is written in the
# last channels. (The rows $h\cdot d$ to $(h+1)\cdot d - 1$ of `w_q.weight` belong to head $h$: the small matrices
# $W^Q_h$ of the formula, stacked.)
#
# **The root is that of d.** Inside a head, strips of width $d$ are compared. The variance argument of the last lesson
# counts the terms of *that* sum.
#
# **Why a last map?** After merging, the first $d$ channels hold what board 0 has said and nothing else. $W^O$ lets
# every channel of the result listen to every board. There is another way to read it: cut $W^O$ into strips $W^O_h$ as
# well, one for the channels of each head (in `w_o.weight` they are columns), and
#
# $$\mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_H)\,W^O
# = \mathrm{head}_1 W^O_1 + \dots + \mathrm{head}_H W^O_H .$$
#
# So heads do not stand in a queue, they **add up**: each writes what it has found into the full width, in its own way.
#
# **Who asks whom?** `forward(query, key, value, mask)` takes up to three texts. Given only the first, readers and cards
# are the same words: *self-attention*. Given a `key` as well, the readers stand in front of a board that others have
# filled: *cross-attention* (section 9). The value defaults to the key, because a card's note usually comes from the
# word that wrote its headline.
#
# **The mask** has to fit the weights, `(B, H, Lq, Lk)`, by broadcasting: shapes are lined up from the right, and
# missing axes or axes of size 1 are repeated.
#
# | mask | shape | says |
# |---|---|---|
# | causal | `(Lq, Lk)` | the same for all sentences and heads |
# | padding | `(B, 1, 1, Lk)` | for each sentence, the cards that nobody may read |
# | both | `(B, 1, Lq, Lk)` | their "and" |
# | one head switched off | `(H, 1, 1)` | `False` for that head |
#
# You need no code for any of these, only to leave the mask alone. (A mask of shape `(B, Lq, Lk)` is *not* in the table:
# lined up from the right, its $B$ would meet $H$.)
#
# **Dropout** is a training aid that you meet here for the first time. While training, each *weight* is set to 0 with
# probability $p$, as if some cards had been blown off the board, so that no reader relies on a single card. The weights
# that stay are divided by $1 - p$: then the average over many draws is what it was. In evaluation nothing happens.
# `nn.Dropout(p)` does both, and `layer.train()` and `layer.eval()` switch it. Returned are the weights **before**
# dropout:

# %%
torch.manual_seed(0)
weights = torch.tensor([0.4, 0.3, 0.2, 0.1])
drop = nn.Dropout(0.25)
draws = drop(weights.expand(10000, 4))
print("before     ", [round(w, 3) for w in weights.tolist()])
for row in draws[:3]:
    print("in training", [round(w, 3) for w in row.tolist()], f" sum {row.sum().item():.3f}")
print("mean of 10000 draws", [round(w, 3) for w in draws.mean(0).tolist()])
drop.eval()
print("in evaluation", [round(w, 3) for w in drop(weights).tolist()])

# %% [markdown]
# A row of dropped weights no longer has the sum 1, and that is meant so. But a heatmap of them would show holes made by
# chance.
#
# > **Pitfalls**
# > - *The names are part of the task*: `w_q`, `w_k`, `w_v`, `w_o`, each an `nn.Linear` from $D$ to $D$. Checks load
# >   weights by these names. A plain Python list hides layers from PyTorch; one layer under four names is one layer.
# > - *`bias`* decides for all four maps.
# > - *Where to check the width?* A layer that cannot work should not come into being: in `__init__`. And with a
# >   `ValueError`; an `assert` raises something else, and vanishes under `python -O`.
# > - *Which text feeds which map?* Three maps, three arguments. In self-attention every mix-up looks right.
# > - *Which way round is the mask?* Here `True` means "may attend". In `nn.MultiheadAttention` it means the opposite.
# > - *Output first, weights second*, and the weights of each head, not their average.

# %% solution="MultiHeadAttention"

# %% check="MultiHeadAttention"

# %%
with after("MultiHeadAttention"):
    generator = torch.Generator().manual_seed(0)
    layer = MultiHeadAttention(d_model=12, num_heads=3)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    layer.eval()
    x, other = torch.randn(2, 5, 12, generator=generator), torch.randn(2, 7, 12, generator=generator)
    padding = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])[:, None, None, :]  # (B, 1, 1, Lk)
    output, weights = layer(x, other, mask=padding)
    print("readers", tuple(x.shape), " cards", tuple(other.shape), " output", tuple(output.shape), " weights", end=" ")
    print(tuple(weights.shape))

    by_torch = nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        by_torch.in_proj_weight.copy_(torch.cat([layer.w_q.weight, layer.w_k.weight, layer.w_v.weight]))
        by_torch.in_proj_bias.copy_(torch.cat([layer.w_q.bias, layer.w_k.bias, layer.w_v.bias]))
        by_torch.out_proj.load_state_dict(layer.w_o.state_dict())
    expected, _ = by_torch(x, other, other, key_padding_mask=~padding[:, 0, 0])
    print(f"largest difference from PyTorch's own layer: {(output - expected).abs().max().item():.1e}")
    print("numbers to learn:", sum(p.numel() for p in layer.parameters()), "= 4 * (12 * 12 + 12)")

# %% [markdown]
# Look at the two lines with `torch.cat`: PyTorch's layer keeps the *fused* matrix of section 4, in blocks. And at the
# `~`: its padding mask is `True` where a card is covered.

# %% [markdown]
# ## 6. One head beside two, on the same sentence
#
# Back to "it", with your own layer. As in the last lesson, **these numbers are made up by hand**, so that you can
# follow them. Width $D = 8$. The first four channels make one story, the last four another:
#
# - channel 0: "who lives?" The pronoun asks, "animal" answers. Channels 1 and 2 take along a note.
# - channel 4: "who says something about me?" The pronoun asks, "tired" answers. Channels 5 and 6 take along a note.
#
# The notes are the points of section 1. The four matrices are **the same** on both sides; the only difference is
# whether they are used by one head of width 8 or by two heads of width 4.

# %%
text = "The animal didn't cross the street because it was too tired"
sentence = text.split()
words = torch.zeros(1, len(sentence), 8)  # columns: lives, says something, is a pronoun, note (2), three to spare
for place, word in enumerate(sentence):
    words[0, place, 0] = word == "animal"
    words[0, place, 1] = word == "tired"
    words[0, place, 2] = word == "it"
    words[0, place, 3:5] = torch.tensor(notes.get(word, (0.0, 0.0)))

matrices = {f"{name}.weight": torch.zeros(8, 8) for name in ("w_q", "w_k", "w_v")}
matrices["w_o.weight"] = torch.eye(8)
matrices["w_q.weight"][0, 2] = matrices["w_q.weight"][4, 2] = 6.0  # a pronoun asks both questions
matrices["w_k.weight"][0, 0] = matrices["w_k.weight"][4, 1] = 6.0  # one word answers the first, one the second
for first in (1, 5):  # the note goes into both stories
    matrices["w_v.weight"][first, 3] = matrices["w_v.weight"][first + 1, 4] = 1.0

with after("MultiHeadAttention"):
    maps = {}
    for num_heads in (1, 2):
        layer = MultiHeadAttention(8, num_heads, bias=False)
        layer.load_state_dict(matrices)
        output, weights = layer(words)
        maps |= {
            f"{num_heads} heads, head {h}" if num_heads > 1 else "one head": weights[0, h] for h in range(num_heads)
        }
        it = output[0, sentence.index("it")]
        told = [tuple(round(n, 2) for n in it[c : c + 2].tolist()) for c in (1, 5)]
        print(f"{num_heads} head{'s' * (num_heads > 1)}: first story {told[0]}, second story {told[1]}")
    fig, axes = plt.subplots(1, 3, figsize=(12, 4.4))
    for ax, (title, one) in zip(axes, maps.items(), strict=True):
        plot_attention(one, sentence, sentence, ax).set_title(title)
    plt.show()

# %% [markdown]
# *What the pictures show.* Most rows are evenly dark: a word that asks nothing gives $1/11$ to every card. Look at the
# row of "it". With one head it has two half-bright cells, "animal" and "tired", 0.5 each, and both stories are told the
# blend $(3, 3)$, the note of "street". With two heads the same numbers come apart: head 0 gives everything to "animal"
# and brings $(1, 5)$, head 1 gives everything to "tired" and brings $(5, 1)$.
#
# The single head has asked both questions too. But in *one* dot product they add up: a card that answers either of them
# gets the same score. Cutting the sum in two, with a softmax for each part, is all that heads do.
#
# > **Try it yourself.** Predict first.
# > 1. Make the second question stronger: `w_q.weight[4, 2] = 6.5`. What does the single head do, and what do the two?
# > 2. Give `matrices["w_o.weight"]` rows that swap the two stories. Which pictures change?
#
# <details>
# <summary>What to expect</summary>
#
# 1. The single head now prefers "tired": its score rises from 36 to 39 before the root of 8, and the weights become
#    0.26 for "animal" and 0.74 for "tired". The two heads do not notice: each shares out its own minute.
# 2. No picture changes, only the output: `w_o` acts after all weights are made.
#
# </details>

# %% [markdown]
# ## 7. Nobody told the heads what to look for
#
# Made-up matrices show what heads *can* do. Do they learn it? Eight words again, each with a note of two random
# numbers. One of them carries flag A, another flag B. Task: every word shall name **both** notes, first that of A, then
# that of B. We only say how wrong the answer is. Three layers with *the same number of parameters* try: one head of
# width 8, two of width 4, four of width 2.

# %%
from functools import cache

torch.set_num_threads(1)  # such small matrices are faster without a second thread
cards = 8


def draw_sentences(count, generator):
    """Words of width 8 (a constant, flag A, flag B, a note of two numbers, zeros), and what should be said of them."""
    notes = torch.randn(count, cards, 2, generator=generator)
    place = torch.rand(count, cards, generator=generator).argsort(dim=1)[:, :2]  # two different places
    flags = nn.functional.one_hot(place, cards).transpose(1, 2).float()
    words = torch.cat([torch.ones(count, cards, 1), flags, notes, torch.zeros(count, cards, 3)], dim=-1)
    wanted = notes[torch.arange(count)[:, None], place].flatten(1)  # the note of A, then that of B
    return words, wanted.unsqueeze(1), place


@cache  # what was trained once is kept for the cells below
def train(num_heads, steps=400, seed=3):
    """Train one layer; returns it, its losses, and its weights on one sentence at every tenth step."""
    generator = torch.Generator().manual_seed(seed)
    layer = MultiHeadAttention(8, num_heads, bias=False)
    for matrix in layer.parameters():
        nn.init.normal_(matrix, std=0.4, generator=generator)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.02)
    losses, snapshots = [], []
    for step in range(steps + 1):
        words, wanted, _ = draw_sentences(64, generator)
        output, _ = layer(words)
        loss = (output[..., :4] - wanted).square().mean()
        if step % 10 == 0:
            losses.append(loss.item())
            snapshots.append(layer(sample)[1][0].detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return layer, losses, snapshots


sample, _, places = draw_sentences(1, torch.Generator().manual_seed(5))
with after("MultiHeadAttention"):
    fig, ax = plt.subplots(figsize=(6.5, 3.6))
    for num_heads in (1, 2, 4):
        layer, losses, _ = train(num_heads)
        name, size = f"{num_heads} head{'s' * (num_heads > 1)}", sum(p.numel() for p in layer.parameters())
        ax.plot(range(0, 401, 10), losses, markevery=5, label=name)
        print(f"{name:7} {size} parameters, error at the end {sum(losses[-5:]) / 5:.4f}")
    ax.axhline(0.5, color=GREY, lw=1)
    ax.text(400, 0.52, "the average of both notes: 0.5", ha="right", va="bottom", size=9)
    ax.set(xlabel="step", ylabel="mean squared error", ylim=(0, None))
    ax.legend()
    plt.show()

# %% [markdown]
# *What the picture shows.* The error against the training step. Two heads (squares) and four (triangles) go down to
# nearly 0. One head (circles) does not, although it has just as much to learn with. The grey line at 0.5 is what a
# plain average earns: answering both questions with the mean of the two notes misses each by half of their difference.
#
# The single head ended at about 0.24, and how it got below the line deserves a look. It gives about one half to each
# flag, but not exactly: the *shares* move a little with the notes, and through them it smuggles out a third number
# beside the two of the blend. Three out of the four numbers that we asked for, and an error of about a quarter.
# Training finds every hole in the fence.
#
# Now look inside. Which head has taken which flag?

# %%
with after("MultiHeadAttention"):
    names = [f"word {i + 1}" for i in range(cards)]
    names[places[0, 0]], names[places[0, 1]] = "FLAG A", "FLAG B"
    fig, axes = plt.subplots(1, 3, figsize=(11, 3.9))
    shown = [
        ("one head", train(1)[0], 0),
        ("2 heads, head 0", train(2)[0], 0),
        ("2 heads, head 1", train(2)[0], 1),
    ]
    for ax, (title, layer, h) in zip(axes, shown, strict=True):
        one = layer(sample)[1][0, h]
        plot_attention(one, names, names, ax).set_title(title)
        shares = [one[:, place].mean().item() for place in places[0]]
        print(f"{title:16} flag A {shares[0]:.2f}   flag B {shares[1]:.2f}")
    plt.show()

# %% [markdown]
# *What the pictures show.* A sentence that was not used for training; the shares stand below the picture. All rows are
# nearly the same, as every word has the same task. On the left the single head: two half-bright columns, one for each
# flag. In the middle and on the right the two heads. Head 1 reads flag A and hardly anything else; head 0 reads mostly
# flag B, with a part of A. That is good enough: the two blends are *different*, and `w_o` can subtract what is too
# much. From one blend it could not.
#
# Nobody assigned the flags. Another seed may exchange the heads: their numbers mean nothing, and "head 3 of layer 5" of
# one trained model has nothing to do with head 3 of another.

# %% [markdown]
# ## 8. How widely does a head look?
#
# A heatmap for each head, layer and sentence is soon too much to look at. One number for each row says a lot: is the
# minute given to one card, or spread over all? That is the **entropy** of the weights,
#
# $$\mathrm{H}(w) = -\sum_j w_j \ln w_j .$$
#
# $-\ln w$ is the *surprise* of seeing a card that gets a share of $w$: 0 if it gets everything, large if it hardly gets
# anything. The entropy is the average surprise. With the natural logarithm the unit is the *nat*.
#
# - One card gets everything: $-1 \cdot \ln 1 = 0$.
# - $n$ cards get the same: each adds $\frac1n \ln n$, together $\ln n$. That is the largest value for $n$ cards.
# - In between, $e^{\mathrm{H}}$ tells how many cards a reader looks at, as it were: a row with
#   $\mathrm{H} = \ln 3 = 1.099$ is spread as widely as an even look at 3 cards.
#
# > **Pitfalls**
# > - *0 times infinity.* Masks make weights of exactly 0, and $0 \cdot \ln 0$ is $0 \cdot (-\infty)$ for a computer:
# >   `nan`. In the sum such a card has to count for nothing. A reader without any cards, all zeros, has an entropy of
# >   0.
# > - *Which logarithm?* `log`, `log2` and `log10` all look right. Nats belong to the first.
# > - *One number for each reader*, not for each card and not for everything.

# %% solution="attention_entropy"

# %% check="attention_entropy"

# %%
with after("attention_entropy"):
    tokens = list("abcdefgh")
    eye = torch.eye(8)
    patterns = {
        "itself": eye,
        "the word before": torch.cat([eye[:1], eye[:-1]]),
        "everybody": torch.full((8, 8), 1 / 8),
        "everybody so far": torch.ones(8, 8).tril() / torch.arange(1, 9)[:, None],
    }
    fig, axes = plt.subplots(1, 4, figsize=(12, 3.5))
    for ax, (name, pattern) in zip(axes, patterns.items(), strict=True):
        mean = attention_entropy(pattern).mean().item()
        plot_attention(pattern, tokens, tokens, ax).set_title(f"{name}\nmean entropy {mean:.2f}")
    plt.show()
    print(
        "everybody so far, row by row:", [round(h, 2) for h in attention_entropy(patterns["everybody so far"]).tolist()]
    )

# %% [markdown]
# *What the pictures show.* Four patterns that are found in trained models, drawn by hand, with the mean entropy of
# their rows: a diagonal and a shifted diagonal have 0, an even look at 8 cards has $\ln 8 = 2.08$, and an even look at
# all cards so far grows from 0 to $\ln 8$ row by row. The first two show the limit of the measure: **entropy says how
# widely, not where to.** For that there is the picture.
#
# Now the four heads that you trained, while they were learning:

# %%
with after("MultiHeadAttention", "attention_entropy"):
    layer, _, snapshots = train(4)
    history = attention_entropy(torch.stack(snapshots)).mean(-1)  # (snapshots, heads), averaged over the readers
    fig, axes = plt.subplots(1, 5, figsize=(13, 3.3), width_ratios=[1.6, 1, 1, 1, 1])
    styles = zip(history.T, ("-", "--", ":", "-."), ("o", "s", "^", "D"), (ORANGE, BLUE, GREEN, GREY), strict=True)
    for h, (curve, line, marker, color) in enumerate(styles):
        axes[0].plot(range(0, 401, 10), curve, line, marker=marker, color=color, markevery=8)
        axes[0].text(415, curve[-1], f"head {h}", color=color, va="center", size=9)
        print(f"head {h}: mean entropy {curve[0].item():.2f} before training, {curve[-1].item():.2f} after")
    axes[0].axhline(math.log(8), color=GREY, lw=1)
    axes[0].text(540, math.log(8) + 0.03, "ln 8", ha="right", va="bottom", size=9)
    axes[0].set(xlabel="step", title="mean entropy (nats)", ylim=(0, 2.4), xlim=(-15, 545), xticks=range(0, 401, 100))
    for h, ax in enumerate(axes[1:]):
        plot_attention(snapshots[-1][h], names, names, ax).set_title(f"head {h}")
        ax.tick_params(labelsize=8)
        if h:
            ax.set(yticks=[], ylabel="")
    plt.show()

# %% [markdown]
# *What the pictures show.* Left, the mean entropy of each head against the training step. All four begin near
# $\ln 8 = 2.08$: before training everybody reads everything. Then they part. Heads 3 and 0 fall to 0.11 and 0.57:
# right, they have become sharp, one bright column each, head 3 on flag A, head 0 mostly on flag B. Head 1 stays in
# between, and its rows differ wildly; head 2 hardly leaves the top and looks at nearly everything.
#
# Which of the four would you keep? Head 1 draws the liveliest picture.
#
# ### Which heads matter?
#
# A picture shows where a head looks, not whether anybody listens. To find out, switch heads off, one at a time, and
# measure how much worse the answer gets. You have built the switch already: a mask of shape `(H, 1, 1)` that is `False`
# for one head leaves its readers without cards, so it finds 0.

# %%
with after("MultiHeadAttention"):
    test_words, wanted, _ = draw_sentences(1000, torch.Generator().manual_seed(9))
    for num_heads in (2, 4):
        layer = train(num_heads)[0]
        said = []
        with torch.no_grad():
            for off in (None, *range(num_heads)):
                on = torch.ones(num_heads, 1, 1, dtype=torch.bool)
                if off is not None:
                    on[off] = False
                error = (layer(test_words, mask=on)[0][..., :4] - wanted).square().mean().item()
                said.append(f"error {error:.4f}" if off is None else f"without head {off} {error:.2f}")
        print(f"{num_heads} heads:", ",  ".join(said))

# %% [markdown]
# With two heads each is needed. With four, the two sharp ones do the work, and the other two, the wide one and the
# lively one, can go: the error hardly moves. Their pictures are real, but `w_o` barely listens to them. **What a head
# looks at and what it is worth are two questions**, and only the second experiment answers the second.
#
# In large trained models, too, some heads matter and some do not. Voita et al. (2019) found heads in a translator that
# look at neighbouring positions, heads that follow syntax, heads that look at rare words, and many that could be pruned
# with little loss; Michel et al. (2019) removed a large share of the heads of a trained model at test time, and in some
# layers all but one. Clark et al. (2019) looked at all heads of BERT: heads on the next or the previous token, heads on
# separators, wide heads with high entropy in the lower layers, and a few that link a pronoun to its noun.
#
# > **Try it yourself.** In section 7 change `seed=3` to 5, then to 4, then to 0, and run sections 7 and 8 again. Do the
# > two heads exchange their flags? Are two of the four always idle?
#
# <details>
# <summary>What to expect</summary>
#
# With seed 5 they do: head 0 reads A, head 1 reads B. With seed 4, head 1 reads A, and head 0 gives about half a minute
# to each flag; the error is as small as before, because two *different* blends are enough for `w_o`. And with seed 0
# all four heads are needed: without any one of them the error rises to about 0.2 or more. What a head does is settled
# by chance and training together.
#
# </details>

# %% [markdown]
# ## 9. Two texts: cross-attention
#
# So far the readers and the authors of the cards were the same words. Nothing in your layer relies on it.
#
# | | the query comes from | key and value come from | weights |
# |---|---|---|---|
# | **self-attention** | a text | the same text | `(B, H, L, L)` |
# | **cross-attention** | a text | another text, the *memory* | `(B, H, Lq, Lk)` |
#
# A translator that writes French asks the English sentence: *which of your words am I translating?* The readers are the
# French words, the board has been filled by the English ones, and the two need not be equally many. The output has one
# row for each *reader*, and the mask has one column for each *card*: padding of the English sentence, never of the
# French.
#
# Once more with numbers made up by hand, and two heads: head 0 compares meanings, head 1 always asks for the noun.

# %%
english, french = ["the", "black", "cat", "sleeps", "soundly"], ["le", "chat", "noir", "dort"]
meaning = {"the": 0, "le": 0, "black": 1, "noir": 1, "cat": 2, "chat": 2, "sleeps": 3, "dort": 3}


def describe(sentence):
    """Width 10: five columns of meaning, one for nouns, one constant, three to spare."""
    words = torch.zeros(1, len(sentence), 10)
    for place, word in enumerate(sentence):
        words[0, place, meaning.get(word, 4)] = 1.0
        words[0, place, 5] = word in ("cat", "chat")
        words[0, place, 6] = 1.0
    return words


matrices = {f"{name}.weight": torch.zeros(10, 10) for name in ("w_q", "w_k")}
matrices |= {f"{name}.weight": torch.eye(10) for name in ("w_v", "w_o")}
for c in range(5):  # head 0, channels 0 to 4: which word means the same?
    matrices["w_q.weight"][c, c] = matrices["w_k.weight"][c, c] = 3.0
matrices["w_q.weight"][5, 6] = matrices["w_k.weight"][5, 5] = 3.0  # head 1: everybody asks, the noun answers

with after("MultiHeadAttention"):
    layer = MultiHeadAttention(10, 2, bias=False)
    layer.load_state_dict(matrices)
    output, weights = layer(describe(french), describe(english))
    print(
        "readers", len(french), " cards", len(english), " output", tuple(output.shape), " weights", tuple(weights.shape)
    )
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6))
    for h, title in enumerate(("head 0: the same meaning", "head 1: the noun")):
        plot_attention(weights[0, h], french, english, axes[h]).set_title(title)
    plt.show()

# %% [markdown]
# *What the pictures show.* Four rows (French readers), five columns (English cards). On the left the bright cells cross
# over: "chat" finds "cat" in the third column, "noir" finds "black" in the second, because the two languages put their
# adjectives on different sides. Nobody reads "soundly". On the right every row has its brightest cell in the column of
# "cat".
#
# Neither head minds that the order differs, and neither *knows* the order: they compare what stands on the cards, not
# where the cards hang.
#
# > **Try it yourself.** Call `layer(describe(english), describe(french))`, the other way round. What happens to
# > "soundly", which has no counterpart?
#
# <details>
# <summary>What to expect</summary>
#
# Its question fits no headline, all scores are 0, and in head 0 it spreads its minute evenly: 0.25 for each French
# word. A reader cannot keep its minute to itself. Only a mask leaves it without cards.
#
# </details>

# %% [markdown]
# ## 10. Find the mistake: more heads, less attention
#
# The next cell holds `attend_in_heads`, multi-head attention without its four maps: split, compare, scale, share out,
# take along, merge. One mistake is in it, and it is a celebrity. It stood in the code of a video lecture in which many
# people met the Transformer, until a reader proposed another divisor for the scores in January 2023 (ng-video-lecture,
# pull request 6). It was found in a popular library of vision Transformers in January 2021 (vit-pytorch, issue 65), and
# it keeps coming back: in a course on training a language model (train-llm-from-scratch, mended in March 2025) and in
# notebooks on proteins (DL4Proteins-notebooks, issue 12, in 2026).
#
# **How could it live?** Shapes, sums and gradients are right. With *one* head the numbers are right as well, and so is
# every test that uses one head. With several heads the layer is merely duller than it should be, and training makes up
# for it: the maps can learn to write larger numbers. Nobody sees a mistake. One sees a model that could be a little
# better, and no model carries a label that says how good it should be.
#
# Run the cell, then the demonstration below it. Then read the code, and say for each line which axis is how long.
#
# *How the demonstration looks inside.* The function returns no weights, only the output. So we give the words notes
# that are their own number tags, in every head the same: word 0 has a 1 in the head's first channel, word 1 in its
# second, and so on. Channel $j$ of a head's output is then the weight of word $j$.

# %% solution="attend_in_heads"

# %% check="attend_in_heads"

# %%
with after("attend_in_heads"):
    generator = torch.Generator().manual_seed(0)
    counts, largest, D = [1, 2, 4, 8, 16], [], 64
    question = torch.randn(200, 6, D, generator=generator)  # 200 sentences, 6 readers, 4 cards
    headline = torch.randn(200, 4, D, generator=generator)
    for H in counts:
        tags = torch.zeros(200, 4, H, D // H)
        for word in range(4):
            tags[:, word, :, word] = 1.0
        output = attend_in_heads(question, headline, tags.reshape(200, 4, D), H)
        weights = output.reshape(200, 6, H, D // H)[..., :4]
        largest.append(weights.amax(-1).mean().item())
        print(f"{H:2} heads of width {D // H:2}: largest of the 4 weights, on average {largest[-1]:.2f}")

    fig, ax = plt.subplots(figsize=(6.5, 3.4))
    ax.axhline(largest[0], color=GREY, lw=1)
    ax.text(16, largest[0] + 0.01, "one head", ha="right", va="bottom", size=9)
    ax.axhline(1 / 4, color=GREY, lw=1)
    ax.text(1, 1 / 4 + 0.01, "no preference: 1/4", ha="left", va="bottom", size=9)
    ax.semilogx(counts, largest)
    ax.set(xlabel="heads", title="largest of 4 weights", ylim=(0.2, 0.7))
    ax.set_xticks(counts, counts)
    ax.minorticks_off()
    plt.show()

# %% [markdown]
# *What the picture shows.* How decided a reader is, against the number of heads; the words are random, so it should
# make no difference how they are cut. As long as the mistake is in, the line falls, from 0.52 with one head to 0.31
# with 16: heads that hardly prefer anything to anything. Once it is mended, the marks stay beside the upper grey line
# (a little below it at the right end, where a head compares only 4 numbers).
#
# **What to notice.** The case of one head is the blind spot. A case in which two sizes are equal cannot tell them
# apart, and a name such as `width` does not say *whose* width it is.

# %% [markdown]
# ## 11. Who has cut it right?
#
# The mistakes of this lesson raise no error and have the right shapes. What finds them is a good test, and now **you
# write it.** `test_split_heads` receives a function that somebody claims to be `split_heads`. If it is wrong, your test
# raises an exception; `assert` does that. If it is right, your test returns.
#
# You are graded like a judge: solutions come before your test in an order that is drawn, right ones that look very
# different from each other, and wrong ones with the mistakes that people really make. The checks take the wrong ones in
# groups, and **a group counts only if your test stops all of it and no right solution.** You can call a solution and
# differentiate it; its code stays hidden.
#
# You know what helps: follow one number. Three more questions:
#
# - **Would another order of the numbers show?** In a tensor of ones nothing can be in the wrong place.
# - **Are two of your sizes equal?** Then an exchange of the two does not show. And does your sentence have more than
#   one word, your layer more than one head?
# - **What else does the docstring promise?** And what does every step of a network owe to training?
#
# > **Pitfalls**
# > - *Returning False stops nobody.* Raise.
# > - *`torch.equal`* is the right comparison here: numbers are moved, not computed. (In most other tests it is not.)
# > - *An error that should come* is caught with `try` and `except ValueError`. If none comes, raise one of your own.
# > - *Expecting the wrong thing.* A test that computes what it expects by a reshape alone convicts the innocent. Your
# >   own `split_heads` should pass; begin with that.
# > - *Size.* Small tensors are enough: a solution under test answers for at most 5000 numbers at a time.

# %% solution="test_split_heads"

# %% check="test_split_heads"

# %%
claims = {
    "your own": lambda x, num_heads: split_heads(x, num_heads),
    "a reshape alone": lambda x, num_heads: x.reshape(len(x), num_heads, x.size(1), -1),
    "not turned": lambda x, num_heads: x.reshape(*x.shape[:2], num_heads, -1),
    "copied numbers": lambda x, num_heads: split_heads(x, num_heads).detach().clone(),
}
with after("split_heads", "test_split_heads"):
    for name, claim in claims.items():
        try:
            test_split_heads(claim)
            verdict = "passes"
        except NotImplementedError:
            raise
        except Exception as error:
            verdict = f"is stopped ({type(error).__name__})"
        print(f"{name:16} {verdict}")

# %% [markdown]
# **What to notice.** A round trip, a shape, one head, one word, a tensor of ones: each of these looks like a test, and
# each lets a wrong split pass. The strongest test of this lesson needs no more than an `arange` and four sizes that
# differ.

# %% [markdown]
# ## What you have built
#
# | part | on the boards | what it is for | a mistake that nobody notices |
# |---|---|---|---|
# | split | scissors | several questions at once | pieces of the sentence in place of pieces of the vectors |
# | merge | tape | one vector again | strips of different positions, taped together |
# | fused q, k, v | one sheet for all three forms | one large product | the other layout |
# | $1/\sqrt d$ | strips, not whole sheets | scores of variance 1 in each head | the root of $D$ |
# | $W^O$ | a summary of all boards | every channel hears every head | left out, with the same shapes |
# | dropout | some cards are blown off | no reader relies on one card | on the output; in evaluation as well |
# | query, key, value | who asks whom | one text or two | the memory is ignored, in self-attention unseen |
# | entropy | how widely somebody reads | to compare heads at one glance | bits for nats; 0 times infinity |
#
# And three sentences to keep:
#
# - Heads are **one dot product cut into several sums**, each with a softmax of its own, at no extra parameters.
# - They **add up**: each head writes what it has found into the full width, through its own columns of `w_o.weight`.
# - Shapes prove nothing. **Follow one number.**
#
# ## What comes next
#
# Shuffle the words of a sentence, and your layer gives the same answers, shuffled. It has several questions now, and
# none of them can be "who stands before me?". The next lesson writes the **positions** on the cards.
#
# ## Read on
#
# - A. Vaswani et al., [Attention Is All You Need](https://arxiv.org/abs/1706.03762), 2017. Section 3.2.2 is this
#   lesson, 3.2.3 says where self- and cross-attention are used; rows (A) of table 3 vary the number of heads.
# - E. Voita et al., [Analyzing Multi-Head Self-Attention](https://arxiv.org/abs/1905.09418), 2019: which heads do the
#   work in a translator.
# - P. Michel, O. Levy and G. Neubig, [Are Sixteen Heads Really Better than One?](https://arxiv.org/abs/1905.10650),
#   2019: switching heads off.
# - K. Clark et al., [What Does BERT Look At?](https://arxiv.org/abs/1906.04341), 2019: heatmaps and entropies of all
#   heads of a large model.
# - The documentation of
#   [torch.nn.MultiheadAttention](https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html): with
#   what you know now, read what each of its arguments does, and which way round its masks are.
