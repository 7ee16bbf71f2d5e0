"""Raises KeyboardInterrupt, by which a person stops a whole run."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "KeyboardInterrupt"
# ///

# %% softmax
def softmax(x, dim=-1):
    raise KeyboardInterrupt
