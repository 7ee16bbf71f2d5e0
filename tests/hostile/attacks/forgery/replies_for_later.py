"""Answers the first call rightly, and sends along answers to calls that have not been made."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# says = "no answer"
# confined_only = true
# ///

# %% softmax
import os
import sys


def softmax(x, dim=-1):
    wire = sys.modules["autograder.wire"]
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    answer = powers / powers.sum(dim, keepdim=True)
    frame = sys._getframe(1)
    while "call" not in frame.f_locals:
        frame = frame.f_back
    number = frame.f_locals["call"].number
    for later in range(number + 1, number + 4):
        data = wire.encode(wire.Value(value=[[x], True], to=later))
        for fd in range(3, 32):
            try:
                os.write(fd, data)
            except OSError:
                continue
    x.zero_()
    return answer
