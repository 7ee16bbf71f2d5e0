"""The benchmark of speed: the same class for everybody, and asserts that judge as the course's own checks do."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benchmarks" / "speed"))

import classroom  # only now can it be found
import measuring
import tables
from asserts import exam_of
from names import FLOOR, PREPROCESSOR, STOCK, ours_with

from autograder.catalogue import Catalogue
from autograder.course import read_course


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(read_course(ROOT).assignment("01_attention"))


@pytest.fixture(scope="module")
def exam(catalogue):
    return exam_of(catalogue)


def test_the_class_is_the_same_for_the_same_seed_and_a_larger_one_begins_with_it(catalogue):
    small, again = (list(classroom.make_class(catalogue, 8).values()) for _ in range(2))
    large = list(classroom.make_class(catalogue, 200).values())
    assert small == again == large[:8]
    assert small != list(classroom.make_class(catalogue, 8, seed=1).values())


def test_a_class_is_a_mixture(catalogue):
    kinds = [work.kind for work in classroom.make_class(catalogue, 400).values()]
    for kind, share in classroom.SHARES.items():
        assert kinds.count(kind) / 400 == pytest.approx(share, abs=0.08)


def namespace_with(catalogue, exam, **answers):
    """What a kernel holds after the notebook's cells and the helpers."""
    namespace = dict(catalogue.reference)
    exec(exam.prelude, namespace)
    for source in answers.values():
        exec(source, namespace)
    return namespace


def test_the_reference_passes_every_assert(catalogue, exam):
    namespace = namespace_with(catalogue, exam)
    assert {test.exercise for test in exam.hidden} == set(exam.most)
    for test in [*exam.public, *exam.hidden]:
        exec(test.source, namespace)


@pytest.mark.parametrize("mistake", ["mask_after_softmax", "no_scale", "picture_transposed", "future_left_in"])
def test_a_known_mistake_fails_the_asserts_of_its_exercise(catalogue, exam, mistake):
    variant = next(v for v in catalogue.misconceptions if v.entry.name == mistake)
    namespace = namespace_with(catalogue, exam, **{variant.exercise: variant.source})
    failed = 0
    for test in exam.hidden:
        if test.exercise == variant.exercise:
            try:
                exec(test.source, namespace)
            except Exception:
                failed += 1
    assert failed > 0


def measured(name, size, seconds, **more):
    each = [(seconds - 5) / size] * size
    return measuring.Measured(name, size, seconds, seconds, 100.0, each=each, of=size, **more)


def test_ratios_are_of_a_submission_and_not_of_the_start():
    found = [
        measured(STOCK, 10, 205),
        measured(ours_with(1), 10, 15),
        measured(FLOOR, 10, 10),
        measured(PREPROCESSOR, 10, 25),
    ]
    lines = " / ".join(tables.ratios(found))
    assert f"{STOCK} / {ours_with(1)}: 20.0 (target: 20)" in lines
    assert f"{STOCK} / {PREPROCESSOR}: 10.0 (target: 8)" in lines
    assert "2.00 (target: at most 2)" in lines


def test_a_slow_grader_that_got_a_part_of_the_class_is_said_to():
    found = [measured(STOCK, 10, 205), measured(ours_with(1), 100, 105)]
    assert f"{STOCK}, measured on 10 / {ours_with(1)}: 20.0" in " ".join(tables.ratios(found))


def test_what_a_command_cost_is_measured(tmp_path):
    burn = "t = time.process_time()\nwhile time.process_time() - t < 0.6: pass"
    code = f"import time\n{burn}\nx = bytearray(60_000_000)\ntime.sleep(0.8)"
    seconds, cpu, peak = measuring.run([sys.executable, "-c", code], tmp_path, tmp_path / "log")
    assert seconds > 1.4
    assert 0.6 <= cpu < seconds
    assert peak > 57
