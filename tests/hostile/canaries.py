"""Canaries: random words, planted where only the grader may look.

One of them in a record or on a page shows that somebody got there.

Attacks search for their form and put what they find into the text of an exception, which would land in the record. They
are letters only, and short, because the grader takes numbers and encoded bytes out of such texts.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

from attack import ASSIGNMENT
from nbgrader.api import Gradebook

PATTERN = re.compile(r"canary-[g-z]{12}")


def new_canary() -> str:
    """Return a word that nobody can guess, in the form that attacks look for."""
    word = "canary-" + "".join(random.SystemRandom().choices("ghijklmnopqrstuvwxyz", k=12))
    assert PATTERN.fullmatch(word)
    return word


def plant_in_course(root: Path) -> dict[str, str]:
    """Plant canaries in the course at `root`; returns them by place."""
    places = ("constant of a hidden check", "comment of a hidden check", "file of the course", "name in the gradebook")
    planted = {place: new_canary() for place in places}
    checks = root / "assignments" / ASSIGNMENT / "test_hidden.py"
    secret = f"# {planted['comment of a hidden check']}\nSECRET = {planted['constant of a hidden check']!r}\n"
    checks.write_text(checks.read_text(encoding="utf-8") + secret, encoding="utf-8")
    (root / "for-the-instructor.txt").write_text(planted["file of the course"], encoding="utf-8")
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        gradebook.add_student("registered-only", first_name=planted["name in the gradebook"])
    return planted


def plant_in_file(path: Path) -> str:
    """Write a file with a canary in it; returns the canary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(canary := new_canary(), encoding="utf-8")
    return canary


def plant_in_notebook(notebook: bytes) -> tuple[bytes, str]:
    """Return a notebook with a canary in a comment and in a text cell, and the canary."""
    canary = new_canary()
    content = json.loads(notebook)
    last = next(cell for cell in reversed(content["cells"]) if cell["cell_type"] == "code")
    content["cells"] += [
        {"cell_type": "markdown", "id": "my-notes", "metadata": {}, "source": f"My notes: {canary}"},
        {**last, "id": "my-code", "metadata": {}, "source": f"# {canary}\nmy_own = 1"},
    ]
    return json.dumps(content).encode(), canary


def found_in(text: str, planted: dict[str, str]) -> list[str]:
    """Return the places whose canaries stand in a text."""
    return [place for place, canary in planted.items() if canary in text]
