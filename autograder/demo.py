"""The example class: what students hand in, from perfect to hostile, as real notebooks.

Right work and known mistakes are taken from the catalogue, so the class never falls behind the assignment. Students are
called by what they did.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from autograder.catalogue import Catalogue
from autograder.course import Assignment, Course
from autograder.handin import Cells, cell_of, delete, duplicate, fill
from autograder.records import write_atomically

FIRST = "01_attention"
MISTAKES = (
    "mask_after_softmax",
    "no_scale",
    "scale_by_d_k",
    "softmax_over_queries",
    "additive_mask_wrong_sign",
    "values_never_used",
    "fill_with_zero",
    "mask_inverted",
    "no_peak_subtracted",
    "picture_transposed",
)
"""In the first assignment; one submission each, otherwise right."""

_ENDLESS = '''\
def attention_scores(q, k):
    """Wait for the scores to converge."""
    if q.size(-1) != k.size(-1):
        raise ValueError(f"widths differ: {q.size(-1)} and {k.size(-1)}")
    scores = q @ k.transpose(-2, -1)
    while True:
        scores = scores / math.sqrt(q.size(-1))
'''

_EXIT = '''\
def softmax(x, dim=-1):
    """Leave before anybody can look."""
    import os

    os._exit(0)
'''

_SNOOP = '''\
def attention_weights(scores, mask=None):
    """Read the reference instead of thinking."""
    import pathlib

    for folder in pathlib.Path.cwd().parents:
        for path in folder.rglob("solutions/attention.py"):
            namespace = {}
            exec(path.read_text(), namespace)
            return namespace["attention_weights"](scores, mask)
    raise FileNotFoundError("no reference anywhere above " + str(pathlib.Path.cwd()))
'''

_SYNTAX_ERROR = """\
def attention_scores(q, k):
    scores = q @ k.transpose(-2, -1
    return scores / math.sqrt(q.size(-1))
"""


def write_class(course: Course, assignment: Assignment, submitted: Path) -> list[str]:
    """Write the example class into an nbgrader folder of submissions, and return the students.

    Args:
        course: whose release is filled in
        assignment: for which the class hands in
        submitted: nbgrader's folder; what the class handed in there before is replaced
    """
    notebooks = example_class(Catalogue(assignment), course.notebook(assignment))
    for student, data in notebooks.items():
        folder = submitted / student / assignment.id
        shutil.rmtree(folder, ignore_errors=True)
        write_atomically(folder / f"{assignment.id}.ipynb", data)
    return sorted(notebooks)


def example_class(catalogue: Catalogue, release: bytes) -> dict[str, bytes]:
    """Return the notebooks of the example class by student."""
    right = {e.id: catalogue.reference_source(e.id) for e in catalogue.assignment.exercises}
    half = list(right)[: len(right) // 2]
    return {
        "perfect-plain": fill(release, right),
        "perfect-first-style": fill(release, right | _styles(catalogue, 0)),
        "perfect-other-style": fill(release, right | _styles(catalogue, 1)),
        "half-finished": fill(release, {name: right[name] for name in half}),
        "untouched": release,
        **{name.replace("_", "-"): fill(release, right | _mistake(catalogue, name)) for name in _mistakes(catalogue)},
        **(_accidents_and_attacks(release, right) if catalogue.assignment.id == FIRST else {}),
    }


def _accidents_and_attacks(release: bytes, right: dict[str, str]) -> dict[str, bytes]:
    """Return what else can happen to a submission of the first assignment."""

    def hand_in(then: Callable[[Cells], None] | None = None, **answers: str) -> bytes:
        return fill(release, right | answers, then)

    return {
        "syntax-error": hand_in(attention_scores=_SYNTAX_ERROR),
        "deleted-cell": hand_in(delete("attention_weights")),
        "duplicated-cell": hand_in(_work_in_the_copy, softmax=right["softmax"]),
        "not-a-notebook": b"Dear teacher, my notebook would not open, so here is a letter instead.\n",
        "endless-loop": hand_in(attention_scores=_ENDLESS),
        "exits-early": hand_in(softmax=_EXIT),
        "reads-the-reference": hand_in(attention_weights=_SNOOP),
    }


def _styles(catalogue: Catalogue, which: int) -> dict[str, str]:
    """Return another right solution of every exercise that has that many."""
    styles: dict[str, str] = {}
    for name in catalogue.reference:
        found = [v.source for v in catalogue.alternatives if v.exercise == name]
        if len(found) > which:
            styles[name] = found[which]
    return styles


def _mistakes(catalogue: Catalogue) -> list[str]:
    """Return the mistakes of the class: chosen ones in the first assignment, later one for each exercise."""
    if catalogue.assignment.id == FIRST:
        return list(MISTAKES)
    first: dict[str, str] = {}
    for variant in catalogue.misconceptions:
        first.setdefault(variant.exercise, variant.entry.name)
    return list(first.values())


def _mistake(catalogue: Catalogue, name: str) -> dict[str, str]:
    variant = next(v for v in catalogue.misconceptions if v.entry.name == name)
    return {variant.exercise: variant.source}


def _work_in_the_copy(cells: Cells) -> None:
    """Copy the softmax cell and leave the first one half done, as one does when trying something."""
    duplicate("softmax")(cells)
    cell_of(cells, "softmax")["source"] = "def softmax(x, dim=-1):\n    return x  # first try, see below\n"
