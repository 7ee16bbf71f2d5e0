# %% [markdown]
# # Attention
#
# > The animal didn't cross the street because **it** was too tired.
#
# What was too tired? The animal, of course: streets do not get tired. Now let the sentence end in *too wide*, and "it"
# is the street. To understand one small word you looked at other words, some of them far away, and you knew which ones
# to look at.
#
# **Attention** lets a network do the same. It is one short formula, the heart of every Transformer:
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# You will build it here from exponentials, sums and products of matrices, and each symbol will have earned its place.
# At the end your own code draws which words "it" looks at, and you can make it look elsewhere.
#
# **You need** PyTorch tensors (shapes, broadcasting, `@`), and you should know what a gradient is. **It takes** about
# three hours; every exercise is a good place for a break.
#
# | | you write | what it does | minutes |
# |---|---|---|---|
# | 1 | `softmax` | turns scores into shares of a whole | 10 |
# | 2 | `attention_scores` | compares every question with every headline | 10 |
# | 3 | `attention_weights` | hides what may not be seen, then shares out | 10 |
# | 4 | `scaled_dot_product_attention` | the whole formula | 25 |
# | 5 | `SelfAttention` | a layer that learns what to ask | 15 |
# | 6 | `plot_attention` | a picture of who looks at whom | 10 |
# | 7 | `causal_weights` | a famous mistake: find it and mend it | 10 |
# | 8 | `test_attention_weights` | tells right solutions from wrong ones | 30 |
#
# **How this notebook works**
#
# - Replace the `raise NotImplementedError()` of an exercise by your code. The docstring is the specification, shapes
#   included.
# - Run the cell below it: `check("softmax")` tries your code and says what it expected and what it found. Grading asks
#   the same kind of questions with other numbers.
# - The other code cells are demonstrations. Run them, change them, break them. Those that need your code wait for it.
# - Demonstrations are left out when you are graded. A helper function of yours belongs in the cell of its exercise.
# - The pieces are yours to build: your `softmax` does without PyTorch's, and the rest without its finished attention.
# - Stuck? `autograder hint softmax` in a terminal begins with a question and says more each time you ask.

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

# %% [markdown]
# ## 1. Why not one word after the other?
#
# The older way to read a sentence with a network is word by word. Think of eleven people in a row, one for each word of
# our sentence. The first whispers what matters about their word to the second, who adds something and whispers to the
# third, and so on. That is a **recurrent network**: the state after word $t$ is made from the state before it.
#
# $$h_t = \tanh(W h_{t-1} + U x_t)$$
#
# Whispering has two faults.
#
# - **Everybody waits.** $h_8$ cannot be begun before $h_7$ is finished. A text of $L$ words takes $L$ steps, one after
#   the other, however many processors stand idle.
# - **The message goes through everybody in between.** What "it" learns about "animal" has been handed on six times,
#   squeezed into one vector of fixed size each time. When the network learns, its gradient takes the same road back.
#
# Now hang up a **notice board**. Everybody pins up a card at the same moment. Then everybody reads the board at the
# same moment. No one waits for a neighbour, and every word is one look away from every other. We will stay at this
# board for the whole lesson.

# %%
# Drawing only.
sentence = "The animal didn't cross the street because it was too tired"
words = sentence.split()
fig, (row, board) = plt.subplots(2, 1, figsize=(10, 5), height_ratios=[1, 1.7])
titles = 'Whispering: 6 steps from "animal" to "it"', 'Notice board: 1 step from "animal" to "it"'
for ax, title in zip((row, board), titles, strict=True):
    ax.set_title(title, loc="left", weight="bold")
    ax.axis("off")
    for place, word in enumerate(words):
        ax.text(place, 0, word, ha="center", va="top", weight="bold" if word in ("animal", "it") else None)

for place in range(10):
    on_the_way = 1 <= place < 7  # from "animal" to "it"
    style = {"color": ORANGE, "lw": 3} if on_the_way else {"color": GREY, "lw": 1}
    row.annotate("", (place + 0.85, 0.5), (place + 0.15, 0.5), arrowprops={"arrowstyle": "->", **style})
    if on_the_way:
        row.text(place + 0.5, 0.7, f"{place}", ha="center", color=ORANGE, weight="bold")
row.plot(range(11), [0.5] * 11, "o", color=GREY, ms=9)
row.set(ylim=(-0.4, 1.1), xlim=(-0.6, 10.6))

angle = torch.linspace(0, math.pi, 60)
for left in range(11):
    for right in range(left + 1, 11):
        direct = (left, right) == (1, 7)
        style = {"color": ORANGE, "lw": 3, "zorder": 3} if direct else {"color": GREY, "lw": 0.7, "alpha": 0.5}
        half = (right - left) / 2
        board.plot(left + half + half * torch.cos(angle), 0.15 + half * torch.sin(angle), "-", marker="", **style)
board.set(ylim=(-0.5, 5.3), xlim=(-0.6, 10.6))
plt.show()

# %% [markdown]
# *What the picture shows.* Above, the words in a row, an arrow from each to the next. The thick arrows, numbered 1 to
# 6, are the way from "animal" to "it". Below, the same words with an arc between each of the 55 pairs. The thick arc
# from "animal" to "it" is a single step.
#
# ### Is the board free? No
#
# $L$ people who read $L$ cards each make $L^2$ readings. The board trades **waiting** for **work**:
#
# | one layer, $L$ words, width $d$ | steps that wait for each other | multiplications | steps between two words |
# |---|---|---|---|
# | recurrence | $O(L)$ | $O(L\,d^2)$ | up to $O(L)$ |
# | attention | $O(1)$ | $O(L^2 d)$ | $O(1)$ |
#
# So attention is not simply "faster". It has a short **sequential depth**, which parallel hardware rewards, and a
# **total work** (and, in the plain form that you will write, memory) that grows with the square of the length. Let us
# time both. The loop runs twice, once in Python and once inside PyTorch, so that Python does not take the blame for
# what waiting costs. Attention is PyTorch's own for now; by the end you will have written it.

# %%
import time

generator = torch.Generator().manual_seed(0)
d = 64
W, U = torch.randn(2, d, d, generator=generator) / math.sqrt(d)


def whisper(x):
    h = torch.zeros(d)
    for word in x[0]:  # word t needs h of word t - 1
        h = torch.tanh(W @ h + U @ word)
    return h


def notice_board(x):
    return nn.functional.scaled_dot_product_attention(x, x, x)


def milliseconds(read, x):
    """The fastest of at least three runs, and of as many as fit into 50 milliseconds."""
    seconds = []
    while len(seconds) < 3 or sum(seconds) < 0.05:
        start = time.perf_counter()
        read(x)
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds)


lengths = [64, 128, 256, 512, 1024, 2048, 4096]
readers = {
    "recurrence, loop in Python": whisper,
    "recurrence, loop inside PyTorch": nn.RNN(d, d, batch_first=True),
    "attention": notice_board,
}
times = {name: [] for name in readers}
cores = torch.get_num_threads()
torch.set_num_threads(1)  # one core for all three
with torch.no_grad():
    for L in lengths:
        x = torch.randn(1, L, d, generator=generator)
        for name, read in readers.items():
            times[name].append(milliseconds(read, x))
torch.set_num_threads(cores)

fig, ax = plt.subplots(figsize=(7, 4))
for name, measured in times.items():
    ax.loglog(lengths, measured, label=name)
