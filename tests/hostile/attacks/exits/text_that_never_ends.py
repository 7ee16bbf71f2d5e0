"""Raises an exception whose text, when it is asked for, takes for ever."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# confined_only = true
# ///

# %% sample
class Trap(Exception):
    def __str__(self):
        while True:
            pass


def sample(probabilities, count, seed):
    raise Trap
