"""Writes two hundred files that are each as big as a file may be."""

# /// attack
# exercise = "softmax"
# verdicts = ["memory", "error"]
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    for number in range(200):
        with open(f"left-behind-big-{number}", "wb") as file:
            file.write(bytes(2 * 1024 * 1024 - 1))
    return torch.full_like(x, 1 / x.size(dim))
