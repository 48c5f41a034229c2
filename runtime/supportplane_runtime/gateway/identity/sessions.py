"""The session cookie of the chat page as a way to identify a caller.

Only the gateway's own pages may use it, which is the protection against CSRF. Built by state.py; api/sessions/ makes
and ends sessions. Never logs a secret.
"""

from typing import ClassVar

from fastapi.requests import HTTPConnection

from supportplane_runtime.domain.identity import Caller, CallerKind, Scope
from supportplane_runtime.gateway.connections.peers import Scheme
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.identity.lookups import before_lookup
from supportplane_runtime.gateway.identity.origins import is_foreign, is_proven_same_origin
from supportplane_runtime.gateway.identity.refusals import refuse, refuse_origin
from supportplane_runtime.gateway.identity.ways import Alternative
from supportplane_runtime.gateway.limits.tarpit import Tarpit
from supportplane_runtime.store.interfaces.sessions import Session, Sessions

SESSION_COOKIE = "supportplane_session"
# A browser takes this name over https only, and from no other host: nobody on the line or on a sister host can plant
# a session of theirs.
SECURE_SESSION_COOKIE = f"__Host-{SESSION_COOKIE}"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BySession:
    alternatives: ClassVar[tuple[Alternative, ...]] = (
        {
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": SESSION_COOKIE,
                "description": "the chat page's session",
            }
        },
    )
    how: ClassVar[str] = ""  # a browser sends the cookie by itself
    reasons: ClassVar[tuple[str, ...]] = ("session",)

    def __init__(self, sessions: Sessions, tarpit: Tarpit) -> None:
        self._sessions = sessions
        self._tarpit = tarpit

    async def caller(self, connection: HTTPConnection) -> Caller | None:
        secret = session_secret(connection)
        if secret is None:
            return None
        require_own_page(connection)
        await before_lookup(self._tarpit, connection, secret)
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
