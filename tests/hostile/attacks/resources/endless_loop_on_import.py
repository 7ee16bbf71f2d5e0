"""Never ends when its cell is run; without this cell the rest is graded."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# says = "did not finish within 2 s"
# slow = true
# ///

# %% sample
def sample(probabilities, count, seed):
    return torch.zeros(count, dtype=torch.long)


while True:
    pass
