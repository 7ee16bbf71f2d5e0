"""What is handed in is as hostile as files can be: nothing of it is executed, and every honest student gets their mark.

One class is collected by the real command from a hostile zip, more is put into `submitted/` by hand, and all of it is
graded by the real command once. Bombs are collected with little memory.
"""

from __future__ import annotations

import json
import os
import re
import stat
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from attack import ASSIGNMENT
from fort import autograder, hand_in, records_of, release_of, right_notebook

from autograder.records import Record
from autograder.submission import find_notebook

NOTEBOOK = f"{ASSIGNMENT}.ipynb"
WRONG = "def softmax(x, axis):\n    return x"
MET = {
    "torch.py": "import torch",
    "conftest.py": "import conftest",
    "sitecustomize.py": "pass",
    "planted.pth": "import site; site.addsitedir('.')",
}
"""Files that Python or pytest run without being asked, and a program that meets them."""
LITTLE_MEMORY = 400
"""MiB of address space, the interpreter and its libraries included."""
UNDER_LITTLE_MEMORY = """
import resource, runpy, sys
size = int(sys.argv.pop(1)) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (size, size))
"""

Entry = tuple[str, bytes] | tuple[str, bytes, dict[str, Any]]


def write_zip(path: Path, entries: list[Entry]) -> Path:
    """Write a zip; what is given for an entry besides is said about it in the table of contents, true or not."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data, *lies in entries:
            said = dict(*lies)
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = said.pop("compress_type", zipfile.ZIP_DEFLATED)
            archive.NameToInfo.pop(name, None)  # or it warns of a name that is there twice
            archive.writestr(info, data)
            info.header_offset += said.pop("moved", 0)
            for field, value in said.items():
                setattr(info, field, value)
    return path


def mode(kind: int) -> dict[str, Any]:
    return {"external_attr": (kind | 0o777) << 16, "create_system": 3}


def collect(root: Path, *arguments: object, memory: int = 4096) -> subprocess.CompletedProcess[str]:
    """Run the real command with a limit to its memory, in MiB."""
    code = UNDER_LITTLE_MEMORY + "runpy.run_module('autograder', run_name='__main__', alter_sys=True)"
    return subprocess.run(
        [sys.executable, "-c", code, str(memory), "collect", ASSIGNMENT, *map(str, arguments)],
        cwd=root,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def planted(marker: Path) -> dict[str, bytes]:
    """Return files that leave a mark when Python meets them in its own way."""
    code = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n".encode()
    return dict.fromkeys(MET, code)


# ---- one class ----------------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    root: Path
    collected: subprocess.CompletedProcess[str]
    report: dict[str, Any]
    graded: subprocess.CompletedProcess[str]
    records: dict[str, Record]
    marker: Path
    before: set[str]
    after: set[str]


def hostile_entries(root: Path, marker: Path) -> list[Entry]:
    right, wrong, unfinished = right_notebook(root), right_notebook(root, softmax=WRONG), release_of(root)
    link, solution = mode(stat.S_IFLNK), f"../../source/{ASSIGNMENT}/{NOTEBOOK}".encode()
    return [
        ("ada/" + NOTEBOOK, right),
        ("bob/" + NOTEBOOK, wrong),
        ("李 Zoë/" + NOTEBOOK, right),
        ("\x1b[31m[red]\u202eeve/" + NOTEBOOK, right),
        ("x" * 300 + "/" + NOTEBOOK, right),
        ("-rf/" + NOTEBOOK, right),
        ("*/" + NOTEBOOK, right),
        ("twice/" + NOTEBOOK, right),
        ("twice/other.ipynb", wrong),
        ("same/" + NOTEBOOK, right, {"date_time": (2020, 1, 1, 0, 0, 0)}),
        ("same/" + NOTEBOOK, unfinished, {"date_time": (2001, 1, 1, 0, 0, 0)}),
        *((f"mal/{name}", data) for name, data in planted(marker).items()),
        ("mal/" + NOTEBOOK, right),
        ("../../escaped.ipynb", right),
        ("mal/../../../escaped.ipynb", right),
        ("/tmp/escaped/escaped.ipynb", right),
        ("C:\\escaped.ipynb", right),
        ("C:escaped/x.ipynb", right),
        ("mal\\..\\escaped.ipynb", right),
        ("linked/" + NOTEBOOK, solution, link),
        ("linked_folder", b"../source", link),
        ("device/" + NOTEBOOK, b"", mode(stat.S_IFCHR)),
        ("pipe/" + NOTEBOOK, b"", mode(stat.S_IFIFO)),
        ("socket/" + NOTEBOOK, b"", mode(stat.S_IFSOCK)),
        ("encrypted/" + NOTEBOOK, right, {"flag_bits": 1}),
        ("broken/" + NOTEBOOK, right, {"CRC": 7}),
        ("short/" + NOTEBOOK, right, {"file_size": 100}),
        ("elsewhere/" + NOTEBOOK, right, {"moved": 1}),
        ("bzip/" + NOTEBOOK, right, {"compress_type": zipfile.ZIP_BZIP2}),
        ("lzma/" + NOTEBOOK, right, {"compress_type": zipfile.ZIP_LZMA}),
        ("huge/" + NOTEBOOK, b"0" * (3 * 2**20)),
        ("nested/work.zip", b"PK\x03\x04"),
    ]


REFUSED = {
    "linked": "is a symbolic link",
    "device": "is a device",
    "pipe": "is a pipe",
    "socket": "is a socket",
    "encrypted": "is encrypted",
    "broken": "damaged in the zip",
    "short": "damaged in the zip",
    "elsewhere": "damaged in the zip",
    "bzip": "packed by a method that is not read here",
    "lzma": "packed by a method that is not read here",
    "huge": "at most 2 MiB are taken",
    "nested": "no notebook was taken",
}
HONEST = ("ada", "李 Zoë", "%1B%5B31m%5Bred%5D%E2%80%AEeve", "-rf", "%2A", "twice", "mal", "beside")


@pytest.fixture(scope="module")
def outcome(module_fort: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    root, outside = module_fort, tmp_path_factory.mktemp("outside")
    marker = outside / "executed"
    source = write_zip(outside / "handed_in.zip", hostile_entries(root, marker))
    before = files_below(root)
    collected = collect(root, source, "--report", outside / "report.json")
    after = files_below(root)
    report = json.loads((outside / "report.json").read_bytes())
    put_by_hand(root, marker)
    graded = autograder(root, "grade", ASSIGNMENT)
    yield Outcome(root, collected, report, graded, records_of(root), marker, before, after)
    for path in (root / "submitted" / "beside" / ASSIGNMENT).iterdir():
        path.unlink()


def put_by_hand(root: Path, marker: Path) -> None:
    """Fill nbgrader's folder with what `collect` would not have put there."""
    right = right_notebook(root)
    beside = hand_in(root, "beside", right).parent
    for name, data in planted(marker).items():
        (beside / name).write_bytes(data)
    for name in (b"\xff\xfe.txt", b"a\nb", "\u202e[red]\x1b[2J".encode()):
        (beside / os.fsdecode(name)).touch()
    for number in range(100_000):
        os.close(os.open(beside / f"data{number:06}", os.O_CREAT))
    folders = {name: root / "submitted" / name / ASSIGNMENT for name in ("a pipe", "a folder", "a link", "odd name")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    os.mkfifo(folders["a pipe"] / NOTEBOOK)
    (folders["a folder"] / NOTEBOOK).mkdir()
    (folders["a link"] / NOTEBOOK).symlink_to(root / "source" / ASSIGNMENT / NOTEBOOK)
    (folders["odd name"] / os.fsdecode(b"\xff.ipynb")).write_bytes(right)
    (root / "submitted" / "a link to another").symlink_to(root / "submitted" / "ada")
    (root / "submitted" / "a link to the solution").mkdir()
    (root / "submitted" / "a link to the solution" / ASSIGNMENT).symlink_to(root / "source" / ASSIGNMENT)


NOT_GRADED = {
    "a pipe": "is not an ordinary file",
    "a folder": "is not an ordinary file",
    "a link": "is not an ordinary file",
    "a link to another": "is a symbolic link",
    "a link to the solution": "is a symbolic link",
    "odd name": "whose name is not text",
}


def line_of(outcome: Outcome, student: str) -> dict[str, Any]:
    return next(line for line in outcome.report["lines"] if line["student"] == student)


@pytest.mark.parametrize("student", HONEST)
def test_honest_students_get_their_full_mark(outcome: Outcome, student: str) -> None:
    record = outcome.records[student]
    assert (record.status, record.score) == ("graded", record.max_score)


def test_a_wrong_answer_among_them_is_a_wrong_answer(outcome: Outcome) -> None:
    scores = {exercise.id: exercise.score for exercise in outcome.records["bob"].exercises}
    assert scores["softmax"] == 0
    assert scores["attention"] > 0


def test_a_name_that_is_too_long_is_cut_and_graded(outcome: Outcome) -> None:
    (student,) = (name for name in outcome.records if name.startswith("xxx"))
    assert len(student) == 100
    assert outcome.records[student].score == 20


def test_of_two_entries_of_one_name_the_newer_is_graded(outcome: Outcome) -> None:
    assert outcome.records["same"].score == 20
    assert "is not graded, but kept as" in line_of(outcome, "same")["notes"][0]


@pytest.mark.parametrize(("student", "reason"), REFUSED.items())
def test_what_cannot_be_taken_is_reported_and_nothing_is_written(outcome: Outcome, student: str, reason: str) -> None:
    line = line_of(outcome, student)
    assert (line["outcome"], line["look"]) == ("nothing", True)
    assert reason in " ".join(line["notes"])
    assert not (outcome.root / "submitted" / student).exists()
    assert student in outcome.collected.stdout


@pytest.mark.parametrize("name", ["../../escaped.ipynb", "/tmp/escaped/escaped.ipynb", "C:\\escaped.ipynb"])
def test_a_path_that_leads_away_is_reported(outcome: Outcome, name: str) -> None:
    assert name in outcome.report["of_nobody"][0]
    assert "of no student:" in outcome.collected.stdout


def test_nothing_is_written_outside_of_the_students_folders(outcome: Outcome) -> None:
    written = outcome.after - outcome.before
    form = re.compile(rf"submitted/[^/]+/{ASSIGNMENT}/{re.escape(NOTEBOOK)}(\.kept-[0-9a-f]{{12}})?")
    assert written
    assert [name for name in written if not form.fullmatch(name)] == []
    assert not list(outcome.root.parent.rglob("escaped*"))
    assert not Path("/tmp/escaped").exists()


def test_there_is_something_to_look_at(outcome: Outcome) -> None:
    assert outcome.collected.returncode == 1
    assert outcome.collected.stderr == ""


def test_the_terminal_shows_no_escapes_and_no_markup_of_students(outcome: Outcome) -> None:
    for text in (outcome.collected.stdout, outcome.graded.stdout):
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
    assert "%5Bred%5D" in outcome.collected.stdout


def test_collecting_again_changes_nothing(outcome: Outcome) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in (outcome.root / "submitted" / "twice").rglob("*")}
    again = collect(outcome.root, outcome.marker.parent / "handed_in.zip")
    assert again.returncode == 1
    assert "unchanged" in again.stdout
    assert not re.search(r"\b(new|replaced)\b", again.stdout)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_every_mark_reaches_the_gradebook(outcome: Outcome) -> None:
    assert "gradebook:" not in outcome.graded.stdout
    assert set(HONEST) <= {folder.name for folder in (outcome.root / "feedback").iterdir()}


