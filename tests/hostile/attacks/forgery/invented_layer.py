"""Answers with a layer that there is not, to which every later call would go."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed", "error"]
# confined_only = true
# ///

# %% softmax
import sys


def softmax(x, dim=-1):
    executor = sys.modules["autograder.inside.executor"]
    executor.Executor._outward = lambda self, value, *args: executor.Handle(10**6)
    return x
