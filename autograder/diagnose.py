"""Names the mistake behind wrong numbers: replays what was asked of the student with every known mistake.

A known mistake explains a failed check when it gives the student's results in all of that check's calls, and not the
reference's. One such call could be chance in a small case, so it takes two within the exercise before a name is said:
where there is only one, the check is run again on other inputs. Of several that explain a check, the one is named that
explains most of the exercise; when that is no single one, none is.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import torch
from torch import Tensor

from autograder.authoring import Misconception
from autograder.catalogue import Catalogue
from autograder.errors import StudentError, StudentFailure
from autograder.inside.executor import Executor
from autograder.students import Step, live_asker
from autograder.wire import Call, Handle, Picture

_ENOUGH_EVIDENCE = 2
_TOLERANCE = (1e-5, 1e-4)
_LARGEST, _LONGEST = 20_000, 2_000
"""Numbers in an argument, and along one of its axes, of a call that is repeated; checks stay far below."""


RunAgain = Callable[[str], list[Step]]


def name_the_mistakes(
    catalogue: Catalogue, exercise: str, failed: dict[str, list[Step]], run_again: RunAgain
) -> dict[str, Misconception]:
    """Return, for each failed check that a known mistake explains, that mistake.

    Args:
        catalogue: of the assignment
        exercise: whose checks they are
        failed: transcripts of the failed checks, by the check's id
        run_again: runs a check on other inputs and returns its transcript
    """
    evidence, explains = _explanations(catalogue, exercise, failed)
    for check, entries in explains.items():
        if entries and max(evidence[e.name] for e in entries) < _ENOUGH_EVIDENCE:
            again, explains_again = _explanations(catalogue, exercise, {check: run_again(check)})
            explains[check] = [e for e in entries if e in explains_again.get(check, [])]
            for entry in explains[check]:
                evidence[entry.name] += again[entry.name]
    named: dict[str, Misconception] = {}
    for check, entries in explains.items():
        best = max((evidence[e.name] for e in entries), default=0)
        likeliest = [e for e in entries if evidence[e.name] == best >= _ENOUGH_EVIDENCE]
        if len(likeliest) == 1:
            named[check] = likeliest[0]
    return named


def _explanations(
    catalogue: Catalogue, exercise: str, failed: dict[str, list[Step]]
) -> tuple[dict[str, int], dict[str, list[Misconception]]]:
    """Return the number of telling calls by known mistake, and the known mistakes that explain each check."""
    failed = {check: steps for check, steps in failed.items() if steps and all(_small(step.call) for step in steps)}
    evidence: dict[str, int] = {}
    explains: dict[str, list[Misconception]] = {check: [] for check in failed}
    if not failed:
        return evidence, explains
    with silence():
        right = {check: list(_replay(catalogue.reference, steps)) for check, steps in failed.items()}
        mistakes = catalogue.mistakes_in(exercise)
        # Mistakes of earlier exercises, made inside this one, are many. They are tried where none of its own fits.
        for own in (True, False):
            left = {check: steps for check, steps in failed.items() if not explains[check]}
            for variant in mistakes:
                entry = variant.entry
                assert isinstance(entry, Misconception)
                if not left or (entry.exercise == exercise) is not own:
                    continue
                namespace = catalogue.namespace(variant)
                for check, steps in left.items():
                    if telling := _telling_calls(steps, _replay(namespace, steps), right[check]):
                        evidence[entry.name] = evidence.get(entry.name, 0) + telling
                        explains[check].append(entry)
    return evidence, explains


def _small(value: Any) -> bool:
    """Say whether a call can be repeated here: a check may have passed on what the student returned, however large."""
    if isinstance(value, Call):
        return _small((value.args, value.kwargs, value.toward))
    if isinstance(value, Tensor):
        return value.numel() <= _LARGEST and max(value.shape, default=0) <= _LONGEST
    if isinstance(value, dict):
        return all(_small(item) for item in value.values())
    return not isinstance(value, (tuple, list)) or all(_small(item) for item in value)


def _telling_calls(steps: list[Step], found: Iterator[Any], right: list[Any]) -> int:
    """Return in how many calls the mistake gives the student's result and not the right one; 0 if any call differs."""
    telling = 0
    for step, of_mistake, of_reference in zip(steps, found, right, strict=True):
        if not same(step.outcome, of_mistake):
            return 0  # most known mistakes end here, at the first call, and the rest need not be replayed
        telling += not same(of_mistake, of_reference)
    return telling


def _replay(namespace: dict[str, Any], steps: list[Step]) -> Iterator[Any]:
    ask = live_asker(Executor(namespace))
    for step in steps:
        try:
            yield ask(step.call)
        except StudentFailure as error:
            yield error


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Known solutions may warn and print; nobody wants to hear it. Nor may they move the global generator."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        torch.random.fork_rng(devices=[]),
    ):
        warnings.simplefilter("ignore")
        yield


def same(a: Any, b: Any) -> bool:
    """Say whether two outcomes of a call are the same, up to rounding."""
    if isinstance(a, StudentError) and isinstance(b, StudentError):
        return a.kind == b.kind
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and _close(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, Handle):
        return bool(a.number == b.number)  # how the student calls the class does not matter
    if isinstance(a, Picture):
        return all(same(x, y) for x, y in zip(msgspec.structs.astuple(a), msgspec.structs.astuple(b), strict=True))
    return not isinstance(a, StudentFailure) and bool(a == b)


def _close(a: Tensor, b: Tensor) -> bool:
    absolute, relative = _TOLERANCE
    wide = torch.complex128 if a.is_complex() else torch.float64
    return torch.allclose(a.to(wide), b.to(wide), rtol=relative, atol=absolute, equal_nan=True)
