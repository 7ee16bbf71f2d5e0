"""Replaces the function that turns tensors into bytes: other names, other shapes, other types."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# ///

# %% softmax
def softmax(x, dim=-1):
    import safetensors.torch

    save = safetensors.torch.save
    safetensors.torch.save = lambda tensors, *args: save({f"{k}/../x": v.double() for k, v in tensors.items()})
    return torch.full_like(x, 1 / x.size(dim))
