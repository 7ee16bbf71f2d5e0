"""What all three graders are asked to grade: the small course of the hostile tests, and its checks as plain asserts.

Stock nbgrader and otter-grader get the same properties, sizes and points as the hidden checks of the small course, in
the words of an ordinary instructor: compute what is expected, compare, assert. A secret stands in each hidden test, so
that a leak can be seen.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat

SETUP = "import math\n\nimport torch\nfrom torch import Tensor, nn\n"
PUBLIC = "assert torch.allclose(softmax(torch.zeros(1, 2)), torch.full((1, 2), 0.5))\n"
"""The public check of the small course, which earns nothing there either."""


@dataclass(frozen=True)
class HiddenTest:
    """One hidden test: a cell of asserts."""

    exercise: str
    points: int
    source: str

    def armed(self, secret: str) -> str:
        """Return the source with a secret that no student may ever see."""
        return f'secret = "{secret}"\n{self.source}'


def _test(exercise: str, points: int, source: str) -> HiddenTest:
    return HiddenTest(exercise, points, dedent(source).lstrip())


HIDDEN = [
    _test("softmax", 2, """
        x = torch.randn(3, 5, generator=torch.Generator().manual_seed(11))
        expected = torch.softmax(x, -1)
        assert torch.allclose(softmax(x), expected, atol=1e-5)
        """),
    _test("softmax", 2, """
        x = 100 * torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(12))
        expected = torch.softmax(x, 1)
        assert torch.allclose(softmax(x, dim=1), expected, atol=1e-5)
        """),
    _test("softmax", 2, """
        x = torch.randn(3, 5, generator=torch.Generator().manual_seed(13))
        expected, before, state = torch.softmax(x, -1), x.clone(), torch.get_rng_state()
        assert torch.allclose(softmax(x), expected, atol=1e-5)
        assert torch.equal(x, before)
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.allclose(softmax(-x), torch.softmax(-x, -1), atol=1e-5)
        """),
    _test("attention", 3, """
        generator = torch.Generator().manual_seed(14)
        q, k, v = (torch.randn(2, n, w, generator=generator) for n, w in ((3, 5), (7, 5), (7, 11)))
        expected = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(5), -1) @ v
        assert torch.allclose(attention(q, k, v)[0], expected, atol=1e-5)
        """),
    _test("attention", 3, """
        generator = torch.Generator().manual_seed(15)
        q, k, v = (torch.randn(2, n, w, generator=generator, requires_grad=True) for n, w in ((3, 5), (7, 5), (7, 11)))
        toward = torch.randn(2, 3, 11, generator=generator)
        output = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(5), -1) @ v
        expected = torch.autograd.grad(output, (q, k, v), toward)
        found = torch.autograd.grad(attention(q, k, v)[0], (q, k, v), toward)
        assert all(torch.allclose(f, e, atol=1e-4) for f, e in zip(found, expected, strict=True))
        """),
    _test("Head", 4, """
        generator = torch.Generator().manual_seed(16)
        x = torch.randn(2, 3, 7, generator=generator)
        weights = {f"{name}.weight": torch.randn(5, 7, generator=generator) for name in ("query", "key", "value")}
        q, k, v = (x @ weights[f"{name}.weight"].T for name in ("query", "key", "value"))
        expected = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(5), -1) @ v
        head = Head(7, 5)
        loaded = head.load_state_dict(weights)
        assert torch.allclose(head(x), expected, atol=1e-5)
        """),
    _test("sample", 4, """
        p = torch.tensor([0.5, 0.25, 0.125, 0.125])
        ids = sample(p, 2000, 7)
        expected = 2000 * p
        assert ids.shape == (2000,)
        found = torch.bincount(ids, minlength=4).float()
        assert ((found - expected).abs() < 5 * (expected * (1 - p)).sqrt()).all()
        assert torch.equal(sample(p, 2000, 7), ids)
        assert not torch.equal(sample(p, 2000, 8), ids)
        """),
]  # fmt: skip

EXERCISES = tuple(dict.fromkeys(test.exercise for test in HIDDEN))
MAXIMUM = {name: sum(test.points for test in HIDDEN if test.exercise == name) for name in EXERCISES}

WRONG = {
    "softmax": "def softmax(x, dim=-1):\n    return torch.zeros_like(x)\n",
    "attention": "def attention(q, k, v):\n    return v.sum(-2, keepdim=True).expand(*q.shape[:-1], -1), None\n",
    "Head": dedent("""
        class Head(nn.Module):
            def __init__(self, width, d_head):
                super().__init__()
                self.query, self.key, self.value = (nn.Linear(width, d_head, bias=False) for _ in range(3))

            def forward(self, x):
                return self.value(x)
        """).lstrip(),
    "sample": "def sample(probabilities, count, seed):\n    return torch.zeros(count, dtype=torch.long)\n",
}
"""Honest and wrong: what nobody should get a point for."""


def new_secret() -> str:
    """Return a text that stands nowhere else, of the form that snooping attacks look for."""
    return "canary-" + "".join(secrets.choice("ghijklmnopqrstuvwxyz") for _ in range(12))


def write_notebook(path: Path, cells: list[dict[str, Any]]) -> None:
    """Write a notebook for the Python kernel."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
