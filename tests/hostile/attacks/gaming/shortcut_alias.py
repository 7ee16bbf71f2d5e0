"""Takes the forbidden shortcut under another name, imported from torch."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
from torch import softmax as s


def softmax(x, dim=-1):
    return s(x, dim)
