"""An exception, a key and a name with halves of characters, which no file can hold."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# ///

# %% softmax
def softmax(x, dim=-1):
    raise ValueError("\ud800\udfff half \udcff " + chr(0) + chr(0x10FFFF) + chr(0xFFFE))
