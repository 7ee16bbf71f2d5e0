"""Right weights, and gradients are off from then on, for everybody who called."""

# /// attack
# exercise = "attention"
# verdicts = ["pass", "wrong"]
# says = "gradient"
# ///

# %% softmax
def softmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    weights = powers / powers.sum(dim, keepdim=True)
    torch.set_grad_enabled(False)
    return weights
