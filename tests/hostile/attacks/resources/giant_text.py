"""Raises an exception with a text of 100 MB, and an argument whose text is as long."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "memory"]
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    raise ValueError("A" * 100_000_000)
