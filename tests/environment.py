"""An empty Python environment into which a wheel is installed with what it says it needs, and nothing else.

What pip would fetch from an index is linked from this environment instead: of the wheel's requirements, and theirs in
turn, the files that their own lists name. So a package that the kit uses and does not ask for is missing there.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def install_in_empty_environment(wheel: Path, folder: Path) -> Path:
    """Make an environment that holds a wheel and what it needs; returns its Python."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (metadata,) = site.glob("autograder-*.dist-info")
    for needed in _needed_by(Distribution.at(metadata)):
        _link(needed, site)
    return python


def _needed_by(root: Distribution) -> list[Distribution]:
    """Return the distributions that one requires, directly or not, as they are installed here."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo: list[tuple[Distribution, frozenset[str]]] = [(root, frozenset())]
    while todo:
        current, extras = todo.pop()
        for requirement in map(Requirement, current.requires or []):
            wanted = any(_applies(requirement, extra) for extra in extras | {""})
            key = canonicalize_name(requirement.name), frozenset(requirement.extras)
            if wanted and key not in seen:
                seen.add(key)
                found[key[0]] = distribution(requirement.name)
                todo.append((found[key[0]], key[1]))
    return list(found.values())


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _link(needed: Distribution, site: Path) -> None:
    """Link the folders and modules of a distribution; programs and data outside them are left out."""
    home = Path(str(needed.locate_file("")))
    names = {file.parts[0] for file in needed.files or [] if file.parts[0] not in ("..", "__pycache__")}
    for name in names:
        if not (site / name).exists():
            (site / name).symlink_to(home / name)
