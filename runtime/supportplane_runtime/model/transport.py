"""Carries huggingface_hub's HTTP calls over one shared aiohttp connection pool.

huggingface_hub builds a fresh httpx2 client for every AsyncInferenceClient, and a client keeps every streamed response
open until it is closed; so chat.py makes one per call and closes it. With httpx2's own transport that costs 38 ms of
CPU a call (it loads the certificate store each time), with this one 0.05 ms (2 cores, 2026-11), and aiohttp streams
about three times cheaper. Must not interpret bodies: it only bounds them.
"""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2

# A runaway server is cut off here even if it never sends a newline. 8 MiB: 32,768 tokens (the largest
# maxOutputTokens) at about 200 bytes an event are 6.5 MB.
MAX_RESPONSE_BYTES = 8 * 1024 * 1024


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Many short-lived clients share it, so their closing must not: ``aclose`` does nothing, ``close_pool`` does."""

    def __init__(self, *, connect_timeout_s: float, max_connections: int = 64) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._pool().request(
                request.method,
                str(request.url),
                headers=[(name, value) for name, value in request.headers.multi_items() if name.lower() != "host"],
                data=await request.aread() or None,
                allow_redirects=False,
            )
        except TimeoutError as exc:
            raise httpx2.ConnectTimeout("no connection in time", request=request) from exc
        except (aiohttp.ClientError, ssl.SSLError, OSError) as exc:
            raise httpx2.ConnectError(type(exc).__name__, request=request) from exc
        headers = [(name, value) for name, value in response.raw_headers if name.lower() != b"content-encoding"]
        return httpx2.Response(response.status, headers=headers, stream=_Body(response, request), request=request)

    async def aclose(self) -> None:
        """Called by each short-lived client; the pool outlives them."""

    async def close_pool(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Total and read times are chat.py's: it knows what a first token is.
            timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=self._connect_timeout_s)
            connector = aiohttp.TCPConnector(limit=self._max_connections)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self._session


class _Body(httpx2.AsyncByteStream):
    """A response body; closing it before its end closes the socket, which tells the server to free the slot."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        try:
            async for piece in self._response.content.iter_any():
                received += len(piece)
                if received > MAX_RESPONSE_BYTES:
                    raise httpx2.ReadError("the response is larger than allowed", request=self._request)
                yield piece
        except (aiohttp.ClientError, OSError) as exc:
            raise httpx2.ReadError(type(exc).__name__, request=self._request) from exc

    async def aclose(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def read_error_body(response: httpx2.Response) -> None:
    """Response hook: errors are small and huggingface_hub reads their text, streamed or not."""
    if response.status_code >= 400:
        await response.aread()


def open_client(transport: AiohttpTransport, api_key: str | None) -> httpx2.AsyncClient:
    """A client for one call. trust_env False: proxies and netrc are not read from the environment behind our back.

    The credential is set here, on every request: left alone, huggingface_hub sends the user's own hub token (from
    HF_TOKEN or its login file) to whatever server the URL names.
    """

    async def authorize(request: httpx2.Request) -> None:
        request.headers.pop("authorization", None)
        if api_key is not None:
            request.headers["authorization"] = f"Bearer {api_key}"

    hooks: dict[str, list[Any]] = {"request": [authorize], "response": [read_error_body]}
    return httpx2.AsyncClient(transport=transport, trust_env=False, timeout=None, event_hooks=hooks)
