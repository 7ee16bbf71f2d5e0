"""Never ends, inside a single call of C code that hears no signal: a regular expression that tries everything."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# confined_only = true
# ///

# %% sample
import re


def sample(probabilities, count, seed):
    return re.match(r"(a|a)*(a|a)*(a|a)*$", "a" * 60 + "b")
