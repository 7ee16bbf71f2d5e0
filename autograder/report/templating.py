"""The templates of this package, with escaping always on."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.report import words
from autograder.report.clean import name, one_line

_BACKTICKS = re.compile(r"`([^`\n]+)`")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"runs": _runs, "name": name, "one_line": one_line}
    environment.filters |= {"mistake": words.mistake, "plural": words.plural}
    return environment


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package; every value is escaped."""
    return _environment().get_template(template).render(**values)


def _runs(text: str) -> list[tuple[bool, str]]:
    """Split text at its `backticks` into runs of (is it code, text)."""
    return [(index % 2 == 1, run) for index, run in enumerate(_BACKTICKS.split(text)) if run]
