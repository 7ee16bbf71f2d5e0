"""What the figures say: ratios first, then a table for each size of class."""

from __future__ import annotations

from collections.abc import Iterator

from measuring import Measured
from names import FLOOR, FLOOR_ALONE, OTTER, PREPROCESSOR, STOCK, STOCK_BARE, ours_with

ONE = ours_with(1)


def ratios(found: list[Measured]) -> list[str]:
    """Return what the design promises, as ratios of figures from this run."""
    return list(_ratios({(m.contestant, m.of): m for m in found}))


def _ratios(by: dict[tuple[str, int], Measured]) -> Iterator[str]:
    sizes = sorted({size for _, size in by})
    many = next((name for name, _ in by if name.endswith("workers")), "")
    for size in sizes:
        one = by.get((ONE, size))
        yield from _faster(by, size, STOCK, ONE, "20")
        yield from _faster(by, size, STOCK_BARE, ONE)
        yield from _faster(by, size, OTTER, ONE)
        yield from _faster(by, size, STOCK, PREPROCESSOR, "8")
        for name in (FLOOR, FLOOR_ALONE):
            if one and (floor := by.get((name, size))):
                target = " (target: at most 2)" if name == FLOOR else ""
                yield f"{size:>5}  1 worker / {name}: {one.marginal / floor.marginal:.2f}{target}"
        if one and (all_cores := by.get((many, size))):
            times = one.seconds / all_cores.seconds
            yield f"{size:>5}  {many} / 1 worker, submissions per second: {times:.2f} (target: 1.8)"
    for name in (ONE, many):
        if (small := by.get((name, 100))) and (large := by.get((name, 1000))):
            more = large.marginal / small.marginal - 1
            yield f"       {name}, a submission of 1,000 against one of 100: {more:+.1%} (target: within 10 %)"
    for (name, size), measured in by.items():
        if measured.again:
            yield f"{size:>5}  {name}, the same class again: {measured.again:.1f} s (target for 100: under 2)"


def _faster(by: dict[tuple[str, int], Measured], size: int, slow: str, fast: str, target: str = "") -> Iterator[str]:
    sizes = [of for name, of in by if name == slow and of <= size]
    if sizes and (b := by.get((fast, size))):
        a, goal = by[slow, max(sizes)], f" (target: {target})" if target else ""
        which = "" if a.of == size else f", measured on {a.size}"
        yield f"{size:>5}  {slow}{which} / {fast}: {a.marginal / b.marginal:.1f}{goal}"


def as_markdown(found: list[Measured], machine: str, versions: str) -> str:
    """Return the tables."""
    lines = [f"{versions}; {machine}.", "", *(f"- {line.strip()}" for line in ratios(found)), ""]
    for size in sorted({m.of for m in found}):
        head = ["class of " + f"{size:,}", "submissions per second", "seconds per submission, median", "p95", "mean"]
        head += ["processor seconds per submission", "peak memory"]
        rows = [_row(m) for m in found if m.of == size]
        lines += [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)] + [""]
    return "\n".join(lines)


def _row(m: Measured) -> list[str]:
    spread = [f"{m.quantile(0.5):.2f}", f"{m.quantile(0.95):.2f}", f"{m.marginal:.2f}"] if m.each else ["", "", ""]
    cpu, memory = f"{m.cpu_seconds / m.size:.2f}", f"{m.peak_mib / 1024:.1f} GiB"
    name = m.contestant if m.size == m.of else f"{m.contestant} (the first {m.size})"
    return [name, f"{m.size / m.seconds:.2f}", *spread, cpu, memory]
