"""Feedback pages for a whole class: nbgrader's own `generate_feedback`, without doing the same work for each student.

Lesson, demonstrations and checks are the same in all notebooks, so what became of a cell's text once is kept. Scores
and comments come from rows that are read already. nbconvert ends each page by parsing it once more, to describe
pictures that have no description and to mark up parts of another template: pages without pictures are spared that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbconvert.writers.files import FilesWriter
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import GetGrades
from traitlets.utils.importstring import import_item

from autograder.host.environment import quietly
from autograder.host.rows import Held, Source
from autograder.host.settings import read_config

_KEPT = 512
"""Texts of cells whose HTML is kept, the last used ones: several times what all notebooks of a class share."""
_PARSED_AGAIN = re.compile(r"<img\b|\bjp-Notebook\b", re.IGNORECASE)
"""Where nbconvert's last pass has something to do."""


@dataclass(frozen=True)
class PageSetup:
    """What is the same for all pages of a class."""

    root: Path
    source: Source


@dataclass(frozen=True)
class PageJob:
    """One page to write."""

    student: str
    held: Held


def write_pages(setup: PageSetup, jobs: Iterable[PageJob]) -> Iterator[tuple[str, str]]:
    """Write pages; gives for each the student, and what went wrong.

    Raises:
        OSError: when a page cannot be written.
    """
    config = read_config(setup.root)
    with quietly() as (log, _):
        course = CourseDirectory(config=config, log=log, assignment_id=setup.source.assignment)
        converter = _Feedback(coursedir=course, config=config, log=log, force=True)
        converter.prepare(setup.source)
        os.chdir(course.root)
        for job in jobs:
            yield job.student, converter.write_page(setup.source.assignment, job)


class _Feedback(GenerateFeedback):  # type: ignore[misc]  # nbgrader has no types
    """Feedback for one student at a time."""

    def prepare(self, source: Source) -> None:
        """Make what all pages have in common."""
        self.writer = FilesWriter(parent=self, config=self.config)
        kind = _QuickHtml if self.exporter_class is HTMLExporter else self.exporter_class
        self.exporter = kind(parent=self, config=self.config)
        self.exporter.optimistic_validation = True  # once for each page, and not after every step
        for entry in self.preprocessors:
            step = import_item(entry) if isinstance(entry, str) else entry
            self.exporter.register_preprocessor(_STAND_INS.get(step, step))
        self._grades = [step for step in self.exporter._preprocessors if isinstance(step, _GetGrades)]
        for step in self._grades:
            step.source = source

    def write_page(self, assignment: str, job: PageJob) -> str:
        """Write the page, and beside it what lies beside the autograded notebook; returns what went wrong."""
        try:
            self._write_page(assignment, job)
        except OSError:
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            return f"no feedback was written: {type(error).__name__}: {first}"
        return ""

    def _write_page(self, assignment: str, job: PageJob) -> None:
        for step in self._grades:
            step.held = job.held
        path = Path(self._format_source(assignment, job.student), f"{assignment}.ipynb")
        self.notebooks = [str(path)]
        self.init_destination(assignment, job.student)
        self.run_pre_convert_hook()
        self.init_assignment(assignment, job.student)
        self.convert_single_notebook(str(path))
        self.set_permissions(assignment, job.student)
        self.run_post_convert_hook()


class _GetGrades(GetGrades):  # type: ignore[misc]  # nbgrader has no types
    """Puts scores and comments into the notebook from rows that are read already."""

    source: Source
    held: Held

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        self.gradebook = self
        self.notebook_id, self.assignment_id, self.student_id = "", "", ""
        cells = (*self.source.task_cells, *self.source.grade_cells)
        self._points = {cell.name: cell.max_score or 0.0 for cell in cells}
        nb, resources = super(GetGrades, self).preprocess(nb, resources)
        penalty = self.held.penalty or 0
        more = {"score": self.held.score - penalty, "max_score": self.source.points, "late_penalty": penalty}
        resources["nbgrader"].update(more)
        return nb, resources

    def find_comment(self, name: str, *_: str) -> SimpleNamespace:
        """Answer as a gradebook does."""
        return SimpleNamespace(comment=self.held.comments[name].text)

    def find_grade(self, name: str, *_: str) -> SimpleNamespace:
        """Answer as a gradebook does."""
        return SimpleNamespace(score=self.held.grades[name].score, max_score=self._points[name])


class _CssHeader(CSSHTMLHeaderPreprocessor):
    """Makes the style sheet once."""

    _made: list[str] | None = None

    def _generate_header(self, resources: Any) -> list[str]:
        if self._made is None:
            self._made = super()._generate_header(resources)  # type: ignore[no-untyped-call]
        return self._made


class _QuickHtml(HTMLExporter):
    """nbconvert's exporter, with a memory for the text of cells."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)  # type: ignore[no-untyped-call]
        # Nothing that a text in Markdown becomes depends on its notebook: ours have no attachments.
        self._markdown = lru_cache(_KEPT)(lambda text: super(_QuickHtml, self).markdown2html({}, text))
        self._highlighter = cache(lambda lexer: _Highlighter(pygments_lexer=lexer, parent=self))
        self._included: dict[str, Any] = {}

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Return the HTML of a text in Markdown."""
        if context.get("cell", {}).get("attachments") or self.embed_images:
            return str(super().markdown2html(context, source))
        return str(self._markdown(source))

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own
        self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page of a notebook."""
        known = nb.metadata.get("language_info", {})
        lexer = known.get("pygments_lexer", known.get("name", None))
        filled = self._init_resources(resources)
        self.register_filter("highlight_code", self.filters.get("highlight_code") or self._highlighter(lexer))  # type: ignore[no-untyped-call]
        types = WidgetsDataTypeFilter(notebook_metadata=self._nb_metadata, parent=self, resources=filled)
        self.register_filter("filter_data_type", types)  # type: ignore[no-untyped-call]
        page, filled = TemplateExporter.from_notebook_node(self, nb, filled, **kw)
        return super().from_notebook_node(nb, resources, **kw) if _PARSED_AGAIN.search(page) else (page, filled)

    def _init_resources(self, resources: Any) -> Any:
        filled = super()._init_resources(resources)  # type: ignore[no-untyped-call]
        include = filled["include_css"]

        def include_once(name: str) -> Any:
            if name not in self._included:
                self._included[name] = include(name)
            return self._included[name]

        filled["include_css"] = include_once
        return filled


class _Highlighter(Highlight2HTML):
    """Colours code, the same code once."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)  # type: ignore[no-untyped-call]
        self._coloured = lru_cache(_KEPT)(super().__call__)

    def __call__(self, source: str, language: str | None = None, metadata: Any = None) -> str:
        if metadata and "magics_language" in metadata:
            return str(super().__call__(source, language, metadata))  # type: ignore[no-untyped-call]
        return str(self._coloured(source, language))


_STAND_INS = {GetGrades: _GetGrades, CSSHTMLHeaderPreprocessor: _CssHeader}
