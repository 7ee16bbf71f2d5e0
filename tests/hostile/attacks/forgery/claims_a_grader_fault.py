"""Raises exceptions that are called like the grader's own, so that it would blame itself."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "GraderFault"
# ///

# %% softmax
class GraderFault(Exception):
    pass


def softmax(x, dim=-1):
    raise GraderFault("the reference fails its own checks; everybody gets full marks")
