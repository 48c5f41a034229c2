"""What one gateway process holds: its parts, its settings and what it made from them. Reached by ``gateway_of``."""

from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends
from fastapi.requests import HTTPConnection

from supportplane_runtime.gateway.asking import Asking
from supportplane_runtime.gateway.audit.log import AuditLog
from supportplane_runtime.gateway.audit.retention import AuditRetention
from supportplane_runtime.gateway.connections.peers import TrustedProxies
from supportplane_runtime.gateway.identity.authentication import Authentication
from supportplane_runtime.gateway.identity.keys import ByKey
from supportplane_runtime.gateway.identity.sessions import BySession
from supportplane_runtime.gateway.identity.visitors import Visitors
from supportplane_runtime.gateway.limits.admission import Admission
from supportplane_runtime.gateway.limits.pacing import HandshakePace, Pace
from supportplane_runtime.gateway.limits.streams import Streams
from supportplane_runtime.gateway.limits.tarpit import Tarpit
from supportplane_runtime.gateway.parts import GatewayParts
from supportplane_runtime.gateway.ratings import RatingCounts
from supportplane_runtime.health import HealthChecks
from supportplane_runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Gateway:
    parts: GatewayParts
    settings: Settings
    proxies: TrustedProxies
    visitors: Visitors
    tarpit: Tarpit
    keys: ByKey
    authentication: Authentication
    admission: Admission
    pace: Pace
    handshakes: HandshakePace
    streams: Streams
    asking: Asking
    audit_log: AuditLog
    audit_retention: AuditRetention
    health: HealthChecks
    ratings: RatingCounts

    @classmethod
    def of(cls, parts: GatewayParts, settings: Settings) -> Self:
        visitors = Visitors(parts.visitor_secret)
        tarpit = Tarpit()
        keys = ByKey(parts.keys, visitors, tarpit)
        admission = Admission(max_running=settings.max_running_turns)
        return cls(
            parts=parts,
            settings=settings,
            proxies=TrustedProxies(parts.trusted_proxies),
            visitors=visitors,
            tarpit=tarpit,
            keys=keys,
            # In the order in which they are asked: a key is sent on purpose, a cookie travels by itself.
            authentication=Authentication((keys, BySession(parts.sessions, tarpit))),
            admission=admission,
            pace=Pace(parts.new_visitors),
            handshakes=HandshakePace(),
            streams=Streams(settings),
            asking=Asking(parts, admission),
            audit_log=AuditLog(parts.audit, agent=parts.audited.agent if parts.audited else None),
            audit_retention=AuditRetention(parts.audit, parts.audited),
            health=HealthChecks(parts.probes, is_draining=lambda: admission.draining, awaited=parts.awaited),
            ratings=RatingCounts(parts.agent, settings.revision),
        )


def gateway_of(connection: HTTPConnection) -> Gateway:
    gateway = connection.app.state.gateway
    assert isinstance(gateway, Gateway)  # noqa: S101 - set by create_app
    return gateway


async def _gateway(connection: HTTPConnection) -> Gateway:
    """A coroutine, so that FastAPI does not send it to a thread."""
    return gateway_of(connection)


CurrentGateway = Annotated[Gateway, Depends(_gateway)]
