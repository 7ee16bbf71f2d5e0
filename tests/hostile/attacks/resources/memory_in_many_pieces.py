"""Asks for 4 GB, 16 MB at a time, and keeps all of it."""

# /// attack
# exercise = "softmax"
# verdicts = ["memory"]
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    kept = [torch.empty(4 * 1024 * 1024) for _ in range(256)]
    return x + len(kept)
