"""Starts a thread that leaves a marker after its check is over."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os
import threading

MARKER = f"left-behind-later-{os.path.basename(os.getcwd())}"


def leave():
    for place in (".", "/tmp", "/dev/shm"):
        try:
            open(os.path.join(place, MARKER), "w").close()
        except OSError:
            continue


def softmax(x, dim=-1):
    for wait in (0.01, 0.1, 0.5):
        threading.Timer(wait, leave).start()
    return torch.full_like(x, 1 / x.size(dim))
