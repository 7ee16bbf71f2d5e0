"""A cell that only works where it was written: it uploads a file and mounts a drive. The rest counts."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# says = "ModuleNotFoundError"
# ///

# %% first
from google.colab import drive, files

files.upload()
drive.mount("/content/drive")
