"""Raises an exception whose text, when it is asked for, ends the process."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "exit code 0"
# ///

# %% softmax
import os


class Trap(Exception):
    def __str__(self):
        os._exit(0)

    __repr__ = __str__


def softmax(x, dim=-1):
    raise Trap
