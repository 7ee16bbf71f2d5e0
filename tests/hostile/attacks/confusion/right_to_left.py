"""An exception with marks that turn the direction of writing, stack on letters, or cannot be seen."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# ///

# %% softmax
def softmax(x, dim=-1):
    raise ValueError("\u202e\u2066dessap skcehc lla\u2069 " + "a" + "\u0336\u035b\u0310" * 30 + " \u200b\ufeff\u2028 😀" * 5)

# %% first
raise ValueError("\u202e\u2066dessap skcehc lla\u2069 " + "a" + "\u0336\u035b\u0310" * 30 + " \u200b\ufeff\u2028 😀" * 5)
