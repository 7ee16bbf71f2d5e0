"""Gives each id exactly its share, without drawing: the same for every seed."""

# /// attack
# exercise = "sample"
# verdicts = ["wrong"]
# says = "seed"
# ///

# %% sample
def sample(probabilities, count, seed):
    return torch.arange(len(probabilities)).repeat_interleave((probabilities * count).long())
