"""A sparse tensor, for which many a comparison is not written."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.zeros_like(x).to_sparse()
