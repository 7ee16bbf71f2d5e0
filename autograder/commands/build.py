"""`autograder build`."""

from __future__ import annotations

from rich.console import Console

from autograder.build import check_fresh, write
from autograder.course import find_root, read_course


def run(out: Console, check: bool) -> int:
    """Build the notebooks, or only say whether they are fresh."""
    course = read_course(find_root())
    if not check:
        for path in write(course):
            out.print(f"wrote {path.relative_to(course.root)}", markup=False)
        return 0
    stale = check_fresh(course)
    for line in stale:
        out.print(line, markup=False)
    out.print("Not fresh: run `autograder build`." if stale else "source/ and release/ are fresh.")
    return 1 if stale else 0
