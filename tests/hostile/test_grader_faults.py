"""Faults of the grader and of the machine: each ends in a clear refusal, never in a mark and never in a lost result."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest
from attack import ASSIGNMENT
from fort import autograder, hand_in, records_of, right_notebook
from lane import wait_for

from autograder.host.gradebook import LOCK, read_scores

GRADE = ("grade", ASSIGNMENT, "--workers", "1")
RECORDS_ONLY = (*GRADE, "--no-gradebook")
WRONG = "def softmax(x, dim=-1):\n    return x\n"
DOUBLED = "\n\n_right = softmax\n\n\ndef softmax(x, dim=-1):\n    return 2 * _right(x, dim)\n"
SCORES = {"ada": 20.0, "bob": 14.0, "cem": 20.0}


# ---- what the tests share -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(module_fort: Path) -> Path:
    """The course with a class of three, graded and in the gradebook: how it should end."""
    hand_in(module_fort, "ada", right_notebook(module_fort))
    hand_in(module_fort, "bob", right_notebook(module_fort, softmax=WRONG))
    hand_in(module_fort, "cem", right_notebook(module_fort))
    done = autograder(module_fort, *GRADE)
    assert done.returncode == 0, done.stderr
    assert read_scores(module_fort, ASSIGNMENT) == SCORES
    return module_fort


@pytest.fixture
def graded(filled: Path, tmp_path: Path) -> Path:
    """A copy of the course in which everything is done."""
    return Path(shutil.copytree(filled, tmp_path / "course"))


@pytest.fixture
def ungraded(graded: Path) -> Path:
    """A copy of the course in which nothing is done yet."""
    for name in ("results", "autograded", "feedback"):
        shutil.rmtree(graded / name)
    (graded / "gradebook.db").unlink()
    return graded


def results_of(root: Path) -> dict[str, bytes]:
    """Return every file among the results but the lock, half-written ones too."""
    folder = root / "results" / ASSIGNMENT
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.name != ".lock"}


def assert_refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """The command refused, in a line or two that say why and what to do."""
    assert_brief(done.returncode, done.stdout, done.stderr, *says)


def assert_brief(code: int, stdout: str, stderr: str, *says: str) -> None:
    assert code == 2, stderr
    assert stderr.startswith("Error: ")
    assert len(stderr.splitlines()) <= 2, stderr
    assert "Traceback" not in stdout + stderr
    for text in says:
        assert text in stderr


def assert_clean(root: Path) -> None:
    """Nothing half-written is left."""
    assert not list(root.glob(".grading-*"))
    assert not list((root / "results").glob("*/.*.part"))
    assert not list(root.glob("gradebook.db-*"))


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the real command and do not wait for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", *arguments],
        cwd=root,
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def limited(root: Path, largest_kib: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command so that no file of it can grow beyond a size, as on a disk that has no more room."""
    script = f'ulimit -S -f {2 * largest_kib} && exec "$@"'
    return _run(root, ["sh", "-c", script, "sh", sys.executable, "-m", "autograder", *arguments])


def mounted(root: Path, script: str) -> None:
    """Run a script in a namespace of its own, in which it may mount; "$@" is `python -m autograder`.

    Skips the test where the machine does not allow that.
    """
    if shutil.which("unshare") is None or _run(root, ["unshare", "-rm", "true"]).returncode != 0:
        pytest.skip("this machine does not let us mount anything, not even in a namespace of our own")
    command = ["unshare", "-rm", "sh", "-euc", script, "sh", sys.executable, "-m", "autograder"]
    done = _run(root, command)
    assert done.returncode == 0, done.stdout + done.stderr


def _run(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300)


def said(root: Path, name: str) -> tuple[int, str, str]:
    """Return exit code and output of a command that a script ran, with `run NAME "$@" ...`."""
    out, err, code = (root / f"{name}.{kind}" for kind in ("out", "err", "code"))
    return int(code.read_text()), out.read_text(), err.read_text()


RUN = 'run() { name=$1; shift; code=0; "$@" >$name.out 2>$name.err || code=$?; echo $code >$name.code; }\n'


# ---- results that cannot be written -------------------------------------------------------------------------------


