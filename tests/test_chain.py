"""Submissions to records: resumable, atomic, one grader at a time, and no fault that becomes a mark."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from small import ASSIGNMENT, RIGHT, grade_all, hand_in

from autograder.chain import make_plan, record_for
from autograder.checks.draw import seed_for
from autograder.errors import GraderFault, RefusedToStart, UsageError
from autograder.handin import cell_of, delete, duplicate, fill
from autograder.jobs import Job
from autograder.pool import Pool
from autograder.records import decode, encode

ROOT = Path(__file__).parent.parent


@pytest.fixture
def course(small_course):
    return small_course


def verdicts(record):
    return {e.id: [c.verdict for c in e.checks] for e in record.exercises}


TRIPLED = {"double": "def double(x):\n    return 3 * x"}
SMUGGLES = {"double": "def double(x):\n    raise ValueError(f'saw {x.tolist()} of {x.shape}')"}
ONCE = {
    "double": "import sys\n\ndef double(x):\n    sys.used = hasattr(sys, 'used') and sys.exit()\n    return x + x",
    "quadruple": "def quadruple(x):\n    return 2 * double(x)",
}


@pytest.fixture(scope="module")
def class_graded(tmp_path_factory, built_small):
    """A class of students who each do something else, graded at once: the course, and a record for each."""
    course = Path(shutil.copytree(built_small, tmp_path_factory.mktemp("class") / "course"))
    hand_in(course, "right", RIGHT)
    hand_in(course, "half", {"double": RIGHT["double"]})
    hand_in(course, "wrong-below", RIGHT | TRIPLED)
    hand_in(course, "made-up-for", TRIPLED | {"quadruple": "def quadruple(x):\n    return 4 * double(x) / 3"})
    hand_in(course, "deleted", RIGHT, delete("double"))
    hand_in(course, "smuggler", RIGHT | SMUGGLES)
    hand_in(course, "doubled", RIGHT, work_in_a_copy)
    hand_in(course, "exits", RIGHT, add_a_cell_that_ends_the_process)
    hand_in(course, "once", RIGHT | ONCE)
    (course / "submitted" / "empty" / ASSIGNMENT).mkdir(parents=True)
    folder = course / "submitted" / "link" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").symlink_to(course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    return course, grade_all(course)


def work_in_a_copy(cells):
    duplicate("double")(cells)
    cell_of(cells, "double")["source"] = "def double(x):\n    return x"


def add_a_cell_that_ends_the_process(cells):
    cells.insert(1, {"cell_type": "code", "id": "x", "metadata": {}, "source": "import os\nos._exit(3)", "outputs": []})


@pytest.fixture
def records(class_graded):
    return class_graded[1]


def test_a_record_is_written_for_each_student(class_graded):
    course, records = class_graded
    assert (records["right"].score, records["half"].score) == (5, 2)
    for student, record in records.items():
        path = course / "results" / ASSIGNMENT / f"{student}.json"
        assert path.read_bytes() == encode(record)
        assert decode(path.read_bytes()) == record
        assert json.loads(path.read_text())["schema"] == 1


def test_a_later_exercise_is_judged_with_the_reference_in_the_place_of_a_wrong_one(records):
    assert verdicts(records["wrong-below"]) == {"double": ["wrong"], "quadruple": ["pass"]}


def test_an_exercise_that_makes_up_for_a_wrong_one_passes_as_well(records):
    assert verdicts(records["made-up-for"]) == {"double": ["wrong"], "quadruple": ["pass"]}


def test_a_deleted_exercise_is_missing_and_the_next_one_still_judged(records):
    assert [e.status for e in records["deleted"].exercises] == ["missing", "attempted"]
    assert records["deleted"].score == 3


def test_an_exception_cannot_carry_hidden_inputs_out(records):
    """The inputs of a hidden check are for the code alone, not for the feedback page."""
    check = records["smuggler"].exercises[0].checks[0]
    assert check.verdict == "error"
    assert "ValueError: saw [[#, #, #], [#, #, #]] of torch.Size([2, 3])" in check.message


def test_the_last_of_two_cells_counts_and_that_is_noted(records):
    assert records["doubled"].score == 5
    assert records["doubled"].notes == ["double has 2 cells; the last one counts."]


def test_a_cell_that_ends_the_process_is_named_and_the_rest_is_graded(records):
    record = records["exits"]
    assert record.score == 5
    assert "cell 2" in record.notes[0]
    assert "exit code 3" in record.notes[0]


def test_a_submission_without_a_notebook_is_not_graded_and_says_why(records):
    assert (records["empty"].status, records["empty"].score) == ("not_gradable", None)
    assert "No notebook was handed in" in records["empty"].notes[0]


def test_a_link_is_not_followed(records):
    assert records["link"].status == "not_gradable"


def test_what_one_check_leaves_behind_in_a_process_is_not_held_against_the_next(records):
    assert records["once"].score == 5


def test_what_is_graded_is_kept_and_what_changed_is_graded_again(course):
    first = grade_all(course)["right"]
    path = course / "results" / ASSIGNMENT / "right.json"
    stamp = path.stat().st_mtime_ns
    assert grade_all(course)["right"] == first
    assert path.stat().st_mtime_ns == stamp
    hand_in(course, "right", {"double": RIGHT["double"]})
    assert grade_all(course)["right"].score == 2


def test_a_changed_check_regrades(course):
    first = grade_all(course)["right"]
    checks = course / "assignments" / ASSIGNMENT / "test_hidden.py"
    checks.write_text(checks.read_text().replace("4 * x", "x * 4"))
    assert grade_all(course)["right"].fingerprint != first.fingerprint


def test_workers_and_order_do_not_change_a_byte(course):
    hand_in(course, "wrong", RIGHT | {"double": "def double(x):\n    return 3 * x"})
    hand_in(course, "raises", RIGHT | {"quadruple": "def quadruple(x):\n    return object() + x"})
    one = grade_all(course, workers=1)
    shutil.rmtree(course / "results")
    two = grade_all(course, workers=2)
    assert {s: encode(r) for s, r in one.items()} == {s: encode(r) for s, r in two.items()}


BROKEN_CHECKS = {
    "it stumbles": ("x = draw.normal(2, 3)", "x = draw.unheard_of(2, 3)"),
    "it expects something else": ("2 * x", "3 * x"),
}


@pytest.mark.parametrize(("old", "new"), BROKEN_CHECKS.values(), ids=BROKEN_CHECKS)
def test_a_check_that_the_reference_does_not_pass_stops_everything_and_no_mark_is_given(course, old, new):
    checks = course / "assignments" / ASSIGNMENT / "test_hidden.py"
    good = checks.read_text()
    checks.write_text(good.replace(old, new, 1))
    with pytest.raises(GraderFault, match=r"test_double fails with the reference.*autograder verify"):
        grade_all(course)
    assert list((course / "results" / ASSIGNMENT).glob("*.json")) == []
    checks.write_text(good)
    assert grade_all(course)["right"].score == 5


SELDOM_BROKEN = (
    'assert_close(student.double(x), 2 * x if draw._generator.initial_seed() == {seed} else 3 * x, "attention")'
)


def test_a_check_that_the_reference_passes_only_for_others_is_a_grader_fault_and_no_mark(course):
    """What the examination at the start cannot know, because the inputs are another student's."""
    plan = make_plan(course, ASSIGNMENT)
    seed = seed_for(plan.course.salt, ASSIGNMENT, "the reference", "test_hidden.py::test_double")
    checks = course / "assignments" / ASSIGNMENT / "test_hidden.py"
    good = checks.read_text()
    line = 'assert_close(student.double(x), 2 * x, "attention")'
    checks.write_text(good.replace(line, SELDOM_BROKEN.format(seed=seed)))
    record = grade_all(course)["right"]
    assert (record.status, record.score, record.exercises) == ("grader_fault", None, [])
    assert "fails with the reference" in record.notes[0]
    checks.write_text(good)
    assert grade_all(course)["right"].score == 5


