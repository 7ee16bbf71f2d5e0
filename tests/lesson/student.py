"""A student in front of a notebook: finds a cell, types into it, runs it, and reads what comes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from answers import ROOT
from browser import Lab, open_and_run, open_notebook
from pictures import still

_SLOW = 60_000
"""Milliseconds in which a busy machine, too, has imported torch."""
_RAN = re.compile(r"\[\d+\]")


def bring(lab: Lab, assignment: str, inside: str = "", shows: str = "") -> Path:
    """Put a release folder where JupyterLab shows it, and return its notebook.

    Args:
        lab: where
        assignment: whose release
        inside: a folder to put it in, or "" for the top
        shows: the demonstration that is kept, when the student has deleted all others to save time
    """
    there = lab.folder / inside / assignment
    shutil.copytree(ROOT / "release" / assignment, there)
    path = there / f"{assignment}.ipynb"
    if shows:
        notebook = json.loads(path.read_bytes())
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] == shows or not _demonstrates(cell)]
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def _demonstrates(cell: dict[str, Any]) -> bool:
    return bool(cell["metadata"].get("autograder") == {"role": "demonstration"})


class Student:
    """Uses one notebook.

    Args:
        page: an empty page
        lab: where the notebook is
        notebook: its file
    """

    def __init__(self, page: Any, lab: Lab, notebook: Path) -> None:
        self.page, self._notebook = page, notebook
        self._address = lab.address(str(notebook.relative_to(lab.folder)))
        cells = json.loads(notebook.read_bytes())["cells"]
        self._place = {cell["id"]: place for place, cell in enumerate(cells)}

    def open(self) -> None:
        """Open the notebook and wait for its kernel."""
        open_notebook(self.page, self._address)

    def open_and_run(self, until: str) -> None:
        """Open the notebook and run all cells, until one says something."""
        open_and_run(self.page, self._address, until)

    def cell(self, id: str) -> Any:
        """Return a cell of the release by its id."""
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{self._place[id]}"]')

    def insert_below(self, id: str, source: str) -> Any:
        """Insert a cell below another, with the keyboard, and return it."""
        self._click(self.cell(id))
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(source)
        for name, place in self._place.items():
            self._place[name] = place + (place > self._place[id])
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{self._place[id] + 1}"]')

    def write(self, cell: Any, source: str) -> None:
        """Replace what stands in a cell."""
        self._click(cell)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def run(self, cell: Any) -> Any:
        """Run a cell with Shift+Enter and return its output once it has run."""
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.text_content()
        self._click(cell)
        self.page.keyboard.press("Shift+Enter")
        done = cell.locator(".jp-InputPrompt", has_not_text=before).filter(has_text=_RAN)
        done.wait_for(state="attached", timeout=_SLOW)
        return cell.locator(".jp-Cell-outputArea")

    def check(self, exercise: str) -> Any:
        """Run the cell that checks an exercise and return the card that appears."""
        cell = self.cell(f"check-{exercise}")
        output = self.run(cell)
        # The prompt of an output tells by which run it was made: the card of an earlier run is not taken for the new.
        now = self.page.locator(".jp-OutputPrompt", has_text=cell.locator(".jp-InputPrompt").text_content())
        card = output.locator(".jp-OutputArea-child", has=now).locator(".autograder-card")
        card.wait_for(state="attached", timeout=_SLOW)
        return still(card)

    def hand_over(self, exercise: str, source: str) -> Any:
        """Write an exercise, run its cell and then the check; returns the card."""
        self.write(self.cell(exercise), source)
        self.run(self.cell(exercise))
        return self.check(exercise)

    def _click(self, cell: Any) -> None:
        still(cell.locator(".cm-content")).click(position={"x": 5, "y": 5})
