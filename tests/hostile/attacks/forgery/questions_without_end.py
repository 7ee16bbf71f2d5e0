"""Asks the trusted side, which has not offered to answer anything, with arguments that are too large."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed", "error"]
# confined_only = true
# ///

# %% softmax
import sys


def softmax(x, dim=-1):
    wire = sys.modules["autograder.wire"]
    frame = sys._getframe(1)
    while "channel" not in frame.f_locals:
        frame = frame.f_back
    channel = frame.f_locals["channel"]
    for target, want in (("softmax", "aftermath"), (0, "value"), ("exec", "value"), ("__class__", "gradients")):
        for args in ((x,), ("import os",), (torch.zeros(400, 400),), ([[[[[[[[x]]]]]]]],)):
            channel.send(wire.Call(target=target, args=args, want=want, method="__globals__"))
            if hasattr(answer := channel.receive(), "value"):
                raise RuntimeError(f"the trusted side answered {target}: {answer}")
    return torch.full_like(x, 1 / x.size(dim))
