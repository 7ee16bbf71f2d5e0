"""Prints 100 MB, to standard output and past it."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os
import sys


def softmax(x, dim=-1):
    for _ in range(10):
        print("x" * 5_000_000, file=sys.stderr)
        os.write(1, b"y" * 5_000_000)
        print("z" * 1_000_000)
    return torch.full_like(x, 1 / x.size(dim))
