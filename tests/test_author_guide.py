"""docs/author.md is true: a course made of its code blocks says what the guide says."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from autograder import build
from autograder.commands import check, hint
from autograder.commands import verify as command
from autograder.course import Assignment, Course, read_course
from autograder.handin import fill
from autograder.verify import OnStep, Verdicts, verify

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "author.md").read_text(encoding="utf-8")
HIDDEN = "assignments/07_online/test_hidden.py"

BLOCK = re.compile(r"^`(?P<path>[^`\n]+)`(?:, (?P<how>[^:\n]+))?:\n\n```\w+\n(?P<code>.*?)^```$", re.M | re.S)
"""A block of code; above it stands its file: "`path`:", "`path`, at the end:", or "`path`, a first try:"."""
REPORT = re.compile(r"^\$ autograder verify 07_online\n(.*?)^```$", re.M | re.S)
ROUNDED = re.compile(r"(?<=margin)[ (]*[\d,]+|\d+(?= of \d+ numbers)|(?<=position )\([\d, ]+\)")
"""Which numbers stand here depends on how a machine rounds."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The course of the guide and nothing else, built; with the first try of the hidden checks."""
    root = tmp_path_factory.mktemp("guide")
    head, _, _ = (ROOT / "assignments" / "course.toml").read_text(encoding="utf-8").partition("[[assignments]]")
    texts = {"assignments/course.toml": head}
    for block in BLOCK.finditer(GUIDE):
        path, code = block["path"], block["code"]
        if block["how"] == "at the end":
            texts[path] += code
        elif path != HIDDEN or block["how"] == "a first try":
            assert path not in texts, f"two blocks are all of {path}"
            texts[path] = code
    for path, code in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(code, encoding="utf-8")
    course = read_course(root)
    build.write(course)
    return course


def report(course: Course, monkeypatch: pytest.MonkeyPatch) -> tuple[Verdicts, str]:
    """Verify the course; returns what was found, and how the command prints it."""
    found: list[Verdicts] = []

    def verify_and_keep(course: Course, assignment: Assignment, on_step: OnStep) -> Verdicts:
        found.append(verify(course, assignment, on_step))
        return found[-1]

    monkeypatch.delenv("AUTOGRADER_SALT", raising=False)
    monkeypatch.chdir(course.root)
    monkeypatch.setattr(command, "verify", verify_and_keep)
    out = io.StringIO()
    code = command.run(Console(file=out, width=120, highlight=False), "07_online")
    assert code == bool(found[0].problems)
    return found[0], out.getvalue()


def as_printed(text: str) -> list[str]:
    return [ROUNDED.sub("N", line.rstrip()) for line in text.strip().splitlines()]


def test_the_first_try_fails_as_the_guide_says(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts, printed = report(course, monkeypatch)
    assert [trial.name for trial in verdicts.false_accepts] == ["first_largest_kept"]
    assert len(verdicts.false_rejects) == 1
    assert as_printed(printed) == as_printed(REPORT.findall(GUIDE)[0])


def test_the_mended_checks_are_in_order_and_tell_every_name(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    (mended,) = (b["code"] for b in BLOCK.finditer(GUIDE) if b["path"] == HIDDEN and not b["how"])
    (course.root / HIDDEN).write_text(mended, encoding="utf-8")

    verdicts, printed = report(course, monkeypatch)

    assert verdicts.problems == []
    assert verdicts.advice == []
    assert verdicts.share_named == 1.0
    assert as_printed(printed) == as_printed(REPORT.findall(GUIDE)[1])


def test_a_student_of_the_guide_sees_what_the_guide_says(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 7: the self-check of the stub, a hint, and the self-check of a wrong answer."""
    part = GUIDE.partition("## 7. ")[2]
    told = dict(enumerate(re.findall(r"^\$ autograder (?:check|hint) .*\n((?:(?!^\$|^```).*\n)+)", part, re.M)))
    (answer,) = re.findall(r"^```python\n(def online_softmax.*?)^```$", part, re.M | re.S)
    folder = Path(shutil.copytree(course.root / "release" / "07_online", tmp_path / "ada"))
    monkeypatch.chdir(folder)
    notebook = folder / "07_online.ipynb"

    assert printed(check, notebook, None, False) == told[0].strip()
    assert printed(hint, "online_softmax", folder) == told[1].strip()
    notebook.write_bytes(fill(notebook.read_bytes(), {"online_softmax": answer}))
    assert printed(check, notebook, None, False) == told[2].strip()


def printed(command: Any, *arguments: Any) -> str:
    out = io.StringIO()
    command.run(Console(file=out, width=120, highlight=False), *arguments)
    return out.getvalue().strip()
