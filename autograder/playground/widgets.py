"""The two playgrounds as widgets: their state and their static pictures; what is drawn live is JavaScript's."""

from __future__ import annotations

import base64
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from autograder.playground import shapes
from autograder.playground.pictures import sampling_picture, tensor_picture
from autograder.playground.sampling import FOLLOWERS, Outcome, outcomes

_HERE = Path(__file__).parent
_WIDTH = 860  # of the static pictures on a page, in pixels
_LEGEND = "Full bar: the probability in the end. Hatched: gone. Mark: what it was before you touched the knobs."


def _module(name: str) -> str:
    """Return a widget's JavaScript as one module, as an anywidget must be."""
    return "\n".join((_HERE / part).read_text(encoding="utf-8") for part in ("controls.js", name))


class _Playground(anywidget.AnyWidget):
    """A widget that leaves a static picture where there are no widgets."""

    _css = (_HERE / "playground.css").read_text(encoding="utf-8")

    def picture(self) -> bytes:
        """Return the static picture, a PNG."""
        raise NotImplementedError

    def __repr__(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        picture = base64.b64encode(self.picture()).decode("ascii")
        # As HTML it can bring its description; LaTeX and some web pages take the picture alone.
        image = f'<img alt="{escape(repr(self))}" width="{_WIDTH}" src="data:image/png;base64,{picture}">'
        static = {"text/html": image, "image/png": picture}
        return {**data, **static}, {**metadata, "image/png": {"width": _WIDTH}}


class TensorPlayground(_Playground):
    """Sliders for the sizes of multi-head attention, and its tensors as blocks in one scale.

    Args:
        batch: B, texts at once, 1 to 4
        length: L, positions of a text, 1 to 10
        d_model: D, width of a vector, 1 to 24
        heads: H, 1 to 8; where D cannot be split into H heads, the widget says so and offers those that fit

    Raises:
        traitlets.TraitError: when one of them is out of its range.
    """

    _esm = _module("tensors.js")
    batch = traitlets.Int(2, min=1, max=4).tag(sync=True)
    length = traitlets.Int(5, min=1, max=10).tag(sync=True)
    d_model = traitlets.Int(12, min=1, max=24).tag(sync=True)
    heads = traitlets.Int(3, min=1, max=8).tag(sync=True)
    _steps = traitlets.List([asdict(step) for step in shapes.STEPS]).tag(sync=True)
    _bytes = traitlets.Int(shapes.BYTES).tag(sync=True)
    _ranges = traitlets.Dict().tag(sync=True)

    def __init__(self, batch: int = 2, length: int = 5, d_model: int = 12, heads: int = 3) -> None:
        traits = {name: getattr(type(self), name) for name in ("batch", "length", "d_model", "heads")}
        ranges = {name: [trait.min, trait.max] for name, trait in traits.items()}
        super().__init__(batch=batch, length=length, d_model=d_model, heads=heads, _ranges=ranges)

    def sizes(self) -> dict[str, int]:
        """Return the size of each axis by its letter; d is 0 when D cannot be split into H heads."""
        return shapes.sizes(self.batch, self.length, self.d_model, self.heads)

    def picture(self) -> bytes:
        """Return the static picture, a PNG."""
        return tensor_picture(self.sizes())

    def __repr__(self) -> str:
        return shapes.as_text(self.sizes())


class SamplingPlayground(_Playground):
    """Temperature, top-k and top-p over the words that really follow a word, and which of them survive.

    Args:
        word: whose followers: "has", "such" or "there", in the reference of the language Python
        temperature: 0 to 2; 0 is greedy
        top_k: how many words stay, at least 1; None for all
        top_p: the fewest best words with at least this probability stay, above 0 and at most 1; None for all

    Raises:
        traitlets.TraitError: when one of them is out of its range.
    """

    _esm = _module("sampling.js")
    word = traitlets.Enum(list(FOLLOWERS), "has").tag(sync=True)
    temperature = traitlets.Float(1.0, min=0, max=2).tag(sync=True)
    top_k = traitlets.Int(None, min=1, allow_none=True).tag(sync=True)
    top_p = traitlets.Float(None, min=0.001, max=1, allow_none=True).tag(sync=True)
    # Pairs, because the order is what decides between equal words.
    _followers = traitlets.Dict({word: [*map(list, counts.items())] for word, counts in FOLLOWERS.items()}).tag(
        sync=True
    )
    _legend = traitlets.Unicode(_LEGEND).tag(sync=True)

    def __init__(
        self,
        word: str = "has",
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = 0.8,
    ) -> None:
        super().__init__(word=word, temperature=temperature, top_k=top_k, top_p=top_p)

    def picture(self) -> bytes:
        """Return the static picture, a PNG."""
        return sampling_picture(self._outcomes(), self._title())

    def __repr__(self) -> str:
        lines = [f"{o.word:12} {o.probability:.3f}  {o.fate}" for o in self._outcomes()]
        return "\n".join([self._title(), *lines])

    def _outcomes(self) -> list[Outcome]:
        return outcomes(FOLLOWERS[self.word], self.temperature, self.top_k, self.top_p)

    def _title(self) -> str:
        k, p = ("all" if value is None else value for value in (self.top_k, self.top_p))
        return f'The next word after "{self.word}": temperature {self.temperature:g}, top-k {k}, top-p {p}'
