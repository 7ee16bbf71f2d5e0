"""What naive checks would call the exercises with: one case, all sizes equal (B = L = H = d = 4), float32, no mask."""

NAIVE = {
    "split_heads": lambda draw: ((draw.normal(4, 4, 16), 4), {}),
    "merge_heads": lambda draw: ((draw.normal(4, 4, 4, 4),), {}),
    "split_fused_qkv": lambda draw: ((draw.normal(4, 4, 48), 4), {}),
    "MultiHeadAttention": lambda draw: ((16, 4), (draw.normal(4, 4, 16),)),
    "attend_in_heads": lambda draw: ((*(draw.normal(4, 4, 16) for _ in "qkv"), 4), {}),
    "attention_entropy": lambda draw: ((draw.normal(4, 4).softmax(-1),), {}),
}
