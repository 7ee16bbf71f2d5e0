"""Defines its function again in a last cell: that definition counts, and the record says so."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "the last definition counts"
# ///

# %% last
def softmax(x, dim=-1):
    return x
