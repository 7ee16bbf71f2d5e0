"""What naive checks would call the exercises with: one case, all sizes equal, float32, no mask."""

NAIVE = {
    "softmax": lambda draw: ((draw.normal(4, 4),), {}),
    "attention_scores": lambda draw: ((draw.normal(4, 4), draw.normal(4, 4)), {}),
    "attention_weights": lambda draw: ((draw.normal(4, 4),), {}),
    "scaled_dot_product_attention": lambda draw: (tuple(draw.normal(4, 4) for _ in "qkv"), {}),
    "SelfAttention": lambda draw: ((4,), (draw.normal(4, 4, 4),)),
    "causal_weights": lambda draw: ((draw.normal(4, 4),), {}),
}
