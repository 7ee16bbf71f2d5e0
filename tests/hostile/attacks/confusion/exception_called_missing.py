"""Raises an exception that is called like one of the grader's own words for what happened."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "Missing"
# ///

# %% softmax
class Missing(Exception):
    pass


def softmax(x, dim=-1):
    raise Missing("nothing is missing here")
