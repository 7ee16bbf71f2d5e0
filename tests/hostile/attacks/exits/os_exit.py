"""Leaves with exit code 0 in the middle of a call, so that whoever only looks at exit codes sees a success."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "exit code 0"
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    os._exit(0)
