"""The scoreboard's judgement: what it says of a grader must follow from the numbers alone."""

import io
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

import psutil
import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import exam  # only now can it be found
import running
import table
from judging import NOT_RUN, Kind, Sheet, judge, leaks

MOST = {"softmax": 6, "attention": 6, "Head": 4, "sample": 4}
SECRET = "canary-ghijklmnopqr"


def sheet(**scores):
    return Sheet(MOST | scores)


@pytest.mark.parametrize(
    ("score", "verdicts", "kind", "words"),
    [
        (6, ["wrong"], Kind.UNEARNED, "FULL MARKS"),
        (100, ["wrong"], Kind.UNEARNED, "FULL MARKS"),
        (2, ["crashed"], Kind.UNEARNED, "some marks (2 of 6)"),
        (0, ["wrong", "error"], Kind.HANDLED, "0, right"),
        (6, ["pass"], Kind.HANDLED, "full marks, right"),
        (4, ["pass"], Kind.SHORT, "marks lost (4 of 6)"),
        (0, ["pass"], Kind.SHORT, "marks lost (0 of 6)"),
        (4, ["pass", "wrong"], Kind.HANDLED, "right in part (4 of 6)"),
        (6, ["pass", "wrong"], Kind.UNEARNED, "FULL MARKS"),
    ],
)
def test_points_are_judged_by_what_the_attack_deserves(score, verdicts, kind, words):
    outcome = judge(sheet(softmax=score), MOST, "softmax", verdicts)
    assert (outcome.kind, str(outcome)) == (kind, words)


def test_no_result_is_no_zero():
    outcome = judge(Sheet(None, "hangs until it is killed"), MOST, "softmax", ["timeout"])
    assert (outcome.kind, str(outcome)) == (Kind.LOST, "no result: hangs until it is killed")


def test_an_exercise_without_a_score_is_no_zero():
    assert judge(Sheet({"attention": 6.0}), MOST, "softmax", ["wrong"]).kind is Kind.LOST


def test_right_work_that_lost_points_is_counted_but_for_the_work_that_had_to_suffer():
    found = sheet(softmax=0, attention=0, Head=0)
    assert judge(found, MOST, "softmax", ["wrong"]).elsewhere == 10
    assert judge(found, MOST, "softmax", ["wrong"], suffers=["attention"]).elsewhere == 4
    assert "10 points of right work lost" in str(judge(found, MOST, "softmax", ["wrong"]))


def test_an_attack_on_no_exercise_deserves_every_point():
    assert judge(sheet(), MOST, "", ["pass"]).kind is Kind.HANDLED
    assert judge(sheet(sample=0), MOST, "", ["pass"]).kind is Kind.SHORT


def test_a_shortcut_is_held_against_a_grader_only_when_it_was_told_of_it():
    assert judge(sheet(), MOST, "softmax", ["forbidden"]).kind is Kind.UNEARNED
    assert judge(sheet(), MOST, "softmax", ["forbidden"], looks_for_shortcuts=False).kind is Kind.NOT_TOLD
    assert judge(sheet(softmax=0), MOST, "softmax", ["forbidden"], looks_for_shortcuts=False).kind is Kind.HANDLED
    assert judge(sheet(), MOST, "softmax", ["wrong"], looks_for_shortcuts=False).kind is Kind.UNEARNED


def test_harm_stands_beside_the_words():
    found = Sheet(MOST | {"softmax": 0}, "", ["file left behind"])
    assert str(judge(found, MOST, "softmax", ["wrong"])) == "0, right; file left behind"


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        (f"RuntimeError: found ['{SECRET}']", True),
        (f'>>> secret = "{SECRET}"\nAssertionError', False),
        (f"Trying:\n    secret = '{SECRET}'\nExpecting nothing", False),
        (f"secret = \x1b[33m\"{SECRET}\"\x1b[39m", False),
        (f'"output": "secret = \\"{SECRET}\\""', False),
        (f'secret = "{SECRET}"\nRuntimeError: found {SECRET}', True),
    ],
)  # fmt: skip
def test_a_secret_is_leaked_when_it_is_said_and_not_when_the_test_is_quoted(text, leaked):
    assert leaks(text, SECRET) is leaked


