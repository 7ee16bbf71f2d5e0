"""Asks for too much again and again, takes no for an answer, and never ends."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout", "memory", "crashed"]
# slow = true
# confined_only = true
# ///

# %% sample
def sample(probabilities, count, seed):
    kept = []
    while True:
        try:
            kept.append(bytearray(64 * 1024 * 1024))
        except MemoryError:
            kept = kept[:-1]
