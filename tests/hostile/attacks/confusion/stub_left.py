"""The stub, as it was handed out, with a comment more."""

# /// attack
# exercise = "softmax"
# verdicts = ["missing"]
# says = "Not attempted"
# ///

# %% softmax
def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Turn scores into weights along `dim`."""
    # YOUR CODE HERE, but not today
    raise NotImplementedError()
