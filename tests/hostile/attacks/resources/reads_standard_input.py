"""Asks a person who is not there."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "EOFError"
# ///

# %% softmax
def softmax(x, dim=-1):
    return float(input("What is the softmax of this? ")) * x
