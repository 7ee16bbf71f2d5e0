"""Sends tensors whose header lies about its length, in a well-formed frame."""

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
    text = b'{"type":"value","value":{"$":"tensor","v":0}}'
    payload = struct.pack("<Q", 2**63 - 1) + b'{"0":{"dtype":"F32","shape":[3,5],"data_offsets":[0,60]}}' + bytes(60)
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack(">II", len(text), len(payload)) + text + payload)
        except OSError:
            continue
    return torch.full_like(x, 1 / x.size(dim))
