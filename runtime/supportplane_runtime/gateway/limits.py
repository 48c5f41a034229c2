"""Rate limits per key, and the dependencies by which endpoints get their caller: authenticated, counted, in scope.

``invoking`` and ``reading`` are what endpoints declare; routes.py runs ``admit_caller`` before it reads a body, so
nothing is parsed for strangers.
"""

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from supportplane_runtime import metrics
from supportplane_runtime.domain.identity import Caller, CallerKind, Scope
from supportplane_runtime.errors import Forbidden, RateLimited
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.state import Gateway, gateway_of
from supportplane_runtime.store.interfaces import LimitDecision

LIMIT_SCOPE = "APIKey"  # rateLimits[].scope of the SupportAgent


def limit_headers(decision: LimitDecision) -> list[tuple[bytes, bytes]]:
    """As draft-ietf-httpapi-ratelimit-headers-10 names them: the policy's quota, what remains and for how long."""
    policy = f'"{LIMIT_SCOPE}";q={decision.limit}'
    state = f'"{LIMIT_SCOPE}";r={decision.remaining};t={decision.reset_after_s}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


async def count_request(gateway: Gateway, caller: Caller) -> LimitDecision:
    """Raises RateLimited."""
    decision = await gateway.parts.limiter.hit(caller.tenant, caller.key_id, LIMIT_SCOPE)
    metrics.LIMIT_DECISIONS.labels("allowed" if decision.allowed else "refused").inc()
    return decision


def ensure_allowed(decision: LimitDecision) -> None:
    if not decision.allowed:
        detail = f"This key may send {decision.limit} requests per window. Wait {decision.reset_after_s} s."
        raise RateLimited(detail, retry_after_s=max(1, decision.reset_after_s))


async def admit_caller(connection: HTTPConnection) -> Caller:
    """The caller, counted once per request however often this is asked. Raises Unauthenticated, RateLimited, ..."""
    facts = facts_of(connection)
    if facts.caller is None:
        gateway = gateway_of(connection)
        facts.caller = await gateway.authentication.caller(connection)
        decision = await count_request(gateway, facts.caller)
        facts.headers += limit_headers(decision)
        ensure_allowed(decision)
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
    """May look at a turn it can name: whoever may ask or read."""
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
