"""Right weights, with Python's settings turned over on the way: they must not reach the next check."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# ///

# %% softmax
import decimal
import gc
import os
import sys
import warnings


def softmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    warnings.filterwarnings("error")
    os.environ.clear()
    os.makedirs("elsewhere", exist_ok=True)
    os.chdir("elsewhere")
    os.umask(0o077)
    gc.disable()
    sys.setrecursionlimit(120)
    decimal.getcontext().prec = 1
    return powers / powers.sum(dim, keepdim=True)
