"""Ends by a segmentation fault in a cell of its own, before everything: it is left out and named."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# says = "SIGSEGV"
# confined_only = true
# ///

# %% first
import ctypes

ctypes.memset(0, 1, 1)