def test_nothing_that_was_handed_in_is_executed(outcome: Outcome) -> None:
    assert not outcome.marker.exists()


@pytest.mark.parametrize(("name", "code"), MET.items())
def test_the_planted_files_would_have_left_a_mark(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / name).write_bytes(planted(tmp_path / "executed")[name])
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "executed").exists()


def test_files_beside_a_notebook_are_named_in_the_record_and_the_report(outcome: Outcome) -> None:
    assert line_of(outcome, "mal")["notes"] == [
        "left where they are: conftest.py, planted.pth, sitecustomize.py and 1 more"
    ]
    (note,) = outcome.records["beside"].notes
    assert re.fullmatch(r"Not read: a\ufffdb, conftest.py, data000000 and 100,004 more\.", note)


@pytest.mark.parametrize(("student", "reason"), NOT_GRADED.items())
def test_what_is_no_notebook_is_not_graded_and_nothing_waits_for_it(
    outcome: Outcome, student: str, reason: str
) -> None:
    record = outcome.records[student]
    assert (record.status, record.score) == ("not_gradable", None)
    assert reason in record.notes[0]
    assert outcome.graded.returncode == 1


def test_a_device_is_not_opened(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / NOTEBOOK, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no right to make a device here")
    path, _ = find_notebook(tmp_path, ASSIGNMENT)
    assert not path.is_file()  # which is what `read_bytes` refuses
    other = tmp_path / "other.ipynb"
    other.touch()
    assert find_notebook(tmp_path, ASSIGNMENT)[0] == other


# ---- bombs --------------------------------------------------------------------------------------------------------

BIG = 2**20
"""Bytes of a notebook that is not too large by itself."""


def overlapping(files: int) -> bytes:
    """Return a zip whose files share one core: each quotes the header of the next, and goes on with its content."""
    content = b"0" * BIG
    core = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed, header, rows = core.compress(content) + core.flush(), b"", []
    for number in reversed(range(files)):
        if header:
            packed = b"\0" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF) + header + packed
            content = header + content
        name = f"student{number:04}.ipynb".encode()
        sizes = (zlib.crc32(content), len(packed), len(content), len(name), 0)
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, *sizes)
        header = b"PK\x03\x04" + fields + name
        rows.append((fields, name, len(header) + len(packed)))
    body = header + packed
    table = b"".join(
        b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body) - reach) + name
        for fields, name, reach in reversed(rows)
    )
    return body + table + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, files, files, len(table), len(body), 0)


