"""Takes the forbidden shortcut inside torch.vmap."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.vmap(lambda row: torch.softmax(row, -1))(x.movedim(dim, -1).reshape(-1, x.size(dim))).reshape(x.movedim(dim, -1).shape).movedim(-1, dim)
