"""The reference stands in for a wrong softmax; attention asks it for attention as well."""

# /// attack
# exercise = "attention"
# verdicts = ["wrong", "crashed"]
# suffers = ["softmax"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))

# %% attention
def attention(q, k, v):
    for name in ("attention", "Head", "__init__", "answer", "../attention"):
        for cell in getattr(softmax, "__closure__", None) or ():
            try:
                from autograder.inside.stand_ins import stand_in

                return stand_in(name, ["q", "k", "v"], cell.cell_contents)(q, k, v)
            except Exception:
                continue
    weights = torch.full((*q.shape[:-1], k.size(-2)), 1 / k.size(-2))
    return weights @ v, weights
