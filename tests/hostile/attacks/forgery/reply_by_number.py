"""Finds the number of the call on the stack, answers it with forged weights, and ends before anybody can ask on."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# confined_only = true
# ///

# %% softmax
import os
import sys


def softmax(x, dim=-1):
    frame = sys._getframe(1)
    while frame is not None and "channel" not in frame.f_locals:
        frame = frame.f_back
    call, channel = frame.f_locals["call"], frame.f_locals["channel"]
    wire = sys.modules["autograder.wire"]
    number = {"to": call.number} if hasattr(call, "number") else {}
    forged = torch.zeros(x.shape).index_fill_(dim, torch.tensor([0]), 1.0)
    channel.send(wire.Value(value=forged if call.want == "value" else [[x], True], **number))
    os._exit(0)
