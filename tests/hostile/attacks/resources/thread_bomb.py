"""Starts threads until there are no more to be had, and leaves them waiting."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "error", "memory", "crashed"]
# confined_only = true
# ///

# %% softmax
import threading
import time


def softmax(x, dim=-1):
    for _ in range(2000):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    return torch.full_like(x, 1 / x.size(dim))
