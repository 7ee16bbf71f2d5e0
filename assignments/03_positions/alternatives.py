"""Right solutions of 03_positions that look different from the reference; each must get full marks.

A check that rejects one of them asks for a way of writing, not for a result.
"""

import math

import torch
from torch import nn

from autograder.authoring import alternative
from solutions.attention import attention_scores, attention_weights
from solutions.multi_head import merge_heads, split_heads
from solutions.positions import relative_position_index, sinusoidal_positional_encoding

# --- sinusoidal_positional_encoding -----------------------------------------------------------------------------------


@alternative("sinusoidal_positional_encoding", why="Exponential and logarithm in place of a power round differently.")
def waves_by_exponential(seq_len, d_model, base=10000.0):
    pe = torch.zeros(seq_len, d_model)
    position = torch.arange(0, seq_len, dtype=torch.float).unsqueeze(1)
    div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(base) / d_model))
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term[: d_model // 2])
    return pe


@alternative("sinusoidal_positional_encoding", why="One number at a time, with Python's own math in double precision.")
def waves_by_loops(seq_len, d_model, base=10000.0):
    rows = []
    for p in range(seq_len):
        row = []
        for column in range(d_model):
            angle = p / base ** ((column - column % 2) / d_model)
            row.append(math.cos(angle) if column % 2 else math.sin(angle))
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float32)