ax.set(xlabel="length L", ylabel="milliseconds", title=f"The same text, read in two ways (width {d})")
ax.set_xticks(lengths, lengths, minor=False)
ax.legend()
plt.show()

print("      L   waiting steps          multiplications (millions)")
print("          recurrence  attention  recurrence  attention")
for L in lengths[::2]:
    print(f"{L:7} {L:11} {1:10} {L * 2 * d * d / 1e6:11.1f} {L * L * 2 * d / 1e6:10.1f}")

# %% [markdown]
# *What the picture shows.* Time against length, both axes logarithmic, on a single core. The two recurrent lines
# (circles and squares) rise steadily: twice the text, twice the waiting. Attention (triangles) starts far below and
# climbs more steeply: in the end twice the text means four times the work. Where this lesson was written, the lines
# cross near $L = 1000$.
#
# Now look at the table. Attention does $L/d$ times the multiplications of the recurrence, at that crossing about 16
# times as many **in the same time**. It hands over its work as a few large matrix products, which keep the core busy;
# the loop hands over thousands of tiny ones, each waiting for the one before. More cores, or the thousands of units of
# a GPU, push attention's line down and leave the loop about where it is. That the lines cross at all is why long texts
# remain a subject of research.
#
# ("One step" is a way of speaking: a sum of $d$ products takes about $\log d$ steps even when all is done in parallel.
# It does not grow with the distance between words, and that is what counts here.)
#
# > **Try it yourself.** Set `d = 512` and run the cell again. Before you do: which lines move up most, and where do
# > they meet now?
#
# <details>
# <summary>What to expect</summary>
#
# The work of the recurrence grows with $d^2$, that of attention with $d$. So the recurrent lines move up more, and the
# crossing moves to longer texts (less than the formulas say: at width 64 each step of the loop is mostly overhead). In
# the models of 2017, with sentences of some dozens of words and a width of 512, attention had less to compute *and*
# less to wait for.
#
# </details>

# %% [markdown]
# ## 2. The notice board: queries, keys and values
#
# Every word writes three things.
#
# | on the board | name | symbol | it says |
# |---|---|---|---|
# | a **question**, kept in the hand | query | $q$ | what am I looking for? |
# | the **headline** of the card | key | $k$ | what can be found here? |
# | the **note** on the card | value | $v$ | what do you take along? |
#
# Then every reader does four things, all readers at the same moment:
#
# 1. **Compare** the question with each headline. The better they fit, the higher the **score**.
# 2. **Skip** the cards that are covered (the **mask**).
# 3. **Share out** one minute of reading time among the cards, most of it to the highest scores. The shares are the
#    **weights**, and they add up to 1.
# 4. **Take along** a blend of the notes, each in proportion to the time it got. That is the **output**.
#
# *Why a headline and a note?* Because being found and being useful are different things. A headline "subject of the
# sentence" attracts the right readers; the note then tells them what they came for.
#
# *Why a blend, and not simply the best card?* A Python dictionary gives the value of the one key that matches, or an
# error. The board is a **soft** dictionary: every key matches a little, and the answer changes smoothly with the
# question. Only that makes it possible to learn good questions with gradients.
#
# *Where the comparison ends.* Nobody at this board understands anything. Question, headline and note are vectors,
# "fits" is a dot product, and the vectors come from matrices that training adjusts (section 8).
#
# ### The shapes
#
# Stack all questions as the rows of a matrix $Q$, all headlines as the rows of $K$, all notes as the rows of $V$.
#
# | | symbol | shape | one row is |
# |---|---|---|---|
# | queries | $Q$ | `(..., Lq, d)` | one reader's question |
# | keys | $K$ | `(..., Lk, d)` | one card's headline |
# | values | $V$ | `(..., Lk, dv)` | one card's note |
# | scores | $S = QK^\top / \sqrt{d}$ | `(..., Lq, Lk)` | one reader's scores for all cards |
# | mask | | broadcastable to `(..., Lq, Lk)` | the cards that one reader may read |
# | weights | $A = \mathrm{softmax}(S)$ | `(..., Lq, Lk)` | one reader's minute, shared out |
# | output | $A V$ | `(..., Lq, dv)` | what one reader takes along |
#
# `Lq` readers, `Lk` cards, `d` the width of questions and headlines ($d_k$ in the paper), `dv` the width of notes. The
# `...` are leading axes that come along untouched: none, a batch, or later a batch and several heads.

# %%
# Drawing only: the matrices for 3 readers, 5 cards, d = 4 and dv = 2. The hatched row belongs to one reader.
matrices = [
    (0, 3, 4, "$Q$", "Lq × d", 1), (5.2, 4, 5, "$K^⊤$", "d × Lk", None),
    (12.2, 3, 5, "$S$", "Lq × Lk", 1), (19.4, 3, 5, "$A$", "Lq × Lk", 1),
    (25.6, 5, 2, "$V$", "Lk × dv", None), (29.4, 3, 2, "output", "Lq × dv", 1),
]  # fmt: skip
fig, ax = plt.subplots(figsize=(10, 2.6))
for left, rows, columns, name, shape, hatched in matrices:
    for r in range(rows):
        for c in range(columns):
            corner = (left + c, rows / 2 - r - 1)
            here = {"hatch": "////", "edgecolor": ORANGE} if r == hatched else {"edgecolor": GREY}
            ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, **here))
    ax.text(left + columns / 2, 2.9, name, ha="center", size=14)
    ax.text(left + columns / 2, -3.5, shape, ha="center")
for place, sign in ((4.6, "·"), (11.2, "="), (18.3, "→"), (25, "·"), (28.5, "=")):
    ax.text(place, 0, sign, ha="center", va="center", size=16)
ax.text(11.2, 1, r"$/\sqrt{d}$", ha="center", va="center")
ax.text(18.3, 1, "mask,\nsoftmax", ha="center", va="center", size=9)
ax.set(xlim=(-0.3, 31.8), ylim=(-3.8, 3.8), aspect="equal")
ax.axis("off")
plt.show()

# %% [markdown]
# *What the picture shows.* From left to right: $Q$ times $K^\top$, divided by $\sqrt{d}$, gives the scores $S$; mask
# and softmax turn them into the weights $A$; $A$ times $V$ is the output. One row, the hatched one, runs through: a
# reader's question, their scores, their weights, their result. No reader's row meets another's.
#
# > **Try it yourself.** Which of `Lq`, `Lk`, `d`, `dv` may be chosen freely, and which have to agree between two of
# > $Q$, $K$ and $V$?
#
# <details>
# <summary>Answer</summary>
#
# $Q$ and $K$ share `d`, or they could not be compared. $K$ and $V$ share `Lk`: each card has one headline and one note.
# `Lq` and `dv` belong to one matrix alone. In particular the output has the width of the *values*, and the readers may
# stand in front of a board that others have filled: that is *cross-attention*, in a translator for example.
#
# </details>