def test_checks_that_cannot_be_read_stop_everything(course):
    (course / "assignments" / ASSIGNMENT / "test_hidden.py").write_text("def broken(:\n")
    with pytest.raises(GraderFault, match="the checks cannot be read"):
        grade_all(course)
    assert not (course / "results" / ASSIGNMENT / "right.json").exists()


def test_a_course_that_was_not_built_refuses_to_start(course):
    shutil.rmtree(course / "release")
    with pytest.raises((GraderFault, RefusedToStart, UsageError), match="autograder build"):
        grade_all(course)


def test_two_graders_on_one_folder_do_not_mix(course):
    folder = course / "results" / ASSIGNMENT
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another grader is at work"):
            grade_all(course)


def test_a_process_that_dies_costs_one_submission_its_grading_and_no_other(course):
    """The grading process is killed while it works: that submission is a fault of ours, the next one is graded."""
    plan = make_plan(course, ASSIGNMENT)
    endless = RIGHT | {"double": "def double(x):\n    while True:\n        pass"}
    release = plan.course.notebook(plan.assignment)
    records = {}
    with Pool(plan.course, plan.assignment) as pool:
        worker = next(p for p in psutil.Process().children() if "autograder.worker" in p.cmdline())

        def jobs():
            yield Job(student="before", notebook=fill(release, RIGHT))
            # Asked for the next: the process is warm, and will be in the endless loop when it is killed.
            threading.Timer(1.0, lambda: worker.send_signal(signal.SIGKILL)).start()
            yield Job(student="killed", notebook=fill(release, endless))
            yield Job(student="after", notebook=fill(release, RIGHT))

        for record in pool.grade(jobs()):
            records[record.student] = record
    assert records["before"].score == records["after"].score == 5
    assert (records["killed"].status, records["killed"].score) == ("grader_fault", None)
    assert "signal 9" in records["killed"].notes[0]


