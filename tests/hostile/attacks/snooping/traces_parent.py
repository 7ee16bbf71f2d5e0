"""Attaches to its parent as a debugger would, and reads its memory."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import ctypes
import os


def softmax(x, dim=-1):
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    attach, peek, seize = 16, 1, 0x4206
    got = [libc.ptrace(request, parent, ctypes.c_void_p(id(x)), None) for request in (seize, attach, peek)]
    room = ctypes.create_string_buffer(64)
    here = (ctypes.c_void_p * 2)(ctypes.addressof(room), 64)
    there = (ctypes.c_void_p * 2)(id(x), 64)
    got.append(libc.process_vm_readv(parent, here, 1, there, 1, 0))
    got.append(libc.process_vm_writev(parent, here, 1, there, 1, 0))
    if any(value >= 0 for value in got):
        raise RuntimeError(f"reached the parent: {got}")
    return torch.full_like(x, 1 / x.size(dim))
