"""An exception that is a web page: a script, an image with one, and the end of everything before."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "<script>"
# ///

# %% softmax
def softmax(x, dim=-1):
    raise ValueError("</pre></script><script>hostile(1)</script><img src=x onerror=hostile(2)>{{7*7}}{% raw %}")

# %% first
raise ValueError("</pre></script><script>hostile(1)</script><img src=x onerror=hostile(2)>{{7*7}}{% raw %}")
