"""Sends descriptors, and asks for some, over the one line that it has to the outside."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed"]
# confined_only = true
# ///

# %% softmax
import os
import socket


def softmax(x, dim=-1):
    for fd in range(3, 32):
        try:
            line = socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        for use in (lambda: socket.send_fds(line, [b"x"], [0, 1]), lambda: line.recv(1), lambda: line.shutdown(2),
                    lambda: line.getpeername(), lambda: line.setsockopt(1, 7, 1)):
            try:
                use()
                raise ConnectionError("the line can be used as a socket")
            except OSError as error:
                if "can be used" in str(error):
                    raise
    return torch.full_like(x, 1 / x.size(dim))
