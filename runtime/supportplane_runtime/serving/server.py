"""uvicorn with a stop in order: on SIGTERM a role first ends its work, and only then are connections closed.

The seams of uvicorn that this leans on are named, one by one, in tests/unit/runtime/test_borrowed_seams.py.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from supportplane_runtime.settings import Settings

STOP_DEADLINE_S = 5  # whole seconds, as uvicorn takes it: after that tasks are cancelled. Work was waited for before


class DrainingServer(uvicorn.Server):
    """drain: awaited after SIGTERM, while the server still answers. health_port: listened on as well, for probers, who
    then have a port that nobody else fills.
    """

    def __init__(
        self, config: uvicorn.Config, *, drain: Callable[[], Awaitable[None]], health_port: int | None
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._health_port = health_port

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self._health_port is not None:
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(self.probe_protocol, self.config.host, self._health_port))

    def probe_protocol(self) -> asyncio.Protocol:
        """Of a connection to the port for probers."""
        made = self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn itself does
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        assert isinstance(made, asyncio.Protocol)  # noqa: S101 - each of uvicorn's is one
        return made

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await self._drain()
        await super().shutdown(sockets)
        # uvicorn would raise the signal again and kill the process; app still has pools to close after serve().
        self._captured_signals.clear()


def server_config(app: ASGIApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """options: what the role adds to what all roles have in common."""
    # uvicorn logs each accepted WebSocket with its query string; calls are audited, not logged.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    common: dict[str, Any] = {
        "host": settings.http_host,
        "port": settings.http_port,
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # who the client is, is not for the client to say
        "timeout_graceful_shutdown": STOP_DEADLINE_S,
    }
    return uvicorn.Config(app, **(common | options))
