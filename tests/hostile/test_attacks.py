"""A class of attackers and three honest neighbours, graded by the real command: nobody gets what is not theirs."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from attack import ASSIGNMENT, ATTACKS, Attack, notebook_of, read_attacks
from canaries import found_in, plant_in_course, plant_in_file, plant_in_notebook
from fort import hand_in, release_of, right_notebook, solved
from traces import MARKER, Listener, World, hashes, shared_markers

from autograder.catalogue import Catalogue
from autograder.course import read_course
from autograder.errors import StudentFailure
from autograder.records import ExerciseResult, Record, decode
from autograder.sandbox import CellStopped, Sandbox
from autograder.stand_in import rehearse, stand_in_for
from autograder.submission import read, read_release
from autograder.wire import Call, Load

ALL = read_attacks()
SHOWN = [a for a in ALL if a.family == "confusion" and ("first" in a.cells or a.verdicts == ["error"])]
"""Their texts try the pages, so nbgrader's pages are made for them; for all of them that would take minutes."""
NEIGHBOURS = ("aaa-first", "middle", "zzz-last")
FAMILIES = (
    *("lying", "snooping", "patching", "exits", "resources"),
    *("forgery", "network", "state", "gaming", "confusion"),
)
WRITTEN_BY_GRADING = (
    "results",
    "feedback",
    "autograded",
    "gradebook.db",
    ".gradebook.lock",
    f".gradebook.{ASSIGNMENT}.json",
)
INNOCENT_FILE = "somebody-elses-file"

each_attack = pytest.mark.parametrize("attack", ALL, ids=[f"{a.family}/{a.name}" for a in ALL])


