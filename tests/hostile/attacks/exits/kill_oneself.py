"""Sends itself SIGKILL."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "SIGKILL"
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    os.kill(os.getpid(), 9)
