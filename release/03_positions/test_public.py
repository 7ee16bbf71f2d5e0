"""Checks of 03_positions that you may read, run and learn from.

They ask PyTorch, numbers worked out by hand, or properties that must hold for every input; they do not know the
solution. Within an exercise they go from simple to whole: mend the first one that fails. The checks that earn points
ask the same kinds of questions about other inputs.
"""

import math

import torch

from autograder.checks import assert_close, assert_raises, assert_tells_apart, assert_true, exercise, suspect

# --- sinusoidal_positional_encoding -----------------------------------------------------------------------------------


@exercise("sinusoidal_positional_encoding")
def test_table_has_a_row_for_each_position(student):
    """Three positions of width 8 make three rows, and position 0 is 0 1 0 1 0 1 0 1: sines and cosines of 0."""
    table = student.sinusoidal_positional_encoding(3, 8)
    assert_true(tuple(table.shape) == (3, 8), f"The table must have the shape (3, 8), got {tuple(table.shape)}.")
    assert_close(table[0], torch.tensor([0.0, 1.0] * 4), "attention", "row 0")


@exercise("sinusoidal_positional_encoding")
def test_table_worked_out_by_hand(student):
    """With the base 100 and the width 4 the two pairs of position p have the angles p and p / 10."""
    expected = [[math.sin(p), math.cos(p), math.sin(p / 10), math.cos(p / 10)] for p in range(4)]
    table = student.sinusoidal_positional_encoding(4, 4, base=100.0)
    assert_close(table, torch.tensor(expected), "attention", "the table")


@exercise("sinusoidal_positional_encoding")
def test_last_wave_is_the_slowest(student):
    """With the width 8 each wave is ten times slower than the one before: 1, 1/10, 1/100 and 1/1000."""
    table = student.sinusoidal_positional_encoding(2, 8)
    # At position 1 the sine of a pair divided by its cosine is the tangent of what the pair gains in one step.
    gained = torch.atan2(table[1, 0::2], table[1, 1::2])
    assert_close(gained, torch.tensor([1.0, 0.1, 0.01, 0.001]), "attention", "what the four pairs gain in one step")


@exercise("sinusoidal_positional_encoding")
def test_table_of_odd_width(student):
    """A width of 3 has a sine, a cosine and a sine."""
    angle = 1 / 10000 ** (2 / 3)
    table = student.sinusoidal_positional_encoding(2, 3)
    expected = torch.tensor([[0.0, 1.0, 0.0], [math.sin(1), math.cos(1), math.sin(angle)]])
    assert_close(table, expected, "attention", "the table")


@exercise("sinusoidal_positional_encoding")
def test_pairs_lie_on_a_circle(student):
    """Sine and cosine of a pair share one angle, so the sum of their squares is 1, at every position."""
    table = student.sinusoidal_positional_encoding(20, 6)
    squares = table[:, 0::2].square() + table[:, 1::2].square()
    assert_close(squares, torch.ones(20, 3), "attention", "the sums of squares")


# --- PositionalEncoding -----------------------------------------------------------------------------------------------


@exercise("PositionalEncoding")
def test_words_of_zeros_show_the_table(student):
    """Added to words of zeros, the encoding stands there alone, and every sentence of the batch gets the same."""
    output = student.PositionalEncoding(4)(torch.zeros(2, 3, 4))
    assert_true(
        tuple(output.shape) == (2, 3, 4), f"The output must have the shape (2, 3, 4), got {tuple(output.shape)}."
    )
    expected = [[math.sin(p), math.cos(p), math.sin(p / 100), math.cos(p / 100)] for p in range(3)]
    assert_close(output[0], torch.tensor(expected), "attention", "the first sentence")
    assert_close(output[1], output[0], "attention", "the second sentence")


