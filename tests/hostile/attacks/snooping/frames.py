"""Walks up all frames for a tensor called expected, or one that looks like weights, and returns it as its own."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import re
import sys


def softmax(x, dim=-1):
    def fits(value):
        if type(value) is not torch.Tensor or value.shape != x.shape or value is x or not value.is_floating_point():
            return False
        return torch.allclose(value.sum(dim), torch.ones(()), atol=1e-4)

    frame, secrets = sys._getframe(1), set()
    while frame is not None:
        for space in (frame.f_locals, frame.f_globals):
            for name, value in list(space.items()):
                if fits(value):
                    return value
                if callable(value) and re.match(r"(reference|solution|expected)", name):
                    try:
                        return value(x, dim)
                    except Exception:
                        continue
                if isinstance(value, str):
                    secrets |= set(re.findall(r"canary-[g-z]{12}", value))
        secrets |= set(re.findall(r"canary-[g-z]{12}", repr(frame.f_code.co_consts)))
        frame = frame.f_back
    if secrets:
        raise RuntimeError(f"found {sorted(secrets)}")
    return torch.full_like(x, 1 / x.size(dim))
