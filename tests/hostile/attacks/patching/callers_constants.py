"""Writes over the tolerances that stand as constants in the code of its callers."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# confined_only = true
# ///

# %% softmax
import ctypes
import sys


def softmax(x, dim=-1):
    answer = torch.full_like(x, 1 / x.size(dim))
    frame = sys._getframe(1)
    while frame is not None:
        for constant in frame.f_code.co_consts:
            if type(constant) is float and 0 < constant < 0.01:
                ctypes.c_double.from_address(id(constant) + 16).value = 1e9
        frame = frame.f_back
    return answer
