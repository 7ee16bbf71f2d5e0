"""How nbgrader reads and converts one submission: any file at all, and no old mark left standing when it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter

from autograder.course import read_course
from autograder.errors import AutograderError, GraderFault
from autograder.host import marks
from autograder.host.wording import escaped
from autograder.submission import read_bytes, read_notebook

_KEPT_FILES = {"timestamp.txt"}
"""nbgrader's own: the formgrader compares it with the submission's."""


class SubmissionExporter(NotebookExporter):
    """Reads a submission as our grader does, and takes its automatic grade back when anything goes wrong.

    nbgrader reads a file before its first preprocessor, and for an error keeps the grade of the last run. Errors leave
    here as `AutograderError`, which nbgrader logs before it goes on with the next submission; some of its own, such as
    those about metadata, would stop the batch.
    """

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert the notebook in a file.

        Raises:
            NotGradable: when it cannot be graded as it is.
            GraderFault: when anything else fails.
        """
        try:
            return super().from_filename(filename, resources, **kw)
        except AutograderError as error:
            self._withdraw(resources, str(error))
            raise
        except Exception as error:
            self._withdraw(resources, "the grader failed")
            raise GraderFault(f"{Path(filename).name}: {type(error).__name__}: {error}") from error

    def from_file(
        self, file_stream: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert the notebook in an open file: in the first pass the student's, in the second what came of it."""
        path = Path(file_stream.name)
        if path.is_relative_to(self._folder("autograded")):
            self._prune(path.parent, resources)
            return super().from_file(file_stream, resources, **kw)
        limit = read_course(Path(self._course.root)).limits.notebook_mib
        notebook = tidied(path, limit)
        converted: tuple[Any, Any] = self.from_notebook_node(notebook, resources, **kw)  # type: ignore[no-untyped-call]
        return converted

    @property
    def _course(self) -> Any:
        """Nbgrader's description of the course's folders."""
        converter: Any = self.parent
        return converter.coursedir

    def _prune(self, folder: Path, resources: Any) -> None:
        """Remove what the student handed in beside the notebook, lest it travels on into the feedback.

        A link among it would by now be a copy of the file that it led to.
        """
        source = self._folder("source", assignment=resources["nbgrader"]["assignment"])
        for path in sorted(folder.rglob("*"), reverse=True):
            name = path.relative_to(folder)
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.suffix != ".ipynb" and str(name) not in _KEPT_FILES and not (source / name).is_file():
                path.unlink()

    def _withdraw(self, resources: Any, reason: str) -> None:
        who = resources["nbgrader"]
        marks.withdraw(who["db_url"], who["assignment"], who["student"], f"Not graded: {escaped(reason)}")
        feedback = self._folder("feedback", who["assignment"], who["student"])
        shutil.rmtree(feedback, ignore_errors=True)  # it would go on showing a mark that no longer stands

    def _folder(self, step: str, assignment: str | None = None, student: str = ".") -> Path:
        """Return the folder of one of nbgrader's steps, or in it that of a submission."""
        course = self._course
        name = getattr(course, f"{step}_directory")
        if assignment is None:
            return Path(course.root, name).resolve()
        return Path(course.format_path(name, student, assignment)).resolve()


def tidied(path: Path, limit_mib: float) -> Any:
    """Read a submitted notebook into one of format 4.5 that is valid, whatever the file held.

    Sources, nbgrader's metadata and whether a cell is code are kept; outputs and all other metadata are not.

    Raises:
        NotGradable: when it is not a notebook.
    """
    cells = []
    for index, raw in enumerate(read_notebook(read_bytes(path, limit_mib))):
        # A raw cell would arrive in the feedback as HTML.
        kind = "code" if raw["cell_type"] == "code" else "markdown"
        nbgrader = raw["metadata"].get("nbgrader")
        cell = {
            "cell_type": kind,
            "id": f"cell-{index + 1}",
            "metadata": {"nbgrader": nbgrader} if isinstance(nbgrader, dict) else {},
            # Half a surrogate pair is valid in JSON, but no file or database takes it.
            "source": raw["source"].encode("utf-8", "replace").decode("utf-8"),
        }
        cells.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict(notebook)
