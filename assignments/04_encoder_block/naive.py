"""What naive checks would call the exercises with: one case, all sizes equal, float32, no mask."""

NAIVE = {
    "layer_norm": lambda draw: ((draw.normal(4, 4), draw.normal(4), draw.normal(4)), {}),
    "LayerNorm": lambda draw: ((4,), (draw.normal(4, 4, 4),)),
    "gelu": lambda draw: ((draw.normal(4, 4),), {}),
    "FeedForward": lambda draw: ((4, 4), (draw.normal(4, 4, 4),)),
    "PostNormEncoderBlock": lambda draw: ((4, 4, 4), (draw.normal(4, 4, 4),)),
    "PreNormEncoderBlock": lambda draw: ((4, 4, 4), (draw.normal(4, 4, 4),)),
    "RMSNorm": lambda draw: ((4,), (draw.normal(4, 4, 4),)),
    "SwiGLU": lambda draw: ((4, 4), (draw.normal(4, 4, 4),)),
}
