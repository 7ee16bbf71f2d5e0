"""Wrong solutions that students of 03_positions really write, each with its name and its hints.

Every entry holds one mistake and is right in all else, so that its numbers belong to that mistake alone. A mistake in
an exercise is also tried in every exercise that builds on it, so it stands here only once.
"""

import math

import torch
from torch import nn

from autograder.authoring import misconception
from solutions.attention import attention_scores, attention_weights
from solutions.multi_head import merge_heads, split_heads
from solutions.positions import relative_position_index, sinusoidal_positional_encoding

# --- sinusoidal_positional_encoding -----------------------------------------------------------------------------------


@misconception(
    "sinusoidal_positional_encoding",
    title="the exponent is doubled: a variable that counts 0, 2, 4, ... is multiplied by 2 once more",
    hints=(
        "In the formula i counts pairs. What does your variable count?",
        "Look at the exponent of the base, and print it for the last pair. It should stay below 1.",
        "For the width 6 the three pairs have the exponents 0, 2/6 and 4/6. Doubled they are 0, 4/6 and 8/6, and the "
        "last wave is slower than the base itself.",
    ),
    seen_in="SamLynnEvans #25, BrianPulfer #9",
)
def doubled_exponent(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-2 * i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the exponent is halved: the number of the pair is divided by the width, without the 2",
    hints=(
        "How much slower than the first wave should the last one be: about as much as the base, or as its root?",
        "Look at the exponent of the base. A pair takes two columns, and the formula says so.",
        "For the width 6 the last of three pairs has the exponent 4/6. With the number of the pair alone it is 2/6.",
    ),
    seen_in="plausible",
)
def halved_exponent(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    i = torch.arange((d_model + 1) // 2, dtype=torch.float32)
    angle = position * base ** (-i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="two slashes cut the exponent down to a whole number before it is used",
    hints=(
        "Add brackets where Python puts them. What is divided first, and is anything rounded?",
        "Look at the line that makes the frequencies, and print what the logarithm of the base is multiplied with.",
        "Python reads -7 / 10 // 2 as (-7 / 10) // 2, which is -0.35 rounded down to -1. The exponent no longer knows "
        "the base.",
    ),
    seen_in="LoFTR #41",
)
def exponent_by_integer_division(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    angle = position * torch.exp(torch.arange(0, d_model, 2) * (-math.log(base) / d_model // 2))
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the frequencies are stretched so that the last one is exactly 1 / base",
    hints=(
        "Does the exponent of the base ever reach 1 in the formula?",
        "Look at what you divide the number of the pair by: the number of pairs, or one less?",
        "With three pairs the exponents are 0, 1/3 and 2/3. Divided by one less they are 0, 1/2 and 1, which is a "
        "design in use elsewhere, but not the one that is asked for.",
    ),
    seen_in="tensor2tensor, where it is meant",
)
def last_wave_at_the_base(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    pairs = (d_model + 1) // 2
    angle = position * base ** (-torch.arange(pairs, dtype=torch.float32) / max(pairs - 1, 1))
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="every column has an angle of its own, with twice its number in the exponent",
    hints=(
        "How many different angles does a row of width 6 have?",
        "Look at what stands for i in your exponent. Sine and cosine of a pair must share one angle.",
        "Columns 2 and 3 are the sine and the cosine of the same number, so that the sum of their squares is 1. Is it, "
        "in your table?",
    ),
    seen_in="jadore801120 #32, DeepCTR #379",
)
def angle_of_its_own_for_every_column(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-2 * torch.arange(d_model, dtype=torch.float32) / d_model)
    angle[:, 0::2], angle[:, 1::2] = angle[:, 0::2].sin(), angle[:, 1::2].cos()
    return angle


@misconception(
    "sinusoidal_positional_encoding",
    title="the cosine of a pair has a frequency of its own, one column further",
    hints=(
        "Which angle does the cosine in column 3 belong to?",
        "Look at the exponent for the odd columns. A cosine uses the angle of the sine before it.",
        "Sine of 0.3 and cosine of 0.3 are a point on a circle. Sine of 0.3 and cosine of 0.1 are not.",
    ),
    seen_in="plausible",
)
def cosine_with_its_own_frequency(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(d_model, dtype=torch.float32) / d_model)
    angle[:, 0::2], angle[:, 1::2] = angle[:, 0::2].sin(), angle[:, 1::2].cos()
    return angle


@misconception(
    "sinusoidal_positional_encoding",
    title="the angles are multiplied by the power of the base instead of divided by it",
    hints=(
        "Do your waves become slower from pair to pair, or faster?",
        "Look at the sign of the exponent, or at which side of the fraction the power stands on.",
        "With the base 100 and the width 4, position 3 has the angles 3 and 0.3. Multiplied instead of divided, the "
        "second one would be 30: the wave turns several times from one position to the next.",
    ),
    seen_in="plausible",
)
def frequency_turned_upside_down(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="positions are divided by the length of the table, so that a row depends on how many rows follow",
    hints=(
        "Does the second word of a short sentence get the same row as the second word of a long one?",
        "Look at your positions before they meet the frequencies. They should be 0, 1, 2, ..., whatever the length.",
        "In a table of 4 rows the last position is 3, in a table of 100 rows the fourth position is 3 as well.",
    ),
    seen_in="plausible",
)
def position_divided_by_length(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1) / seq_len
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the angles are taken for degrees and converted",
    hints=(
        "What is the sine of 1 on your calculator, and in which mode is it?",
        "Look at what the sine gets. The angles of the formula are radians already.",
        "At position 3 the first wave is at sin 3 = 0.141. Three degrees have the sine 0.052.",
    ),
    seen_in="plausible",
)
def angles_in_degrees(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = torch.deg2rad(position * base ** (-two_i / d_model))
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="all sines come first and all cosines after them, instead of in pairs",
    hints=(
        "Print row 0. Where should the ones be?",
        "Look at how the two halves are put together. A cosine follows its own sine directly.",
        "For the width 6 row 0 is 0 1 0 1 0 1. With the sines first it is 0 0 0 1 1 1: a valid design, which is in "
        "use, but not the one that is asked for.",
    ),
    seen_in="tensor2tensor, where it is meant; allennlp #2993, tensorflow #37191",
)
def halves_in_place_of_pairs(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="sine and cosine have changed places",
    hints=(
        "Print row 0. What are the sine and the cosine of 0?",
        "Look at which of the two goes into the columns 0, 2, 4, ...",
        "For the width 4, row 0 is 0 1 0 1. A table that begins with 1 0 1 0 has the cosines first.",
    ),
    seen_in="plausible",
)
def sine_and_cosine_swapped(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.cos(), angle.sin()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="all columns are sines",
    hints=(
        "Is there any 1 in your row 0?",
        "Look at the odd columns. What a sine cannot tell apart, its partner can.",
        "sin 1 and sin 2.14 are both 0.84. Their cosines are 0.54 and -0.54, and tell the two angles apart.",
    ),
    seen_in="plausible",
)
def sines_everywhere(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.sin()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the first position is counted as 1",
    hints=(
        "What is the position of the first word?",
        "Look at where your positions begin, and print row 0.",
        "Row 0 of width 4 is 0 1 0 1, the sines and cosines of 0. Where it begins with 0.84 0.54, position 1 has come "
        "first.",
    ),
    seen_in="plausible",
)
def positions_from_one(seq_len, d_model, base=10000.0):
    position = torch.arange(1, seq_len + 1, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the table lies on its side: its columns are the positions",
    hints=(
        "How many rows should the table for 3 positions have?",
        "Look at which of your two ranges runs down and which one runs across.",
        "3 positions of width 8 make 3 rows of 8 numbers, so that row 2 can be added to word 2.",
    ),
    seen_in="plausible",
)
def positions_in_columns(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model].T.contiguous()


@misconception(
    "sinusoidal_positional_encoding",
    title="an odd width crashes, because there are as many cosines as sines",
    hints=(
        "How many sines and how many cosines fit into 5 columns?",
        "Look at the line that fills in the cosines: how many columns are free for them, and how many do you bring?",
        "The width 3 has the columns sine, cosine, sine. Two angles, two sines, but only one cosine.",
    ),
    seen_in="code that is copied from texts with even widths only",
)
def odd_width_crashes(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    table = torch.zeros(seq_len, d_model)
    table[:, 0::2] = angle.sin()
    table[:, 1::2] = angle.cos()
    return table


@misconception(
    "sinusoidal_positional_encoding",
    title="the last column of an odd width stays empty",
    hints=(
        "Print the last column for the width 5. Does it move?",
        "Look at how many angles you make when the width is odd: rounded down, or up?",
        "The width 3 needs two angles: the second one has a sine, though no cosine.",
    ),
    seen_in="plausible",
)
def odd_column_left_empty(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    i = torch.arange(d_model // 2, dtype=torch.float32)
    angle = position * base ** (-2 * i / d_model)
    table = torch.zeros(seq_len, d_model)
    table[:, 0 : 2 * (d_model // 2) : 2] = angle.sin()
    table[:, 1::2] = angle.cos()
    return table


@misconception(
    "sinusoidal_positional_encoding",
    title="an odd width is rounded up first, and the exponent is divided by the wrong width",
    hints=(
        "For the width 5, what do you divide the exponent by: 5 or 6?",
        "Look at where d_model comes from in the exponent. A column that is cut off at the end must not slow down the "
        "others.",
        "For the width 3 the second angle of position 1 is 1 / base to the power of 2/3, not 2/4.",
    ),
    seen_in="plausible",
)
def odd_width_rounded_up(seq_len, d_model, base=10000.0):
    even = d_model + d_model % 2
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, even, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / even)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the base is written into the formula, and the argument is not used",
    hints=(
        "Does your table change when the caller asks for another base?",
        "Look for a 10000 in your code. It has a name already.",
        "With the base 100 and the width 4, position 1 has the angles 1 and 0.1. With 10000 the second one is 0.01.",
    ),
    seen_in="plausible",
)
def base_ignored(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * 10000.0 ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the base is 1000 unless the caller says otherwise",
    hints=(
        "How slow is your slowest wave?",
        "Look at the number in the signature, and count its zeros.",
        "With the width 2000 the last pair needs nearly 2 pi times 10000 positions for one turn, not 2 pi times 1000.",
    ),
    seen_in="maxjcohen #62",
)
def wrong_default_base(seq_len, d_model, base=1000.0):
    position = torch.arange(seq_len, dtype=torch.float32).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


@misconception(
    "sinusoidal_positional_encoding",
    title="the numbers are right, but they are float64",
    hints=(
        "What is the dtype of your table, and what is that of the words it is added to?",
        "Look at the dtype of your positions, or of the array that you have converted.",
        "A float32 word plus a float64 position is float64, and the next layer, with float32 weights, refuses it.",
    ),
    seen_in="code that makes the table with NumPy",
)
def table_in_double_precision(seq_len, d_model, base=10000.0):
    position = torch.arange(seq_len, dtype=torch.float64).unsqueeze(1)
    two_i = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = position * base ** (-two_i / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d_model]


# --- PositionalEncoding -----------------------------------------------------------------------------------------------


@misconception(
    "PositionalEncoding",
    title="the rows are taken by the number of the sentence instead of the position of the word",
    hints=(
        "Put the same sentence into a batch twice. Do both come out the same?",
        "Look at which size of x cuts the table. The batch comes first, the positions second.",
        "A batch of 2 sentences of 7 words needs rows 0 to 6 of the table, for both. Cut by the batch, sentence 0 gets "
        "row 0 and sentence 1 gets row 1, on all of their words.",
    ),
    seen_in="code that is copied from a layout with positions first, where it is right",
)
class row_by_sentence(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[: x.size(0)].unsqueeze(1).to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the encoding is put beside the words instead of added to them, and the width doubles",
    hints=(
        "How wide does the next layer expect a word to be?",
        "Look at how words and positions meet. The shape of x must survive.",
        "The word (5, 7) at a position with the row (1, 2) becomes (6, 9), not (5, 7, 1, 2).",
    ),
    seen_in="plausible",
)
class encoding_concatenated(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        rows = self.pe[: x.size(1)].to(x.dtype).expand_as(x)
        return self.dropout(torch.cat([x, rows], dim=-1))


@misconception(
    "PositionalEncoding",
    title="the encoding is returned alone, without the words",
    hints=(
        "Do two different sentences give different results?",
        "Look at the last line. What has become of x?",
        "The word (5, 7) at a position with the row (1, 2) becomes (6, 9). If (1, 2) comes out, the word is lost.",
    ),
    seen_in="plausible",
)
class encoding_alone(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(self.pe[: x.size(1)].to(x.dtype).expand_as(x))


@misconception(
    "PositionalEncoding",
    title="the rows are taken from the end of the table",
    hints=(
        "Which row does the first word get?",
        "Look at the slice. Counted from the start, or from the end?",
        "In a table of 10 rows a sentence of 3 words gets the rows 0, 1 and 2, not 7, 8 and 9.",
    ),
    seen_in="plausible",
)
class last_rows_added(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[-x.size(1) :].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the words are scaled by the root of the width here as well",
    hints=(
        "Who scales the words: this layer, or the embedding before it?",
        "Look at what happens to x before the encoding is added. Here nothing should.",
        "With the width 4 the word (1, 1, 1, 1) and the row (0, 1, 0, 1) give (1, 2, 1, 2), not (2, 3, 2, 3).",
    ),
    seen_in="tutorials that put the scale of the embedding into this layer",
)
class sentence_scaled_as_well(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x * math.sqrt(x.size(-1)) + self.pe[: x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the encoding is scaled by the root of the width",
    hints=(
        "How large can a sine be?",
        "Look at what is multiplied. The scale belongs to the words, and to the layer that makes them.",
        "With the width 4 the word (1, 1, 1, 1) and the row (0, 1, 0, 1) give (1, 2, 1, 2), not (1, 3, 1, 3).",
    ),
    seen_in="harvardnlp.github.io #6 asks which of the two is meant",
)
class encoding_scaled_as_well(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + math.sqrt(x.size(-1)) * self.pe[: x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="one row is added to all words: the table is indexed where it should be cut",
    hints=(
        "Give the layer a sentence of zeros. Do its words come out different from one another?",
        "Look at the square brackets after the table. An index takes one row, a slice takes several.",
        "Of the list 10, 20, 30, 40, position 2 is 30, and the first two are 10, 20. One character makes the "
        "difference.",
    ),
    seen_in="plausible",
)
class one_row_for_all_words(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[x.size(1) - 1].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the table is a parameter, and an optimiser would bend the waves",
    hints=(
        "Ask your layer how many parameters it has. Should an optimiser move your sine waves?",
        "Look at how the table is kept. What belongs to a layer without being learned is called a buffer.",
        "A table of 10 positions with width 4 that is a parameter adds 40 numbers to be learned. This layer learns "
        "none.",
    ),
    seen_in="plausible",
)
class table_is_a_parameter(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.pe = nn.Parameter(sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[: x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the table is a plain attribute, and stays behind when the layer moves to another device or dtype",
    hints=(
        "When the layer moves to a GPU, does the table come along?",
        "Look at how the table is kept. PyTorch moves parameters and buffers, and nothing else.",
        "Whoever moves house takes along what is on the list of the removal firm. What is on no list stays.",
    ),
    seen_in="hyunwoongko/transformer",
)
class table_is_a_plain_attribute(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.pe = sinusoidal_positional_encoding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[: x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the buffer has one axis too many, for a batch",
    hints=(
        "What shape does the docstring give the table?",
        "Look at what is done to the table before it is kept. Broadcasting finds the batch without help.",
        "For 10 positions of width 4 the buffer is (10, 4). (1, 10, 4) works too, but who looks for row 3 as pe[3] "
        "finds an error.",
    ),
    seen_in="many tutorials, where it is meant",
)
class table_with_a_batch_axis(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model).unsqueeze(0))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(1):
            raise ValueError(f"at most {self.pe.size(1)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[:, : x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="dropout is made but not used, or not made at all",
    hints=(
        "With a dropout of 0.9, how many numbers should survive in training?",
        "Look at the return line. A layer that is only created does nothing.",
        "With a dropout of 1 nothing is left of the sum in training: every number is 0.",
    ),
    seen_in="plausible",
)
class dropout_left_out(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return x + self.pe[: x.size(1)].to(x.dtype)


@misconception(
    "PositionalEncoding",
    title="dropout acts on the encoding alone, and the words are never dropped",
    hints=(
        "With a dropout of 1, what is left in training?",
        "Look at what is inside the brackets of the dropout: a part of the sum, or the sum?",
        "The word (5, 7) with the row (1, 2) is (6, 9). Dropped out it may become (12, 0) or (0, 18), never (7, 7).",
    ),
    seen_in="plausible",
)
class dropout_on_the_encoding_only(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return x + self.dropout(self.pe[: x.size(1)].to(x.dtype).expand_as(x))


@misconception(
    "PositionalEncoding",
    title="dropout acts on the words before the encoding is added, and the encoding is never dropped",
    hints=(
        "With a dropout of 1, what is left in training?",
        "Look at the order of the two steps. Dropout comes last.",
        "The word (5, 7) with the row (1, 2) is (6, 9). Dropped out it may become (12, 0), never (11, 2).",
    ),
    seen_in="plausible",
)
class dropout_on_the_words_only(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x) + self.pe[: x.size(1)].to(x.dtype)


@misconception(
    "PositionalEncoding",
    title="numbers are dropped in evaluation too",
    hints=(
        "Call the layer twice in evaluation mode. Do you get the same numbers?",
        "Look at how the dropout learns which mode the layer is in. The function has to be told, the module knows.",
        "With a dropout of 1 everything is 0 in training. In evaluation the sum comes out whole.",
    ),
    seen_in="plausible",
)
class dropout_always_on(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.rate = dropout

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return nn.functional.dropout(x + self.pe[: x.size(1)].to(x.dtype), self.rate)


@misconception(
    "PositionalEncoding",
    title="a sentence that is longer than the table is not refused with a ValueError",
    hints=(
        "What does your layer do with 6 words when max_len is 5? And when max_len is 1?",
        "Look at the line of the docstring that begins with Raises, and compare two lengths before you add.",
        "A table of 1 row can be broadcast over any sentence: no error is raised, and every word is at position 0.",
    ),
    seen_in="plausible",
)
class length_not_compared(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="a sentence of exactly max_len words is refused as well",
    hints=(
        "How many rows does the table have, and how many words can it serve?",
        "Look at the comparison. Is a length that is equal too long?",
        "A table of 4 rows has the rows 0, 1, 2 and 3: enough for 4 words.",
    ),
    seen_in="plausible",
)
class longest_sentence_refused(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) >= self.pe.size(0):
            raise ValueError(f"fewer than {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[: x.size(1)].to(x.dtype))


@misconception(
    "PositionalEncoding",
    title="the result is right, but the caller's words are overwritten on the way",
    hints=(
        "Print the words before and after the call. Are they the same?",
        "Look for an assignment that writes into x instead of making a new tensor.",
        "A recipe that wants the flour and the sugar mixed does not ask you to pour the sugar into the bag of flour.",
    ),
    seen_in="plausible",
)
class sentence_changed_in_place(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        x += self.pe[: x.size(1)].to(x.dtype)
        return self.dropout(x)


@misconception(
    "PositionalEncoding",
    title="words in half precision come out in single precision, because the table is",
    hints=(
        "What is the dtype of a float16 number plus a float32 number?",
        "Look at the addition. Which of its two sides decides the dtype of the result, and which one should?",
        "Words of 2 bytes per number go in, and results of 4 bytes come out: twice the memory, from here on.",
    ),
    seen_in="plausible",
)
class half_precision_lost(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x + self.pe[: x.size(1)])


@misconception(
    "PositionalEncoding",
    title="the words are cut off from the graph, so that no gradient comes back to them",
    hints=(
        "The embedding before this layer shall learn. Does anything reach it?",
        "Look for `detach`, `.data`, `no_grad` or a copy. The table needs no gradient; the words do.",
        "What comes back to a word is what came back to the sum: the encoding is a constant.",
    ),
    seen_in="plausible; old code wraps the table in a Variable that asks for no gradient",
)
class sentence_cut_off(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"at most {self.pe.size(0)} positions, got {x.size(1)}")
        return self.dropout(x.detach() + self.pe[: x.size(1)].to(x.dtype))


# --- LearnedPositionalEmbedding ---------------------------------------------------------------------------------------


@misconception(
    "LearnedPositionalEmbedding",
    title="the rows are taken by the number of the sentence instead of the position of the word",
    hints=(
        "Put the same sentence into a batch twice. Do both come out the same?",
        "Look at which size of x you count up to. The batch comes first, the positions second.",
        "A batch of 2 sentences of 7 words needs the rows 0 to 6, for both. Counted by the batch it would be row 0 for "
        "all words of the first one and row 1 for all words of the second.",
    ),
    seen_in="code that is copied from a layout with positions first, where it is right",
)
class learned_row_by_sentence(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + self.embedding(torch.arange(x.size(0))).unsqueeze(1)


@misconception(
    "LearnedPositionalEmbedding",
    title="all words get the same row, that of the last position",
    hints=(
        "Give the layer a sentence of zeros. Do its words come out different from one another?",
        "Look at what you hand to the embedding: one id, or one id for each position?",
        "A sentence of 3 words needs the ids 0, 1 and 2, not the id 2 three times.",
    ),
    seen_in="plausible",
)
class learned_row_of_the_length(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + self.embedding(torch.tensor(x.size(1) - 1))


@misconception(
    "LearnedPositionalEmbedding",
    title="the first word gets row 1",
    hints=(
        "Which row of the table is never used?",
        "Look at where your positions begin.",
        "A sentence of 2 words uses the rows 0 and 1. With the rows 1 and 2 a table of 2 rows is too short for it.",
    ),
    seen_in="plausible",
)
class learned_rows_from_one(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + self.embedding(torch.arange(1, x.size(1) + 1))


@misconception(
    "LearnedPositionalEmbedding",
    title="the rows are returned alone, without the words",
    hints=(
        "Do two different sentences give different results?",
        "Look at the last line. What has become of x?",
        "The word (5, 7) at a position with the row (1, 2) becomes (6, 9). If (1, 2) comes out, the word is lost.",
    ),
    seen_in="plausible",
)
class learned_rows_alone(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return self.embedding(torch.arange(x.size(1))).expand_as(x)


@misconception(
    "LearnedPositionalEmbedding",
    title="the rows are put beside the words instead of added to them, and the width doubles",
    hints=(
        "How wide does the next layer expect a word to be?",
        "Look at how words and positions meet. The shape of x must survive.",
        "The word (5, 7) at a position with the row (1, 2) becomes (6, 9), not (5, 7, 1, 2).",
    ),
    seen_in="plausible",
)
class learned_rows_concatenated(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return torch.cat([x, self.embedding(torch.arange(x.size(1))).expand_as(x)], dim=-1)


@misconception(
    "LearnedPositionalEmbedding",
    title="the whole table is added, which fits only sentences of max_len words",
    hints=(
        "What happens to a sentence that is shorter than max_len?",
        "Look at how many rows you add, and to how many words.",
        "A table of 10 rows and a sentence of 4 words: rows 0 to 3 are needed, the other six wait for longer "
        "sentences.",
    ),
    seen_in="plausible",
)
class whole_table_added(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + self.embedding.weight


@misconception(
    "LearnedPositionalEmbedding",
    title="the rows are multiplied by the root of the width",
    hints=(
        "A table that is learned can take any size. Does it need a factor?",
        "Look for a square root. In this layer there is none.",
        "With the row (1, 2) the word (5, 7) becomes (6, 9). A factor of 1.41 would make it (6.41, 9.83).",
    ),
    seen_in="plausible",
)
class learned_rows_scaled(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + math.sqrt(x.size(-1)) * self.embedding(torch.arange(x.size(1)))


@misconception(
    "LearnedPositionalEmbedding",
    title="the rows are taken from the end of the table",
    hints=(
        "Which row does the first word get?",
        "Look at the slice. Counted from the start, or from the end?",
        "In a table of 10 rows a sentence of 3 words gets the rows 0, 1 and 2, not 7, 8 and 9.",
    ),
    seen_in="plausible",
)
class last_learned_rows(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + self.embedding.weight[-x.size(1) :]


@misconception(
    "LearnedPositionalEmbedding",
    title="the table is cut off from the graph, and never learns anything",
    hints=(
        "After a step of training, has your table changed?",
        "Look for `.data`, `detach` or `no_grad` on the way from the table to the sum.",
        "The gradient of row 0 is the sum of the gradients of all first words in the batch. Without it the table stays "
        "as random as it began.",
    ),
    seen_in="plausible",
)
class learned_rows_cut_off(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        return x + self.embedding.weight.data[: x.size(1)]


@misconception(
    "LearnedPositionalEmbedding",
    title="a sentence that is longer than the table is not refused with a ValueError",
    hints=(
        "What does your layer say to 6 words when max_len is 5?",
        "Look at the line of the docstring that begins with Raises, and compare two lengths before you look up.",
        "With 6 words and a table of 5 rows, 'index out of range' tells the caller nothing. The two numbers would.",
    ),
    seen_in="plausible",
)
class learned_length_not_compared(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        return x + self.embedding(torch.arange(x.size(1)))


@misconception(
    "LearnedPositionalEmbedding",
    title="words beyond the table silently share its last row",
    hints=(
        "Can your layer tell word 6 from word 7 when max_len is 5?",
        "Look at what happens to positions that are too large. The docstring asks for an error.",
        "With a table of 3 rows and 5 words, the rows 0, 1, 2, 2, 2 put the last three words at the same place.",
    ),
    seen_in="plausible",
)
class learned_last_row_repeated(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        return x + self.embedding(torch.arange(x.size(1)).clamp(max=self.embedding.num_embeddings - 1))


@misconception(
    "LearnedPositionalEmbedding",
    title="the table has another name than `embedding`",
    hints=(
        "What is the table called in the docstring?",
        "Look at the name after `self.`: weights are loaded by it.",
        "A letter to number 12 does not arrive at number 14, however well the house is built.",
    ),
    seen_in="plausible",
)
class table_under_another_name(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.positions = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.positions.num_embeddings:
            raise ValueError(f"at most {self.positions.num_embeddings} positions, got {x.size(1)}")
        return x + self.positions(torch.arange(x.size(1)))


@misconception(
    "LearnedPositionalEmbedding",
    title="the two sizes of the table have changed places",
    hints=(
        "How many rows does your table have, and how wide is one?",
        "Look at the order of the two arguments where the table is made.",
        "For 10 positions of width 4 the table has 10 rows of 4 numbers.",
    ),
    seen_in="plausible",
)
class table_sizes_swapped(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.max_len = max_len
        self.embedding = nn.Embedding(d_model, max_len)

    def forward(self, x):
        if x.size(1) > self.max_len:
            raise ValueError(f"at most {self.max_len} positions, got {x.size(1)}")
        return x + self.embedding(torch.arange(x.size(1)))


@misconception(
    "LearnedPositionalEmbedding",
    title="the result is right, but the caller's words are overwritten on the way",
    hints=(
        "Print the words before and after the call. Are they the same?",
        "Look for an assignment that writes into x instead of making a new tensor.",
        "If a and b are two names of one list, then `a += [3]` changes b as well.",
    ),
    seen_in="plausible",
)
class learned_words_changed_in_place(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        if x.size(1) > self.embedding.num_embeddings:
            raise ValueError(f"at most {self.embedding.num_embeddings} positions, got {x.size(1)}")
        with torch.no_grad():
            x += self.embedding(torch.arange(x.size(1)))
        rows = self.embedding(torch.arange(x.size(1)))
        return x + rows - rows.detach()


# --- TokenEmbedding ---------------------------------------------------------------------------------------------------


@misconception(
    "TokenEmbedding",
    title="the vectors are not scaled",
    hints=(
        "Compare the size of an entry of your vectors with the swing of a sine wave. Which is larger, and by how much?",
        "Look at the last line, and at the sentence of the docstring that speaks of the width.",
        "For D = 16 the row (1, 0, 2, ...) of the table becomes (4, 0, 8, ...).",
    ),
    seen_in="harvardnlp.github.io #6 asks about it",
)
class embedding_not_scaled(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)

    def forward(self, ids):
        return self.embedding(ids)


@misconception(
    "TokenEmbedding",
    title="the vectors are multiplied by the width itself, not by its root",
    hints=(
        "By how much does the size of your vectors grow from D = 4 to D = 400?",
        "Look at the factor. A root is missing.",
        "For D = 16 the row (1, 0, 2, ...) becomes (4, 0, 8, ...), not (16, 0, 32, ...).",
    ),
    seen_in="plausible",
)
class scaled_by_the_width(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = d_model if scale else 1

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the vectors are divided by the root of the width instead of multiplied by it",
    hints=(
        "Should the vectors become larger or smaller?",
        "Look at the sign of the exponent, or at the slash. In attention the root divides; here it does not.",
        "For D = 16 the row (1, 0, 2, ...) becomes (4, 0, 8, ...), not (0.25, 0, 0.5, ...).",
    ),
    seen_in="plausible",
)
class scaled_down(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = d_model**-0.5 if scale else 1.0

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the factor is the root of the number of words instead of the width",
    hints=(
        "Would a larger dictionary make every word larger?",
        "Look at what stands under the root: the number of rows, or their width?",
        "With 100 words of width 16 the factor is 4, not 10.",
    ),
    seen_in="plausible",
)
class scaled_by_the_vocabulary(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = math.sqrt(vocab_size) if scale else 1.0

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the root is rounded down to a whole number",
    hints=(
        "What is the root of 10 in your code?",
        "Look for a conversion to int, or for two slashes.",
        "For D = 10 the factor is 3.162..., not 3.",
    ),
    seen_in="plausible",
)
class root_rounded_down(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = int(math.sqrt(d_model)) if scale else 1

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the vectors are scaled when `scale` is False, and left as they are when it is True",
    hints=(
        "Which of the two does scale=False give in your code?",
        "Look at the condition, and read it aloud.",
        "For D = 16 and the row (1, 2, ...), scale=True gives (4, 8, ...) and scale=False gives (1, 2, ...).",
    ),
    seen_in="plausible",
)
class scale_the_other_way_round(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = 1.0 if scale else math.sqrt(d_model)

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the vectors are always scaled, whatever `scale` says",
    hints=(
        "What does your layer do with its third argument?",
        "Look at the factor. It is needed only when the caller wants it.",
        "With scale=False the row (1, 2, ...) comes out as (1, 2, ...), whatever the width.",
    ),
    seen_in="plausible",
)
class always_scaled(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = math.sqrt(d_model)

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="rows that are longer than 1 are shortened to length 1 before they are scaled",
    hints=(
        "Is the row that comes out in proportion to the row that was loaded?",
        "Look at the arguments with which the table is made. One of them limits the length of its rows.",
        "The row (3, 4) has the length 5. Scaled by the root of 2 it is (4.24, 5.66); shortened first, (0.85, 1.13).",
    ),
    seen_in="plausible: the argument max_norm of nn.Embedding",
)
class vectors_of_length_one(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model, max_norm=1.0)
        self.factor = math.sqrt(d_model) if scale else 1.0

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the two sizes of the table have changed places",
    hints=(
        "How many rows does your table have, and how wide is one?",
        "Look at the order of the two arguments where the table is made.",
        "For 100 words of width 8 the table has 100 rows of 8 numbers, so that id 99 has a row.",
    ),
    seen_in="plausible",
)
class vocabulary_and_width_swapped(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(d_model, vocab_size)
        self.factor = math.sqrt(d_model) if scale else 1.0

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="id 0 is taken for padding, and its row never learns",
    hints=(
        "Which words get a gradient, and is there one that never does?",
        "Look at the arguments with which the table is made. One of them excludes a row from learning.",
        "Nothing in the docstring says that id 0 is special. In this vocabulary it may be the most frequent word.",
    ),
    seen_in="plausible",
)
class first_word_taken_for_padding(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model, padding_idx=0)
        self.factor = math.sqrt(d_model) if scale else 1.0

    def forward(self, ids):
        return self.embedding(ids) * self.factor


@misconception(
    "TokenEmbedding",
    title="the table is cut off from the graph, and never learns anything",
    hints=(
        "After a step of training, has your table changed?",
        "Look for `.data`, `detach` or `no_grad` on the way from the table to the result.",
        "The gradient of a row is the sum of the gradients of all places where its word stands, times the factor.",
    ),
    seen_in="plausible",
)
class rows_cut_off(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = math.sqrt(d_model) if scale else 1.0

    def forward(self, ids):
        return self.embedding.weight.data[ids] * self.factor


@misconception(
    "TokenEmbedding",
    title="the table itself is scaled, once more with every call",
    hints=(
        "Call the layer twice with the same ids. Do you get the same vectors?",
        "Look at what is multiplied: what was looked up, or the table in which it was looked up?",
        "A row (1, 2) with the factor 3: the first call gives (3, 6). If the second one gives (9, 18), the table has "
        "grown.",
    ),
    seen_in="plausible",
)
class table_scaled_in_place(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = math.sqrt(d_model) if scale else 1.0

    def forward(self, ids):
        rows = self.embedding(ids) * self.factor
        self.embedding.weight.data.mul_(self.factor)
        return rows


# --- relative_position_index ------------------------------------------------------------------------------------------


@misconception(
    "relative_position_index",
    title="the sign is the wrong way round: the way leads from the key to the query",
    hints=(
        "For query 0 and key 2, is the key to the right or to the left?",
        "Look at the order of the subtraction. Where you want to go, minus where you are.",
        "From position 3 to position 1 the way is 1 - 3 = -2. The other way round it would be 2, the way back.",
    ),
    seen_in="plausible",
)
def way_from_key_to_query(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_q).unsqueeze(1) - torch.arange(len_k)
    return way.clamp(-max_distance, max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="left and right are not told apart: only the distance counts",
    hints=(
        "Do the word before you and the word after you get the same number?",
        "Look for an absolute value.",
        "With a largest distance of 1 there are three numbers: 0 for the left, 1 for here, 2 for the right.",
    ),
    seen_in="plausible",
)
def distance_without_direction(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return way.clamp(max=max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="long ways are not clipped, and point outside the table",
    hints=(
        "What is the largest number in your index, and how many rows has the table?",
        "Look at ways that are longer than the largest distance. Each of them needs a row that exists.",
        "With a largest distance of 2 the table has 5 rows, 0 to 4. The way from 0 to 7 must be one of them.",
    ),
    seen_in="plausible",
)
def ways_not_clipped(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    return torch.arange(len_k) - torch.arange(len_q).unsqueeze(1) + max_distance


@misconception(
    "relative_position_index",
    title="only ways to the right are clipped",
    hints=(
        "What is the smallest number in your index?",
        "Look at the bounds of the clipping. A way can be too long in two directions.",
        "With a largest distance of 2 the way from 7 to 0 is -7, is clipped to -2, and becomes 0.",
    ),
    seen_in="plausible",
)
def clipped_to_the_right_only(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(max=max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="only ways to the left are clipped",
    hints=(
        "What is the largest number in your index, and how many rows has the table?",
        "Look at the bounds of the clipping. A way can be too long in two directions.",
        "With a largest distance of 2 the way from 0 to 7 is 7, is clipped to 2, and becomes 4.",
    ),
    seen_in="plausible",
)
def clipped_to_the_left_only(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(min=-max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="the shift comes before the clipping, whose bounds then belong to other numbers",
    hints=(
        "Which numbers does your index contain: 0 to 2k?",
        "Look at the order of the two steps, and at the bounds that fit each order.",
        "With a largest distance of 2 the way 1 becomes 3. Shifted to 3 first and then clipped at 2, it becomes 2, "
        "which is the number of 'here'.",
    ),
    seen_in="plausible",
)
def clipped_after_the_shift(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1) + max_distance
    return way.clamp(-max_distance, max_distance)


@misconception(
    "relative_position_index",
    title="ways that are too long go round in a circle instead of being clipped",
    hints=(
        "Which number does the way 4 have when the largest distance is 2, and which way shares it?",
        "Look for a remainder. Far to the right must not become near to the left.",
        "With a largest distance of 2, the ways 2, 3, 4 and 100 all have the number 4.",
    ),
    seen_in="plausible",
)
def way_around_the_circle(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return (way + max_distance) % (2 * max_distance + 1)


@misconception(
    "relative_position_index",
    title="the numbers begin at -k instead of 0",
    hints=(
        "Which row of a table is row -1?",
        "Look at the last step: the smallest number has to become 0.",
        "With a largest distance of 2 the ways -2, -1, 0, 1, 2 have the numbers 0, 1, 2, 3, 4.",
    ),
    seen_in="plausible",
)
def not_shifted(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(-max_distance, max_distance)


@misconception(
    "relative_position_index",
    title="the shift is made of the length of the sentence instead of the largest distance",
    hints=(
        "Does the number of 'one step to the right' change when the sentence becomes longer?",
        "Look at what you add. The table has 2k + 1 rows, and 'here' is the one in the middle.",
        "With a largest distance of 2 the way 0 has the number 2, in a sentence of 3 words and in one of 300.",
    ),
    seen_in="plausible",
)
def shifted_by_the_length(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(-max_distance, max_distance) + len_q - 1


@misconception(
    "relative_position_index",
    title="the largest way to the right is left out, as if the bound of the clipping were excluded",
    hints=(
        "How many different numbers does your index have: 2k, or 2k + 1?",
        "Look at the upper bound. In a range the end is excluded, in a clipping it is not.",
        "With a largest distance of 1 the numbers are 0, 1 and 2. If 2 never occurs, left and right are unequal.",
    ),
    seen_in="plausible",
)
def one_way_too_few(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(-max_distance, max_distance - 1) + max_distance


@misconception(
    "relative_position_index",
    title="the index is always square, with as many keys as queries",
    hints=(
        "What shape does your index have for 2 queries and 6 keys?",
        "Look at which length is used for which of the two ranges.",
        "For 2 queries and 3 keys with a largest distance of 1, the index is 1 2 2 over 0 1 2.",
    ),
    seen_in="plausible",
)
def index_for_squares_only(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_q) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(-max_distance, max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="the index lies on its side: its rows are keys",
    hints=(
        "What shape does your index have for 2 queries and 6 keys?",
        "Look at which of the two ranges runs down and which one runs across.",
        "For 2 queries and 3 keys with a largest distance of 1, the index is 1 2 2 over 0 1 2: two rows.",
    ),
    seen_in="plausible",
)
def index_on_its_side(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k).unsqueeze(1) - torch.arange(len_q)
    return way.clamp(-max_distance, max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="the numbers are right, but they are float32 and cannot be used as an index",
    hints=(
        "Can row 1.0 of a table be looked up?",
        "Look at the dtype of your ranges.",
        "A list has an element number 2. Ask Python for number 2.0, and it refuses.",
    ),
    seen_in="plausible",
)
def index_as_float(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"max_distance must be at least 0, got {max_distance}")
    way = torch.arange(len_k, dtype=torch.float32) - torch.arange(len_q, dtype=torch.float32).unsqueeze(1)
    return way.clamp(-max_distance, max_distance) + max_distance


@misconception(
    "relative_position_index",
    title="a negative largest distance is not refused with a ValueError",
    hints=(
        "How many rows would a table for the largest distance -1 have?",
        "Look at the line of the docstring that begins with Raises.",
        "With a largest distance of -1 there would be 2 times -1 plus 1 rows: -1. Say so before anything is computed.",
    ),
    seen_in="plausible",
)
def negative_distance_accepted(len_q, len_k, max_distance):
    way = torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)
    return way.clamp(-max_distance, max_distance) + max_distance


# --- RelativeSelfAttention --------------------------------------------------------------------------------------------


@misconception(
    "RelativeSelfAttention",
    title="the bias is added to the weights, after the softmax",
    hints=(
        "What is the sum of each query's weights in your layer?",
        "Look at where the bias comes in. It has to be part of the scores while they are still scores.",
        "Two equal words with the biases ln 3 and 0 have the weights 3/4 and 1/4. Added afterwards they would be "
        "1/2 + 1.1 and 1/2.",
    ),
    seen_in="plausible",
)
class bias_after_the_softmax(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k), mask) + bias
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the bias is divided by the root of the head's width along with the dot products",
    hints=(
        "By how much does a bias of 1 move a score in your layer?",
        "Look at the order of the two steps: which comes first, the scale or the bias?",
        "With a head of width 4, the dot product 6 and the bias 1, the score is 6/2 + 1 = 4, not 7/2.",
    ),
    seen_in="plausible",
)
class bias_before_the_scale(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        scores = (q @ k.transpose(-2, -1) + bias) / math.sqrt(q.size(-1))
        weights = attention_weights(scores, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the bias is never added",
    hints=(
        "Change a number in the table. Does anything in the output change?",
        "Look at what becomes of the bias after it was looked up.",
        "Two equal words with the biases ln 3 for 'here' and 0 for the rest have the weights 3/4 and 1/4, not 1/2 "
        "and 1/2.",
    ),
    seen_in="plausible",
)
class bias_left_out(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        weights = attention_weights(attention_scores(q, k), mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the scores are multiplied by the bias",
    hints=(
        "What does a bias of 0 do in your layer?",
        "Look at the sign between scores and bias. A table of zeros should change nothing.",
        "The score 3 with the bias 0 stays 3. Multiplied, it would be 0.",
    ),
    seen_in="plausible",
)
class bias_multiplied(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) * bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the bias gets the right shape by `view` or `reshape`, and its numbers land at other words and heads",
    hints=(
        "Follow one number: the bias of head 1 for query 0 and key 2. Where is it after your change of shape?",
        "Look at how the axis of the heads comes to the front. Moving an axis and dealing out numbers anew are "
        "two things.",
        "The table (a1 a2), (b1 b2), (c1 c2) turned is (a b c) for head 1 and (a b c) for head 2. Dealt out anew, "
        "head 1 gets a1 a2 b1.",
    ),
    seen_in="plausible",
)
class bias_dealt_out_anew(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).reshape(self.num_heads, x.size(1), x.size(1))
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="all heads get the bias of the first one",
    hints=(
        "Change column 1 of the table. Does head 1 notice?",
        "Look at how many columns of the table arrive at the scores.",
        "With two heads a table may say 'look left' in column 0 and 'look right' in column 1. Both must be heard.",
    ),
    seen_in="plausible",
)
class first_head_for_all(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index)[..., 0]
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the heads are cut by a change of shape alone, so that a head gets some words instead of some channels",
    hints=(
        "Which word do the numbers of head 1 come from in your layer?",
        "Look at how queries, keys and values become heads, and how the heads are joined. You have two functions "
        "for it.",
        "Two words of width 4 and two heads: head 0 gets the first two channels of both words, not both halves of "
        "the first word.",
    ),
    seen_in="FuxiCTR #30",
)
class heads_without_transpose(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        heads = (len(x), self.num_heads, x.size(1), -1)
        q, k, v = (linear(x).reshape(heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o((weights @ v).reshape(x.shape)), weights


@misconception(
    "RelativeSelfAttention",
    title="the dot products are divided by the root of the model's width instead of the head's",
    hints=(
        "How many products does one dot product add up, in one head?",
        "Look at the width under the root.",
        "With D = 64 and 4 heads the width of a head is 16, and dot products are divided by 4, not by 8.",
    ),
    seen_in="plausible",
)
class scale_by_model_width(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(x.size(-1))
        weights = attention_weights(scores + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the joined heads are returned as they are, and `w_o` is never used",
    hints=(
        "Which of your four maps never gets a gradient?",
        "Look at the last step. Joined heads stand side by side; who mixes them?",
        "Set w_o to twice the identity: the output should double.",
    ),
    seen_in="plausible",
)
class no_output_map(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return merge_heads(weights @ v), weights


@misconception(
    "RelativeSelfAttention",
    title="queries and keys come from the same map",
    hints=(
        "Which of your four maps never gets a gradient?",
        "Look at what makes the keys.",
        "What a word looks for is not what it offers: with one map for both, every word likes itself.",
    ),
    seen_in="plausible",
)
class one_map_for_queries_and_keys(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_q, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the weights are returned as one table, the average of all heads",
    hints=(
        "How many tables of weights does the docstring ask for?",
        "Look at what you return beside the output. Each head has weights of its own.",
        "2 sentences of 5 words and 3 heads have weights of shape (2, 3, 5, 5).",
    ),
    seen_in="the default of nn.MultiheadAttention, where it is meant",
)
class heads_averaged(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights.mean(1)


@misconception(
    "RelativeSelfAttention",
    title="the output is returned without the weights",
    hints=(
        "How many results does the docstring name?",
        "Look at the return line.",
        "A caller who writes `output, weights = layer(x)` expects two things.",
    ),
    seen_in="plausible",
)
class only_the_output(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v))


@misconception(
    "RelativeSelfAttention",
    title="the layer hides later words by itself, without being asked to",
    hints=(
        "May the first word look at the last one when nobody forbids it?",
        "Look for a triangle. Only the caller's mask decides who may look at whom.",
        "Without a mask a sentence of 3 words has 9 weights above 0. With the triangle it has 6.",
    ),
    seen_in="plausible",
)
class later_words_hidden(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        earlier = torch.ones(x.size(1), x.size(1), dtype=torch.bool).tril()
        mask = earlier if mask is None else mask & earlier
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the mask is taken and never used",
    hints=(
        "Does anything change when you forbid a key?",
        "Look at what becomes of the second argument.",
        "With two equal keys of which one is forbidden the weights are 1 and 0, not 1/2 and 1/2.",
    ),
    seen_in="plausible",
)
class mask_left_out(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the mask is applied after the softmax",
    hints=(
        "Your forbidden keys have the weight 0, but what is the sum of the others?",
        "Look at the order of mask and softmax. The function for weights takes a mask.",
        "Two equal keys, one of them forbidden: the other one gets all of the weight, not half of it.",
    ),
    seen_in="plausible",
)
class mask_after_the_softmax(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias)
        weights = weights if mask is None else weights * mask
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the mask is read the wrong way round: True hides a key instead of allowing it",
    hints=(
        "Print the weights of a short sentence with a mask. Who can see whom?",
        "Look at what True means in the docstring, and in the function that you hand the mask to.",
        "For the mask True, False the first of two keys gets all of the weight, and the second one none.",
    ),
    seen_in="rasbt #1061, #1062; the convention of nn.MultiheadAttention",
)
class mask_inverted(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        mask = None if mask is None else ~mask
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the mask lies on its side: it hides queries instead of keys",
    hints=(
        "Which words must not be looked at? Is that a column for everybody, or a row?",
        "Look at the last two axes of the mask. Rows belong to queries, columns to keys.",
        "If word 3 is padding, nobody may look at it: column 3 is forbidden. On its side it is row 3, and all "
        "others go on looking.",
    ),
    seen_in="hyunwoongko/transformer PR #40",
)
class mask_on_its_side(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        mask = None if mask is None else mask.transpose(-2, -1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the result is right, but the caller's mask is turned around on the way",
    hints=(
        "Print the mask before and after the call. Is it the same?",
        "Look for a method with an underscore at the end of its name.",
        "The next layer gets the same mask. If True has become False on the way, it reads exactly what it must not.",
    ),
    seen_in="plausible",
)
class mask_changed_in_place(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        scores = attention_scores(q, k) + bias
        hidden = None if mask is None else mask.logical_not_()
        weights = attention_weights(scores, None if hidden is None else ~hidden)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the table is cut off from the graph, and never learns anything",
    hints=(
        "After a step of training, has your table changed?",
        "Look for `.data`, `detach` or `no_grad` on the way from the table to the scores.",
        "The gradient of a row is the sum of the gradients of all scores that it was added to.",
    ),
    seen_in="plausible",
)
class bias_cut_off(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias.weight.data[index].permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="a word that may attend to nothing divides 0 by 0",
    hints=(
        "What are the weights of a word whose keys are all forbidden?",
        "Look at the softmax that you use. You have written one that knows what to do here.",
        "A row of only -inf gets weights of 0, and its gradients stay finite.",
    ),
    seen_in="plausible",
)
class nothing_to_attend_to_gives_nan(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        scores = attention_scores(q, k) + bias
        scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
        weights = torch.softmax(scores, dim=-1)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="a width that the heads cannot share is not refused when the layer is made",
    hints=(
        "How wide is one of 3 heads when the width is 10?",
        "Look at the line of the docstring that begins with Raises. The layer can know it when it is made.",
        "A width of 10 and 3 heads: say so, with both numbers, before any map is made.",
    ),
    seen_in="plausible",
)
class heads_that_do_not_divide(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the four maps have no bias",
    hints=(
        "Which parameters does the docstring ask for?",
        "Look at the arguments with which the maps are made.",
        "Four maps of width 8 with bias have 4 times (64 + 8) numbers, without bias 4 times 64.",
    ),
    seen_in="plausible",
)
class maps_without_bias(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model, bias=False)
        self.w_k = nn.Linear(d_model, d_model, bias=False)
        self.w_v = nn.Linear(d_model, d_model, bias=False)
        self.w_o = nn.Linear(d_model, d_model, bias=False)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the table has 2k rows, one too few",
    hints=(
        "Count the ways from -k to k. Do not forget 'here'.",
        "Look at the number of rows of the table.",
        "With a largest distance of 1 there are three ways: left, here, right.",
    ),
    seen_in="plausible",
)
class table_one_row_short(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance, num_heads)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias(index).permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


@misconception(
    "RelativeSelfAttention",
    title="the table is a bare parameter instead of an nn.Embedding, so that its weights have another name",
    hints=(
        "Under which name would somebody load the numbers of your table?",
        "Look at how the table is made. The docstring says what `bias` is.",
        "A Linear called w_q has a parameter w_q.weight. An Embedding called bias has bias.weight.",
    ),
    seen_in="plausible",
)
class table_without_a_module(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model must be divisible by num_heads, got {d_model} and {num_heads}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Parameter(torch.zeros(2 * max_distance + 1, num_heads))

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        bias = self.bias[index].permute(2, 0, 1)
        weights = attention_weights(attention_scores(q, k) + bias, mask)
        return self.w_o(merge_heads(weights @ v)), weights


# --- apply_rope -------------------------------------------------------------------------------------------------------


@misconception(
    "apply_rope",
    title="channel i is paired with channel i + d/2 instead of its neighbour",
    hints=(
        "Which two numbers of a row form one arrow in your layout, and which in the docstring?",
        "Look at how the row is taken apart. Two halves, or every second number?",
        "With the width 4 the arrows are (x0, x1) and (x2, x3). (x0, x2) and (x1, x3) is a valid design, which "
        "many models use, but not the one that is asked for.",
    ),
    seen_in="rasbt #411",
)
def halves_turned(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


@misconception(
    "apply_rope",
    title="the arrows are turned in the other direction",
    hints=(
        "The arrow (1, 0), turned by a quarter of a circle: does it end at (0, 1) or at (0, -1)?",
        "Look at the signs before the two sines. Exactly one of them is a minus; which one?",
        "At position 1 the arrow (3, 0) becomes (3 cos 1, 3 sin 1) = (1.62, 2.52). Its second coordinate is positive.",
    ),
    seen_in="plausible",
)
def turned_the_other_way(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos + b * sin, b * cos - a * sin], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the minus sign has moved, and the arrows are mirrored instead of turned",
    hints=(
        "What becomes of the arrow (0, 1) at position 0?",
        "Look at all four products and their signs. At the angle 0 the arrow should stay as it is.",
        "At the angle 0 the cosine is 1 and the sine is 0. The arrow (2, 5) must come out as (2, 5), not as (2, -5).",
    ),
    seen_in="plausible",
)
def turned_as_a_reflection(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos + b * sin, a * sin - b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="a minus sign is missing, and the arrows change their length",
    hints=(
        "How long is an arrow before and after your turn?",
        "Look at the four products. One of them has to be subtracted.",
        "The arrow (1, 1) turned by an eighth of a circle is (0, 1.41), of the same length. With two plus signs "
        "it is (1.41, 1.41).",
    ),
    seen_in="plausible",
)
def minus_sign_lost(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos + b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the angle grows from head to head instead of from position to position",
    hints=(
        "Do all words of one head come out turned by the same angle?",
        "Look at which axis your positions are counted along. The last but one is the one that counts words.",
        "For x of shape (2, 4, 6, 8) there are 6 positions, and the 4 heads are all turned alike.",
    ),
    seen_in="labml PR #265",
)
def heads_taken_for_positions(x, base=10000.0, offset=0):
    length, d = x.size(1), x.size(-1)
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype).unsqueeze(1), angle.sin().to(x.dtype).unsqueeze(1)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the exponent is doubled: a variable that counts 0, 2, 4, ... is multiplied by 2 once more",
    hints=(
        "In the formula i counts pairs. What does your variable count?",
        "Look at the exponent of the base, and print it for the last pair. It should stay below 1.",
        "For the width 4 the two pairs have the exponents 0 and 2/4. Doubled, the second one is 4/4.",
    ),
    seen_in="plausible",
)
def rope_exponent_doubled(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-2 * torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the turned coordinates are not put back in their places: all first ones come before all second ones",
    hints=(
        "At position 0 nothing is turned. Does the row come out as it went in?",
        "Look at how the two coordinates are joined. Side by side, or behind each other?",
        "The row (1, 2, 3, 4) at position 0 must come out as (1, 2, 3, 4), not as (1, 3, 2, 4).",
    ),
    seen_in="plausible",
)
def coordinates_left_in_halves(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


@misconception(
    "apply_rope",
    title="the sines and cosines are added to the row instead of turning it",
    hints=(
        "What becomes of a row of zeros?",
        "Look at the operation between x and the waves. A rotation multiplies.",
        "The arrow (0, 0) stays (0, 0), however far it is turned.",
    ),
    seen_in="plausible",
)
def waves_added_instead_of_turning(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a + sin, b + cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the first position is counted as 1, so that it is turned as well",
    hints=(
        "By which angle is the first word turned?",
        "Look at where your positions begin when the offset is 0.",
        "The row (3, 0) comes out as (3, 0) at the first position, and as (3 cos 1, 3 sin 1) at the second.",
    ),
    seen_in="plausible",
)
def rope_positions_from_one(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset + 1, offset + length + 1, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the offset is not used",
    hints=(
        "Does your result change when the caller asks for another offset?",
        "Look at where your positions begin.",
        "With the offset 5 the first row is turned as the sixth row of a longer sentence would be.",
    ),
    seen_in="plausible",
)
def offset_ignored(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the offset is subtracted from the positions",
    hints=(
        "With the offset 5, which position is the first row at?",
        "Look at the sign of the offset.",
        "An offset of 5 means that five words came before: the positions are 5, 6, 7, ..., not -5, -4, -3, ...",
    ),
    seen_in="plausible",
)
def offset_subtracted(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(-offset, length - offset, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the positions begin at the offset and end at the length, so that there are too few of them",
    hints=(
        "How many positions do you make for 3 rows and the offset 2?",
        "Look at where your positions end.",
        "Three rows with the offset 2 are at the positions 2, 3 and 4.",
    ),
    seen_in="plausible",
)
def offset_cuts_positions_off(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the base is written into the formula, and the argument is not used",
    hints=(
        "Does your result change when the caller asks for another base?",
        "Look for a 10000 in your code. It has a name already.",
        "With the base 100 and the width 4 the second arrow is turned by 0.1 at position 1. With 10000 it is 0.01.",
    ),
    seen_in="plausible",
)
def rope_base_ignored(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * 10000.0 ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="the result is float32, whatever dtype came in",
    hints=(
        "What is the dtype of your result for float64?",
        "Look at the dtype of your cosines, and of what you multiply.",
        "What comes in with 64 bits per number goes out with 64 bits per number.",
    ),
    seen_in="plausible",
)
def rope_in_single_precision(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin, dtype = angle.cos(), angle.sin(), torch.float32
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2).to(dtype)


@misconception(
    "apply_rope",
    title="the result is right, but the caller's tensor is overwritten on the way",
    hints=(
        "Print x before and after the call. Is it the same?",
        "Look for an assignment that writes into a part of x.",
        "If a and b are two names of one list, then `a[0] = 3` changes b as well.",
    ),
    seen_in="plausible",
)
def turned_in_place(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    with torch.no_grad():
        turned = torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
        x.copy_(turned)
    return x


@misconception(
    "apply_rope",
    title="the argument is cut off from the graph, so that no gradient comes back",
    hints=(
        "The map that makes the queries shall learn. Does anything reach it?",
        "Look for `detach`, `.data`, `no_grad` or a conversion to NumPy.",
        "What comes back to an arrow is what came back to the turned one, turned back.",
    ),
    seen_in="plausible",
)
def rope_cut_off(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    if d % 2:
        raise ValueError(f"the width must be even, got {d}")
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x.detach()[..., 0::2], x.detach()[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


@misconception(
    "apply_rope",
    title="an odd width is not refused with a ValueError",
    hints=(
        "Which partner has the last of 7 channels?",
        "Look at the line of the docstring that begins with Raises.",
        "Three channels make one arrow and a half: say so, with the width that came.",
    ),
    seen_in="plausible",
)
def odd_rope_width_accepted(x, base=10000.0, offset=0):
    length, d = x.shape[-2:]
    position = torch.arange(offset, offset + length, dtype=torch.float32).unsqueeze(1)
    angle = position * base ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


# --- alibi_bias -------------------------------------------------------------------------------------------------------


@misconception(
    "alibi_bias",
    title="the heads are counted from 0, so that the first one has the slope 1",
    hints=(
        "What is the slope of your last head? Is it 2 to the power of -8?",
        "Look at where your heads begin: the docstring counts them from 1.",
        "Two heads have the slopes 1/16 and 1/256. Counted from 0 they would be 1 and 1/16.",
    ),
    seen_in="plausible",
)
def slopes_from_zero(num_heads, len_q, len_k):
    head = torch.arange(num_heads, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the slopes are 1/2, 1/4, 1/8, ..., which is right for eight heads only",
    hints=(
        "What is the slope of your last head, with 4 heads and with 8?",
        "Look at the exponent. The number of heads is part of it.",
        "Two heads have the slopes 1/16 and 1/256, not 1/2 and 1/4.",
    ),
    seen_in="plausible",
)
def slopes_for_eight_heads(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-head)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the slopes fall in equal steps instead of by equal factors",
    hints=(
        "Divide each slope by the one before it. Do you always get the same?",
        "Look at how the slopes depend on the head: the head stands in an exponent.",
        "Four heads have the slopes 1/4, 1/16, 1/64, 1/256: each a quarter of the one before, not 1, 3/4, 1/2, 1/4.",
    ),
    seen_in="plausible",
)
def slopes_evenly_spaced(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 1 - (head - 1) / num_heads
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the slopes come in the wrong order: the first head has the smallest",
    hints=(
        "Which of your heads forgets fastest, the first or the last?",
        "Look at the order of the slopes.",
        "Two heads have the slopes 1/16 and 1/256, in this order.",
    ),
    seen_in="plausible",
)
def slopes_in_reverse(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    slope = slope.flip(0)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the bias is positive, and far words are preferred to near ones",
    hints=(
        "Which word should get more weight: the next one, or one a hundred places away?",
        "Look at the sign of the result.",
        "With the slope 1/16, three steps away, the bias is -3/16: it is taken off the score.",
    ),
    seen_in="plausible",
)
def bias_with_the_wrong_sign(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the way has kept its sign, so that words to the right are rewarded for being far away",
    hints=(
        "Is there any bias above 0 in your result?",
        "Look at the distance. A distance is never negative.",
        "From position 5 to position 2 the distance is 3, and from 2 to 5 as well.",
    ),
    seen_in="plausible",
)
def future_rewarded(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = torch.arange(len_q).unsqueeze(1) - torch.arange(len_k)
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="only words to the left have a bias; to the right it is 0",
    hints=(
        "What is the bias from position 2 to position 5?",
        "Look at what happens to the distance on one side of the diagonal. Hiding the future is the job of a mask.",
        "From position 5 to position 2 the distance is 3, and from 2 to 5 as well.",
    ),
    seen_in="the causal form of the paper, where it is meant",
)
def future_forgotten(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_q).unsqueeze(1) - torch.arange(len_k)).clamp(min=0)
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the bias grows with the square of the distance",
    hints=(
        "How much larger is the bias at distance 4 than at distance 2?",
        "Look for a power or a product of the distance with itself. The name of the method has 'linear' in it.",
        "With the slope 1/16 the biases at the distances 1, 2, 3 are -1/16, -2/16, -3/16.",
    ),
    seen_in="plausible",
)
def distance_squared(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).square()
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the bias depends on the position of the key alone",
    hints=(
        "Is the bias of every word to itself 0?",
        "Look at the distance: it takes two positions. (Within the past of one query the softmax would not see "
        "the difference.)",
        "For the last of three queries the distances are 2, 1, 0. For the first one they are 0, 1, 2.",
    ),
    seen_in="the authors' own code, which uses it for causal attention, where it is right",
)
def key_positions_for_distances(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = torch.arange(len_k).expand(len_q, len_k)
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="the table is always square, with as many keys as queries",
    hints=(
        "What shape does your result have for 2 queries and 6 keys?",
        "Look at which length is used for which of the two ranges.",
        "For 2 queries and 3 keys the distances are 0 1 2 over 1 0 1.",
    ),
    seen_in="plausible",
)
def alibi_for_squares_only(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_q) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance


@misconception(
    "alibi_bias",
    title="there is one table for all heads, with the average of their slopes",
    hints=(
        "How many slopes are there, and how many tables?",
        "Look at the shape of your result. Each head forgets in its own way.",
        "For 4 heads, 2 queries and 3 keys the shape is (4, 2, 3).",
    ),
    seen_in="plausible",
)
def bias_without_heads_axis(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float32)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.mean() * distance


@misconception(
    "alibi_bias",
    title="the numbers are right, but they are float64",
    hints=(
        "What is the dtype of your biases, and what is that of the scores they are added to?",
        "Look at the dtype of your slopes.",
        "float32 scores plus float64 biases are float64, and the next layer, with float32 weights, refuses them.",
    ),
    seen_in="plausible",
)
def bias_in_double_precision(num_heads, len_q, len_k):
    head = torch.arange(1, num_heads + 1, dtype=torch.float64)
    slope = 2.0 ** (-8.0 * head / num_heads)
    distance = (torch.arange(len_k) - torch.arange(len_q).unsqueeze(1)).abs()
    return -slope.view(-1, 1, 1) * distance


# --- add_positions ----------------------------------------------------------------------------------------------------


@misconception(
    "add_positions",
    title="the rows are taken by the number of the sentence, as if positions were the first axis",
    hints=(
        "Two equal sentences in one batch come out different. What do they differ in?",
        "Look at the axis whose length is read, and at the axis that the table is given. In which order does this code "
        "expect positions and sentences?",
        "Three sentences of two words of width 1, all zeros, and the table 10, 20, 30: each sentence should become 10, "
        "20. Counted by sentence they become 10, 10 and 20, 20 and 30, 30.",
    ),
    seen_in="C.Origami #42, MOFormer #9: code of PyTorch's tutorial, which has positions first, on a batch-first model",
)
def rows_by_sentence(x, pe):
    length, max_len = x.size(0), pe.size(0)
    if length > max_len:
        raise ValueError(f"x may have at most max_len = {max_len} positions, got {length}")
    # The table has no axis for the batch. One of size 1 is repeated, and all sentences get the same rows.
    return x + pe[:length].unsqueeze(1).to(x.dtype)


@misconception(
    "add_positions",
    title="the rows are counted by position, but the table's new axis still stands in the place of the positions",
    hints=(
        "Which shapes meet in the sum, lined up from the right?",
        "Look at the axis that is given to the table. Where do the sentences stand here, and where did they stand in "
        "code with positions first?",
        "x (2, 3, 4) and a table cut to (3, 1, 4): 2 and 3 meet, and do not fit. With 3 sentences they would fit, and "
        "give sentence 0 row 0, sentence 1 row 1.",
    ),
    seen_in="influenza_transformer #9",
)
def mended_by_half(x, pe):
    length, max_len = x.size(1), pe.size(0)
    if length > max_len:
        raise ValueError("too long")
    return x + pe[:length].unsqueeze(1).to(x.dtype)


@misconception(
    "add_positions",
    title="the result has the positions first: it was turned for the sum and not turned back",
    hints=(
        "Which shape has your result for 2 sentences of 5 words?",
        "Look at the way of the axes: what was turned has to be turned back.",
        "x of shape (2, 5, 4) comes back as (2, 5, 4), not as (5, 2, 4).",
    ),
    seen_in="plausible",
)
def positions_left_first(x, pe):
    x = x.transpose(0, 1)
    if x.size(0) > pe.size(0):
        raise ValueError("too long")
    return x + pe[: x.size(0)].unsqueeze(1).to(x.dtype)


@misconception(
    "add_positions",
    title="all words get the same row: the table is indexed where it should be cut",
    hints=(
        "Do the words of a sentence get different rows?",
        "Look at the brackets behind the table: a single number picks one row, a colon cuts out several.",
        "The table 10, 20, 30, 40 and a sentence of three zeros: 10, 20, 30, not 30, 30, 30 or 40, 40, 40.",
    ),
    seen_in="plausible",
)
def last_row_for_all(x, pe):
    if x.size(1) > pe.size(0):
        raise ValueError("too long")
    return x + pe[x.size(1) - 1].to(x.dtype)


@misconception(
    "add_positions",
    title="the rows are taken from the end of the table",
    hints=(
        "Which row belongs to the first word, in a short sentence and in a long one?",
        "Look at the side of the colon on which the length stands, and at its sign.",
        "The table 10, 20, 30, 40 and a sentence of two zeros: 10, 20, not 30, 40.",
    ),
    seen_in="plausible",
)
def rows_from_the_end(x, pe):
    length, max_len = x.size(1), pe.size(0)
    if length > max_len:
        raise ValueError("too long")
    return x + pe[max_len - length :].to(x.dtype)


@misconception(
    "add_positions",
    title="the rows are returned alone, without the words",
    hints=(
        "Does your result change when the words change?",
        "Look at what the rows are added to.",
        "The word 5 at position 1 and the table 10, 20: the result is 25, not 20.",
    ),
    seen_in="plausible",
)
def positions_alone(x, pe):
    if x.size(1) > pe.size(0):
        raise ValueError("too long")
    return pe[: x.size(1)].to(x.dtype).expand(x.shape)


@misconception(
    "add_positions",
    title="a sentence that is longer than the table is not refused with a ValueError",
    hints=(
        "What does the caller see when x has more positions than the table has rows? And when the table has one row?",
        "Look at the line of the docstring that begins with Raises: which length is compared with what?",
        "A table of one row is repeated for all words without a word of warning.",
    ),
    seen_in="plausible",
)
def long_sentences_not_refused(x, pe):
    return x + pe[: x.size(1)].to(x.dtype)


@misconception(
    "add_positions",
    title="a sentence that is exactly as long as the table is refused as well",
    hints=(
        "How many words can a table of 5 rows serve?",
        "Look at the comparison: is it the right one when both sides are equal?",
        "5 rows serve 5 words. The sixth has none.",
    ),
    seen_in="plausible",
)
def full_table_refused(x, pe):
    if x.size(1) >= pe.size(0):
        raise ValueError("too long")
    return x + pe[: x.size(1)].to(x.dtype)


@misconception(
    "add_positions",
    title="words in half precision come out in single precision, because the table is",
    hints=(
        "Which dtype did you get, and which one do you return?",
        "Look at the sum: of two dtypes PyTorch takes the wider one.",
        "float16 plus float32 is float32, and the next layer, in float16, refuses it.",
    ),
    seen_in="plausible",
)
def dtype_of_the_table(x, pe):
    if x.size(1) > pe.size(0):
        raise ValueError("too long")
    return x + pe[: x.size(1)]


@misconception(
    "add_positions",
    title="the result is right, but the caller's words are overwritten on the way",
    hints=(
        "Does the caller still have their own words after calling you?",
        "Look for `+=`, or for a method whose name ends with an underscore.",
        "Whoever writes the time on the guest's own letter has spoiled the letter.",
    ),
    seen_in="plausible",
)
def words_overwritten(x, pe):
    if x.size(1) > pe.size(0):
        raise ValueError("too long")
    with torch.no_grad():
        x += pe[: x.size(1)].to(x.dtype)
    return x + 0


@misconception(
    "add_positions",
    title="the table is cut off from the graph, so that learned positions would never learn",
    hints=(
        "The table may be a learned one. Does a gradient reach it?",
        "Look for a step on the way of the table that leaves PyTorch's graph.",
        "If y is x plus p, the gradient of y with respect to p is 1. If p was copied, it is none.",
    ),
    seen_in="plausible",
)
def table_cut_off(x, pe):
    if x.size(1) > pe.size(0):
        raise ValueError("too long")
    return x + pe[: x.size(1)].detach().to(x.dtype)


# --- test_sinusoidal_positional_encoding ------------------------------------------------------------------------------


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test looks at the shape of the table and at no number in it",
    hints=(
        "What would your test say to a table of zeros?",
        "Look at what stands after each `assert`: does it mention a single number of the table?",
        "A clock without hands has the shape of a clock.",
    ),
    seen_in="plausible",
)
def shape_is_enough(sinusoidal_positional_encoding):
    assert sinusoidal_positional_encoding(7, 6).shape == (7, 6)
    assert sinusoidal_positional_encoding(5, 9).shape == (5, 9)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test compares, and then returns whether all is well instead of raising",
    hints=(
        "What happens to the value that your test returns?",
        "Look at the last line: a wrong solution must be stopped by an exception, and a returned False is none.",
        "A smoke detector that notes 'there is a fire' in its diary wakes nobody.",
    ),
    seen_in="plausible",
)
def verdict_returned(sinusoidal_positional_encoding):
    table = sinusoidal_positional_encoding(4, 4, 100.0)
    expected = torch.tensor([0.1411, -0.9900, 0.2955, 0.9553])
    return table.shape == (4, 4) and torch.allclose(table[3], expected, atol=1e-3)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test asks for the properties that tutorials praise: bounded, different rows, pairs on a circle",
    hints=(
        "Does the table with the doubled exponent have these properties, too?",
        "Look at section 4: both tables pass there. What did they differ in?",
        "A clock whose hour hand stands still is bounded, and its hands turn on circles.",
    ),
    seen_in="many tutorials; the doubled exponent lives by it",
)
def praised_properties(sinusoidal_positional_encoding):
    for width in (6, 9):
        table = sinusoidal_positional_encoding(20, width).double()
        assert table.abs().max() <= 1 + 1e-6
        pairs = width // 2
        circle = table[:, 0 : 2 * pairs : 2] ** 2 + table[:, 1 : 2 * pairs : 2] ** 2
        assert torch.allclose(circle, torch.ones(20, pairs, dtype=torch.double), atol=1e-5)
        assert torch.pdist(table).min() > 1e-3


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test looks at row 0 alone, in which no wave has moved yet",
    hints=(
        "What do all frequencies have in common at position 0?",
        "Look at the rows that you compare. When does a wrong speed begin to show?",
        "At twelve o'clock a clock that runs twice too fast is right.",
    ),
    seen_in="plausible",
)
def first_row_only(sinusoidal_positional_encoding):
    for width in (6, 9):
        table = sinusoidal_positional_encoding(5, width)
        expected = torch.tensor([0.0, 1.0] * 5)[:width]
        assert torch.allclose(table[0], expected, atol=1e-5)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the tables of the test have one wave only, and its exponent is 0",
    hints=(
        "Which frequency has the first pair, whatever the base?",
        "Look at the width of your tables: how many pairs have they?",
        "For the width 2 the only pair has the exponent 0, doubled, halved or right.",
    ),
    seen_in="plausible",
)
def one_wave(sinusoidal_positional_encoding):
    table = sinusoidal_positional_encoding(9, 2)
    position = torch.arange(9.0)
    assert table.shape == (9, 2)
    assert torch.allclose(table, torch.stack([position.sin(), position.cos()], dim=1), atol=1e-4)
    assert torch.allclose(sinusoidal_positional_encoding(9, 1)[:, 0], position.sin(), atol=1e-4)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="all widths of the test are even",
    hints=(
        "How many sines and how many cosines has a table of width 5?",
        "Look at the widths that you ask for, and at the last sentence of the docstring before the shapes.",
        "Width 3: a sine, its cosine, and one more sine.",
    ),
    seen_in="plausible; 'd_model is always even' holds until it does not",
)
def even_widths_only(sinusoidal_positional_encoding):
    for length, width, arguments in ((7, 6, ()), (5, 8, (100.0,))):
        base = arguments[0] if arguments else 10000.0
        position, pair = torch.arange(length).double()[:, None], torch.arange(width // 2).double()
        angle = position / base ** (2 * pair / width)
        expected = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).float()
        table = sinusoidal_positional_encoding(length, width, *arguments)
        assert table.dtype == torch.float32
        assert table.shape == expected.shape
        assert torch.allclose(table, expected, atol=1e-4)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test never asks for another base than 10000",
    hints=(
        "What if the 10000 is written into the formula, and the argument not used at all?",
        "Look at the third argument of your calls.",
        "A radio is not tested by listening to the one station that it happens to play.",
    ),
    seen_in="plausible",
)
def default_base_only(sinusoidal_positional_encoding):
    for length, width in ((7, 6), (5, 9)):
        column = torch.arange(width)
        angle = torch.arange(length).double()[:, None] / 10000.0 ** ((column - column % 2).double() / width)
        expected = torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()
        table = sinusoidal_positional_encoding(length, width)
        assert table.dtype == torch.float32
        assert table.shape == expected.shape
        assert torch.allclose(table, expected, atol=1e-4)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test always names the base, and never asks for the one that is taken when nobody does",
    hints=(
        "What is the base when the caller says nothing?",
        "Look at the signature: a default value is a promise, too.",
        "A lift that stops at every floor that you press has still to come down by itself.",
    ),
    seen_in="plausible",
)
def base_always_named(sinusoidal_positional_encoding):
    for length, width, base in ((7, 6, 10000.0), (5, 9, 100.0)):
        column = torch.arange(width)
        angle = torch.arange(length).double()[:, None] / base ** ((column - column % 2).double() / width)
        expected = torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()
        table = sinusoidal_positional_encoding(length, width, base)
        assert table.dtype == torch.float32
        assert table.shape == expected.shape
        assert torch.allclose(table, expected, atol=1e-4)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test never asks for the dtype of the table",
    hints=(
        "The numbers are right. What else does the docstring say about the table?",
        "Look at the line with the shapes. A comparison that converts both sides first sees no difference.",
        "A float64 table added to float32 words makes float64 words, at twice the memory.",
    ),
    seen_in="plausible",
)
def dtype_never_asked(sinusoidal_positional_encoding):
    for length, width, arguments in ((7, 6, ()), (5, 9, (100.0,))):
        base, column = (arguments[0] if arguments else 10000.0), torch.arange(width)
        angle = torch.arange(length).double()[:, None] / base ** ((column - column % 2).double() / width)
        expected = torch.where(column % 2 == 0, angle.sin(), angle.cos())
        table = sinusoidal_positional_encoding(length, width, *arguments)
        assert table.shape == expected.shape
        assert torch.allclose(table.double(), expected, atol=1e-4)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test asks for numbers that are equal to the last digit, and so stops right solutions",
    hints=(
        "Must two right ways of computing a sine agree in every digit?",
        "Look at how you compare: `==` and `torch.equal` leave no room for rounding.",
        "In floating point 0.1 + 0.2 is not equal to 0.3. It is close.",
    ),
    seen_in="plausible",
)
def equal_to_the_last_digit(sinusoidal_positional_encoding):
    position, pair = torch.arange(20.0)[:, None], torch.arange(8.0)
    angle = position / 10000.0 ** (2 * pair / 16)
    expected = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    assert torch.equal(sinusoidal_positional_encoding(20, 16), expected)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test goes far out, where float32 has few digits left, and leaves no room for it",
    hints=(
        "How many digits after the point has 4000.1 in float32?",
        "Look at your tolerance and at your largest position. Angles are as coarse as the numbers that they are made "
        "of.",
        "Near 4000 two neighbouring float32 numbers are 0.00024 apart, and so are their sines.",
    ),
    seen_in="plausible; measured: right ways differ by nearly 0.0005 at position 5000",
)
def no_room_far_out(sinusoidal_positional_encoding):
    position, pair = torch.arange(4500).double()[:, None], torch.arange(4).double()
    angle = position / 10000.0 ** (2 * pair / 8)
    expected = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).float()
    assert torch.allclose(sinusoidal_positional_encoding(4500, 8), expected, atol=1e-6)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test compares float32 with float64, which PyTorch refuses, whatever the numbers are",
    hints=(
        "What does your test say to your own function, and with which exception?",
        "Look at the dtype of what you expect: `torch.allclose` wants both sides to have the same.",
        "Python's numbers are float64, and so is a tensor that is computed in double precision. `.float()` makes "
        "float32 of it.",
    ),
    seen_in="plausible",
)
def double_precision_expected(sinusoidal_positional_encoding):
    angle = torch.arange(7).double()[:, None] / 10000.0 ** (torch.arange(3).double() / 3)
    expected = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    assert torch.allclose(sinusoidal_positional_encoding(7, 6), expected, atol=1e-4)


@misconception(
    "test_sinusoidal_positional_encoding",
    title="the test expects the first word at position 1, and so stops the right solutions",
    hints=(
        "What does your test say to your own function?",
        "Look at the position of the first row in what you expect.",
        "Row 0 of every right table is 0, 1, 0, 1, and so on: all waves begin there.",
    ),
    seen_in="plausible",
)
def counted_from_one(sinusoidal_positional_encoding):
    angle = torch.arange(1.0, 8.0)[:, None] / 10000.0 ** (torch.arange(3.0) / 3)
    expected = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    assert torch.allclose(sinusoidal_positional_encoding(7, 6), expected, atol=1e-4)
