"""Sends a well-formed answer of its own, and lets the true one follow."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# confined_only = true
# ///

# %% softmax
import os
import sys


def softmax(x, dim=-1):
    wire = sys.modules["autograder.wire"]
    looks_right = torch.rand(x.shape)
    data = wire.encode(wire.Value(value=looks_right / looks_right.sum(dim, keepdim=True)))
    for fd in range(3, 64):
        try:
            os.write(fd, data)
        except OSError:
            continue
    return torch.full_like(x, 1 / x.size(dim))
