"""The wish that `up` stops: Ctrl-C, SIGTERM (`down`) or SIGHUP (its terminal is gone) leave a mark that waits look at.

Nothing is raised where a signal arrives. KeyboardInterrupt comes between any two instructions: in an import, which then
prints a traceback; in a finalizer, which swallows it; between the start of a child and the line that remembers it. And
where Python runs code that it made from text, as dataclasses do, it marks the interpreter: though the exception was
caught, the process ends by the signal. Other commands hold nothing and never call this; Ctrl-C interrupts them.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(BaseException):
    """Not a failure, so that nobody who handles failures takes it for one."""


class Stop:
    """One a process, as signals are. Its methods are called in the order in which they stand here."""

    def __init__(self) -> None:
        self.asked = False
        self._raises = False

    def leave_at_once(self) -> None:
        """For as long as nothing is held: no words, no clean-up."""
        self._on_signal(lambda *_: os._exit(0))

    def remember(self) -> None:
        """From now on a signal sets ``asked``."""
        self._on_signal(self._mark)

    def check(self) -> None:
        """Raises StopAsked once a signal has come."""
        if self.asked:
            raise StopAsked

    def pause(self, seconds: float) -> None:
        """A short sleep, half a second at most. Raises StopAsked."""
        self.check()
        time.sleep(seconds)
        self.check()

    @contextmanager
    def raising(self) -> Iterator[None]:
        """For a wait inside a library that may be cut at any line: a signal raises StopAsked at once."""
        self._raises = True
        try:
            self.check()
            yield
        finally:
            self._raises = False

    def hurry(self, action: Callable[[], None]) -> None:
        """Another Ctrl-C does this, in the middle of whatever is being done.

        Only Ctrl-C, because only a person is told so: a terminal that is closed sends SIGHUP twice, by its shell too.
        """
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda *_: action())

    def ignore(self) -> None:
        """The last thing: while Python ends, it takes handlers back, and a signal would end it with another status."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _mark(self, *_: Any) -> None:
        self.asked = True
        if self._raises:
            self._raises = False  # once; what cleans up after it is left alone
            raise StopAsked

    def _on_signal(self, handler: Callable[..., None]) -> None:
        """What is ignored stays so: nohup does it with SIGHUP, a shell with SIGINT for a background job."""
        for number in SIGNALS:
            if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)


stop = Stop()
