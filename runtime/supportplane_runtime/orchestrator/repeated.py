"""A question that was asked before gets the answer that was made then, while nothing has changed that made it.

An engine around the engine of work.py. Only the first question of a conversation, without a context of the caller, and
only an answer from the documents: no ticket, nothing that was asked back or declined, nothing that is a gap. The turn
goes on as any other: its answer is stored with its citations and audited, and the same events tell of it.

What is kept is named by a keyed hash of the question and signed, so that Redis shows no question and makes no answer.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pydantic import TypeAdapter, ValidationError

from supportplane_runtime import metrics
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import CacheUnavailable, RuntimeFault
from supportplane_runtime.orchestrator.equal_questions import as_bytes, place_of_question, same_for_equal
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import Emit
from supportplane_runtime.orchestrator.work import Engine
from supportplane_runtime.store.interfaces.answers import KeptAnswers
from supportplane_runtime.turns.events import Token, TurnEvent

_SIGNATURE_BYTES: Final = 32

ReadVersion = Callable[[], Awaitable[str | None]]  # of the documents; None while they are being read


@dataclass(frozen=True, slots=True)
class Kept:
    """pieces: of the response, as they were sent. seconds: that making it took. version: of the documents."""

    answer: Answer
    pieces: tuple[str, ...]
    seconds: float
    version: str


_KEPT: Final = TypeAdapter(Kept)


@dataclass(frozen=True, slots=True)
class Keeping:
    """secret: of all processes of the tenant. made_by: what makes the answers beside the documents: release, agent
    file, model. An answer is found by those alone that it would be made by again.
    """

    answers: KeptAnswers
    read_version: ReadVersion
    secret: bytes = field(repr=False)
    made_by: str


class RepeatedQuestions:
    """Satisfies Engine."""

    def __init__(self, engine: Engine, keeping: Keeping, policy: Policy) -> None:
        self._engine = engine
        self._keeping = keeping
        self._policy = policy

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:
        if history or turn.context or turn.attempt > 1:
            return await self._engine.run(turn, history, emit)
        began = time.perf_counter()
        name = self._name(turn)
        version, kept = await asyncio.gather(self._version(), self._find(turn, name))
        if version is None:  # the documents are being read, or the database is away
            metrics.KEPT_ANSWERS.labels("unknown").inc()
            return await self._engine.run(turn, history, emit)
        if kept is not None and kept.version == version:
            return self._told(kept, emit, began)
        metrics.KEPT_ANSWERS.labels("miss").inc()
        telling = _Telling(emit)
        ending = await self._engine.run(turn, history, telling)
        if self._is_worth_keeping(ending):
            made = Kept(ending.answer, tuple(telling.pieces), time.perf_counter() - began, version)
            await self._keep(turn, name, made)
        return ending

    async def forget(self, turns: Sequence[Turn]) -> None:
        await self._engine.forget(turns)

    async def tidy(self) -> None:
        await self._engine.tidy()

    def _told(self, kept: Kept, emit: Emit, began: float) -> Ending:
        emit(step_began("understand", self._policy.language))
        for piece in kept.pieces:
            emit(partial(Token, text=piece))
        metrics.KEPT_ANSWERS.labels("hit").inc()
        metrics.KEPT_ANSWERS_SAVED_SECONDS.inc(max(0.0, kept.seconds - (time.perf_counter() - began)))
        return Ending(kept.answer)

    def _is_worth_keeping(self, ending: Ending) -> bool:
        """An answer that the model should have written and could not is made again."""
        answer = ending.answer
        as_wanted = answer.model_share == (0.0 if self._policy.writing is None else 1.0)
        return answer.outcome is Outcome.ANSWERED and not ending.effects and as_wanted

    async def _version(self) -> str | None:
        with suppress(RuntimeFault):  # the turn itself says what is wrong
            return await self._keeping.read_version()
        return None

    async def _find(self, turn: Turn, name: bytes) -> Kept | None:
        try:
            found = await self._keeping.answers.find(turn.tenant, self._policy.agent or "", name)
        except CacheUnavailable:
            metrics.KEPT_ANSWERS_WITHOUT_REDIS.inc()
            return None
        return self._read(name, found) if found is not None else None

    async def _keep(self, turn: Turn, name: bytes, made: Kept) -> None:
        body = _KEPT.dump_json(made)
        with suppress(CacheUnavailable):  # the next one makes it anew
            await self._keeping.answers.keep(
                turn.tenant, self._policy.agent or "", name, self._signature(name, body) + body
            )

    def _read(self, name: bytes, value: bytes) -> Kept | None:
        """None for what no process of ours wrote under this name."""
        signature, body = value[:_SIGNATURE_BYTES], value[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(name, body)):
            return None
        with suppress(ValidationError):
            return _KEPT.validate_json(body)
        return None

    def _name(self, turn: Turn) -> bytes:
        """Its place is told by the question alone, so that it can be ended whatever made the answer."""
        agent = self._policy.agent or ""
        place = place_of_question(self._keeping.secret, turn.tenant, agent, turn.question)
        parts = (turn.tenant, agent, self._keeping.made_by, same_for_equal(turn.question))
        return place + self._digest(as_bytes(parts))[len(place) :]

    def _signature(self, name: bytes, body: bytes) -> bytes:
        return self._digest(name + body)

    def _digest(self, text: bytes) -> bytes:
        return hmac.digest(self._keeping.secret, text, hashlib.sha256)


class _Telling:
    """Tells the turn's listeners, and remembers the pieces of the response."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.pieces: list[str] = []

    def __call__(self, build: Callable[[int], TurnEvent]) -> None:
        def remembered(sequence: int) -> TurnEvent:
            event = build(sequence)
            if isinstance(event, Token):
                self.pieces.append(event.text)
            return event

        self._emit(remembered)
