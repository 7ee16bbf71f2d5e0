"""Forks, and its children fork."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "PermissionError"
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    for _ in range(8):
        os.fork()
    return x
