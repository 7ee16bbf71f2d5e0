"""Makes files that have no name and count for no folder, and fills them."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    made = 0
    for make in (lambda: os.memfd_create("bomb"), lambda: os.open(".", os.O_TMPFILE | os.O_RDWR)):
        for _ in range(20):
            try:
                made += os.write(make(), bytes(1 << 20))
            except OSError:
                break
    return torch.full_like(x, 1 / x.size(dim))
