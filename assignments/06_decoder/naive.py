"""What naive checks would call the exercises with: one case, all sizes equal, float32, no mask.

Those that need a model, draw at random or only change one are left out: naive checks of them differ too much.
"""

NAIVE = {
    "causal_mask": lambda draw: ((4,), {}),
    "combine_masks": lambda draw: ((draw.mask(4, 4), draw.mask(4, 4)), {}),
    "CausalSelfAttention": lambda draw: ((4, 4), (draw.normal(4, 4, 4),)),
    "DecoderBlock": lambda draw: ((4, 4, 4), (draw.normal(4, 4, 4), draw.normal(4, 4, 4))),
    "GPT": lambda draw: ((4, 4, 4, 4, 4), (draw.integers(0, 4, 4, 4), draw.integers(0, 4, 4, 4))),
    "apply_temperature": lambda draw: ((draw.normal(4, 4), 0.7), {}),
    "top_k_filter": lambda draw: ((draw.normal(4, 4), 2), {}),
    "top_p_filter": lambda draw: ((draw.normal(4, 4), 0.9), {}),
    "nucleus_mask": lambda draw: ((draw.normal(4, 4), 0.9), {}),
}
