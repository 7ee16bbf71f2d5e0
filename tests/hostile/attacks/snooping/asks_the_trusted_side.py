"""Finds the channel and asks the trusted side for the softmax that it is to write itself."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# ///

# %% softmax
import sys


def softmax(x, dim=-1):
    frame = sys._getframe(1)
    while frame is not None and "channel" not in frame.f_locals:
        frame = frame.f_back
    if frame is not None:
        from autograder.wire import Call

        channel = frame.f_locals["channel"]
        channel.send(Call(target="softmax", args=(x.detach(), dim)))
        answer = channel.receive()
        if hasattr(answer, "value"):
            return answer.value
    return torch.full_like(x, 1 / x.size(dim))
