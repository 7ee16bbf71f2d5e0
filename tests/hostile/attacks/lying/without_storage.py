"""A tensor that has a shape and no numbers."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.empty(x.shape, device="meta")
