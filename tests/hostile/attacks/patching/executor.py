"""Replaces the part of the grader that answers calls, in its class and in the object at work."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# ///

# %% softmax
import gc
import sys


def softmax(x, dim=-1):
    module = sys.modules.get("autograder.inside.executor")
    if module is not None:
        forged = lambda self, *args: module.Value(value=[True, True])
        module.Executor.answer = module.Executor._value = module.Executor._aftermath = forged
        module._WAYS.update(dict.fromkeys(module._WAYS, forged))
        for thing in gc.get_objects():
            if type(thing) is module.Executor:
                thing._forbidden, thing._namespace = [], {"softmax": lambda *args, **kwargs: True}
    return torch.full_like(x, 1 / x.size(dim))
