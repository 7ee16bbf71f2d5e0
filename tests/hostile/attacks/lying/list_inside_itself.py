"""A list that holds itself: whoever walks through it never comes to an end."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    endless = [x]
    endless.append(endless)
    return endless
