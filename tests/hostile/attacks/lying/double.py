"""The right numbers in twice the width: not what was asked for."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "the dtype torch.float32, got torch.float64"
# ///

# %% softmax
def softmax(x, dim=-1):
    powers = torch.exp(x.double() - x.double().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
