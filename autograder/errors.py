"""Every error that the kit raises on purpose.

AutograderError              base of all; its text is shown to the user as it is, without a traceback
+-- UsageError               bad command line, course file or path: exit code 2
+-- RefusedToStart           grading would not be safe or not be right (a lock is missing, ...): exit code 2
+-- NotGradable              one submission cannot be graded; the text says why
+-- GraderFault              the grader is at fault: never a mark, the submission stays ungraded
+-- WireError                bytes from the other side that are not a message
+-- CheckFailed              a check found something wrong; the text is for the student
+-- NotPassed                an exercise does not pass in a self-check, where that can only be said by raising
+-- StudentFailure           a call into student code did not give a value; `verdict` says which way
    +-- StudentError         it raised; carries the exception and the student's own line
    +-- StudentTimeout       it did not finish in time
    +-- StudentMemory        it wanted more memory than it may have
    +-- StudentCrashed       its process ended, or answered with something that is no answer
    +-- StudentForbidden     it took a shortcut that the exercise forbids
    +-- StudentMissing       there is no function or class of that name

OutOfTime                    no Exception: ends student code in a self-check
"""

from __future__ import annotations


class OutOfTime(BaseException):
    """An alarm rang while student code ran in this process; it passes through whatever catches exceptions there."""


class AutograderError(Exception):
    """Base of all errors raised on purpose; the text is for people."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows in the place of a traceback, in which all lines would be the kit's own."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(AutograderError):
    """A command, a course file or a path is not as it should be."""


class RefusedToStart(AutograderError):
    """Grading here would not be safe, or its results not right."""


class NotGradable(AutograderError):
    """One submission cannot be graded, and the text says why."""


class GraderFault(AutograderError):
    """The grader failed; whatever the student did, this is not their mark."""


class WireError(AutograderError):
    """The bytes received are not a message of the wire format."""


class CheckFailed(AutograderError, AssertionError):
    """What a check found is wrong; the text is shown to the student, so it holds no hidden input or expected value."""


class NotPassed(AutograderError, AssertionError):
    """An exercise does not pass; the text is its card, and speaks for itself."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class StudentFailure(AutograderError):
    """A call into student code gave no value."""

    verdict = "error"


class StudentError(StudentFailure):
    """Student code raised an exception.

    Args:
        kind: name of the exception's class, such as "ZeroDivisionError"
        message: its text
        where: the student's own line and where it stands, or "" when the exception came from no line of theirs
    """

    def __init__(self, kind: str, message: str, where: str = "") -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message, self.where = kind, message, where


class StudentTimeout(StudentFailure):
    """Student code did not finish in time and was killed."""

    verdict = "timeout"


class StudentMemory(StudentFailure):
    """Student code wanted more memory than it may have."""

    verdict = "memory"


class StudentCrashed(StudentFailure):
    """The student's process ended, or answered with something that is no answer."""

    verdict = "crashed"


class StudentForbidden(StudentFailure):
    """Student code took a shortcut that the exercise forbids."""

    verdict = "forbidden"


class StudentMissing(StudentFailure):
    """The notebook defines nothing of that name."""

    verdict = "missing"
