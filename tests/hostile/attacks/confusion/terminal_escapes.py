"""An exception that would clear the terminal, retitle it, and paint the line green."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "ValueError"
# ///

# %% softmax
def softmax(x, dim=-1):
    raise ValueError("\x1b[2J\x1b]0;owned\x07\x1b[32mhostile PASSED\x1b[0m\r\x9b31m all 7 checks passed \x08\x08")

# %% first
raise ValueError("\x1b[2J\x1b]0;owned\x07\x1b[32mhostile PASSED\x1b[0m\r\x9b31m all 7 checks passed \x08\x08")
