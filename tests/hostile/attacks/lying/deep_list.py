"""A hundred thousand lists, one in the other."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    deep = x
    for _ in range(100_000):
        deep = [deep]
    return deep