def test_a_disk_that_fills_up_keeps_what_is_written_and_the_next_run_goes_on(ungraded: Path, filled: Path) -> None:
    grade = f'"$@" {" ".join(RECORDS_ONLY)}'
    mounted(
        ungraded,
        RUN
        + "mkdir results kept\n"
        + "mount -t tmpfs -o size=64k tmpfs results\n"
        + "head -c 60k /dev/zero >results/filler\n"  # one page is left, and a record takes one
        + f"run full {grade}\n"
        + f"cp -r results/{ASSIGNMENT} kept\n"
        + f"rm results/filler\nrun mended {grade}\n"
        + f"mkdir out\ncp -r results/{ASSIGNMENT} out\n",
    )
    assert_brief(*said(ungraded, "full"), "no space left on device", "the record written so far is kept", "Make room")
    kept = {path.name: path.read_bytes() for path in (ungraded / "kept" / ASSIGNMENT).glob("*")}
    assert sorted(kept) == [".lock", "ada.json"]
    assert kept["ada.json"] == results_of(filled)["ada.json"]
    assert said(ungraded, "mended")[0] == 0
    shutil.copytree(ungraded / "out", ungraded / "results", dirs_exist_ok=True)
    assert results_of(ungraded) == results_of(filled)


def test_a_file_that_cannot_grow_is_not_left_half_written(ungraded: Path, filled: Path) -> None:
    assert_refused(limited(ungraded, 2, *RECORDS_ONLY), "file too large", "Make room and run the same command again")
    assert results_of(ungraded) == {}
    # Records fit, and the overview does not.
    assert_refused(limited(ungraded, 6, *RECORDS_ONLY), "file too large", "the 3 records written so far are kept")
    assert sorted(results_of(ungraded)) == ["ada.json", "bob.json", "cem.json"]
    assert autograder(ungraded, *RECORDS_ONLY).returncode == 0
    assert results_of(ungraded) == results_of(filled)


def test_results_on_a_read_only_disk_stay_as_they_are(graded: Path, filled: Path) -> None:
    hand_in(graded, "ada", right_notebook(graded, softmax=WRONG))
    mounted(
        graded,
        RUN
        + "mount --bind results results\nmount -o remount,bind,ro results\n"
        + f'run readonly "$@" {" ".join(RECORDS_ONLY)}\n'
        + "umount results\nmount --bind gradebook.db gradebook.db\nmount -o remount,bind,ro gradebook.db\n"
        + f'run gradebook "$@" {" ".join(GRADE)}\n',
    )
    assert_brief(*said(graded, "readonly"), "cannot be written", "read-only file system")
    assert_brief(*said(graded, "gradebook"), "gradebook.db is read-only")
    assert results_of(graded) == results_of(filled)


def test_a_file_in_the_place_of_the_results_is_refused_and_left(ungraded: Path) -> None:
    (ungraded / "results").write_text("my own notes")
    assert_refused(autograder(ungraded, *RECORDS_ONLY), "cannot be written")
    assert (ungraded / "results").read_text() == "my own notes"


def test_no_room_for_temporary_files_is_a_fault_of_the_grader_and_no_mark(ungraded: Path) -> None:
    grade = f'TMPDIR=$PWD/little run full "$@" {" ".join(RECORDS_ONLY)}'
    mounted(ungraded, f"{RUN}mkdir little\nmount -t tmpfs -o size=64k tmpfs little\n{grade}\n")
    code, stdout, stderr = said(ungraded, "full")
    assert (code, stderr) == (1, "")
    assert "not graded" in stdout
    assert all("make room there, or set TMPDIR" in record.notes[0] for record in records_of(ungraded).values())
    assert {(record.status, record.score) for record in records_of(ungraded).values()} == {("grader_fault", None)}


# ---- gradebook ----------------------------------------------------------------------------------------------------


