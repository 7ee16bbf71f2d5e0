"""Sleeps for ever."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# ///

# %% sample
import time


def sample(probabilities, count, seed):
    time.sleep(10**6)
