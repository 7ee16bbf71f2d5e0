"""Where a lock cannot be put on, grading refuses to start, says which lock it is, and writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attack import ASSIGNMENT
from fort import autograder, hand_in, records_of, right_notebook

from autograder.inside import seccomp as our_filter

seccomp = pytest.importorskip("pyseccomp")

WITHOUT = """
import errno, os, sys
import pyseccomp as seccomp
allowed_but = seccomp.SyscallFilter(seccomp.ALLOW)
name, argument = sys.argv[1], sys.argv[2]
rule = [seccomp.Arg(0, seccomp.EQ, int(argument))] if argument else []
allowed_but.add_rule(seccomp.ERRNO(errno.ENOSYS), name, *rule)
allowed_but.load()
os.execv(sys.executable, [sys.executable, "-m", "autograder", *sys.argv[3:]])
"""
"""Runs the command as on a machine that does not have a system call: a real filter, not a patched function."""

LOCKS = {
    "Landlock": ("landlock_create_ruleset", "", "this kernel has no Landlock"),
    "Landlock, when it is put on": ("landlock_restrict_self", "", "Landlock"),
    "seccomp": ("prctl", str(our_filter._PR_SET_SECCOMP), "seccomp"),
    "capabilities": ("capset", "", "capabilities"),
    "no_new_privs": ("prctl", "38", "no_new_privs"),
}


def autograder_without(root: Path, name: str, argument: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, name, argument, *arguments]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(("name", "argument", "says"), LOCKS.values(), ids=LOCKS)
def test_a_lock_that_cannot_be_put_on_stops_grading_before_it_begins(
    fort: Path, name: str, argument: str, says: str
) -> None:
    hand_in(fort, "ada", right_notebook(fort))
    done = autograder_without(fort, name, argument, "grade", ASSIGNMENT, "--no-gradebook")
    assert done.returncode == 2
    assert says in done.stderr
    assert "--allow-unconfined" in done.stderr
    assert "Traceback" not in done.stderr
    assert records_of(fort) == {}


def test_allowing_it_is_the_only_way_around_and_every_record_says_so(fort: Path) -> None:
    hand_in(fort, "ada", right_notebook(fort))
    done = autograder_without(
        fort, "landlock_create_ruleset", "", "grade", ASSIGNMENT, "--no-gradebook", "--allow-unconfined"
    )
    assert done.returncode == 0
    record = json.loads((fort / "results" / ASSIGNMENT / "ada.json").read_text())
    assert (record["isolation"], record["score"]) == ("unconfined", 20.0)
    assert "unconfined" in (fort / "results" / ASSIGNMENT / "overview.html").read_text()
    assert "unconfined" in done.stdout


def test_a_result_from_behind_no_wall_is_not_taken_over_by_one_from_behind_it(fort: Path) -> None:
    hand_in(fort, "ada", right_notebook(fort))
    for option, isolation in (("--allow-unconfined", "unconfined"), (None, "confined")):
        autograder(fort, "grade", ASSIGNMENT, "--no-gradebook", *([option] if option else []))
        assert records_of(fort)["ada"].isolation == isolation


def test_a_machine_with_lower_limits_of_its_own_can_still_grade(fort: Path) -> None:
    hand_in(fort, "ada", right_notebook(fort))
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20));"
    limited += "os.execv(sys.executable, [sys.executable, '-m', 'autograder', *sys.argv[1:]])"
    command = [sys.executable, "-c", limited, "grade", ASSIGNMENT, "--no-gradebook"]
    subprocess.run(command, cwd=fort, capture_output=True, check=True, timeout=120)
    assert records_of(fort)["ada"].score == 20.0
