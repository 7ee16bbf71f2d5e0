"""How fast is a class graded, and how much faster than by others? One command, one run, the same notebooks.

    python benchmarks/speed --sizes 10,100,1000 --json speed.json --markdown speed.md

See README.md in this folder for what is compared and how to read it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import contestants  # noqa: E402  # only now can it be found
from asserts import exam_of  # noqa: E402
from classroom import make_class  # noqa: E402
from contestants import Grade, Ground, floor, ours  # noqa: E402
from measuring import Measured  # noqa: E402
from tables import as_markdown, ratios  # noqa: E402

from autograder.catalogue import Catalogue  # noqa: E402
from autograder.course import read_course  # noqa: E402

sys.path.insert(1, str(HERE.parent))
from stock_otter import make_environment  # noqa: E402

SLOW = ("nbgrader", "nbgrader-bare", "otter", "preprocessor", "floor-alone")
"""These get no larger part of a class than --most-slow: their cost does not depend on its size."""


def everybody(cores: int) -> dict[str, Grade]:
    """Return all contestants by short names."""
    return {
        "nbgrader": contestants.stock_nbgrader(whole=True),
        "nbgrader-bare": contestants.stock_nbgrader(whole=False),
        "otter": contestants.stock_otter,
        "preprocessor": contestants.with_our_preprocessor,
        "floor": floor(alone=False),
        "floor-alone": floor(alone=True),
        "one": ours(1, gradebook=False),
        "all": ours(cores, gradebook=False),
        "whole": ours(cores, gradebook=True),
    }


@click.command()
@click.option("--assignment", default="01_attention", show_default=True)
@click.option("--sizes", default="10,100,1000", show_default=True, help="Sizes of classes.")
@click.option("--most-slow", default=100, show_default=True, help="Slow graders get only so many of a larger class.")
@click.option("--only", multiple=True, help="Only these: nbgrader, nbgrader-bare, otter, preprocessor, floor, ...")
@click.option("--skip", multiple=True, metavar="NAME/SIZE", help="Leave one out for one size, such as otter/1000.")
@click.option("--workers", default=2, show_default=True, help="Grading processes of `autograder grade` on all cores.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables here.")
@click.option("--folder", type=click.Path(path_type=Path), help="Work here and leave everything.  [default: temporary]")
def main(
    assignment: str,
    sizes: str,
    most_slow: int,
    only: tuple[str, ...],
    skip: tuple[str, ...],
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
    chosen = {name: grade for name, grade in everybody(workers).items() if not only or name in only}
    otter = make_environment(HERE.parents[1] / ".benchmarks" / "otter") if "otter" in chosen else None
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="speed-") as temporary:
        ground = Ground(folder or Path(temporary), catalogue.assignment, exam_of(catalogue), otter)
        for size in map(int, sizes.split(",")):
            class_ = make_class(catalogue, size, seed)
            for name, grade in chosen.items():
                if f"{name}/{size}" in skip:
                    continue
                part = dict(list(class_.items())[: most_slow if name in SLOW else size])
                right = sum(work.kind == "right" for work in part.values())
                result = replace(grade(ground, part), of=size)
                found.append(result)
                marks = f", {result.full_marks} of {right} right ones got full marks" if result.full_marks >= 0 else ""
                graded = f"{len(part)} of {size}"
                out.print(f"{graded:>12}  {result.contestant}: {result.seconds:.1f} s{marks}", markup=False)
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
    kernel = platform.release().partition("-")[0]
    return f"{len(os.sched_getaffinity(0))} cores of {model or platform.machine()}, Linux {kernel}"


def versions() -> str:
    """Name what was measured."""
    names = ("nbgrader", "torch", "autograder")
    found = [f"{name} {version(name)}" for name in names]
    return ", ".join([*found, f"Python {platform.python_version()}"])


if __name__ == "__main__":
    main()
