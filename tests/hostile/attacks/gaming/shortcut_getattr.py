"""Takes the forbidden shortcut by getattr, with a name that is put together."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return getattr(torch, "xamtfos"[::-1])(x, dim)
