"""Hands in torch's own function under the name of the exercise, by a star."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden", "error"]
# ///

# %% softmax
from torch import *
from torch import softmax
