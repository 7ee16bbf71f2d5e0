"""Takes the forbidden shortcut in a thread of its own."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
import threading


def softmax(x, dim=-1):
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.softmax(x, dim)))
    thread.start()
    thread.join()
    return found[0]