# %% [markdown]
# ## 3. Once by hand
#
# Two readers, two cards, every number on paper. The width is $d = 4$, so that $\sqrt d = 2$.
#
# $$Q = \begin{pmatrix} 1 & 0 & 1 & 1 \\ 0 & 1 & 1 & 0 \end{pmatrix} \qquad
# K = \begin{pmatrix} 2 & 0 & 1 & 1 \\ 0 & 2 & 2 & 0 \end{pmatrix} \qquad
# V = \begin{pmatrix} 10 & 0 \\ 0 & 20 \end{pmatrix}$$
#
# **Compare.** Each question with each headline, entry by entry:
#
# $$\begin{aligned}
# q_1 \cdot k_1 &= 1\cdot 2 + 0\cdot 0 + 1\cdot 1 + 1\cdot 1 = 4 &\qquad q_1 \cdot k_2 &= 0 + 0 + 1\cdot 2 + 0 = 2 \\
# q_2 \cdot k_1 &= 0 + 0 + 1\cdot 1 + 0 = 1 &\qquad q_2 \cdot k_2 &= 0 + 1\cdot 2 + 1\cdot 2 + 0 = 4
# \end{aligned}$$
#
# **Scale.** Divide by $\sqrt d = 2$:
#
# $$S = \begin{pmatrix} 2 & 1 \\ 0.5 & 2 \end{pmatrix}$$
#
# **Share out.** In each row, $e$ to the power of the scores, divided by their sum:
#
# $$\begin{aligned}
# \text{row 1:}\quad & e^{2} = 7.389,\ \ e^{1} = 2.718,\ \ \text{sum } 10.107
# &&\Rightarrow\quad 7.389 / 10.107 = 0.731,\quad 2.718 / 10.107 = 0.269 \\
# \text{row 2:}\quad & e^{0.5} = 1.649,\ \ e^{2} = 7.389,\ \ \text{sum } 9.038
# &&\Rightarrow\quad 1.649 / 9.038 = 0.182,\quad 7.389 / 9.038 = 0.818
# \end{aligned}$$
#
# **Take along.** The notes, blended with these shares:
#
# $$\begin{aligned}
# \text{reader 1:}\quad & 0.731 \cdot (10, 0) + 0.269 \cdot (0, 20) = (7.31,\ 5.38) \\
# \text{reader 2:}\quad & 0.182 \cdot (10, 0) + 0.818 \cdot (0, 20) = (1.82,\ 16.35)
# \end{aligned}$$
#
# (From unrounded weights: with three digits you would find 16.36.)
#
# Reader 1 spent 73 % of the minute on card 1 and took 73 % of its note. The next cell repeats this for one reader in
# plain numbers, and lets PyTorch's own attention confirm both rows.

# %%
q = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
k = torch.tensor([[2.0, 0.0, 1.0, 1.0], [0.0, 2.0, 2.0, 0.0]])
v = torch.tensor([[10.0, 0.0], [0.0, 20.0]])

reader = 0  # try 1
dots = [sum(a * b for a, b in zip(q[reader].tolist(), card.tolist(), strict=True)) for card in k]
scaled = [dot / 2 for dot in dots]
powers = [math.exp(score) for score in scaled]
shares = [power / sum(powers) for power in powers]
blend = [shares[0] * v[0, c].item() + shares[1] * v[1, c].item() for c in range(2)]

steps = {"dot products": dots, "scaled": scaled, "powers of e": powers, "weights": shares, "output": blend}
print(f"reader {reader + 1}")
for step, numbers in steps.items():
    print(f"  {step:13}", "  ".join(f"{number:7.3f}" for number in numbers))
print("\nboth readers, by PyTorch:")
print(nn.functional.scaled_dot_product_attention(q[None], k[None], v[None])[0])

# %% [markdown]
# > **Try it yourself.** Predict first, then change the cell.
# > 1. Double the first question: `q[0] *= 2`. Does card 1 get more of the minute, less, or the same?
# > 2. Add 3 to *every* entry of *both* headlines. What happens to the weights?
# > 3. Swap the two cards: rows of `k` *and* rows of `v`. What happens to the output?
#
# <details>
# <summary>Answers</summary>
#
# 1. More. The scaled scores become 4 and 2, their difference doubles from 1 to 2, and the weight rises to 0.881. Long
#    questions are decided questions.
# 2. Nothing. Each dot product of a reader grows by the same amount (3 times the sum of the question's entries), and
#    softmax looks at differences only.
# 3. Nothing. The board has no order: a card is found by its headline, not by the place where it hangs. Remember this
#    one, it comes back in section 8.
#
# </details>

# %% [markdown]
# ## 4. Softmax: one minute, shared out
#
# A reader has a score for each card and one minute of time. We want shares that are positive, that add up to 1, and
# that are larger where the score is larger:
#
# $$\mathrm{softmax}(x)_j = \frac{e^{x_j}}{\sum_m e^{x_m}}$$
#
# The exponential makes any score positive, the division makes the sum 1. Two facts are worth remembering:
#
# - **Only differences count.** The ratio of two shares is $e^{x_j} / e^{x_m} = e^{x_j - x_m}$. One more point of score
#   always means $e \approx 2.7$ times the time. Adding the same number to all scores changes nothing.
# - **Size means sharpness.** *Multiplying* all scores by a number above 1 stretches the differences, and the best card
#   takes over.

# %%
scores = torch.tensor([1.0, 2.0, 3.0, 2.5])
fig, axes = plt.subplots(1, 4, figsize=(10, 2.6), sharey=True)
for ax, factor in zip(axes, (0.1, 1, 3, 10), strict=True):
    shares = torch.softmax(factor * scores, dim=-1)
    bars = ax.bar(range(1, 5), shares, color=BLUE)
    ax.bar_label(bars, fmt="%.2f", color=GREY)
    ax.set(title=f"scores × {factor}", xlabel="card", ylim=(0, 1.15), xticks=range(1, 5))
axes[0].set_ylabel("share of the minute")
plt.show()

# %% [markdown]
# *What the picture shows.* The weights of four cards with the scores 1, 2, 3 and 2.5, multiplied by 0.1, 1, 3 and 10.
# On the left all four get about a quarter. On the right the third card, the best one, gets 0.99.
#
# ### The formula is right, and still it breaks
#
# A float32 ends near $3.4 \cdot 10^{38}$, and $e^{89}$ lies beyond. A float16 gives up after $e^{11}$.

# %%
for x in (10.0, 88.0, 89.0, -100.0, -110.0, -math.inf):
    print(f"e to the power of {x:6}  =  {torch.tensor(x).exp().item():.4g}")
print("\n  inf / inf   =", (torch.tensor(math.inf) / math.inf).item())
print("    0 / 0     =", (torch.tensor(0.0) / 0).item())
print("-inf - (-inf) =", (torch.tensor(-math.inf) + math.inf).item())

# %% [markdown]
# One score of 89 makes the sum infinite, and $\infty / \infty$ is `nan`. If all scores are below $-104$, every power is
# 0, and $0/0$ is `nan` too. A `nan` is worse than an error: it runs silently through every later layer, into the loss,
# and after one step of the optimiser into every weight.
#
# The cure needs no trick of the hardware. Look at the first of the two facts above: there is a whole family of inputs
# with the same softmax. **Which member of the family can never overflow?** And whichever it is: does at least one power
# stay well above 0?
#
# Two more demands come from the board:
#
# - **A score of $-\infty$** is how we will say "this card is covered". $e^{-\infty} = 0$ is exactly what we want: no
#   time at all. Your softmax has to let it through.
# - **A row of only $-\infty$** is a reader for whom every card is covered. It happens: a sentence in a batch may be
#   nothing but padding. Mathematics offers $0/0$. In this course the answer is pinned: such a reader spends no time on
#   anything, so **all weights are 0**, and gradients stay finite.
#
# > **Pitfalls**
# > - *The wrong axis.* `dim` says along which axis the shares add up to 1, and it may be any. An axis that is lost when
# >   you sum or look for an extreme no longer lines up with the others: `keepdim=True` is your friend.
# > - *One number for the whole tensor.* Each row is a minute of its own. A row with small scores must not suffer
# >   because another row in the batch has large ones.
# > - *Changing the input.* `x[...] = ` and `x -= ` write into the caller's tensor. Make new ones.
# > - *A row of $-\infty$* has an extreme value of its own, and $-\infty - (-\infty)$ stands in the table above.

