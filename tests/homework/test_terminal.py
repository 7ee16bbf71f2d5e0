"""The student's commands, as they are typed: check, check --watch, progress, hint, reset."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jupytext
import pytest
from rich.console import Console

from autograder.commands import check, hint, progress
from autograder.errors import UsageError
from autograder.homework.standing import MEMORY

ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100"}
EVERYTHING = "def softmax(x, dim=-1):\n    e = (x - x.amax()).exp()\n    return e / e.sum()"
ENOUGH = 90.0
"""Seconds that are never needed, unless something is wrong."""


def autograder(*arguments, cwd, code=0):
    """Run a command as a student does, in a process of its own."""
    done = subprocess.run(["autograder", *arguments], cwd=cwd, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def said(command, *arguments, code=0):
    """Run a command here, where torch is there already, and return what it prints."""
    out = Console(file=io.StringIO(), width=100)
    assert command.run(out, *arguments) == code, out.file.getvalue()
    return out.file.getvalue()


# ---- check


def test_a_percent_file_is_checked_like_its_notebook(release, notebook, write):
    write(softmax=EVERYTHING)
    path = notebook.with_suffix(".py")
    path.write_text(jupytext.writes(jupytext.read(notebook), fmt="py:percent"))
    told = autograder("check", path.name, "softmax", cwd=release, code=1)
    assert "softmax: 3 of 5 checks pass" in told
    assert "Known mistake: softmax over everything" in told
    assert told == said(check, notebook, "softmax", False, code=1)


def test_the_exit_code_says_whether_everything_passes(release, write):
    write(softmax=True)
    assert "all 5 checks pass" in said(check, release, "softmax", False)
    assert said(check, release, None, False, code=1).lower().count("not attempted yet") == 6


def test_a_cell_that_raises_is_named(release, write):
    write(softmax="def softmax(x:\n    return x")
    told = said(check, release, "softmax", False, code=1)
    assert "softmax: SyntaxError" in told
    assert "line 1 of softmax" in told


def test_what_is_no_notebook_is_bad_usage(release, notebook):
    notebook.write_text("a letter")
    with pytest.raises(UsageError, match="not JSON"):
        check.run(Console(), release, None, False)


def test_code_that_ends_the_process_is_named_and_nothing_is_taken_for_passed(release, write):
    write(softmax="def softmax(x, dim=-1):\n    import os\n    os._exit(0)")
    told = said(check, release, "softmax", False, code=1)
    assert "Your code ended the process with exit code 0, in the checks of softmax." in told
    assert "Not checked: softmax" in told


# ---- watch


class Watching:
    """`autograder check --watch`, and what it has printed so far."""

    def __init__(self, folder, *arguments):
        self.process = subprocess.Popen(
            ["autograder", "check", ".", *arguments, "--watch"], cwd=folder, env=ENV, stdout=subprocess.PIPE, text=True
        )
        self.text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.text += line

    def wait_for(self, pattern):
        """Wait until what is printed from here on matches, and return that."""
        give_up = time.monotonic() + ENOUGH
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            if time.monotonic() > give_up or self.process.poll() is not None:
                pytest.fail(f"expected {pattern!r}, found:\n{self.text}")
            time.sleep(0.05)
        self.text = self.text[found.end() :]
        return found[0]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(ENOUGH)


@pytest.fixture
def watch(release):
    started = []

    def watch(*arguments):
        started.append(Watching(release, *arguments))
        return started[0]

    yield watch
    for watching in started:
        watching.process.kill()
        watching.process.wait()
        watching.process.stdout.close()


def test_a_save_is_checked_again_and_what_changed_is_told(watch, write, notebook):
    watching = watch()
    assert watching.wait_for(r".*0 of 8 exercises done").count("not attempted") == 8

    write(softmax=EVERYTHING)
    told = watching.wait_for(r".*0 of 8 exercises done")
    assert re.search(r"✗ softmax +not attempted → 3 of 5 checks pass", told)
    assert "Known mistake: softmax over everything" in told
    assert "attention_scores" not in told

    write(softmax=True)
    told = watching.wait_for(r".*1 of 8 exercises done")
    assert re.search(r"✓ softmax +3 of 5 checks pass → all 5 checks pass", told)

    write(attention_scores="def attention_scores(q, k:\n    return q")
    assert "SyntaxError" in watching.wait_for(r".*\? attention_scores +not attempted → missing")

    write(attention_scores="while True: pass")  # the next save ends it
    watching.wait_for("saved")
    write(attention_scores=True)
    watching.wait_for(r"✓ attention_scores +missing → all 5 checks pass")

    notebook.write_text("{")
    watching.wait_for("cannot be read: The file is not a notebook: it is not JSON")
    assert watching.stop() == 1


def test_when_all_that_is_watched_passes_so_does_the_command(watch, write):
    write(softmax=True)
    watching = watch("softmax")
    watching.wait_for(r"✓ softmax +all 5 checks pass")
    assert watching.stop() == 0


# ---- progress


def test_the_map_shows_what_is_done_what_is_open_and_what_it_unlocks(release, write):
    write(softmax=True, attention_scores="def attention_scores(q, k):\n    return q @ k.transpose(-1, -2)")
    told = autograder("progress", cwd=release, code=1)
    assert re.search(r"✓ +softmax +done +unlocked attention_weights", told)
    assert re.search(r"✗ +attention_scores +\d of 5 checks pass +unlocks scaled_dot_product_attention", told)
    assert re.search(r"○ +attention_weights +open +unlocks scaled_dot_product_attention", told)
    assert re.search(r"○ +SelfAttention +waits +for scaled_dot_product_attention", told)
    assert "1 of 8 exercises done.\nNext: attention_scores in 01_attention.ipynb" in told


def test_what_is_remembered_is_shown_without_torch_and_what_changed_is_checked_again(release, write):
    write(softmax=True)
    first = said(progress, release, code=1)
    code = f"""import sys; from pathlib import Path; from rich.console import Console
