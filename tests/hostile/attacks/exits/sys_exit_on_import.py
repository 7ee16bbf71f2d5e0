"""Calls sys.exit(0) when its cell is run."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "SystemExit"
# ///

# %% softmax
import sys

sys.exit(0)
