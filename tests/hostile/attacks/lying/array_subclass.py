"""A NumPy array in the place of a tensor, which takes over whatever NumPy compares it with."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "expected a torch.Tensor"
# ///

# %% softmax
import numpy as np


class Agreeable(np.ndarray):
    __array_priority__ = 1e9

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.True_ if ufunc.__name__ in ("equal", "isclose", "less_equal") else np.float64(0)

    def __array_function__(self, function, types, args, kwargs):
        return True


def softmax(x, dim=-1):
    return np.zeros(tuple(x.shape), dtype="float32").view(Agreeable)
