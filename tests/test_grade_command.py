"""`autograder grade` as an instructor uses it: what would change, what is stopped, what a second run costs."""

import contextlib
import re
import signal
import subprocess
import sys
import time

import pytest
from small import ASSIGNMENT, RIGHT, hand_in

from autograder.commands.stopping import stoppable

TRIPLED = {"double": "def double(x):\n    return 3 * x"}
COMMAND = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--no-gradebook"]


def autograder(course, *options):
    done = subprocess.run([*COMMAND, *options], cwd=course, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def results(course):
    return {path.name: path.read_bytes() for path in (course / "results" / ASSIGNMENT).glob("*.json")}


@pytest.fixture
def graded(small_course):
    """A course in which three are graded: one wrong, two right."""
    hand_in(small_course, "wrong", RIGHT | TRIPLED)
    hand_in(small_course, "same", RIGHT)
    assert autograder(small_course)[0] == 0
    return small_course


def test_diff_shows_whose_mark_changes_from_what_to_what_and_by_which_check(graded):
    before = results(graded)
    hand_in(graded, "wrong", RIGHT)
    hand_in(graded, "right", RIGHT | TRIPLED)
    hand_in(graded, "late", RIGHT)
    code, said = autograder(graded, "--diff")
    assert code == 0
    row = {line.split()[0]: " ".join(line.split()) for line in said.splitlines() if "/ 5" in line}
    assert row["wrong"] == "wrong 3 / 5 5 / 5 +2 test_double: wrong 0/2 → pass 2/2"
    assert row["right"] == "right 5 / 5 3 / 5 -2 test_double: pass 2/2 → wrong 0/2"
    assert row["late"].startswith("late new 5 / 5")
    assert "same" not in row
    assert "3 marks would change, 1 of 4 submissions stay the same" in said
    assert results(graded) == before


def test_after_diff_the_same_is_written_without_grading_again(graded):
    hand_in(graded, "wrong", RIGHT)
    autograder(graded, "--diff")
    checks = graded / "assignments" / ASSIGNMENT / "test_hidden.py"
    stamp = (graded / "results" / ASSIGNMENT / ".new" / "wrong.json").read_bytes()
    assert autograder(graded)[0] == 0
    assert results(graded)["wrong.json"] == stamp
    assert checks.is_file()
    assert not list((graded / "results" / ASSIGNMENT / ".new").iterdir())
    assert "No mark and no check would change" in autograder(graded, "--diff")[1]


def test_diff_names_the_check_that_was_changed(graded):
    checks = graded / "assignments" / ASSIGNMENT / "test_hidden.py"
    both = 'assert_close(student.double(x), 3 * x if x.shape == (9,) else 2 * x, "attention")'
    checks.write_text(re.sub(r"    assert_close\(student\.double.*", f"    {both}", checks.read_text()))
    assert "No mark and no check would change" in autograder(graded, "--diff")[1]
    toml = graded / "assignments" / ASSIGNMENT / "exercises.toml"
    toml.write_text(toml.read_text().replace("points = 2", "points = 4"))
    checks.write_text(checks.read_text().replace("@points(2)", "@points(4)"))
    code, said = autograder(graded, "--diff")
    assert code == 0
    assert re.search(r"right +5 / 5 +7 / 7 +\+2 +test_double: pass 2/2 → pass 4/4", said)


def test_a_ctrl_c_that_was_lost_is_raised_at_the_next_step():
    """As Python loses one that comes while it takes an object apart."""
    with stoppable() as stop_if_asked:
        stop_if_asked()
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stop_if_asked()


def test_ctrl_c_stops_in_good_order_and_the_next_run_goes_on(small_course):
    slow = "import time\n\ndef double(x):\n    time.sleep(0.4)\n    return x + x"
    for number in range(8):
        hand_in(small_course, f"student-{number:02}", RIGHT | {"double": slow})
    process = subprocess.Popen(
        [*COMMAND, "--workers", "1"], cwd=small_course, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(results(small_course)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=30)
    kept = results(small_course)
    assert process.returncode == 130, said + errors
    assert 2 <= len(kept) < 9
    assert f"Stopped. {len(kept)} of 9 are graded, and kept; the same command goes on." in said
    assert "Traceback" not in said + errors
    code, _ = autograder(small_course)
    assert code == 0
    assert len(results(small_course)) == 9
    assert kept.items() <= results(small_course).items()


def test_workers_of_this_machine_and_a_cluster_do_not_go_together(small_course):
    code, said = autograder(small_course, "--cluster", "tcp://127.0.0.1:1", "--workers", "2")
    assert code == 2
    assert "leave it out with --cluster" in said
