"""How long the gradebook of a class takes: `fill_gradebook`, beside nbgrader's own converters on a sample of the class.

    python benchmarks/gradebook.py                  1,000 students, a sample of 20 for nbgrader
    python benchmarks/gradebook.py --students 40

Nothing is graded: notebooks are the solved one of 01_attention, and records are made up, with scores that differ. Both
sides run in this process with the settings of `nbgrader_config.py`, each in a course of its own with a new sqlite
gradebook, so the start of an interpreter is not in the numbers. What stands in the gradebook is compared at the end.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde, BaseConverter, GenerateFeedback
from nbgrader.coursedir import CourseDirectory

from autograder.catalogue import Catalogue
from autograder.course import Assignment, read_course
from autograder.handin import fill
from autograder.host import gradebook
from autograder.host.environment import quietly
from autograder.records import CheckResult, ExerciseResult, Record

ROOT = Path(__file__).parent.parent
ASSIGNMENT = "01_attention"
CHECKS = 6
"""In each exercise of a made-up record."""


def main() -> None:
    """Measure, and print seconds per student and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--students", type=int, default=1000, help="size of the class (default 1000)")
    parser.add_argument(
        "--sample", type=int, default=20, help="how many of them nbgrader's converters get (default 20)"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gradebook-") as folder:
        measure(Path(folder), chosen.students, min(chosen.sample, chosen.students))


def measure(folder: Path, students: int, sample: int) -> None:
    """Fill two gradebooks in a folder, and print what it took."""
    assignment = read_course(ROOT).assignment(ASSIGNMENT)
    records = made_up_records(assignment, students)
    print(f"{students} students, of whom nbgrader's converters get {sample}; load before: {os.getloadavg()[0]:.1f}")
    ours, theirs = (
        make_course(folder / "ours", assignment, records),
        make_course(folder / "theirs", assignment, records),
    )
    first = cost(lambda: check(gradebook.fill_gradebook(ours, ASSIGNMENT, records)))
    print(line("fill_gradebook", first, students))
    print(line("the same again", cost(lambda: check(gradebook.fill_gradebook(ours, ASSIGNMENT, records))), students))
    stock = cost(lambda: run_nbgrader(theirs, {record.student: record for record in records[:sample]}))
    print(line("nbgrader's converters", stock, sample))
    wall, cpu = (stock[i] / sample / (first[i] / students) for i in range(2))
    print(f"nbgrader takes {wall:.1f} times as long for each student, and {cpu:.1f} times the processor")
    found = gradebook.read_scores(ours, ASSIGNMENT)
    if gradebook.read_scores(theirs, ASSIGNMENT) != {r.student: found[r.student] for r in records[:sample]}:
        raise SystemExit("the two gradebooks do not have the same scores")


def made_up_records(assignment: Assignment, students: int) -> list[Record]:
    """Return a record for each student; about every third check fails, with a hint or the name of a mistake."""
    chance = random.Random(0)
    records = []
    for number in range(students):
        exercises = [_exercise(e.id, e.points, chance) for e in assignment.exercises]
        records.append(
            Record(
                assignment=assignment.id,
                student=f"student-{number:04}",
                status="graded",
                score=sum(exercise.score for exercise in exercises),
                max_score=assignment.points,
                isolation="confined",
                exercises=exercises,
            )
        )
    return records


def _exercise(name: str, points: float, chance: random.Random) -> ExerciseResult:
    worth, checks = points / CHECKS, []
    for number in range(CHECKS):
        right = chance.random() < 2 / 3
        more: dict[str, Any] = (
            {} if right else {"message": "expected shape (2, 3), found (3, 2)", "hint": "Which axis?"}
        )
        checks.append(
            CheckResult(
                id=f"test_hidden.py::test_{name}_{number}",
                title=f"Property {number} of {name} holds.",
                verdict="pass" if right else "wrong",
                points=worth if right else 0.0,
                max_points=worth,
                **more,
            )
        )
    score = sum(check.points for check in checks)
    return ExerciseResult(id=name, status="attempted", score=score, max_score=points, checks=checks)


def make_course(root: Path, assignment: Assignment, records: list[Record]) -> Path:
    """Write a course in which everybody handed in the solved notebook; returns its folder."""
    for name in ("source", "release"):
        shutil.copytree(ROOT / name / ASSIGNMENT, root / name / ASSIGNMENT)
    shutil.copytree(ROOT / "assignments", root / "assignments")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    catalogue = Catalogue(assignment)
    release = (root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_bytes()
    solved = fill(release, {e.id: catalogue.reference_source(e.id) for e in assignment.exercises})
    json.loads(solved)
    for record in records:
        path = root / "submitted" / record.student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(solved)
    return root


def run_nbgrader(root: Path, records: dict[str, Record]) -> None:
    """Grade some students by nbgrader's own converters, and write their feedback, as its two commands do."""
    gradebook.register(root, ASSIGNMENT)
    for folder in (root / "submitted").iterdir():
        if folder.name not in records:
            shutil.rmtree(folder)
    config = copy.deepcopy(gradebook.read_config(root))
    config.GradeOutside.record_for = lambda root, assignment, student: records[student]
    converter: type[BaseConverter]
    for converter in (Autograde, GenerateFeedback):
        with quietly() as (log, _):
            course = CourseDirectory(config=config, log=log, assignment_id=ASSIGNMENT)
            converter(coursedir=course, config=config, log=log, force=True).start()


def check(problems: dict[str, str]) -> None:
    """Stop when something did not arrive: the time would say nothing."""
    if problems:
        raise SystemExit(f"did not arrive: {problems}")


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long a call takes, and how much of the processors' time with all processes that it starts; seconds."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - start, sum(os.times()[:4]) - before


def line(name: str, seconds: tuple[float, float], students: int) -> str:
    """Return what something took, per student and in all."""
    wall, cpu = seconds
    each = f"{wall / students:8.4f} s a student, {cpu / students:8.4f} s of processor"
    return f"{name:24} {each}; {wall:7.1f} s for {students}"


if __name__ == "__main__":
    main()
