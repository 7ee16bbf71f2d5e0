"""No attack: a name with a letter that Python takes for another one."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# ///

# %% softmax
def ſoftmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
