"""An exception in the markup of the library that prints the table of the class."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "[bold green]"
# ///

# %% softmax
def softmax(x, dim=-1):
    raise ValueError("[bold green]hostile passed[/] [link=file:///etc/passwd]here[/link] [/] [not closed")

# %% first
raise ValueError("[bold green]hostile passed[/] [link=file:///etc/passwd]here[/link] [/] [not closed")
