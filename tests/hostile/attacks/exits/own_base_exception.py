"""Raises an exception of its own that is no Exception, and that nobody has thought of."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "Unheard"
# ///

# %% softmax
class Unheard(BaseException):
    pass


def softmax(x, dim=-1):
    raise Unheard("of")
