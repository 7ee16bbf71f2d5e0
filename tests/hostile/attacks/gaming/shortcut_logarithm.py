"""Takes the forbidden shortcut by its logarithm."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.log_softmax(x, dim).exp()
