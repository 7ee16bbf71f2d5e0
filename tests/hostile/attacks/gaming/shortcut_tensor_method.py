"""Takes the forbidden shortcut as a method of the tensor."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return x.softmax(dim)