def test_of_files_that_overlap_one_at_most_is_unpacked(fort: Path) -> None:
    bomb = fort / "bomb.zip"
    bomb.write_bytes(overlapping(300))
    assert bomb.stat().st_size < 100_000
    with zipfile.ZipFile(bomb) as archive:
        assert sum(info.file_size for info in archive.infolist()) > 300 * BIG
        # The bomb is a real one: the deflated content of the first file is as large as it says.
        assert len(zlib.decompress(bomb.read_bytes()[archive.infolist()[0].header_offset + 47 :], -15)) > BIG
    done = collect(fort, bomb, memory=LITTLE_MEMORY)
    assert done.returncode == 1
    assert done.stdout.count("shares its bytes with other files of the zip") == 299
    assert [path.name for path in (fort / "submitted").iterdir()] == ["student0299"]


def test_a_bomb_costs_little_memory_and_time_and_no_other_student_anything(fort: Path) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = deflate.compress(b"0" * BIG) + deflate.flush(zlib.Z_FULL_FLUSH)
    packed = megabyte * 1024 + deflate.flush()
    bomb = fort / "bomb.zip"
    for said in (2**30, BIG):
        write_bomb(bomb, right_notebook(fort), packed, said)
        began = time.monotonic()
        done = collect(fort, bomb, memory=LITTLE_MEMORY)
        assert done.returncode == 1
        assert time.monotonic() - began < 30
        assert files_below(fort / "submitted") == {f"ada/{ASSIGNMENT}/{NOTEBOOK}"}
        assert ("at most 2 MiB are taken" if said > BIG else "damaged in the zip") in done.stdout


