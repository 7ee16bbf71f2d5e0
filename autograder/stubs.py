"""Cuts an exercise out of the reference solutions by name, so that stubs and solutions cannot drift apart.

Three views of the same lines: the solution as it stands, the solution with nbgrader's marks around what the student has
to write, and the stub with nbgrader's placeholder in that place. Only the text is read; nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from textwrap import dedent

from autograder.errors import UsageError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Region = tuple[int, int]
"""First and last line of a body without its docstring; lines count from 1."""


def solution_source(module: Path, name: str) -> str:
    """Return the source of a function or class, with decorators, signature, docstring and comments, to the letter.

    Raises:
        UsageError: when the module cannot be read or defines nothing of that name.
    """
    lines, first, last, _ = _find(module, name)
    return "\n".join(lines[first - 1 : last])


def marked_source(module: Path, name: str) -> str:
    """Return the solution with nbgrader's marks around each body, after the docstring.

    Raises:
        UsageError: as `solution_source`, and when there is no body to take out.
    """
    return _replaced(module, name, lambda indent, body: [indent + BEGIN, *body, indent + END])


def stub_source(module: Path, name: str, stub: str = STUB) -> str:
    """Return what the student gets: signatures, docstrings, and `stub` in the place of each body.

    Raises:
        UsageError: as `marked_source`.
    """
    return _replaced(module, name, lambda indent, _: [indent + line for line in stub.split("\n")])


def bugged_source(module: Path, name: str, wrong_module: Path, mistake: str) -> str:
    """Return the function with its signature and docstring, and a known mistake in the place of its body.

    Raises:
        UsageError: when either cannot be read, or one of them is no function.
    """
    lines, _, _, regions = _find(wrong_module, mistake)
    if len(regions) != 1 or len(_find(module, name)[3]) != 1:
        raise UsageError(f"{name} cannot start from {mistake}: both must be functions")
    body = dedent("\n".join(lines[regions[0][0] - 1 : regions[0][1]])).split("\n")
    return _replaced(module, name, lambda indent, _: [(indent + line).rstrip() for line in body])


def _replaced(module: Path, name: str, change: Callable[[str, list[str]], list[str]]) -> str:
    """Return the definition with each body changed; `change` gets its indentation and its lines."""
    lines, first, last, regions = _find(module, name)
    if not regions:
        raise UsageError(
            f"{module}: {name} has no function body that a student could write. Give it a function or a method"
        )
    result: list[str] = []
    done = first - 1
    for start, end in regions:
        result += lines[done : start - 1]
        body = lines[start - 1 : end]
        written = next(line for line in body if line.strip() and not line.lstrip().startswith("#"))
        result += change(written[: len(written) - len(written.lstrip())], body)
        done = end
    return "\n".join(result + lines[done:last])


def _find(module: Path, name: str) -> tuple[list[str], int, int, list[_Region]]:
    """Return the module's lines, the first and last line of the definition, and the bodies in it."""
    try:
        text = module.read_text(encoding="utf-8")
        tree = _parsed(text)
    except FileNotFoundError:
        raise UsageError(f"{module} is missing; it should hold the solution of {name}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{module} cannot be read as Python: {error}") from None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [node for node in tree.body if isinstance(node, kinds) and node.name == name]
    if not found:
        raise UsageError(f"{module} defines no function or class {name!r}. Write it, or correct the name")
    lines = text.split("\n")
    node = found[-1]
    regions = [_region(module, lines, function) for function in _functions(node) if _statements(function)]
    last = max([node.end_lineno or node.lineno, *(end for _, end in regions)])
    first = _first_line(node)
    if any(mark.removeprefix("### ") in line for line in lines[first - 1 : last] for mark in (BEGIN, END)):
        raise UsageError(f"{module}: {name} holds nbgrader's own solution marks. Take them out: `build` puts them in")
    return lines, first, last, regions


@lru_cache(maxsize=8)
def _parsed(text: str) -> ast.Module:
    """Parse a file once, not once for each of the hundred entries that are cut out of it."""
    return ast.parse(text)


def _functions(node: ast.stmt) -> Iterator[_Function]:
    """Yield the function itself, or the methods of a class and of the classes in it."""
    if isinstance(node, ast.ClassDef):
        for child in node.body:
            yield from _functions(child)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node


def _statements(function: _Function) -> list[ast.stmt]:
    """Return the body without its docstring."""
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def _region(module: Path, lines: list[str], function: _Function) -> _Region:
    statements = _statements(function)
    start = _first_line(statements[0])
    column = statements[0].col_offset
    if lines[start - 1].encode()[:column].strip():
        raise UsageError(f"{module}, line {start}: the body of {function.name} must begin on a line of its own")
    # Comments between the docstring (or the signature) and the first statement belong to the solution.
    while not lines[start - 2].strip() or lines[start - 2].lstrip().startswith("#"):
        start -= 1
    if statements is not function.body:
        start = (function.body[0].end_lineno or start) + 1
        while not lines[start - 1].strip():
            start += 1
    end = statements[-1].end_lineno or start
    for number in range(end, len(lines)):
        line = lines[number]
        if not line.strip():
            continue
        if not (line.lstrip().startswith("#") and len(line) - len(line.lstrip()) >= column):
            break
        end = number + 1
    return start, end


def _first_line(node: ast.stmt) -> int:
    """Return the line of the first decorator, or of the statement."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
