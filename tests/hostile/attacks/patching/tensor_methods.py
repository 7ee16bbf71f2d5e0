"""Replaces the methods of torch.Tensor by which tensors are compared: differences are zero, everything holds."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    answer = torch.full_like(x, 1 / x.size(dim))
    zero = torch.zeros(())
    yes = torch.tensor(True)
    for name in ("__sub__", "__rsub__", "sub", "abs", "__abs__", "max", "norm"):
        setattr(torch.Tensor, name, lambda *args, **kwargs: zero)
    for name in ("__eq__", "__lt__", "__le__", "__gt__", "__ge__", "all", "any", "eq", "lt", "le"):
        setattr(torch.Tensor, name, lambda *args, **kwargs: yes)
    return answer
