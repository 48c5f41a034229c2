"""The events of one turn, kept so that a client can come back for those it missed. No I/O; one event loop.

Written by the task that works on the turn, followed by any number of streams. Bounded by what a turn can say: a few
steps and one token event a sentence.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from supportplane_runtime.turns.events import Answered, Failed, Token, TurnEvent

# A later attempt at a turn counts on from here, so its events come after anything an earlier one has sent.
SEQUENCES_PER_ATTEMPT: Final = 100_000


class EventBuffer:
    def __init__(self, *, attempt: int = 1) -> None:
        self._offset = (attempt - 1) * SEQUENCES_PER_ATTEMPT
        self._takes_tokens = attempt == 1
        self._events: list[TurnEvent] = []
        self._changed = asyncio.Event()
        self._ended = False

    @property
    def has_tokens(self) -> bool:
        return any(isinstance(event, Token) for event in self._events)

    @property
    def is_complete(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1], Answered | Failed)

    def append(self, build: Callable[[int], TurnEvent]) -> None:
        """Build gets the event's sequence. After a terminal event nothing more is taken."""
        if self._ended:
            return
        event = build(self._offset + len(self._events) + 1)
        if isinstance(event, Token) and not self._takes_tokens:
            return  # an earlier attempt may have sent some, which must not come twice: the final event has it all
        self._events.append(event)
        self._ended = self.is_complete
        self._wake()

    def abandon(self) -> None:
        """No more events will come from here: followers of a turn without a terminal event must look elsewhere."""
        self._ended = True
        self._wake()

    async def follow(self, after: int) -> AsyncIterator[TurnEvent]:
        """Events with sequence > after, live, until the terminal one or until the buffer is abandoned."""
        position = min(max(0, after - self._offset), len(self._events))
        while True:
            while position < len(self._events):
                yield self._events[position]
                position += 1
            if self._ended:
                return
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
