"""What known mistakes give in the public checks, as numbers: names a mistake where its code is not at hand.

`mistakes.safetensors` lies beside the notebook of a release. For each known mistake and each public check that it
fails it holds the results of those calls in which the mistake shows, next to the calls' inputs, both as a few numbers;
and the mistake's name and hints. It holds no code, and nothing of the right solution: calls in which a mistake gives
the right result are left out.

    one tensor, "numbers"        float32, all of it in one row
    metadata "recordings"        JSON: the mistakes, and where in the row their numbers are
    metadata "made_from"         digest of the files that it was made from

A student's calls are explained by a mistake when their inputs and results are the recorded ones, up to rounding. The
rules by which one mistake is named are those of `diagnose`: two telling calls at least, and one that explains most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from autograder.errors import StudentFailure
from autograder.students import Step
from autograder.wire import Call, Handle

FILE = "mistakes.safetensors"
OTHER_INPUTS = "on other inputs"
"""How a second run of a check, for a second telling call, draws its inputs."""
ENOUGH_EVIDENCE = 2
ABSOLUTE, RELATIVE = 1e-5, 1e-4
"""Up to which two numbers are the same, as in `diagnose`."""
MOST_NUMBERS = 24
"""By so many numbers a tensor is represented: its own, or as many sums of them."""


class Mistake(msgspec.Struct, frozen=True):
    """A known mistake, as far as a student may know it."""

    name: str
    exercise: str
    title: str
    """Continues "These are the numbers you get when ..."."""
    hints: tuple[str, str, str]
    """From a question to an example."""


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """The mark that a mistake leaves in one check."""

    mistake: int
    """Which one of the mistakes."""
    telling: Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(min_length=1)]
    """The calls whose results are recorded: those in which it gives something else than the right result."""
    form: str
    """Digest of all that is no number in the calls and in the telling results: names, shapes, kinds."""
    inputs: tuple[int, int]
    """Where the numbers of the calls' arguments begin and how many they are."""
    results: tuple[int, int]
    """Where the numbers of the telling results begin and how many they are."""


class Contents(msgspec.Struct, frozen=True):
    """The JSON of a file of recordings."""

    mistakes: list[Mistake]
    traces: dict[str, list[Trace]]
    """By the check's id; behind `OTHER_INPUTS` those of a second run."""


class Recordings:
    """A file of recordings, opened to name mistakes.

    Args:
        contents: what was recorded
        numbers: float32, in one row
    """

    def __init__(self, contents: Contents, numbers: Tensor) -> None:
        self.contents, self.numbers = contents, numbers

    def name_the_mistakes(
        self, exercise: str, failed: dict[str, list[Step]], run_again: Callable[[str], list[Step]]
    ) -> dict[str, Mistake]:
        """Return, for each failed check that a known mistake explains, that mistake.

        Args:
            exercise: whose checks they are
            failed: transcripts of the failed checks, by the check's id
            run_again: runs a check on other inputs and returns its transcript
        """
        explains = {check: self._explanations(check, steps, exercise) for check, steps in failed.items()}
        evidence = _sum_by_mistake(explains.values())
        for check, telling in explains.items():
            if telling and max(evidence[mistake] for mistake in telling) < ENOUGH_EVIDENCE:
                again = self._explanations(check + OTHER_INPUTS, run_again(check), exercise)
                explains[check] = {mistake: count for mistake, count in telling.items() if mistake in again}
                for mistake in explains[check]:
                    evidence[mistake] += again[mistake]
        named = {}
        for check, telling in explains.items():
            best = max((evidence[mistake] for mistake in telling), default=0)
            likeliest = [mistake for mistake in telling if evidence[mistake] == best >= ENOUGH_EVIDENCE]
            if len(likeliest) == 1:
                named[check] = self.contents.mistakes[likeliest[0]]
        return named

    def _explanations(self, check: str, steps: list[Step], exercise: str) -> dict[int, int]:
        """Return the mistakes whose trace these calls are, with the number of telling calls; its own come first."""
        traces = self.contents.traces.get(check, [])
        mark = Mark(steps if traces else [])
        found = {trace.mistake: len(trace.telling) for trace in traces if self._fits(trace, mark)}
        own = {mistake for mistake in found if self.contents.mistakes[mistake].exercise == exercise}
        return {mistake: count for mistake, count in found.items() if not own or mistake in own}

    def _fits(self, trace: Trace, mark: Mark) -> bool:
        return (
            0 <= trace.telling[-1] < len(mark)
            and mark.form(trace.telling) == trace.form
            and _close(self._row(trace.inputs), mark.inputs)
            and _close(self._row(trace.results), mark.results(trace.telling))
        )

    def _row(self, where: tuple[int, int]) -> Tensor:
        begin, length = where
        return self.numbers[begin : begin + length]


def _sum_by_mistake(counts: Any) -> dict[int, int]:
    total: dict[int, int] = {}
    for by_mistake in counts:
        for mistake, count in by_mistake.items():
            total[mistake] = total.get(mistake, 0) + count
    return total


