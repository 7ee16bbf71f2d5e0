"""Takes just less than the limit in every call: all calls of a check share one limit."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout", "wrong"]
# slow = true
# ///

# %% sample
import time


def sample(probabilities, count, seed):
    time.sleep(0.7)
    return torch.zeros(count, dtype=torch.long)
