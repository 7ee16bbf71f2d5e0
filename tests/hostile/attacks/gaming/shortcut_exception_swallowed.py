"""Takes the forbidden shortcut and swallows whatever is raised about it."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    try:
        return torch.softmax(x, dim)
    except BaseException:
        return torch.full_like(x, 1 / x.size(dim))
