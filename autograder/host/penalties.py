"""Penalties for late submissions, by nbgrader's own step and the plugin that the settings name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.utils.importstring import import_item

from autograder.host.environment import quietly
from autograder.host.rows import Held, Source
from autograder.host.settings import read_config


def late_penalties(root: Path, source: Source, held: dict[str, Held]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return the penalty of each student, None for no penalty, and for whom there is none because the plugin failed.

    Both are empty where the settings leave this step out.

    Args:
        root: the course
        source: of the assignment
        held: what the gradebook holds, by student; the penalty depends on the points
    """
    penalties: dict[str, float | None] = {}
    problems = {}
    with quietly() as (log, _):
        config = read_config(root)
        settings = Autograde(coursedir=CourseDirectory(config=config, log=log), config=config, log=log)
        chosen = [import_item(e) if isinstance(e, str) else e for e in settings.autograde_preprocessors]
        if AssignLatePenalties not in chosen:
            return {}, {}
        step = AssignLatePenalties(parent=settings)
        step.init_plugin()
        for student, own in held.items():
            try:
                penalties[student] = _penalty(step, student, own, own.seconds_late(source.duedate))
            except Exception as error:  # a plugin is anybody's code
                problems[student] = f"the penalty for being late: {type(error).__name__}: {error}"
    return penalties, problems


def _penalty(step: Any, student: str, held: Held, seconds_late: float) -> float | None:
    if seconds_late <= 0:
        return None
    penalty = step.plugin_inst.late_submission_penalty(student, held.score, seconds_late)
    if penalty is None:
        return None
    return float(step._check_late_penalty(SimpleNamespace(score=held.score), penalty))