def test_a_gradebook_that_another_program_holds_is_said_before_anything_is_graded(graded: Path) -> None:
    hand_in(graded, "ada", right_notebook(graded, softmax=WRONG))
    before = results_of(graded)
    other = sqlite3.connect(graded / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        done = autograder(graded, *GRADE)
    finally:
        other.close()
    assert_refused(done, "database is locked", "Close what else has it open", "records are kept")
    assert results_of(graded) == before
    assert read_scores(graded, ASSIGNMENT) == SCORES
    assert_clean(graded)


def test_a_gradebook_that_is_locked_while_grading_goes_on_costs_no_record(graded: Path, filled: Path) -> None:
    shutil.rmtree(graded / "results")
    command = start(graded, *GRADE)
    wait_for(lambda: (graded / "results" / ASSIGNMENT / "ada.json").exists(), 90.0)
    other = sqlite3.connect(graded / "gradebook.db", isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    try:
        stdout, stderr = command.communicate(timeout=120)
    finally:
        other.close()
    assert_brief(command.returncode, stdout, stderr, "database is locked", "records are kept")
    assert results_of(graded) == results_of(filled)
    assert autograder(graded, *GRADE).returncode == 0
    assert read_scores(graded, ASSIGNMENT) == SCORES
    assert_clean(graded)


def test_a_corrupt_gradebook_is_refused_before_anything_is_graded_and_left_as_it_is(graded: Path) -> None:
    path = graded / "gradebook.db"
    whole, before = path.read_bytes(), results_of(graded)
    hand_in(graded, "ada", right_notebook(graded, softmax=WRONG))
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE student (name TEXT)")
    other.close()
    damaged = {
        "is no gradebook of this nbgrader": path.read_bytes(),
        "file is not a database": b"Dear teacher, " * 1000,
        "database disk image is malformed": whole[:100_000],
    }
    for text, data in damaged.items():
        path.write_bytes(data)
        assert_refused(autograder(graded, *GRADE), str(path), text)
        assert path.read_bytes() == data
        assert results_of(graded) == before


def test_a_disk_that_is_full_when_the_gradebook_is_written_costs_no_record(ungraded: Path, filled: Path) -> None:
    done = limited(ungraded, 64, *GRADE)
    assert_refused(done, "gradebook", "The records are kept" if "could not be filled" in done.stderr else "are kept")
    assert results_of(ungraded) == results_of(filled)
    assert not (ungraded / "gradebook.db").exists()  # none is better than half of one
    assert_clean(ungraded)
    assert autograder(ungraded, *GRADE).returncode == 0
    assert read_scores(ungraded, ASSIGNMENT) == SCORES


# ---- the grader itself --------------------------------------------------------------------------------------------


def test_a_reference_that_fails_its_own_checks_grades_nobody(graded: Path, filled: Path) -> None:
    solution = graded / "solutions" / "fort.py"
    right = solution.read_text()
    solution.write_text(right + DOUBLED)
    assert_refused(autograder(graded, *RECORDS_ONLY), "reference")
    assert results_of(graded) == results_of(filled)
    solution.write_text(right)
    assert autograder(graded, *RECORDS_ONLY).returncode == 0  # nothing is graded again
    assert results_of(graded) == results_of(filled)


def test_a_grading_process_that_does_not_start_is_tried_once_and_not_for_each_submission(ungraded: Path) -> None:
    solution = ungraded / "solutions" / "fort.py"
    solution.write_text(solution.read_text() + "\nopen('starts', 'a').write('x')\nimport os\nos._exit(7)\n")
    done = autograder(ungraded, *RECORDS_ONLY)
    assert_refused(done, "the grading process does not start", "exit code 7", "autograder doctor")
    assert (ungraded / "starts").read_text() == "x"
    assert results_of(ungraded) == {}


def test_a_package_that_only_the_command_finds_is_named(ungraded: Path, tmp_path: Path) -> None:
    """Grading processes are isolated: what PYTHONPATH adds is not there for them."""
    python, package = without("safetensors", tmp_path)
    command = [str(python), "-m", "autograder", *RECORDS_ONLY]
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        command, cwd=ungraded, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert_refused(done, "No module named 'safetensors'", "autograder doctor")
    assert results_of(ungraded) == {}


def without(package: str, folder: Path) -> tuple[Path, Path]:
    """Make an environment like this one that lacks a package; returns its interpreter, and the package elsewhere."""
    import importlib.util

    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    original = Path(spec.origin).parent
    venv.create(folder / "environment", symlinks=True)
    python = folder / "environment" / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    for entry in original.parent.iterdir():
        if entry.name != original.name:
            (packages / entry.name).symlink_to(entry)
    repository = Path(__file__).parents[2]
    (packages / "_repository.pth").write_text(f"{repository}\n")
    elsewhere = folder / "elsewhere" / package
    elsewhere.parent.mkdir()
    elsewhere.symlink_to(original)
    return python, elsewhere


def test_of_two_graders_on_one_folder_one_is_refused(ungraded: Path, filled: Path) -> None:
    first = start(ungraded, *RECORDS_ONLY)
    wait_for(lambda: (ungraded / "results" / ASSIGNMENT / ".lock").exists(), 90.0)
    assert_refused(autograder(ungraded, *RECORDS_ONLY), "another grader is at work on", "wait for it")
    _, stderr = first.communicate(timeout=120)
    assert first.returncode == 0, stderr
    assert results_of(ungraded) == results_of(filled)
    assert autograder(ungraded, *RECORDS_ONLY).returncode == 0  # and now there is none


def test_who_fills_the_gradebook_is_waited_for_and_the_results_stay_held(graded: Path) -> None:
    """A grader of another assignment may be at it. Meanwhile nobody may grade anew: older marks would come last."""
    with (graded / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = start(graded, *GRADE)
        assert waiting.stdout is not None
        while "another grader is filling the gradebook" not in (line := waiting.stdout.readline()):
            assert line, waiting.communicate()
        assert_refused(autograder(graded, *RECORDS_ONLY), "another grader is at work on")
        assert waiting.poll() is None
    _, stderr = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, stderr
    assert read_scores(graded, ASSIGNMENT) == SCORES
