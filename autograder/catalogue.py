"""Reads the catalogue: known wrong and known right solutions, as sources that can take the place of the reference.

An entry's source is cut out of its file and renamed to its exercise. It runs where a student's cell would run: in a
namespace that has torch and all exercises of the reference. A wrong solution of an early exercise is also known
*inlined* in every later exercise that stands on it, because students write `scaled_dot_product_attention` in one piece
as well.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import msgspec

from autograder.authoring import Alternative, Misconception
from autograder.course import Assignment
from autograder.errors import UsageError
from autograder.stubs import solution_source


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A solution of an exercise that is not the reference."""

    entry: Misconception | Alternative
    exercise: str
    """The exercise that it solves; another than the entry's own when it is inlined."""
    source: str
    """A cell that defines the exercise."""


class Catalogue:
    """All variants of an assignment.

    Args:
        assignment: with its folder in the course

    Raises:
        UsageError: when an entry names an unknown exercise or two entries share a name.
    """

    def __init__(self, assignment: Assignment) -> None:
        if assignment.solution is None:
            raise UsageError(f"{assignment.id} was read from a release: it has no reference solutions")
        self.assignment = assignment
        self.solution_path = assignment.solution
        self.reference = vars(load_module(assignment.solution))
        self.misconceptions = self._read("misconceptions.py", Misconception)
        self.alternatives = self._read("alternatives.py", Alternative)
        self._mistakes: dict[str, list[Variant]] = {}
        self._code: dict[str, CodeType] = {}

    def _read(self, name: str, kind: type[Misconception] | type[Alternative]) -> list[Variant]:
        path = self.assignment.folder / name
        if not path.is_file():
            return []
        module = load_module(path)
        # Python keeps only the last of two functions of one name, so they are counted in the source.
        defined = [n.name for n in ast.parse(path.read_bytes()).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        if doubled := {name for name in defined if defined.count(name) > 1}:
            raise UsageError(f"{path}: two entries are called {', '.join(sorted(doubled))}")
        found: list[Variant] = []
        for thing in vars(module).values():
            entry = getattr(thing, "__autograder_entry__", None)
            if not isinstance(entry, kind):
                continue
            self.assignment.exercise(entry.exercise)
            source = renamed(undecorated(solution_source(path, entry.name)), {entry.name: entry.exercise})
            found.append(Variant(entry=entry, exercise=entry.exercise, source=source))
        return found

    def reference_source(self, exercise: str) -> str:
        """Return the source of the reference's solution of one exercise."""
        return solution_source(self.solution_path, exercise)

    def mistakes_in(self, exercise: str) -> list[Variant]:
        """Return every known wrong solution of an exercise: its own, then the inlined ones of its prerequisites."""
        if exercise not in self._mistakes:
            own = [v for v in self.misconceptions if v.exercise == exercise]
            below = self.assignment.prerequisites(exercise)
            inlined = [self.inlined(v, exercise) for v in self.misconceptions if v.exercise in below]
            self._mistakes[exercise] = own + inlined
        return self._mistakes[exercise]

    def inlined(self, variant: Variant, exercise: str) -> Variant:
        """Return the reference's solution of `exercise` as it would be with this wrong prerequisite inside."""
        on_the_way = [
            name
            for name in self.assignment.prerequisites(exercise)
            if variant.exercise in self.assignment.prerequisites(name)
        ]
        private = {name: f"_{name}" for name in (variant.exercise, *on_the_way)}
        parts = [renamed(variant.source, {variant.exercise: private[variant.exercise]})]
        parts += [renamed(self.reference_source(name), private) for name in on_the_way]
        parts.append(renamed(self.reference_source(exercise), private))
        return Variant(entry=variant.entry, exercise=exercise, source="\n\n\n".join(parts))

    def namespace(self, variant: Variant) -> dict[str, Any]:
        """Return a namespace in which the variant has taken the place of the reference."""
        if variant.source not in self._code:
            self._code[variant.source] = compile(variant.source, f"<catalogue: {variant.entry.name}>", "exec")
        namespace = dict(self.reference)
        exec(self._code[variant.source], namespace)
        return namespace


def load_module(path: Path) -> ModuleType:
    """Import a file of the author's by its path; `solutions` can be imported from it.

    Raises:
        UsageError: when the file is missing or raises while it is imported.
    """
    root = path.parent.parent if path.parent.name == "solutions" else path.parent.parent.parent
    spec = importlib.util.spec_from_file_location(f"autograder_course.{path.parent.name}.{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(root))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(root))
        # Another course may have a package of this name, and the next one to ask must get its own.
        for name in [name for name in sys.modules if name.partition(".")[0] == "solutions"]:
            del sys.modules[name]
    return module


def undecorated(source: str) -> str:
    """Return the source of a definition without its decorators."""
    definition = ast.parse(source).body[0]
    return "\n".join(source.splitlines()[definition.lineno - 1 :])


def renamed(source: str, names: dict[str, str]) -> str:
    """Return the source with names replaced; comments survive only where nothing but the definition is renamed."""
    tree = ast.parse(source)
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names]
    definition = tree.body[0]
    if not uses and isinstance(definition, (ast.FunctionDef, ast.ClassDef)):
        new = names.get(definition.name, definition.name)
        keyword = "class" if isinstance(definition, ast.ClassDef) else "def"
        return source.replace(f"{keyword} {definition.name}", f"{keyword} {new}", 1)
    for use in uses:
        use.id = names[use.id]
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
            node.name = names[node.name]
    return ast.unparse(tree)
