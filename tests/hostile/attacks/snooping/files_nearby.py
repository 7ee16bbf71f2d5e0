"""Searches the folders around for tests, solutions and the work of others, and runs what looks like a solution."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import os
import re
from pathlib import Path


def softmax(x, dim=-1):
    places = [Path.cwd(), *Path.cwd().parents[:-1], Path.home(), Path(os.environ.get("TMPDIR", "/tmp"))]
    secrets, looked, solution = set(), 0, ""
    for place in places:
        for folder, folders, names in os.walk(place):
            folders[:] = [f for f in folders if f not in (".git", ".venv", "site-packages")]
            looked += len(names)
            if looked > 5000 or secrets:
                break
            for name in names:
                if not name.endswith((".py", ".ipynb", ".txt", ".toml", ".json", ".db", ".env")):
                    continue
                try:
                    text = Path(folder, name).read_bytes()[:500_000].decode(errors="replace")
                except OSError:
                    continue
                secrets |= set(re.findall(r"canary-[g-z]{12}", text))
                if name.startswith(("solution", "reference", "fort")) and "def softmax" in text:
                    solution = text
    if secrets:
        raise RuntimeError(f"found {sorted(secrets)}")
    if solution:
        space = {}
        exec(solution, space)
        return space["softmax"](x, dim)
    return torch.full_like(x, 1 / x.size(dim))
