"""The scratch folder of student code: how full it is, and making it empty, whatever was put there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_NAMES_AT_ONCE = 1000
"""So many names fit on one command line, however long they are."""


def overflows(folder: Path, most_bytes: int, most_files: int) -> bool:
    """Say whether a folder holds more than it may, or what cannot be looked at for its depth.

    Costs the time of `most_files` entries at most.
    """
    files = size = 0
    folders = [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if files > most_files or size > most_bytes:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except FileNotFoundError:
            continue  # gone in the meantime
        except OSError:
            return True  # a path that is too long, of folders in folders, or a folder that cannot be looked into
    return False


def empty(folder: Path) -> None:
    """Remove everything in a folder.

    Raises:
        OSError: when something stays.
    """
    left = list(folder.iterdir())
    for start in range(0, len(left), _NAMES_AT_ONCE):
        remove(*left[start : start + _NAMES_AT_ONCE])


def remove(*paths: Path) -> None:
    """Remove files and folders with `rm`: shutil.rmtree gives up on folders nested deeper than Python may recurse.

    Raises:
        OSError: when something stays.
    """
    names = [str(path) for path in paths]
    done = _run("rm", "-rf", "--", *names)
    if done.returncode:  # a folder made without rights, which stops everybody but root
        _run("chmod", "-R", "u+rwX", "--", *names)
        done = _run("rm", "-rf", "--", *names)
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip()[:200])


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, capture_output=True)
