"""Runs a grader as a process of its own, bounded, and sees what its student left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "SCOREBOARD_RUN"
TRACE = "left-behind"
"""Stands in the name of every file that an attack tries to leave somewhere."""
SHARED = (*map(Path, ("/", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/user/0")), Path.home())
"""Places that are no run's own."""
FOREIGN = ("PYTHON", "JUPYTER", "IPYTHON", "AUTOGRADER", "COVERAGE")
"""How variables begin that would change what a grader does."""
GRACE = 3.0
"""Seconds for what outlives its grader: whatever it writes late belongs to the result."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None
    """Exit code; None when it was killed at the limit."""
    output: str
    survivors: int
    """Processes that were still there after the command."""

    @property
    def problem(self) -> str:
        """Return why there is no result."""
        return "hangs until it is killed" if self.code is None else f"the grader crashed (exit code {self.code})"


def run(command: Sequence[str | Path], cwd: Path, own: Path, limit: float, **environment: str) -> Ended:
    """Run a command with a home and a temporary folder of its own, and leave no process of it.

    Args:
        command: program and arguments
        cwd: folder to run in
        own: where its home and its temporary files go
        limit: seconds until it is killed with everything it started
        environment: variables to set besides
    """
    mark = uuid.uuid4().hex
    home, temporary = own / "home", own / "tmp"
    for folder in (home, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "JUPYTER", "IPYTHON", "AUTOGRADER"))
    }
    settings = {"HOME": str(home), "TMPDIR": str(temporary), "COLUMNS": "200", "NO_COLOR": "1", MARK: mark}
    with (own / "output").open("w+b") as log:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=inherited | settings | environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        survivors = _end(mark, 0 if code is None else GRACE)
        process.wait()
        log.seek(0)
        output = log.read(10**6).decode(errors="replace")
    return Ended(code, output, survivors if code is not None else 0)


def _end(mark: str, grace: float) -> int:
    """Kill every process of a run that does not end by itself in a while; returns how many those were."""
    _, alive = psutil.wait_procs(_processes(mark), timeout=grace)
    left = len(alive)
    while alive := _processes(mark):
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)
    return left


def _processes(mark: str) -> list[psutil.Process]:
    """Return the processes that were born in a run: they inherit its mark, whatever session they fled to."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def shared_traces() -> set[Path]:
    """Return what attacks have left in the places shared by all."""
    return {path for place in SHARED for path in place.glob(f"*{TRACE}*")}


def harm_of(ended: Ended, own: Path, before: set[Path] | None) -> list[str]:
    """Name what a submission did besides, and clean up what lies outside the run's own folder.

    Args:
        ended: how the grader ended
        own: the run's own folder
        before: the traces of others in shared places, from before the run; None does not look there
    """
    outside = set() if before is None else shared_traces() - before
    for path in outside:
        _remove(path)
    harm = ["file left behind"] if outside or any(own.rglob(f"*{TRACE}*")) else []
    return harm + (["process left running"] if ended.survivors else [])


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
