"""Raises, when its cell is run, an exception of its own that is no Exception."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "Unheard"
# ///

# %% softmax
class Unheard(BaseException):
    pass


raise Unheard("of")
