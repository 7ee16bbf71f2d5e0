"""A longer search for bytes from the locked process that the trusted side does not survive, guided by coverage.

It is no part of the test suite, because it runs as long as one lets it. In an environment with the kit installed:

    pip install atheris==3.0.0
    python tests/fuzz/fuzz_wire.py -max_total_time=300 -max_len=4096 -timeout=10 -rss_limit_mb=4096 FOLDER

FOLDER keeps the interesting inputs from one run to the next. Each input is read in one of five ways: as the two parts
of a message; as what a child says while its cells run; as its answers to two calls, with a reference that answers its
questions; as the text of one answer; and as the choices by which hypothesis makes such answers (hostile/noise.py). What
leaves other than as a `WireError` or a `StudentFailure` is a crash, and written to a file `crash-*`; the same command
with that file in the place of FOLDER runs it again. A crash that is mended gets a test in tests/test_wire.py.
"""

from __future__ import annotations

import contextlib
import random
import sys
from pathlib import Path

import atheris
from hypothesis import given, settings

with atheris.instrument_imports(include=["autograder", "safetensors"]):
    import torch

    from autograder import sandbox, stand_in, wire
    from autograder.course import Limits
    from autograder.errors import StudentFailure, WireError

sys.path.insert(0, str(Path(__file__).parents[1] / "hostile"))

from noise import streams
from puppet import LOADED, Puppets, frame

assert sandbox  # imported here, so that it is watched
SEEDS = [
    wire.Loaded(errors={0: wire.Raised(kind="ValueError", message="no", where="line 1")}, defined=["f"]),
    wire.CellStarted(index=0),
    wire.Value(value=(1, 1.5, [None, {"a": torch.ones(2, 3)}], float("nan"), "text", torch.float32, wire.Handle(3))),
    wire.Value(value=[torch.ones(2, dtype=torch.bool), torch.zeros(0, 3), torch.ones(1, dtype=torch.bfloat16)]),
    wire.Value(value=wire.Picture(image=torch.ones(2, 2), limits=(0.0, 1.0), x_labels=("a",), y_labels=(),
                                  in_given_axes=True, shown=False)),
    wire.Raised(kind="ValueError", message="no", where="line 1"),
    wire.Forbidden(name="torch.softmax"),
    wire.Call(target="double", args=(torch.ones(3),), kwargs={}, want="gradients", toward=torch.ones(3)),
    wire.Call(target="double", kwargs={"x": torch.ones(2)}),
    wire.Call(target=0, method="eval"),
]  # fmt: skip


def double(x: torch.Tensor) -> torch.Tensor:
    """Return twice x: a reference to be asked."""
    return 2 * x


puppets = Puppets(Limits(check_seconds=2.0, load_seconds=2.0, reply_mib=4))
reference = stand_in.stand_in_for({"double": double}, ["double"])
two_cells = wire.Load(cells=[wire.Cell("a", ""), wire.Cell("b", "")])


@settings(database=None, deadline=None)
@given(streams)
def answer_with(data: bytes) -> None:
    """Have a child answer two calls with what hypothesis made of the fuzzer's choices."""
    with contextlib.suppress(StudentFailure):
        puppets.ask(data, wire.Call(target="f"), wire.Call(target="f"), reference=reference)


def read(data: bytes) -> None:
    """Read bytes in one of the ways; the first byte says which."""
    way, data = data[:1], data[1:]
    try:
        if way < b"\x40":
            cut = int.from_bytes(data[:2]) % (len(data) + 1)
            value = wire.decode(data[2 : 2 + cut], data[2 + cut :])
            wire.encode(value)  # what was understood can be passed on
        elif way < b"\x60":
            with puppets.open(data, silent=False) as inside:
                inside.load(two_cells)
        elif way < b"\x80":
            puppets.ask(data, wire.Call(target="f"), wire.Call(target="f"), reference=reference)
        elif way < b"\xa0":  # the text of one frame, without its lengths, which are hard to hit
            puppets.ask(frame(data), wire.Call(target="f"), reference=reference)
        else:
            answer_with.hypothesis.fuzz_one_input(data)
    except (WireError, StudentFailure):
        pass


def write_seeds(folder: Path) -> None:
    """Write each message in each form to start from."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, message in enumerate(SEEDS):
        data = wire.encode(message)
        length = int.from_bytes(data[:4])
        for way, seed in {
            "decode": b"\x00" + length.to_bytes(2) + data[8:],
            "load": b"\x40" + data + frame(LOADED),
            "call": b"\x60" + data + data,
            "text": b"\x80" + data[8 : 8 + length],
        }.items():
            (folder / f"seed-{way}-{i}").write_bytes(seed)
        (folder / f"seed-choices-{i}").write_bytes(b"\xa0" + random.Random(i).randbytes(1000))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-") and not Path(argument).is_file():
            write_seeds(Path(argument))
    torch.set_num_threads(1)
    stand_in.rehearse()  # what torch loads for the first question takes seconds
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
