"""One column in the place of a matrix, right on average."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "the shape"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim)).narrow(-1, 0, 1)
