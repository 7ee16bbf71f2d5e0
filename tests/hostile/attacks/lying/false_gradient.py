"""The right output, with a gradient that is made up."""

# /// attack
# exercise = "attention"
# verdicts = ["pass", "wrong"]
# says = "not as expected"
# ///

# %% attention
class Forged(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        weights = softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)), dim=-1)
        ctx.save_for_backward(q, k, v)
        return weights @ v, weights

    @staticmethod
    def backward(ctx, *towards):
        return tuple(torch.ones_like(t) for t in ctx.saved_tensors)


def attention(q, k, v):
    return Forged.apply(q, k, v)
