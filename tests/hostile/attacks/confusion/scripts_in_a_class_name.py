"""Returns an object, and raises exceptions, of classes whose names are web pages."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return type("<script>hostile(3)</script>\x1b[2J\u202e", (), {})()

# %% first
raise type("<img src=x onerror=hostile(4)>\n\n# Full marks", (Exception,), {})("hostile")
