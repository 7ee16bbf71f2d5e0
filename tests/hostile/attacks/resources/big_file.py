"""Writes a file of 64 MB."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "memory", "crashed"]
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    with open("left-behind-big", "wb") as file:
        for _ in range(64):
            file.write(bytes(1024 * 1024))
    return torch.full_like(x, 1 / x.size(dim))
