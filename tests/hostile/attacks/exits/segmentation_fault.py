"""Reads at address 0."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "SIGSEGV"
# ///

# %% softmax
import ctypes


def softmax(x, dim=-1):
    return ctypes.string_at(0)
