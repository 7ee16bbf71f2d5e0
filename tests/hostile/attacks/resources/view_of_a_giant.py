"""Returns one number, seen as a million million of them."""

# /// attack
# exercise = "softmax"
# verdicts = ["memory"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.zeros(1).expand(10**6, 10**6)
