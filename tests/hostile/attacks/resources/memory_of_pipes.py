"""Fills the kernel's memory instead of its own: a hundred pipes of a megabyte."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import fcntl
import os


def softmax(x, dim=-1):
    for _ in range(100):
        try:
            _, writing = os.pipe()
            fcntl.fcntl(writing, 1031, 1 << 20)
            os.set_blocking(writing, False)
            os.write(writing, bytes(1 << 20))
        except OSError:
            break
    return torch.full_like(x, 1 / x.size(dim))
