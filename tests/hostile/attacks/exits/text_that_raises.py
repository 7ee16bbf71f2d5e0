"""Raises an exception whose text raises KeyboardInterrupt, and whose class has a name that is no text."""

# /// attack
# exercise = "softmax"
# verdicts = ["error", "crashed"]
# ///

# %% softmax
class Named(type):
    __name__ = property(lambda cls: 1 / 0)


class Trap(Exception, metaclass=Named):
    def __str__(self):
        raise KeyboardInterrupt


def softmax(x, dim=-1):
    raise Trap
