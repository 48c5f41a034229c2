"""What the gateway is made of: interfaces only. app/ chooses the implementations and passes them to create_app."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from joserfc.jwk import KeySet

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.gateway.audit.retention import Audited
from supportplane_runtime.health import Probe, Reporting, nothing_to_report
from supportplane_runtime.store.interfaces.audit import Audit
from supportplane_runtime.store.interfaces.feedback import FeedbackBook
from supportplane_runtime.store.interfaces.gaps import Gaps
from supportplane_runtime.store.interfaces.keys import Keys
from supportplane_runtime.store.interfaces.limits import Limit, RateLimiter
from supportplane_runtime.store.interfaces.records import Records
from supportplane_runtime.store.interfaces.sessions import Sessions
from supportplane_runtime.turns.interfaces import Turns

DEFAULT_TURN_TIMEOUT = timedelta(seconds=60)  # the default of orchestrator.turnTimeout
DEFAULT_NEW_VISITORS = Limit(200, timedelta(seconds=10))  # the default of the scope NewVisitor


class TurnLookup(Protocol):
    """The one thing the gateway asks of the turnbook: whose turn an id is."""

    async def turn(self, tenant: str, turn_id: UUID) -> Turn:
        """Raises NotFound, StoreUnavailable."""
        ...


class DislikedAnswers(Protocol):
    """Told of each thumb down, so that the answer is not told to the next one who asks the same."""

    async def end(self, tenant: str, agent: str | None, question: str) -> None:
        """agent: that gave the answer. Never fails."""
        ...


class NoAnswersKept:
    """Satisfies DislikedAnswers where no answer is told again."""

    async def end(self, tenant: str, agent: str | None, question: str) -> None:
        del tenant, agent, question


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """visitor_secret: at least 32 random bytes, kept across restarts and shared by all processes of one agent.

    turn_timeout: the agent's orchestrator.turnTimeout; a waiting request gives up shortly after it.
    awaited: what must have been well once before the process is ready; lost later, it does not matter to readiness.
    mode: the agent's spec.mode. agent: its name. trusted_proxies: CIDRs, the agent's gateway.trustedProxies.
    audited: whose audit entries expire, None: none do.
    new_visitors: how many visitors are made for an address before more of them wait (limits/pacing.py).
    operator_keys: a JWK set, None when nobody may ask for the status.
    """

    turns: Turns
    lookup: TurnLookup
    records: Records
    feedback: FeedbackBook
    gaps: Gaps
    keys: Keys
    sessions: Sessions
    limiter: RateLimiter
    audit: Audit
    visitor_secret: bytes = field(repr=False)
    probes: tuple[Probe, ...] = ()
    awaited: tuple[Probe, ...] = ()
    turn_timeout: timedelta = DEFAULT_TURN_TIMEOUT
    mode: str = "Auto"
    trusted_proxies: tuple[str, ...] = ()
    audited: Audited | None = None
    agent: str | None = None
    new_visitors: Limit = DEFAULT_NEW_VISITORS
    reporting: Reporting = nothing_to_report
    operator_keys: KeySet | None = None
    disliked: DislikedAnswers = field(default_factory=NoAnswersKept)
