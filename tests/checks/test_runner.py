"""Running checks: plain pytest, collected once, run as often as there are notebooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

from autograder.checks.runner import Check, CheckRunner, Finding, run_session
from autograder.errors import CheckFailed, GraderFault, StudentCrashed, StudentError
from autograder.inside.executor import Executor
from autograder.students import Student, live_asker

HEAD = """
import pytest
from autograder.checks import assert_close, assert_equal, assert_true, catches, exercise, points
"""


def student_of(**functions: Any) -> Callable[[], Any]:
    @contextmanager
    def open_student() -> Iterator[Student]:
        yield Student(live_asker(Executor(functions)), [])

    return open_student


Loop = Callable[[CheckRunner], None]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forget the checks of the test before, so that each test is one process's first session."""
    sys.modules.pop("test_hidden", None)
    yield
    sys.modules.pop("test_hidden", None)


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., None]:
    """Run a loop over the checks of a file, in a folder of its own."""

    def session(source: str, loop: Loop) -> None:
        path = tmp_path / str(len(list(tmp_path.iterdir()))) / "test_hidden.py"
        path.parent.mkdir()
        path.write_text(HEAD + dedent(source))
        run_session([path], loop)

    return session


@pytest.fixture
def run_all(session: Any) -> Callable[..., dict[str, Finding]]:
    """Run all checks of a file once against a student of these functions."""

    def run_all(source: str, seed: int = 1, reference: Student | None = None, **functions: Any) -> dict[str, Finding]:
        found: dict[str, Finding] = {}

        def loop(runner: CheckRunner) -> None:
            for check in runner.checks:
                found[check.id] = runner.run(check, student_of(**functions), seed, reference)

        session(source, loop)
        return found

    return run_all


def collected(session: Any, source: str) -> list[Check]:
    found: list[Check] = []
    session(source, lambda runner: found.extend(runner.checks))
    return found


# ---- collecting ---------------------------------------------------------------------------------------------------


def test_a_check_is_known_by_its_file_its_title_and_its_decorators(session: Any) -> None:
    (check,) = collected(
        session,
        '''
        @exercise("double")
        @points(2.5)
        @catches("squared", "tripled")
        def test_a(student):
            """Twice as much.

            More for the author.
            """
        ''',
    )
    assert (check.id, check.title) == ("test_hidden.py::test_a", "Twice as much.")
    assert (check.info.exercise, check.info.points, check.info.catches) == ("double", 2.5, ("squared", "tripled"))


def test_without_a_docstring_the_name_is_the_title(session: Any) -> None:
    (check,) = collected(session, "def test_rows_sum_to_one(): ...")
    assert check.title == "rows sum to one"


def test_a_check_with_parameters_is_one_for_each(session: Any) -> None:
    checks = collected(session, "@pytest.mark.parametrize('n', [1, 2])\n@points(2)\ndef test_a(n): ...")
    assert [check.id for check in checks] == ["test_hidden.py::test_a[1]", "test_hidden.py::test_a[2]"]
    assert [check.info.points for check in checks] == [2.0, 2.0]


def test_checks_keep_the_order_of_their_file(session: Any) -> None:
    source = "def test_b(): ...\ndef test_a(): ...\nclass Test:\n    def test_c(self): ..."
    assert [check.title for check in collected(session, source)] == ["b", "a", "c"]


@pytest.mark.parametrize("source", ["def test_a(", "import no_such_module", "1 / 0", "raise SystemExit"])
def test_a_file_that_cannot_be_read_is_the_graders_fault(session: Any, source: str) -> None:
    def loop(runner: CheckRunner) -> None:
        raise AssertionError("must not be asked to run anything")

    with pytest.raises(GraderFault):
        session(source, loop)


def test_a_file_that_is_missing_is_the_graders_fault(tmp_path: Path) -> None:
    with pytest.raises(GraderFault, match=r"test_hidden\.py is missing"):
        run_session([tmp_path / "test_hidden.py"], lambda runner: None)


