"""Takes the forbidden attention out of torch._C._nn."""

# /// attack
# exercise = "attention"
# verdicts = ["forbidden"]
# ///

# %% attention
def attention(q, k, v):
    out = torch._C._nn.scaled_dot_product_attention(q, k, v)
    return out, softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)))
