"""Overwrites, in place, every tensor of the right shape that it finds: expected values become its own."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import gc


def softmax(x, dim=-1):
    answer = torch.full_like(x, 1 / x.size(dim))
    with torch.no_grad():
        for thing in gc.get_objects():
            if type(thing) is torch.Tensor and thing.shape == x.shape and thing.dtype == x.dtype:
                thing.copy_(answer)
    return answer
