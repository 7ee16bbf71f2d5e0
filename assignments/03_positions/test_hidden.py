"""Hidden checks of 03_positions. All points are earned here, on inputs that nobody has seen.

The oracles know nothing of solutions/: Python's own math, one number at a time, and PyTorch's operators in double
precision. Sizes are distinct primes where divisibility allows it; where sizes are equal, that is the point of the
check. Positions stay small: angles in float32 lose digits as they grow, and a right solution may round in its own way.
"""

import math

import torch

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

WRONG_FREQUENCIES = ("doubled_exponent", "halved_exponent", "exponent_by_integer_division", "last_wave_at_the_base")
WRONG_ANGLES = (
    *WRONG_FREQUENCIES,
    "angle_of_its_own_for_every_column",
    "cosine_with_its_own_frequency",
    "frequency_turned_upside_down",
    "position_divided_by_length",
    "angles_in_degrees",
)
WRONG_LAYOUTS = (
    "halves_in_place_of_pairs",
    "sine_and_cosine_swapped",
    "sines_everywhere",
    "positions_from_one",
    "positions_in_columns",
)
WRONG_WAYS = (
    "way_from_key_to_query",
    "distance_without_direction",
    "ways_not_clipped",
    "clipped_to_the_right_only",
    "clipped_to_the_left_only",
    "clipped_after_the_shift",
    "way_around_the_circle",
    "not_shifted",
    "shifted_by_the_length",
    "one_way_too_few",
)
WRONG_HEADS = ("heads_without_transpose", "scale_by_model_width", "no_output_map", "one_map_for_queries_and_keys")
WRONG_BIASES = (
    "bias_after_the_softmax",
    "bias_before_the_scale",
    "bias_left_out",
    "bias_multiplied",
    "bias_dealt_out_anew",
    "first_head_for_all",
)
WRONG_TURNS = (
    "halves_turned",
    "turned_the_other_way",
    "turned_as_a_reflection",
    "minus_sign_lost",
    "heads_taken_for_positions",
    "rope_exponent_doubled",
    "coordinates_left_in_halves",
    "waves_added_instead_of_turning",
)
WRONG_SLOPES = ("slopes_from_zero", "slopes_for_eight_heads", "slopes_evenly_spaced", "slopes_in_reverse")


