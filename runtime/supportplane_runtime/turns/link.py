"""The way from the gateway to the orchestrators: one Service, several processes behind it, a bearer token.

Says what is known of a call that failed: ``NotSent`` (nobody accepted the connection), ``Broken`` (it ended midway, so
the outcome is unknown). Errors the other side raised come back as the same types. Used by http_client.py and, for
probes, by app.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Self

import aiohttp
import orjson

from supportplane_runtime.errors import RuntimeFault, Unavailable
from supportplane_runtime.turns.codec import parse_line

CONNECT_S = 2.0
# Accepting a turn waits 4.5 s for the database at most (store/postgres/database.py); lines of a stream come at least
# every BEAT_S of orchestrator/http_server.py, which is 5 s.
SILENCE_S = 15.0
MAX_LINE_BYTES = 1024 * 1024  # the largest is a final event: 4,000 characters and at most 20 quotes of a passage


class NotSent(Unavailable):
    """Nobody took the connection: nothing has happened."""


class Broken(Unavailable):
    """The connection ended after the request was sent: it may have happened."""


class OrchestratorLink:
    """Use as an async context manager. token: of the table shared_secrets."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # No bound on connections: each running turn holds one, and the gateway bounds those (admission.py).
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=MAX_LINE_BYTES,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def open(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        """A response whose body is still to be read; whoever asked closes it. Raises NotSent, Broken, RuntimeFault."""
        assert self._session is not None, "the link is an async context manager"  # noqa: S101
        try:
            response = await self._session.request(method, self._url + path, **options)
        except aiohttp.ClientConnectorError as error:
            raise NotSent("The orchestrator does not answer") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise NotSent("The orchestrator does not answer") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Broken("The orchestrator went away during a request") from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise await _fault_of(response)
        return response

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """The reply's JSON, None when it has no body. Raises as ``open``."""
        response = await self.open(method, path, **options)
        async with broken_is_typed(), response:
            body = await response.read()
        return orjson.loads(body) if body else None

    async def probe(self) -> None:
        """Whether a question would be taken. Raises Unavailable with the reason."""
        await self.call("GET", "/readyz")


@asynccontextmanager
async def broken_is_typed() -> AsyncIterator[None]:
    """Around reads of a response."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError, ValueError) as error:
        raise Broken("The orchestrator went away during a reply") from error


async def _fault_of(response: aiohttp.ClientResponse) -> RuntimeFault:
    try:
        async with broken_is_typed(), response:
            fault = parse_line(await response.read())
    except Broken:
        fault = None
    if isinstance(fault, RuntimeFault):
        return fault
    return Unavailable(f"The orchestrator answered with status {response.status}")
