"""Ignores every signal that can be ignored, takes away all alarms, and never ends."""

# /// attack
# exercise = "sample"
# verdicts = ["timeout"]
# slow = true
# confined_only = true
# ///

# %% sample
import signal


def sample(probabilities, count, seed):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    signal.alarm(0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        pass