# %% solution="softmax"

# %% check="softmax"

# %%
with after("softmax"):
    print("as usual         ", softmax(torch.tensor([1.0, 2.0, 3.0])))
    print("the same + 1000  ", softmax(torch.tensor([1001.0, 1002.0, 1003.0])))
    print("first one covered", softmax(torch.tensor([-math.inf, 2.0, 3.0])))
    print("all covered      ", softmax(torch.full((3,), -math.inf)))
    table = torch.tensor([[0.0, 1.0], [0.0, 3.0]])
    print("sums along dim 0 ", softmax(table, dim=0).sum(0), " and along dim 1", softmax(table, dim=1).sum(1))

# %% [markdown]
# > **Try it yourself.** Add up `softmax(torch.randn(1000))` in float64, float32 and float16. Does the dtype survive,
# > and how close is the sum to 1?

# %% [markdown]
# ## 5. Scores: how well does a headline answer a question?
#
# A question and a headline are lists of $d$ numbers, like two questionnaires with the same $d$ lines. They fit if the
# same lines are large and have the same sign, and the **dot product** adds up just that:
#
# $$q \cdot k = \sum_{c=1}^{d} q_c\,k_c$$
#
# Row $i$, column $j$ of $QK^\top$ is the dot product of question $i$ and headline $j$. A single matrix product compares
# everybody with everything.
#
# ### Why divide by $\sqrt{d}$?
#
# Suppose the entries of questions and headlines are independent, with mean 0 and variance 1, as they roughly are before
# training. Then each product $q_c k_c$ has mean 0 and variance 1, and variances of independent terms add up:
#
# $$\mathrm{Var}(q \cdot k) = d \qquad\Rightarrow\qquad \text{standard deviation} = \sqrt{d}$$
#
# A longer questionnaire gives larger totals **by luck alone**. With $d = 64$ two cards that mean nothing to a reader
# easily differ by 8 points, and 8 points are a factor of $e^8 \approx 3000$ in reading time. The reader stares at one
# random card. Dividing by the standard deviation brings the scores back to variance 1 at every width.

# %%
generator = torch.Generator().manual_seed(0)
widths = [4, 16, 64, 256, 1024]
rules = {"not scaled": lambda d: 1, "divided by √d": math.sqrt, "divided by d": lambda d: d}
variance, largest, slope = ({rule: [] for rule in rules} for _ in range(3))
for d in widths:
    question = torch.randn(500, 1, d, generator=generator)  # 500 readers, 16 cards for each
    headline = torch.randn(500, 16, d, generator=generator)
    dots = (question * headline).sum(-1)  # (500, 16)
    for rule, divisor in rules.items():
        share = torch.softmax(dots / divisor(d), dim=-1)
        jacobian = torch.diag_embed(share) - share[:, :, None] * share[:, None, :]
        variance[rule].append((dots / divisor(d)).var().item())
        largest[rule].append(share.amax(-1).mean().item())
        slope[rule].append(jacobian.norm(dim=(1, 2)).mean().item())

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6))
panels = {"variance of the scores": variance, "largest of 16 weights": largest, "gradient through the softmax": slope}
for ax, (title, measured) in zip(axes, panels.items(), strict=True):
    for rule in rules:
        ax.plot(widths, measured[rule], label=rule, **({"linestyle": ""} if ax is axes[0] else {}))
    ax.set(title=title, xlabel="width d", xscale="log")
    ax.set_xticks(widths, widths)
    ax.minorticks_off()
for height in (lambda d: d, lambda d: 1, lambda d: 1 / d):
    axes[0].plot(widths, [height(d) for d in widths], "-", marker="", color=GREY, lw=1, zorder=0)
axes[0].set_yscale("log")
axes[0].legend(fontsize=9)
axes[1].axhline(1 / 16, color=GREY, lw=1)
axes[1].text(4, 1 / 16 - 0.01, "all equal: 1/16", va="top", fontsize=9)
axes[1].set_ylim(0, 1.05)
axes[2].set_ylim(0, 0.36)
plt.show()
for rule in rules:
    print(f"{rule:14} d = 4 ... 1024:  largest weight {largest[rule][0]:.2f} ... {largest[rule][-1]:.2f}", end="")
    print(f",  gradient {slope[rule][0]:.2f} ... {slope[rule][-1]:.2f}")

# %% [markdown]
# *What the pictures show*, each against the width on a logarithmic axis; the three rules differ in marker and dash.
#
# - **Left: variance of the scores.** Circles, not scaled: it grows like $d$. Squares, divided by $\sqrt d$: it stays
#   close to 1. Triangles, divided by $d$: it falls like $1/d$. The marks are measured, the grey lines behind them are
#   the theory: $d$, $1$ and $1/d$.
# - **Middle: the largest of 16 weights**, on average. Not scaled, it climbs towards 1, although all cards are random
#   and none deserves it. Divided by $\sqrt d$ it does not depend on the width. Divided by $d$ it sinks to $1/16$: the
#   reader no longer distinguishes anything.
# - **Right: how much of a change in the scores gets through the softmax** (the norm of its Jacobian). Not scaled, it
#   fades: a reader who already gives everything to one card has weights that barely move when the scores move, so there
#   is hardly a gradient to learn from. This is the reason that the paper gives for the root.
#
# Mind the direction: **forgetting the scale errs on one side only, too sharp**. Dividing by too much errs on the other.
#
# > **Pitfalls**
# > - *Which axis is swapped?* $K^\top$ swaps rows and columns of one matrix. With a batch in front, `.T` reverses
# >   *all* axes: `(2, 3, 5)` becomes `(5, 3, 2)`. Count the two axes that you want from the end, so that any number of
# >   leading axes may stand before them.
# > - *Who stands in the rows?* The readers do. $KQ^\top$ has the right numbers in the wrong places, and if `Lq` equals
# >   `Lk` no shape complains.
# > - *Which width?* The one that was summed over: that of the questions and headlines. Not the model's, not the notes'.
# > - *Vectors that do not fit.* Questions and headlines of different widths cannot be compared. Say so with a
# >   `ValueError` that names both widths; somebody (you, next week) will be grateful.

# %% solution="attention_scores"

# %% check="attention_scores"

# %%
with after("attention_scores"):
    print("section 3 again:", attention_scores(q, k).tolist())
    generator = torch.Generator().manual_seed(0)
    many = attention_scores(torch.randn(2, 3, 5, 7, generator=generator), torch.randn(2, 3, 11, 7, generator=generator))
    print("2 sentences, 3 heads, 5 readers, 11 cards:", tuple(many.shape))

# %% [markdown]
# > **Try it yourself.** In the plot above, replace the normal distribution of the entries by a uniform one between
# > $-\sqrt 3$ and $\sqrt 3$, which also has variance 1. Then go back, and give the questions *and* the headlines a mean
# > of 1. Which assumption mattered, and which did not?
#
# <details>
# <summary>What to expect</summary>
#
# The shape of the distribution does not matter, only independence, mean and variance. With a mean of 1 the variance of
# each product is $\mathrm{E}[q^2]\,\mathrm{E}[k^2] - 1 = 2 \cdot 2 - 1 = 3$, and the variance of the score $3d$. (The
# softmax notices only $2d$ of it. The rest is common to all cards of a reader, and only differences count.) So the
# root of $d$ is a good starting point and no law of nature; during training the network chooses how long its vectors
# become.
#
# </details>

