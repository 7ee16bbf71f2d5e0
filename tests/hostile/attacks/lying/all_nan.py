"""Nothing but nan, for graders that compare by `not (a - b).abs().max() > tolerance`."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "numbers are nan"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, math.nan)
