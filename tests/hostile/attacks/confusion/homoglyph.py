"""A function whose name looks right, and has a Cyrillic letter in it."""

# /// attack
# exercise = "softmax"
# verdicts = ["missing", "wrong", "error"]
# suffers = ["attention", "Head"]
# ///

# %% softmax
def sоftmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
