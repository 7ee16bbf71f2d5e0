"""Both playgrounds in a real Notebook 7, moved by mouse and by keyboard.

In JupyterLab, and in the lessons that they belong to, they are moved in tests/lesson/test_second_lesson.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from browser import Lab, open_and_run

from autograder.playground.sampling import FOLLOWERS
from solutions.attention import attention_scores
from solutions.decoder import apply_temperature, top_k_filter, top_p_filter
from solutions.multi_head import split_heads

CELLS = (
    "from autograder.playground import SamplingPlayground, TensorPlayground",
    "tensors = TensorPlayground()\ntensors",
    "SamplingPlayground('such')",
    "print('all is', 'there')",
)


@pytest.fixture(scope="module")
def notebook(chromium: Any, lab: Lab) -> Iterator[Any]:
    """A notebook in which both playgrounds are shown."""
    lab.write("play.ipynb", *CELLS)
    page = chromium.new_page(viewport={"width": 1300, "height": 1600})
    open_and_run(page, lab.address("play.ipynb", classic=True), until="all is there")
    yield page
    page.close()


def slider(page: Any, name: str) -> Any:
    """Return a slider by what a screen reader calls it."""
    return page.get_by_role("slider", name=name)


def click_at(page: Any, knob: Any, share: float) -> None:
    """Click on a slider, at a share of its width."""
    box = knob.bounding_box()
    page.mouse.click(box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2)


def press(knob: Any, *keys: str) -> None:
    knob.focus()
    for key in keys:
        knob.press(key)


def row(page: Any, name: str) -> list[str]:
    """Return the texts of a row of a playground's table, without the picture."""
    found = page.locator(".lm-play tr", has=page.get_by_role("rowheader", name=re.compile(rf"^{name}\b")))
    texts: list[str] = found.locator("td:not([class=lm-picture], [class=lm-chart])").all_inner_texts()
    return [text.split("\n")[0] for text in texts]


def survivors(page: Any) -> set[str]:
    names: list[str] = page.locator(".lm-sampling tbody tr:not(.lm-cut) th").all_inner_texts()
    return set(names)


def survivors_by_reference(temperature: float, top_k: int, top_p: float) -> set[str]:
    logits = torch.tensor(list(FOLLOWERS["such"].values()), dtype=torch.float64).log()
    logits = top_p_filter(top_k_filter(apply_temperature(logits, temperature), top_k), top_p)
    return {word for word, logit in zip(FOLLOWERS["such"], logits.tolist(), strict=True) if logit > -torch.inf}


def test_the_mouse_moves_the_length_and_all_shapes_follow(notebook: Any) -> None:
    assert row(notebook, "scores") == ["(2, 3, 5, 5)", "600", "600 B"]
    click_at(notebook, slider(notebook, "L length"), 1.0)
    x = torch.zeros(2, 10, 12)
    heads = split_heads(x, 3)
    assert row(notebook, "input")[0] == str(tuple(x.shape))
    assert row(notebook, "split heads")[0] == str(tuple(heads.shape))
    assert row(notebook, "scores")[0] == str(tuple(attention_scores(heads, heads).shape)) == "(2, 3, 10, 10)"
    blocks = notebook.locator(".lm-picture").nth(4).locator(".lm-sheet")
    assert blocks.count() == 2 * 3  # texts and heads


def test_the_keyboard_moves_the_heads_and_jupyter_keeps_its_hands_off(notebook: Any) -> None:
    knob = slider(notebook, "H heads")
    active = notebook.locator(".jp-Notebook .jp-mod-active").first.get_attribute("data-windowed-list-index")
    press(knob, "ArrowRight", "ArrowUp", "ArrowRight", "ArrowLeft")
    assert knob.input_value() == "5"
    press(knob, "Home", "ArrowDown", "ArrowRight")
    assert knob.get_attribute("aria-valuetext") == "2"
    assert row(notebook, "averages")[0].startswith("(2, 2, ")
    assert knob.evaluate("element => element === document.activeElement")
    now = notebook.locator(".jp-Notebook .jp-mod-active").first.get_attribute("data-windowed-list-index")
    assert now == active


def test_a_width_that_does_not_fit_is_explained_and_a_click_mends_it(notebook: Any) -> None:
    press(slider(notebook, "D width"), "Home", *["ArrowRight"] * 9)
    press(slider(notebook, "H heads"), "Home", *["ArrowRight"] * 3)
    line = notebook.locator(".lm-line-of-text").first
    assert "D = 10 cannot be split into 4 heads. Numbers of heads that fit: " in line.inner_text()
    assert row(notebook, "scores") == ["–", "–", "–"]
    assert line.get_by_role("button").all_inner_texts() == ["1", "2", "5"]
    line.get_by_role("button", name="5 heads").click()
    assert line.inner_text() == "Each head is d = D / H = 10 / 5 = 2 wide."
    assert slider(notebook, "H heads").input_value() == "5"


def test_what_is_spoken_follows_when_the_sliders_have_come_to_rest(notebook: Any) -> None:
    press(slider(notebook, "H heads"), "Home")
    spoken = notebook.get_by_role("status").filter(has_text="Each head is d = D / H = 10 / 1 = 10 wide.")
    spoken.wait_for(timeout=3000)
    assert "multiplications" in spoken.inner_text()


def test_the_knobs_of_sampling_cut_the_words_that_the_reference_cuts(notebook: Any) -> None:
    click_at(notebook, slider(notebook, "top-p"), 1.0)
    assert len(survivors(notebook)) == 19
    press(slider(notebook, "top-k"), "Home", *["ArrowRight"] * 4)
    assert survivors(notebook) == survivors_by_reference(1.0, 5, 1.0)
    press(slider(notebook, "temperature"), "End")
    press(slider(notebook, "top-p"), *["ArrowLeft"] * 6)
    assert slider(notebook, "top-p").get_attribute("aria-valuetext") == "0.70"
    assert survivors(notebook) == survivors_by_reference(2.0, 5, 0.7) != survivors_by_reference(1.0, 5, 0.7)
    assert row(notebook, "as")[2] == "✓ stays"
    assert row(notebook, "value")[2] == "✕ cut by top-k"


def test_another_word_can_be_chosen_by_keyboard(notebook: Any) -> None:
    choice = notebook.get_by_role("combobox", name="after which word?")
    press(choice, "ArrowDown")
    assert choice.input_value() == "there"
    assert notebook.locator(".lm-sampling tbody tr").count() == 9
