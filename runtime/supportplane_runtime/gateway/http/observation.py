"""The outermost layer: gives each request an id, counts and audits it, adds the security headers, and catches bugs.

Pure ASGI (BaseHTTPMiddleware costs a task and two queues a request). Everything below adds to the RequestFacts that it
makes. Installed by application.py.
"""

import re
import secrets
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from time import perf_counter

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supportplane_runtime import metrics
from supportplane_runtime.gateway.audit.log import AuditLog
from supportplane_runtime.gateway.connections.peers import TrustedProxies
from supportplane_runtime.gateway.connections.places import giving_way
from supportplane_runtime.gateway.facts import GONE, RequestFacts, attach_facts
from supportplane_runtime.gateway.http.problems import unexpected_problem
from supportplane_runtime.gateway.limits.tarpit import Tarpit
from supportplane_runtime.store.interfaces.audit import NOBODY, AuditEntry

log = structlog.get_logger(__name__)

AUDITED_PREFIX = "/api/"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_BASE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
# Only where the client is known to have come by https. One year, as browsers' own lists ask; not for sister hosts,
# which are not ours to speak for.
_HTTPS_HEADERS: tuple[tuple[bytes, bytes], ...] = ((b"strict-transport-security", b"max-age=31536000"),)
# For everything that is not a page (api/page/endpoints.py sets its own): JSON opened in a browser may do nothing.
_DEFAULT_HEADERS: dict[bytes, bytes] = {
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's X-Request-ID when it is harmless to log, otherwise a new one."""
    given = next((value for name, value in headers if name == b"x-request-id"), b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


def response_headers(sent: Iterable[tuple[bytes, bytes]], facts: RequestFacts) -> list[tuple[bytes, bytes]]:
    """What the handler set, what authentication and limits noted, and the defaults for what is missing."""
    of_scheme = _HTTPS_HEADERS if facts.peer.scheme == "https" else ()
    headers = [*sent, *facts.headers, *_BASE_HEADERS, *of_scheme, (b"x-request-id", facts.request_id.encode())]
    names = {name for name, _ in headers}
    # A widget's response must be readable on the widget's site.
    readable = b"access-control-allow-origin" in names
    defaults = _DEFAULT_HEADERS | ({b"cross-origin-resource-policy": b"cross-origin"} if readable else {})
    return headers + [(name, value) for name, value in defaults.items() if name not in names]


class Observation:
    def __init__(self, app: ASGIApp, *, audit_log: AuditLog, proxies: TrustedProxies, tarpit: Tarpit) -> None:
        self._app = app
        self._audit_log = audit_log
        self._proxies = proxies
        self._tarpit = tarpit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        facts = RequestFacts(_request_id(scope["headers"]), self._proxies.peer(scope))
        attach_facts(scope, facts)
        structlog.contextvars.bind_contextvars(request_id=facts.request_id)
        started = perf_counter()
        try:
            await self._run(scope, receive, send, facts)
        finally:
            self._count(scope, facts.status, perf_counter() - started)
            if scope["path"].startswith(AUDITED_PREFIX):
                self._audit_log.add(audit_entry(scope, facts, facts.status), source=facts.peer.source)

    async def _run(self, scope: Scope, receive: Receive, send: Send, facts: RequestFacts) -> None:
        """Handle the request, and note the status that was sent. Raises OSError when a socket's client has left."""
        has_left = False

        async def observed_send(message: Message) -> None:
            nonlocal has_left
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                facts.status = message["status"]
                if _is_refusal(facts):
                    with giving_way(scope):
                        await self._tarpit.before_refusal(facts.peer.source)
                message["headers"] = response_headers(message.get("headers", ()), facts)
            elif message["type"] == "websocket.accept":
                facts.status = 101
            try:
                await send(message)
            except OSError:  # so a server says, by the specification of ASGI, that the client has left
                has_left = True
                raise

        try:
            await self._app(scope, receive, observed_send)
        except ClientDisconnect:
            pass  # it left while sending its body
        except Exception as exc:  # the top: a bug is logged, counted and answered here
            if has_left:
                raise
            # Frames only: an exception's own text may quote a customer's message.
            frames = "".join(traceback.format_tb(exc.__traceback__))
            log.error("request_crashed", path=scope["path"], error=type(exc).__name__, frames=frames)  # noqa: TRY400
            if facts.status == GONE:
                await unexpected_problem()(scope, receive, observed_send)

    def _count(self, scope: Scope, status: int, took_s: float) -> None:
        route = route_template(scope)
        klass = "gone" if status == GONE else f"{status // 100}xx"
        metrics.HTTP_REQUESTS.labels(known_method(scope), route, klass).inc()
        metrics.HTTP_SECONDS.labels(route).observe(took_s)


def _is_refusal(facts: RequestFacts) -> bool:
    """Whether the answer turns the caller away: one nobody knows, or one over a limit."""
    is_mistake = HTTPStatus.BAD_REQUEST <= facts.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return facts.status == HTTPStatus.TOO_MANY_REQUESTS or (facts.caller is None and is_mistake)


_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})


def known_method(scope: Scope) -> str:
    """``GET``, ``WEBSOCKET``; a method that is none is ``OTHER``, so labels and entries stay bounded."""
    method = scope.get("method", "WEBSOCKET")
    return method if method in _KNOWN_METHODS else "OTHER"


def route_template(scope: Scope) -> str:
    """``/api/v1/turns/{turn_id}``; a path that no route has is ``unmatched``, so labels stay bounded."""
    return getattr(scope.get("route"), "path", "unmatched")


def audit_entry(scope: Scope, facts: RequestFacts, status: int) -> AuditEntry:
    caller = facts.caller
    return AuditEntry(
        tenant=caller.tenant if caller else NOBODY,
        actor=caller.key_id if caller else NOBODY,
        action=f"{known_method(scope)} {route_template(scope)}",
        outcome=str(status),
        facts={
            "request_id": facts.request_id,
            "kind": caller.kind.value if caller else None,
            "client": facts.peer.address,
            **facts.ids,
        },
    )
