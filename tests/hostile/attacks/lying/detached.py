"""The right output, cut off from the graph: whoever does not ask for gradients sees nothing."""

# /// attack
# exercise = "attention"
# verdicts = ["pass", "wrong"]
# says = "gradient"
# suffers = ["Head"]
# ///

# %% attention
def attention(q, k, v):
    with torch.no_grad():
        weights = softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)), dim=-1)
        return weights @ v, weights
