"""uvicorn with what an application can't do for itself: bounds on slow and greedy connections, and a stop in order.

``build_server(app, settings)`` is what app/ runs. On SIGTERM: readiness goes off and new turns are refused, running
turns get ``drain_grace_s``, streams then say where to resume and close, and only after that uvicorn closes the rest
(serving/server.py). Who gets a place stands in connections/places.py. The seams of uvicorn that this leans on are
named, one by one, in tests/unit/runtime/test_borrowed_seams.py.
"""

import asyncio
import fcntl
import socket as sockets_api
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from socket import socket
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from supportplane_runtime import metrics
from supportplane_runtime.gateway.connections.peers import UNKNOWN, TrustedProxies
from supportplane_runtime.gateway.connections.places import (
    ACCEPTED_AT_ONCE,
    PLACE_EXTENSION,
    RESERVE,
    Bounds,
    Connections,
    Place,
)
from supportplane_runtime.gateway.state import Gateway
from supportplane_runtime.serving.server import DrainingServer, server_config
from supportplane_runtime.serving.stream import ABORT_EXTENSION
from supportplane_runtime.settings import Settings

log = structlog.get_logger(__name__)

MAX_HEAD_BYTES = 64 * 1024  # request line and headers; httptools itself has no bound
MAX_PIPELINED = 16  # requests sent ahead of their replies; browsers and libraries send none
READ_AT_ONCE_BYTES = 2048  # after each the connection may be cut, so that the rest is not parsed for nothing
BACKLOG = 2048  # connections that the kernel keeps until they are accepted
MAX_FRAGMENTS = 1000  # of one message: empty fragments weigh nothing in ws_max_size, but each is an object
MAX_CONTROL_FRAMES = 1000  # between two messages; an honest client sends a few pings a minute
SEND_BUFFER_BYTES = 128 * 1024  # in the kernel, a connection; by itself it takes up to 4 MB for who does not read
WS_PING_S = 20.0  # both the interval and the patience: a dead peer is gone after 40 s
PROXY_IDLE_S = 75.0  # a proxy keeps connections for later; nginx closes its own after 60 s, and must be the first
RESERVED_S = 2.0  # for a connection in the reserve to send its request
PROBERS = Bounds(total=64, per_address=64)  # of the listener for probes: a kubelet, Prometheus, an operator
PROBES = frozenset({b"/livez", b"/readyz", b"/metrics"})
SWEEP_TICKS = 10  # uvicorn ticks ten times a second
LAST_WORD_S = 2.0  # for streams to say where to resume; they only write what they have


def _refusal(status: bytes, code: bytes, detail: bytes) -> bytes:
    """A response for a connection that has not reached the application."""
    body = b'{"type":"https://supportplane.io/problems/%b","title":"%b","status":%b,"detail":"%b","code":"%b"}' % (
        code,
        status[4:],
        status[:3],
        detail,
        code,
    )
    return (
        b"HTTP/1.1 %b\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n"
        b"retry-after: 5\r\n\r\n%b" % (status, len(body), body)
    )


_TOO_SLOW = _refusal(b"408 Request Timeout", b"request-timeout", b"The request took too long to arrive.")
_HEAD_TOO_BIG = _refusal(b"431 Request Header Fields Too Large", b"headers-too-large", b"The headers are too large.")
_PROBES_ONLY = _refusal(b"404 Not Found", b"not-found", b"This port answers /livez, /readyz and /metrics only.")
_GIVEN_UP = _refusal(b"503 Service Unavailable", b"overloaded", b"This connection waited, and others needed its place.")
_EXCEEDED = {
    "process": _refusal(b"503 Service Unavailable", b"overloaded", b"This process has too many open connections."),
    "address": _refusal(
        b"429 Too Many Requests", b"too-many-connections", b"Your address has too many open connections here."
    ),
}


@dataclass(frozen=True, slots=True)
class Listener:
    """probes_only: every other request is refused."""

    settings: Settings
    proxies: TrustedProxies
    connections: Connections
    probes_only: bool = False


class Unread:
    """How long a connection has had bytes that its client does not take: unread replies are memory of ours."""

    def __init__(self) -> None:
        self._since: float | None = None

    def lasts_s(self, transport: asyncio.Transport, now: float) -> float:
        if not transport.get_write_buffer_size():
            self._since = None
            return 0.0
        if self._since is None:
            self._since = now
        return now - self._since


def bound_unread(transport: asyncio.Transport, timeout_s: float) -> None:
    """What the kernel keeps for a client that does not read: how much, and how long.

    TCP_USER_TIMEOUT ends a connection whose client takes nothing, however little waits for it; Linux has it, and
    elsewhere the sweep of GatewayServer is alone.
    """
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in {sockets_api.AF_INET, sockets_api.AF_INET6}:
        return
    option = getattr(sockets_api, "TCP_USER_TIMEOUT", None)
    with suppress(OSError):  # macOS says so of a connection that its client has already left
        connection.setsockopt(sockets_api.SOL_SOCKET, sockets_api.SO_SNDBUF, SEND_BUFFER_BYTES)
        if option is not None:
            connection.setsockopt(sockets_api.IPPROTO_TCP, option, int(timeout_s * 1000))


