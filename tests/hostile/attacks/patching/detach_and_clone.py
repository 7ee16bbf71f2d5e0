"""Replaces detach, clone and to, through which every answer goes on its way out."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed", "error"]
# ///

# %% softmax
def softmax(x, dim=-1):
    answer = torch.full_like(x, 1 / x.size(dim))

    class Agreeable:
        def __getattr__(self, name):
            return lambda *args, **kwargs: self

        def __eq__(self, other):
            return True

        __hash__ = None

    for name in ("detach", "clone", "to", "cpu", "contiguous"):
        setattr(torch.Tensor, name, lambda *args, **kwargs: Agreeable())
    return answer
