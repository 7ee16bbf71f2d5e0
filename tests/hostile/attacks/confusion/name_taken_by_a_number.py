"""A last cell uses the name of the function for a number."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "not callable"
# suffers = ["attention", "Head"]
# ///

# %% last
softmax = 3
