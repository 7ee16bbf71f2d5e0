"""An empty tensor that broadcasts against the expected one: all of no numbers are close."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "the shape"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.empty(0, *[1] * x.dim())
