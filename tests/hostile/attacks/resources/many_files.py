"""Fills its scratch folder with files."""

# /// attack
# exercise = "softmax"
# verdicts = ["memory", "error", "timeout"]
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    for number in range(1500):
        with open(f"left-behind-{number:05}-{'long' * 50}", "w") as file:
            file.write("x")
    return torch.full_like(x, 1 / x.size(dim))
