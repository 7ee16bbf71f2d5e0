"""What a file of checks imports: the decorators, the assertions, and the kinds of values that are no tensors."""

from autograder.authoring import catches, exercise, points
from autograder.checks.compare import TOLERANCES, assert_close, assert_equal, assert_raises, assert_true
from autograder.checks.trial import assert_tells_apart
from autograder.stand_in import suspect
from autograder.wire import Foreign, FreshAxes, Picture

__all__ = [
    "TOLERANCES",
    "Foreign",
    "FreshAxes",
    "Picture",
    "assert_close",
    "assert_equal",
    "assert_raises",
    "assert_tells_apart",
    "assert_true",
    "catches",
    "exercise",
    "points",
    "suspect",
]
