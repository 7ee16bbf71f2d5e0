"""A function that takes no axis: what does not name one passes, the rest says so."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass", "error"]
# says = "unexpected keyword argument"
# ///

# %% softmax
def softmax(x, *_):
    dim = _[0] if _ else -1
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
