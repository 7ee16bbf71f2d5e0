"""Empties the watch for forbidden shortcuts that it finds on torch's stack of modes; its own answer is wrong as well."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong", "forbidden"]
# ///

# %% softmax
import gc


def softmax(x, dim=-1):
    for thing in gc.get_objects():
        for name in ("_functions", "_modules", "_operators", "_beginnings"):
            if "Watch" in type(thing).__name__ and isinstance(getattr(thing, name, None), dict):
                getattr(thing, name).clear()
    return torch.softmax(-x, dim)
