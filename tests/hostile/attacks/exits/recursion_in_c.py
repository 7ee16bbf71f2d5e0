"""Recurses through C code until the stack is full."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed", "error"]
# ///

# %% softmax
import functools
import sys


def softmax(x, dim=-1):
    sys.setrecursionlimit(10_000_000)
    deeper = lambda _, y: functools.reduce(deeper, [y, y])
    return deeper(x, x)
