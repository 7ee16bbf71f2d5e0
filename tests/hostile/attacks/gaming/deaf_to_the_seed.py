"""Draws rightly, from random numbers of everybody: the same seed gives other ids each time."""

# /// attack
# exercise = "sample"
# verdicts = ["wrong"]
# says = "seed"
# ///

# %% sample
def sample(probabilities, count, seed):
    return torch.multinomial(probabilities, count, replacement=True)