@exercise("PositionalEncoding")
def test_the_words_are_still_there(student, draw):
    """Two sentences that differ by some numbers differ by the same numbers afterwards."""
    x, change = draw.normal(2, 5, 6), draw.normal(2, 5, 6)
    layer = student.PositionalEncoding(6, 11)
    assert_close(layer(x + change) - layer(x), change, "attention", "the difference")


@exercise("PositionalEncoding")
def test_there_is_nothing_to_learn(student, draw):
    """The table is a buffer called `pe`, of shape (max_len, D); the layer has no parameters."""
    layer = student.PositionalEncoding(6, 11)
    parameters = layer.gradients(draw.normal(2, 5, 6)).parameters
    assert_true(not parameters, f"The layer must learn nothing, but it has the parameters {', '.join(parameters)}.")
    shape = tuple(layer.get_buffer("pe").shape)
    assert_true(shape == (11, 6), f"The buffer pe must have the shape (11, 6), got {shape}.")


@exercise("PositionalEncoding")
def test_dropout_drops_in_training_only(student, draw):
    """With a dropout of 1, nothing is left in training, and everything in evaluation."""
    x = draw.normal(2, 5, 6)
    layer, without = student.PositionalEncoding(6, dropout=1.0), student.PositionalEncoding(6)
    assert_close(layer(x), torch.zeros(2, 5, 6), "exact", "the output in training")
    layer.eval()
    assert_close(layer(x), without(x), "attention", "the output in evaluation")


@exercise("PositionalEncoding")
def test_long_sentences_are_refused(student, draw):
    """Six words do not fit into a table of five rows: a ValueError says so."""
    assert_raises("ValueError", student.PositionalEncoding(4, 5), draw.normal(2, 6, 4))


# --- LearnedPositionalEmbedding ---------------------------------------------------------------------------------------


@exercise("LearnedPositionalEmbedding")
def test_learned_rows_worked_out_by_hand(student):
    """With the table 10, 20, 30, 40 of width 1 the sentence 1, 2, 3 becomes 11, 22, 33, in every sentence."""
    layer = student.LearnedPositionalEmbedding(4, 1)
    layer.load_state_dict({"embedding.weight": torch.tensor([[10.0], [20.0], [30.0], [40.0]])}, strict=False)
    output = layer(torch.tensor([[[1.0], [2.0], [3.0]]] * 2))
    assert_close(output, torch.tensor([[[11.0], [22.0], [33.0]]] * 2), "attention", "the output")


@exercise("LearnedPositionalEmbedding")
def test_learned_table_has_a_name_and_a_shape(student):
    """The table is `embedding`, with one row of width 3 for each of 7 positions."""
    state = student.LearnedPositionalEmbedding(7, 3).state_dict()
    found = ", ".join(state) or "none"
    assert_true("embedding.weight" in state, f"There is no parameter embedding.weight; there is: {found}.")
    shape = tuple(state["embedding.weight"].shape)
    assert_true(shape == (7, 3), f"embedding.weight must have the shape (max_len, d_model) = (7, 3), got {shape}.")


@exercise("LearnedPositionalEmbedding")
def test_only_rows_that_occur_are_trained(student, draw):
    """In a batch of two sentences of three words, rows 0 to 2 get a gradient of 2 each, the others none."""
    found = student.LearnedPositionalEmbedding(5, 2).gradients(draw.normal(2, 3, 2)).parameters
    gradient = found.get("embedding.weight")
    assert_true(gradient is not None, "No gradient reaches embedding.weight.")
    assert_close(gradient, torch.tensor([[2.0, 2.0]] * 3 + [[0.0, 0.0]] * 2), "gradient", "the gradient of the table")


@exercise("LearnedPositionalEmbedding")
def test_learned_table_has_no_row_for_long_sentences(student, draw):
    """Six words do not fit into a table of five rows: a ValueError says so."""
    assert_raises("ValueError", student.LearnedPositionalEmbedding(5, 4), draw.normal(2, 6, 4))


