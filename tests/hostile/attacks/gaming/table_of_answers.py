"""Knows the answers to the inputs that can be seen, by their shape, and guesses elsewhere."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
ANSWERS = {(1, 2): torch.full((1, 2), 0.5), (3, 5): torch.full((3, 5), 0.2), (2, 3, 7): torch.full((2, 3, 7), 1 / 3)}


def softmax(x, dim=-1):
    return ANSWERS.get(tuple(x.shape), x).clone()
