"""Leaves with exit code 0 while its cell is run: the other cells count all the same."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "exit code 0"
# ///

# %% softmax
import os

os._exit(0)
