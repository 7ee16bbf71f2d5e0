"""What is told of an exception in a hidden check: all that teaches, and nothing that could carry an input out."""

from __future__ import annotations

import base64
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.errors import CheckFailed, StudentError, StudentForbidden, StudentMissing, StudentTimeout
from autograder.inside.frames import own_line, register
from autograder.score import check_result

NUMBERS = [0.1234567, -1.5e-07, 12.75, 3.0e20, 0.333]
BYTES = struct.pack("<12f", *range(3, 15))


def told(error: BaseException, hidden: bool = True) -> str:
    """Return the message of a check that raised this."""
    check: Any = SimpleNamespace(id="t", title="T.", info=SimpleNamespace(points=1.0))
    exercise: Any = SimpleNamespace(hints=[], scale=1.0)
    return check_result(check, error, None, exercise, hidden).message


CARRIERS = {
    "fractions": str(NUMBERS),
    "exponents": "1e-05 2E7 1.e3 -3e+2",
    "integers": "12345 -987654 1_234_567",
    "bits": "0x3f800000 3f9d70a4 0x1.8p+1",
    "float.hex": " ".join(number.hex() for number in NUMBERS),
    "hex": BYTES.hex(),
    "base64": base64.b64encode(BYTES).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(bytes(range(200, 248))).decode(),
    "base32": base64.b32encode(BYTES).decode(),
    "base85": base64.b85encode(bytes(range(60, 100))).decode(),
    "letters": "".join("abcdefghijklmnop"[byte % 16] for byte in BYTES),
    "digits of another script": "٣١٤١٥٩ ٣.١٤",
    "wide digits": "３１４１５９",
}


@pytest.mark.parametrize("name", CARRIERS)
def test_values_are_taken_out_of_exceptions(name: str) -> None:
    carried = CARRIERS[name]
    for error in (
        StudentError("ValueError", carried),
        StudentError(carried, "no"),  # classes can be made, and named, while the code runs
        CheckFailed(f"the output: expected a torch.Tensor, got an object of type {carried}"),
        CheckFailed(
            f"`f` must return a, it returned a tuple of 2: a tensor of shape (2,), an object of type {carried}"
        ),
        CheckFailed(f"must raise ValueError for these arguments, it raised KeyError: {carried}"),
        StudentForbidden(f"calls {carried}, which this exercise asks you to write yourself"),
        StudentMissing(carried),
    ):
        message = told(error)
        for word in carried.strip("[]").replace(",", " ").split():
            assert word not in message
        assert "#" in message


@pytest.mark.parametrize("name", CARRIERS)
def test_a_public_check_tells_them_all(name: str) -> None:
    assert CARRIERS[name] in told(StudentError("ValueError", CARRIERS[name]), hidden=False)


@pytest.mark.parametrize(
    "text",
    [
        "mat1 and mat2 shapes cannot be multiplied (3x5 and 7x11)",
        "The size of tensor a (7) must match the size of tensor b (1024) at non-singleton dimension 2",
        "shape '[2, 3, 5, 7]' is invalid for input of size 2310",
        "scaled_dot_product_attention() missing 1 required positional argument: 'key_padding_mask'",
        "'MultiHeadSelfAttentionWithRotaryPositions' object has no attribute 'w_q'",
        "BatchNorm2dWithoutRunningStatistics: layer_1_weights_of_the_second_block_0 is float32, expected float64",
        'Error(s) in loading state_dict: Missing key(s): "encoder.layers.0.self_attention.query.weight"',
        "No module named 'a_package_that_is_not_installed_here'",
        "/usr/lib/python3/site-packages/torch/nn/functional.py: not here",
        "==================== ----------------------------",
        "Error(s) for model.layers.10.norm.bias",
        "行列の形が合いませんので掛け算ができません計算を始める前に形を確かめて下さい",
        "Ungewöhnlich, 不正な形です, неверная форма",
        "expected one of cpu, cuda, ipu, xpu at 0x...",
    ],
)
def test_what_teaches_stays(text: str) -> None:
    assert told(StudentError("RuntimeError", text)) == f"Your code raised RuntimeError: {text}"


def test_our_own_words_keep_their_numbers() -> None:
    """What a check says itself is written by its author, who knows what is hidden."""
    assert told(CheckFailed("12345 of 20000 numbers are not as expected")).startswith("12345 of 20000 numbers")
    assert "1.25 s" in told(StudentTimeout("did not end within 1.25 s"))


def test_the_line_that_is_quoted_carries_no_values_either() -> None:
    """What Python takes for the line of a cell, the cell's own code can replace while it runs."""
    source = "import linecache\n\ndef f(x):\n    linecache.cache[NAME] = (1, None, [str(x)] * 9, '')\n    1 / 0\n"
    namespace: dict[str, Any] = {"NAME": register("f", source)}
    exec(compile(source, namespace["NAME"], "exec"), namespace)
    with pytest.raises(ZeroDivisionError) as raised:
        namespace["f"](NUMBERS)
    assert "0.1234567" in own_line(raised.value)
    assert told(StudentError("ZeroDivisionError", "", own_line(raised.value))) == (
        "Your code raised ZeroDivisionError (line 5 of f: [#, #, #, #, #])"
    )


def test_the_line_that_is_quoted_is_otherwise_the_students_own() -> None:
    where = "line 2 of f: return torch.softmax(x, dim=-1) / scaled_dot_product_attention_weights[0]"
    assert told(StudentError("ValueError", "no", where)).endswith(f"({where})")


def test_a_long_text_is_cut_before_it_is_read() -> None:
    message = told(StudentError("ValueError", "word " * 1000))
    assert len(message) < 400
    assert message.endswith("...")
