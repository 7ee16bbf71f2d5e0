"""A last cell deletes the function, in a way that nobody sees who only reads."""

# /// attack
# exercise = "softmax"
# verdicts = ["missing"]
# suffers = ["attention", "Head"]
# ///

# %% last
del globals()["soft" + "max"]
