"""Takes the forbidden shortcut as attention over the identity, whose weights are the values."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "scaled_dot_product_attention"
# ///

# %% softmax
def softmax(x, dim=-1):
    rows = x.movedim(dim, -1)
    flat = rows.reshape(1, 1, -1, rows.size(-1))
    eye = torch.eye(rows.size(-1))[None, None]
    weights = torch.nn.functional.scaled_dot_product_attention(flat, eye, eye, scale=1.0)
    return weights.reshape(rows.shape).movedim(-1, dim)
