"""A tensor that answers every comparison, and torch.allclose, with yes."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "an object of type Evil"
# ///

# %% softmax
class Evil(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in ("allclose", "equal", "is_same_size"):
            return True
        if name in ("all", "isclose", "eq", "__eq__", "le", "lt", "ge", "gt"):
            return torch.tensor(True)
        return super().__torch_function__(function, types, args, kwargs or {})


def softmax(x, dim=-1):
    return torch.full(x.shape, 1 / x.size(dim)).as_subclass(Evil)
