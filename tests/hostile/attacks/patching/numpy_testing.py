"""Replaces what NumPy compares with."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import numpy as np


def softmax(x, dim=-1):
    for name in ("allclose", "array_equal", "array_equiv"):
        setattr(np, name, lambda *args, **kwargs: True)
    for name in [n for n in dir(np.testing) if n.startswith("assert_")]:
        setattr(np.testing, name, lambda *args, **kwargs: None)
    return torch.full_like(x, 1 / x.size(dim))
