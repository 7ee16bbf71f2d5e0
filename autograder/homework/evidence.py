"""Shows a student what a public check saw: which number is off, who sees whom, in words and in a small picture.

The inputs and oracles of public checks are open, so values may be told here. They are read off the frames in which the
check failed: the assertions themselves hand out no value, so the same assertions keep those of hidden checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.errors import StudentError, StudentFailure
from autograder.inside.executor import Executor
from autograder.report.card import Aid
from autograder.report.picture import Figure, Panel, fits, short
from autograder.students import Ask, Step, live_asker
from autograder.wire import Call

_CHANGED = 1e-6
_MOST_NAMED = 3
"""Rows of a wrong matrix that are told in words."""


def evidence(error: BaseException | None, steps: list[Step], namespace: dict[str, Any]) -> Aid:
    """Return what can be said and drawn about a failed check.

    Args:
        error: what the check raised
        steps: the calls that it made
        namespace: the student's, in which the calls can be made again
    """
    if isinstance(error, StudentError):
        return _own_line(error)
    if error is None or isinstance(error, StudentFailure):
        return Aid()
    found, expected, worst = _compared(error.__traceback__)
    if found is not None and expected is not None and found.dtype == expected.dtype == torch.bool:
        return _who_sees_whom(found, expected, ("position", "position"))
    if (seen := _seen_through_a_mask(steps, namespace)) is not None:
        return seen
    return Aid() if found is None or expected is None else _numbers(found, expected, worst)


def _own_line(error: StudentError) -> Aid:
    """Tell an exception as the student knows it: its text, the line in their cell, and what stands there."""
    where, _, code = error.where.partition(": ")
    return Aid(reason=f"Your code raised {error}", where=where, code=code)


_Place = tuple[int, ...]


def _compared(trace: TracebackType | None) -> tuple[Tensor | None, Tensor | None, _Place | None]:
    """Return `found` and `expected` of the innermost frame that has both, of one shape, and what it calls `worst`.

    So that the message of a failed check and what is told here speak of the same number.
    """
    pair: tuple[Tensor | None, Tensor | None, _Place | None] = (None, None, None)
    while trace is not None:
        values = trace.tb_frame.f_locals
        found, expected = values.get("found"), values.get("expected")
        if isinstance(found, Tensor) and isinstance(expected, Tensor) and found.shape == expected.shape:
            pair = found.detach(), expected.detach(), values.get("worst")
        trace = trace.tb_next
    return pair


# ---- numbers that are off -----------------------------------------------------------------------------------------


def _numbers(found: Tensor, expected: Tensor, worst: _Place | None) -> Aid:
    if not found.numel():
        return Aid()
    yours, right = found.to(torch.float64), expected.to(torch.float64)
    error = (yours - right).abs()
    error[(yours == right) | (yours.isnan() & right.isnan())] = 0.0
    error[error.isnan()] = torch.inf
    wrong = error > 1e-5 + 1e-4 * right.abs().where(right.isfinite(), 0.0)
    # NumPy's, because torch's loads a computer algebra system first, which takes a second.
    place = worst or tuple(int(i) for i in np.unravel_index(int(error.argmax()), tuple(error.shape)))
    at = f"At position {place if len(place) != 1 else place[0]}: yours" if place else "Yours"
    facts = [f"{at} is {short(float(yours[place]))}, expected {short(float(right[place]))}."]
    if error.dim() and error.numel() > 2:
        facts.append(f"Yours: {_run(yours)}. Expected: {_run(right)}.")
    figure = _heatmaps(yours, right, wrong, place)
    return Aid(facts=tuple(facts), figure=figure)


def _run(numbers: Tensor) -> str:
    known = numbers[~numbers.isnan()]
    low, high = (short(float(end)) for end in (known.min(), known.max())) if known.numel() else ("nan", "nan")
    return f"{low} to {high}" if low != high else f"{low} everywhere"


def _heatmaps(yours: Tensor, right: Tensor, wrong: Tensor, place: tuple[int, ...]) -> Figure | None:
    """Draw the matrix with the worst number, as it is and as it should be."""
    if len(place) < 2:
        return None
    cut = place[:-2]
    a, b, bad = (_matrix(t[cut]) for t in (yours, right, wrong))
    if not fits(len(a), len(a[0])):
        return None
    cells = frozenset((r, c) for r, row in enumerate(bad) for c, cell in enumerate(row) if cell)
    said = f"{len(cells)} of {len(a) * len(a[0])} numbers are not as expected"
    of = f" [{', '.join(map(str, cut))}]" if cut else ""
    return Figure(
        rows=f"place on axis {len(cut)}",
        columns=f"place on axis {len(cut) + 1}",
        panels=(
            Panel(title=f"yours{of}", values=a, said=said, wrong=cells),
            Panel(title=f"expected{of}", values=b, said=f"numbers: {_run(right[cut])}"),
        ),
    )


def _matrix(tensor: Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in tensor.tolist())


# ---- who sees whom ------------------------------------------------------------------------------------------------


def _seen_through_a_mask(steps: list[Step], namespace: dict[str, Any]) -> Aid | None:
    """Say which output sees an input that the mask of the last call forbids; None where nothing is seen wrongly."""
    if not steps or not isinstance(steps[-1].outcome, (Tensor, tuple, list)):
        return None
    call = steps[-1].call
    masks = [v for v in (*_items(call.args), *_items(call.kwargs)) if v.dtype == torch.bool and v.dim() >= 2]
    if call.want != "value" or len(masks) != 1:
        return None
    allowed = masks[0][(0,) * (masks[0].dim() - 2)]
    seen = _reach(steps, namespace, allowed.size(-1))
    if seen is None or not fits(*seen.shape):
        return None
    allowed = allowed.expand(seen.shape) if allowed.size(0) in (1, seen.size(0)) else allowed
    if allowed.shape != seen.shape or torch.equal(seen, allowed):
        return None
    return _who_sees_whom(seen, allowed, ("query", "key"))


def _items(values: Any) -> list[Tensor]:
    return [v for v in (values.values() if isinstance(values, dict) else values) if isinstance(v, Tensor)]


def _reach(steps: list[Step], namespace: dict[str, Any], keys: int) -> Tensor | None:
    """Return which rows of the first result change with which row of the last argument that has a row for each key.

    The calls are made again, the last of them with one row changed at a time. None where that tells nothing: where the
    rows do not fit, or a result changes by itself.
    """
    call = steps[-1].call
    places = [i for i, v in enumerate(call.args) if _has_rows(v, keys)]
    if not places:
        return None
    try:
        ask = live_asker(Executor(namespace))
        for step in steps[:-1]:
            _ask_again(ask, step)
        before, again = _first(ask(call)), _first(ask(call))
        if before is None or again is None or before.dim() < 2 or not torch.equal(before, again):
            return None
        results = [_first(ask(_with_row_changed(call, places[-1], row))) for row in range(keys)]
    except StudentFailure:
        return None
    columns = [_changed_rows(before, result) for result in results if result is not None]
    return torch.stack(columns, dim=1) if len(columns) == keys else None


def _changed_rows(before: Tensor, after: Tensor) -> Tensor:
    """Return for each row of the first matrix whether it is another now."""
    first = (0,) * (before.dim() - 2)
    if after.shape != before.shape:
        return torch.ones(before.size(-2), dtype=torch.bool)
    return (after[first] - before[first]).abs().amax(-1) > _CHANGED


def _has_rows(value: Any, keys: int) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() >= 2 and value.size(-2) == keys


def _ask_again(ask: Ask, step: Step) -> None:
    try:
        ask(step.call)
    except StudentFailure:
        if not isinstance(step.outcome, StudentFailure):
            raise


def _first(value: Any) -> Tensor | None:
    value = value[0] if isinstance(value, (tuple, list)) and value else value
    return value if isinstance(value, Tensor) and value.is_floating_point() else None


def _with_row_changed(call: Call, place: int, row: int) -> Call:
    args = list(call.args)
    args[place] = args[place].clone()
    args[place][..., row, :] = 2 * args[place][..., row, :].flip(-1) + 1
    return Call(target=call.target, method=call.method, args=tuple(args), kwargs=call.kwargs)


def _who_sees_whom(found: Tensor, expected: Tensor, names: tuple[str, str]) -> Aid:
    """Lay what is seen beside what should be, both as matrices of yes and no."""
    while found.dim() > 2:
        found, expected = _worst_slice(found, expected)
    if found.dim() < 2:
        return Aid()
    wrong = [(int(i), int(j)) for i, j in (found != expected).nonzero().tolist()]
    facts = tuple(_pairs(wrong, found, names))
    if not fits(*found.shape):
        return Aid(facts=facts)
    said = " ".join(facts)
    yours = Panel(title="yours", values=_matrix(found), said=said, wrong=frozenset(wrong), yes_or_no=True)
    right = Panel(title="right", values=_matrix(expected), said=_rows_in_words(expected), yes_or_no=True)
    return Aid(facts=facts, figure=Figure(rows=names[0], columns=names[1], panels=(yours, right)))


def _worst_slice(found: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    worst = int((found != expected).flatten(1).sum(1).argmax())
    return found[worst], expected[worst]


def _pairs(wrong: list[tuple[int, int]], found: Tensor, names: tuple[str, str]) -> Iterator[str]:
    """Say in words which row is wrong about which columns, row by row."""
    row, column = names
    by_row: dict[tuple[int, bool], list[int]] = {}
    for i, j in wrong:
        by_row.setdefault((i, bool(found[i, j])), []).append(j)
    for (i, yes), places in list(by_row.items())[:_MOST_NAMED]:
        many = f"{column}s {', '.join(map(str, places))}" if len(places) > 1 else f"{column} {places[0]}"
        through = "mask forbids" if column == "key" else "right one does not"
        missed = "mask allows" if column == "key" else "right one does"
        sees, told = ("sees", through) if yes else ("does not see", missed)
        yield f"{row.capitalize()} {i} {sees} {many}, which the {told}."
    more = f"In {len(by_row) - _MOST_NAMED} more rows something is wrong. " if len(by_row) > _MOST_NAMED else ""
    yield f"{more}Positions are counted from 0."


def _rows_in_words(matrix: Tensor) -> str:
    rows = [
        f"row {i}: {', '.join(str(j) for j, yes in enumerate(row) if yes) or 'none'}"
        for i, row in enumerate(matrix.tolist())
    ]
    return "; ".join(rows)
