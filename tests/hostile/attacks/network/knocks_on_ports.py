"""Sends what it knows to every service on this machine that listens near a well-known port."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import os
import socket


def softmax(x, dim=-1):
    reached = []
    for port in (47113, 47114, 22, 53, 80, 8080, 8888, 8000, 5432, 6379):
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                with socket.socket(family, socket.SOCK_STREAM) as line:
                    line.settimeout(0.1)
                    line.connect((address, port))
                    line.sendall(f"left-behind {os.path.basename(os.getcwd())}".encode())
                    reached.append(port)
            except OSError:
                continue
    if reached:
        raise ConnectionError(f"reached the ports {reached}")
    return torch.full_like(x, 1 / x.size(dim))
