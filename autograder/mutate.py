"""Changes a solution, one small thing at a time: each mutant is wrong in a way that nobody thought of.

Known mistakes test the checks against what somebody had in mind; mutants, against the rest. Nothing is run here.

The operators are our own. Those of cosmic-ray, the library for it that can be called from a program, know operators,
numbers and booleans, but no axis, no argument, no statement, nothing in place, no gradient that is cut off; what they
share with ours are some tables, and they would bring over ten packages, a web server among them, into the environment
of everybody who grades.

What is left as it is: docstrings, annotations, names in quotation marks, and the text of errors.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from copy import copy
from difflib import unified_diff
from itertools import pairwise
from typing import Any

import msgspec

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_ORDER_MATTERS = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
_IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "add_", ast.Sub: "sub_", ast.Mult: "mul_", ast.Div: "div_", ast.BitAnd: "logical_and_",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_RELATED = {
    "sin": ("cos",), "cos": ("sin",), "amax": ("amin",), "amin": ("amax",), "max": ("min",), "min": ("max",),
    "argmax": ("argmin",), "sum": ("mean",), "mean": ("sum",), "var": ("std",), "exp": ("expm1",), "log": ("log1p",),
    "sqrt": ("exp",), "rsqrt": ("sqrt",), "zeros": ("ones",), "ones": ("zeros",), "triu": ("tril",), "tril": ("triu",),
    "transpose": ("reshape",), "permute": ("reshape",), "reshape": ("view",), "float32": ("float64", "float16"),
    "float64": ("float32",), "ge": ("gt",), "gt": ("ge",), "masked_fill": ("masked_fill_",), "clamp": ("clamp_",),
    "clamp_min": ("clamp_max",), "tanh": ("sigmoid",), "relu": ("gelu",), "gelu": ("relu",), "eval": ("train",),
}  # fmt: skip
"""What stands for something else under another name. Those that end in _ change a tensor in place: only arguments."""
_EITHER_ORDER = ("transpose", "swapaxes", "maximum", "minimum", "equal", "allclose", "isinstance")
_MODULES = ("torch", "math", "nn", "F", "plt", "np")
_UNTOUCHED = {"annotation", "returns", "exc", "ctx", "type_comment", "type_params"}
_KEPT = (ast.Return, ast.Raise, ast.If, ast.FunctionDef, ast.ClassDef, ast.Pass, ast.Import, ast.ImportFrom)
_Change = tuple[ast.AST, str]
"""What takes the place of a node, and what that is in words, where "this became that" would not say it."""


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """A solution with one small change."""

    exercise: str
    name: str
    """Which line was changed and how: stays the same while that line stays as it is."""
    source: str
    diff: str
    """The lines that are different, before and after."""


class _Place(msgspec.Struct, frozen=True):
    """A node and where it hangs."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    tensors: frozenset[str]
    """Arguments of the function around it that are tensors."""

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(exercise: str, source: str) -> list[Mutant]:
    """Return all mutants of a definition, in the order of its text; no two are the same.

    Args:
        exercise: what it solves
        source: a function or a class, as it stands in the solutions
    """
    tree, lines = ast.parse(source), _without_comments(source)
    original = ast.unparse(tree)
    seen, names, found = {original}, Counter[str](), []
    layers = _layers(tree)
    for place in list(_places(tree, frozenset())):
        line = lines[getattr(place.node, "lineno", 1) - 1]
        for new, words in list(_changes(place, layers)):
            words = words or f"{_short(place.node)} became {_short(new)}"
            place.put(new)
            text = ast.unparse(tree)
            place.put(place.node)
            if text in seen or not _compiles(text):
                continue
            seen.add(text)
            name = f"{exercise}: '{line}': {words}"
            names[name] += 1
            name += f" ({names[name]})" if names[name] > 1 else ""
            found.append(Mutant(exercise=exercise, name=name, source=text, diff=_difference(original, text)))
    return found


def _without_comments(source: str) -> list[str]:
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return [line.strip() for line in lines]


def _short(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0]


def _compiles(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _difference(before: str, after: str) -> str:
    lines = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if not line.startswith("@@"))


def _places(node: ast.AST, tensors: frozenset[str]) -> Iterator[_Place]:
    """Yield every node that may be changed, from the top down."""
    if isinstance(node, ast.FunctionDef):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        tensors = frozenset(a.arg for a in arguments if a.annotation and "Tensor" in ast.unparse(a.annotation))
    for field, value in ast.iter_fields(node):
        if field in _UNTOUCHED:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr) or _is_text(child):
                continue
            yield _Place(node, field, index, child, tensors)
            if _number(child) is None:  # the 1 of -1 is no number of its own
                yield from _places(child, tensors)


def _is_text(node: ast.AST) -> bool:
    node = node.value if isinstance(node, ast.Expr) else node
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _layers(tree: ast.AST) -> dict[str, str]:
    """Return for each layer that a class makes the next one of its kind: the one it may be taken for."""
    kinds: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for target in node.targets:
                if isinstance(target, ast.Attribute):
                    kinds.setdefault(ast.unparse(node.value.func), []).append(target.attr)
    return {name: names[i - 1] for names in kinds.values() for i, name in enumerate(names) if len(names) > 1}


