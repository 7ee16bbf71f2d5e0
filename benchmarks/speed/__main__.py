"""How fast is a class graded, and how much faster than by others? One command, one run, the same notebooks.

    python benchmarks/speed --sizes 10,100,1000 --json speed.json --markdown speed.md

See README.md in this folder for what is compared and how to read it.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import contestants  # noqa: E402  # only now can it be found
from classroom import make_class  # noqa: E402
from contestants import Class, Ground, floor, ours  # noqa: E402
from exam import exam_of  # noqa: E402
from measuring import Measured  # noqa: E402
from table import as_markdown, ratios  # noqa: E402

from autograder.catalogue import Catalogue  # noqa: E402
from autograder.course import read_course  # noqa: E402

sys.path.insert(1, str(HERE.parent))
from stock_otter import make_environment  # noqa: E402

SLOW = {"nbgrader": contestants.stock_nbgrader, "otter": contestants.stock_otter}
"""Stock graders, which take seconds for each submission."""


def quick(cores: int) -> dict[str, Callable[[Ground, Class], Measured]]:
    """Return the graders that can be given a thousand submissions."""
    return {
        "floor": floor(alone=False),
        "floor-alone": floor(alone=True),
        "one": ours(1, gradebook=False),
        "all": ours(cores, gradebook=False),
        "whole": ours(cores, gradebook=True),
    }


@click.command()
@click.option("--assignment", default="01_attention", show_default=True)
@click.option("--sizes", default="10,100,1000", show_default=True, help="Sizes of classes.")
@click.option("--most-stock", default=100, show_default=True, help="The stock graders get no larger class than this.")
@click.option("--only", multiple=True, help="Only these contestants: nbgrader, otter, ours, floor, floor-alone, ...")
@click.option("--workers", default=2, show_default=True, help="Grading processes of `autograder grade` on all cores.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables here.")
@click.option("--folder", type=click.Path(path_type=Path), help="Work here and leave everything.  [default: temporary]")
def main(
    assignment: str,
    sizes: str,
    most_stock: int,
    only: tuple[str, ...],
    workers: int,
    seed: int,
    json_path: Path | None,
    markdown: Path | None,
    folder: Path | None,
) -> None:
    """Measure, print ratios and tables."""
    out = Console(highlight=False)
    course = read_course(HERE.parents[1])
    catalogue = Catalogue(course.assignment(assignment))
    everybody = {**SLOW, "ours": contestants.with_our_preprocessor, **quick(workers)}
    chosen = {name: grade for name, grade in everybody.items() if not only or name in only}
    otter = make_environment(HERE.parents[1] / ".benchmarks" / "otter") if "otter" in chosen else None
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="speed-") as temporary:
        ground = Ground(folder or Path(temporary), catalogue.assignment, exam_of(catalogue), otter)
        for size in map(int, sizes.split(",")):
            class_ = make_class(catalogue, size, seed)
            right = sum(work.kind == "right" for work in class_.values())
            for name, grade in chosen.items():
                if size > most_stock and name in (*SLOW, "ours"):
                    continue
                result = grade(ground, class_)
                found.append(result)
                marks = f", {result.full_marks} of {right} right ones got full marks" if result.full_marks >= 0 else ""
                out.print(f"{size:>5}  {result.contestant}: {result.seconds:.1f} s{marks}")
                if json_path:
                    json_path.write_text(json.dumps([asdict(m) for m in found], indent=1) + "\n")
    out.print()
    for line in ratios(found):
        out.print(line)
    text = as_markdown(found, machine(), versions())
    out.print(text)
    if markdown:
        markdown.write_text(text)


def machine() -> str:
    """Describe the machine in one line."""
    described = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout
    model = next((line.partition(":")[2].strip() for line in described.splitlines() if "Model name" in line), "")
    return f"{contestants_cores()} cores of {model or platform.machine()}, Linux {platform.release().split('-')[0]}"


def contestants_cores() -> int:
    """Return how many cores this process may use."""
    import os

    return len(os.sched_getaffinity(0))


def versions() -> str:
    """Name what was measured."""
    names = ("nbgrader", "torch", "autograder")
    found = [f"{name} {version(name)}" for name in names]
    return ", ".join([*found, f"Python {platform.python_version()}"])


if __name__ == "__main__":
    main()
