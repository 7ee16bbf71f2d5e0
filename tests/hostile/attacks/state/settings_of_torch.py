"""Right weights, with torch's settings turned over on the way: they must not reach the next check."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# ///

# %% softmax
def softmax(x, dim=-1):
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    torch._C._set_deterministic_algorithms(True)
    torch.set_default_dtype(torch.float64)
    torch.set_flush_denormal(True)
    torch.set_printoptions(precision=1)
    torch.autograd.set_detect_anomaly(True)
    torch.set_num_threads(2)
    return powers / powers.sum(dim, keepdim=True)
