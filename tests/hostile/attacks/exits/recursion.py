"""Calls itself for ever."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "RecursionError"
# ///

# %% softmax
def softmax(x, dim=-1):
    return softmax(x, dim)
