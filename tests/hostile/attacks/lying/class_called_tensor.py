"""An object whose class is called Tensor and says it is one, and whose difference from anything is zero."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
class _Tensor:
    dtype, device, layout, requires_grad = torch.float32, torch.device("cpu"), torch.strided, False

    def __init__(self, like):
        self.like, self.shape = like, like.shape

    __class__ = property(lambda self: torch.Tensor)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True if function in (torch.allclose, torch.equal) else torch.zeros(())

    def __sub__(self, other):
        return torch.zeros_like(self.like)

    __rsub__ = __sub__

    def __eq__(self, other):
        return torch.ones_like(self.like, dtype=torch.bool)

    __hash__ = None


_Tensor.__name__ = _Tensor.__qualname__ = "Tensor"


def softmax(x, dim=-1):
    return _Tensor(x)
