"""What hostile code could leave behind: processes, files, connections. Each detector is shown to work by a test."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

MARKER = "left-behind"
SHARED_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run/user/0"), Path.home())
PORTS = (47113, 47114)
"""Attacks knock on them."""
_OURS = "autograder-scratch"
"""The name of every scratch folder begins so; an attack puts it into what it leaves where others leave things too."""


class World:
    """A home, a folder for temporary files, and an environment for one run of the real command.

    Args:
        folder: where to make them
        environment: variables of the command, besides
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.tmp, self.home = folder, folder / "tmp", folder / "home"
        self.tmp.mkdir(parents=True)
        self.home.mkdir()
        # The list of fonts takes seconds to make, so it is not made anew for this home.
        cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        own = {"HOME": str(self.home), "TMPDIR": str(self.tmp), "XDG_CACHE_HOME": cache, "COLUMNS": "200"}
        self._environment = {**os.environ, **own, **environment}
        self.seen: set[int] = set()

    def autograder(self, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the real command in the course at `root`, and note which processes it has meanwhile."""
        command = [sys.executable, "-m", "autograder", *arguments]
        with subprocess.Popen(
            command, cwd=root, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            watch = threading.Thread(target=self._watch, args=(process,))
            watch.start()
            out, err = process.communicate(timeout=900)
            watch.join()
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def _watch(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            self.seen |= {p.pid for p in self.processes()}
            time.sleep(1.0)

    def processes(self) -> list[psutil.Process]:
        """Return the processes that work in this world: its folder is in their command line, or is where they are."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), process.cwd()]
            except (psutil.Error, OSError):  # gone in the meantime
                continue
            if any(str(self.folder) in word for word in words):
                found.append(process)
        return found

    def markers(self) -> list[str]:
        """Return the files that hostile code has left here, or where everybody may write."""
        own = [str(path) for path in self.folder.rglob(f"*{MARKER}*")]
        return sorted([*own, *map(str, shared_markers())])


def shared_markers() -> list[Path]:
    """Return the files that hostile code has left where everybody may write."""
    found = [path for folder in SHARED_FOLDERS if folder.is_dir() for path in folder.glob(f"*{MARKER}*")]
    return [path for path in found if _OURS in path.name]


def hashes(root: Path, but: tuple[str, ...]) -> dict[str, str]:
    """Return a hash of every file below `root` by its path, but for what grading itself writes."""
    files = [path for path in sorted(root.rglob("*")) if path.relative_to(root).parts[0] not in but]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in files
        if "__pycache__" not in path.parts
    }


class Listener:
    """A service on this machine that nobody should reach: collects what scratch folders' code sends to it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._socket = _listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                line.settimeout(1.0)
                try:
                    text = line.recv(1000).decode(errors="replace")
                except OSError:
                    continue
                if _OURS in text:  # other programs may knock, too
                    self.heard.append(text)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


def _listen() -> socket.socket:
    for port in PORTS:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
    raise OSError(f"the ports {PORTS} are taken; attacks knock on these")
