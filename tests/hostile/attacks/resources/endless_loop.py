"""Never ends, in Python."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# says = "did not finish within 1 s"
# slow = true
# ///

# %% sample
def sample(probabilities, count, seed):
    while True:
        pass
