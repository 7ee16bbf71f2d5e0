"""No attack: a wrong try in its own cell, and the right one in a last cell."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# says = "the last definition counts"
# ///

# %% softmax
def softmax(x, dim=-1):
    return x

# %% last
def softmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
