"""Asks for 400 GB at once."""

# /// attack
# exercise = "softmax"
# verdicts = ["memory"]
# says = "more memory than it may have"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.empty(10**11)
