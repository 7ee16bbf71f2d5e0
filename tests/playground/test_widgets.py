"""The widgets in Python: their state, what they leave where there are no widgets, and what they do in the sandbox."""

from __future__ import annotations

import base64
import io
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image
from traitlets import TraitError

from autograder.cell import Cell
from autograder.playground import SamplingPlayground, TensorPlayground
from autograder.sandbox import Sandbox
from autograder.wire import Call, Load

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize(
    "playground", [TensorPlayground(), TensorPlayground(d_model=10, heads=4), SamplingPlayground()]
)
def test_a_playground_shows_itself_as_widget_picture_and_text(playground: Any) -> None:
    data, metadata = playground._repr_mimebundle_()
    assert set(data) == {WIDGET, "text/html", "image/png", "text/plain"}
    assert data["text/plain"] == repr(playground)
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGBA")
    assert picture.width > metadata["image/png"]["width"]  # sharp on screens with small pixels, too
    assert picture.getpixel((0, 0))[3] == 0  # nothing behind it: readable on a light and on a dark page
    assert len(data["image/png"]) < 60_000


def test_the_text_has_the_numbers() -> None:
    assert "scores       (2, 3, 5, 5)         600 multiplications, 600 B" in repr(TensorPlayground())
    assert "been         0.289  stays" in repr(SamplingPlayground())


def test_an_export_without_widgets_shows_the_picture_with_its_description() -> None:
    data, metadata = TensorPlayground()._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("TensorPlayground()", outputs=[output])])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert f"data:image/png;base64,{data['image/png'][:100]}" in page
    assert 'alt="Multi-head attention: B = 2, L = 5' in page
    assert WIDGET not in page


def test_what_is_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(TraitError, match=r"'length' trait of a TensorPlayground .* 40 was specified"):
        TensorPlayground(length=40)
    with pytest.raises(TraitError, match="'temperature' trait of a SamplingPlayground"):
        SamplingPlayground(temperature=-1)
    with pytest.raises(TraitError, match=r"'has', 'such', 'there'"):
        SamplingPlayground("whatever")


def test_a_changed_demonstration_cell_costs_nothing_but_itself_in_the_sandbox(sandbox: Sandbox) -> None:
    changed = "from autograder.playground import TensorPlayground\nTensorPlayground(heads=2)"
    with sandbox.open(Load(cells=[Cell("cell 1", changed), Cell("f", "def f(): return 7")])) as inside:
        assert inside.call(Call(target="f", args=(), want="value", toward=None)) == 7
