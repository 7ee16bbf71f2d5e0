"""Looks in every imported module for a reference, and tries to import the modules that would have one."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import importlib
import sys

NAMES = ["solutions.fort", "fort", "test_hidden", "solutions", "reference", "autograder.catalogue",
         "autograder.stand_in", "autograder.checks", "autograder.grade", "hidden_tests", "conftest"]


def softmax(x, dim=-1):
    for name in NAMES:
        try:
            importlib.import_module(name)
        except BaseException:
            continue
    own = sys._getframe().f_globals
    for name, module in list(sys.modules.items()):
        if name.startswith(("torch", "numpy", "matplotlib", "nbconvert", "jupyter_client")):
            continue
        for key, value in list(getattr(module, "__dict__", {}).items()):
            theirs = getattr(value, "__globals__", None)
            if key in ("softmax", "reference_softmax", "solution") and theirs is not None and theirs is not own:
                return value(x, dim)
    return torch.full_like(x, 1 / x.size(dim))
