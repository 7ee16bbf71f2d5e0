"""What the student of the tests writes: the solutions, known mistakes of the catalogue, and a few slips."""

from __future__ import annotations

import ast
from pathlib import Path

from autograder.course import Assignment, read_course
from autograder.stubs import bugged_source, solution_source

ROOT = Path(__file__).parent.parent.parent

RAISES = """def softmax(x: Tensor, dim: int = -1) -> Tensor:
    peak = x.max(dim)
    powers = torch.exp(x - peak)
    return powers / powers.sum(dim, keepdim=True)"""

TAKES_A_SHORTCUT = """def softmax(x: Tensor, dim: int = -1) -> Tensor:
    return torch.softmax(x, dim)"""

DROPS_THE_MASK = """def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    weights = attention_weights(attention_scores(q, k))
    return weights @ v, weights"""

STANDS_ON_SOFTMAX = """def attention_weights(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("the mask must be bool")
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores)"""


def assignment(name: str) -> Assignment:
    """Return an assignment of the course."""
    return read_course(ROOT).assignment(name)


def right(exercise: str, of: str = "01_attention") -> str:
    """Return the solution of an exercise."""
    solution = assignment(of).solution
    assert solution is not None
    return solution_source(solution, exercise)


def wrong(exercise: str, mistake: str, of: str = "01_attention") -> str:
    """Return an exercise with a known mistake of the catalogue, and without its docstring."""
    found = assignment(of)
    assert found.solution is not None
    source = bugged_source(found.solution, exercise, found.folder / "misconceptions.py", mistake)
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    del function.body[0]
    return ast.unparse(function)


STUB = "def {name}(*args: Tensor) -> Tensor:\n    raise NotImplementedError()"


def states() -> dict[str, str]:
    """Return by state of a card the source of one cell that brings it about; to be run in this order."""
    stubs = "\n\n\n".join(STUB.format(name=name) for name in ("softmax", "attention_scores"))
    over_everything = wrong("softmax", "softmax_over_everything")
    ready = "\n\n\n".join(right(name) for name in ("softmax", "attention_scores", "attention_weights"))
    cells = {
        "not-attempted": (stubs, "softmax"),
        "unwritten": (STANDS_ON_SOFTMAX, "attention_weights"),
        "raised": (RAISES, "softmax"),
        "forbidden": (TAKES_A_SHORTCUT, "softmax"),
        "wrong": (over_everything, "softmax"),
        "broken-below": (STANDS_ON_SOFTMAX, "attention_weights"),
        "right": (ready, "softmax"),
        "mask-dropped": (DROPS_THE_MASK, "scaled_dot_product_attention"),
    }
    return {state: f'{source}\n\n\ncheck("{exercise}")' for state, (source, exercise) in cells.items()}
