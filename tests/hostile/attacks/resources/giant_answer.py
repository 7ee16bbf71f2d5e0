"""Returns ten million numbers, more than an answer may hold."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed", "wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.zeros(10_000_000)
