"""Asks, with signal 0, whether it could end its parent, its group or everybody: that it must not."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import os
import signal


def softmax(x, dim=-1):
    reached = []
    for send, to in ((os.kill, os.getppid()), (os.kill, 1), (os.kill, -1), (os.kill, 0), (os.killpg, os.getpgrp())):
        try:
            send(to, 0)
            reached.append(to)
        except (OSError, PermissionError):
            continue
    try:
        reached.append(signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0))
    except OSError:
        pass
    if reached:
        raise RuntimeError(f"could end {len(reached)} others")
    return torch.full_like(x, 1 / x.size(dim))
