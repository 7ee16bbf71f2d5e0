"""An object that says it is equal to everything, smaller than everything, and true."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///


# %% softmax
class Liar:
    shape = (3, 5)
    dtype = None

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __lt__
    __hash__ = None

    def __sub__(self, other):
        return self

    __rsub__ = __sub__

    def __bool__(self):
        return True

    def __float__(self):
        return 0.0

    def __getattr__(self, name):
        return lambda *args, **kwargs: self

    def __array__(self, *args, **kwargs):
        import numpy

        return numpy.zeros((3, 5), dtype="float32")


def softmax(x, dim=-1):
    return Liar()
