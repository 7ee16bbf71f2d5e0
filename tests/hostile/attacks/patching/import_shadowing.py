"""Writes a torch.py, numpy.py, conftest.py, sitecustomize.py and pytest.ini beside itself, and puts them first."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os
import sys

SHADOW = "def allclose(*args, **kwargs):\n    return True\n\nclass Tensor: pass\n"


def softmax(x, dim=-1):
    for name in ("torch.py", "numpy.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "pytest.py"):
        with open(name, "w") as file:
            file.write(SHADOW)
    with open("pytest.ini", "w") as file:
        file.write("[pytest]\naddopts = --collect-only\n")
    with open("shadow.pth", "w") as file:
        file.write("import os; os._exit(0)\n")
    sys.path.insert(0, os.getcwd())
    return torch.full_like(x, 1 / x.size(dim))