def write_bomb(path: Path, honest: bytes, packed: bytes, said: int) -> None:
    """Write a zip with an honest notebook and one that unpacks to a gigabyte, whatever size it says it has."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ada/a.ipynb", honest)
        archive.writestr("eve/a.ipynb", packed)
        info = archive.getinfo("eve/a.ipynb")
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, said


def test_that_little_memory_would_not_do_for_a_bomb() -> None:
    code = UNDER_LITTLE_MEMORY + "import autograder.cli, rich.progress, zipfile\nbytearray(2**30)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(LITTLE_MEMORY)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "MemoryError" in done.stderr.splitlines()[-1]


def test_a_hundred_thousand_files_are_counted_and_the_notebooks_among_them_taken(fort: Path) -> None:
    source = fort / "crowd.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"mal/{number:06}.txt"), b"")
        archive.writestr("ada/a.ipynb", right_notebook(fort))
        archive.writestr("mal/a.ipynb", right_notebook(fort))
    began = time.monotonic()
    done = collect(fort, source, memory=LITTLE_MEMORY)
    assert time.monotonic() - began < 60
    assert done.returncode == 0
    assert "000000.txt, 000001.txt, 000002.txt and 99,997 more" in done.stdout
    assert len(files_below(fort / "submitted")) == 2


# ---- sources that are refused as a whole --------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 100, None])
def test_what_is_no_zip_is_refused_and_nothing_is_written(fort: Path, data: bytes | None) -> None:
    source = fort / "handed_in.zip"
    if data is None:
        data = write_zip(source, [("ada/a.ipynb", right_notebook(fort))]).read_bytes()[:-30]
    source.write_bytes(data)
    done = collect(fort, source)
    assert done.returncode == 2
    assert "is not a zip that can be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (fort / "submitted").exists()


def test_a_hostile_folder_is_collected_like_a_zip(fort: Path) -> None:
    source, right = fort / "handed_in", right_notebook(fort)
    secret = fort / "secret.ipynb"
    secret.write_bytes(right)
    for student in ("ada", "hard", "soft", "pipe", "folder"):
        (source / student).mkdir(parents=True)
    (source / "ada" / "a.ipynb").write_bytes(right)
    (source / "hard" / "a.ipynb").hardlink_to(secret)
    (source / "soft" / "a.ipynb").symlink_to(secret)
    (source / "whole").symlink_to(source / "ada")
    os.mkfifo(source / "pipe" / "a.ipynb")
    (source / "folder" / "a.ipynb").mkdir()
    odd = source / os.fsdecode(b"\xff\n")
    odd.mkdir()
    (odd / os.fsdecode(b"\xfe.ipynb")).write_bytes(right)
    done = collect(fort, source)
    assert done.returncode == 1
    assert files_below(fort / "submitted") == {f"{name}/{ASSIGNMENT}/{NOTEBOOK}" for name in ("ada", "%FF%0A")}
    for reason in ("is a hard link", "is a symbolic link", "is a pipe"):
        assert reason in done.stdout
