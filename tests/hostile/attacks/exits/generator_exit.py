"""Raises GeneratorExit, which contexts take for their own end."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "GeneratorExit"
# ///

# %% softmax
def softmax(x, dim=-1):
    raise GeneratorExit("softmax is done")
