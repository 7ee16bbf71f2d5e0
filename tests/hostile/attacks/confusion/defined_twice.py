"""Defines its function twice in one cell: the wrong one below is the one that counts."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def softmax(x, dim=-1):
    return x
