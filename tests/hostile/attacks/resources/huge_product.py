"""Multiplies large matrices, again and again, in C."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# ///

# %% sample
def sample(probabilities, count, seed):
    a = torch.randn(1500, 1500)
    for _ in range(10_000):
        a = a @ a / 40
    return a
