"""Draws the most likely id a little more often than it should."""

# /// attack
# exercise = "sample"
# verdicts = ["wrong"]
# says = "too often"
# ///

# %% sample
def sample(probabilities, count, seed):
    generator = torch.Generator().manual_seed(seed)
    sharper = probabilities**1.3
    return torch.multinomial(sharper / sharper.sum(), count, replacement=True, generator=generator)
