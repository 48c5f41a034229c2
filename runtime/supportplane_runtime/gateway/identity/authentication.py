"""Who calls: turns the credentials of a request or WebSocket into a Caller, or raises Unauthenticated or Forbidden.

Three kinds: a secret key (servers; refused when a foreign web page sends it), a session cookie (the chat page; only
from our own pages, which is the protection against CSRF), a publishable key with a visitor token (a widget; only from
the key's origins). On for every API route: endpoints ask for a caller through http/callers.py. Never logs a secret.
"""

import re
from typing import NoReturn

from fastapi.requests import HTTPConnection
from starlette.datastructures import Headers

from supportplane_runtime import metrics
from supportplane_runtime.domain.identity import Caller, CallerKind, Scope
from supportplane_runtime.errors import Unauthenticated
from supportplane_runtime.gateway.connections.peers import Scheme
from supportplane_runtime.gateway.connections.places import giving_way
from supportplane_runtime.gateway.errors import OriginNotAllowed
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.identity.origins import is_bound, is_foreign, is_proven_same_origin
from supportplane_runtime.gateway.identity.visitors import Visitors
from supportplane_runtime.gateway.limits.tarpit import Tarpit
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind, Keys
from supportplane_runtime.store.interfaces.sessions import Session, Sessions

SESSION_COOKIE = "supportplane_session"
# A browser takes this name over https only, and from no other host: nobody on the line or on a sister host can plant
# a session of theirs.
SECURE_SESSION_COOKIE = f"__Host-{SESSION_COOKIE}"
SUBPROTOCOL = "supportplane"  # what a browser's WebSocket offers beside the credentials that it can't put in a header
_KEY_SHAPE = re.compile(r"(?P<prefix>sk|pk)_[A-Za-z0-9_-]{8,200}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOW = "Send an API key as 'Authorization: Bearer sk_...' or 'X-API-Key: sk_...'."


def refuse(reason: str, detail: str) -> NoReturn:
    metrics.AUTH_FAILURES.labels(reason).inc()
    raise Unauthenticated(detail)


def refuse_origin(detail: str) -> NoReturn:
    metrics.AUTH_FAILURES.labels("origin").inc()
    raise OriginNotAllowed(detail)


def _subprotocol_value(connection: HTTPConnection, prefix: str) -> str | None:
    offered: list[str] = connection.scope.get("subprotocols", [])
    return next((value.removeprefix(prefix) for value in offered if value.startswith(prefix)), None)


def _presented_key(connection: HTTPConnection) -> str | None:
    """The key as sent, its shape unchecked. Raises Unauthenticated for two different ones: that is nobody."""
    sent = (
        _bearer_token(connection),
        connection.headers.get("x-api-key"),
        _subprotocol_value(connection, "bearer."),
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


class Authentication:
    def __init__(self, keys: Keys, sessions: Sessions, visitors: Visitors, tarpit: Tarpit) -> None:
        self._keys = keys
        self._sessions = sessions
        self._visitors = visitors
        self._tarpit = tarpit

    async def caller(self, connection: HTTPConnection) -> Caller:
        presented = _presented_key(connection)
        if presented is not None:
            key = await self.key(connection, presented)
            allow_cross_origin(connection, key)
            return self._key_caller(connection, key)
        secret = session_secret(connection)
        if secret is not None:
            return await self._session_caller(connection, secret)
        refuse("missing", f"This needs authentication. {_HOW}")

    async def publishable_key(self, connection: HTTPConnection) -> ApiKey:
        """The key of a widget that has no visitor yet; the origin is checked."""
        key = await self.key(connection, _presented_key(connection) or "")
        if key.kind is not KeyKind.PUBLISHABLE:
            refuse("malformed", "Visitors are made for publishable keys (pk_...) only.")
        allow_cross_origin(connection, key)
        return key

    async def _before_lookup(self, connection: HTTPConnection, secret: str) -> None:
        with giving_way(connection.scope):
            await self._tarpit.before_lookup(facts_of(connection).peer.source, secret)

    async def key(self, connection: HTTPConnection, presented: str) -> ApiKey:
        """The live key. The store is asked only for what has the shape of a key."""
        if _KEY_SHAPE.fullmatch(presented) is None:
            refuse("malformed", f"That is not an API key. {_HOW}")
        await self._before_lookup(connection, presented)
        key = await self._keys.lookup(presented)
        if key is None:
            refuse("unknown", "This API key is unknown or revoked. Make one with: supportplane keys create")
        self._tarpit.remember_good(presented)
        return key

    def _key_caller(self, connection: HTTPConnection, key: ApiKey) -> Caller:
        if key.kind is KeyKind.SECRET:
            return Caller(key.tenant, key.key_id, CallerKind.KEY, key.scopes)
        token = connection.headers.get("x-visitor-token") or _subprotocol_value(connection, "visitor.")
        user_id = self._visitors.read(token, tenant=key.tenant, key_id=key.key_id) if token else None
        if user_id is None:
            refuse("visitor", "A publishable key needs a visitor token: POST /api/v1/visitors, then X-Visitor-Token.")
        scopes = key.scopes & {Scope.INVOKE}
        return Caller(key.tenant, key.key_id, CallerKind.WIDGET, scopes, user_id)

    async def _session_caller(self, connection: HTTPConnection, secret: str) -> Caller:
        require_own_page(connection)
        await self._before_lookup(connection, secret)
        session = await self._sessions.lookup(secret)
        if session is None:
            refuse("session", "The session has ended. Open a new link, which `supportplane link` prints.")
        self._tarpit.remember_good(secret)
        return session_caller(session)


def session_cookie(scheme: Scheme) -> str:
    """The name of the cookie that holds the session of a request that came this way."""
    return SECURE_SESSION_COOKIE if scheme == "https" else SESSION_COOKIE


def session_secret(connection: HTTPConnection) -> str | None:
    return connection.cookies.get(session_cookie(facts_of(connection).peer.scheme))


def session_caller(session: Session) -> Caller:
    """Limits and audit count a session by its user: the cookie is a secret and changes with every link."""
    key_id = f"session:{session.user_id}"
    return Caller(session.tenant, key_id, CallerKind.SESSION, frozenset({Scope.INVOKE}), session.user_id)


def require_own_page(connection: HTTPConnection) -> None:
    """Cookies travel by themselves, and SameSite=Strict does not tell two ports of one host apart."""
    reading = connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS
    headers, scheme = connection.headers, facts_of(connection).peer.scheme
    trusted = not is_foreign(headers, scheme) if reading else is_proven_same_origin(headers, scheme)
    if not trusted:
        refuse_origin("A session may be used by its own page only. Other programs use an API key.")


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
