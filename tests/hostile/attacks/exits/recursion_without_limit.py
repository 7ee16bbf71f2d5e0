"""Calls itself for ever, after Python's limit has been taken away."""

# /// attack
# exercise = "sample"
# verdicts = ["memory", "crashed", "timeout"]
# slow = true
# confined_only = true
# ///

# %% sample
import sys


def sample(probabilities, count, seed):
    sys.setrecursionlimit(2**31 - 1)
    return sample(probabilities, count, seed)
