"""Reads the sources of all its callers, in all threads, and what linecache has of them."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import inspect
import linecache
import re
import sys


def softmax(x, dim=-1):
    texts = ["".join(lines[2]) for lines in linecache.cache.values() if len(lines) > 2]
    for start in sys._current_frames().values():
        frame = start
        while frame is not None:
            try:
                texts.append(inspect.getsource(inspect.getmodule(frame) or frame))
            except (OSError, TypeError):
                pass
            frame = frame.f_back
    own = "canary-[g-z]{12}"
    secrets = set(re.findall(own, "\n".join(texts)))
    if secrets:
        raise RuntimeError(f"found {sorted(secrets)}")
    found = re.search(r"^def (?:reference_)?softmax\(.*?(?=^\S)", "\n".join(t for t in texts if "hidden" in t), re.M | re.S)
    if found:
        exec(found[0], globals())
    return torch.full_like(x, 1 / x.size(dim))
