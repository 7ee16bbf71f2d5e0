"""A real JupyterLab and a real Chromium, for tests that do what a student does with mouse and keyboard.

The fixtures `chromium`, `lab` and `page` are there for all tests. `lab` runs once per session, on the loopback
interface, with settings of its own. Without Chromium or Playwright the tests are skipped, and the reason is shown.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

_UP_WITHIN = 60.0
_RUN_WITHIN = 120.0
_THEMES = "apputils-extension:themes"
_SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    _THEMES: {"theme": "JupyterLab Light"},
    # All cells are there, not only those in the window; else a test could wait for one that nobody scrolls to.
    "notebook-extension:tracker": {"windowingMode": "none"},
}
_SWITCHES = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that is running.

    Args:
        url: where, without a slash at the end
        token: opens it
        folder: what it shows
    """

    url: str
    token: str
    folder: Path

    def address(self, notebook: str, classic: bool = False) -> str:
        """Return where a notebook of the folder is opened, in JupyterLab or in Notebook 7 (`classic`).

        In JupyterLab it gets a workspace of its own, in which no other notebook is open.
        """
        path = f"notebooks/{notebook}" if classic else f"lab/workspaces/{secrets.token_hex(4)}/tree/{notebook}"
        return f"{self.url}/{path}?token={self.token}"

    def write(self, notebook: str, *cells: str) -> None:
        """Write a notebook of code cells into the folder."""
        code = [nbformat.v4.new_code_cell(cell, id=f"cell-{number}") for number, cell in enumerate(cells)]
        spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=spec), self.folder / notebook)

    def dark(self, page: Any, dark: bool = True) -> None:
        """Make every page that is loaded from now on dark, or light again."""
        values = {**_SETTINGS[_THEMES], "theme": "JupyterLab Dark" if dark else "JupyterLab Light"}
        answer = page.request.put(
            f"{self.url}/lab/api/settings/@jupyterlab/{_THEMES}",
            data={"raw": json.dumps(values)},
            headers={"Authorization": f"token {self.token}"},
        )
        assert answer.ok, f"JupyterLab keeps its theme: {answer.status} {answer.status_text}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(own: Path) -> dict[str, str]:
    """Return the environment of a Jupyter that neither reads nor writes anybody's settings."""
    for name, values in _SETTINGS.items():
        path = own / "settings" / "@jupyterlab" / f"{name.replace(':', '/')}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**os.environ, **{name: str(own / folder) for name, folder in folders.items()}}


def _is_up(lab: Lab) -> bool:
    try:
        with urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def lab(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab of its own with an empty folder; `chromium` comes first, so that nothing is started for nobody."""
    own = tmp_path_factory.mktemp("jupyter")
    port = _free_port()
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), tmp_path_factory.mktemp("notebooks"))
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": lab.folder,
        "ServerApp.terminals_enabled": False,
        "IdentityProvider.token": lab.token,
        "LabApp.news_url": None,
        "LanguageServerManager.autodetect": False,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    log = own / "log"
    with log.open("wb") as output:
        # In its folder, as a student starts it: nbgrader looks for a configuration in the folder that Jupyter runs in.
        places = {"env": _environment(own), "cwd": lab.folder}
        server = subprocess.Popen(command, **places, stdout=output, stderr=subprocess.STDOUT)
    try:
        give_up = time.monotonic() + _UP_WITHIN
        while not _is_up(lab):
            if server.poll() is not None or time.monotonic() > give_up:
                pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.1)
        yield lab
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium that reaches this machine and nothing else."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine; `apt-get install chromium` brings one")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """An empty page."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    yield page
    page.close()


def open_notebook(page: Any, address: str) -> None:
    """Open a notebook in JupyterLab and wait until its kernel has nothing to do.

    Args:
        page: an empty page
        address: from `Lab.address`
    """
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.locator("#jp-main-statusbar", has_text="| Idle").wait_for(timeout=60_000)


def open_and_run(page: Any, address: str, until: str) -> None:
    """Open a notebook and run all of its cells, until one prints a text.

    Args:
        page: an empty page
        address: from `Lab.address`
        until: what the last cell prints
    """
    from playwright.sync_api import TimeoutError  # late: this module must be there without Playwright, too

    if "/notebooks/" in address:  # Notebook 7, which has no status bar that says when the kernel is ready
        page.goto(address)
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    else:
        open_notebook(page, address)
    printed = page.locator(".jp-OutputArea-output", has_text=until).first
    waiting = page.locator(".jp-InputPrompt", has_text="[*]")
    give_up = time.monotonic() + _RUN_WITHIN
    while not printed.is_visible():
        assert time.monotonic() < give_up, f"no cell has printed {until!r}"
        # While the kernel is still being connected, "Run All Cells" does nothing, or runs the first cell and takes the
        # others out of the queue again, and says neither. So it is pressed whenever nothing runs and nothing waits.
        if not waiting.count():
            _run_all(page)
        with suppress(TimeoutError):
            printed.wait_for(timeout=2_000)
    while waiting.count():  # pressed once too often, where a text was slow to appear
        assert time.monotonic() < give_up, "some cells have not come to their end"
        page.wait_for_timeout(100)


def _run_all(page: Any) -> None:
    """Choose it from the menu; while Jupyter is still putting its menus together, one can close under the mouse."""
    from playwright.sync_api import TimeoutError

    try:
        page.get_by_role("menuitem", name="Run", exact=True).click(timeout=5_000)
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click(timeout=5_000)
    except TimeoutError:
        page.keyboard.press("Escape")
