"""Our results in nbgrader's pipeline: outputs of its graded cells, from which it takes the score, and comments.

nbgrader gives full marks to a graded cell without output, and to one whose output is not a number. So what stands here
is written for every graded cell or for none: anything missing or odd is an error, and `SubmissionExporter` then takes
back the submission's grade.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Any as AnyTrait

from autograder.errors import GraderFault, NotGradable
from autograder.host import marks
from autograder.host.wording import comment_on
from autograder.records import ExerciseResult, Isolation, Record
from autograder.submission import CHECK_PREFIX, grade_id

RECORD = "autograder_record"
"""Where the record is among the resources that the steps hand on."""


class GradeOutside(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Takes the place of `Execute`: student code runs in our grader, and nothing of it in nbgrader.

    Not derived from `Execute`, because `--no-execute` switches that off and lets a student's saved outputs be scored.
    """

    record_for = AnyTrait(
        None, allow_none=True, help="Called with (root, assignment, student) for a record; by default the chain's."
    ).tag(config=True)

    def __call__(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Run always: without it, `enabled = False` would mean full marks for everybody."""
        return self.preprocess(nb, resources)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Write the results into the notebook.

        Raises:
            NotGradable: when the submission cannot be graded.
            GraderFault: when the grader failed, or the result and the notebook do not fit together.
        """
        who = resources["nbgrader"]
        record = self._record(who["assignment"], who["student"])
        write_results(nb, record)
        resources[RECORD] = record
        return nb, resources

    def _record(self, assignment: str, student: str) -> Record:
        source = self.record_for
        if source is None:
            from autograder.chain import record_for as source  # late: the chain takes seconds to import
        record: Record = source(Path(self.parent.parent.coursedir.root), assignment, student)
        if (record.assignment, record.student) != (assignment, student):
            raise GraderFault(f"expected the result of {student}, found that of {record.student}")
        reason = " ".join(record.notes) or "no reason was given"
        if record.status == "not_gradable":
            raise NotGradable(reason)
        if record.status != "graded":
            raise GraderFault(reason)
        return record


def write_results(notebook: Any, record: Record) -> None:
    """Replace all outputs of a notebook by the results of its exercises.

    Raises:
        GraderFault: when an exercise has no graded cell, or a graded cell no result.
    """
    results = {CHECK_PREFIX + exercise.id: exercise for exercise in record.exercises}
    missing = set(results)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        role = cell.metadata.get("nbgrader", {})
        if not role.get("grade") or role.get("solution"):
            continue
        name = grade_id(cell)
        if name not in results:
            raise GraderFault(f"the graded cell {name} has no result: it would get full marks. Run `autograder build`")
        cell.outputs = [result_output(results[name], float(role["points"]), record.isolation)]
        missing.discard(name)
    if missing:
        raise GraderFault(f"no graded cell {', '.join(sorted(missing))} in the notebook. Run `autograder build`")


def result_output(exercise: ExerciseResult, points: float, isolation: Isolation = "confined") -> Any:
    """Return the one output of a graded cell: its score for nbgrader, its card for people.

    Raises:
        GraderFault: when the score is not a number, or the gradebook gives the cell other points than the course.
    """
    from autograder.report.card import exercise_card_html

    if not math.isfinite(exercise.score):
        raise GraderFault(f"the score of {exercise.id} is {exercise.score}, which is no number of points")
    if not marks.same(exercise.max_score, points):
        raise GraderFault(
            f"{exercise.id} is worth {exercise.max_score:g} points, in the gradebook {points:g}. "
            "Run `autograder build` and then `nbgrader generate_assignment --force`"
        )
    score = repr(float(min(max(exercise.score, 0.0), points)))
    data = {"text/html": exercise_card_html(exercise, isolation), "text/plain": score}
    return new_output("execute_result", data=data, execution_count=None)


class WriteComments(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Says in a sentence or two under each solution what was found; a comment by a person takes precedence.

    Runs after `SaveAutoGrades`, which clears the comments.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Write the comments into the gradebook."""
        who, record = resources["nbgrader"], resources[RECORD]
        with Gradebook(who["db_url"]) as gradebook:
            for exercise in record.exercises:
                comment = gradebook.find_comment(exercise.id, who["notebook"], who["assignment"], who["student"])
                comment.auto_comment = comment_on(exercise, record.isolation)
            gradebook.db.commit()
        return nb, resources