# %% [markdown]
# ## 6. Masks: covered cards
#
# Not everybody may read everything. We cover cards with a **mask**, a bool tensor with one row per reader and one
# column per card. In this course **`True` means "may attend"**. Two masks do nearly all the work:
#
# - **Padding.** Sentences of a batch are filled up to the same length. The filling is no word, so nobody may read it.
#   It is a *column* of `False`, the same for every reader.
# - **Causal.** A model that predicts the next word must not read it in advance. Word $i$ sees cards 1 to $i$ only. This
#   is a preview; the decoder lesson lives on it.
#
# They combine with "and": a card is open if *every* mask leaves it open.

# %%
tokens = ["I", "am", "here", "pad", "pad"]
padding = torch.tensor([True, True, True, False, False]).expand(5, 5)
causal = torch.ones(5, 5, dtype=torch.bool).tril()

fig, axes = plt.subplots(1, 3, figsize=(10, 3.6))
titles = ("padding", "causal", "padding and causal")
for ax, title, mask in zip(axes, titles, (padding, causal, padding & causal), strict=True):
    for reader in range(5):
        for card in range(5):
            open_card = mask[reader, card].item()
            hatch = None if open_card else "////"
            ax.add_patch(plt.Rectangle((card - 0.5, reader - 0.5), 1, 1, fill=False, edgecolor=GREY, hatch=hatch))
            if open_card:
                ax.text(card, reader, "✓", ha="center", va="center", color=GREEN, size=15, weight="bold")
    ax.set(title=title, xlim=(-0.5, 4.5), ylim=(4.5, -0.5), aspect="equal", xlabel="card (key)")
    ax.set_xticks(range(5), tokens)
    ax.set_yticks(range(5), tokens)
axes[0].set_ylabel("reader (query)")
plt.show()

# %% [markdown]
# *What the pictures show.* Rows are readers, columns are cards, a tick is `True`, hatching is `False`. Padding covers
# the last two columns for everybody. The causal mask leaves the lower left triangle open, diagonal included: everybody
# may read their own card. With both, what remains open is open in both.
#
# The rows of the two "pad" readers are not empty. They read too, and nobody cares what: their results are dropped
# later.
#
# ### Before the softmax, not after
#
# It looks simpler to share out the minute first and to set the shares of covered cards to 0 afterwards. Watch what that
# does. Three cards with the scores 2, 1 and 3, and the third one is covered:

# %%
for hidden_score in (3.0, 8.0):
    share = torch.softmax(torch.tensor([2.0, 1.0, hidden_score]), dim=-1)
    too_late = share * torch.tensor([1.0, 1.0, 0.0])
    print(f"covered card scores {hidden_score}: weights {[round(w, 3) for w in too_late.tolist()]},", end=" ")
    print(f"sum {too_late.sum().item():.3f}")
without = torch.softmax(torch.tensor([2.0, 1.0]), dim=-1)
print(f"\nif the third card did not hang there at all: {[round(w, 3) for w in without.tolist()]}")

# %% [markdown]
# Covered after the minute was shared out, the third card has already taken its time: two thirds of the minute are
# lost. Worse, the hidden card still *acts*: when its score rises from 3 to 8, the other two fall from 0.245 and 0.090
# to 0.002 and 0.001. A word that must not be seen has changed the result. The right answer is the last line, **as if
# the covered card did not hang there**: 0.731 and 0.269, whatever its score.
#
# So the covering has to happen to the **scores**, and the score of a covered card must be one that can never win any
# time, however low the others are.
#
# > **Try it yourself.** A score of 0 looks like "no match". Which weight would a covered card with a score of 0 get
# > beside two open cards with the scores $-3$ and $-4$?
#
# <details>
# <summary>Answer</summary>
#
# $e^0 / (e^{-3} + e^{-4} + e^0) = 0.936$. Softmax knows only differences, and 0 is the best of the three. The same
# happens to any fixed "very low" score when the open ones are lower still.
#
# </details>
#
# > **Pitfalls**
# > - *Which way round?* Here, and in `nn.functional.scaled_dot_product_attention`, `True` opens a card. In
# >   `nn.MultiheadAttention`, `True` closes it. A mask that is upside down often raises no error and may even seem to
# >   train well. Look at the weights of a short sentence: who can see whom?
# > - *Not a bool at all.* Some code adds masks of 0 and $-\infty$, some multiplies by 0 and 1. A float mask here is
# >   almost certainly a misunderstanding: answer it with a `ValueError` that mentions bool and the dtype that came.
# > - *Padding on the wrong axis.* What must not be *read* is a column. A row of `False` stops a reader from reading.
# > - *A method that returns a new tensor* does nothing if you do not keep what it returns. Its twin with an underscore
# >   at the end writes into the caller's tensor.
# > - *Nothing to read.* A row with only `False` gives a row of zeros. You have taken care of that in section 4.

# %% solution="attention_weights"

# %% check="attention_weights"

# %%
with after("attention_weights"):
    for hidden_score in (3.0, 8.0, 1000.0):
        scores = torch.tensor([[2.0, 1.0, hidden_score]])
        print(f"covered card scores {hidden_score}:", attention_weights(scores, torch.tensor([[True, True, False]])))
    print("\ncausal, all scores equal:")
    print(attention_weights(torch.zeros(4, 4), torch.ones(4, 4, dtype=torch.bool).tril()))

# %% [markdown]
# With equal scores the minute is shared evenly among the cards that are open. The first word has only itself, the
# fourth gives a quarter to each. And the covered card of the first three lines makes no difference, even with a score
# of 1000.

# %% [markdown]
# ## 7. The whole formula
#
# All parts lie on the table. Compare, cover, share out, and now **take along**: the output of reader $i$ is the average
# of all notes, weighted by the reader's minute.
#
# $$\text{output}_i = \sum_j A_{ij}\, v_j \qquad\text{with}\quad
# A = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d}}\right)$$
#
# Because the weights of a row are never negative and add up to 1, the output lies *between* the notes: no entry is
# larger than the largest or smaller than the smallest of its column in $V$. (A reader with nothing to read gets 0.)
#
# Before you write it, use the board to answer these. They are also the best tests of a finished attention, because you
# know the answer without computing:
#
# | if... | then the output is... |
# |---|---|
# | every question is the zero vector | ? |
# | a reader may read one card only | ? |
# | all notes are the same | ? |
# | cards are hung up in another order | ? |
# | *readers* line up in another order | ? |
#
# <details>
# <summary>Answers</summary>
#
# - Zero questions: all scores are 0, the minute is shared evenly, the output is the plain average of the open notes.
# - One card: its note, unchanged.
# - Equal notes: that note, whatever the weights.
# - Another order of cards (headline and note together): the same output.
# - Another order of readers: the same rows, in the new order of the readers.
#
# </details>
#
# > **Pitfalls**
# > - *Headlines in place of notes.* Keys are for finding, values are for taking along. If both have the same width, no
# >   shape complains.
# > - *Two results.* The function returns the output **and** the weights, in this order. The weights are what you look
# >   at.
# > - *Same shape as the input?* Only if `Lq` equals `Lk` and `dv` equals `d`. Let nothing in your code rely on it.
# > - *Doing it all again.* You have written three functions that do most of the work.

# %% solution="scaled_dot_product_attention"