# --- TokenEmbedding ---------------------------------------------------------------------------------------------------


@exercise("TokenEmbedding")
def test_words_worked_out_by_hand(student):
    """With the width 4 the row 1, 2, 3, 4 becomes 2, 4, 6, 8."""
    layer = student.TokenEmbedding(3, 4)
    layer.load_state_dict({"embedding.weight": torch.arange(1.0, 13.0).view(3, 4)}, strict=False)
    expected = torch.tensor([[[2.0, 4.0, 6.0, 8.0], [18.0, 20.0, 22.0, 24.0]]])
    assert_close(layer(torch.tensor([[0, 2]])), expected, "attention", "the vectors")


@exercise("TokenEmbedding")
def test_words_without_the_scale(student, draw):
    """With scale=False each id becomes its row, as PyTorch's own look-up has it."""
    table, ids = draw.normal(7, 5), draw.integers(0, 7, 2, 3)
    layer = student.TokenEmbedding(7, 5, scale=False)
    layer.load_state_dict({"embedding.weight": table}, strict=False)
    assert_close(layer(ids), torch.nn.functional.embedding(ids, table), "attention", "the vectors")


@exercise("TokenEmbedding")
def test_two_calls_give_the_same_vectors(student, draw):
    """Looking words up changes nothing: the second call gives what the first one gave."""
    layer, ids = student.TokenEmbedding(7, 5), draw.integers(0, 7, 2, 3)
    assert_close(layer(ids), layer(ids), "exact", "the vectors of the second call")


# --- relative_position_index ------------------------------------------------------------------------------------------


@exercise("relative_position_index")
def test_index_worked_out_by_hand(student):
    """Four words with a largest distance of 2: the word itself is 2, right of it 3 and 4, left of it 1 and 0."""
    expected = torch.tensor([[2, 3, 4, 4], [1, 2, 3, 4], [0, 1, 2, 3], [0, 0, 1, 2]])
    assert_close(student.relative_position_index(4, 4, 2), expected, "exact", "the index")


@exercise("relative_position_index")
def test_index_of_two_queries_and_four_keys(student):
    """Two queries and four keys make two rows and four columns."""
    expected = torch.tensor([[1, 2, 2, 2], [0, 1, 2, 2]])
    assert_close(student.relative_position_index(2, 4, 1), expected, "exact", "the index")


@exercise("relative_position_index")
def test_index_is_the_same_along_each_diagonal(student):
    """One step to the right is the same way everywhere: the index does not change along a diagonal."""
    index = student.relative_position_index(6, 6, 3)
    assert_close(index[1:, 1:], index[:-1, :-1], "exact", "the index, one row down and one column to the right")


@exercise("relative_position_index")
def test_index_wants_a_distance(student):
    """A largest distance of -1 means nothing: a ValueError says so."""
    assert_raises("ValueError", student.relative_position_index, 2, 3, -1)


# --- RelativeSelfAttention --------------------------------------------------------------------------------------------


def relative(student, d_model, num_heads, k, table):
    """A layer with this table, whose maps are the identity, without biases."""
    layer = student.RelativeSelfAttention(d_model, num_heads, k)
    weights = {f"{name}.weight": torch.eye(d_model) for name in ("w_q", "w_k", "w_v", "w_o")}
    weights |= {f"{name}.bias": torch.zeros(d_model) for name in ("w_q", "w_k", "w_v", "w_o")}
    _, missing = layer.load_state_dict(weights | {"bias.weight": table}, strict=False)
    assert_true(not missing, f"RelativeSelfAttention has no parameter {' and no '.join(missing)}.")
    return layer


