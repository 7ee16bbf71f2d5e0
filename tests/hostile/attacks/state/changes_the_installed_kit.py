"""Writes into the installed packages, so that the next process imports its code."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os
import sys
import sysconfig


def softmax(x, dim=-1):
    written = []
    places = {sysconfig.get_path("purelib"), os.path.dirname(torch.__file__), os.path.dirname(os.__file__)}
    places |= {os.path.dirname(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
    for place in filter(os.path.isabs, places):
        for name in ("left-behind.pth", "__pycache__/left-behind.pyc"):
            try:
                with open(os.path.join(place, name), "x"):
                    written.append(os.path.join(place, name))
            except OSError:
                continue
    if written:
        raise RuntimeError(f"wrote {written}")
    return torch.full_like(x, 1 / x.size(dim))
