"""Returns its input, of which a careless grader computes the expected weights in place."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return x.view_as(x)
