"""What students choose (their names, their texts, the names of everything in their code) is shown, and never obeyed."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from active import active_parts, foreign_parts, formulas
from attack import ASSIGNMENT
from fort import autograder, hand_in, records_of, right_notebook
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader.handlers import template_path

from autograder.host import gradebook
from autograder.report import class_overview_html
from autograder.report.clean import one_line

MARK = "document.title='pwned'"
HTML = (
    f"""<script>{MARK}</script> "><img src=x onerror="{MARK}"> <svg onload="{MARK}"></svg> """
    f"""<a href="javascript:{MARK}">x</a> <iframe srcdoc="<script>parent.{MARK}</script>"></iframe> """
    """<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/"> <base href="http://127.0.0.1:9/"> """
    """<style>@import url(http://127.0.0.1:9/a.css);</style> <p style="background:url(http://127.0.0.1:9/b)">x</p> """
    """<link rel="stylesheet" href="http://127.0.0.1:9/c.css"> <form action="http://127.0.0.1:9/"><button>x</form> """
    """<object data="http://127.0.0.1:9/d"></object> --> ]]> {{ 7 * 7 }} </textarea></title></style></script>"""
)
TERMINAL = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x9b5m \u202etxt.exe \u2066 \x08\x08 \x00 "
    "[bold red]loud[/] [link=http://127.0.0.1:9/]x[/link]"
)
MARKDOWN = (
    f"[x](javascript:{MARK}) [x](&#106;avascript:{MARK}) [x](javascript&colon;{MARK}) [x](vbscript:x) [x][a] [a] [^a] "
    f"![x](http://127.0.0.1:9/e) ![x][b] <javascript:{MARK}> [x](data:text/html,x) [x](//127.0.0.1:9) "
    f"[x](http://127.0.0.1/honest)\n\n[a]: javascript:{MARK}\n[b]: http://127.0.0.1:9/f\n[^a]: javascript:{MARK}\n"
)
ODD = ("=SUM(1)", "-1", "\u202egpj.exe", "{student_id}", "Zoë 王小明 محمد")
"""Names of students that nbgrader takes."""
REFUSED = (f"<img src=x onerror={MARK}>", '";alert(1);"', "\x1b[31m[red]x[", "new\nline", "*", ".dot")
"""Names that nbgrader takes for a pattern, or writes into the formgrader's pages as they are."""

RAISES = f'''
class Evil(Exception):
    def __str__(self):
        return {TERMINAL + HTML!r}

Evil.__name__ = {HTML!r}

def softmax(x, dim=-1):
    """Return nothing. {HTML}"""
    raise Evil  # {HTML}
'''
RETURNS = f"""
def attention(q, k, v):
    return type({HTML!r}, (), {{}})(), {{{HTML!r}: {TERMINAL!r}}}
"""
NAMES = f"""
class Head(nn.Module):
    def __init__(self, width, d_head):
        super().__init__()
        self.__dict__[{HTML!r}] = 1
        self.register_parameter({HTML.replace(".", "")!r}, nn.Parameter(torch.zeros(1)))
"""
MATHS = r"$\rule{9cm}{1cm}$ $$\rule{9cm}{1cm}$$ \(\rule{9cm}{1cm}\) \[\rule{9cm}{1cm}\] \begin{equation}\rule{9cm}{1cm}"
KEYWORDS = f"""
def sample(probabilities, count, seed):
    raise ValueError({MATHS!r}) if count else sample(**{{{HTML!r}: {TERMINAL!r}}})
"""


def damaged(notebook: bytes) -> bytes:
    """Return a notebook that carries payloads wherever a notebook can carry any."""
    whole: dict[str, Any] = json.loads(notebook)
    html = {"text/html": HTML, "text/plain": HTML, "text/markdown": MARKDOWN, "image/svg+xml": f"<svg onload={MARK}/>"}
    script = {"application/javascript": MARK, "application/vnd.jupyter.widget-view+json": {"model_id": HTML}}
    outputs: list[Any] = [
        {"output_type": "display_data", "data": html | script, "metadata": {HTML: HTML}},
        {"output_type": "stream", "name": "stdout", "text": TERMINAL + HTML},
        {"output_type": "error", "ename": HTML, "evalue": HTML, "traceback": [HTML + TERMINAL]},
    ]
    for cell in whole["cells"]:
        cell["metadata"] |= {"tags": [HTML], "magics_language": HTML, "name": HTML}
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs
    picture = {"x.svg": {"image/svg+xml": f"<svg onload={MARK}/>"}}
    whole["cells"] += [
        {"cell_type": "markdown", "id": "m1", "metadata": {}, "source": f"{HTML}\n\n# {HTML}\n\n{MARKDOWN}"},
        {"cell_type": "markdown", "id": "m2", "metadata": {}, "source": "![](attachment:x.svg)",
         "attachments": picture},
        {"cell_type": "raw", "id": "r", "metadata": {"format": "text/html"}, "source": HTML},
        {"cell_type": "code", "id": "c1", "metadata": {}, "source": f"raise ValueError({HTML + TERMINAL!r})  # {HTML}",
         "outputs": outputs, "execution_count": None},
    ]  # fmt: skip
    state = {"application/vnd.jupyter.widget-state+json": {"state": {HTML: HTML}, "version_major": 2}}
    whole["metadata"] = {
        "title": HTML,
        "authors": [{"name": HTML}],
        "kernelspec": {"name": HTML, "display_name": HTML, "language": HTML},
        "language_info": {"name": HTML, "pygments_lexer": HTML, "codemirror_mode": HTML, "mimetype": HTML},
        "widgets": state,
    }
    return json.dumps(whole).encode()


