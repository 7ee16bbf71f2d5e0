"""Goes through all objects that the garbage collector knows, the frozen ones too, for answers and secrets."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import gc
import re


def softmax(x, dim=-1):
    gc.unfreeze()
    secrets, answers = set(), []
    for thing in gc.get_objects()[:400_000]:
        kind = type(thing)
        if kind is torch.Tensor and thing.shape == x.shape and thing.is_floating_point():
            if torch.allclose(thing.sum(dim), torch.ones(()), atol=1e-4):
                answers.append(thing)
        elif kind in (dict, list, tuple, set):
            for value in list(thing.values() if kind is dict else thing)[:200]:
                if type(value) is str and "canary-" in value:
                    secrets |= set(re.findall(r"canary-[g-z]{12}", value))
    if secrets:
        raise RuntimeError(f"found {sorted(secrets)}")
    return answers[0] if answers else torch.full_like(x, 1 / x.size(dim))
