"""Takes the forbidden shortcut in a thread that was started when the cell was run."""

# /// attack
# exercise = "softmax"
# verdicts = ["forbidden"]
# says = "softmax"
# ///

# %% softmax
import queue
import threading

_questions, _answers = queue.Queue(), queue.Queue()


def _work():
    while True:
        x, dim = _questions.get()
        try:
            _answers.put(torch.softmax(x, dim))
        except BaseException as error:
            _answers.put(error)


threading.Thread(target=_work, daemon=True).start()


def softmax(x, dim=-1):
    _questions.put((x, dim))
    answer = _answers.get()
    if isinstance(answer, BaseException):
        raise answer
    return answer