class Class(msgspec.Struct, kw_only=True):
    """What came of grading everybody."""

    root: Path
    world: World
    planted: dict[str, str]
    records: dict[str, Record]
    alone: dict[str, bytes]
    runs: list[subprocess.CompletedProcess[str]]
    heard: list[str]
    markers: list[str]
    processes: list[str]
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def graded(module_fort: Path, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """The class, graded once; everything that could have been left behind is looked at before anything else runs."""
    root = module_fort
    planted = plant_in_course(root)
    first, planted["a neighbour's notebook"] = plant_in_notebook(right_notebook(root))
    hand_in(root, NEIGHBOURS[0], first)
    for student in NEIGHBOURS[1:]:
        hand_in(root, student, right_notebook(root))
    release, answers = release_of(root), solved(root)
    for attack in ALL:
        hand_in(root, attack.student, notebook_of(attack, release, answers))

    secrets = {name: plant_in_file(tmp_path_factory.mktemp("word") / name) for name in ("salt", "environment")}
    world = World(
        tmp_path_factory.mktemp("world"), AUTOGRADER_SALT=secrets["salt"], COURSE_SECRET=secrets["environment"]
    )
    planted |= secrets
    planted["file in the home"] = plant_in_file(world.home / "notes.txt")
    planted["file among the temporary ones"] = plant_in_file(world.tmp / f"{INNOCENT_FILE}.txt")

    everybody = [*NEIGHBOURS, *(attack.student for attack in SHOWN)]
    before = hashes(root, but=WRITTEN_BY_GRADING)
    with Listener() as listener:
        runs = [
            world.autograder(root, "grade", ASSIGNMENT, "--results", "alone", "--no-gradebook", *_students(NEIGHBOURS)),
            world.autograder(root, "grade", ASSIGNMENT, "--workers", "2", "--no-gradebook"),
            world.autograder(root, "grade", ASSIGNMENT, *_students(everybody)),
        ]
        processes = [f"{p.pid} {p.name()}" for p in world.processes()]
        time.sleep(0.5)  # for what would come later
        return Class(
            root=root,
            world=world,
            planted=planted,
            records=_records(root / "results"),
            alone={s: (root / "alone" / ASSIGNMENT / f"{s}.json").read_bytes() for s in NEIGHBOURS},
            runs=runs,
            heard=list(listener.heard),
            markers=world.markers(),
            processes=processes,
            before=before,
            after=hashes(root, but=(*WRITTEN_BY_GRADING, "alone")),
        )


def _students(names: Any) -> list[str]:
    return [word for name in names for word in ("--student", name)]


def _records(folder: Path) -> dict[str, Record]:
    return {path.stem: decode(path.read_bytes(), str(path)) for path in sorted((folder / ASSIGNMENT).glob("*.json"))}


def _exercises(record: Record) -> dict[str, ExerciseResult]:
    return {exercise.id: exercise for exercise in record.exercises}


# ---- the attacks themselves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_has_attacks(family: str) -> None:
    assert [attack for attack in ALL if attack.family == family]


def test_there_are_no_other_families_and_no_files_that_are_no_attacks() -> None:
    assert {attack.family for attack in ALL} == set(FAMILIES)
    assert len(ALL) == len([path for path in ATTACKS.rglob("*") if path.is_file() and path.suffix != ".pyc"])


def test_each_attack_hands_in_under_a_name_of_its_own() -> None:
    assert len({attack.student for attack in ALL}) == len(ALL)
    assert sorted([*NEIGHBOURS, *(a.student for a in ALL)])[:: len(ALL) + 2] == [NEIGHBOURS[0], NEIGHBOURS[-1]]


# ---- what comes of them -------------------------------------------------------------------------------------------


def test_the_commands_finish(graded: Class) -> None:
    for run in graded.runs:
        assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
        assert "Traceback" not in run.stdout + run.stderr


@each_attack
def test_an_attack_gets_a_record_and_is_called_what_it_is(graded: Class, attack: Attack) -> None:
    record = graded.records[attack.student]
    assert record.status == "graded", record.notes
    assert record.isolation == "confined"
    checks = _exercises(record)[attack.exercise].checks
    assert checks
    assert {c.verdict for c in checks} <= set(attack.verdicts), [(c.id, c.verdict, c.message) for c in checks]
    texts = [*record.notes, *(c.message for c in checks)]
    assert any(attack.says in text for text in texts), texts


@each_attack
def test_an_attack_earns_nothing_by_it(graded: Class, attack: Attack) -> None:
    exercise = _exercises(graded.records[attack.student])[attack.exercise]
    if attack.verdicts == ["pass"]:
        assert exercise.score == exercise.max_score
    elif "pass" in attack.verdicts:  # right in what some of the checks look at
        assert exercise.score < exercise.max_score
    else:
        assert exercise.score == 0
    assert exercise.score == sum(c.max_points for c in exercise.checks if c.verdict == "pass")


@each_attack
def test_an_attack_costs_the_exercise_that_it_is_in(graded: Class, attack: Attack) -> None:
    for name, exercise in _exercises(graded.records[attack.student]).items():
        if name != attack.exercise and name not in attack.suffers:
            lost = [(c.id, c.verdict, c.message) for c in exercise.checks if c.verdict != "pass"]
            assert exercise.score == exercise.max_score, lost


@pytest.mark.parametrize("student", NEIGHBOURS)
def test_a_neighbour_gets_the_same_bytes_as_alone(graded: Class, student: str) -> None:
    assert (graded.root / "results" / ASSIGNMENT / f"{student}.json").read_bytes() == graded.alone[student]
    assert graded.records[student].score == graded.records[student].max_score


# ---- what they leave behind ---------------------------------------------------------------------------------------


def test_no_process_is_left(graded: Class) -> None:
    assert graded.world.seen, "while grading was on, its processes must have been seen"
    assert graded.processes == []


def test_no_temporary_file_is_left(graded: Class) -> None:
    assert [path.name for path in graded.world.tmp.iterdir()] == [f"{INNOCENT_FILE}.txt"]


def test_no_marker_is_left_anywhere(graded: Class) -> None:
    assert graded.markers == []
    course = [path for path in graded.root.rglob(f"*{MARKER}*") if path.name.startswith(MARKER)]
    assert course == []


def test_the_course_is_as_it_was(graded: Class) -> None:
    assert len(graded.before) > len(ALL)
    assert graded.after == graded.before


def test_nobody_was_reached_over_the_network(graded: Class) -> None:
    assert graded.heard == []


# ---- what they find out -------------------------------------------------------------------------------------------


def test_no_record_tells_a_secret(graded: Class) -> None:
    for path in (graded.root / "results").rglob("*.json"):
        assert found_in(path.read_text(encoding="utf-8"), graded.planted) == [], path.name


def test_no_page_tells_a_secret_of_others(graded: Class) -> None:
    pages = [*graded.root.glob("feedback/*/*/*.html"), graded.root / "results" / ASSIGNMENT / "overview.html"]
    assert len(pages) == len(NEIGHBOURS) + len(SHOWN) + 1
    for page in pages:
        own = {"a neighbour's notebook"} if NEIGHBOURS[0] in page.parts else set()
        assert set(found_in(page.read_text(encoding="utf-8"), graded.planted)) == own, page


def test_no_output_tells_a_secret(graded: Class) -> None:
    for run in graded.runs:
        assert found_in(run.stdout + run.stderr, graded.planted) == []


def test_no_text_of_theirs_gets_at_the_terminal(graded: Class) -> None:
    for run in graded.runs:
        assert not set("\x1b\x07\x08\x9b\u202e\u2066") & set(run.stdout + run.stderr)


def test_no_text_of_theirs_becomes_part_of_a_page(graded: Class) -> None:
    pages = [*graded.root.glob("feedback/*/*/*.html"), graded.root / "results" / ASSIGNMENT / "overview.html"]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    assert any("hostile(1)" in text for text in texts.values()), "the text must be there, harmless"
    for page, text in texts.items():
        assert "<script>hostile" not in text, page
        assert "onerror=hostile" not in text or "&lt;img src=x onerror=hostile" in text, page
        assert "<img src=x" not in text, page
        assert not set("\x1b\x07\x9b\u202e\u2066") & set(text), page


# ---- without the locks, to see that the detectors work ------------------------------------------------------------


@pytest.fixture(scope="module")
def open_doors(graded: Class, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four attacks that are harmless enough to be graded without the locks, and what could be seen of them."""
    names = ("snooping-files-nearby", "snooping-process-files", "state-diary", "network-knocks-on-ports")
    world = World(tmp_path_factory.mktemp("open"), AUTOGRADER_SALT=graded.planted["salt"])
    secret = plant_in_file(world.tmp / f"{INNOCENT_FILE}.txt")
    options = ("--results", "open", "--no-gradebook", "--allow-unconfined", "--workers", "2")
    with Listener() as listener:
        run = world.autograder(graded.root, "grade", ASSIGNMENT, *options, *_students(names))
    markers = world.markers()
    for path in shared_markers():
        path.unlink(missing_ok=True)
    return {
        "run": run,
        "records": _records(graded.root / "open"),
        "secret": secret,
        "heard": listener.heard,
        "markers": markers,
    }


def _texts(record: Record) -> str:
    return " ".join(check.message for exercise in record.exercises for check in exercise.checks)


def test_without_the_locks_a_secret_in_a_file_is_found(open_doors: dict[str, Any]) -> None:
    record = open_doors["records"]["snooping-files-nearby"]
    assert record.isolation == "unconfined"
    assert open_doors["secret"] in _texts(record)


def test_without_the_locks_the_salt_is_found(open_doors: dict[str, Any], graded: Class) -> None:
    assert graded.planted["salt"] in _texts(open_doors["records"]["snooping-process-files"])


def test_without_the_locks_markers_are_left_and_read_again(open_doors: dict[str, Any]) -> None:
    assert open_doors["markers"]
    assert "somebody was here before me" in _texts(open_doors["records"]["state-diary"])


def test_without_the_locks_the_network_is_reached(open_doors: dict[str, Any]) -> None:
    assert open_doors["heard"]


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "file").write_text("as it was", encoding="utf-8")
    before = hashes(tmp_path, but=())
    (tmp_path / "course" / "file").write_text("as it is", encoding="utf-8")
    assert hashes(tmp_path, but=()) != before


# ---- how long they take -------------------------------------------------------------------------------------------

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "softmax": (torch.randn(3, 5),),
    "attention": (torch.randn(2, 3, 5), torch.randn(2, 7, 5), torch.randn(2, 7, 11)),
    "Head": (7, 5),
    "sample": (torch.tensor([0.5, 0.25, 0.125, 0.125]), 2000, 7),
}
SLOW = [attack for attack in ALL if attack.slow]


@pytest.fixture(scope="module")
def cell(built_fort: Path) -> Iterator[Sandbox]:
    """A locked process with the limits of the course."""
    rehearse()  # as a grading process does, so that what torch loads on first use is no part of what is measured
    with Sandbox(read_course(built_fort).limits) as sandbox:
        yield sandbox


@pytest.mark.parametrize("attack", SLOW, ids=[f"{a.family}/{a.name}" for a in SLOW])
def test_an_attack_on_time_ends_with_its_limit(cell: Sandbox, built_fort: Path, attack: Attack) -> None:
    course = read_course(built_fort)
    assignment = course.assignment(ASSIGNMENT)
    reference = Catalogue(assignment).reference
    release = release_of(built_fort)
    cells = read(notebook_of(attack, release, solved(built_fort)), assignment, read_release(release, assignment)).cells
    broken = {name: ["x", "dim"] for name in assignment.prerequisites(attack.exercise) if name in attack.cells}
    limit, started = course.limits.load_seconds, time.monotonic()
    with contextlib.suppress(StudentFailure, CellStopped):
        load = Load(cells=cells, stand_ins=broken, forbidden=assignment.exercise(attack.exercise).forbids)
        with cell.open(load, stand_in_for(reference, list(broken))) as inside:
            loaded = time.monotonic()
            assert loaded - started <= limit + 1
            limit, started = course.limits.check_seconds, loaded
            inside.call(Call(target=attack.exercise, args=ARGUMENTS[attack.exercise]))
    assert time.monotonic() - started <= limit + 1
