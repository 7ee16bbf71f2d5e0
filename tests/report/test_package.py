"""The report stands on the records alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import autograder.report

ALLOWED = {"autograder.records", "autograder.errors", "jinja2", "rich"}


def imported(source: str) -> set[str]:
    """Return the modules that a file imports, wherever in it."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
    return modules


def test_it_imports_records_templates_and_terminal_only() -> None:
    """No other part of the kit, nothing that reads files, starts processes or knows the time."""
    folder = Path(autograder.report.__file__).parent
    foreign = {
        f"{path.name}: {module}"
        for path in sorted(folder.glob("*.py"))
        for module in imported(path.read_text(encoding="utf-8"))
        if module.split(".")[0] not in sys.stdlib_module_names
        and not module.startswith("autograder.report")
        and not any(module == allowed or module.startswith(f"{allowed}.") for allowed in ALLOWED)
    }
    worldly = {"os", "pathlib", "subprocess", "time", "datetime", "random", "socket"}
    used = {module for path in folder.glob("*.py") for module in imported(path.read_text(encoding="utf-8"))}

    assert not foreign
    assert not used & worldly


def test_what_it_offers_is_what_the_docstring_says() -> None:
    text = autograder.report.__doc__ or ""

    assert all(name in text and hasattr(autograder.report, name) for name in autograder.report.__all__)