def open_recordings(folder: Path) -> Recordings | None:
    """Return the recordings in a release folder; None when there are none, or none that can be read."""
    try:
        with safe_open(folder / FILE, framework="pt") as file:
            text, numbers = (file.metadata() or {})["recordings"], file.get_tensor("numbers")
        return Recordings(msgspec.json.decode(text, type=Contents), numbers)
    except (OSError, SafetensorError, KeyError, msgspec.MsgspecError):
        return None  # a name for the mistake is a help, and the check does without


# ---- calls as numbers ---------------------------------------------------------------------------------------------


class Mark:
    """The calls of one check and their results, taken apart into what is compared exactly and what up to rounding."""

    def __init__(self, steps: list[Step]) -> None:
        self._calls = [_Apart(step.call) for step in steps]
        self._results = [_Apart(step.outcome) for step in steps]
        self.inputs = _joined(self._calls)
        """Numbers of the arguments, and how far each may be off."""

    def __len__(self) -> int:
        return len(self._calls)

    def form(self, telling: list[int]) -> str:
        """Return the digest of all that is no number in the calls and in these results."""
        words = [part.form for part in (*self._calls, *(self._results[index] for index in telling))]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]

    def results(self, telling: list[int]) -> tuple[Tensor, Tensor]:
        """Return the numbers of these results, and how far each may be off."""
        return _joined([self._results[index] for index in telling])


def tell_apart(one: Any, other: Any) -> bool:
    """Say whether two results can be told from each other by their few numbers, and not only by all of them."""
    a, b = _Apart(one), _Apart(other)
    (numbers, allowed), (others, _) = _joined([a]), _joined([b])
    return a.form != b.form or bool(((numbers - others).abs() > allowed).any())


class _Apart:
    """One value, taken apart."""

    def __init__(self, value: Any) -> None:
        self.numbers: list[Tensor] = []
        self.allowed: list[Tensor] = []
        self._words: list[str] = []
        self._take(value)
        self.form = " ".join(self._words)

    def _take(self, value: Any) -> None:
        if isinstance(value, Tensor):
            self._take_tensor(value)
        elif isinstance(value, float):
            self._take_tensor(torch.tensor(value, dtype=torch.float64))
        elif isinstance(value, Call):
            self._take([value.target, value.method, value.want, value.args, value.kwargs, value.toward])
        elif isinstance(value, dict):
            self._take([item for pair in value.items() for item in pair])
        elif isinstance(value, (list, tuple)):
            self._words.append(f"{type(value).__name__}{len(value)}")
            for item in value:
                self._take(item)
        elif isinstance(value, StudentFailure):
            self._words.append(f"raised {getattr(value, 'kind', value.verdict)}")
        elif isinstance(value, Handle):
            self._words.append(f"object {value.number}")
        elif isinstance(value, msgspec.Struct):
            self._take([type(value).__name__, *(v for v in msgspec.structs.astuple(value) if not callable(v))])
        else:
            self._words.append(repr(value))

    def _take_tensor(self, value: Tensor) -> None:
        self._words.append(f"{value.dtype}{tuple(value.shape)}")
        if value.is_complex():
            value = torch.view_as_real(value)
        if not value.is_floating_point():
            self._words.append(_digest(value.to(torch.int64)))
            return
        flat = value.detach().to(torch.float64).flatten()
        odd = ~flat.isfinite()
        if odd.any():
            kinds = flat.isnan() + 2 * (flat == torch.inf) + 3 * (flat == -torch.inf)
            self._words.append(_digest(kinds))
        flat = flat.masked_fill(odd, 0.0)
        self.numbers.append(_few(flat, signed=True))
        self.allowed.append(_few(ABSOLUTE + RELATIVE * flat.abs(), signed=False))


def _digest(whole_numbers: Tensor) -> str:
    return hashlib.sha256(whole_numbers.contiguous().numpy().tobytes()).hexdigest()[:16]


def _few(flat: Tensor, *, signed: bool) -> Tensor:
    """Return numbers as they are when they are few, else sums of them: each number is in one, with a fixed sign."""
    if len(flat) <= MOST_NUMBERS:
        return flat
    if signed:
        signs = torch.randint(0, 2, flat.shape, generator=torch.Generator().manual_seed(len(flat)))
        flat = flat * (2 * signs - 1)
    rest = -len(flat) % MOST_NUMBERS
    return torch.cat([flat, flat.new_zeros(rest)]).view(-1, MOST_NUMBERS).sum(0)


def _joined(parts: list[_Apart]) -> tuple[Tensor, Tensor]:
    numbers, allowed = ([row for part in parts for row in getattr(part, name)] for name in ("numbers", "allowed"))
    nothing = [torch.empty(0, dtype=torch.float64)]
    return torch.cat(numbers or nothing), torch.cat(allowed or nothing)


def _close(recorded: Tensor, found: tuple[Tensor, Tensor]) -> bool:
    numbers, allowed = found
    return len(recorded) == len(numbers) and bool(((numbers - recorded).abs() <= allowed).all())
