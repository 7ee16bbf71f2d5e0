"""A tuple of two results that, when it is walked through, never ends."""

# /// attack
# exercise = "attention"
# verdicts = ["memory", "timeout"]
# suffers = ["Head"]
# slow = true
# confined_only = true
# ///

# %% attention
class Endless(tuple):
    def __iter__(self):
        for _ in range(400_000_000):
            yield 0.0

    def __len__(self):
        return 2


def attention(q, k, v):
    return Endless((q, k))
