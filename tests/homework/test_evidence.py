"""What a student is shown of a failed public check."""

import torch

from autograder.checks import assert_close, assert_true
from autograder.errors import CheckFailed, StudentError, StudentTimeout
from autograder.homework.evidence import evidence
from autograder.students import Step
from autograder.wire import Call


def failing(check, *args):
    """Return what a check raises."""
    try:
        check(*args)
    except CheckFailed as error:
        return error
    raise AssertionError("the check passes")


def test_the_worst_number_is_told_and_both_matrices_are_drawn():
    expected = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    error = failing(assert_close, torch.tensor([[0.25, 0.75], [0.5, 0.9]]), expected, "attention")
    aid = evidence(error, [], {})
    assert aid.facts[0] == "At position (1, 1): yours is 0.9, expected 0.5."
    yours, right = aid.figure.panels
    assert yours.wrong == {(1, 1)}
    assert right.values == ((0.25, 0.75), (0.5, 0.5))


def test_the_worst_number_is_the_one_that_the_message_means():
    """Not the one that is furthest off, but the one that is furthest off for its size."""
    error = failing(assert_close, torch.tensor([[100.5, 0.2]]), torch.tensor([[100.0, 0.001]]), "attention")
    assert "most at position (0, 1)" in str(error)
    assert evidence(error, [], {}).facts[0].startswith("At position (0, 1): yours is 0.2")


def test_numbers_that_are_all_the_same_are_told_once():
    aid = evidence(failing(assert_close, torch.full((2, 3), torch.nan), torch.ones(2, 3), "attention"), [], {})
    assert aid.facts[1] == "Yours: nan everywhere. Expected: 1 everywhere."


def test_of_many_matrices_the_one_with_the_worst_number_is_drawn():
    found = torch.zeros(2, 3, 4, 5)
    found[1, 2, 3, 4] = 7
    aid = evidence(failing(assert_close, found, torch.zeros(2, 3, 4, 5), "attention"), [], {})
    assert "(1, 2, 3, 4): yours is 7, expected 0" in aid.facts[0]
    assert aid.figure.panels[0].title == "yours [1, 2]"


def test_large_matrices_and_rows_are_told_in_words_alone():
    for shape in ((40, 40), (5,), ()):
        aid = evidence(failing(assert_close, torch.ones(shape), torch.zeros(shape), "attention"), [], {})
        assert "yours is 1, expected 0." in aid.facts[0].lower()
        assert aid.figure is None


def test_nan_and_infinity_are_told():
    found = torch.tensor([[torch.nan, -torch.inf]])
    aid = evidence(failing(assert_close, found, torch.zeros(1, 2), "attention"), [], {})
    assert "yours is nan" in aid.facts[0] or "yours is -∞" in aid.facts[0]


def test_a_mask_that_is_wrong_is_laid_beside_the_right_one():
    found, expected = torch.ones(3, 3, dtype=torch.bool), torch.ones(3, 3, dtype=torch.bool).tril()
    aid = evidence(failing(assert_close, found, expected, "exact"), [], {})
    assert aid.facts[0] == "Position 0 sees positions 1, 2, which the right one does not."
    assert [panel.yes_or_no for panel in aid.figure.panels] == [True, True]


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1)
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, -torch.inf), -1) @ v


def seen(function, mask):
    """Return the evidence when `function` was asked with a mask and something is wrong with its result."""
    q, k, v = (torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(n)) for n in range(3))
    call = Call(target="attention", args=(q, k, v, mask))
    error = failing(assert_true, False, "wrong")
    return evidence(error, [Step(call, function(q, k, v, mask))], {"attention": function})


def test_a_query_that_sees_a_forbidden_key_is_named():
    mask = torch.ones(3, 3, dtype=torch.bool).tril()
    aid = seen(lambda q, k, v, mask: attention(q, k, v), mask)
    assert aid.facts[:2] == (
        "Query 0 sees keys 1, 2, which the mask forbids.",
        "Query 1 sees key 2, which the mask forbids.",
    )
    assert aid.figure.panels[1].said == "row 0: 0; row 1: 0, 1; row 2: 0, 1, 2"


def test_a_query_that_misses_a_key_is_named():
    mask = torch.ones(3, 3, dtype=torch.bool)
    aid = seen(lambda q, k, v, mask: attention(q, k, v, mask.tril()), mask)
    assert aid.facts[0] == "Query 0 does not see keys 1, 2, which the mask allows."


def test_who_sees_whom_is_not_drawn_where_it_is_right_or_left_to_chance():
    mask = torch.ones(3, 3, dtype=torch.bool).tril()
    assert seen(attention, mask).figure is None
    assert seen(lambda *args: torch.rand(2, 3, 4), mask).figure is None


def test_an_exception_is_told_with_its_own_line():
    aid = evidence(StudentError("TypeError", "no", "line 3 of your cell: return {1: 2}"), [], {})
    assert (aid.reason, aid.where, aid.code) == (
        "Your code raised TypeError: no",
        "line 3 of your cell",
        "return {1: 2}",
    )


def test_there_is_nothing_to_add_to_a_timeout_or_a_pass():
    for error in (StudentTimeout("late"), None):
        aid = evidence(error, [], {})
        assert (aid.reason, aid.facts, aid.figure) == ("", (), None)
