"""Looks for the notebooks of others, takes the softmax out of one of them, and runs it."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import json
import re
from pathlib import Path


def softmax(x, dim=-1):
    for folder in [Path.cwd(), *list(Path.cwd().parents)[:4]]:
        for path in [*folder.glob("submitted/*/*/*.ipynb"), *folder.glob("*/submitted/*/*/*.ipynb")][:300]:
            try:
                text = path.read_text(encoding="utf-8")
            except OSError:
                continue
            if found := re.findall(r"canary-[g-z]{12}", text):
                raise RuntimeError(f"found {found[0]} in the notebook of {path.parts[-3]}")
            sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
            own = [s for s in sources if s.startswith("def softmax") and "powers" in s]
            if own:
                space = {"torch": torch, "Tensor": Tensor}
                exec(own[0], space)
                return space["softmax"](x, dim)
    return torch.full_like(x, 1 / x.size(dim))
