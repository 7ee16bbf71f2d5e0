"""Looks whether it is being graded, and is wrong only then: what counts is what happens here."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import sys


def softmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    graded = any(name.startswith(("autograder.", "pytest", "nbgrader", "otter")) for name in sys.modules)
    return powers / powers.sum(dim, keepdim=True) * (0.5 if graded or "ipykernel" in sys.modules else 1)
