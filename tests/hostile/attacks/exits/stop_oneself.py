"""Sends itself SIGSTOP, and waits to be told to go on."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# confined_only = true
# ///

# %% sample
import os
import signal


def sample(probabilities, count, seed):
    os.kill(os.getpid(), signal.SIGSTOP)
