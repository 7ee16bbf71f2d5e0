"""Raises GeneratorExit when its cell is run."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "GeneratorExit"
# ///

# %% softmax
raise GeneratorExit
