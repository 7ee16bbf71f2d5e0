"""Closes every file descriptor, the channel among them, and answers into the void."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    os.closerange(0, 1024)
    return torch.full_like(x, 1 / x.size(dim))
