"""The reference stands in for a wrong softmax; attention asks it a million times."""

# /// attack
# exercise = "attention"
# verdicts = ["timeout"]
# suffers = ["softmax", "Head"]
# slow = true
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))

# %% attention
def attention(q, k, v):
    for _ in range(1_000_000):
        softmax(torch.zeros(70, 70))
    return v, q
