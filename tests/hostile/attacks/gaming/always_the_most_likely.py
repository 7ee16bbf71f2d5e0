"""Draws nothing: always the most likely id."""

# /// attack
# exercise = "sample"
# verdicts = ["wrong"]
# says = "too often"
# ///

# %% sample
def sample(probabilities, count, seed):
    return probabilities.argmax().repeat(count)
