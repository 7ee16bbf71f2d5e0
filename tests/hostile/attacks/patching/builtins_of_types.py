"""Replaces isinstance, len, type and hasattr, on which whoever looks at an answer relies."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed", "error"]
# confined_only = true
# ///

# %% softmax
import builtins


def softmax(x, dim=-1):
    answer = torch.full_like(x, 1 / x.size(dim))
    builtins.isinstance = builtins.issubclass = builtins.hasattr = lambda *args: True
    builtins.len = lambda thing: 0
    builtins.type = lambda *args: torch.Tensor
    return answer
