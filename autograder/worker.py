"""A grading process: takes notebooks, one after the other, and gives back records.

    python -m autograder.worker      with a socket as standard input, JSON lines both ways, the settings first

It begins by splitting off the process that student code will run in, while it knows no more than that one may know.
Then it becomes the trusted side, which knows the hidden checks and the reference, and never runs a line of student
code itself.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
import traceback

from autograder import launch

_GRACE_SECONDS = 1.0


def main() -> None:
    """Grade what comes in until the socket closes."""
    zygote = launch.split_off()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; who started this one says what follows
    listener = socket.socket(fileno=os.dup(0))
    threading.Thread(target=_end_when_abandoned, args=(listener,), daemon=True).start()
    # Only now: everything that was loaded before is in the memory of the other process as well.
    from autograder.desk import work

    with listener.makefile("rwb") as channel:
        work(channel, zygote)


def _end_when_abandoned(listener: socket.socket) -> None:
    """End this process when nobody is at the other end any more, not even the one who would stop it: it was killed."""
    poll = select.poll()
    poll.register(listener, 0)  # hanging up is reported unasked
    poll.poll()
    time.sleep(_GRACE_SECONDS)  # one that waits for jobs has noticed by now and ends in good order
    os._exit(1)


if __name__ == "__main__":
    code = 1
    try:
        main()
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)  # without taking torch apart, which takes half a second and nobody needs
