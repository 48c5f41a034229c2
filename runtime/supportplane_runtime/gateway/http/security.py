"""Guards in front of the routes, as pure ASGI layers: the Host check, answers to CORS preflights, the body limit.

Who may call stands in identity/; here is only what can be decided before that. Installed by application.py, below
observation.py, so that refusals are counted and carry a request id.
"""

from collections.abc import Collection

from starlette.datastructures import Headers, QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supportplane_runtime.errors import RuntimeFault, TooLarge
from supportplane_runtime.gateway.errors import NotOneHost, OriginNotAllowed, WrongHost
from supportplane_runtime.gateway.http.problems import problem_response
from supportplane_runtime.gateway.identity.keys import ByKey, allow_cross_origin
from supportplane_runtime.gateway.identity.origins import is_known_host

_PREFLIGHT_HEADERS = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type, last-event-id, x-api-key, x-visitor-token",
    "access-control-max-age": "600",
}


PROBED = frozenset({"/livez", "/readyz"})


class HostGuard:
    """Refuses names that are not ours: a page at evil.example that rebinds its name to us gets no answer.

    Probes of a kubelet or a load balancer name what they like, but one name, and learn nothing that is anyone's.
    """

    def __init__(self, app: ASGIApp, *, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None if scope["type"] == "lifespan" else self._fault(scope)
        if fault is not None:
            await problem_response(fault)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _fault(self, scope: Scope) -> RuntimeFault | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        probed = scope["path"] in PROBED
        if not hosts and probed and scope["http_version"] == "1.0":
            return None  # load balancers still probe so, and HTTP/1.0 has no Host
        if len(hosts) != 1:
            return NotOneHost("A request names its host in exactly one Host header.")
        if probed or is_known_host(hosts[0], self._allowed):
            return None
        return WrongHost("This host name is not served here. Names are listed in SUPPORTPLANE_ALLOWED_HOSTS.")


class Preflights:
    """Answers a browser's preflight for a publishable key's own origins.

    A preflight carries no headers of the call it asks about, so the key must stand in the URL (``?key=pk_...``).
    """

    def __init__(self, app: ASGIApp, *, keys: ByKey) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and _is_preflight(Headers(scope=scope)):
            response = await self._answer(scope)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        presented = QueryParams(scope["query_string"]).get("key", "")
        try:
            if not presented.startswith("pk_"):
                raise OriginNotAllowed("Other sites call with a publishable key in the URL: ?key=pk_...")
            connection = HTTPConnection(scope)
            key = await self._keys.key(connection, presented)
            allow_cross_origin(connection, key)
        except RuntimeFault as fault:
            return problem_response(fault)
        return Response(status_code=204, headers=_PREFLIGHT_HEADERS)


def _is_preflight(headers: Headers) -> bool:
    return "origin" in headers and "access-control-request-method" in headers


class BodyLimit:
    """Counts a body as it arrives, declared length or not, and stops before it is kept.

    Starlette's RequestBodyLimitMiddleware does the same but answers in plain text.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not (declared.isdecimal() and declared.isascii() and len(declared) < 20) or int(declared) > self._max_bytes:
            await problem_response(self._too_large())(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A request has at most {self._max_bytes} bytes.")
