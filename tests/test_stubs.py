"""Cutting exercises out of the reference solutions."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.stubs import marked_source, solution_source, stub_source

SOLUTIONS = '''\
"""Solutions."""

# Not part of it.
@decorated
@decorated(
    2
)
async def one(
    x: int = 1,  # a default
) -> str:
    """Say one."""

    # First.
    text = """
  no indentation here
"""
    return text
    # Last.
# Not part of it either.


class Two(Base):
    """Two.

    Lines.
    """

    size = 2

    # Before a method.
    @property
    def a(self):
        "Short."
        return 1  # END

    class Inner:
        def b(self):
            # A comment first.

            @cached
            def c():
                return 2

            return c


    def d(self):
        """Only a docstring."""


def line(x): return x


class Empty:
    """Nothing to write."""

    size = 3


def marked():
    ### BEGIN SOLUTION
    return 1
    ### END SOLUTION
'''


@pytest.fixture
def solutions(tmp_path: Path) -> Path:
    path = tmp_path / "solutions.py"
    path.write_text(SOLUTIONS)
    return path


def test_a_function_is_cut_to_the_letter(solutions: Path) -> None:
    source = solution_source(solutions, "one")
    assert source.startswith("@decorated\n@decorated(\n    2\n)\nasync def one(\n    x: int = 1,  # a default\n")
    assert source.endswith("    return text\n    # Last.")
    assert "Not part" not in source
    assert (
        marked_source(solutions, "one")
        == source.replace("    # First.", "    ### BEGIN SOLUTION\n    # First.") + "\n    ### END SOLUTION"
    )


def test_the_stub_of_a_function(solutions: Path) -> None:
    assert stub_source(solutions, "one").endswith(
        ') -> str:\n    """Say one."""\n\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    )
    assert stub_source(solutions, "one", "pass").endswith('"""Say one."""\n\n    pass')


def test_the_stub_of_a_class_keeps_everything_but_the_bodies(solutions: Path) -> None:
    assert (
        stub_source(solutions, "Two", "...")
        == '''\
class Two(Base):
    """Two.

    Lines.
    """

    size = 2

    # Before a method.
    @property
    def a(self):
        "Short."
        ...

    class Inner:
        def b(self):
            ...


    def d(self):
        """Only a docstring."""'''
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("three", "defines no function or class 'three'"),
        ("line", "the body of line must begin on a line of its own"),
        ("Empty", "has no function body that a student could write"),
        ("marked", "holds nbgrader's own solution marks"),
    ],
)
def test_what_cannot_be_cut_is_said(solutions: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stub_source(solutions, name)


def test_a_module_that_is_no_python_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is missing"):
        solution_source(tmp_path / "none.py", "one")
    (tmp_path / "bad.py").write_text("def :")
    with pytest.raises(UsageError, match="cannot be read as Python"):
        solution_source(tmp_path / "bad.py", "one")
