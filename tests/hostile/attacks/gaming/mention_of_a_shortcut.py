"""No attack: the forbidden shortcut is named in a comment, a string and a docstring, and never taken."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# ///


# %% softmax
def softmax(x, dim=-1):
    """What torch.softmax(x, dim) does, and F.softmax too."""
    # return torch.softmax(x, dim)
    name = "torch.nn.functional.softmax"
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True) if name else torch.nn.Softmax(dim)
