"""Works once, and gives the same answer ever after."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass", "wrong"]
# ///

# %% softmax
_answers = []


def softmax(x, dim=-1):
    if not _answers:
        powers = torch.exp(x - x.amax(dim, keepdim=True))
        _answers.append(powers / powers.sum(dim, keepdim=True))
    return _answers[0]
