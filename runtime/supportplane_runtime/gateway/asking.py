"""Starts turns and follows them: the gateway's only use of ``Turns``.

A turn that was started here holds its place (limits/admission.py) until its terminal event. While a client listens, the
client's own stream shows that event; when the client leaves before, the rest of the turn is watched in the background.
Called by api/query/.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from supportplane_runtime import metrics
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.errors import TurnTimedOut
from supportplane_runtime.gateway.errors import Draining
from supportplane_runtime.gateway.limits.admission import Admission, Closing
from supportplane_runtime.gateway.limits.counting import Asker
from supportplane_runtime.gateway.limits.shares import Shares
from supportplane_runtime.gateway.parts import GatewayParts
from supportplane_runtime.turns.events import Answered, Failed, Token, TurnEvent
from supportplane_runtime.turns.interfaces import TurnRequest

log = structlog.get_logger(__name__)

PATIENCE_S = 5.0  # beyond the turn's own timeout, so that its Failure comes first


@dataclass(slots=True)
class Run:
    """A turn as this request sees it. counted: this request holds the turn's place, for ``asker``, and measures it.

    turn: under the id by which its caller knows it. stored_id: under which ``Turns`` and the store know it; mostly the
    same (api/query/beginning.py).
    """

    turn: Turn
    stored_id: UUID
    started_at: float
    counted: bool
    asker: Asker | None = None
    last_sequence: int = 0
    answering: bool = False
    ended: bool = False
    watched: bool = False

    @property
    def turn_id(self) -> UUID:
        return self.turn.turn_id


class Asking:
    def __init__(self, parts: GatewayParts, admission: Admission) -> None:
        self._turns = parts.turns
        self._admission = admission
        self._shares = Shares(admission)
        self._counted: set[tuple[str, UUID]] = set()
        self._watchers: set[asyncio.Task[None]] = set()
        self._timeout_s = parts.turn_timeout.total_seconds() + PATIENCE_S

    async def begin(self, request: TurnRequest, asker: Asker, *, known_as: UUID | None = None) -> Run:
        """Accept the question. known_as: what the caller calls the turn.

        Raises Draining, Overloaded, RateLimited, and what ``Turns.start`` raises.
        """
        await self._shares.take(asker)
        started_at = self._admission.now()
        try:
            turn = await self._turns.start(request)
        except BaseException:
            self._shares.give_back(asker)
            raise
        place = (turn.tenant, turn.turn_id)
        counted = turn.status is TurnStatus.ACCEPTED and place not in self._counted
        if counted:
            self._counted.add(place)
        else:
            self._shares.give_back(asker)
        return Run(_called(turn, known_as), turn.turn_id, started_at, counted, asker)

    def resumed(self, turn: Turn, *, after: int, known_as: UUID) -> Run:
        """A turn that someone started before, from its event ``after + 1`` on."""
        shown = _called(turn, known_as)
        return Run(shown, turn.turn_id, self._admission.now(), counted=False, last_sequence=after)

    async def has_seen_the_end(self, run: Run) -> bool:
        """Whether the turn has ended and this client has all its events. Raises what ``Turns.stream`` does."""
        if run.turn.status is TurnStatus.ACCEPTED:
            return False
        stream = self._turns.stream(run.turn.tenant, run.stored_id, after=run.last_sequence)
        try:
            async for _ in stream:
                return False
        finally:
            await _close(stream)
        return True

    async def end(self, run: Run) -> Answered | Failed | None:
        """The terminal event of a turn that has ended, whatever was seen of it."""
        again = Run(run.turn, run.stored_id, run.started_at, counted=False)
        async with aclosing(self._noted(again)) as events:
            async for event in events:
                if isinstance(event, Answered | Failed):
                    return event
        return None

    async def events(self, run: Run) -> AsyncGenerator[TurnEvent, None]:
        """The turn's events up to its terminal one. Close it (``aclosing``) when leaving early; the turn goes on."""
        try:
            async with aclosing(self._noted(run)) as events:
                async for event in events:
                    yield event
        finally:
            self.left(run)

    async def _noted(self, run: Run) -> AsyncGenerator[TurnEvent, None]:
        stream = self._turns.stream(run.turn.tenant, run.stored_id, after=run.last_sequence)
        try:
            async for event in stream:
                self._note(run, event)
                yield replace(event, turn_id=run.turn_id) if isinstance(event, Answered | Failed) else event
        finally:
            await _close(stream)

    async def answer(self, run: Run) -> Answered | Failed:
        """Wait for the terminal event. Raises TurnTimedOut or Draining; the turn itself goes on."""
        try:
            async with self._admission.until_closing(self._timeout_s), aclosing(self._noted(run)) as events:
                async for event in events:
                    if isinstance(event, Answered | Failed):
                        return event
        except TimeoutError:
            raise TurnTimedOut(f"No answer yet. Ask for turn {run.turn_id} later.", retry_after_s=5) from None
        except Closing:
            raise Draining(f"The server restarts. Ask for turn {run.turn_id} again.") from None
        finally:
            self.left(run)
        raise TurnTimedOut(f"The turn's events ended early. Ask for turn {run.turn_id} later.", retry_after_s=2)

    async def cancel(self, turn: Turn) -> None:
        await self._turns.cancel(turn.tenant, turn.turn_id)

    async def stop(self) -> None:
        """Let go of the turns that are still watched; whoever runs them goes on or hands them over."""
        for watcher in tuple(self._watchers):
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def left(self, run: Run) -> None:
        """No client listens to this run any more: if it holds a place, its end is watched from now on."""
        if run.counted and not run.ended and not run.watched:
            run.watched = True
            watcher = asyncio.create_task(self._watch(run), name="turn-watcher")
            self._watchers.add(watcher)
            watcher.add_done_callback(self._watchers.discard)

    def _note(self, run: Run, event: TurnEvent) -> None:
        run.last_sequence = event.sequence
        ended = isinstance(event, Answered | Failed)
        if run.counted and not run.answering and isinstance(event, Token | Answered):
            run.answering = True
            metrics.FIRST_TOKEN_SECONDS.observe(self._admission.seconds_since(run.started_at))
        if ended and not run.ended:
            run.ended = True
            self._release(run, took_s=self._admission.seconds_since(run.started_at))

    def _release(self, run: Run, *, took_s: float | None) -> None:
        if run.counted and run.asker is not None:
            self._counted.discard((run.turn.tenant, run.stored_id))
            self._shares.give_back(run.asker, took_s=took_s)

    async def _watch(self, run: Run) -> None:
        """The top of a background task: the client has gone, so there is no one to tell of an error but the log."""
        try:
            async with asyncio.timeout(self._timeout_s), aclosing(self._noted(run)) as events:
                async for _ in events:
                    pass
        except Exception as exc:  # noqa: BLE001 - whatever it is, the place is given back below
            log.warning("turn_unwatched", turn_id=str(run.turn_id), reason=getattr(exc, "code", type(exc).__name__))
        finally:
            if not run.ended:
                run.ended = True
                self._release(run, took_s=None)


def _called(turn: Turn, turn_id: UUID | None) -> Turn:
    return turn if turn_id in {None, turn.turn_id} else replace(turn, turn_id=turn_id)


async def _close(stream: AsyncIterator[TurnEvent]) -> None:
    """Generators are closed at once, not when the garbage collector finds them."""
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()