def test_the_plain_tests_are_worth_what_the_exercises_of_the_small_course_are_worth():
    course = Path(__file__).parent / "hostile" / "course" / "assignments" / "01_fort" / "exercises.toml"
    exercises = tomllib.loads(course.read_text(encoding="utf-8"))["exercise"]
    assert {exercise["id"]: exercise["points"] for exercise in exercises} == exam.MAXIMUM


def test_the_table_shows_every_attack_and_the_summary_adds_up():
    tools = ["one", "other"]
    bad, good = (judge(sheet(softmax=score), MOST, "softmax", ["wrong"]) for score in (6, 0))
    rows = [table.Row("lying", "equals_everything", [bad, good]), table.Row("exits", "os_exit", [NOT_RUN, good])]
    counts = {line[0]: line[1:] for line in table.summary(tools, rows)}
    assert counts["gave an unearned mark"] == ["1 of 2", "0 of 2"]
    assert counts["handled"] == ["0 of 2", "2 of 2"]
    assert counts["not run"] == ["1 of 2", "0 of 2"]

    markdown = table.as_markdown(tools, rows, ["torch 2"], "Notes.")
    assert "| equals everything | **FULL MARKS** | 0, right |" in markdown
    assert markdown.startswith("# Scoreboard\n\n2 attacks, with torch 2.\n")

    out = io.StringIO()
    Console(file=out, width=120).print(table.as_table(tools, rows))
    assert "exits/os_exit" in out.getvalue()


DETACHED = "import subprocess; subprocess.Popen(['sleep', '{}'], start_new_session=True)"
"""A grader whose student starts a process that outlives it."""


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A place for all, in the place of /tmp: other tests may leave files there at the same time."""
    place = tmp_path / "shared"
    place.mkdir()
    monkeypatch.setattr(running, "SHARED", (place,))
    return place


def sleepers(seconds):
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", seconds]]


@pytest.mark.usefixtures("shared")
def test_what_outlives_a_grader_is_seen_and_ended(tmp_path):
    seconds = f"60.{uuid.uuid4().int % 10**9}"
    stray = subprocess.Popen(["sleep", seconds])
    try:
        assert sleepers(seconds)  # it would be found
    finally:
        stray.kill()
        stray.wait()
    ended = running.run([sys.executable, "-c", DETACHED.format(seconds)], tmp_path, tmp_path / "own", 60)
    assert (ended.code, ended.survivors) == (0, 1)
    assert running.harm_of(ended, tmp_path / "own", running.shared_traces()) == ["process left running"]
    assert not sleepers(seconds)


def test_a_grader_that_hangs_is_killed(tmp_path):
    ended = running.run([sys.executable, "-c", "while True: pass"], tmp_path, tmp_path / "own", 1)
    assert ended.code is None
    assert "hangs" in ended.problem


def test_a_file_left_behind_is_seen_and_removed_where_everybody_could_stumble_over_it(tmp_path, shared):
    before, marker = running.shared_traces(), shared / "left-behind-by-somebody"
    ended = running.run([sys.executable, "-c", f"open({str(marker)!r}, 'w')"], tmp_path, tmp_path / "own", 60)
    assert marker.exists()
    assert running.harm_of(ended, tmp_path / "own", before) == ["file left behind"]
    assert not marker.exists()
    assert running.harm_of(ended, tmp_path / "own", before) == []


def test_a_file_in_a_shared_place_is_nobodys_while_others_are_graded_too(tmp_path, shared):
    ended = running.run([sys.executable, "-c", "pass"], tmp_path, tmp_path / "own", 60)
    (shared / "left-behind-by-others").touch()
    assert running.harm_of(ended, tmp_path / "own", None) == []
    (tmp_path / "own" / "left-behind-at-home").touch()
    assert running.harm_of(ended, tmp_path / "own", None) == ["file left behind"]
