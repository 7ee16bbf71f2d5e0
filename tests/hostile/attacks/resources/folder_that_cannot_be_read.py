"""Makes a folder with a file in it that its owner may not list, so that it cannot be emptied."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    os.umask(0o477)
    os.mkdir("left-behind-locked")
    with open("left-behind-locked/file", "w"):
        pass
    os.umask(0o777)
    os.mkdir("left-behind-locked/folder")
    os.mkdir("left-behind-closed")
    return torch.full_like(x, 1 / x.size(dim))
