"""Says that all cells have run before any of them has, and goes on sending."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed", "pass"]
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
        os.write(fd, wire.encode(wire.Loaded(errors={}, defined=["softmax"])))
    except OSError:
        continue