# %% check="scaled_dot_product_attention"

# %%
with after("scaled_dot_product_attention"):
    output, weights = scaled_dot_product_attention(q, k, v)
    print("section 3 again, the weights and the output:")
    print(weights)
    print(output)

    generator = torch.Generator().manual_seed(7)
    many_q = torch.randn(2, 3, 5, 8, generator=generator)
    many_k = torch.randn(2, 3, 7, 8, generator=generator)
    many_v = torch.randn(2, 3, 7, 6, generator=generator)
    mask = torch.rand(5, 7, generator=generator) < 0.7
    mask[:, 0] = True  # everybody may read something
    output, weights = scaled_dot_product_attention(many_q, many_k, many_v, mask)
    by_torch = nn.functional.scaled_dot_product_attention(many_q, many_k, many_v, attn_mask=mask)
    print("\n2 sentences, 3 heads, 5 readers, 7 cards, notes of width 6:", tuple(output.shape))
    print(f"largest difference from PyTorch's own attention: {(output - by_torch).abs().max().item():.1e}")

# %% [markdown]
# A difference of some $10^{-7}$ is rounding: PyTorch may add in another order. It also has versions that never store
# the whole matrix of weights, which saves memory, not multiplications. The mathematics is yours.
#
# > **Try it yourself.** Check the table of the five cases with your function. For example
# > `scaled_dot_product_attention(torch.zeros(2, 4), k, v)`.

# %% [markdown]
# ## 8. A layer: every word asks, every word answers
#
# Who writes the questions, the headlines and the notes? So far they fell from the sky. In **self-attention** they all
# come from the same words: every word $x$, a vector of width $D$, goes through three learned matrices.
#
# $$q = W_q\, x \qquad k = W_k\, x \qquad v = W_v\, x$$
#
# Think of three forms that are handed to everybody at the board: "write your question like this, your headline like
# this, your note like this". The forms are the same for all words, the words are not, and so the cards differ. Training
# changes the forms and nothing else. That is all there is to learn: $3 \cdot D \cdot d_k$ numbers.
#
# *Why three and not one?* With a single matrix for questions and headlines the scores would be symmetric: "it" would
# look at "animal" as much as "animal" looks at "it" (before the softmax), and often most at itself. But "it" needs an
# animal, and the animal needs nothing from "it". What a word looks for, what it offers, and what it tells are three
# things.
#
# *Self* means that readers and authors are the same words. The function from section 7 does not know or care.
#
# > **Pitfalls**
# > - *The names are part of the task*: `w_q`, `w_k`, `w_v`, each an `nn.Linear`. Checks load weights of their own by
# >   these names, so that results can be compared. (`nn.Linear` acts on the last axis, whatever stands before it.)
# > - *A bias* would be one more thing to learn; this layer has none.
# > - *Same input, three outputs.* All three maps act on `x`, not on each other's results.
# > - *The width in the root* is now that of the questions. Your function from section 5 knows it.

# %% solution="SelfAttention"

# %% check="SelfAttention"

# %%
with after("SelfAttention"):
    generator = torch.Generator().manual_seed(3)
    layer = SelfAttention(d_model=6, d_k=4)
    for matrix in layer.parameters():
        nn.init.normal_(matrix, generator=generator)
    x = torch.randn(1, 5, 6, generator=generator)  # one sentence of five words
    output, weights = layer(x)
    print("words in", tuple(x.shape), " words out", tuple(output.shape), " weights", tuple(weights.shape))
    print("numbers to learn:", sum(matrix.numel() for matrix in layer.parameters()), "= 3 * 6 * 4")

    shuffled = torch.tensor([3, 0, 4, 1, 2])
    same = torch.allclose(layer(x[:, shuffled])[0], output[:, shuffled], atol=1e-6)
    print("shuffle the words first, or the results afterwards: the same?", same)

# %% [markdown]
# The last line is no accident. **The layer does not know the order of the words.** "Dog bites man" and "man bites dog"
# are the same board with the same cards. You saw it coming in section 3. The cure is to write the position on every
# card, and it fills a lesson of its own.

# %% [markdown]
# ## 9. Looking at the weights
#
# The weights are a table with a row for each reader and a column for each card, and a heatmap shows the table at one
# glance. A few choices decide whether it tells the truth:
#
# - **Rows are readers, columns are cards**, and the tick labels are the words, so that nobody has to count.
# - **The colours always run from 0 to 1.** Left alone, matplotlib stretches them from the smallest to the largest
#   number found. Then 0.21 beside 0.19 looks like a revelation, and two pictures cannot be compared.
# - **It draws where it is told.** With `ax` given it draws there, so that several heatmaps fit beside each other. It
#   returns the Axes, and leaves it to the caller to show them.
#
# > **Pitfalls**
# > - *Transposed.* If rows and columns have the same words, nothing warns you. Look at the sums: each *row* has 1.
# > - *Weights from a layer carry a graph*, and NumPy refuses them until you let go of it.
# > - *Reading too much into it.* A weight says where a reader's **blend came from**, in this layer. It does not say how
# >   *important* a word is for what the network finally answers: the note may be nearly zero, later layers may ignore
# >   it, and every word already carries some of its neighbours from the layers before.

# %% solution="plot_attention"

# %% check="plot_attention"

# %%
with after("plot_attention"):
    example = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])
    ax = plot_attention(example, ["first", "second", "third"], ["first", "second", "third"])
    for row in range(3):
        for column in range(3):
            ink = "white" if example[row, column] < 0.5 else "black"
            ax.text(column, row, f"{example[row, column].item():.1f}", ha="center", va="center", color=ink)
    ax.set_title("a causal pattern")
    ax.figure.set_size_inches(3.6, 3.6)
    plt.show()

# %% [markdown]
# *What the picture shows.* Three rows, with the weights written into the cells: dark is 0, bright is 1. "first" reads
# only itself, "second" reads "first" and itself in equal parts, "third" reads all three, itself most. The upper right
# triangle is 0.

# %% [markdown]
# ## 10. What was too tired?
#
# Back to the sentence, with your own functions. One thing first, in all honesty: **the numbers in this section are
# made up by hand.** A trained model has vectors of some hundred numbers that nobody chose. Ours have a handful with a
# meaning that you can read, so that you can follow every step. It shows that the mechanism is *able* to do this;
# section 11 shows that it can *learn*.
#
# There is a catch, and it is instructive. "it" is the same word in "too tired" and in "too wide", so it has the same
# question, and one reading cannot lead to two different nouns. It has to read **twice**:
#
# 1. First "it" asks: *who says something about me?* The card of "tired" answers, and its note says: *look for something
#    that lives*.
# 2. With this in hand, "it" asks again: *who lives?* The card of "animal" answers.
#
# A word that asks better questions once it has read something: this is why Transformers stack their layers.
#
# What we give to the words: five columns with a meaning, and for each a name tag of its own. A word with no better
# question looks for its own name. Picking columns and weighting them is a linear map, so each `cat` below is something
# that a $W_q$ or a $W_k$ could do.

# %%
ending = "tired"  # try "wide"

#            lives  is a place  is a pronoun  says "it lives"  says "it is a place"
meanings = {
    "animal": [1,     0,          0,            0,               0],
    "street": [0,     1,          0,            0,               0],
    "it":     [0,     0,          1,            0,               0],
    "tired":  [0,     0,          0,            1,               0],
    "wide":   [0,     0,          0,            0,               1],
}  # fmt: skip


