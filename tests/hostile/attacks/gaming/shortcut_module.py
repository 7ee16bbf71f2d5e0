"""Takes the forbidden shortcut as a layer."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "torch.nn.Softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return nn.Softmax(dim)(x)
