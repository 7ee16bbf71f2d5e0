"""Makes a block of shared memory and a semaphore that outlive it."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import ctypes
import os
from multiprocessing import shared_memory

NAME = f"left-behind-{os.path.basename(os.getcwd())}"


def softmax(x, dim=-1):
    made = []
    libc = ctypes.CDLL(None)
    try:
        shared_memory.SharedMemory(NAME, create=True, size=1024)
        made.append("shared memory")
    except OSError:
        pass
    if libc.shmget(0x1EF7, 4096, 0o1600) >= 0:
        made.append("System V memory")
    if libc.msgget(0x1EF7, 0o1600) >= 0:
        made.append("a message queue")
    try:
        x.share_memory_()
        made.append("a shared tensor")
    except (OSError, RuntimeError):
        pass
    if made:
        raise RuntimeError(f"made {made}")
    return torch.full_like(x, 1 / x.size(dim))
