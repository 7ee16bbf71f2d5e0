"""A cell that is no Python: only its own exercise is hurt, and the line is shown."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "line 3 of softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    powers = torch.exp(x)
    return powers / powers.sum(dim, keepdim=True
