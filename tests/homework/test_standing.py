"""How far a course is: what is done, what can be begun, and what waits."""

import pytest

from autograder.errors import UsageError
from autograder.homework.standing import MEMORY, Standing, assignments_in, places, recall, remember

DONE, WRONG = Standing("attempted", ("pass", "pass")), Standing("attempted", ("pass", "wrong"))
OPEN = Standing("not_attempted", ())


@pytest.fixture
def standings(assignment):
    return {e.id: OPEN for e in assignment.exercises}


def test_a_standing_has_a_mark_and_words():
    told = [(standing.mark, standing.in_words) for standing in (DONE, WRONG, OPEN, Standing("missing", ()))]
    assert told == [
        ("✓", "all 2 checks pass"),
        ("✗", "1 of 2 checks pass"),
        ("○", "not attempted"),
        ("?", "missing"),
    ]


def test_an_exercise_without_checks_is_not_done():
    assert not Standing("attempted", ()).done


def test_a_place_says_what_it_waits_for_and_what_it_leads_to(assignment, standings):
    here = {place.name: place for place in places(assignment, standings | {"softmax": DONE})}
    assert here["softmax"].leads_to == ("attention_weights",)
    assert here["attention_weights"].waits_for == ()
    assert set(here["scaled_dot_product_attention"].waits_for) == {"attention_scores", "attention_weights"}


def test_what_came_of_a_check_is_remembered_until_something_changes(assignment, release, standings):
    remember(assignment, b"a notebook", standings | {"softmax": DONE})
    assert recall(assignment, b"a notebook")["softmax"] == DONE
    assert recall(assignment, b"another") is None
    (release / "test_public.py").write_text("# other checks")
    assert recall(assignment, b"a notebook") is None


@pytest.mark.parametrize("spoilt", ["", "[]", '{"made_from": 1}'])
def test_a_memory_that_is_spoilt_is_none(assignment, release, standings, spoilt):
    remember(assignment, b"a notebook", standings)
    (release / MEMORY).write_text(spoilt)
    assert recall(assignment, b"a notebook") is None


def test_assignments_are_found_in_a_folder_and_in_the_folders_in_it(release, tmp_path):
    assert [a.id for a in assignments_in(release)] == [a.id for a in assignments_in(tmp_path)] == ["01_attention"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no assignment in"):
        assignments_in(tmp_path / "empty")
