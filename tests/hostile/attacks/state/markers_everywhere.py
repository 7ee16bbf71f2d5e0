"""Creates files in every folder that a grader could have forgotten, and folders above its own."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os
import tempfile
from pathlib import Path

MARKER = f"left-behind-{os.path.basename(os.getcwd())}"


def softmax(x, dim=-1):
    written = []
    places = ["/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~"), "/run/user/0"]
    places += [str(folder) for folder in list(Path.cwd().parents)[:3]]
    places += [str(f) for f in Path.cwd().parent.glob("*/") if f.is_dir() and f != Path.cwd()][:20]
    for place in [p for p in places if not os.path.exists(p) or not os.path.samefile(p, ".")]:
        try:
            with open(os.path.join(place, MARKER), "x") as file:
                file.write("I was here")
            written.append(place)
        except OSError:
            continue
    with tempfile.NamedTemporaryFile(prefix="left-behind-", delete=False) as file:
        file.write(b"and here, where I may")
    if written:
        raise RuntimeError(f"wrote into {written}")
    return torch.full_like(x, 1 / x.size(dim))
