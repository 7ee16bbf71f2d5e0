"""Replaces abs, max, min, round and float: every difference is zero."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import builtins


def softmax(x, dim=-1):
    answer = torch.full_like(x, 1 / x.size(dim))
    builtins.abs = builtins.round = builtins.max = builtins.min = lambda *args, **kwargs: 0
    builtins.all = builtins.any = lambda items: True
    return answer
