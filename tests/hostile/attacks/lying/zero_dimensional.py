"""A single number without dimensions, which broadcasts against everything."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "got ()"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.tensor(1 / x.size(dim))
