"""What the command line does with errors."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WITHOUT = "import sys; sys.modules[{package!r}] = None; from autograder.cli import main; main({arguments!r})"


def run(package, *arguments):
    command = [sys.executable, "-c", WITHOUT.format(package=package, arguments=[*arguments])]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_missing_package_is_named_in_a_line_and_nothing_begins():
    done = run("jupytext", "build", "--check")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: a package is missing or broken: import of jupytext")
    assert "requirements.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_debug_the_traceback_is_shown():
    done = run("jupytext", "--debug", "build", "--check")
    assert "Traceback" in done.stderr


def test_a_name_with_escapes_in_it_does_not_reach_the_terminal():
    done = run("no_such_package", "grade", "01_attention", "--submitted", "\x1b[31mred[bold]")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "[bold]" in done.stderr