def encoding_by_loops(length, width, base=10000.0):
    """The encoding, one number at a time, as float32."""
    table = torch.zeros(length, width, dtype=torch.float64)
    for p in range(length):
        for column in range(width):
            angle = p / base ** (2 * (column // 2) / width)
            table[p, column] = math.cos(angle) if column % 2 else math.sin(angle)
    return table.float()


def speeds(table):
    """The angle that each pair of columns gains from position 0 to position 1."""
    (s0, s1), (c0, c1) = table[:2, 0::2].double(), table[:2, 1::2].double()
    return torch.atan2(s1 * c0 - c1 * s0, c1 * c0 + s1 * s0).abs()


def assert_table(table, length, width):
    """The table is one, and has a row for each position."""
    assert_true(
        isinstance(table, torch.Tensor) and tuple(table.shape) == (length, width),
        f"{length} positions and the width {width} must give a tensor of the shape ({length}, {width}).",
    )


def index_by_loops(len_q, len_k, k):
    """The index of the way from each query to each key, one at a time."""
    return torch.tensor([[max(-k, min(k, j - i)) + k for j in range(len_k)] for i in range(len_q)])


def assert_left_alone(aftermath, *arguments):
    """The arguments are bit for bit what they were, and no random number was drawn."""
    for found, before in zip(aftermath.arguments, arguments, strict=True):
        assert_close(found, before, "exact", "an argument after the call")
    assert_true(aftermath.random_state_kept, "The call has moved PyTorch's global random generator.")


def assert_gradient(found, expected, what):
    """A gradient arrives and is right."""
    assert_true(found is not None, f"No gradient reaches {what}: something on the way cannot be differentiated.")
    assert_close(found, expected, "gradient", f"the gradient of {what}")


def load(layer, name, weights):
    """Put these weights into a layer of the student's, under their names."""
    _, missing = layer.load_state_dict(weights, strict=False)
    assert_true(not missing, f"{name} has no parameter {' and no '.join(missing)}.")


def assert_learns(layer, name, x, expected):
    """The layer's parameters are those that are expected, by name and shape, and there are no others."""
    parameters = layer.gradients(*x).parameters
    missing = [p for p in expected if p not in parameters]
    more = [p for p in parameters if p not in expected]
    assert_true(not missing, f"{name} has no parameter {' and no '.join(missing)}.")
    assert_true(not more, f"{name} learns more than it should: {', '.join(more)}.")
    state = layer.state_dict()
    for parameter, shape in expected.items():
        found = tuple(state[parameter].shape)
        assert_true(found == shape, f"{parameter} has the shape {found}, it must have {shape}.")


# --- sinusoidal_positional_encoding -----------------------------------------------------------------------------------


@exercise("sinusoidal_positional_encoding")
@points(6)
@catches(*WRONG_ANGLES, *WRONG_LAYOUTS)
def test_each_row_describes_its_position(student):
    """Every row holds the sines and cosines of its position, pair by pair, for widths that are even."""
    sizes = [(5, 4), (3, 6), (61, 14)]

    found = [student.sinusoidal_positional_encoding(length, width) for length, width in sizes]

    for table, (length, width) in zip(found, sizes, strict=True):
        what = f"the encoding of {length} positions with width {width}"
        assert_close(table, encoding_by_loops(length, width), "attention", what)


@exercise("sinusoidal_positional_encoding")
@points(7)
@catches(*WRONG_FREQUENCIES, "frequency_turned_upside_down", "angle_of_its_own_for_every_column")
def test_frequencies_fall_from_pair_to_pair_as_they_should(student):
    """The angle that each pair gains from one position to the next falls by the right factor from pair to pair."""
    widths = (14, 22)

    tables = [student.sinusoidal_positional_encoding(3, width, base=10000.0) for width in widths]

    for table, width in zip(tables, widths, strict=True):
        assert_table(table, 3, width)
        gained = speeds(table)
        assert_true((gained > 0).all(), "There is a pair of columns that does not move from position 0 to position 1.")
        pair = torch.arange(width // 2, dtype=torch.float64)
        rise, run = gained.log() - gained.log().mean(), pair - pair.mean()
        times = float((rise * run).sum() / (run * run).sum()) * width / (-2 * math.log(10000))
        message = (
            f"From pair to pair your waves become slower by the wrong factor: measured on your table, the exponent of "
            f"the base is {times:.2f} times what it should be."
        )
        assert_true(abs(times - 1) < 0.01, message)
        expected = 10000.0 ** (-2 * pair / width)
        assert_close(gained, expected, "attention", "the angles that the pairs gain from one position to the next")


@exercise("sinusoidal_positional_encoding")
@points(2)
@catches("odd_width_crashes", "odd_column_left_empty")
def test_odd_widths_end_with_a_sine(student):
    """A width that is odd has a sine in its last column, without a cosine."""
    sizes = [(7, 5), (11, 3), (13, 17), (5, 1)]

    # With the base 1 all waves are equally fast, so that only the place of sines and cosines counts here.
    found = [student.sinusoidal_positional_encoding(length, width, base=1.0) for length, width in sizes]

    for table, (length, width) in zip(found, sizes, strict=True):
        what = f"the encoding of {length} positions with width {width} and base 1"
        assert_close(table, encoding_by_loops(length, width, 1.0), "attention", what)


@exercise("sinusoidal_positional_encoding")
@points(2)
@catches("odd_width_rounded_up", "odd_width_crashes", "odd_column_left_empty", *WRONG_FREQUENCIES)
def test_odd_widths_have_waves_of_their_own(student):
    """The waves of an odd width are as fast as that width says, and not as fast as those of the next even one."""
    sizes = [(7, 5), (11, 7), (13, 17)]

    found = [student.sinusoidal_positional_encoding(length, width) for length, width in sizes]

    for table, (length, width) in zip(found, sizes, strict=True):
        what = f"the encoding of {length} positions with width {width}"
        assert_close(table, encoding_by_loops(length, width), "attention", what)


@exercise("sinusoidal_positional_encoding")
@points(4)
@catches("base_ignored", "wrong_default_base", "exponent_by_integer_division")
def test_base_decides_how_slow_the_waves_become(student):
    """The base is the caller's, and 10000 when the caller says nothing."""
    bases = [100.0, 500.0, 50.0]

    tables = [student.sinusoidal_positional_encoding(5, 4, base=base) for base in (10000.0, *bases)]
    by_default = [student.sinusoidal_positional_encoding(5, width) for width in (4, 6)]
    by_name = [tables[0], student.sinusoidal_positional_encoding(5, 6, base=10000.0)]

    for table in tables:
        assert_table(table, 5, 4)
    # How the logarithm of a speed depends on the base says nothing about the exponent, which has checks of its own.
    logs = torch.stack([speeds(table)[1].log() for table in tables])
    expected = torch.tensor([math.log(base) / math.log(10000) for base in bases], dtype=torch.float64)
    assert_close(logs[1:] / logs[0], expected, "attention", "the slowness of the second pair, for three other bases")
    for table, right in zip(by_default, by_name, strict=True):
        assert_close(table, right, "attention", "the encoding when no base is given, beside that with the base 10000")


@exercise("sinusoidal_positional_encoding")
@points(3)
@catches(
    "positions_from_one",
    "position_divided_by_length",
    "sine_and_cosine_swapped",
    "halves_in_place_of_pairs",
    "sines_everywhere",
    "positions_in_columns",
    "angles_in_degrees",
)
def test_a_position_is_described_in_the_same_way_in_every_table(student):
    """Position 0 has sines of 0 and cosines of 1, and the first pair turns by 1 radian per step in every table."""
    sizes = ((3, 10), (29, 10), (31, 2), (2999, 2))

    short, long, narrow, far = (student.sinusoidal_positional_encoding(*size) for size in sizes)

    for table, (length, width) in zip((short, long, narrow, far), sizes, strict=True):
        assert_table(table, length, width)
        expected = torch.tensor([[0.0, 1.0] * (width // 2)])
        assert_close(table[:1], expected, "attention", "the row of position 0")
    assert_close(long[:3], short, "attention", "the first three rows of a longer table")
    assert_close(narrow, encoding_by_loops(31, 2), "attention", "the encoding with the width 2, which has one pair")
    # Half precision has no number for every position beyond 2048.
    expected = encoding_by_loops(2999, 2)[2990:]
    assert_close(far[2990:], expected, "attention", "the rows near position 3000 with the width 2")


@exercise("sinusoidal_positional_encoding")
@points(1)
@catches("table_in_double_precision")
def test_encoding_is_float32_and_draws_nothing(student):
    """The table is float32, and making it draws no random number."""
    tables = [student.sinusoidal_positional_encoding(length, 14) for length in (2, 3)]
    after = student.sinusoidal_positional_encoding.aftermath(3, 6)

    assert_true(after.random_state_kept, "The call has moved PyTorch's global random generator.")
    for table in tables:
        assert_equal(getattr(table, "dtype", None), torch.float32, "the dtype of the table")


# --- PositionalEncoding -----------------------------------------------------------------------------------------------


@exercise("PositionalEncoding")
@points(5)
@catches(
    "row_by_sentence",
    "encoding_concatenated",
    "encoding_alone",
    "last_rows_added",
    "sentence_scaled_as_well",
    "encoding_scaled_as_well",
    "one_row_for_all_words",
    *WRONG_ANGLES,
    *WRONG_LAYOUTS,
)
def test_each_word_gets_the_row_of_its_position(student, draw):
    """Row p of the table is added to word p, in every sentence of the batch, whatever the length."""
    x = [draw.normal(3, 5, 14), draw.normal(2, 7, 6), draw.normal(1, 11, 6)]
    layers = [student.PositionalEncoding(14, 23), student.PositionalEncoding(6), student.PositionalEncoding(6, 11)]

    found = [layer(batch) for layer, batch in zip(layers, x, strict=True)]

    for output, batch in zip(found, x, strict=True):
        expected = batch + encoding_by_loops(batch.size(1), batch.size(2))
        assert_close(output, expected, "attention", f"the output for {len(batch)} sentences")


@exercise("PositionalEncoding")
@points(4)
@catches("table_is_a_parameter", "table_is_a_plain_attribute", "table_with_a_batch_axis")
def test_table_is_a_buffer_and_nothing_is_learned(student, draw):
    """The table is a buffer called `pe`: it follows the layer to another dtype, and there is nothing to train."""
    x = draw.normal(1, 1, 7)
    layer = student.PositionalEncoding(7, 11)

    learned = layer.gradients(x).parameters
    wide = layer.double()(x.double())
    table = student.PositionalEncoding(7, 11).get_buffer("pe")
    moved = layer.get_buffer("pe")

    assert_true(not learned, f"PositionalEncoding must learn nothing, but it has the parameters {', '.join(learned)}.")
    assert_close(table, encoding_by_loops(11, 7), "attention", "the buffer pe")
    assert_close(moved, encoding_by_loops(11, 7).double(), "attention", "the buffer pe of a layer in float64")
    assert_close(wide, x.double() + encoding_by_loops(1, 7), "attention", "the output of a layer in float64")


@exercise("PositionalEncoding")
@points(3)
@catches("dropout_left_out", "dropout_on_the_encoding_only", "dropout_on_the_words_only", "dropout_always_on")
def test_dropout_acts_on_the_sum_in_training_only(student, draw):
    """In training some numbers of the sum are 0 and the others are scaled up; in evaluation nothing is dropped."""
    # One word: which row it gets has a check of its own. 602 numbers, so that a share of them can be counted.
    x = draw.normal(1, 1, 602) + 3
    total = x + encoding_by_loops(1, 602)

    all_gone, half = student.PositionalEncoding(602, 3, dropout=1.0), student.PositionalEncoding(602, 3, dropout=0.5)
    nothing_left = [all_gone(words) for words in (x, -x)]
    all_gone.eval()
    in_evaluation = [all_gone(words) for words in (x, -x)]

    for output in nothing_left:
        assert_close(output, torch.zeros_like(x), "exact", "the output in training with a dropout of 1")
    for output, words in zip(in_evaluation, (x, -x), strict=True):
        assert_close(output, words + encoding_by_loops(1, 602), "attention", "the output in evaluation")
    # Last, because what is drawn at random cannot be compared with what a known mistake would draw.
    half_left = half(x)
    assert_equal(tuple(half_left.shape), tuple(x.shape), "the shape of the output in training")
    dropped = half_left == 0
    share = float(dropped.float().mean())  # with a standard deviation of 0.02
    assert_true(0.35 < share < 0.65, f"With a dropout of 0.5, {share:.0%} of the numbers were dropped.")
    assert_close(half_left[~dropped], 2 * total[~dropped], "attention", "what is left with a dropout of 0.5")


@exercise("PositionalEncoding")
@points(1)
@catches("length_not_compared", "longest_sentence_refused")
def test_sentences_longer_than_the_table_are_refused(student, draw):
    """A sentence of max_len words is served, a longer one raises a ValueError, even when shapes would broadcast."""
    x = draw.normal(2, 7, 6)
    small, tiny = student.PositionalEncoding(6, 5), student.PositionalEncoding(6, 1)

    fits = [small(x[:1, :5]), tiny(x[:1, :1])]
    by_default = student.PositionalEncoding(2).get_buffer("pe")

    for output, length in zip(fits, (5, 1), strict=True):
        assert_equal(tuple(output.shape), (1, length, 6), "the shape of the output for a sentence of max_len words")
    assert_equal(len(by_default), 5000, "the number of rows in the buffer pe when max_len is not given")
    assert_raises("ValueError", tiny, x)
    assert_raises("ValueError", small, x)


@exercise("PositionalEncoding")
@points(2)
@catches("sentence_changed_in_place", "half_precision_lost", "sentence_cut_off")
def test_layer_leaves_words_as_they_came(student, draw):
    """The dtype of the words is kept, gradients pass, and neither the argument nor the random state is changed."""
    x, toward = draw.normal(2, 5, 6), draw.normal(2, 5, 6)
    layer = student.PositionalEncoding(6, 11)
    layer.eval()

    left = layer.aftermath(x)
    in_half = [layer(x.to(dtype)) for dtype in (torch.float16, torch.bfloat16)]
    plain, turned = layer(x), layer(x.transpose(0, 1).contiguous().transpose(0, 1))
    gradients = [layer.gradients(words, toward=toward).arguments[0] for words in (x, -x)]

    assert_left_alone(left, x)
    for output, dtype in zip(in_half, (torch.float16, torch.bfloat16), strict=True):
        assert_equal(output.dtype, dtype, f"the dtype of the output for {dtype} words")
    assert_close(turned, plain, "attention", "the output for words that are not contiguous")
    for gradient in gradients:
        assert_gradient(gradient, toward, "the words")


# --- LearnedPositionalEmbedding ---------------------------------------------------------------------------------------


def learned(student, table):
    """A layer of the student's with this table."""
    layer = student.LearnedPositionalEmbedding(*table.shape)
    load(layer, "LearnedPositionalEmbedding", {"embedding.weight": table})
    return layer


@exercise("LearnedPositionalEmbedding")
@points(4)
@catches(
    "learned_row_by_sentence",
    "learned_row_of_the_length",
    "learned_rows_from_one",
    "learned_rows_alone",
    "learned_rows_concatenated",
    "whole_table_added",
    "learned_rows_scaled",
    "last_learned_rows",
)
def test_each_word_gets_the_learned_row_of_its_position(student, draw):
    """Row p of the table is added to word p, in every sentence of the batch, whatever the words are."""
    table = draw.normal(11, 7)
    layer = learned(student, table)
    x = [draw.normal(3, 5, 7), draw.normal(2, 3, 7), torch.zeros(2, 7, 7)]

    found = [layer(batch) for batch in x]

    for output, batch in zip(found, x, strict=True):
        expected = batch + table[: batch.size(1)]
        assert_close(output, expected, "attention", f"the output for {len(batch)} sentences of {batch.size(1)} words")


@exercise("LearnedPositionalEmbedding")
@points(2)
@catches("learned_rows_cut_off", "learned_row_by_sentence", "learned_rows_from_one", "last_learned_rows")
def test_positions_that_occur_are_trained(student, draw):
    """Each row gets the gradients of its words in all sentences; a row whose position does not occur gets none."""
    layer = learned(student, draw.normal(7, 5))
    x, toward = draw.normal(2, 3, 5), draw.normal(2, 3, 5)

    found = layer.gradients(x, toward=toward)
    layer.gradients(-x, toward=toward)

    expected = torch.zeros(7, 5)
    expected[:3] = toward.sum(0)
    assert_gradient(found.parameters["embedding.weight"], expected, "embedding.weight")
    assert_gradient(found.arguments[0], toward, "the words")


@exercise("LearnedPositionalEmbedding")
@points(2)
@catches("learned_length_not_compared", "learned_last_row_repeated")
def test_learned_table_refuses_sentences_that_are_too_long(student, draw):
    """A sentence of max_len words is served, a longer one raises a ValueError."""
    table, x = draw.normal(5, 3), draw.normal(2, 11, 3)
    layer = learned(student, table)

    assert_close(layer(x[:, :5]), x[:, :5] + table, "attention", "the output for a sentence of max_len words")
    assert_raises("ValueError", layer, x[:, :6])
    assert_raises("ValueError", layer, x)


@exercise("LearnedPositionalEmbedding")
@points(2)
@catches("table_under_another_name", "table_sizes_swapped", "learned_words_changed_in_place")
def test_learned_table_is_all_that_is_learned(student, draw):
    """The layer learns `embedding.weight`, (max_len, D), and nothing else; a call changes nothing."""
    x = draw.normal(2, 3, 5)
    layer = learned(student, draw.normal(7, 5))

    left = [layer.aftermath(words) for words in (x, -x)]
    assert_learns(layer, "LearnedPositionalEmbedding", (x,), {"embedding.weight": (7, 5)})
    wide = layer.double()(x.double())

    for after, words in zip(left, (x, -x), strict=True):
        assert_left_alone(after, words)
    assert_equal(wide.dtype, torch.float64, "the dtype of the output of a layer in float64")


# --- TokenEmbedding ---------------------------------------------------------------------------------------------------


def embedding(student, table, **arguments):
    """A layer of the student's with this table."""
    layer = student.TokenEmbedding(*table.shape, **arguments)
    load(layer, "TokenEmbedding", {"embedding.weight": table})
    return layer


@exercise("TokenEmbedding")
@points(4)
@catches(
    "embedding_not_scaled",
    "scaled_by_the_width",
    "scaled_down",
    "scaled_by_the_vocabulary",
    "root_rounded_down",
    "scale_the_other_way_round",
    "vectors_of_length_one",
)
def test_words_become_rows_times_the_root_of_the_width(student, draw):
    """Each id becomes its row of the table, times the root of the width."""
    tables, ids = [draw.normal(13, 7), draw.normal(17, 11)], [draw.integers(0, 13, 3, 5), draw.integers(0, 17, 2, 3)]

    found = [embedding(student, table)(i) for table, i in zip(tables, ids, strict=True)]
    embedding(student, tables[0], scale=False)(ids[0])  # tells a factor that is missing from one in the wrong place

    for output, table, i in zip(found, tables, ids, strict=True):
        expected = (table.double() * math.sqrt(table.size(1)))[i].float()
        assert_close(output, expected, "attention", "the vectors")


@exercise("TokenEmbedding")
@points(2)
@catches("always_scaled", "scale_the_other_way_round", "vectors_of_length_one")
def test_words_are_plain_rows_without_the_scale(student, draw):
    """With scale=False each id becomes its row of the table, as it is."""
    table, ids = draw.normal(13, 7), draw.integers(0, 13, 3, 5)
    layer = embedding(student, table, scale=False)

    found = [layer(i) for i in (ids, ids[:, :2], ids[:1])]
    embedding(student, table)(ids)  # tells a factor that is always there from one in the wrong place

    for output, i in zip(found, (ids, ids[:, :2], ids[:1]), strict=True):
        assert_close(output, table[i], "attention", "the vectors with scale=False")


@exercise("TokenEmbedding")
@points(1)
@catches("vocabulary_and_width_swapped")
def test_embedding_is_all_that_is_learned(student, draw):
    """The layer learns `embedding.weight`, (V, D), and nothing else."""
    layer = student.TokenEmbedding(13, 7)
    assert_learns(layer, "TokenEmbedding", (draw.integers(0, 7, 2, 3),), {"embedding.weight": (13, 7)})


@exercise("TokenEmbedding")
@points(2)
@catches("first_word_taken_for_padding", "rows_cut_off")
def test_every_word_is_trained(student, draw):
    """The row of each id gets the gradients of all its occurrences, id 0 included."""
    table, toward = draw.normal(11, 5), draw.normal(2, 3, 5)
    ids = torch.tensor([[0, 3, 0], [10, 0, 7]])
    layer = embedding(student, table, scale=False)

    found = layer.gradients(ids, toward=toward).parameters["embedding.weight"]
    layer.gradients(10 - ids, toward=toward)

    expected = torch.zeros(11, 5).index_add(0, ids.flatten(), toward.reshape(-1, 5))
    assert_gradient(found, expected, "embedding.weight")


@exercise("TokenEmbedding")
@points(1)
@catches("table_scaled_in_place", "vectors_of_length_one")
def test_looking_words_up_changes_nothing(student, draw):
    """Two calls give the same vectors, and neither the table nor the ids nor the random state are changed."""
    table, ids = 3 * draw.normal(11, 5), draw.integers(0, 11, 2, 3)
    layer = embedding(student, table)

    first, after, second = layer(ids), layer.aftermath(ids), layer(ids)

    assert_left_alone(after, ids)
    assert_close(second, first, "exact", "the vectors of a later call")
    assert_close(layer.state_dict()["embedding.weight"], table, "exact", "embedding.weight after the calls")
    wide = layer.double()(ids)
    assert_equal(wide.dtype, torch.float64, "the dtype of the vectors of a layer in float64")


# --- relative_position_index ------------------------------------------------------------------------------------------


def assert_indices(student, *sizes):
    """The index is right for each (len_q, len_k, max_distance)."""
    found = [student.relative_position_index(*size) for size in sizes]
    for index, (len_q, len_k, k) in zip(found, sizes, strict=True):
        what = f"the index for {len_q} queries, {len_k} keys and the largest distance {k}"
        assert_close(index, index_by_loops(len_q, len_k, k), "exact", what)


@exercise("relative_position_index")
@points(5)
@catches(*WRONG_WAYS)
def test_ways_are_counted_from_the_query(student):
    """Row i, column j numbers the way from query i to key j: left of k to the left, right of k to the right."""
    assert_indices(student, (5, 5, 2), (7, 7, 3))


@exercise("relative_position_index")
@points(4)
@catches("index_for_squares_only", "index_on_its_side", *WRONG_WAYS)
def test_queries_and_keys_may_differ_in_number(student):
    """The index has a row for each query and a column for each key, however many there are."""
    assert_indices(student, (3, 7, 2), (11, 5, 3), (1, 7, 5))


@exercise("relative_position_index")
@points(3)
@catches(*(way for way in WRONG_WAYS if way not in ("way_from_key_to_query", "distance_without_direction")))
def test_far_ways_are_all_the_same(student):
    """Ways longer than the largest distance are counted as that distance, on both sides; it may be 1, 0 or large."""
    sizes = [(11, 11, 1), (7, 5, 2), (5, 5, 0), (3, 5, 13)]

    found = [student.relative_position_index(*size) for size in sizes]

    for index, (len_q, len_k, k) in zip(found, sizes, strict=True):
        assert_true(isinstance(index, torch.Tensor), "relative_position_index must return a tensor.")
        # How far from the middle, on whichever side: the direction has checks of its own.
        distance, right = (index - k).abs(), (index_by_loops(len_q, len_k, k) - k).abs()
        assert_close(distance, right, "exact", f"how far the index is from {k} when {k} is the largest distance")


@exercise("relative_position_index")
@points(2)
@catches("index_as_float")
def test_index_can_look_up_a_table(student, draw):
    """The index is int64, and looks up one row of a table for every pair."""
    table = draw.normal(5, 3)

    found = [student.relative_position_index(7, length, 2) for length in (5, 3)]

    for index, length in zip(found, (5, 3), strict=True):
        assert_equal(getattr(index, "dtype", None), torch.int64, "the dtype of the index")
        assert_close(table[index.clamp(0, 4)], table[index_by_loops(7, length, 2)], "exact", "what the index looks up")


@exercise("relative_position_index")
@points(1)
@catches("negative_distance_accepted")
def test_a_distance_below_zero_is_refused(student):
    """A largest distance that is negative raises a ValueError."""
    assert_raises("ValueError", student.relative_position_index, 3, 5, -1)
    assert_raises("ValueError", student.relative_position_index, 5, 3, -7)


# --- RelativeSelfAttention --------------------------------------------------------------------------------------------

MAPS = ("w_q", "w_k", "w_v", "w_o")


def relative_weights(draw, d_model, num_heads, k):
    """Weights for the layer, of a size that keeps the scores near 1."""
    weights = {f"{name}.weight": draw.normal(d_model, d_model) / math.sqrt(d_model) for name in MAPS}
    weights |= {f"{name}.bias": draw.normal(d_model) / 2 for name in MAPS}
    return weights | {"bias.weight": draw.normal(2 * k + 1, num_heads)}


def relative(student, weights, d_model, num_heads, k):
    """A layer of the student's with these weights."""
    layer = student.RelativeSelfAttention(d_model, num_heads, k)
    load(layer, "RelativeSelfAttention", weights)
    return layer


def attend_by_loops(x, weights, num_heads, k, mask=None):
    """Output and weights of the layer in float64, one head and one query at a time."""
    w = {name: tensor.double() for name, tensor in weights.items()}
    q, key, v = (x.double() @ w[f"{m}.weight"].T + w[f"{m}.bias"] for m in MAPS[:3])
    (batch, length, width), d = x.shape, x.size(-1) // num_heads
    mask = torch.ones(1, dtype=torch.bool) if mask is None else mask
    mask = mask.expand(batch, num_heads, length, length)
    joined = torch.zeros(batch, length, width, dtype=torch.float64)
    attention = torch.zeros(batch, num_heads, length, length, dtype=torch.float64)
    for b in range(batch):
        for h in range(num_heads):
            own = slice(h * d, (h + 1) * d)
            for i in range(length):
                row = torch.full((length,), -math.inf, dtype=torch.float64)
                for j in range(length):
                    if mask[b, h, i, j]:
                        way = w["bias.weight"][max(-k, min(k, j - i)) + k, h]
                        row[j] = q[b, i, own] @ key[b, j, own] / math.sqrt(d) + way
                if mask[b, h, i].any():
                    attention[b, h, i] = torch.softmax(row, -1)
                joined[b, i, own] = attention[b, h, i] @ v[b, :, own]
    return joined @ w["w_o.weight"].T + w["w_o.bias"], attention


def attend_by_torch(x, w, num_heads, k):
    """The layer's output in the dtype of x, for gradients."""
    length = x.size(1)
    q, key, v = (
        torch.nn.functional.linear(x, w[f"{m}.weight"], w[f"{m}.bias"]).unflatten(-1, (num_heads, -1)).transpose(1, 2)
        for m in MAPS[:3]
    )
    bias = w["bias.weight"][index_by_loops(length, length, k)].permute(2, 0, 1)
    output = torch.nn.functional.scaled_dot_product_attention(q, key, v, attn_mask=bias)
    return torch.nn.functional.linear(output.transpose(1, 2).reshape(x.shape), w["w_o.weight"], w["w_o.bias"])


@exercise("RelativeSelfAttention")
@points(3)
@catches("maps_without_bias", "table_one_row_short", "table_without_a_module")
def test_layer_learns_four_maps_and_a_table(student, draw):
    """The layer learns `w_q`, `w_k`, `w_v` and `w_o` with their biases, the table `bias`, and nothing else."""
    for d_model, num_heads, k in ((15, 3, 2), (14, 2, 5)):
        expected = {f"{m}.weight": (d_model, d_model) for m in MAPS} | {f"{m}.bias": (d_model,) for m in MAPS}
        expected["bias.weight"] = (2 * k + 1, num_heads)
        layer = student.RelativeSelfAttention(d_model, num_heads, k)
        assert_learns(layer, "RelativeSelfAttention", (draw.normal(2, 3, d_model),), expected)


@exercise("RelativeSelfAttention")
@points(7)
@catches(
    *WRONG_BIASES,
    *WRONG_HEADS,
    *WRONG_WAYS,
    "heads_averaged",
    "index_on_its_side",
    "only_the_output",
    "later_words_hidden",
)
def test_scores_are_moved_by_the_way_between_two_words(student, draw):
    """Each head adds its own number for the way from query to key to the scores; output and weights are right."""
    # Short and long sentences: with a largest distance of 2 some ways of the long one are clipped.
    cases = [((15, 3, 2), (2, 7)), ((14, 2, 2), (3, 5)), ((15, 5, 11), (2, 4))]
    weights = [relative_weights(draw, *sizes) for sizes, _ in cases]
    x = [draw.normal(*shape, sizes[0]) for sizes, shape in cases]

    found = [relative(student, w, *sizes)(words) for (sizes, _), w, words in zip(cases, weights, x, strict=True)]

    for (output, attention), (sizes, _), w, words in zip(found, cases, weights, x, strict=True):
        right_output, right_attention = attend_by_loops(words, w, *sizes[1:])
        assert_close(attention, right_attention.float(), "attention", "the weights")
        assert_close(output, right_output.float(), "attention", "the output")


@exercise("RelativeSelfAttention")
@points(5)
@catches("mask_left_out", "mask_after_the_softmax", "mask_on_its_side", "mask_inverted")
def test_layer_with_a_mask(student, draw):
    """A mask hides keys, for all heads and queries or for some, whatever the bias of the way is."""
    sizes = (15, 3, 2)
    x, weights = draw.normal(2, 5, 15), relative_weights(draw, *sizes)
    plain = weights | {"bias.weight": torch.zeros(5, 3)}
    masks = [draw.mask(5, 5), draw.mask(2, 1, 1, 5), draw.mask(2, 1, 5, 5), draw.mask(2, 3, 5, 5)]
    layer, biased = relative(student, plain, *sizes), relative(student, weights, *sizes)

    # With a table of zeros, so that only the mask counts; and with another one, which must not lift what is hidden.
    found = [layer(x, mask) for mask in masks]
    lifted = [biased(x, mask) for mask in masks]

    for (output, attention), mask in zip(found, masks, strict=True):
        right_output, right_attention = attend_by_loops(x, plain, 3, 2, mask)
        what = f"with a mask of shape {tuple(mask.shape)}"
        assert_close(attention, right_attention.float(), "attention", f"the weights {what}")
        assert_close(output, right_output.float(), "attention", f"the output {what}")
    for (_, attention), mask in zip(lifted, masks, strict=True):
        assert_equal(tuple(attention.shape), (2, 3, 5, 5), "the shape of the weights")
        hidden = attention[~mask.expand(2, 3, 5, 5)]
        assert_close(hidden, torch.zeros_like(hidden), "softmax", "the weight of a hidden key")


@exercise("RelativeSelfAttention")
@points(4)
@catches(*WRONG_BIASES, "way_from_key_to_query", "distance_without_direction", "heads_averaged")
def test_equal_words_reveal_the_table(student, draw):
    """Among equal words only the way counts: the weights of a query differ exactly as the table says."""
    sizes, found, expected = (15, 3, 2), [], []
    for length in (7, 5):
        weights = relative_weights(draw, *sizes)
        x = draw.normal(2, 1, 15).expand(2, length, 15).contiguous()
        _, attention = relative(student, weights, *sizes)(x)
        assert_equal(tuple(attention.shape), (2, 3, length, length), "the shape of the weights")
        assert_true((attention > 0).all(), "Without a mask every weight is larger than 0.")
        logs = attention.double().log()
        found.append(logs - logs.mean(-1, keepdim=True))
        table = weights["bias.weight"].double()[index_by_loops(length, length, 2)].permute(2, 0, 1)
        expected.append((table - table.mean(-1, keepdim=True)).expand(2, -1, -1, -1))

    for logs, right in zip(found, expected, strict=True):
        assert_close(logs, right, "attention", "the biases that your weights reveal, with their mean in each row at 0")


@exercise("RelativeSelfAttention")
@points(3)
@catches("bias_cut_off", "bias_left_out", "bias_after_the_softmax", "one_map_for_queries_and_keys", "no_output_map")
def test_gradients_reach_the_table_and_the_maps(student, draw):
    """Gradients reach the input, the four maps and every row of the table that was used."""
    sizes = (15, 3, 2)
    x, toward, weights = draw.normal(2, 5, 15), draw.normal(2, 5, 15), relative_weights(draw, *sizes)
    layer = relative(student, weights, *sizes)

    found = layer.gradients(x, toward=toward)
    layer.gradients(-x, toward=toward)

    leaves = {name: tensor.double().requires_grad_() for name, tensor in ({"x": x} | weights).items()}
    (attend_by_torch(leaves["x"], leaves, 3, 2) * toward.double()).sum().backward()
    for name in weights:
        assert_gradient(found.parameters.get(name), leaves[name].grad.float(), name)
    assert_gradient(found.arguments[0], leaves["x"].grad.float(), "the input")


@exercise("RelativeSelfAttention")
@points(1)
@catches("nothing_to_attend_to_gives_nan")
def test_a_word_that_may_attend_to_nothing(student, draw):
    """A word that may attend to nothing gets weights of exactly 0, and all gradients stay finite."""
    sizes = (15, 3, 2)
    x, mask = draw.normal(2, 5, 15), draw.mask(2, 1, 5, 5)
    weights = relative_weights(draw, *sizes) | {"bias.weight": torch.zeros(5, 3)}
    mask[0, 0, 1] = mask[1, 0, 4] = False
    layer = relative(student, weights, *sizes)

    output, attention = layer(x, mask)
    gradient = layer.gradients(x, mask, toward=draw.normal(2, 5, 15)).arguments[0]

    right_output, right_attention = attend_by_loops(x, weights, 3, 2, mask)
    empty = ~mask.any(-1).squeeze(1)
    assert_close(attention, right_attention.float(), "attention", "the weights")
    assert_close(attention.transpose(1, 2)[empty], torch.zeros(2, 3, 5), "exact", "the weights of such a word")
    assert_close(output[~empty], right_output[~empty].float(), "attention", "the output of the other words")
    finite = gradient is None or gradient.isfinite().all()
    assert_true(finite, "The gradients are not finite when a word may attend to nothing.")


@exercise("RelativeSelfAttention")
@points(2)
@catches("heads_that_do_not_divide", "mask_changed_in_place")
def test_layer_says_no_and_leaves_its_input_alone(student, draw):
    """A width that heads cannot share raises a ValueError; a call changes neither arguments nor the random state."""
    sizes = (15, 3, 2)
    x, mask = draw.normal(2, 5, 15), draw.mask(2, 1, 5, 5)
    layer = relative(student, relative_weights(draw, *sizes), *sizes)

    left = [layer.aftermath(x, mask), layer.aftermath(-x, mask)]
    layer.eval()
    left.append(layer.aftermath(x, mask))
    wide = layer.double()(x.double(), mask)

    for after, words in zip(left, (x, -x, x), strict=True):
        assert_left_alone(after, words, mask)
    for tensor in wide:
        assert_equal(tensor.dtype, torch.float64, "the dtype of the results of a layer in float64")
    assert_raises("ValueError", student.RelativeSelfAttention, 14, 3, 2)
    assert_raises("ValueError", student.RelativeSelfAttention, 7, 5, 2)


# --- apply_rope -------------------------------------------------------------------------------------------------------


def turn_by_loops(x, base=10000.0, offset=0):
    """Every arrow turned as a complex number, as float32."""
    turned, d = x.double().clone(), x.size(-1)
    for p in range(x.size(-2)):
        for i in range(d // 2):
            angle = (p + offset) / base ** (2 * i / d)
            a, b = x[..., p, 2 * i].double(), x[..., p, 2 * i + 1].double()
            turned[..., p, 2 * i] = a * math.cos(angle) - b * math.sin(angle)
            turned[..., p, 2 * i + 1] = a * math.sin(angle) + b * math.cos(angle)
    return turned.float()


@exercise("apply_rope")
@points(6)
@catches("rope_positions_from_one", *WRONG_TURNS)
def test_every_pair_is_turned_by_its_angle(student, draw):
    """Each pair of adjacent channels is turned by the angle of its position and its frequency."""
    x = [draw.normal(2, 3, 5, 6), draw.normal(1, 2, 11, 14), draw.normal(3, 5, 7, 2)]

    found = [student.apply_rope(batch) for batch in x]

    for turned, batch in zip(found, x, strict=True):
        assert_close(turned, turn_by_loops(batch), "attention", f"the result for the width {batch.size(-1)}")


@exercise("apply_rope")
@points(4)
@catches(*(turn for turn in WRONG_TURNS if turn != "coordinates_left_in_halves"))
def test_dot_products_see_distances_only(student, draw):
    """The dot product of a turned query and a turned key depends on their distance, and in the right way."""
    query, key = draw.normal(2, 3, 1, 6), draw.normal(2, 3, 1, 6)

    turned_q, turned_k = (student.apply_rope(t.expand(2, 3, 7, 6).contiguous()) for t in (query, key))

    for turned in (turned_q, turned_k):
        assert_equal(tuple(turned.shape), (2, 3, 7, 6), "the shape of the result")
    scores = turned_q.double() @ turned_k.double().transpose(-2, -1)
    a, b, c, d = (t.squeeze(-2).double() for t in (query[..., 0::2], query[..., 1::2], key[..., 0::2], key[..., 1::2]))
    expected = torch.zeros(2, 3, 7, 7, dtype=torch.float64)
    for m in range(7):
        for n in range(7):
            angle = (m - n) * 10000.0 ** (-torch.arange(0, 6, 2, dtype=torch.float64) / 6)
            expected[..., m, n] = ((a * c + b * d) * angle.cos() + (a * d - b * c) * angle.sin()).sum(-1)
    assert_close(scores, expected, "attention", "the dot products of turned queries and keys")


@exercise("apply_rope")
@points(2)
@catches("turned_as_a_reflection", "minus_sign_lost", "waves_added_instead_of_turning", "rope_positions_from_one")
def test_turning_keeps_lengths_and_the_first_position(student, draw):
    """Position 0 is not turned, and no arrow becomes longer or shorter."""
    x = draw.normal(2, 3, 5, 6)

    found = [student.apply_rope(t) for t in (x, -2 * x)]

    for turned, batch in zip(found, (x, -2 * x), strict=True):
        assert_equal(tuple(turned.shape), (2, 3, 5, 6), "the shape of the result")
        assert_close(turned[..., 0, :], batch[..., 0, :], "attention", "the first position")
        lengths, expected = turned.unflatten(-1, (3, 2)).norm(dim=-1), batch.unflatten(-1, (3, 2)).norm(dim=-1)
        assert_close(lengths, expected, "attention", "the lengths of the arrows")


@exercise("apply_rope")
@points(4)
@catches("offset_ignored", "offset_subtracted", "offset_cuts_positions_off")
def test_offset_continues_where_an_earlier_call_ended(student, draw):
    """With an offset the first position is that one: the second half of a sentence can be turned on its own."""
    # A single pair, whose speed is 1 whatever the base: how speeds fall from pair to pair has a check of its own.
    x = draw.normal(2, 3, 11, 2)

    late, far = student.apply_rope(x[..., 4:, :], offset=4), student.apply_rope(x[..., :3, :], offset=31)
    # Half precision has no number for every position beyond 2048.
    farther = student.apply_rope(x[..., :3, :], offset=2999)

    assert_close(late, turn_by_loops(x)[..., 4:, :], "attention", "the later positions, turned on their own")
    assert_close(far, turn_by_loops(x[..., :3, :], offset=31), "attention", "three positions with an offset of 31")
    expected = turn_by_loops(x[..., :3, :], offset=2999)
    assert_close(farther, expected, "attention", "three positions with an offset of 2999")


@exercise("apply_rope")
@points(1)
@catches("rope_base_ignored")
def test_base_decides_how_slowly_the_later_pairs_turn(student):
    """The base is the caller's, and decides how much slower one pair turns than the one before it."""
    x = torch.tensor([1.0, 0.0, 1.0, 0.0]).expand(1, 1, 2, 4).contiguous()

    found = [student.apply_rope(x, base=base) for base in (10000.0, 100.0, 50.0)]

    for turned in found:
        assert_equal(tuple(turned.shape), (1, 1, 2, 4), "the shape of the result")
    logs = torch.stack([torch.atan2(t[0, 0, 1, 3], t[0, 0, 1, 2]).double().abs().log() for t in found])
    expected = torch.tensor([math.log(base) / math.log(10000) for base in (100, 50)], dtype=torch.float64)
    assert_close(logs[1:] / logs[0], expected, "attention", "the slowness of the second pair, for two other bases")


@exercise("apply_rope")
@points(1)
@catches("rope_in_single_precision", "turned_in_place", "rope_cut_off")
def test_turning_fits_into_a_larger_computation(student, draw):
    """The dtype is kept, gradients flow back, and neither the argument nor the random state is changed."""
    x, toward = draw.normal(2, 3, 5, 2), draw.normal(2, 3, 5, 2)

    wide = [student.apply_rope(t.double()) for t in (x, -x)]
    in_half = student.apply_rope(x.half())
    plain, turned = student.apply_rope(x), student.apply_rope(x.transpose(1, 2).contiguous().transpose(1, 2))
    left = [student.apply_rope.aftermath(t) for t in (x, -x)]
    gradients = [student.apply_rope.gradients(t, toward=toward).arguments[0] for t in (x, -x)]

    for found, t in zip(wide, (x, -x), strict=True):
        assert_close(found, turn_by_loops(t).double(), "attention", "the result for float64")
    assert_equal(in_half.dtype, torch.float16, "the dtype of the result for float16")
    assert_close(turned, plain, "attention", "the result for a tensor that is not contiguous")
    for after, before in zip(left, (x, -x), strict=True):
        assert_left_alone(after, before)
    # Turning back is what the gradient does: the inverse of a rotation is its transpose.
    signs = torch.tensor([1.0, -1.0])
    expected = turn_by_loops(toward * signs) * signs
    for gradient in gradients:
        assert_gradient(gradient, expected, "the argument")


@exercise("apply_rope")
@points(2)
@catches("odd_rope_width_accepted")
def test_an_odd_width_cannot_be_turned(student, draw):
    """A width that is odd leaves one channel without a partner: it raises a ValueError."""
    assert_raises("ValueError", student.apply_rope, draw.normal(2, 3, 5, 7))
    assert_raises("ValueError", student.apply_rope, draw.normal(2, 2, 3, 1))


# --- alibi_bias -------------------------------------------------------------------------------------------------------


def alibi_by_loops(num_heads, len_q, len_k):
    """The biases, one at a time."""
    return torch.tensor(
        [
            [[-(2 ** (-8 * h / num_heads)) * abs(j - i) for j in range(len_k)] for i in range(len_q)]
            for h in range(1, num_heads + 1)
        ]
    )


@exercise("alibi_bias")
@points(4)
@catches(*WRONG_SLOPES, "bias_with_the_wrong_sign")
def test_slopes_fall_geometrically_from_head_to_head(student):
    """The bias of the next word reveals the slope of each head: a geometric sequence that ends at 2 ** -8."""
    counts = (8, 3, 5, 4)

    found = [student.alibi_bias(heads, 2, 3) for heads in counts]

    for bias, heads in zip(found, counts, strict=True):
        assert_true(
            isinstance(bias, torch.Tensor) and tuple(bias.shape) == (heads, 2, 3),
            f"{heads} heads, 2 queries and 3 keys must give a tensor of the shape ({heads}, 2, 3).",
        )
        expected = torch.tensor([-(2 ** (-8 * h / heads)) for h in range(1, heads + 1)])
        assert_close(bias[:, 0, 1], expected, "attention", f"the bias of the next word for {heads} heads")


@exercise("alibi_bias")
@points(4)
@catches(
    *WRONG_SLOPES,
    "bias_with_the_wrong_sign",
    "future_rewarded",
    "future_forgotten",
    "distance_squared",
    "key_positions_for_distances",
    "alibi_for_squares_only",
)
def test_biases_fall_with_the_distance_on_both_sides(student):
    """Each head's bias is minus its slope times the distance, to the left and to the right."""
    sizes = [(3, 5, 5), (4, 7, 3), (2, 3, 11)]

    found = [student.alibi_bias(*size) for size in sizes]

    for bias, size in zip(found, sizes, strict=True):
        what = f"the biases for {size[0]} heads, {size[1]} queries and {size[2]} keys"
        assert_close(bias, alibi_by_loops(*size), "attention", what)


@exercise("alibi_bias")
@points(2)
@catches("bias_without_heads_axis", "bias_in_double_precision")
def test_biases_can_be_added_to_scores(student, draw):
    """The biases are float32, one table per head, and fit onto scores of shape (B, H, Lq, Lk)."""
    scores = draw.normal(2, 3, 5, 7)

    found = [student.alibi_bias(3, 5, length) for length in (7, 2)]
    after = student.alibi_bias.aftermath(3, 5, 7)

    assert_true(after.random_state_kept, "The call has moved PyTorch's global random generator.")
    for bias, length in zip(found, (7, 2), strict=True):
        assert_equal(getattr(bias, "dtype", None), torch.float32, "the dtype of the biases")
        assert_equal(tuple(bias.shape), (3, 5, length), "the shape of the biases")
    assert_close(scores + found[0], scores + alibi_by_loops(3, 5, 7), "attention", "scores with the biases added")


# --- add_positions ----------------------------------------------------------------------------------------------------

WRONG_ROWS = (
    "rows_by_sentence",
    "mended_by_half",
    "positions_left_first",
    "last_row_for_all",
    "rows_from_the_end",
    "positions_alone",
)


def with_positions(x, pe):
    """Word by word: row p for the word at position p of every sentence."""
    return torch.stack([x[:, p] + pe[p] for p in range(x.size(1))], dim=1)


@exercise("add_positions")
@points(2)
@catches(*WRONG_ROWS)
def test_rows_are_counted_by_position(student, draw):
    """The word at position p gets row p, whatever the number of sentences."""
    # As many sentences as words on purpose, too: rows that are counted by sentence then raise no error.
    cases = [
        (draw.normal(*shape), draw.normal(13, shape[-1])) for shape in ((2, 5, 7), (3, 3, 5), (7, 2, 3), (1, 5, 3))
    ]
    found = [student.add_positions(x, pe) for x, pe in cases]
    for output, (x, pe) in zip(found, cases, strict=True):
        assert_close(output, with_positions(x, pe), "attention", f"the output for x of shape {tuple(x.shape)}")


@exercise("add_positions")
@points(1)
@catches("rows_by_sentence", "mended_by_half")
def test_equal_sentences_stay_equal_in_any_batch(student, draw):
    """Equal sentences come out equal, even in a batch of more sentences than the table has rows."""
    sentence, pe = draw.normal(5, 3), draw.normal(7, 3)
    small = student.add_positions(sentence.repeat(2, 1, 1), pe)
    large = student.add_positions(sentence.repeat(11, 1, 1), pe)
    expected = with_positions(sentence[None], pe)
    assert_close(small, expected.repeat(2, 1, 1), "attention", "the output for 2 equal sentences")
    assert_close(large, expected.repeat(11, 1, 1), "attention", "the output for 11 equal sentences")


@exercise("add_positions")
@points(1)
@catches("long_sentences_not_refused", "full_table_refused")
def test_sentences_that_are_too_long_are_refused(student, draw):
    """A sentence may be as long as the table; one word more is a ValueError, even if the table has a single row."""
    x, pe = draw.normal(3, 5, 7), draw.normal(5, 7)
    found = [student.add_positions(x, pe), student.add_positions(x[:, :1], pe[:1])]
    assert_raises("ValueError", student.add_positions, draw.normal(2, 6, 7), pe)
    assert_raises("ValueError", student.add_positions, draw.normal(1, 3, 7), pe[:1])
    assert_close(found[0], with_positions(x, pe), "attention", "the output for a sentence as long as the table")
    assert_close(found[1], with_positions(x[:, :1], pe), "attention", "the output for one word and one row")


@exercise("add_positions")
@points(1)
@catches("dtype_of_the_table", "words_overwritten", "table_cut_off")
def test_added_positions_fit_into_a_larger_computation(student, draw):
    """The dtype of the words is kept, gradients reach words and table, and no argument is changed."""
    # Multiples of 1/8: small enough for float16 to add them without rounding.
    sizes = [((2, 5, 3), (7, 3)), ((3, 2, 5), (11, 5))]
    inputs = [(draw.integers(-20, 20, *x) / 8, draw.integers(-20, 20, *pe) / 8) for x, pe in sizes]
    towards = [draw.normal(*x) for x, _ in sizes]

    in_half = [student.add_positions(x.half(), pe) for x, pe in inputs]
    left = [student.add_positions.aftermath(x, pe) for x, pe in inputs]
    back = [student.add_positions.gradients(*c, toward=w).arguments for c, w in zip(inputs, towards, strict=True)]

    for (x, pe), toward, half, after, gradients in zip(inputs, towards, in_half, left, back, strict=True):
        assert_close(half, with_positions(x, pe).half(), "exact", "the output for words in float16")
        for argument, before in zip(after.arguments, (x, pe), strict=True):
            assert_close(argument, before, "exact", "an argument after the call")
        assert_true(after.random_state_kept, "The call has moved PyTorch's global random generator.")
        of_table = torch.zeros_like(pe)
        of_table[: x.size(1)] = toward.sum(0)
        for name, gradient, expected in zip(("the words", "the table"), gradients, (toward, of_table), strict=True):
            assert_true(gradient is not None, f"No gradient reaches {name}.")
            assert_close(gradient, expected, "gradient", f"the gradient of {name}")


# --- test_sinusoidal_positional_encoding ------------------------------------------------------------------------------

# Tests that fail every group: they stop nothing, or right solutions as well.
BLIND_OR_PICKY = (
    "verdict_returned",
    "equal_to_the_last_digit",
    "no_room_far_out",
    "double_precision_expected",
    "counted_from_one",
)


@exercise("test_sinusoidal_positional_encoding")
@points(3)
@catches("shape_is_enough", "praised_properties", "first_row_only", "one_wave", *BLIND_OR_PICKY)
def test_waves_of_the_wrong_speed_are_stopped(student, draw, suspects):
    """Your test stops tables whose waves have the wrong speeds, and lets every right solution pass."""
    wrong = suspects.wrong(
        "sinusoidal_positional_encoding",
        "doubled_exponent",
        "halved_exponent",
        "exponent_by_integer_division",
        "last_wave_at_the_base",
        "angle_of_its_own_for_every_column",
        "cosine_with_its_own_frequency",
        "frequency_turned_upside_down",
        "angles_in_degrees",
    )
    right = suspects.right("sinusoidal_positional_encoding")
    assert_tells_apart(student.test_sinusoidal_positional_encoding, right, wrong, draw)


@exercise("test_sinusoidal_positional_encoding")
@points(3)
@catches("shape_is_enough", "praised_properties", "first_row_only", "one_wave", *BLIND_OR_PICKY)
def test_waves_in_the_wrong_place_are_stopped(student, draw, suspects):
    """It stops tables with the right waves in the wrong place: other columns, other positions, other lengths."""
    wrong = suspects.wrong(
        "sinusoidal_positional_encoding",
        "halves_in_place_of_pairs",
        "sine_and_cosine_swapped",
        "sines_everywhere",
        "positions_from_one",
        "positions_in_columns",
        "position_divided_by_length",
    )
    right = suspects.right("sinusoidal_positional_encoding")
    assert_tells_apart(student.test_sinusoidal_positional_encoding, right, wrong, draw)


@exercise("test_sinusoidal_positional_encoding")
@points(2)
@catches("shape_is_enough", "praised_properties", "first_row_only", "one_wave", "even_widths_only", *BLIND_OR_PICKY)
def test_wrong_odd_widths_are_stopped(student, draw, suspects):
    """It stops solutions that are wrong for odd widths alone."""
    wrong = suspects.wrong(
        "sinusoidal_positional_encoding", "odd_width_crashes", "odd_column_left_empty", "odd_width_rounded_up"
    )
    right = suspects.right("sinusoidal_positional_encoding")
    assert_tells_apart(student.test_sinusoidal_positional_encoding, right, wrong, draw)


@exercise("test_sinusoidal_positional_encoding")
@points(2)
@catches(
    "shape_is_enough",
    "praised_properties",
    "first_row_only",
    "one_wave",
    "default_base_only",
    "base_always_named",
    "dtype_never_asked",
    *BLIND_OR_PICKY,
)
def test_a_wrong_base_or_dtype_is_stopped(student, draw, suspects):
    """It stops solutions with another base than they should have, given or not, or with another dtype."""
    wrong = suspects.wrong(
        "sinusoidal_positional_encoding", "base_ignored", "wrong_default_base", "table_in_double_precision"
    )
    right = suspects.right("sinusoidal_positional_encoding")
    assert_tells_apart(student.test_sinusoidal_positional_encoding, right, wrong, draw)
