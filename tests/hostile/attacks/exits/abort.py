"""Ends by SIGABRT, as a library does that finds itself broken."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "SIGABRT"
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    os.abort()
