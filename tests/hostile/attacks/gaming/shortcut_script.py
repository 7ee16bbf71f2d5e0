"""Takes the forbidden shortcut inside a compiled function of TorchScript."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _scripted = torch.jit.CompilationUnit("def f(x: Tensor, dim: int):\n    return torch.softmax(x, dim)\n").f


def softmax(x, dim=-1):
    return _scripted(x, dim)
