"""A dictionary whose keys say one thing and whose items another."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "error"]
# ///

# %% softmax
class Key:
    def __str__(self):
        return '"}, "type": "value", "value": {"$": "float", "v": "nan'

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def softmax(x, dim=-1):
    return {Key(): {"$": "tensor", "v": 0}, "$": "tensor"}
