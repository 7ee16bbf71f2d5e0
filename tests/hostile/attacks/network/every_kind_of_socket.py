"""Tries every kind of socket there is: local ones, raw ones, to the kernel, and the ones of other families."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import ctypes
import socket


def softmax(x, dim=-1):
    made = []
    for family in (1, 2, 10, 16, 17, 38, 40, 44):
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind).close()
                made.append((family, kind))
            except OSError:
                continue
    for make in (lambda: socket.socketpair(), lambda: socket.create_server(("127.0.0.1", 0))):
        try:
            make()
            made.append("a pair or a server")
        except OSError:
            continue
    libc = ctypes.CDLL(None)
    for number in (41, 53, 425, 321, 323, 101):  # socket, socketpair, io_uring_setup, bpf, userfaultfd, ptrace
        if libc.syscall(number, 1, 1, 0, 0, 0) >= 0:
            made.append(f"system call {number}")
    if made:
        raise ConnectionError(f"made {made}")
    return torch.full_like(x, 1 / x.size(dim))
