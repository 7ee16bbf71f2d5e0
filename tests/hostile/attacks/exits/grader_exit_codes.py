"""Leaves with the very exit code by which the locked process says that it could not be locked: no fault of ours."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    os._exit(71)
