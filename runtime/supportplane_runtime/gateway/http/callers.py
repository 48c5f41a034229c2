"""Rate limits, and the dependencies by which endpoints get their caller: authenticated, counted, in scope.

What is counted by what stands in limits/counting.py; how many visitors are made for an address in limits/pacing.py.

``invoking`` and ``reading`` are what endpoints declare; routes.py runs ``admit_caller`` before it reads a body, so
nothing is parsed for strangers.
"""

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from supportplane_crds.support_agent import LimitScope
from supportplane_runtime import metrics
from supportplane_runtime.domain.identity import Caller, CallerKind, Scope
from supportplane_runtime.errors import Forbidden
from supportplane_runtime.gateway.connections.peers import Peer
from supportplane_runtime.gateway.connections.places import ensure_kept
from supportplane_runtime.gateway.facts import RequestFacts, facts_of
from supportplane_runtime.gateway.limits.counting import SUBJECT_OF, Asker, Counted, exceeded, limit_headers, subject
from supportplane_runtime.gateway.state import Gateway, gateway_of
from supportplane_runtime.store.interfaces.limits import LimitDecision


async def count(gateway: Gateway, tenant: str, scope: LimitScope, counted_by: str) -> LimitDecision:
    """Count anything by the limit of a scope: the one way to the limiter."""
    decision = await gateway.parts.limiter.hit(tenant, counted_by, scope)
    metrics.LIMIT_DECISIONS.labels(scope, "allowed" if decision.allowed else "refused").inc()
    return decision


def asker_of(gateway: Gateway, caller: Caller, peer: Peer) -> Asker:
    return Asker(caller, _address_of(gateway, peer))


def _address_of(gateway: Gateway, peer: Peer) -> str | None:
    """A trusted proxy that names no client is nobody's address."""
    return None if gateway.proxies.trusts(peer.address) else peer.source


async def limit_request(gateway: Gateway, caller: Caller, facts: RequestFacts) -> None:
    """Count a request for every scope that knows its caller; the response tells each. Raises RateLimited."""
    asker, counted = asker_of(gateway, caller, facts.peer), list[Counted]()
    for scope in SUBJECT_OF:
        counted_by = subject(scope, asker, counted)
        if counted_by is not None:
            counted.append(Counted(scope, await count(gateway, caller.tenant, scope, counted_by)))
            if not counted[-1].decision.allowed:
                break
    facts.headers += limit_headers(counted)
    if not counted[-1].decision.allowed:
        raise exceeded(counted[-1], asker)


async def admit_caller(connection: HTTPConnection) -> Caller:
    """The caller, counted once per request however often this is asked. Raises Unauthenticated, RateLimited, ..."""
    facts = facts_of(connection)
    if facts.caller is None:
        gateway = gateway_of(connection)
        if connection.scope["type"] == "websocket":
            await gateway.handshakes.take(_address_of(gateway, facts.peer))
            ensure_kept(connection.scope)
        facts.caller = await gateway.authentication.caller(connection)
        await limit_request(gateway, facts.caller, facts)
    return facts.caller


def ensure_scope(caller: Caller, *scopes: Scope) -> None:
    missing = [scope for scope in scopes if not caller.may(scope)]
    if missing:
        metrics.AUTH_FAILURES.labels("scope").inc()
        raise Forbidden(f"This needs a key with the scope {' and '.join(missing)}.")


async def invoking(connection: HTTPConnection) -> Caller:
    """May ask, and see what belongs to the turns it asked for."""
    caller = await admit_caller(connection)
    ensure_scope(caller, Scope.INVOKE)
    return caller


async def reading(connection: HTTPConnection) -> Caller:
    """May read: a key with the scope ``read`` all of its tenant, a session or widget what is its own user's."""
    caller = await admit_caller(connection)
    ensure_scope(caller, Scope.READ if caller.kind is CallerKind.KEY else Scope.INVOKE)
    return caller


async def overseeing(connection: HTTPConnection) -> Caller:
    """May read across all users of the tenant: a key with the scope ``read``, which no session or widget ever has."""
    caller = await admit_caller(connection)
    ensure_scope(caller, Scope.READ)
    return caller


async def seeing(connection: HTTPConnection) -> Caller:
    """Allowed with the scope ``invoke`` or ``read``: the caller names the turn that it wants to see."""
    caller = await admit_caller(connection)
    if not caller.may(Scope.READ):
        ensure_scope(caller, Scope.INVOKE)
    return caller


async def acting(connection: HTTPConnection) -> Caller:
    """May change what it may read."""
    caller = await reading(connection)
    ensure_scope(caller, Scope.INVOKE)
    return caller


CALLER_DEPENDENCIES = frozenset({invoking, reading, overseeing, seeing, acting})
Invoking = Annotated[Caller, Depends(invoking)]
Reading = Annotated[Caller, Depends(reading)]
Overseeing = Annotated[Caller, Depends(overseeing)]
Seeing = Annotated[Caller, Depends(seeing)]
Acting = Annotated[Caller, Depends(acting)]
