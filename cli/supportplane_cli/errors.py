"""The command line's error tree. Each is shown as one sentence that says what to do; none shows a traceback.

CommandFailed                 exit code 1
+-- WrongUsage                exit code 2   flags or files that contradict each other
+-- NothingRunning            exit code 3   no agent runs on this data directory, or the URL does not answer
+-- AlreadyRunning            exit code 4   another `up` holds the data directory
+-- Refused                   exit code 5   the server said no: its problem's title and detail
+-- PartFailed                exit code 6   an embedded part did not start or does not answer
+-- DataUnusable              exit code 7   the data directory is corrupt, not ours, or of another version
    +-- DiskFull              exit code 7   goes away by itself once there is space
"""

from typing import ClassVar


class CommandFailed(Exception):
    """``message`` is a whole sentence; ``hint`` is what to type, shown on a line of its own."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class WrongUsage(CommandFailed):
    exit_code = 2


class NothingRunning(CommandFailed):
    exit_code = 3


class AlreadyRunning(CommandFailed):
    exit_code = 4


class Refused(CommandFailed):
    exit_code = 5


class PartFailed(CommandFailed):
    exit_code = 6


class DataUnusable(CommandFailed):
    exit_code = 7


class DiskFull(DataUnusable):
    pass
