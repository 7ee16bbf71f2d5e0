"""Taking in what a class handed in: whose file it is, which one counts, and that nothing that is there is lost."""

from __future__ import annotations

import io
import os
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import NotGradable, UsageError
from autograder.intake import MOST_READ, Report, Roster, open_source, read_roster, safe_id, sort_out
from autograder.intake import sources as sources_module
from autograder.intake.names import LONGEST_ID, marked, read_claim, shown
from autograder.intake.place import keep, place

A = "01_small"
LIMIT = 10_000
Files = dict[str, bytes]
Take = Callable[..., Report]


def zipped(path: Path, files: Files | list[tuple[str, bytes]], dates: dict[str, int] | None = None) -> Path:
    """Write a zip; `dates` says in which year a file was changed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            info = zipfile.ZipInfo(name, ((dates or {}).get(name, 2000), 1, 1, 0, 0, 0))
            archive.writestr(info, data)
    return path


def unpacked(root: Path, files: Files) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    return tmp_path / "submitted"


@pytest.fixture
def take(tmp_path: Path, submitted: Path) -> Take:
    """Takes in a zip of these files."""

    def take(files: Files, roster: Roster | None = None, dates: dict[str, int] | None = None) -> Report:
        return take_path(zipped(tmp_path / "handed_in.zip", files, dates), submitted, roster)

    return take


def take_path(path: Path, submitted: Path, roster: Roster | None = None, limit: int = LIMIT) -> Report:
    with open_source(path) as source:
        intake = sort_out(source, A, [A, "02_other"], roster)
        lines = [intake.place(student, submitted, limit) for student in intake.students]
        return Report(A, lines, intake.absent, intake.of_nobody, intake.passed_over)


def written(submitted: Path) -> Files:
    return {str(p.relative_to(submitted)): p.read_bytes() for p in sorted(submitted.rglob("*")) if p.is_file()}


def outcomes(report: Report) -> dict[str, str]:
    return {line.student: line.outcome for line in report.lines}


def notes_on(report: Report, student: str) -> str:
    return "\n".join(next(line for line in report.lines if line.student == student).notes)


# ---- whose file it is ---------------------------------------------------------------------------------------------

SHAPES = {
    "nbgrader": ({f"ada/{A}/{A}.ipynb": b"1", f"bob/{A}/mine.ipynb": b"2"}, {"ada": b"1", "bob": b"2"}),
    "a folder each": ({"ada/hw.ipynb": b"1", f"bob/{A}.ipynb": b"2"}, {"ada": b"1", "bob": b"2"}),
    "a file each": ({"ada.ipynb": b"1", "bob.ipynb": b"2"}, {"ada": b"1", "bob": b"2"}),
    "Moodle": (
        {f"Ada L_11_assignsubmission_file/{A}.ipynb": b"1", "Bob_22_assignsubmission_file_/x.ipynb": b"2"},
        {"Ada L_11": b"1", "Bob_22": b"2"},
    ),
    "Moodle without folders": (
        {"Ada L_11_assignsubmission_file_x.ipynb": b"1", "Bob_22_assignsubmission_file_x.ipynb": b"2"},
        {"Ada L_11": b"1", "Bob_22": b"2"},
    ),
    "Canvas": (
        {f"lovelaceada_11_901_{A}.ipynb": b"1", f"b_ob_LATE_22_902_{A}-1.ipynb": b"2"},
        {"lovelaceada_11": b"1", "b_ob_22": b"2"},
    ),
    "Canvas, anonymous": (
        {"anon_aB3xY_901_x.ipynb": b"1", "LATE_anon_Zz9zZ_902_x.ipynb": b"2"},
        {"anon_aB3xY": b"1", "anon_Zz9zZ": b"2"},
    ),
    "Gradescope": (
        {"submission_11/x.ipynb": b"1", "submission_22/src/x.ipynb": b"2"},
        {"submission_11": b"1", "submission_22": b"2"},
    ),
    "names in any script": (
        {"Zoë/x.ipynb": b"1", "李小龙/x.ipynb": b"2", "محمد/x.ipynb": b"3", "👩‍🔬/x.ipynb": b"4"},
        {"Zoë": b"1", "李小龙": b"2", "محمد": b"3", "👩‍🔬": b"4"},
    ),
}


@pytest.mark.parametrize("wrapper", ["", "download/"])
@pytest.mark.parametrize(("files", "expected"), SHAPES.values(), ids=SHAPES)
def test_every_shape_is_understood(take: Take, submitted: Path, files: Files, expected: Files, wrapper: str) -> None:
    report = take({wrapper + name: data for name, data in files.items()})
    assert written(submitted) == {f"{student}/{A}/{A}.ipynb": data for student, data in expected.items()}
    assert not report.look


@pytest.mark.parametrize(("files", "expected"), SHAPES.values(), ids=SHAPES)
def test_a_folder_comes_to_the_same_as_a_zip(tmp_path: Path, submitted: Path, files: Files, expected: Files) -> None:
    take_path(unpacked(tmp_path / "folder", files), submitted)
    assert written(submitted) == {f"{student}/{A}/{A}.ipynb": data for student, data in expected.items()}


@pytest.mark.parametrize(
    ("files", "student"),
    [
        ({f"ada/{A}/{A}.ipynb": b"1"}, "ada"),
        ({f"ada/{A}.ipynb": b"1", "ada/notes.txt": b""}, "ada"),
        ({"ada/work.ipynb": b"1"}, "ada"),
        ({"Ada_11_assignsubmission_file/a.ipynb": b"1", "Ada_11_assignsubmission_file/b.txt": b"1"}, "Ada_11"),
        ({"submission_7/a.ipynb": b"1", "submission_7/b.txt": b"1"}, "submission_7"),
        ({f"download/ada/{A}/{A}.ipynb": b"1"}, "ada"),
    ],
)
def test_the_folder_of_the_only_student_is_not_seen_through(take: Take, files: Files, student: str) -> None:
    assert outcomes(take(files)) == {student: "new"}


def test_a_single_folder_that_the_roster_knows_is_a_student(take: Take) -> None:
    files = {"ada/one.ipynb": b"1", "ada/two.ipynb": b"2"}
    assert set(outcomes(take(files, Roster({"ada": ["ada"]})))) == {"ada"}
    assert set(outcomes(take(files))) == {"one", "two"}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ada_11_901_bob_22_902_x.ipynb", "ada_11"),
        ("ada_11_901_22_33_x.ipynb", "ada_11"),
        ("12_11_901_x.ipynb", "12_11"),  # a student called 12 is not user 12
        ("Ada_11_assignsubmission_file_Bob_22_assignsubmission_file_x.ipynb", "Ada_11"),
        ("Ada_11_assignsubmission_file_bob_22_902_x.ipynb", "Ada_11"),
    ],
)
def test_what_a_student_calls_a_file_does_not_make_it_somebody_elses(name: str, student: str) -> None:
    claim = read_claim((name,), A)
    assert claim is not None
    assert claim.student == student


def test_a_notebook_that_names_nobody_is_reported(take: Take) -> None:
    report = take({"ada.ipynb": b"1", f"{A}.ipynb": b"2", "readme.txt": b""})
    assert outcomes(report) == {"ada": "new"}
    assert report.look
    assert report.of_nobody == [f"{A}.ipynb names no student; readme.txt names no student"]


def test_other_assignments_and_what_systems_leave_behind_are_passed_over(take: Take) -> None:
    report = take(
        {
            f"ada/{A}/{A}.ipynb": b"1",
            "ada/02_other/02_other.ipynb": b"2",
            f"ada/{A}/.ipynb_checkpoints/{A}-checkpoint.ipynb": b"3",
            f"__MACOSX/ada/._{A}.ipynb": b"4",
            ".DS_Store": b"5",
        }
    )
    assert outcomes(report) == {"ada": "new"}
    assert not report.look
    assert report.passed_over == ["1 files of other assignments", "3 hidden files and debris of operating systems"]


def test_the_same_name_in_two_forms_of_unicode_is_one_student(tmp_path: Path, submitted: Path) -> None:
    files = [("Zoe\u0308/a.ipynb", b"1"), ("Zo\u00eb/a.ipynb", b"1"), ("x/a.ipynb", b"2")]
    report = take_path(zipped(tmp_path / "a.zip", files), submitted)
    assert outcomes(report) == {"Zo\u00eb": "new", "x": "new"}


# ---- the roster ---------------------------------------------------------------------------------------------------

ROSTER = Roster(
    {
        "ada": ["ada", "11", "Ada L", "101", "Smith"],
        "bob": ["bob", "22", "Bob B", "101", "Smith"],
        "cem": ["cem", "33", "Cem Ç", "102", ""],
    }
)


@pytest.mark.parametrize(
    "name",
    [
        "lovelaceada_11_901_x.ipynb",
        "Ada L_999_assignsubmission_file/x.ipynb",
        "nobody_11_assignsubmission_file/x.ipynb",
        "ADA/x.ipynb",
        " ada l /x.ipynb",
        "ada.ipynb",
        "submission_11/x.ipynb",
    ],
)
def test_any_key_leads_to_the_row(take: Take, submitted: Path, name: str) -> None:
    report = take({name: b"1", "bob/x.ipynb": b"2", "cem/x.ipynb": b"3"}, ROSTER)
    assert written(submitted)[f"ada/{A}/{A}.ipynb"] == b"1"
    assert not report.look


def test_names_are_compared_whatever_their_form_and_case(take: Take) -> None:
    report = take({"CEM C\u0327_5_assignsubmission_file/x.ipynb": b"1", "ada/x.ipynb": b"2"}, ROSTER)
    assert set(outcomes(report)) == {"ada", "cem"}
    assert report.absent == ["bob"]
    assert not report.look  # having handed in nothing is no reason to look


def test_who_is_not_on_the_roster_is_collected_and_reported(take: Take, submitted: Path) -> None:
    report = take({"ada/x.ipynb": b"1", "eve/x.ipynb": b"2"}, ROSTER)
    assert written(submitted)[f"eve/{A}/{A}.ipynb"] == b"2"
    assert notes_on(report, "eve") == "not on the roster"
    assert report.look


def test_a_cell_that_several_share_identifies_nobody(take: Take) -> None:
    report = take({"Smith_101_assignsubmission_file/x.ipynb": b"1", "ada/x.ipynb": b"2"}, ROSTER)
    assert outcomes(report) == {"Smith_101": "new", "ada": "new"}


def test_who_fits_two_rows_is_given_neither(take: Take) -> None:
    report = take({"Ada L_22_assignsubmission_file/x.ipynb": b"1", "cem/x.ipynb": b"2"}, ROSTER)
    assert outcomes(report) == {"Ada L_22": "new", "cem": "new"}
    assert "fits 2 rows of the roster: ada, bob" in notes_on(report, "Ada L_22")


def test_two_who_fit_one_row_both_keep_their_own_names(take: Take, submitted: Path) -> None:
    """Else a student who may choose a name could hand in for another, or take their place."""
    report = take({"lovelace_11_901_x.ipynb": b"1", "ada_66_902_x.ipynb": b"2", "cem.ipynb": b"3"}, ROSTER)
    assert outcomes(report) == {"ada_66": "new", "cem": "new", "lovelace_11": "new"}
    assert "fits the row of ada on the roster, and so does somebody else" in notes_on(report, "lovelace_11")
    assert report.absent == ["ada", "bob"]


def test_nobody_gets_the_folder_of_somebody_on_the_roster(take: Take) -> None:
    """The folder `eve` is row `ada`'s by its name and nobody else's, so a stranger called `ada` is not row `ada`."""
    roster = Roster({"ada": ["ada", "eve"], "bob": ["bob", "ada"]})
    report = take({"eve/x.ipynb": b"1", "ada/x.ipynb": b"2"}, roster)
    assert set(outcomes(report)) == {"ada", marked("ada", "name/ada")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,mail\nAda,a@b\n", "no column `id`"),
        ("", "no column `id`"),
        ("id\n", "holds no students"),
        ("id,x\nada,1\nada,2\n", "row 3: 'ada' is there twice"),
        ("id,x\n../ada,1\n", "row 2: the column `id` holds '../ada'"),
        ("id,x\n,1\n", "row 2: the column `id` holds ''"),
        (b"id\n\xff\n", "not a CSV file in UTF-8"),
    ],
)
def test_a_roster_that_is_none_is_refused(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=says):
        read_roster(path)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_roster_may_come_from_any_spreadsheet(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(f'\ufeffid{separator}name\r\nada{separator}"Lovelace{separator} Ada"\r\nbob\r\n'.encode())
    roster = read_roster(path)
    assert roster.students == ["ada", "bob"]
    assert roster.find([f"lovelace{separator} ada"]) == ["ada"]


# ---- names of folders ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ada", "ada"),
        ("Ada L_11", "Ada L_11"),
        ("..", "%2E%2E"),
        (".ssh", "%2Essh"),
        ("a/b", "a%2Fb"),
        ("a\nb", "a%0Ab"),
        ("[red]", "%5Bred%5D"),
        ("\x1b[31m", "%1B%5B31m"),
        ("\u202eada", "%E2%80%AEada"),
        ("50%", "50%25"),
        (" ada ", "%20ada%20"),
        (os.fsdecode(b"\xff\xfe"), "%FF%FE"),
        ("", "%00"),
    ],
)
def test_an_id_is_made_safe(name: str, expected: str) -> None:
    assert safe_id(name) == expected


@given(st.text(max_size=150))
def test_an_id_is_always_safe_and_can_be_read_back(name: str) -> None:
    made = safe_id(name)
    assert 0 < len(made) <= LONGEST_ID
    assert len(made.encode()) <= 180
    assert made.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert not set(made) & set("/\\[]{}*?\0")
    assert not {made[0], made[-1]} & set(". ")
    if name and "~" not in made:
        assert unquote(made) == unicodedata.normalize("NFC", name)


def test_long_names_stay_different(take: Take) -> None:
    report = take({f"{'x' * 150}{end}/a.ipynb": end.encode() for end in "ab"})
    assert len(outcomes(report)) == 2
    assert all(len(student) == LONGEST_ID for student in outcomes(report))


def test_a_name_that_is_no_text_can_be_shown() -> None:
    assert shown(os.fsdecode(b"a\xff")) == "a\\xff"


# ---- which one counts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "years"),
    [
        ([f"ada/{A}.ipynb", "ada/other.ipynb"], [2000, 2020]),  # named like the assignment
        ([f"ada/{A}.ipynb", f"ada/{A}-Copy1.ipynb"], [2000, 2020]),
        ([f"ada/{A} (1).ipynb", "ada/other.ipynb"], [2000, 2020]),  # begins like it
        ([f"ada/{A}.ipynb", f"ada/old/{A}.ipynb"], [2000, 2020]),  # the least deep
        ([f"a_11_902_{A}-1.ipynb", f"a_11_901_{A}.ipynb"], [2000, 2020]),  # Canvas numbers attempts
        ([f"a_11_901_{A}.ipynb", "a_11_902_x.ipynb"], [2000, 2020]),
        (["ada/b.ipynb", "ada/a.ipynb"], [2020, 2000]),  # the newest
        (["ada/a.ipynb", "ada/b.ipynb"], [2000, 2000]),  # the first
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_notebooks_the_rule_says_which_counts(
    take: Take, submitted: Path, names: list[str], years: list[int], turned: bool
) -> None:
    dates = dict(zip(names, years, strict=True))
    files = {names[0]: b"right", names[1]: b"wrong", "z/z.ipynb": b"1"}
    if turned and years != [2000, 2000]:
        files = dict(reversed(files.items()))
    report = take(files, dates=dates)
    student = report.lines[0].student
    assert written(submitted)[f"{student}/{A}/{A}.ipynb"] == b"right"
    assert b"wrong" in written(submitted).values()
    assert "is not graded, but kept as" in notes_on(report, student)
    assert report.lines[0].look


def test_the_same_notebook_twice_is_one(take: Take, submitted: Path) -> None:
    report = take({f"ada/{A}.ipynb": b"1", "ada/copy.ipynb": b"1", "bob/a.ipynb": b"2"})
    assert len(written(submitted)) == 2
    assert not report.look


def test_where_the_right_one_is_too_large_the_next_is_taken_and_it_is_said(take: Take, submitted: Path) -> None:
    report = take({f"ada/{A}.ipynb": b"x" * (LIMIT + 1), "ada/b.ipynb": b"1", "bob/b.ipynb": b"x" * LIMIT})
    assert written(submitted)[f"ada/{A}/{A}.ipynb"] == b"1"
    assert f"{A}.ipynb has 0.0 MiB, at most" in notes_on(report, "ada")
    assert outcomes(report)["bob"] == "new"


def test_many_notebooks_of_one_student_cost_no_more_than_a_few(take: Take, submitted: Path) -> None:
    report = take({f"ada/{n:04}.ipynb": b"%d" % n for n in range(500)} | {"bob/a.ipynb": b"1"})
    assert len(list((submitted / "ada" / A).iterdir())) == MOST_READ
    assert "480 more notebooks were not read" in notes_on(report, "ada")


def test_other_files_are_left_and_the_first_are_named(take: Take, submitted: Path) -> None:
    names = ["torch.py", "conftest.py", "sitecustomize.py", "evil.pth", "data/x.csv", "work.zip"]
    report = take({f"ada/{name}": b"x" for name in names} | {"ada/a.ipynb": b"1", "bob/b.py": b"2"})
    assert list(written(submitted)) == [f"ada/{A}/{A}.ipynb"]
    assert notes_on(report, "ada") == "left where they are: conftest.py, data/x.csv, evil.pth and 3 more"
    assert outcomes(report) == {"ada": "new", "bob": "nothing"}
    assert notes_on(report, "bob") == "no notebook was taken\nleft where they are: b.py"
    assert [line.look for line in report.lines] == [False, True]


# ---- what is there already ----------------------------------------------------------------------------------------


def test_collecting_twice_changes_nothing(take: Take, submitted: Path) -> None:
    files = {f"ada/{A}.ipynb": b"1", "ada/b.ipynb": b"2", "bob/b.ipynb": b"3"}
    assert set(outcomes(take(files)).values()) == {"new"}
    before = written(submitted)
    stamps = [path.stat().st_mtime_ns for path in sorted(submitted.rglob("*"))]
    assert set(outcomes(take(files)).values()) == {"unchanged"}
    assert written(submitted) == before
    assert [path.stat().st_mtime_ns for path in sorted(submitted.rglob("*"))] == stamps


def test_an_earlier_notebook_moves_aside(take: Take, submitted: Path) -> None:
    for content in (b"1", b"2", b"1"):
        report = take({"ada/a.ipynb": content, "bob/a.ipynb": b"3"})
    assert outcomes(report) == {"ada": "replaced", "bob": "unchanged"}
    assert (submitted / "ada" / A / f"{A}.ipynb").read_bytes() == b"1"
    assert sorted(written(submitted).values()) == [b"1", b"1", b"2", b"3"]
    assert not list(submitted.rglob("*.part"))


@pytest.mark.parametrize("step", ["ada", f"ada/{A}", f"ada/{A}/{A}.ipynb"])
@pytest.mark.parametrize("kind", ["link", "broken link", "pipe", "other kind"])
def test_nothing_is_written_through_what_stands_in_the_way(
    take: Take, submitted: Path, tmp_path: Path, step: str, kind: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    path = submitted / step
    path.parent.mkdir(parents=True)
    if "link" in kind:
        path.symlink_to(outside if kind == "link" else tmp_path / "nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif step.endswith(".ipynb"):
        path.mkdir()
    else:
        path.touch()
    report = take({"ada/a.ipynb": b"1", "bob/a.ipynb": b"2"})
    assert outcomes(report) == {"ada": "nothing", "bob": "new"}
    assert "cannot be written" in notes_on(report, "ada")
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_link_under_the_name_of_what_is_kept_is_not_written_through(tmp_path: Path) -> None:
    folder = tmp_path / "ada" / A
    place(folder, b"1")
    aside = folder / keep(folder, b"2")
    aside.unlink()
    aside.symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotGradable, match="is a symbolic link, not an ordinary file"):
        keep(folder, b"2")
    assert not (tmp_path / "nowhere").exists()


# ---- sources that are none ----------------------------------------------------------------------------------------


def broken_zips() -> dict[str, bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ada/a.ipynb", b"x" * 5000)
    whole = buffer.getvalue()
    return {"empty": b"", "text": b"no zip at all", "cut off": whole[:-10], "half": whole[:2000]}


@pytest.mark.parametrize("data", broken_zips().values(), ids=broken_zips())
def test_what_is_no_zip_is_refused_as_a_whole(tmp_path: Path, submitted: Path, data: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="not a zip that can be read"):
        take_path(path, submitted)
    assert not submitted.exists()


def test_an_empty_source_is_refused(tmp_path: Path, submitted: Path) -> None:
    with pytest.raises(UsageError, match="no file in it"):
        take_path(zipped(tmp_path / "a.zip", {}), submitted)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="no file in it"):
        take_path(tmp_path / "folder", submitted)


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="neither a folder nor a zip"):
        open_source(tmp_path / "pipe")


def test_a_source_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"ada/{n}.txt": b"" for n in range(50)} | {"bob/b.ipynb": b""}
    folder, archive = unpacked(tmp_path / "folder", files), zipped(tmp_path / "a.zip", files)
    monkeypatch.setattr(sources_module, "MOST_ENTRIES", 40)
    with pytest.raises(UsageError, match="more than 40 files; most of it in 'ada'"):
        open_source(folder)
    with pytest.raises(UsageError, match="more than 40 files"):
        open_source(archive)
    monkeypatch.setattr(sources_module, "MOST_ENTRIES", 60)
    with open_source(archive) as source:
        assert len(source.entries) == 51
    monkeypatch.setattr(sources_module, "_LARGEST_DIRECTORY", 1000)
    with pytest.raises(UsageError, match="more than"):
        open_source(archive)
