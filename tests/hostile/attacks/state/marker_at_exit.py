"""Leaves a marker when the interpreter ends, by every hook that there is for that."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import atexit
import os
import sys
import threading
import weakref

MARKER = f"/tmp/left-behind-at-exit-{os.path.basename(os.getcwd())}"


def leave(*args):
    open(MARKER, "w").close()


def softmax(x, dim=-1):
    atexit.register(leave)
    threading._register_atexit(leave)
    sys.excepthook = leave
    os.register_at_fork(after_in_child=leave, after_in_parent=leave)
    weakref.finalize(softmax, leave)
    return torch.full_like(x, 1 / x.size(dim))
