"""Sends JSON with numbers beyond measure, keys twice, halves of characters and tags that nobody knows."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# confined_only = true
# ///

# %% softmax
import os
import struct

TEXTS = [
    b'{"type":"value","type":"loaded","value":1e999999}',
    b'{"type":"value","value":{"$":"float","v":"1e400"}}',
    b'{"type":"value","value":"\\ud800"}',
    b'{"type":"value","value":{"$":"handle","v":-1}}',
    b'{"type":"value","value":{"$":"dtype","v":"__class__"}}',
    b'{"type":"verdict","verdict":"pass"}',
    b"\xff\xfe{}",
    b'[{"type":"value","value":1}]',
]


def softmax(x, dim=-1):
    text = TEXTS[int(x.abs().sum() * 1000) % len(TEXTS)]
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack(">II", len(text), 0) + text)
        except OSError:
            continue
    os._exit(0)
