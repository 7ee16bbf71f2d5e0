"""Writes what looks like full marks to every file descriptor, in the words of several graders."""

# /// attack
# exercise = "softmax"
# verdicts = ["crashed"]
# confined_only = true
# ///

# %% softmax
import os

WORDS = b'{"score": 6, "tests": [{"name": "softmax", "status": "passed", "score": 6, "max_score": 6}]}\nok\n.\nPASSED\n'


def softmax(x, dim=-1):
    for fd in range(256):
        try:
            os.write(fd, WORDS)
        except OSError:
            continue
    return torch.full_like(x, 1 / x.size(dim))
