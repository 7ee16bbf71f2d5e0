"""Checks that students may read."""

import torch

from autograder.checks import assert_close, exercise


@exercise("softmax")
def test_two_equal_scores_share(student):
    """Two equal scores have equal weights."""
    assert_close(student.softmax(torch.zeros(1, 2)), torch.full((1, 2), 0.5), "attention")
