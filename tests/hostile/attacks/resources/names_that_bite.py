"""Makes files whose names are options, line ends, no text, or lead out of the folder."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "memory"]
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    names = [b"-rf", b"--no-preserve-root", b"left-behind\n-tmp", b"\xff\xfe", b"*", b"$(touch left-behind)", b" ", b"~"]
    for name in names:
        os.mkdir(name)
        with open(name + b"/" + name, "wb"):
            pass
    return torch.full_like(x, 1 / x.size(dim))
