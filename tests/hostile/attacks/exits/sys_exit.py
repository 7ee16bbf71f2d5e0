"""Calls sys.exit(0) in a call."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "SystemExit"
# ///

# %% softmax
import sys


def softmax(x, dim=-1):
    sys.exit(0)
