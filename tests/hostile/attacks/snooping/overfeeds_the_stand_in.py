"""The reference stands in for a wrong softmax; attention passes it tensors that would fill the memory outside."""

# /// attack
# exercise = "attention"
# verdicts = ["error", "wrong", "memory", "crashed"]
# suffers = ["softmax"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))

# %% attention
def attention(q, k, v):
    asked = [(torch.zeros(1).expand(4000), 10**18), (torch.zeros(0, 10**6, 10**6), 0), (torch.zeros(200_000), -1)]
    asked += [(torch.zeros([1] * 60), 3), (torch.zeros(5000, dtype=torch.bool), 0), (q, "q"), (q, [[[]]]), (q, 1e308)]
    for x, dim in asked:
        try:
            softmax(x, dim)
        except (ValueError, RuntimeError, TypeError, MemoryError):
            continue
    return torch.zeros(*q.shape[:-1], v.size(-1)), torch.zeros(*q.shape[:-1], k.size(-2))