def describe(words):
    """The columns of our made-up word vectors."""
    meaning = torch.tensor([meanings.get(word, [0] * 5) for word in words], dtype=torch.float32)
    name_tag = torch.eye(len(words))
    return name_tag, meaning[:, :2], meaning[:, 2:3], meaning[:, 3:]


def read_twice(words):
    """Both readings: the weights of the first and those of the second."""
    name_tag, is_a, pronoun, says = describe(words)
    question = torch.cat([10 * name_tag, 20 * pronoun], dim=-1)  # my own name, or: who says something?
    headline = torch.cat([name_tag, says.sum(-1, keepdim=True)], dim=-1)
    told, first = scaled_dot_product_attention(question, headline, says)

    question = torch.cat([10 * name_tag, 20 * told], dim=-1)  # my own name, or: what I was told to look for
    headline = torch.cat([name_tag, is_a], dim=-1)
    _, second = scaled_dot_product_attention(question, headline, is_a)
    return first, second


words = f"The animal didn't cross the street because it was too {ending}".split()
with after("scaled_dot_product_attention", "plot_attention"):
    first = read_twice(words)[0]
    ax = plot_attention(first, words, words)
    ax.set_title("first reading: who says something about me?")
    ax.figure.set_size_inches(6, 5)
    plt.show()

# %% [markdown]
# *What the picture shows.* A diagonal of medium brightness: most words give 0.64 of their minute to their own card and
# spread the rest evenly. One row is different: "it" gives 0.92 to the last word of the sentence. It has not found its
# noun yet. It has found out what to look for.

# %%
with after("scaled_dot_product_attention", "plot_attention"):
    second = read_twice(words)[1]
    ax = plot_attention(second, words, words)
    ax.set_title("second reading: who is like that?")
    ax.figure.set_size_inches(6, 5)
    plt.show()
    it = second[words.index("it")]
    for share, word in sorted(zip(it.tolist(), words, strict=True), reverse=True)[:3]:
        print(f"it reads {word:8} {share:.2f}  " + "#" * round(40 * share))

# %% [markdown]
# *What the picture shows.* In the row of "it" the bright cell has moved: 0.87 on "animal", 0.08 on itself. The last row
# has changed as well: "tired" was told something too (by itself, in the first reading), and gives 0.58 to "animal".
#
# Now set `ending = "wide"` at the top of this section's first cell and run the cells again. The next one shows both
# endings side by side:

# %%
with after("scaled_dot_product_attention"):
    for last in ("tired", "wide"):
        sentence = f"The animal didn't cross the street because it was too {last}".split()
        it = dict(zip(sentence, read_twice(sentence)[1][7].tolist(), strict=True))
        print(f"... too {last:5}:  it reads animal {it['animal']:.2f}, street {it['street']:.2f}")

# %% [markdown]
# > **Try it yourself.**
# > 1. *A street that lives.* Set the first number of "street" to 1 as well. Where does "it" look when it is tired?
# > 2. *A weaker question.* Turn the 20 of the second question down to 10, then to 5. When does "it" prefer itself?
# > 3. *A covered card.* Give the second reading the mask `torch.tensor([word != "animal" for word in words])`. What
# >    does "it" do now?
# > 4. *A wasted first reading.* Turn `20 * pronoun` into `0 * pronoun`. How does the second reading go wrong, and why?
#
# <details>
# <summary>What to expect</summary>
#
# 1. At both nouns, 0.47 each. The question asks for one thing only, and both headlines offer it equally.
# 2. At 10 it gives 0.42 to itself and 0.34 to "animal", at 5 it is 0.56 and 0.13. Size means sharpness (section 4).
# 3. It gives 0.64 to itself and 0.04 to every open card. Softmax always shares out the whole minute among the open
#    cards, even if none of them fits.
# 4. "it" looks at itself in both readings. Nobody told it what to look for, and so its second question is no better
#    than its first. One layer alone would not have been enough.
#
# </details>

# %% [markdown]
# ## 11. Nobody told it where to look
#
# The last experiment has no made-up weights. Eight words; each carries a note of four random numbers, and one of them,
# at a random place, carries a flag. Task: *every* word shall name the note of the flagged word. We only say how wrong
# the answer is (mean squared error), never where to look. Your layer starts with random matrices.

# %%
length = 8


def draw_sentences(count, generator):
    notes = torch.randn(count, length, 4, generator=generator)
    place = torch.randint(length, (count,), generator=generator)
    flag = nn.functional.one_hot(place, length).unsqueeze(-1).float()
    words = torch.cat([torch.ones(count, length, 1), flag, notes], dim=-1)  # a constant, the flag, the note: width 6
    return words, notes[torch.arange(count), place].unsqueeze(1), place