@exercise("RelativeSelfAttention")
def test_relative_attention_returns_output_and_weights(student, draw):
    """Two sentences of five words, width 6, and three heads: an output of (2, 5, 6), and weights of (2, 3, 5, 5)."""
    output, weights = student.RelativeSelfAttention(6, 3, 2)(draw.normal(2, 5, 6))
    assert_true(
        tuple(output.shape) == (2, 5, 6), f"The output must have the shape (2, 5, 6), got {tuple(output.shape)}."
    )
    shape = tuple(weights.shape)
    assert_true(shape == (2, 3, 5, 5), f"The weights must have the shape (2, 3, 5, 5), got {shape}.")


@exercise("RelativeSelfAttention")
def test_equal_words_worked_out_by_hand(student):
    """Three equal words, biases 0, ln 2 and 0 for left, here and right: half of each weight stays here."""
    layer = relative(student, 2, 1, 1, torch.tensor([[0.0], [math.log(2)], [0.0]]))
    _, weights = layer(torch.ones(1, 3, 2))
    expected = torch.tensor([[1 / 2, 1 / 4, 1 / 4], [1 / 4, 1 / 2, 1 / 4], [1 / 4, 1 / 4, 1 / 2]])
    assert_close(weights, expected.view(1, 1, 3, 3), "attention", "the weights")


@exercise("RelativeSelfAttention")
def test_each_head_looks_its_own_way(student):
    """Head 0 is told to look to the left, head 1 to the right; in the middle of three words they look apart."""
    layer = relative(student, 4, 2, 1, torch.tensor([[90.0, 0.0], [0.0, 0.0], [0.0, 90.0]]))
    _, weights = layer(torch.ones(1, 3, 4))
    expected = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert_close(weights[0, :, 1], expected, "attention", "the weights of the word in the middle")


@exercise("RelativeSelfAttention")
def test_a_table_of_zeros_is_plain_attention(student, draw):
    """With a table of zeros, the output is that of PyTorch's own attention, with a mask too."""
    x, mask = draw.normal(2, 5, 6), draw.mask(2, 1, 5, 5)
    output, _ = relative(student, 6, 3, 2, torch.zeros(5, 3))(x, mask)
    heads = x.view(2, 5, 3, 2).transpose(1, 2)
    expected = torch.nn.functional.scaled_dot_product_attention(heads, heads, heads, attn_mask=mask)
    assert_close(output, expected.transpose(1, 2).reshape(2, 5, 6), "attention", "the output")


@exercise("RelativeSelfAttention")
def test_heads_share_the_width(student):
    """Three heads cannot share a width of 8: a ValueError says so when the layer is made."""
    assert_raises("ValueError", student.RelativeSelfAttention, 8, 3, 2)


# --- add_positions ----------------------------------------------------------------------------------------------------


@exercise("add_positions")
def test_positions_are_added_word_by_word(student):
    """Two sentences of three words, all zeros, and the table 10, 20, 30, 40: both become 10, 20, 30."""
    table = torch.tensor([[10.0], [20.0], [30.0], [40.0]])
    expected = torch.tensor([[[10.0], [20.0], [30.0]]] * 2)
    assert_close(student.add_positions(torch.zeros(2, 3, 1), table), expected, "attention", "the output")


@exercise("add_positions")
def test_a_large_batch_needs_no_longer_table(student, draw):
    """Nine sentences of four words need four rows; five words are one too many, and a ValueError says so."""
    x, table = draw.normal(9, 4, 6), draw.normal(4, 6)
    assert_close(student.add_positions(x, table) - x, table.expand(9, 4, 6), "attention", "what was added")
    assert_raises("ValueError", student.add_positions, draw.normal(2, 5, 6), table)


# --- test_sinusoidal_positional_encoding ------------------------------------------------------------------------------


def all_waves_alike(seq_len, d_model, base=10000.0):
    """Wrong: every pair has the speed of the first one."""
    angle = torch.arange(float(seq_len))[:, None].expand(seq_len, d_model)
    return torch.where(torch.arange(d_model) % 2 == 0, angle.sin(), angle.cos())


