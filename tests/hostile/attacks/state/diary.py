"""Writes down what it is asked, in places where a later check might find it, and reads what is there."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import os
import sys
from pathlib import Path

PAGE = f"left-behind-diary-{os.path.basename(os.getcwd())}"


def softmax(x, dim=-1):
    places = [Path.cwd(), Path.cwd().parent, Path("/tmp"), Path("/dev/shm")]
    read = [str(place) for place in places if (place / PAGE).exists()]
    read += [name for name in ("diary",) if hasattr(sys, name) or hasattr(torch, name) or name in os.environ]
    for place in places:
        try:
            (place / PAGE).write_text(repr(x.tolist()))
        except OSError:
            continue
    sys.diary = torch.diary = x
    os.environ["diary"] = "yes"
    if read:
        raise RuntimeError(f"somebody was here before me: {read}")
    return torch.full_like(x, 1 / x.size(dim))
