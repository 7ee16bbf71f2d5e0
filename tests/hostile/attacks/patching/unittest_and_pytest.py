"""Empties the assertions of unittest, and pytest's raises, fail and approx."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import sys
import unittest


def softmax(x, dim=-1):
    for name in [n for n in dir(unittest.TestCase) if n.startswith(("assert", "fail"))]:
        setattr(unittest.TestCase, name, lambda *args, **kwargs: None)
    unittest.TestResult.wasSuccessful = lambda self: True
    if (pytest := sys.modules.get("pytest")) is not None:
        pytest.fail = lambda *args, **kwargs: None
        pytest.approx = lambda expected, **kwargs: type("Any", (), {"__eq__": lambda a, b: True})()
    return torch.full_like(x, 1 / x.size(dim))