with after("SelfAttention", "plot_attention"):
    generator = torch.Generator().manual_seed(1)
    layer = SelfAttention(d_model=6, d_k=4)
    for matrix in layer.parameters():
        nn.init.normal_(matrix, std=0.3, generator=generator)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    sample, _, place = draw_sentences(1, torch.Generator().manual_seed(5))
    before = layer(sample)[1][0]

    for step in range(101):
        x, wanted, _ = draw_sentences(64, generator)
        loss = (layer(x)[0] - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 0:
            print(f"step {step:3}: mean squared error {loss.item():.4f}")

    names = [f"flag {i}" if i == place.item() + 1 else f"word {i}" for i in range(1, length + 1)]
    fig, axes = plt.subplots(1, 2, figsize=(9, 4.4))
    plot_attention(before, names, names, axes[0]).set_title("before training")
    plot_attention(layer(sample)[1][0], names, names, axes[1]).set_title("after 100 steps")
    plt.show()

# %% [markdown]
# *What the pictures show.* A sentence that was not used for training. On the left, before: every row is spread over
# all eight cards, none above 0.3. On the right, after: one bright column, and everything else dark. All eight words
# give nearly their whole minute to the flagged one, and the error is close to 0. The loss spoke about answers only;
# gradients flowed back through the blend, the softmax and the scores, and taught the layer where to look. That works
# because every step is smooth: a soft board can be learned.
#
# > **Try it yourself.** Put the flag on *two* words per sentence and ask for the average of their notes. What do the
# > weights become? And can this layer learn to name the note of the *left* one of the two?
#
# <details>
# <summary>What to expect</summary>
#
# Two bright columns with about one half each: softmax gives equal scores equal shares, and the blend is the average
# that was asked for. "The left one" is beyond this layer, however long you train it. Shuffle the words and it gives
# the same answers, shuffled. It cannot know left from right before the cards say where they hang.
#
# </details>

# %% [markdown]
# ## 12. Find the mistake: a mask that hid nothing
#
# In models that write text, each word may read itself and what stands before it: the causal mask of section 6. One of
# the most copied small implementations, minGPT, once had a mistake in this very place (its issue 10). The same mistake
# was mended in the forecasting library GluonTS in 2021 (pull request 1401), and reported for a network that reads RNA
# in 2025 (RibonanzaNet, issue 5). It is one line, and easy to nod at.
#
# **How could it live?** No shape is wrong, nothing is `nan`, all weights are positive and every row has the sum 1. A
# model that can see the word it is to predict has a *lower* loss in training than one that cannot. Nothing looks wrong
# until it has to write, when there is no next word to peek at.
#
# The next cell holds the function with that mistake in it; the docstring says what it should do. It is yours to mend.
# Look before you change anything:
#
# 1. Run the cell and the demonstration below it. Which of the numbers should not be there?
# 2. Follow one score that should be hidden, line by line.
# 3. Change as little as you can.

# %% solution="causal_weights"

# %% check="causal_weights"

# %%
with after("causal_weights", "plot_attention"):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(6, 6, generator=generator)
    names = [f"word {i}" for i in range(1, 7)]
    fig, axes = plt.subplots(1, 2, figsize=(9, 4.2))
    for ax, shift in zip(axes, (0.0, -4.0), strict=True):
        weights = causal_weights(scores + shift)
        seen = weights.triu(1).sum(-1)
        plot_attention(weights, names, names, ax).set_title(f"scores {shift:+.0f}")
        print(f"scores {shift:+.0f}: share of the future, word by word:", [round(s, 2) for s in seen.tolist()])
    plt.show()

# %% [markdown]
# *What the pictures show.* The weights of six words for random scores, on the right for the same scores less 4. Only
# differences count, so the two pictures should be equal, and the upper right triangle should be dark in both. As long
# as the mistake is in, the triangle is not dark, and on the right it takes nearly everything: the fifth word gives 0.14
# of its minute to the future on the left and 0.90 on the right. Once it is mended, the printed shares are 0, and the
# pictures are equal.
#
# **What to notice.** The sum of a row was no test. Nor was another number among the hidden *scores*: they are
# overwritten, and nothing moves. What gives the mistake away is a weight where a 0 belongs. In a whole attention you
# would change a hidden *note*, and look whether the output moves.

# %% [markdown]
# ## 13. Who has built it right?
#
# Whatever tests that code had, they let the mistake pass. So the last exercise turns the tables: **you write the
# test.** `test_attention_weights` receives a function that somebody claims to be `attention_weights`. If it is wrong,
# your test raises an exception; `assert` does that. If it is right, your test returns.
#
# You are graded like a judge. A good number of solutions come before your test, right and wrong ones, in an order that
# is drawn. The wrong ones hold the mistakes that people really make: masks that are ignored, turned round, applied too
# late or not deep enough; shares along the wrong axis; queries without keys that end as `nan`. The checks take them in
# groups, and **a group counts only if your test stops all of its wrong solutions and no right one.** You can call a
# solution and differentiate it; its code stays hidden.
#
# Three questions lead to a good test:
#
# - **What do I know without computing it myself?** A number worked out by hand, a property (a hidden score has no
#   influence), another way to the same result (leave the hidden keys out), or PyTorch.
# - **Would a wrong solution give another answer?** Equal scores, as many queries as keys, a mask that hides nothing, a
#   row without a batch: where everything is alike, mistakes are too.
# - **Would a right solution be allowed its freedom?** It may round differently, and hide with $-\infty$ or $-10^9$.
#   Compare with `torch.allclose(found, expected, atol=1e-4)`, not with `==`.
#
# Small tensors are enough: a solution under test answers for at most 5000 numbers at a time.
#
# > **Pitfalls**
# > - *Returning False stops nobody.* Raise.
# > - *Gradients are results, too.* A `nan` can be painted over in the weights and come back in the gradients:
# >   `torch.autograd.grad((weights ** 2).sum(), scores)` asks for them. (Why the square? The sum of a row is always 1,
# >   and its gradient always 0.)
# > - *The error that you want* is caught with `try` and `except ValueError`. If none comes, raise one of your own.
# > - *Your own function is a solution, too.* Your test should let it pass. Begin with that.

# %% solution="test_attention_weights"

# %% check="test_attention_weights"

# %%
hidden_at = -10.0  # the last of three wrong solutions, in plain sight; try -1000


def weights_of_the_scores_alone(scores, mask=None):
    return torch.softmax(scores, dim=-1)


def weights_hidden_too_late(scores, mask=None):
    weights = torch.softmax(scores, dim=-1)
    return weights if mask is None else weights * mask


def weights_not_hidden_enough(scores, mask=None):
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, hidden_at), dim=-1)


with after("attention_weights", "test_attention_weights"):
    claims = attention_weights, weights_of_the_scores_alone, weights_hidden_too_late, weights_not_hidden_enough
    for claim in claims:
        try:
            test_attention_weights(claim)
            verdict = "passes"
        except NotImplementedError:
            raise
        except Exception as error:
            verdict = f"is stopped ({type(error).__name__})"
        print(f"{claim.__name__:28} {verdict}")

# %% [markdown]
# **What to notice.** Most of these mistakes leave the shape as it is, and several leave every row with the sum 1. That
# is why the checks of this course look at numbers, at what a hidden score may change, and at odd sizes. You now know
# how they think, and you can do the same for any code that you did not write yourself.

# %% [markdown]
# ## What you have built
#
# | part | on the board | what it is for | without it |
# |---|---|---|---|
# | query, key | question, headline | to find: compared by a dot product | no choice, only averages |
# | $1/\sqrt d$ | longer questionnaires do not shout | scores of variance 1 at any width | too sharp, small gradients |
# | mask | covered cards | hides padding and the future | leaks, or noise from padding |
# | softmax | one minute, shared out | positive weights with sum 1, smooth | results that grow with the board |
# | value | note | what is taken along | found, but nothing learned about it |
# | $W_q, W_k, W_v$ | the three forms | what training adjusts | symmetric scores, fixed questions |
# | heatmap | who read what | to look inside | flying blind |
#
# And three sentences to keep:
#
# - Attention is a **soft dictionary**: a weighted average of values, with weights from comparing queries and keys.
# - It trades **sequential depth** ($O(1)$ in place of $O(L)$) for **total work** ($O(L^2 d)$).
# - It has **no sense of order**, and its weights tell where a blend came from, not what is important.
#
# ## What comes next
#
# One minute can be shared out in one way only. But "it" may want to know *who* it stands for and *what is said about
# it* in the same breath, and a blend of both is neither. **Multi-head attention** puts up several boards: every word
# asks several shorter questions at once and puts the answers together. The leading axes `...` that you carried along
# all the time are the place where the heads will go. After that come positions, and with them the order of words.
#
# ## Read on
#
# - A. Vaswani et al., [Attention Is All You Need](https://arxiv.org/abs/1706.03762), 2017. Section 3.2.1 is this lesson
#   (footnote 4 is the variance argument), 3.2.2 the next one, 3.2.3 says where masks are used, and section 4 with
#   table 1 compares depth, work and path lengths.
# - D. Bahdanau, K. Cho and Y. Bengio, [Neural Machine Translation by Jointly Learning to Align and
#   Translate](https://arxiv.org/abs/1409.0473), 2015. Attention before the Transformer: a recurrent translator that
#   looks back (section 3.1), with a small network in place of the dot product. See the heatmaps in its figure 3.
# - [The Annotated Transformer](https://nlp.seas.harvard.edu/annotated-transformer/), Harvard NLP. The whole paper as a
#   notebook with code.
# - I. Goodfellow, Y. Bengio and A. Courville, [Deep Learning](https://www.deeplearningbook.org), 2016. Section 4.1 on
#   overflow and underflow of the softmax, 6.2.2.3 on what it means.
# - J. Uszkoreit, "Transformer: A Novel Neural Network Architecture for Language Understanding", Google Research Blog,
#   2017: the sentence about the animal, with the heads of a *trained* model.
# - S. Jain and B. C. Wallace, [Attention is not Explanation](https://arxiv.org/abs/1902.10186), and S. Wiegreffe and
#   Y. Pinter, [Attention is not not Explanation](https://arxiv.org/abs/1908.04626), both 2019: what weights do and do
#   not tell.
