"""The student's self-check: in a namespace, in a real kernel, and under `nbgrader validate`."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.catalogue import Catalogue
from autograder.course import read_course
from autograder.errors import UsageError
from autograder.homework.hints import next_hint
from autograder.homework.selfcheck import Card, check_cards, check_namespace, hint, read_release_folder
from autograder.inside.frames import register
from autograder.report.card import exercise_card_html, exercise_card_text

ROOT = Path(__file__).parent.parent.parent
ASSIGNMENT = "01_attention"
BIN = Path(sys.executable).parent
ENV = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(read_course(ROOT).assignment(ASSIGNMENT))


def check_one(assignment, name, namespace):
    return Card(check_namespace(namespace, assignment, [name])[0])


def test_the_reference_passes_every_public_check(assignment, catalogue):
    names = [e.id for e in assignment.exercises]
    results = check_namespace(catalogue.reference, assignment, names)
    assert [f"{c.id}: {c.message}" for r in results for c in r.checks if c.verdict != "pass"] == []
    assert all(len(result.checks) >= 2 for result in results)


@pytest.mark.filterwarnings("ignore::UserWarning")  # a student's code may make torch warn
def test_every_alternative_passes_the_public_checks_of_its_exercise(assignment, catalogue):
    for variant in catalogue.alternatives:
        card = check_one(assignment, variant.exercise, catalogue.namespace(variant))
        assert card.passed, f"{variant.entry.name}: {card!r}"


def test_most_known_mistakes_are_noticed_in_public_already(assignment, catalogue):
    noticed = [not check_one(assignment, v.exercise, catalogue.namespace(v)).passed for v in catalogue.misconceptions]
    assert sum(noticed) / len(noticed) > 0.6


def test_public_checks_carry_no_points(assignment, catalogue):
    card = check_one(assignment, "softmax", catalogue.reference)
    assert card.result.max_score == 0


def test_a_stub_is_not_attempted(assignment, catalogue):
    def softmax(x, dim=-1):
        raise NotImplementedError

    card = check_one(assignment, "softmax", catalogue.reference | {"softmax": softmax})
    assert card.result.status == "not_attempted"
    assert "not attempted yet" in repr(card).lower()


def test_a_name_that_is_not_there_is_missing(assignment):
    card = check_one(assignment, "softmax", {})
    assert card.result.status == "missing"


def test_a_wrong_solution_is_told_what_was_expected_and_found(assignment, catalogue):
    wrong = catalogue.namespace(next(v for v in catalogue.misconceptions if v.entry.name == "no_keepdim"))
    card = check_one(assignment, "softmax", wrong)
    assert not card.passed
    assert "Traceback" not in repr(card)


def test_an_endless_loop_is_interrupted(assignment, catalogue, monkeypatch):
    monkeypatch.setattr("autograder.homework.selfcheck.CHECK_SECONDS", 1)

    def softmax(x, dim=-1):
        while True:
            pass

    begin = time.monotonic()
    card = check_one(assignment, "softmax", {"softmax": softmax})
    assert {check.verdict for check in card.result.checks} == {"timeout"}
    assert time.monotonic() - begin < len(card.result.checks) + 3


@pytest.mark.parametrize("beside", ["as released", "what cannot be read"])
def test_the_checks_are_read_while_the_set_up_cell_runs(release, tmp_path, beside):
    """So the first check takes no longer than the others; whatever is wrong is for the check to say."""
    folder = release if beside == "as released" else tmp_path
    if beside == "what cannot be read":
        (tmp_path / "test_public.py").write_text("import nowhere_to_be_found")
        (tmp_path / "exercises.toml").write_text("")
    command = [
        sys.executable,
        "-c",
        "from autograder import check; from autograder.homework import live; print(len(live._sessions))",
    ]
    found = subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("1\n" if beside == "as released" else "0\n", "")


def test_a_check_leaves_no_figures_open(assignment, catalogue):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    check_one(assignment, "plot_attention", catalogue.reference)
    assert plt.get_fignums() == before


def test_a_notebook_outside_its_folder_is_told_where_it_belongs(tmp_path):
    with pytest.raises(UsageError, match=r"no test_public.py, exercises.toml, release.json.*Keep the notebook"):
        read_release_folder(tmp_path)


# ---- the states, which are different and look different


@pytest.fixture
def student(assignment, catalogue):
    """Make the card of an exercise whose cells hold these sources; the others are right."""

    def make(exercise, **sources):
        namespace = {**catalogue.reference, "__name__": "__main__"}
        for name, source in sources.items():
            exec(compile(source, register(name, source), "exec"), namespace)
        return check_cards(namespace, assignment, [exercise])[0]

    return make


STUB = "def softmax(x, dim=-1):\n    raise NotImplementedError()"
WEIGHTS = "def attention_weights(scores, mask=None):\n    return softmax(scores)"


def test_each_state_has_a_word_and_a_mark_of_its_own(student):
    cards = {
        "not_attempted": student("softmax", softmax=STUB),
        "skipped": student("attention_weights", softmax=STUB, attention_weights=WEIGHTS),
        "error": student("softmax", softmax="def softmax(x, dim=-1):\n    return x.nothing"),
        "forbidden": student("softmax", softmax="def softmax(x, dim=-1):\n    return torch.softmax(x, dim)"),
        "wrong": student("softmax", softmax="def softmax(x, dim=-1):\n    return x"),
        "pass": student("softmax"),
    }
    badges = {re.search(r'ag-badge">([^<]+)<', card._repr_html_())[1] for card in cards.values()}
    assert badges == {
        *("○ Not attempted yet", "- Not judged", "! Stopped with an error"),
        *("⊘ Takes a shortcut", "✗ Not right yet", "✓ Passes"),
    }
    for state, card in cards.items():
        assert f"ag-state-{state}" in card._repr_html_()


def test_an_error_is_told_with_the_line_in_the_cell_and_what_stands_there(student):
    card = student("softmax", softmax="def softmax(x, dim=-1):\n    peak = x.max(dim)\n    return (x - peak).exp()")
    assert "Your code raised TypeError: unsupported operand" in repr(card)
    assert "Line 3 of softmax:\n      return (x - peak).exp()" in repr(card)
    assert '<pre class="ag-code" dir="ltr">return (x - peak).exp()</pre>' in card._repr_html_()
    for ours in ("Traceback", "executor.py", "selfcheck.py"):
        assert ours not in card._repr_html_() + repr(card)


def test_only_the_first_check_that_does_not_pass_is_told_in_full(student):
    card = student("softmax", softmax="def softmax(x, dim=-1):\n    return x")
    assert repr(card).count("yours is") == 1
    assert card._repr_html_().count("ag-panels") <= 2  # its style and itself
    assert repr(card).count("Not right yet.") > 1


def test_a_later_exercise_says_on_which_earlier_one_it_fails(student):
    late = "def attention_weights(scores, mask=None):\n    return softmax(scores)"
    wrong = "def softmax(x, dim=-1):\n    return x.exp() / x.exp().sum()"
    said = "This stands on `softmax`, which does not pass yet: mend that first."
    assert said in " ".join(repr(student("attention_weights", softmax=wrong, attention_weights=late)).split())
    assert "This stands on" not in repr(student("attention_weights", attention_weights=late))
    assert "This stands on" not in repr(student("softmax", softmax=wrong))


def test_a_test_of_ones_own_waits_for_the_function_that_it_tries(tmp_path):
    later = read_course(ROOT).assignment("02_multi_head")
    released = read_release_folder(ROOT / "release" / later.id)
    namespace = {**Catalogue(later).reference}
    exec("def split_heads(x, num_heads):\n    raise NotImplementedError()", namespace)
    (card,) = check_cards(namespace, released, ["test_split_heads"])
    assert "This stands on `split_heads`, which is not written yet" in repr(card)


def test_who_sees_whom_is_drawn_where_a_mask_is_not_kept(student):
    source = """def scaled_dot_product_attention(q, k, v, mask=None):
        weights = attention_weights(attention_scores(q, k))
        return weights @ v, weights"""
    card = student("scaled_dot_product_attention", scaled_dot_product_attention=source)
    assert "Query 0 sees keys 0, 1, 2, 3, which the mask forbids." in repr(card)
    assert "! ! ! ! #   . . . . #" in repr(card)
    assert "Known mistake: mask without effect" in repr(card)
    assert card._repr_html_().count('<svg role="img" aria-label="') == 2


def test_values_are_told_in_the_self_check_alone(student):
    """A record has no place for them, so none reaches a report about hidden checks."""
    card = student("softmax", softmax="def softmax(x, dim=-1):\n    return x")
    assert "yours is" in repr(card)
    assert "yours is" not in str(card.result) + exercise_card_text(card.result) + exercise_card_html(card.result)


def test_the_next_hint_is_folded_into_the_one_before(student):
    html = student("softmax", softmax="def softmax(x, dim=-1):\n    return x")._repr_html_()
    first, second, third = (html.index(f"hint ({tier} of 3)") for tier in (1, 2, 3))
    assert first < second < third
    assert html.count('<details class="ag-tier">') == 3
    assert "</details>\n</details>\n</details>" in html


def test_a_check_that_fails_does_not_name_what_the_watch_or_the_clock_stopped(student):
    card = student("softmax", softmax="def softmax(x, dim=-1):\n    return torch.softmax(x, dim)")
    assert {check.misconception for check in card.result.checks} == {None}


# ---- under nbgrader


def test_validate_fails_a_stub_with_one_readable_message(release):
    path = release / f"{ASSIGNMENT}.ipynb"
    notebook = json.loads(path.read_bytes())
    shown = [cell for cell in notebook["cells"] if cell["metadata"].get("autograder") == {"role": "demonstration"}]
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in shown]  # they take most of the time
    path.write_text(json.dumps(notebook))
    command = ["nbgrader", "validate", f"{ASSIGNMENT}.ipynb"]
    done = subprocess.run(command, cwd=release, env=ENV, capture_output=True, text=True, check=True)
    assert "not attempted yet" in done.stdout.lower()
    assert "VALIDATION FAILED ON 8 CELL(S)" in done.stdout
    assert "Traceback" not in done.stdout


# ---- hints


def test_hints_in_a_notebook_are_about_the_mistake_that_was_named(release, catalogue, monkeypatch):
    monkeypatch.chdir(release)
    wrong = catalogue.namespace(next(v for v in catalogue.misconceptions if v.entry.name == "mask_after_softmax"))
    told = [str(eval('hint("attention_weights")', wrong | {"hint": hint})) for _ in range(2)]
    assert "Hint 1 of 3 for attention_weights (you get these numbers when the mask is applied after" in told[0]
    assert "Hint 2 of 3" in told[1]
    assert "nothing left" in str(eval('hint("softmax")', wrong | {"hint": hint}))


def test_a_stub_gets_the_hints_of_its_exercise(release, catalogue, assignment, monkeypatch):
    monkeypatch.chdir(release)
    namespace = {**catalogue.reference, "hint": hint}
    exec(STUB, namespace)
    assert (
        str(eval('hint("softmax")', namespace)) == f"Hint 1 of 3 for softmax: {assignment.exercise('softmax').hints[0]}"
    )


def test_hints_come_tier_by_tier_and_the_last_one_stays(assignment, release):
    exercise = assignment.exercise("softmax")
    told = [next_hint(exercise, release) for _ in range(len(exercise.hints) + 1)]
    assert [text for _, text in told] == [*exercise.hints, exercise.hints[-1]]
    assert [tier for tier, _ in told] == [1, 2, 3, 3]


def test_a_spoilt_memory_begins_anew(assignment, release):
    exercise = assignment.exercise("softmax")
    next_hint(exercise, release)
    (release / ".autograder-hints.json").write_text("{")
    assert next_hint(exercise, release)[0] == 1
    assert json.loads((release / ".autograder-hints.json").read_text()) == {"softmax": 1}