def has_unread_bytes(transport: asyncio.Transport) -> bool:
    """Whether the kernel keeps bytes of the client that the process has not read."""
    connection = transport.get_extra_info("socket")
    with suppress(OSError, ValueError):  # the connection has just closed
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder) > 0
    return False


class GatewayHttpProtocol(HttpToolsProtocol):
    """Bounds what a connection may cost before the application sees a request: time, header bytes, number."""

    def __init__(self, *args: Any, listener: Listener, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listener = listener
        self._settings = listener.settings
        self._idle_s = self._settings.idle_timeout_s
        self._place: Place = None  # type: ignore[assignment]  # from connection_made on
        self._unread = Unread()
        self._head_bytes = 0
        self._is_arriving = False  # a request has begun and is not here yet
        self._arrival_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        host = self.client[0] if self.client else UNKNOWN
        if self._listener.proxies.trusts(host):
            self._idle_s = PROXY_IDLE_S
            self.timeout_keep_alive = PROXY_IDLE_S  # type: ignore[assignment]  # it goes to call_later as it is
        bound_unread(transport, self._settings.stream_write_timeout_s)
        self._place = self._listener.connections.enter(host, self._give_up, self._has_sent)
        self._start_timer(RESERVED_S if self._place.exceeded else self._idle_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._listener.connections.leave(self._place)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """In slices: a packet holds thousands of small requests, and the parser can't be stopped inside a slice."""
        for start in range(0, len(data), READ_AT_ONCE_BYTES):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:  # closed, or a WebSocket now
                return
            super().data_received(data[start : start + READ_AT_ONCE_BYTES])

    def handle_websocket_upgrade(self) -> None:
        self._stop_timer()
        if self._is_refused():
            return
        self._listener.connections.waits(self._place)  # until the handshake is accepted, which a flood never is
        self.ws_protocol_class = partial(GatewaySocketProtocol, listener=self._listener, place=self._place)  # type: ignore[assignment]
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._is_arriving = True
        self._start_timer(RESERVED_S if self._place.exceeded else self._settings.request_timeout_s)
        held = self._listener.connections.held(self._place)
        self.scope["extensions"] = {ABORT_EXTENSION: self._abort_unread, PLACE_EXTENSION: held}  # type: ignore[dict-item]  # typed for the standard ones

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        if self._is_refused() or self.transport.is_closing():
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            self._cut("pipelined")
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle is not None:  # refused before
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_timer()
        self._is_arriving = False
        if self.cycle is None:  # as above
            return
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait_for_request()
        else:
            self._listener.connections.works(self._place)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self._is_arriving:
            self._wait_for_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._listener.connections.waits(self._place)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._listener.connections.works(self._place)

    def sweep(self, now: float) -> None:
        if self._unread.lasts_s(self.transport, now) >= self._settings.stream_write_timeout_s:
            self._abort_unread()

    def _has_sent(self) -> bool:
        """Whether a request is here that the gateway has not read. Replies that are not read come first."""
        return not self.flow.read_paused and not self.flow.write_paused and has_unread_bytes(self.transport)

    def _wait_for_request(self) -> None:
        self._listener.connections.waits(self._place)
        if not self.transport.is_closing():
            self._start_timer(RESERVED_S if self._place.exceeded else self._idle_s)

    def _is_refused(self) -> bool:
        """Whether the request was answered here, because only probes have a place."""
        if not (self._place.exceeded or self._listener.probes_only):
            return False
        if self.url.partition(b"?")[0] in PROBES:
            return False
        if not self.transport.is_closing():
            self._refuse(_EXCEEDED[self._place.exceeded] if self._place.exceeded else _PROBES_ONLY)
        return True

    def _count_head(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_HEAD_TOO_BIG)

    def _start_timer(self, after_s: float) -> None:
        self._stop_timer()
        self._arrival_timer = self.loop.call_later(after_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._arrival_timer is not None:
            self._arrival_timer.cancel()
            self._arrival_timer = None

    def _too_slow(self) -> None:
        self._arrival_timer = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused:  # the rest of the request is here or on its way, and it is us who do not read
            self._start_timer(self._settings.request_timeout_s)
            return
        if not self._is_arriving and self.cycle is not None:  # between two requests: that is how connections end
            self.transport.close()
            return
        metrics.CONNECTIONS_CUT.labels("slow" if self._is_arriving else "silent").inc()
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.abort()

    def _give_up(self) -> None:
        """The place is for another connection. Said only to a client that has had no reply yet."""
        if self.cycle is None and not self.transport.is_closing():
            self._refuse(_GIVEN_UP)
        elif self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _abort_unread(self) -> None:
        self._cut("unread")

    def _cut(self, reason: str) -> None:
        metrics.CONNECTIONS_CUT.labels(reason).inc()
        self._stop_timer()
        self.transport.abort()

    def _refuse(self, response: bytes) -> None:
        self._stop_timer()
        self.transport.write(response)
        self.transport.close()


class GatewaySocketProtocol(WebSocketsSansIOProtocol):
    """Bounds what a WebSocket may cost without sending a whole message: fragments, control frames, unread replies."""

    def __init__(self, *args: Any, listener: Listener, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listener = listener
        self._place = place
        self._unread = Unread()
        self._control_frames = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._place.give_up, self._place.has_sent = self.transport.abort, lambda: False

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.leave(self._place)
        super().connection_lost(exc)

    async def send(self, message: Any) -> None:
        """Raises ClientDisconnected. uvicorn logs an error for a refused handshake, and for one whose client left."""
        if self.transport.is_closing() and not self.handshake_complete:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._listener.connections.works(self._place)
        self.handshake_complete = self.handshake_complete or self.close_sent

    def pause_writing(self) -> None:
        super().pause_writing()
        self._listener.connections.waits(self._place)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._listener.connections.works(self._place)

    def sweep(self, now: float) -> None:
        if self._unread.lasts_s(self.transport, now) >= self._listener.settings.stream_write_timeout_s:
            self._abort_unread()

    def _abort_unread(self) -> None:
        metrics.CONNECTIONS_CUT.labels("unread").inc()
        self.transport.abort()

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # not when the handshake itself was refused
            held = self._listener.connections.held(self._place)
            self.scope["extensions"] |= {ABORT_EXTENSION: self._abort_unread, PLACE_EXTENSION: held}  # type: ignore[dict-item]  # as above

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self._close(1009, "The message has too many fragments.")
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """A peer that does not read its pongs would fill our memory with them."""
        self._control_frames += 1
        if self._control_frames > MAX_CONTROL_FRAMES or not self.writable.is_set():
            self._close(1008, "Too many pings.")
            return
        super().handle_ping()

    def send_receive_event_to_app(self) -> None:
        self._control_frames = 0
        super().send_receive_event_to_app()

    def _close(self, code: int, reason: str) -> None:
        if not self.close_sent:
            self.conn.fail(code, reason)
            self.handle_parser_exception()


class GatewayServer(DrainingServer):
    """Turns and streams end in order before connections are closed. probers: of the port that answers probes only."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, probers: Listener) -> None:
        super().__init__(config, drain=self._end_turns, health_port=gateway.settings.health_port)
        self._gateway = gateway
        self._probers = probers

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            keep_waiting_connections(server)

    def probe_protocol(self) -> GatewayHttpProtocol:
        state = self.lifespan.state
        return GatewayHttpProtocol(self.config, self.server_state, state, listener=self._probers)

    async def on_tick(self, counter: int) -> bool:
        if counter % SWEEP_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                connection.sweep(now)  # type: ignore[union-attr]  # the two protocols above
        return await super().on_tick(counter)

    async def _end_turns(self) -> None:
        admission = self._gateway.admission
        log.info("gateway_draining", running_turns=admission.running)
        admission.drain()
        finished = await admission.wait_idle(self._gateway.settings.drain_grace_s)
        admission.close_streams()
        closed = await admission.wait_quiet(LAST_WORD_S)
        log.info("gateway_stopping", turns_finished=finished, turns_left=admission.running, streams_closed=closed)


def keep_waiting_connections(server: asyncio.Server) -> None:
    """Lets the kernel keep more connections than the process accepts at once: asyncio has one number for both."""
    for listening in server.sockets:
        with listening.dup() as shared:
            shared.listen(BACKLOG)


def build_server(app: FastAPI, settings: Settings) -> GatewayServer:
    """The server of one process; run it with ``run()`` or ``await serve()``."""
    proxies = app.state.gateway.proxies
    bounds = Bounds(settings.max_connections, settings.max_connections_per_address)
    customers = Listener(settings, proxies, Connections(bounds, proxies))
    probers = Listener(settings, proxies, Connections(PROBERS, proxies), probes_only=True)
    config = server_config(
        app,
        settings,
        backlog=ACCEPTED_AT_ONCE,
        http=partial(GatewayHttpProtocol, listener=customers),
        ws=GatewaySocketProtocol,
        ws_max_size=settings.max_body_bytes,
        ws_ping_interval=WS_PING_S,
        ws_ping_timeout=WS_PING_S,
        ws_per_message_deflate=False,  # a compression window per socket is 64 KiB; frames are small
        timeout_keep_alive=settings.idle_timeout_s,
        lifespan="on",
    )
    return GatewayServer(config, app.state.gateway, probers)


def connections_wanted(settings: Settings) -> int:
    """Sockets that the listeners may hold at once, for the bound on open files."""
    return settings.max_connections + PROBERS.total + 2 * RESERVE
