"""Returns the right weights, in the very tensor that it was given."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass", "wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    x.sub_(x.amax(dim, keepdim=True)).exp_()
    return x.div_(x.sum(dim, keepdim=True))
