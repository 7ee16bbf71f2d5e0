"""Takes the forbidden shortcut as an operator of torch.ops.aten."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.ops.aten.softmax.int(x, dim)
