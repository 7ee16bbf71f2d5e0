"""Takes the forbidden shortcut out of torch._C, where the functions of torch come from."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch._C._VariableFunctions.softmax(x, dim)
