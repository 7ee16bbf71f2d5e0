"""Whole numbers: 1 for the largest, 0 for the rest."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "got torch.int64"
# ///

# %% softmax
def softmax(x, dim=-1):
    return (x == x.amax(dim, keepdim=True)).long()