def _changes(place: _Place, layers: dict[str, str]) -> Iterator[_Change]:
    """Yield everything that may take the place of a node."""
    node = place.node
    if isinstance(node, ast.stmt):
        yield from _of_a_statement(place, node)
    if place.field == "ifs" or (place.field == "test" and isinstance(place.parent, (ast.If, ast.IfExp))):
        yield ast.Constant(True), f"`if {_short(node)}` is always taken"
        yield ast.Constant(False), f"`if {_short(node)}` is never taken"
    if (number := _number(node)) is not None:
        yield from ((ast.parse(repr(new), mode="eval").body, "") for new in _other_numbers(number))
    match node:
        case ast.BinOp():
            yield from _of_an_operation(place, node)
        case ast.UnaryOp(operand=operand) if number is None:
            yield operand, ""
        case ast.Compare(left=left, ops=[op], comparators=others):
            yield from ((ast.Compare(left, [other()], others), "") for other in _COMPARISONS[type(op)])
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values), ""
            yield from ((value, "") for value in values)
        case ast.Call():
            yield from _of_a_call(node)
        case ast.Attribute(value=value, attr=name):
            if name == "inf":
                yield ast.Constant(1e9), ""
            for other in _RELATED.get(name, ()):
                if not other.endswith("_") or (isinstance(value, ast.Name) and value.id in place.tensors):
                    yield ast.Attribute(value, other), ""
            if isinstance(value, ast.Name) and value.id == "self" and name in layers and place.field == "func":
                yield ast.Attribute(value, layers[name]), ""
        case ast.Subscript(value=value):
            yield value, ""
        case ast.Name(id=name) if name in place.tensors:
            yield from ((ast.Name(other), "") for other in sorted(place.tensors - {name}))
        case ast.Slice():
            for part in ("lower", "upper", "step"):
                if (bound := getattr(node, part)) is not None and _number(bound) != 0:
                    yield _with(node, **{part: None}), ""


def _of_a_statement(place: _Place, node: ast.stmt) -> Iterator[_Change]:
    if not isinstance(node, _KEPT) and not (isinstance(node, ast.AnnAssign) and node.value is None):
        yield ast.Pass(), "dropped"
    match node:
        case ast.FunctionDef(decorator_list=decorators):
            for i, decorator in enumerate(decorators):
                rest = decorators[:i] + decorators[i + 1 :]
                yield _with(node, decorator_list=rest), f"@{_short(decorator)} dropped"
        case ast.With(body=body):
            yield ast.If(ast.Constant(True), body, []), f"{_short(node)} dropped"
        case ast.AugAssign(target=target, op=op, value=value):
            if type(op) in _OPERATORS:
                yield ast.AugAssign(target, _OPERATORS[type(op)](), value), ""
            yield ast.Assign([target], value, lineno=node.lineno), ""
        case ast.Return(value=ast.expr() as value) if place.tensors:
            for method in ("detach", "float"):
                for result, tail in _results_with(value, method):
                    yield ast.Return(result), f"{tail}.{method}() on the result"
        case ast.Assign(targets=targets, value=value) if place.tensors and ".detach()" not in ast.unparse(value):
            yield ast.Assign(targets, _method(value, "detach"), lineno=node.lineno), ".detach() on it"


def _results_with(value: ast.expr, method: str) -> Iterator[tuple[ast.expr, str]]:
    """Yield what is returned with a method called on it, or on each part of a tuple."""
    if not isinstance(value, ast.Tuple):
        yield _method(value, method), ""
        return
    for i, part in enumerate(value.elts):
        changed = [*value.elts[:i], _method(part, method), *value.elts[i + 1 :]]
        yield ast.Tuple(changed, ast.Load()), f"{_short(part)}: "


def _of_an_operation(place: _Place, node: ast.BinOp) -> Iterator[_Change]:
    left, right, op = node.left, node.right, node.op
    if type(op) in _OPERATORS:
        yield ast.BinOp(left, _OPERATORS[type(op)](), right), ""
    if isinstance(op, _ORDER_MATTERS):
        yield ast.BinOp(right, op, left), ""
    yield left, ""
    yield right, ""
    if isinstance(left, ast.Name) and left.id in place.tensors and type(op) in _IN_PLACE:
        yield _method(left, _IN_PLACE[type(op)], right), ""


def _of_a_call(node: ast.Call) -> Iterator[_Change]:
    args, keywords = node.args, node.keywords
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    for i in range(len(args)):
        yield _with(node, args=args[:i] + args[i + 1 :]), ""
    if name not in _EITHER_ORDER:
        for i in range(len(args) - 1):
            yield _with(node, args=[*args[:i], args[i + 1], args[i], *args[i + 2 :]]), ""
    for i in range(len(keywords)):
        yield _with(node, keywords=keywords[:i] + keywords[i + 1 :]), ""
    for one, other in pairwise(keywords):
        swapped = {one: ast.keyword(one.arg, other.value), other: ast.keyword(other.arg, one.value)}
        yield _with(node, keywords=[swapped.get(k, k) for k in keywords]), ""
    # The call itself left out: what it was called on, or called with, is the result.
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if owner is None or (isinstance(owner, ast.Name) and owner.id in (*_MODULES, "self")):
        yield from ((arg, "") for arg in args[:1])
    elif not name.startswith("__"):
        yield owner, ""


def _number(node: Any) -> bool | int | float | None:
    """Return the number that is written here, with its sign; None for everything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, (int, float)) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)) else None


def _other_numbers(number: bool | int | float) -> list[bool | int | float]:
    if isinstance(number, bool):
        return [not number]
    if isinstance(number, int):  # among them the axes beside an axis, and the first one
        return [number + 1, number - 1, *([0] if number < -1 else [])]
    return [1.0] if number == 0 else [0.0, 2 * number]


def _method(value: ast.expr, name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(value, name), list(args), [])


def _with(node: ast.AST, **fields: Any) -> ast.AST:
    changed = copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
