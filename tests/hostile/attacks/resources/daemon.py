"""Tries every way to leave a process behind that outlives it: fork, spawn, a shell, a session of its own."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import multiprocessing
import os
import subprocess
import sys

LEFT = "import os, time; open('left-behind-by-a-daemon', 'w').close(); time.sleep(5)"


def softmax(x, dim=-1):
    ways = [
        lambda: subprocess.Popen([sys.executable, "-c", LEFT], start_new_session=True),
        lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", LEFT], {}),
        lambda: os.system("sleep 5 &"),
        lambda: multiprocessing.get_context("fork").Process(target=exec, args=(LEFT,)).start(),
        lambda: os.execv(sys.executable, [sys.executable, "-c", LEFT]),
        lambda: os.setsid(),
        lambda: os.fork() or exec(LEFT),
    ]
    worked = []
    for number, way in enumerate(ways):
        try:
            if way() != 32256 and number != 2:
                worked.append(number)
        except (OSError, AssertionError):
            continue
    if worked:
        raise RuntimeError(f"ways {worked} worked")
    return torch.full_like(x, 1 / x.size(dim))
