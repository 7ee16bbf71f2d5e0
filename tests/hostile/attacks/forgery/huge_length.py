"""Announces four gigabytes."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "no answer"
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    for fd in range(3, 64):
        try:
            os.write(fd, b"\xff" * 8)
        except OSError:
            continue
    return torch.full_like(x, 1 / x.size(dim))