class Graded:
    """The class after grading: what was printed, and where everything lies."""

    def __init__(self, root: Path, printed: str, code: int) -> None:
        self.root, self.printed, self.code = root, printed, code

    def page(self, student: str) -> str:
        """Return the feedback of a student."""
        page = (self.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text(encoding="utf-8")
        return _with_one_style(page)

    def formgrader(self, student: str) -> str:
        """Return the page on which an instructor looks at a submission, as the formgrader makes it."""
        notebook = self.root / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        exporter = HTMLExporter(template_name="formgrade", extra_template_basedirs=[template_path])
        shown = {"index": 0, "total": 1, "submission_id": "1", "notebook_path": "", "student": student, "base_url": ""}
        return _with_one_style(exporter.from_filename(str(notebook), resources=shown)[0])

    def comments(self, student: str) -> str:
        """Return the comments on a submission, which the formgrader fetches by itself."""
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as book:
            notebook = book.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
            return " ".join(comment.auto_comment for comment in notebook.comments)

    def overview(self) -> str:
        """Return the overview of the class."""
        return (self.root / "results" / ASSIGNMENT / "overview.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def graded(module_fort: Path) -> Graded:
    """A class of one honest student and many others, graded by the real command."""
    root = module_fort
    right = right_notebook(root)
    answers = {"softmax": RAISES, "attention": RETURNS, "Head": NAMES, "sample": KEYWORDS}
    hand_in(root, "ada", right)
    for name in ODD + REFUSED:
        hand_in(root, name, right)
    hand_in(root, "texts", damaged(right))
    hand_in(root, "code", damaged(right_notebook(root, **answers)), name=f"<img src=x onerror={MARK}>.ipynb")
    hand_in(root, "code", HTML.encode(), name="=1+1 \x1b[31m.csv")
    hand_in(root, "two", right, name=f"<img src=x onerror={MARK}>.ipynb")
    hand_in(root, "two", right, name="[red]\x1b[31m\u202e.ipynb")
    done = autograder(root, "grade", ASSIGNMENT)
    return Graded(root, done.stdout + done.stderr, done.returncode)


# ---- the detector ---------------------------------------------------------------------------------------------------


def test_the_detector_finds_what_is_not_escaped() -> None:
    parts = active_parts(f"<p>{HTML}</p>")
    for kind in ("element: <script", "element: <svg", "element: <iframe", "element: <meta", "element: <base",
                 "element: <style", "element: <link", "element: <form", "element: <object", "handler: img onerror",
                 "load: img src=x", "link: javascript:", "style: background:url("):  # fmt: skip
        assert any(part.startswith(kind) for part in parts), kind
    assert foreign_parts(f'<script>1</script><a onclick="{MARK}">', "<script>1</script>") == [
        f"handler: a onclick={MARK}"
    ]
    assert foreign_parts("<p>&lt;script&gt; onerror=1 javascript:1</p>", "<p></p>") == []


def test_the_page_would_act_if_it_were_not_escaped(graded: Graded) -> None:
    """Both pages do hold what the students wrote: put back what escaping changed, and the detector finds it."""
    for page in (graded.page("code"), graded.overview()):
        raw = page.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"').replace("&#39;", "'")
        raw = raw.replace("&amp;", "&").replace("&quot;", '"')
        assert any(MARK in part for part in foreign_parts(raw, page))


# ---- records --------------------------------------------------------------------------------------------------------


def test_every_student_has_a_record_that_can_be_read(graded: Graded) -> None:
    records = records_of(graded.root)
    assert set(records) == {"ada", *ODD, *REFUSED, "texts", "code", "two"}
    assert {name for name, record in records.items() if record.status != "graded"} == {"two"}
    assert {records[name].score for name in ("ada", *ODD, *REFUSED, "texts")} == {20.0}
    for path in (graded.root / "results" / ASSIGNMENT).glob("*.json"):
        assert json.loads(path.read_bytes())["student"] == path.stem


def test_the_record_of_hostile_code_holds_what_it_said(graded: Graded) -> None:
    """Or the pages below would prove nothing."""
    record = records_of(graded.root)["code"]
    said = {exercise.id: " ".join(check.message for check in exercise.checks) for exercise in record.exercises}
    assert said["softmax"].count("<script>") > 2
    assert "an object of type <script>" in said["attention"]
    assert "<script>" in said["Head"]
    assert MATHS in said["sample"]
    assert any("ValueError: <script>" in note for note in record.notes)
    assert "onerror" in " ".join(record.notes)


# ---- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("student", [*ODD, "texts", "code"])
def test_nothing_of_a_student_acts_in_their_feedback(graded: Graded, student: str) -> None:
    assert foreign_parts(graded.page(student), graded.page("ada")) == []


def test_no_text_of_a_student_becomes_a_formula(graded: Graded) -> None:
    """MathJax can write over the page, and lead elsewhere."""
    assert any("rule" in text for text in formulas(f"<p>{MATHS}</p>"))
    assert MATHS.split()[0] in graded.page("code")
    assert [text for text in formulas(graded.page("code")) if "rule" in text] == []


def test_nothing_of_the_students_acts_in_the_overview(graded: Graded) -> None:
    honest = class_overview_html([records_of(graded.root)["ada"]], "Fort")
    titles = [part for part in foreign_parts(graded.overview(), honest) if not part.startswith("element: <title")]
    assert [part for part in titles if not part.startswith("element: <svg")] == []


@pytest.mark.parametrize("student", ["texts", "code"])
def test_nothing_of_a_student_acts_in_the_formgrader(graded: Graded, student: str) -> None:
    assert foreign_parts(graded.formgrader(student), graded.formgrader("ada")) == []


def test_no_page_can_be_steered_by_invisible_characters(graded: Graded) -> None:
    cards = re.findall(r'(?s)<div[^>]*class="autograder-card.*?</ul>', graded.page("code"))
    assert len(cards) == 4
    for page in (graded.overview(), *cards):
        assert not set(page) & set("\x00\x07\x08\x1b\x9b\u202e\u2066")


def test_feedback_holds_no_file_of_the_students(graded: Graded) -> None:
    names = {path.name for path in (graded.root / "feedback" / "code" / ASSIGNMENT).iterdir()}
    assert names == {f"{ASSIGNMENT}.html", "test_public.py", "exercises.toml", "release.json"}


def test_a_name_that_nbgrader_cannot_take_is_reported_and_stops_nobody(graded: Graded) -> None:
    scores = gradebook.read_scores(graded.root, ASSIGNMENT)
    assert {scores[name] for name in ("ada", *ODD, "texts")} == {20.0}
    for name in REFUSED:
        assert f"gradebook: {one_line(name)}: nbgrader" in graded.printed
        assert scores.get(name) is None
        for step in ("autograded", "feedback"):
            assert not (graded.root / step / name / ASSIGNMENT).exists()


# ---- the terminal ---------------------------------------------------------------------------------------------------


def test_the_terminal_shows_names_and_obeys_none(graded: Graded) -> None:
    assert graded.code == 1  # "two" was not graded
    assert not set(graded.printed) & set("\x00\x07\x08\x1b\x9b\u202e\u2066\r")
    assert all(line.isprintable() for line in graded.printed.splitlines())
    assert max(map(len, graded.printed.splitlines())) <= 200
    for name in (*ODD, *REFUSED[1:]):
        assert one_line(name) in graded.printed
    assert "[red]x[" in graded.printed  # markup is text
    assert "which one counts?" in graded.printed


# ---- the spreadsheet ------------------------------------------------------------------------------------------------


def test_no_cell_of_the_export_is_a_formula(graded: Graded) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "marks.csv"]
    done = subprocess.run(command, cwd=graded.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with (graded.root / "marks.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    guarded = {f"'{name}" if name[0] in "=+-@" else name for name in ("ada", *ODD, "texts")}
    assert {float(rows[name]["score"]) for name in guarded} == {20.0}
    assert rows["two"]["score"] == ""
    for row in rows.values():
        assert not [text for text in row.values() if text.startswith(("=", "+", "@", "\t", "\r"))]
        assert all(re.fullmatch(r"-?\d+(\.\d+)?", text) for text in row.values() if text.startswith("-"))


# ---- results without locks ------------------------------------------------------------------------------------------


def test_unconfined_is_said_wherever_a_result_is_shown(graded: Graded, tmp_path: Path) -> None:
    said = "Ran unconfined, with the locks off"
    root = Path(shutil.copytree(graded.root, tmp_path / "open"))
    done = autograder(root, "grade", ASSIGNMENT, "--allow-unconfined", "--student", "ada")
    assert done.returncode == 0, done.stderr
    open_door = Graded(root, done.stdout, done.returncode)
    for one, times in (graded, 0), (open_door, 1):
        assert (records_of(one.root)["ada"].isolation == "unconfined") is bool(times)
        assert ("unconfined" in one.printed) is bool(times)
        assert (said in one.overview()) is bool(times)
        # In the card of each of the four exercises; feedback also shows the comment under each solution.
        assert one.page("ada").count(said) == 8 * times
        assert one.formgrader("ada").count(said) == 4 * times
        assert one.comments("ada").count(said) == 4 * times


def _with_one_style(page: str) -> str:
    """Leave the style of the first card alone: how many cards there are is no matter of escaping."""
    style = re.search(r'(?s)<div[^>]*class="autograder-card[^>]*>\s*(<style>.*?</style>)', page)
    assert style is not None
    head, _, rest = page.partition(style[1])
    return head + style[1] + rest.replace(style[1], "")