from autograder.commands.progress import run
run(Console(width=100), Path({str(release)!r})); assert 'torch' not in sys.modules"""
    again = subprocess.run([sys.executable, "-c", code], env=ENV, capture_output=True, text=True, check=True)
    assert again.stdout == first
    write(softmax=EVERYTHING)
    assert "0 of 8 exercises done" in said(progress, release, code=1)


def test_a_notebook_that_cannot_be_read_counts_as_not_done(release, notebook):
    notebook.write_text("{")
    told = said(progress, release.parent, code=1)
    assert "cannot be looked at: The file is not a notebook: it is not JSON" in told
    assert "0 of 8 exercises done" in told
    assert not (release / MEMORY).exists()


# ---- hint


def test_hints_go_tier_by_tier_and_turn_to_the_mistake_once_it_is_named(release, write):
    assert "Hint 1 of 3 for softmax: Which two steps" in autograder("hint", "softmax", cwd=release)
    assert "Hint 2 of 3 for softmax: Look at the axis" in said(hint, "softmax", release)
    write(softmax=EVERYTHING)
    told = said(hint, "softmax", release)
    assert "Hint 1 of 3 for softmax (you get these numbers when all entries of the tensor together" in told
    write(softmax=True)
    assert "nothing left to hint at" in said(hint, "softmax", release)


# ---- reset


def test_a_reset_says_where_the_old_cell_is(release, write, worksheet):
    write(softmax=EVERYTHING)
    told = autograder("reset", "softmax", cwd=release)
    (kept,) = (release / "backups").iterdir()
    assert f"What you had written is in {kept}." in told
    assert "Reload Notebook from Disk" in told
    assert kept.read_text() == EVERYTHING + "\n"
    assert "nothing to put back" in autograder("reset", "softmax", cwd=release)
    assert "no exercise 'sofmax'; it has softmax" in autograder("reset", "sofmax", cwd=release, code=2)
