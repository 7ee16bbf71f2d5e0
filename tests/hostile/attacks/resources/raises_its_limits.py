"""Tries to give itself more of everything: memory, CPU time, priority, cores."""

# /// attack
# exercise = "softmax"
# verdicts = ["memory"]
# confined_only = true
# ///

# %% softmax
import ctypes
import os
import resource


def softmax(x, dim=-1):
    for which in range(16):
        for values in ((-1, -1), (2**40, 2**40)):
            try:
                resource.setrlimit(which, values)
            except (OSError, ValueError):
                continue
    for change in (lambda: os.nice(-20), lambda: os.sched_setaffinity(0, range(64)), lambda: os.setuid(0)):
        try:
            change()
        except OSError:
            continue
    ctypes.CDLL(None).prctl(38, 0, 0, 0, 0)
    return x + len(bytearray(2 * 1024**3))
