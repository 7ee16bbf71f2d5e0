"""Sends JSON that is nested a hundred thousand times."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "no answer"
# confined_only = true
# ///

# %% softmax
import os
import struct


def softmax(x, dim=-1):
    text = b'{"type":"value","value":' + b'{"$":"list","v":[' * 20_000 + b"]}" * 20_000 + b"}"
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack(">II", len(text), 0) + text)
        except OSError:
            continue
    return torch.full_like(x, 1 / x.size(dim))