def numbers_of_the_positions(seq_len, d_model, base=10000.0):
    """Wrong: the numbers of the positions themselves."""
    return torch.arange(float(seq_len))[:, None].expand(seq_len, d_model).clone()


@exercise("test_sinusoidal_positional_encoding")
def test_your_test_stops_bare_numbers(student, draw):
    """Your own table passes your test; one that holds the numbers of the positions is stopped."""
    right = [student.sinusoidal_positional_encoding]
    wrong = [suspect(numbers_of_the_positions, "row p holds the number p, in every column")]
    assert_tells_apart(student.test_sinusoidal_positional_encoding, right, wrong, draw)


@exercise("test_sinusoidal_positional_encoding")
def test_your_test_stops_waves_that_are_all_alike(student, draw):
    """Your own table passes your test; one in which all waves have the same speed is stopped."""
    right = [student.sinusoidal_positional_encoding]
    wrong = [suspect(all_waves_alike, "all pairs have the speed of the first one")]
    assert_tells_apart(student.test_sinusoidal_positional_encoding, right, wrong, draw)


# --- apply_rope -------------------------------------------------------------------------------------------------------


@exercise("apply_rope")
def test_first_position_is_not_turned(student, draw):
    """The angle of position 0 is 0: it comes out as it went in."""
    x = draw.normal(2, 3, 1, 6)
    assert_close(student.apply_rope(x), x, "attention", "a sentence of one word")


@exercise("apply_rope")
def test_turn_worked_out_by_hand(student):
    """With the width 4 and the base 100 the arrows (1, 0) and (0, 1) of position p are turned by p and p / 10."""
    x = torch.tensor([1.0, 0.0, 0.0, 1.0]).expand(1, 1, 3, 4).contiguous()
    expected = [[math.cos(p), math.sin(p), -math.sin(p / 10), math.cos(p / 10)] for p in range(3)]
    assert_close(student.apply_rope(x, base=100.0), torch.tensor([[expected]]), "attention", "the turned arrows")


@exercise("apply_rope")
def test_dot_products_do_not_change_when_both_words_move(student, draw):
    """Query and key one position further, or five: their dot product stays the same."""
    q, k = draw.normal(1, 1, 3, 6), draw.normal(1, 1, 3, 6)
    scores = [student.apply_rope(q, offset=n) @ student.apply_rope(k, offset=n).transpose(-2, -1) for n in (0, 1, 5)]
    assert_close(scores[1], scores[0], "attention", "the dot products one position further")
    assert_close(scores[2], scores[0], "attention", "the dot products five positions further")


@exercise("apply_rope")
def test_offset_is_the_position_of_the_first_word(student, draw):
    """The second half of a sentence, turned with an offset, is the second half of the turned sentence."""
    x = draw.normal(2, 3, 7, 4)
    whole, half = student.apply_rope(x), student.apply_rope(x[:, :, 3:], offset=3)
    assert_close(half, whole[:, :, 3:], "attention", "the second half")


@exercise("apply_rope")
def test_odd_widths_cannot_be_turned(student, draw):
    """Five channels leave one without a partner: a ValueError says so."""
    assert_raises("ValueError", student.apply_rope, draw.normal(1, 2, 3, 5))


# --- alibi_bias -------------------------------------------------------------------------------------------------------


@exercise("alibi_bias")
def test_biases_worked_out_by_hand(student):
    """Two heads have the slopes 1/16 and 1/256; three words are at most two steps apart."""
    distance = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    expected = torch.stack([-distance / 16, -distance / 256])
    assert_close(student.alibi_bias(2, 3, 3), expected, "attention", "the biases")


@exercise("alibi_bias")
def test_biases_of_two_queries_and_four_keys(student):
    """One head, two queries and four keys: the slope is 1/256."""
    expected = -torch.tensor([[[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 2.0]]]) / 256
    assert_close(student.alibi_bias(1, 2, 4), expected, "attention", "the biases")
