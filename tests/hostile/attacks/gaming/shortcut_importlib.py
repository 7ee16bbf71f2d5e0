"""Takes the forbidden shortcut by importlib, in a module whose name is put together."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
import importlib


def softmax(x, dim=-1):
    return vars(importlib.import_module("torch.nn." + "functional"))["soft" "max"](x, dim)
