"""Makes a thousand folders, one in the other: deeper than Python's own way to remove them can go."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "memory"]
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    for _ in range(1000):
        os.mkdir("left-behind")
        os.chdir("left-behind")
    return torch.full_like(x, 1 / x.size(dim))
