"""Sends answers without end, in a thread, as fast as the line takes them."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "crashed", "timeout"]
# confined_only = true
# ///

# %% softmax
import os
import struct
import threading


def softmax(x, dim=-1):
    text = b'{"type":"value","value":true}'
    data = (struct.pack(">II", len(text), 0) + text) * 1000

    def flood(fd):
        try:
            for _ in range(2000):
                os.write(fd, data)
        except OSError:
            pass

    for fd in range(3, 16):
        threading.Thread(target=flood, args=(fd,), daemon=True).start()
    return torch.full_like(x, 1 / x.size(dim))
