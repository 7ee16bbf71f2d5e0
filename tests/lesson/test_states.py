"""Every state of the card, side by side: in a dark JupyterLab, in Notebook 7, in an exported page, and elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from answers import states
from browser import Lab, open_and_run
from nbconvert import HTMLExporter
from pictures import Picture, still
from readable import faint
from student import bring

STATES = states()


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Path:
    """A notebook in its release folder with a cell for each state."""
    release = bring(lab, "01_attention", inside="states")
    setup = next(cell for cell in json.loads(release.read_bytes())["cells"] if cell["id"] == "setup")
    path = release.with_name("states.ipynb")
    lab.write(str(path.relative_to(lab.folder)), setup["source"], *STATES.values(), "print('all is', 'there')")
    return path


@pytest.fixture(scope="module")
def dark(chromium: Any, lab: Lab, notebook: Path) -> Iterator[dict[str, Any]]:
    """The cards by state, in a dark JupyterLab; afterwards the notebook is saved, and Jupyter light again."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1200})
    lab.dark(page)
    open_and_run(page, lab.address("states/01_attention/states.ipynb"), until="all is there")
    page.keyboard.press("Control+s")
    yield _cards(page)
    lab.dark(page, dark=False)
    page.close()


def _cards(page: Any) -> dict[str, Any]:
    cards = page.locator(".autograder-card")
    cards.nth(len(STATES) - 1).wait_for(state="attached", timeout=60_000)  # Jupyter attaches cells when it is idle
    assert cards.count() == len(STATES)
    return {state: cards.nth(place) for place, state in enumerate(STATES)}


def saved(notebook: Path) -> Any:
    """Return the notebook as it is on the disk once its outputs are there."""
    give_up = time.monotonic() + 30
    while "autograder-card" not in notebook.read_text(encoding="utf-8"):
        assert time.monotonic() < give_up, "JupyterLab did not save the notebook"
        time.sleep(0.1)
    return nbformat.read(notebook, as_version=4)


@pytest.mark.parametrize("state", STATES)
def test_in_the_dark_every_text_can_be_read(dark: dict[str, Any], picture: Picture, state: str) -> None:
    assert dark[state].page.locator("body").get_attribute("data-jp-theme-light") == "false"
    picture(dark[state], f"dark-{state}")
    assert faint(dark[state]) == []


def test_a_card_has_a_heading_a_name_and_pictures_that_are_told(dark: dict[str, Any]) -> None:
    card = still(dark["wrong"])
    group = card.page.get_by_role("group", name="softmax: Not right yet, 3 of 5 checks pass")
    assert group.get_by_role("heading", name="softmax").first.is_visible()
    assert group.get_by_role("list", name="Checks that do not pass").count() == 2  # the first, and the others
    assert group.get_by_role("list", name="Checks that pass").is_visible()
    pictures = group.get_by_role("img").all()
    assert len(pictures) == 2
    assert pictures[0].get_attribute("aria-label") == "yours: 15 of 15 numbers are not as expected"


@pytest.mark.parametrize("state", ["not-attempted", "wrong", "raised"])
def test_every_fold_is_reached_by_tab(dark: dict[str, Any], state: str) -> None:
    card = still(dark[state])
    folds = card.locator("summary:visible")
    folds.first.focus()
    for place in range(folds.count()):
        assert folds.nth(place).evaluate("fold => fold === document.activeElement")
        card.page.keyboard.press("Tab")


def test_the_cards_are_there_when_the_notebook_is_opened_again(
    dark: dict[str, Any], notebook: Path, lab: Lab, page: Any, picture: Picture
) -> None:
    """In Notebook 7, without running a cell."""
    saved(notebook)
    page.goto(lab.address("states/01_attention/states.ipynb", classic=True))
    for state, card in _cards(page).items():
        picture(card, f"notebook7-{state}")
        assert card.locator(".ag-badge").inner_text() == dark[state].locator(".ag-badge").text_content()


def test_an_exported_notebook_keeps_its_cards(
    dark: dict[str, Any], notebook: Path, page: Any, picture: Picture
) -> None:
    page.set_content(HTMLExporter().from_notebook_node(saved(notebook))[0], wait_until="domcontentloaded")
    picture(page.locator("body"), "export")
    for card in _cards(page).values():
        assert faint(card) == []


VS_CODE = '<body class="{}" style="color: var(--vscode-foreground); background: {}; --vscode-foreground: {}">'
ELSEWHERE = {
    "a plain page": "",
    "a dark page": "<style>:root { color-scheme: dark }</style>",
    "VS Code": VS_CODE.format("vscode-light", "#ffffff", "#3b3b3b"),
    "a dark VS Code": VS_CODE.format("vscode-dark", "#1f1f1f", "#cccccc"),
}
"""Pages that know nothing of Jupyter's variables and classes; those of VS Code as its notebooks dress theirs."""


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_card_needs_nothing_of_jupyters(
    dark: dict[str, Any], notebook: Path, page: Any, picture: Picture, where: str
) -> None:
    outputs = [output for cell in saved(notebook).cells[1:-1] for output in cell.outputs]
    page.set_content(ELSEWHERE[where] + "".join(output["data"]["text/html"] for output in outputs))
    picture(page.locator("body"), where.replace(" ", "-"))
    for card in _cards(page).values():
        assert faint(card) == []
