"""Takes the forbidden shortcut with torch's function modes switched off."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    with torch._C.DisableTorchFunction():
        return torch.softmax(x, dim)
