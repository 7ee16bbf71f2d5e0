"""Checks that students never see."""

import torch

from autograder.checks import assert_close, assert_true, exercise, points


@exercise("softmax")
@points(2)
def test_numbers_are_right(student, draw):
    """The weights are right."""
    x = draw.normal(3, 5)
    assert_close(student.softmax(x), torch.softmax(x, -1), "attention")


@exercise("softmax")
@points(2)
def test_other_axis(student, draw):
    """The weights along another axis are right, also for large scores."""
    x = 100 * draw.normal(2, 3, 7)
    assert_close(student.softmax(x, dim=1), torch.softmax(x, 1), "attention")


@exercise("softmax")
@points(2)
def test_the_world_is_left_alone(student, draw):
    """The weights are right, and the scores and the random numbers of others are left as they were."""
    x = draw.normal(3, 5)
    assert_close(student.softmax(x), torch.softmax(x, -1), "attention")
    left = student.softmax.aftermath(x)
    assert_close(left.arguments[0], x, "attention")
    assert_true(left.random_state_kept, "The state of torch's random numbers has changed.")
    assert_close(student.softmax(-x), torch.softmax(-x, -1), "attention", "later weights of other scores")


@exercise("attention")
@points(3)
def test_output_is_right(student, reference, draw):
    """The output is right."""
    q, k, v = draw.normal(2, 3, 5), draw.normal(2, 7, 5), draw.normal(2, 7, 11)
    assert_close(student.attention(q, k, v)[0], reference.attention(q, k, v)[0], "attention")


@exercise("attention")
@points(3)
def test_gradients_are_right(student, reference, draw):
    """The gradients are right."""
    q, k, v = draw.normal(2, 3, 5), draw.normal(2, 7, 5), draw.normal(2, 7, 11)
    toward = draw.normal(2, 3, 11)
    mine = student.attention.gradients(q, k, v, toward=toward).arguments
    for found, expected in zip(mine, reference.attention.gradients(q, k, v, toward=toward).arguments, strict=True):
        assert_true(found is not None, "No gradient arrives at one of the arguments.")
        assert_close(found, expected, "gradient")


@exercise("Head")
@points(4)
def test_layer_is_right(student, reference, draw):
    """The layer gives the right numbers with given weights."""
    x = draw.normal(2, 3, 7)
    weights = {f"{name}.weight": draw.normal(5, 7) for name in ("query", "key", "value")}
    mine, theirs = student.Head(7, 5), reference.Head(7, 5)
    mine.load_state_dict(weights)
    theirs.load_state_dict(weights)
    assert_close(mine(x), theirs(x), "attention")


@exercise("sample")
@points(4)
def test_each_id_comes_up_as_often_as_it_should(student, draw):
    """Ids come up as often as their probabilities say."""
    p = torch.tensor([0.5, 0.25, 0.125, 0.125])
    n = 2000
    ids = student.sample(p, n, 7)
    assert_true(isinstance(ids, torch.Tensor), "Expected a tensor of ids.")
    assert_true(ids.shape == (n,), "Expected one id for each draw.")
    # Five standard deviations: a right sampler fails less than once in a million times.
    found = torch.bincount(ids.long().clamp(0, 3), minlength=4).float()
    bound = 5 * (n * p * (1 - p)).sqrt()
    assert_true(bool(((found - n * p).abs() < bound).all()), "Some ids come up too often and others too seldom.")
    assert_true(torch.equal(student.sample(p, n, 7), ids), "The same seed must give the same ids.")
    assert_true(not torch.equal(student.sample(p, n, 8), ids), "Another seed must give other ids.")
