"""Code that needs a download: no attack, but it cannot work here, and its author must read why."""

# /// attack
# exercise = "softmax"
# verdicts = ["error"]
# says = "Operation not permitted"
# ///

# %% softmax
import urllib.request


def softmax(x, dim=-1):
    with urllib.request.urlopen("http://127.0.0.1:9/weights.bin", timeout=1) as answer:
        return torch.frombuffer(answer.read(), dtype=torch.float32)
