"""No attack: calls the kit's check inside its own cell, where nothing comes of it."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# ///

# %% softmax
from autograder import check


def softmax(x, dim=-1):
    check("softmax")
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


check("softmax")
check("attention")
