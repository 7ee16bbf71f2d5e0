"""Waits for a lock that it holds itself."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# ///

# %% sample
import threading


def sample(probabilities, count, seed):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
