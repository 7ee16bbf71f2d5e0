"""Says that a cell has started which there is not, so that another one would be left out."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed", "wrong", "pass"]
# suffers = ["attention", "Head", "sample"]
# confined_only = true
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))

# %% first
import os
import sys

wire = sys.modules["autograder.wire"]
for fd in range(3, 64):
    try:
        os.write(fd, b"".join(wire.encode(wire.CellStarted(index=i)) for i in (-1, 10**15, 2, 1)))
    except OSError:
        continue