def test_files_of_the_surroundings_do_not_matter(session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    monkeypatch.chdir(tmp_path)
    assert len(collected(session, "def test_a(): ...")) == 1


def test_settings_for_tests_of_somebodys_own_do_not_matter(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no_such_plugin --no-such-option")
    found: list[str] = []
    session("@exercise('f')\ndef test_f(student): ...", lambda runner: found.extend(c.id for c in runner.checks))
    assert found == ["test_hidden.py::test_f"]
    assert os.environ["PYTEST_ADDOPTS"] == "-p no_such_plugin --no-such-option"


def test_two_sessions_in_one_process_have_each_their_own_checks(session: Any) -> None:
    assert [check.title for check in collected(session, "def test_first(): ...")] == ["first"]
    assert [check.title for check in collected(session, "def test_second(): ...")] == ["second"]


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "test_hidden.py"
    titles: list[str] = []
    for name in ("before", "after"):
        path.write_text(f"def test_{name}(): ...")
        run_session([path], lambda runner: titles.extend(check.title for check in runner.checks))
    assert titles == ["before", "after"]


# ---- running ------------------------------------------------------------------------------------------------------


def test_a_check_that_holds_passes(run_all: Any) -> None:
    finding = run_all("def test_a(student): assert student.f(2) == 4", f=lambda x: 2 * x)["test_hidden.py::test_a"]
    assert finding.error is None
    assert finding.margin == 0.0
    assert [step.outcome for step in finding.transcript] == [4]


def test_what_a_check_raised_is_kept_as_it_is(run_all: Any) -> None:
    findings = run_all(
        """
        def test_message(): assert_true(False, "the text")
        def test_assert(): assert 1 == 2
        def test_stumble(student): a, b = student.f(1)
        def test_error(student): student.g(1)
        """,
        f=lambda x: None,
        g=lambda x: 1 / 0,
    )
    errors = [finding.error for finding in findings.values()]
    assert [type(error) for error in errors] == [CheckFailed, AssertionError, TypeError, StudentError]
    assert str(errors[0]) == "the text"


@pytest.mark.parametrize(
    "body",
    [
        "pytest.skip('no')",
        "pytest.fail('no')",
        "pytest.xfail('no')",
        "pytest.importorskip('no_such_module')",
        "raise SystemExit(0)",
        "no_such_name",
    ],
)
def test_nothing_but_running_to_the_end_is_a_pass(run_all: Any, body: str) -> None:
    (finding,) = run_all(f"def test_a(): {body}").values()
    assert finding.error is not None


@pytest.mark.parametrize("mark", ["skip", "xfail", "skipif(True, reason='x')", "xfail(strict=False)"])
def test_a_mark_does_not_turn_a_failure_into_a_pass(run_all: Any, mark: str) -> None:
    (finding,) = run_all(f"@pytest.mark.{mark}\ndef test_a(): assert False").values()
    assert finding.error is not None


def test_a_fixture_that_does_not_exist_is_no_pass(run_all: Any) -> None:
    (finding,) = run_all("def test_a(no_such_fixture): ...").values()
    assert finding.error is not None


def test_a_failure_while_tearing_down_is_no_pass_and_does_not_replace_the_first(run_all: Any) -> None:
    source = """
        @pytest.fixture
        def broken():
            yield
            raise RuntimeError("later")

        def test_a(broken): ...
        def test_b(broken): assert_true(False, "first")
        """
    first, second = run_all(source).values()
    assert isinstance(first.error, RuntimeError)
    assert isinstance(second.error, CheckFailed)


def test_a_student_that_cannot_be_opened_is_that_error(session: Any) -> None:
    found: list[Finding] = []

    @contextmanager
    def broken() -> Iterator[Student]:
        raise StudentCrashed("the process was ended by SIGSEGV")
        yield

    session("def test_a(student): ...", lambda runner: found.append(runner.run(runner.checks[0], broken, 1)))
    assert isinstance(found[0].error, StudentCrashed)


def test_one_session_runs_a_check_as_often_as_it_is_asked_and_nothing_is_left(session: Any) -> None:
    source = """
        @pytest.fixture(scope="session")
        def kept():
            return []

        def test_a(student, kept):
            kept.append(1)
            assert len(kept) == 1
            assert student.f(1) == 1
        """
    passed: list[bool] = []

    def loop(runner: CheckRunner) -> None:
        for value in (1, 2, 1):
            passed.append(runner.run(runner.checks[0], student_of(f=lambda x, v=value: v), 1).error is None)

    session(source, loop)
    assert passed == [True, False, True]


def test_the_student_is_closed_after_the_check_however_it_ended(session: Any) -> None:
    events: list[str] = []

    @contextmanager
    def opened() -> Iterator[Student]:
        events.append("open")
        yield Student(live_asker(Executor({})), [])
        events.append("close")

    session("def test_a(student): assert False", lambda runner: runner.run(runner.checks[0], opened, 1) and None)
    assert events == ["open", "close"]


def test_inputs_are_drawn_from_the_seed(run_all: Any) -> None:
    source = "def test_a(student, draw): student.f(draw.normal(3))"
    first, again, other = (
        run_all(source, seed=seed, f=lambda x: x)["test_hidden.py::test_a"].transcript[0].outcome for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_worst_margin_is_reported(run_all: Any) -> None:
    source = """
        import torch
        def test_a():
            for error in (5e-6, 8e-6, 1e-6):
                assert_close(torch.tensor([error]), torch.zeros(1), "attention")
        """
    assert run_all(source)["test_hidden.py::test_a"].margin == pytest.approx(0.8)


def test_the_reference_is_there_for_hidden_checks_alone(run_all: Any) -> None:
    source = "def test_a(student, reference): assert_equal(student.f(2), reference.f(2), 'it')"
    reference = Student(live_asker(Executor({"f": lambda x: 2 * x})), [])
    (finding,) = run_all(source, reference=reference, f=lambda x: x + x).values()
    assert finding.error is None
    (finding,) = run_all(source, f=lambda x: x + x).values()
    assert isinstance(finding.error, GraderFault)


def test_what_the_loop_raises_reaches_the_caller(session: Any) -> None:
    def loop(runner: CheckRunner) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        session("def test_a(): ...", loop)


def test_nothing_is_printed(run_all: Any, capfd: pytest.CaptureFixture[str]) -> None:
    run_all("def test_a(): assert False\ndef test_b(): ...")
    assert capfd.readouterr() == ("", "")
