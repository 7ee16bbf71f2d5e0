"""Naming the mistake on the student's machine, by numbers that were recorded when the release was built."""

import ast
import shutil
import warnings
from pathlib import Path

import pytest
import torch

from autograder.catalogue import Catalogue
from autograder.course import read_assignment, read_course
from autograder.homework.live import LiveChecks
from autograder.homework.recordings import FILE, Mark, open_recordings, tell_apart
from autograder.homework.selfcheck import check_namespace, read_release_folder
from autograder.recorder import made_from, record, recordings_of
from autograder.release_file import ReleaseFile, encode_release_file

ROOT = Path(__file__).parent.parent.parent
ASSIGNMENTS = ["01_attention", "02_multi_head", "03_positions", "04_encoder_block", "06_decoder"]

SOLUTION = '''
import torch


def share(x):
    """Each number's share of its row."""
    return x / x.sum(-1, keepdim=True)


def mean(x, y):
    """The mean of y, weighed by the shares of x."""
    return (share(x) * y).sum(-1)
'''
MISCONCEPTIONS = """
import torch

from autograder.authoring import misconception
from solutions.small import share


@misconception("share", title="all rows share one sum", hints=("one?", "two?", "three?"), seen_in="plausible")
def one_sum_for_all_rows(x):
    return x / x.sum()


@misconception("mean", title="the shares are those of y", hints=("a?", "b?", "c?"), seen_in="plausible")
def shares_of_the_values(x, y):
    return (share(y) * y).sum(-1)


@misconception("mean", title="it raises", hints=("a?", "b?", "c?"), seen_in="plausible")
def raises_an_error(x, y):
    return share(x)[100]
"""
PUBLIC = '''
import torch
from autograder.checks import assert_close, exercise


@exercise("share")
def test_shares_sum_to_one(student, draw):
    """The shares of a row sum to 1."""
    assert_close(student.share(draw.uniform(1, 2, 3, 5)).sum(-1), torch.ones(3), "attention", "the sums")


@exercise("mean")
def test_mean_of_equal_shares(student, draw):
    """Equal shares give the plain mean."""
    y = draw.uniform(1, 2, 3, 5)
    assert_close(student.mean(torch.ones(3, 5), y), y.mean(-1), "attention", "the mean")


@exercise("mean")
def test_mean_of_ones(student, draw):
    """The mean of ones is one."""
    assert_close(student.mean(draw.uniform(1, 2, 3, 40), torch.ones(3, 40)), torch.ones(3), "attention", "the mean")
'''
EXERCISES = """
[[exercise]]
id = "share"
title = "Share"
points = 1

[[exercise]]
id = "mean"
title = "Mean"
points = 1
depends_on = ["share"]
"""


@pytest.fixture
def small(tmp_path):
    """A course of two exercises, as an author has it."""
    folder = tmp_path / "course" / "assignments" / "01_small"
    files = {"misconceptions.py": MISCONCEPTIONS, "test_public.py": PUBLIC, "exercises.toml": EXERCISES}
    solutions = tmp_path / "course" / "solutions"
    for path in (folder, solutions):
        path.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    (solutions / "__init__.py").touch()
    (solutions / "small.py").write_text(SOLUTION)
    return read_assignment(folder, solution=solutions / "small.py")


@pytest.fixture
def released(small, tmp_path):
    """The same as a student has it: checks, exercises and recordings."""
    folder = tmp_path / "release" / "01_small"
    folder.mkdir(parents=True)
    for name in ("test_public.py", "exercises.toml"):
        shutil.copy(small.folder / name, folder / name)
    (folder / FILE).write_bytes(recordings_of(small, folder))
    (folder / "release.json").write_bytes(encode_release_file(ReleaseFile("01_small", {})))
    return read_release_folder(folder)


def said_of(assignment, namespace, exercise):
    """Return the names of mistakes that the self-check says."""
    (result,) = check_namespace(namespace, assignment, [exercise])
    return {check.misconception for check in result.checks if check.verdict != "pass"}


def share(x):
    return x / x.sum(-1, keepdim=True)


# ---- a small course


def test_a_mistake_is_named_by_its_numbers_however_it_is_written(released):
    def my_share(x):
        return torch.div(x, x.flatten().sum().reshape(1, 1))

    assert said_of(released, {"share": my_share}, "share") == {"one_sum_for_all_rows"}


def test_other_wrong_numbers_get_no_name(released):
    assert said_of(released, {"share": lambda x: x / 3}, "share") == {None}
    assert said_of(released, {"share": lambda x: x / x.sum() * 1.01}, "share") == {None}


def test_the_right_way_gets_no_name(released):
    assert said_of(released, {"share": share}, "share") == set()


def test_a_mistake_of_an_earlier_exercise_is_known_in_a_later_one(released):
    def mean(x, y):
        return (x / x.sum() * y).sum(-1)

    assert said_of(released, {"share": share, "mean": mean}, "mean") == {"one_sum_for_all_rows"}


def test_an_exception_is_no_number_and_gets_no_name(released):
    def mean(x, y):
        raise IndexError("nothing there")

    assert said_of(released, {"share": share, "mean": mean}, "mean") == {None}


def test_other_inputs_than_the_recorded_ones_get_no_name(released):
    path = released.folder / "test_public.py"
    path.write_text(PUBLIC.replace("draw.uniform(1, 2, 3, 5)", "2 * draw.uniform(1, 2, 3, 5)"))
    assert said_of(released, {"share": lambda x: x / x.sum()}, "share") == {None}


