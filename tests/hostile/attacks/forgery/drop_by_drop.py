"""Announces a frame and sends it a byte at a time, so that somebody waits for it for ever."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# confined_only = true
# ///

# %% sample
import os
import struct
import time


def sample(probabilities, count, seed):
    data = struct.pack(">II", 60_000, 0) + b" " * 60_000
    fds = []
    for fd in range(3, 64):
        try:
            fds += [fd] if os.write(fd, data[:9]) else []
        except OSError:
            continue
    for byte in data[9:]:
        time.sleep(0.01)
        for fd in fds:
            os.write(fd, bytes([byte]))
