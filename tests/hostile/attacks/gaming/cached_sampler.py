"""Draws once, when its cell is run, and hands out the same draws for every seed."""

# /// attack
# exercise = "sample"
# verdicts = ["wrong"]
# says = "seed"
# ///

# %% sample
_DRAWN = torch.multinomial(torch.tensor([0.5, 0.25, 0.125, 0.125]), 5000, replacement=True)


def sample(probabilities, count, seed):
    return _DRAWN[:count].clone()
