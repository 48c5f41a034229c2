"""API keys as a way to identify a caller: a secret key of a server, or a publishable key with a visitor token.

A secret key is refused when a foreign web page sends it. A publishable key (a widget) is for its own origins and needs
a visitor. Built by state.py. Never logs a key.
"""

import re
from typing import ClassVar, Final

from fastapi.requests import HTTPConnection
from starlette.datastructures import Headers

from supportplane_runtime.domain.identity import Caller, CallerKind, Scope
from supportplane_runtime.gateway.connections.peers import Scheme
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.identity.lookups import before_lookup, subprotocol_value
from supportplane_runtime.gateway.identity.origins import is_bound, is_foreign
from supportplane_runtime.gateway.identity.refusals import refuse, refuse_origin
from supportplane_runtime.gateway.identity.visitors import Visitors
from supportplane_runtime.gateway.identity.ways import Alternative
from supportplane_runtime.gateway.limits.tarpit import Tarpit
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind, Keys

_KEY_SHAPE = re.compile(r"(?P<prefix>sk|pk)_[A-Za-z0-9_-]{8,200}")
_HOW: Final = "Send an API key as 'Authorization: Bearer sk_...' or 'X-API-Key: sk_...'."


class ByKey:
    alternatives: ClassVar[tuple[Alternative, ...]] = (
        {"bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer sk_..."}},
        {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        {
            "publishable": {
                "type": "apiKey",
                "in": "query",
                "name": "key",
                "description": "pk_..., bound to its origins",
            },
            "visitor": {
                "type": "apiKey",
                "in": "header",
                "name": "X-Visitor-Token",
                "description": "with a publishable key",
            },
        },
    )
    how: ClassVar[str] = _HOW
    reasons: ClassVar[tuple[str, ...]] = ("malformed", "unknown", "visitor")

    def __init__(self, keys: Keys, visitors: Visitors, tarpit: Tarpit) -> None:
        self._keys = keys
        self._visitors = visitors
        self._tarpit = tarpit

    async def caller(self, connection: HTTPConnection) -> Caller | None:
        presented = _presented_key(connection)
        if presented is None:
            return None
        key = await self.key(connection, presented)
        allow_cross_origin(connection, key)
        return self._caller_with(connection, key)

    async def publishable_key(self, connection: HTTPConnection) -> ApiKey:
        """The key of a widget that has no visitor yet; the origin is checked."""
        key = await self.key(connection, _presented_key(connection) or "")
        if key.kind is not KeyKind.PUBLISHABLE:
            refuse("malformed", "Visitors are made for publishable keys (pk_...) only.")
        allow_cross_origin(connection, key)
        return key

    async def key(self, connection: HTTPConnection, presented: str) -> ApiKey:
        """The live key. The store is asked only for what has the shape of a key."""
        if _KEY_SHAPE.fullmatch(presented) is None:
            refuse("malformed", f"That is not an API key. {_HOW}")
        await before_lookup(self._tarpit, connection, presented)
        key = await self._keys.lookup(presented)
        if key is None:
            refuse("unknown", "This API key is unknown or revoked. Make one with: supportplane keys create")
        self._tarpit.remember_good(presented)
        return key

    def _caller_with(self, connection: HTTPConnection, key: ApiKey) -> Caller:
        if key.kind is KeyKind.SECRET:
            return Caller(key.tenant, key.key_id, CallerKind.KEY, key.scopes)
        token = connection.headers.get("x-visitor-token") or subprotocol_value(connection, "visitor.")
        user_id = self._visitors.read(token, tenant=key.tenant, key_id=key.key_id) if token else None
        if user_id is None:
            refuse("visitor", "A publishable key needs a visitor token: POST /api/v1/visitors, then X-Visitor-Token.")
        scopes = key.scopes & {Scope.INVOKE}
        return Caller(key.tenant, key.key_id, CallerKind.WIDGET, scopes, user_id)


def _presented_key(connection: HTTPConnection) -> str | None:
    """The key as sent, its shape unchecked. Raises Unauthenticated for two different ones: that is nobody."""
    sent = (
        _bearer_token(connection),
        connection.headers.get("x-api-key"),
        subprotocol_value(connection, "bearer."),
        _key_in_url(connection),
    )
    keys = {key for key in sent if key}
    if len(keys) > 1:
        refuse("malformed", "The request names two different API keys. Send one of them.")
    return keys.pop() if keys else None


def _bearer_token(connection: HTTPConnection) -> str | None:
    """Raises Unauthenticated for another scheme than Bearer."""
    authorization = connection.headers.get("authorization")
    if authorization is None:
        return None
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        refuse("malformed", f"The Authorization header is not a bearer token. {_HOW}")
    return value.strip()


def _key_in_url(connection: HTTPConnection) -> str | None:
    """``?key=pk_...``: URLs end in logs and histories, so only publishable keys are read from them."""
    key = connection.query_params.get("key")
    if key is not None and not key.startswith("pk_"):
        refuse("malformed", f"Only a publishable key (pk_...) may stand in the URL. {_HOW}")
    return key


def is_allowed_origin(headers: Headers, scheme: Scheme, key: ApiKey) -> bool:
    """Secret keys have no business in a foreign page; publishable ones are for their origins (and need one)."""
    if key.kind is KeyKind.SECRET:
        return not is_foreign(headers, scheme)
    return is_bound(headers.get("origin"), key.origins)


def allow_cross_origin(connection: HTTPConnection, key: ApiKey) -> None:
    """Raises OriginNotAllowed; for a widget's key, lets that one origin read the response (CORS)."""
    facts = facts_of(connection)
    if not is_allowed_origin(connection.headers, facts.peer.scheme, key):
        refuse_origin("This key may not be used from this site. A widget's origins are given when its key is made.")
    if key.kind is KeyKind.PUBLISHABLE:
        origin = connection.headers["origin"].encode("latin-1")
        facts.headers += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"retry-after, ratelimit, ratelimit-policy, x-request-id"),
            (b"vary", b"origin"),
        ]
