"""A last cell that would train for days: it is left out, and the rest counts."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# says = "did not finish within 2 s"
# slow = true
# ///

# %% last
weight = torch.zeros(3)
while True:
    weight = weight + 1