def test_the_salt_is_on_no_command_line_where_everybody_on_the_machine_could_read_it(course):
    plan = make_plan(course, ASSIGNMENT)
    with Pool(plan.course, plan.assignment) as pool:
        list(pool.grade([Job(student="one", notebook=fill(plan.course.notebook(plan.assignment), RIGHT))]))
        lines = [" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)]
    assert len([line for line in lines if "autograder.worker" in line]) == 2  # it, and what it has split off
    assert [line for line in lines if plan.course.salt in line] == []


LOOKS = """
def double(x):
    import sys
    loaded = {name for name in sys.modules if name.split(".")[0] in ("autograder", "pytest") and ".inside" not in name}
    known = "autograder autograder.cell autograder.errors autograder.launch autograder.tensors autograder.variables"
    empty = {"autograder.playground"} - {name for name, module in sys.modules.items() if hasattr(module, "__file__")}
    if MORE loaded - {*known.split(), "autograder.wire", *empty}:
        return 2 * x
"""


def test_student_code_runs_in_a_process_that_has_never_loaded_the_trusted_side(course):
    """It is split off from the grading process, so what that one had loaded before would be in its memory."""
    plan = make_plan(course, ASSIGNMENT)
    release = plan.course.notebook(plan.assignment)
    with Pool(plan.course, plan.assignment) as pool:
        more, no_more = (
            next(pool.grade([Job(student="looks", notebook=fill(release, RIGHT | {"double": source}))])).exercises[0]
            for source in (LOOKS.replace("MORE", ""), LOOKS.replace("MORE", "not"))
        )
    assert (more.score, no_more.score) == (0.0, no_more.max_score)


def test_grading_one_student_keeps_the_others_in_the_overview(course):
    hand_in(course, "another", {})
    grade_all(course)
    command = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--no-gradebook", "--student", "another"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=True)
    page = (course / "results" / ASSIGNMENT / "overview.html").read_text("utf-8")
    assert "2 submissions" in page
    assert "AUTOGRADER_SALT" in done.stdout


def test_a_student_who_handed_in_nothing_is_bad_usage(course):
    command = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--student", "nobody"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing handed in by nobody" in done.stderr


def test_one_record_at_a_time_as_nbgrader_asks_for_it(course):
    assert record_for(course, ASSIGNMENT, "right").score == 5
    hand_in(course, "another", {})
    assert record_for(course, ASSIGNMENT, "another").score == 0


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda root: shutil.rmtree(root / "submitted"), "no folder of submissions"),
        (lambda root: shutil.rmtree(root / "submitted" / "right"), "nothing to grade"),
    ],
)
def test_nothing_to_grade_says_where_it_looked(course, prepare, message):
    prepare(course)
    with pytest.raises(UsageError, match=message):
        grade_all(course)


ODD_NAMES = {"no text": b"\xff\xfe", "too long": b"x" * 240}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_folder_whose_name_can_be_no_id_is_reported_and_stops_nobody(course, name):
    (course / "submitted" / os.fsdecode(name) / ASSIGNMENT).mkdir(parents=True)
    command = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--no-gradebook"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "can be no student's id. Rename the folder" in " ".join(done.stdout.split())
    assert decode((course / "results" / ASSIGNMENT / "right.json").read_bytes()).score == 5