@alternative("sinusoidal_positional_encoding", why="NumPy, in double precision, converted at the end.")
def waves_by_numpy(seq_len, d_model, base=10000.0):
    import numpy as np

    column = np.arange(d_model)
    angle = np.arange(seq_len)[:, None] / np.power(base, 2 * (column // 2) / d_model)
    angle[:, 0::2] = np.sin(angle[:, 0::2])
    angle[:, 1::2] = np.cos(angle[:, 1::2])
    return torch.from_numpy(angle).float()


@alternative("sinusoidal_positional_encoding", why="Sines only: a cosine is a sine a quarter of a turn ahead.")
def waves_by_phase(seq_len, d_model, base=10000.0):
    column = torch.arange(d_model)
    angle = torch.outer(torch.arange(seq_len).double(), base ** (-(column - column % 2).double() / d_model))
    return torch.sin(angle + math.pi / 2 * (column % 2)).to(torch.float32)


@alternative("sinusoidal_positional_encoding", why="Complex numbers: the real part is a cosine, the imaginary a sine.")
def waves_by_complex_numbers(seq_len, d_model, base=10000.0):
    pairs = math.ceil(d_model / 2)
    angle = torch.outer(torch.arange(seq_len).float(), torch.pow(base, torch.arange(pairs) * -2.0 / d_model))
    points = torch.view_as_real(torch.polar(torch.ones_like(angle), angle))
    return points.flip(-1).reshape(seq_len, 2 * pairs)[:, :d_model].contiguous()


# --- PositionalEncoding -----------------------------------------------------------------------------------------------


@alternative("PositionalEncoding", why="The buffer is not part of the state_dict: it can be computed anew.")
class buffer_not_saved(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        self.max_len = max_len
        self.drop = nn.Dropout(p=dropout)
        self.register_buffer("pe", sinusoidal_positional_encoding(max_len, d_model), persistent=False)

    def forward(self, x):
        _, length, _ = x.shape
        if length > self.max_len:
            raise ValueError(f"expected at most {self.max_len} positions, got {length}")
        pe = self.pe[None, :length, :].expand(x.shape)
        return self.drop(x.add(pe.to(x)))


@alternative("PositionalEncoding", why="Functional dropout that is told the mode, and the table written out again.")
class functional_dropout(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        frequency = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = torch.sin(position * frequency)
        pe[:, 1::2] = torch.cos(position * frequency)[:, : d_model // 2]
        self.register_buffer("pe", pe)
        self.rate = dropout

    def forward(self, x):
        if x.shape[1] > len(self.pe):
            raise ValueError(f"expected at most {len(self.pe)} positions, got {x.shape[1]}")
        total = (x + self.pe[: x.shape[1]]).to(x.dtype)
        return nn.functional.dropout(total, p=self.rate, training=self.training)


@alternative("PositionalEncoding", why="Rows are looked up one by one, and sentences are served in a loop.")
class sentence_by_sentence(nn.Module):
    def __init__(self, d_model, max_len=5000, dropout=0.0, batch_first=True):
        super().__init__()
        self.register_buffer("pe", sinusoidal_positional_encoding(seq_len=max_len, d_model=d_model).clone())
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()

    def forward(self, x):
        if x.size(1) > self.pe.size(0):
            raise ValueError(f"expected at most {self.pe.size(0)} positions, got {x.size(1)}")
        rows = nn.functional.embedding(torch.arange(x.size(1), device=x.device), self.pe).type_as(x)
        return self.dropout(torch.stack([sentence + rows for sentence in x]))


# --- LearnedPositionalEmbedding ---------------------------------------------------------------------------------------


@alternative("LearnedPositionalEmbedding", why="A slice of the table in place of a look-up.")
class slice_of_the_table(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.max_len = max_len
        self.embedding = nn.Embedding(max_len, d_model)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, x):
        if x.shape[1] > self.max_len:
            raise ValueError(f"expected at most {self.max_len} positions, got {x.shape[1]}")
        return x + self.embedding.weight[: x.shape[1]]


@alternative("LearnedPositionalEmbedding", why="The positions are kept in a buffer, and repeated for every sentence.")
class positions_in_a_buffer(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(num_embeddings=max_len, embedding_dim=d_model)
        self.register_buffer("position_ids", torch.arange(max_len).unsqueeze(0), persistent=False)

    def forward(self, x):
        batch, length = x.shape[:2]
        if length > self.position_ids.size(1):
            raise ValueError(f"expected at most {self.position_ids.size(1)} positions, got {length}")
        return self.embedding(self.position_ids[:, :length].repeat(batch, 1)) + x


@alternative("LearnedPositionalEmbedding", why="Each position is a one-hot vector, and the look-up a matrix product.")
class one_hot_positions(nn.Module):
    def __init__(self, max_len, d_model):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x):
        weight = self.embedding.weight
        if x.size(1) > weight.size(0):
            raise ValueError(f"expected at most {weight.size(0)} positions, got {x.size(1)}")
        return x + torch.eye(x.size(1), weight.size(0), dtype=weight.dtype) @ weight


# --- TokenEmbedding ---------------------------------------------------------------------------------------------------


@alternative("TokenEmbedding", why="The table is indexed directly, and the factor comes first.")
class table_indexed(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.scale = scale

    def forward(self, ids):
        table = self.embedding.weight
        if self.scale:
            table = table.size(1) ** 0.5 * table
        return table[ids]


@alternative("TokenEmbedding", why="One-hot vectors and a matrix product.")
class one_hot_words(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.factor = d_model**0.5 if scale else 1.0

    def forward(self, ids):
        one_hot = nn.functional.one_hot(ids, self.vocab_size).to(self.embedding.weight.dtype)
        return one_hot @ self.embedding.weight * self.factor


@alternative("TokenEmbedding", why="Functional, with the factor in a buffer and weights drawn in another way.")
class factor_in_a_buffer(nn.Module):
    def __init__(self, vocab_size, d_model, scale=True):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.embedding.weight, mean=0, std=d_model**-0.5)
        self.register_buffer("factor", torch.tensor(float(d_model if scale else 1)).sqrt(), persistent=False)

    def forward(self, ids):
        rows = nn.functional.embedding(ids, self.embedding.weight)
        return rows * self.factor.to(rows.dtype)


# --- relative_position_index ------------------------------------------------------------------------------------------


@alternative("relative_position_index", why="Two loops and Python's own min and max.")
def index_by_two_loops(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"expected a distance of at least 0, got {max_distance}")
    rows = []
    for i in range(len_q):
        rows.append([min(max(j - i, -max_distance), max_distance) + max_distance for j in range(len_k)])
    return torch.tensor(rows)


@alternative("relative_position_index", why="Shifts first, and clips with bounds that are shifted as well.")
def shift_then_clip(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"expected a distance of at least 0, got {max_distance}")
    way = torch.arange(len_k)[None, :] - torch.arange(len_q)[:, None] + max_distance
    return torch.clip(way, 0, 2 * max_distance)


@alternative("relative_position_index", why="Every row is a window into one long row of clipped ways.")
def windows_of_one_row(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"expected a distance of at least 0, got {max_distance}")
    ways = torch.arange(-(len_q - 1), len_k).clamp(-max_distance, max_distance) + max_distance
    return torch.stack([ways[len_q - 1 - i : len_q - 1 - i + len_k] for i in range(len_q)])


@alternative("relative_position_index", why="NumPy and floats on the way, int64 at the end.")
def index_by_numpy(len_q, len_k, max_distance):
    if max_distance < 0:
        raise ValueError(f"expected a distance of at least 0, got {max_distance}")
    import numpy as np

    way = np.subtract.outer(np.arange(len_q, dtype=float), np.arange(len_k, dtype=float)) * -1
    return torch.from_numpy(np.clip(way, -max_distance, max_distance) + max_distance).long()


# --- RelativeSelfAttention --------------------------------------------------------------------------------------------


@alternative(
    "RelativeSelfAttention", why="All in one piece, with einsum, the bias looked up by hand, and torch's softmax."
)
class relative_by_einsum(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.heads, self.reach = num_heads, max_distance
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)
        for name in ("w_o", "w_v", "w_k", "w_q"):
            setattr(self, name, nn.Linear(d_model, d_model))

    def forward(self, x, mask=None):
        q, k, v = (w(x).unflatten(-1, (self.heads, -1)) for w in (self.w_q, self.w_k, self.w_v))
        place = torch.arange(x.size(1))
        index = (place[None] - place[:, None]).clamp(-self.reach, self.reach) + self.reach
        scores = torch.einsum("bihd,bjhd->bhij", q, k) * q.size(-1) ** -0.5
        scores = scores + torch.einsum("ijh->hij", self.bias.weight[index])
        if mask is not None:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights * mask
        output = torch.einsum("bhij,bjhd->bihd", weights, v).flatten(2)
        return self.w_o(output), weights


@alternative("RelativeSelfAttention", why="A loop over the heads, each with its column of the table.")
class relative_head_by_head(nn.Module):
    def __init__(self, d_model, num_heads, max_distance):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.num_heads, self.max_distance, self.d_head = num_heads, max_distance, d_model // num_heads
        self.w_q, self.w_k = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.w_v, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)
        nn.init.zeros_(self.bias.weight)

    def forward(self, x, mask=None):
        length = x.size(1)
        index = relative_position_index(length, length, self.max_distance)
        if mask is not None:
            mask = mask.expand(x.size(0), self.num_heads, length, length)
        outputs, all_weights = [], []
        for h in range(self.num_heads):
            own = slice(h * self.d_head, (h + 1) * self.d_head)
            q, k, v = (linear(x)[..., own] for linear in (self.w_q, self.w_k, self.w_v))
            scores = attention_scores(q, k) + self.bias.weight[:, h][index]
            weights = attention_weights(scores, None if mask is None else mask[:, h])
            outputs.append(weights @ v)
            all_weights.append(weights)
        return self.w_o(torch.cat(outputs, dim=-1)), torch.stack(all_weights, dim=1)


@alternative("RelativeSelfAttention", why="One-hot ways times the table in place of a look-up.")
class relative_by_one_hot(nn.Module):
    def __init__(self, d_model, num_heads, max_distance, dropout=0.0):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"expected a width divisible by {num_heads}, got {d_model}")
        self.num_heads, self.max_distance = num_heads, max_distance
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.bias = nn.Embedding(2 * max_distance + 1, num_heads)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        q, k, v = (split_heads(linear(x), self.num_heads) for linear in (self.w_q, self.w_k, self.w_v))
        index = relative_position_index(x.size(1), x.size(1), self.max_distance)
        ways = nn.functional.one_hot(index, 2 * self.max_distance + 1).to(x.dtype)
        bias = (ways @ self.bias.weight).movedim(-1, 0)
        weights = attention_weights(q @ k.mT / math.sqrt(k.size(-1)) + bias.unsqueeze(0), mask)
        return self.w_o(merge_heads(self.dropout(weights) @ v)), weights


# --- apply_rope -------------------------------------------------------------------------------------------------------


@alternative("apply_rope", why="Arrows as complex numbers, turned by one product.")
def turned_as_complex_numbers(x, base=10000.0, offset=0):
    d = x.size(-1)
    if d % 2:
        raise ValueError(f"expected an even width, got {d}")
    position = torch.arange(x.size(-2), dtype=torch.float64) + offset
    angle = torch.outer(position, base ** (-torch.arange(0, d, 2, dtype=torch.float64) / d))
    arrows = torch.view_as_complex(x.to(torch.float64).reshape(*x.shape[:-1], d // 2, 2).contiguous())
    turned = arrows * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).flatten(-2).to(x.dtype)


@alternative("apply_rope", why="The row plus the row with its neighbours exchanged, as many models write it.")
def turned_by_exchanging_neighbours(x, base=10000.0, offset=0):
    if x.size(-1) % 2:
        raise ValueError(f"expected an even width, got {x.size(-1)}")
    d, length = x.size(-1), x.size(-2)
    frequency = torch.exp(torch.arange(0, d, 2).float() * (-math.log(base) / d)).repeat_interleave(2)
    angle = (torch.arange(length).float() + offset)[:, None] * frequency
    exchanged = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).reshape(x.shape)
    return x * angle.cos().to(x.dtype) + exchanged * angle.sin().to(x.dtype)


@alternative("apply_rope", why="A small matrix for every position and pair.")
def turned_by_matrices(x, base=10000.0, offset=0):
    *_, length, d = x.shape
    if d % 2 == 1:
        raise ValueError(f"expected an even width, got {d}")
    position = torch.arange(offset, offset + length).to(torch.float32)
    angle = position[:, None] / torch.pow(base, torch.arange(0, d, 2) / d)
    rows = [torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)]
    matrices = torch.stack(rows, dim=-2).to(x.dtype)
    return torch.einsum("lirc,...lic->...lir", matrices, x.unflatten(-1, (d // 2, 2))).flatten(-2)


# --- alibi_bias -------------------------------------------------------------------------------------------------------


@alternative("alibi_bias", why="One number at a time.")
def biases_by_loops(num_heads, len_q, len_k):
    bias = torch.empty(num_heads, len_q, len_k)
    for h in range(num_heads):
        for i in range(len_q):
            for j in range(len_k):
                bias[h, i, j] = -abs(i - j) / 2 ** (8 * (h + 1) / num_heads)
    return bias


@alternative("alibi_bias", why="The slopes as powers of the first one, and einsum.")
def slopes_as_powers_of_the_first(num_heads, len_q, len_k):
    first = 2 ** (-8 / num_heads)
    slopes = torch.tensor([first ** (h + 1) for h in range(num_heads)])
    i, j = torch.meshgrid(torch.arange(len_q), torch.arange(len_k), indexing="ij")
    return torch.einsum("h,qk->hqk", slopes, -(i - j).abs().float())


@alternative("alibi_bias", why="The smaller of two signed ways in place of an absolute value.")
def smaller_of_two_ways(num_heads, len_q, len_k):
    slopes = torch.logspace(-8 / num_heads, -8, num_heads, base=2.0)
    way = torch.arange(len_k)[None, :] - torch.arange(len_q)[:, None]
    return slopes[:, None, None] * torch.minimum(way, -way)


# --- add_positions ----------------------------------------------------------------------------------------------------


@alternative("add_positions", why="The least change of all that mends the bug: the other axis, and nothing in between.")
def an_axis_in_front(x, pe):
    length, max_len = x.size(1), pe.size(0)
    if length > max_len:
        raise ValueError(f"x may have at most max_len = {max_len} positions, got {length}")
    return x + pe[:length].unsqueeze(0).to(x.dtype)


@alternative("add_positions", why="Positions first on the way, and the batch first again at the end.")
def turned_and_turned_back(x, pe):
    turned = x.transpose(0, 1)
    if len(turned) > len(pe):
        raise ValueError(f"{len(turned)} positions, {len(pe)} rows")
    return (turned + pe[: len(turned)].unsqueeze(1).to(x)).transpose(0, 1)


@alternative("add_positions", why="Each row is looked up by its number, and added in a loop over the sentences.")
def looked_up(x, pe):
    _, length, _ = x.shape
    if pe.shape[0] < length:
        raise ValueError("the table is too short")
    rows = pe.index_select(0, torch.arange(length))
    return torch.stack([sentence + rows.type_as(x) for sentence in x])


@alternative("add_positions", why="A product with ones and zeros in the place of a cut.")
def rows_by_product(x, pe):
    length = x.size(-2)
    if length > pe.size(-2):
        raise ValueError("the table is too short")
    choose = torch.eye(length, pe.size(0), dtype=pe.dtype)
    return torch.add(x, (choose @ pe).to(x.dtype))


# --- test_sinusoidal_positional_encoding ------------------------------------------------------------------------------


@alternative(
    "test_sinusoidal_positional_encoding", why="A few numbers by pocket calculator, and exceptions of its own."
)
def judged_by_pocket_calculator(sinusoidal_positional_encoding):
    cases = [
        ((4, 4, 100.0), 3, [0.14112, -0.98999, 0.29552, 0.95534]),
        ((3, 5, 32.0), 2, [0.90930, -0.41615, 0.47943, 0.87758, 0.12467]),
        ((5, 4), 4, [-0.75680, -0.65364, 0.03999, 0.99920]),
        ((6, 7), 1, [0.84147, 0.54030, 0.07190, 0.99741, 0.00518, 0.99999, 0.00037]),
    ]
    for arguments, row, wanted in cases:
        table = sinusoidal_positional_encoding(*arguments)
        if tuple(table.shape) != arguments[:2] or table.dtype is not torch.float32:
            raise TypeError("another table was asked for")
        for found, expected in zip(table[row].tolist(), wanted, strict=True):
            if abs(found - expected) > 2e-4:
                raise ValueError("a wrong number")
        for column, found in enumerate(table[0].tolist()):
            if abs(found - column % 2) > 1e-5:
                raise ValueError("a wrong first row")


@alternative("test_sinusoidal_positional_encoding", why="Measures the speed of each wave, as the lesson does.")
def judged_by_the_speeds(sinusoidal_positional_encoding):
    for width, base in ((8, 10000.0), (7, 10000.0), (12, 50.0), (5, 200.0)):
        both = [sinusoidal_positional_encoding(6, width, base)]
        if base == 10000.0:
            both.append(sinusoidal_positional_encoding(6, width))
        for table in both:
            assert table.shape == (6, width)
            assert table.dtype == torch.float
            pairs = width // 2
            sine, cosine = table[:, 0 : 2 * pairs : 2], table[:, 1 : 2 * pairs : 2]
            assert torch.allclose(sine**2 + cosine**2, torch.ones(6, pairs), atol=1e-4)
            wanted = torch.tensor([base ** (-2 * i / width) for i in range(pairs)])
            # A turn of the pair from each row to the next, by the sine and the cosine of a difference.
            turn = torch.atan2(
                sine[1:] * cosine[:-1] - cosine[1:] * sine[:-1], cosine[1:] * cosine[:-1] + sine[1:] * sine[:-1]
            )
            assert torch.allclose(turn, wanted.expand(5, pairs), rtol=1e-3, atol=1e-5)
            assert torch.allclose(table[0], torch.arange(width).remainder(2).float(), atol=1e-5)
            if width % 2:
                last = (torch.arange(6) * base ** (-2 * pairs / width)).sin()
                assert torch.allclose(table[:, -1], last, atol=1e-4)


@alternative("test_sinusoidal_positional_encoding", why="NumPy in double precision, a seed and many sizes.")
def judged_by_numpy(sinusoidal_positional_encoding):
    import numpy as np

    numbers = np.random.default_rng(0)
    for _ in range(12):
        length, width, base = (
            int(numbers.integers(2, 9)),
            int(numbers.integers(3, 14)),
            float(numbers.integers(20, 5000)),
        )
        column = np.arange(width)
        for arguments, b in (((), 10000.0), ((base,), base)):
            angle = np.outer(np.arange(length), b ** (-(column // 2 * 2) / width))
            wanted = np.where(column % 2, np.cos(angle), np.sin(angle))
            found = sinusoidal_positional_encoding(length, width, *arguments)
            np.testing.assert_allclose(found.numpy(), wanted, atol=1e-4)
            assert str(found.dtype).endswith("float32")
