"""uvicorn with what an application can't do for itself: bounds on slow and greedy connections, and a stop in order.

``build_server(app, settings)`` is what app.py runs. On SIGTERM: readiness goes off and new turns are refused, running
turns get ``drain_grace_s``, streams then say where to resume and close, and only after that uvicorn closes the rest.
"""

import asyncio
import logging
from functools import partial
from socket import socket
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from supportplane_runtime.gateway.query.stream import ABORT_EXTENSION
from supportplane_runtime.gateway.state import Gateway
from supportplane_runtime.settings import Settings

log = structlog.get_logger(__name__)

MAX_HEAD_BYTES = 64 * 1024  # request line and headers; httptools itself has no bound
MAX_FRAGMENTS = 1000  # of one message: empty fragments weigh nothing in ws_max_size, but each is an object
MAX_CONTROL_FRAMES = 1000  # between two messages; an honest client sends a few pings a minute
WS_PING_S = 20.0  # both the interval and the patience: a dead peer is gone after 40 s
LAST_WORD_S = 2.0  # for streams to say where to resume; they only write what they have
STOP_DEADLINE_S = 5  # whole seconds, as uvicorn takes it: after that tasks are cancelled


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
_TOO_MANY = _refusal(b"503 Service Unavailable", b"overloaded", b"Too many open connections.")
_HEAD_TOO_BIG = _refusal(b"431 Request Header Fields Too Large", b"headers-too-large", b"The headers are too large.")


class GatewayHttpProtocol(HttpToolsProtocol):
    """Bounds what a connection may cost before the application sees a request: time, header bytes, number."""

    def __init__(self, *args: Any, settings: Settings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings
        self._head_bytes = 0
        self._arrival_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._settings.max_connections:
            self._refuse(_TOO_MANY)
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_websocket_upgrade(self) -> None:
        self._stop_timer()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._start_timer()
        self.scope["extensions"] = {ABORT_EXTENSION: self.transport.abort}  # type: ignore[dict-item]  # typed for the standard ones

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_head(len(name) + len(value))

    def on_message_complete(self) -> None:
        self._stop_timer()
        super().on_message_complete()

    def _count_head(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_HEAD_TOO_BIG)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._arrival_timer = self.loop.call_later(self._settings.request_timeout_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._arrival_timer is not None:
            self._arrival_timer.cancel()
            self._arrival_timer = None

    def _too_slow(self) -> None:
        self._arrival_timer = None
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.abort()

    def _refuse(self, response: bytes) -> None:
        self._stop_timer()
        self.transport.write(response)
        self.transport.close()


class GatewaySocketProtocol(WebSocketsSansIOProtocol):
    """Bounds what a WebSocket may cost without sending a whole message: fragments and control frames."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._control_frames = 0

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # not when the handshake itself was refused
            self.scope["extensions"][ABORT_EXTENSION] = self.transport.abort  # type: ignore[assignment]  # as above

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


class GatewayServer(uvicorn.Server):
    """uvicorn closes connections as soon as it stops; here turns and streams come first."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        admission = self._gateway.admission
        log.info("gateway_draining", running_turns=admission.running)
        admission.drain()
        finished = await admission.wait_idle(self._gateway.settings.drain_grace_s)
        admission.close_streams()
        closed = await admission.wait_quiet(LAST_WORD_S)
        log.info("gateway_stopping", turns_finished=finished, turns_left=admission.running, streams_closed=closed)
        await super().shutdown(sockets)
        # uvicorn would raise the signal again and kill the process; app.py still has pools to close after serve().
        self._captured_signals.clear()


def build_server(app: FastAPI, settings: Settings) -> GatewayServer:
    """The server of one process; run it with ``run()`` or ``await serve()``."""
    # uvicorn logs each accepted WebSocket with its query string; calls are audited, not logged.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        http=partial(GatewayHttpProtocol, settings=settings),  # type: ignore[arg-type]
        ws=GatewaySocketProtocol,
        ws_max_size=settings.max_body_bytes,
        ws_ping_interval=WS_PING_S,
        ws_ping_timeout=WS_PING_S,
        ws_per_message_deflate=False,  # a compression window per socket is 64 KiB; frames are small
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who the client is, is not for it to say
        timeout_graceful_shutdown=STOP_DEADLINE_S,
    )
    return GatewayServer(config, app.state.gateway)
