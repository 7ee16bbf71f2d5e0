"""Replaces torch's comparisons: allclose, equal, isclose and torch.testing.assert_close agree with everything."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import torch.testing


def softmax(x, dim=-1):
    torch.allclose = torch.equal = torch.Tensor.allclose = torch.Tensor.equal = lambda *args, **kwargs: True
    torch.isclose = torch.Tensor.isclose = lambda a, b, *args, **kwargs: torch.ones(a.shape, dtype=torch.bool)
    torch.testing.assert_close = torch.testing._comparison.assert_close = lambda *args, **kwargs: None
    return torch.full_like(x, 1 / x.size(dim))
