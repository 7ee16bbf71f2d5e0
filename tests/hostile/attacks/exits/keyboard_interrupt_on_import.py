"""Raises KeyboardInterrupt when its cell is run."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "KeyboardInterrupt"
# ///

# %% softmax
raise KeyboardInterrupt
