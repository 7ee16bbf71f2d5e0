"""Makes the recordings of a release: runs every known mistake through the public checks and keeps what it gives.

Recording takes a while, so a file says from what it was made. Where that has not changed the old file is taken over,
which also makes it the same on every machine: another processor may round the last bit of a number another way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import safetensors.torch
import torch
from torch import Tensor

from autograder.authoring import Misconception
from autograder.catalogue import Catalogue
from autograder.checks.draw import seed_for
from autograder.checks.runner import Check
from autograder.course import Assignment, Exercise
from autograder.diagnose import same, silence
from autograder.errors import StudentFailure
from autograder.homework.live import LiveChecks
from autograder.homework.recordings import (
    ENOUGH_EVIDENCE,
    FILE,
    OTHER_INPUTS,
    Contents,
    Mark,
    Mistake,
    Trace,
    tell_apart,
)
from autograder.inside.executor import Executor
from autograder.students import Step, live_asker

_WAY_OF_RECORDING = 3
"""To be raised with every change here that gives other recordings of the same course."""


def recordings_of(assignment: Assignment, old: Path) -> bytes | None:
    """Return the file of recordings of an assignment, or None when it has no known mistakes.

    Args:
        assignment: in its course
        old: an earlier release folder, whose file is taken over when nothing has changed since
    """
    if not (assignment.folder / "misconceptions.py").is_file():
        return None
    source = made_from(assignment)
    earlier = _read(old / FILE)
    if earlier is not None and _says_that_it_was_made_from(earlier, source):
        return earlier
    contents, numbers = record(assignment)
    if not contents.traces:
        return None
    text = msgspec.json.encode(contents).decode()
    checksum = _checksum(text, numbers)
    return _in_fixed_order({"numbers": numbers}, {"recordings": text, "made_from": source, "checksum": checksum})


def made_from(assignment: Assignment) -> str:
    """Return the digest of all files of the course that decide what is recorded."""
    assert assignment.solution is not None
    files = [assignment.folder / name for name in ("test_public.py", "misconceptions.py", "exercises.toml")]
    files += sorted(assignment.solution.parent.glob("*.py"))
    digest = hashlib.sha256(str(_WAY_OF_RECORDING).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()}"


def record(assignment: Assignment) -> tuple[Contents, Tensor]:
    """Run the known mistakes through the public checks.

    Returns:
        What was recorded, and its numbers: float32, in one row.
    """
    catalogue = Catalogue(assignment)
    checks, notes = LiveChecks(assignment), _Notes(catalogue)
    with silence():
        for exercise in assignment.exercises:
            for variant in catalogue.mistakes_in(exercise.id):
                entry = variant.entry
                assert isinstance(entry, Misconception)
                _Subject(checks, catalogue, exercise, catalogue.namespace(variant)).note(notes, entry)
    return notes.contents(), notes.numbers()


class _Notes:
    """What was recorded so far."""

    def __init__(self, catalogue: Catalogue) -> None:
        entries = [v.entry for v in catalogue.misconceptions if isinstance(v.entry, Misconception)]
        self._mistakes = [Mistake(e.name, e.exercise, e.title, e.hints) for e in entries]
        self._places = {entry.name: place for place, entry in enumerate(entries)}
        self._traces: dict[str, list[Trace]] = {}
        self._row: list[float] = []
        self._known: dict[tuple[float, ...], int] = {}

    def add(self, check: str, entry: Misconception, mark: Mark, telling: list[int]) -> None:
        """Write down what a mistake gives in a check."""
        trace = Trace(
            mistake=self._places[entry.name],
            telling=telling,
            form=mark.form(telling),
            inputs=self._put(mark.inputs[0]),
            results=self._put(mark.results(telling)[0]),
        )
        self._traces.setdefault(check, []).append(trace)

    def _put(self, numbers: Tensor) -> tuple[int, int]:
        """Put numbers into the row, once; returns where they begin and how many they are."""
        values = tuple(numbers.to(torch.float32).tolist())
        if values not in self._known:
            self._known[values] = len(self._row)
            self._row += values
        return self._known[values], len(values)

    def contents(self) -> Contents:
        """Return all but the numbers."""
        return Contents(mistakes=self._mistakes, traces=self._traces)

    def numbers(self) -> Tensor:
        """Return the numbers."""
        return torch.tensor(self._row, dtype=torch.float32)


class _Subject:
    """One known mistake, made in one exercise."""

    def __init__(self, checks: LiveChecks, catalogue: Catalogue, exercise: Exercise, namespace: dict[str, Any]) -> None:
        self._checks, self._catalogue, self._exercise, self._namespace = checks, catalogue, exercise, namespace

    def note(self, notes: _Notes, entry: Misconception) -> None:
        """Write down what it gives in each check of the exercise."""
        for check in self._checks.of(self._exercise.id):
            mark, telling = self._seen_in(check, "")
            if not telling:
                continue
            notes.add(check.id, entry, mark, telling)
            if len(telling) < ENOUGH_EVIDENCE:
                mark, again = self._seen_in(check, OTHER_INPUTS)
                if again:
                    notes.add(check.id + OTHER_INPUTS, entry, mark, again)

    def _seen_in(self, check: Check, inputs: str) -> tuple[Mark, list[int]]:
        """Return the calls of a check, and those that tell; none tell when the mistake passes."""
        finding = self._checks.run(check, self._namespace, [], inputs)
        steps = finding.transcript
        # What is a failure has no numbers; many mistakes fail alike, and the student's own line says more.
        if finding.error is None or all(isinstance(step.outcome, StudentFailure) for step in steps):
            return Mark([]), []
        by_chance = self._checks.run(check, self._namespace, [], inputs, chance=1).transcript
        if not _same_calls(steps, by_chance):
            return Mark([]), []
        seed = seed_for("", self._catalogue.assignment.id, "", check.id + inputs)
        right = _replay(self._catalogue.reference, steps, seed)
        telling = [
            index
            for index, (step, other, correct) in enumerate(zip(steps, by_chance, right, strict=True))
            if not isinstance(step.outcome, StudentFailure)
            and same(step.outcome, other.outcome)
            and not same(step.outcome, correct)
            and tell_apart(step.outcome, correct)
        ]
        return Mark(steps), telling


def _same_calls(steps: list[Step], others: list[Step]) -> bool:
    """Say whether two runs made the same calls: else what is passed depends on chance, and a student's would differ."""
    one, other = Mark(steps), Mark(others)
    (numbers, allowed), (again, _) = one.inputs, other.inputs
    return one.form([]) == other.form([]) and bool(((numbers - again).abs() <= allowed).all())


def _replay(namespace: dict[str, Any], steps: list[Step], seed: int) -> Iterator[Any]:
    ask = live_asker(Executor(namespace))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step in steps:
            try:
                yield ask(step.call)
            except StudentFailure as error:
                yield error


# ---- the file -----------------------------------------------------------------------------------------------------


def _in_fixed_order(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Return a safetensors file; its writer puts the metadata in another order each time, so the header is ours."""
    data = safetensors.torch.save(tensors, metadata)
    length = int.from_bytes(data[:8], "little")
    header = msgspec.json.decode(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _checksum(text: str, numbers: Tensor) -> str:
    return hashlib.sha256(text.encode() + numbers.numpy().tobytes()).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _says_that_it_was_made_from(data: bytes, source: str) -> bool:
    """Say whether a file was made from these sources, and not changed since."""
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = msgspec.json.decode(data[8 : 8 + length])["__metadata__"]
        numbers = safetensors.torch.load(data)["numbers"]
        whole = metadata["checksum"] == _checksum(metadata["recordings"], numbers)
        return bool(whole and metadata["made_from"] == source)
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError, safetensors.SafetensorError):
        return False
