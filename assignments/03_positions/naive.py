"""What naive checks would call the exercises with: one case, all sizes equal, float32, no mask."""

NAIVE = {
    "sinusoidal_positional_encoding": lambda draw: ((4, 4), {}),
    "PositionalEncoding": lambda draw: ((4, 4), (draw.normal(4, 4, 4),)),
    "LearnedPositionalEmbedding": lambda draw: ((4, 4), (draw.normal(4, 4, 4),)),
    "TokenEmbedding": lambda draw: ((4, 4), (draw.integers(0, 4, 4, 4),)),
    "relative_position_index": lambda draw: ((4, 4, 4), {}),
    "RelativeSelfAttention": lambda draw: ((16, 4, 4), (draw.normal(4, 4, 16),)),
    "add_positions": lambda draw: ((draw.normal(4, 4, 4), draw.normal(4, 4)), {}),
    "apply_rope": lambda draw: ((draw.normal(4, 4, 4, 4),), {}),
    "alibi_bias": lambda draw: ((4, 4, 4), {}),
}