@pytest.mark.parametrize("data", [None, b"", b"\xff" * 40, b"\x10" + b"\0" * 30])
def test_without_recordings_that_can_be_read_there_is_no_name_and_no_error(released, data):
    (released.folder / FILE).unlink()
    if data is not None:
        (released.folder / FILE).write_bytes(data)
    assert open_recordings(released.folder) is None
    assert said_of(released, {"share": lambda x: x / x.sum()}, "share") == {None}


def test_every_recording_gives_the_same_bytes(small, tmp_path):
    assert recordings_of(small, tmp_path) == recordings_of(small, tmp_path)


def test_an_old_file_is_taken_over_while_nothing_has_changed(small, tmp_path):
    first = recordings_of(small, tmp_path)
    (tmp_path / FILE).write_bytes(first)
    marked = first.replace(b"one?", b"1st?")  # so that it can be told from a new one
    (tmp_path / FILE).write_bytes(marked)
    assert recordings_of(small, tmp_path) == first, "a file that was changed by hand is made anew"
    (tmp_path / FILE).write_bytes(first)
    (small.folder / "misconceptions.py").write_text(MISCONCEPTIONS.replace("x / x.sum()", "x / x.sum() / 2"))
    assert recordings_of(small, tmp_path) != first


def test_without_known_mistakes_there_is_no_file(small, tmp_path):
    (small.folder / "misconceptions.py").unlink()
    assert recordings_of(small, tmp_path) is None


def test_what_mistakes_raise_is_not_recorded(small):
    contents, _ = record(small)
    traces = [trace for found in contents.traces.values() for trace in found]
    assert "raises_an_error" not in {contents.mistakes[trace.mistake].name for trace in traces}


def test_results_that_few_numbers_cannot_tell_from_right_ones_do_not_count():
    right = torch.randn(50, 50, generator=torch.Generator().manual_seed(0))
    slightly_off = right.clone()
    slightly_off[3, 4] += 1e-3
    assert not tell_apart(slightly_off, right)
    assert tell_apart(2 * right, right)
    assert tell_apart(right[:1, :4] + 1e-3, right[:1, :4])
    assert tell_apart(right.double(), right)


# ---- the course


@pytest.fixture(scope="module")
def course():
    return read_course(ROOT)


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def catalogue(request, course):
    return Catalogue(course.assignment(request.param))


@pytest.fixture
def release(catalogue):
    return read_release_folder(ROOT / "release" / catalogue.assignment.id)


SAMPLE = {
    "01_attention": ["softmax_dim_ignored", "mask_after_softmax", "fill_with_zero", "mask_without_effect"],
    "02_multi_head": ["split_by_reshape_alone", "split_turned_too_far", "merged_channel_by_channel"],
    "03_positions": ["last_wave_at_the_base", "scale_the_other_way_round"],
    "04_encoder_block": ["unbiased_variance", "weight_forgotten", "bias_forgotten"],
    "06_decoder": ["mask_aligned_at_the_top_left", "masks_joined_with_or", "last_mask_wins"],
}


def test_known_mistakes_are_named_in_the_self_check(catalogue, release):
    own = {variant.entry.name: variant for variant in catalogue.misconceptions}
    for name in SAMPLE[catalogue.assignment.id]:
        assert name in said_of(release, catalogue.namespace(own[name]), own[name].exercise), name


@pytest.mark.filterwarnings("ignore::UserWarning")  # known solutions may make torch warn
def test_right_ways_are_never_named(catalogue, release):
    for variant in catalogue.alternatives[::4]:
        assert said_of(release, catalogue.namespace(variant), variant.exercise) <= {None}, variant.entry.name


def test_a_release_holds_no_code_of_mistakes_and_solutions(catalogue, release):
    data = (release.folder / FILE).read_bytes()
    assert len(data) < 300 * 1024
    text = data.decode("latin-1").replace("\\n", "\n")
    sources = [catalogue.solution_path, catalogue.assignment.folder / "misconceptions.py"]
    for path in sources:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        statements = [node for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.Return, ast.If, ast.Import))]
        lines = {ast.unparse(node).splitlines()[0] for node in statements}
        assert [line for line in lines if len(line) > 15 and line in text] == []
    assert "def " + catalogue.assignment.exercises[0].id not in text


def test_a_release_knows_public_checks_alone(release):
    contents = open_recordings(release.folder).contents
    assert {check.partition("::")[0] for check in contents.traces} == {"test_public.py"}


def test_a_release_holds_no_right_result(catalogue, release):
    """Neither of a call that a trace is about, nor anywhere in the row of numbers."""
    recordings, live = open_recordings(release.folder), LiveChecks(release)
    exercises = [e for e in release.exercises if not e.id.startswith("test_")][:4]
    for exercise in exercises:
        for check in live.of(exercise.id):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                steps = live.run(check, catalogue.reference, []).transcript
            mark = Mark(steps)
            for trace in recordings.contents.traces.get(check.id, []):
                if trace.telling[-1] >= len(steps) or mark.form(trace.telling) != trace.form:
                    continue
                begin, length = trace.results
                right, allowed = mark.results(trace.telling)
                recorded = recordings.numbers[begin : begin + length]
                assert not bool(((right - recorded).abs() <= allowed).all()), f"{check.id}: {trace}"


def test_the_recordings_of_the_release_are_fresh(catalogue, release):
    """They were made from the very files that are here; otherwise `autograder build` is due."""
    assert made_from(catalogue.assignment).encode() in (release.folder / FILE).read_bytes()
