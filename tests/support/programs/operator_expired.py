"""The operator, whose watches are each too late once: `operator_expired.py`. Started by test_faults.

The program is the real one; only its connection to the API server asks, the first time a kind is watched, from a
version that is long past. So the refusal, 410, is the API server's own, and comes when a watch was quiet for too long.
"""

import httpx2
from lightkube.config.kubeconfig import SingleConfig

from supportplane_operator import cluster, main

LONG_PAST = "1"


class Late(httpx2.AsyncBaseTransport):
    """inner: where requests go, the first watch of each kind with another version to begin with."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self._watched: set[str] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if url.params.get("watch") == "true" and url.path not in self._watched:
            self._watched.add(url.path)
            request.url = url.copy_set_param("resourceVersion", LONG_PAST)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def be_late() -> None:
    punctual = cluster.transport

    def transport(config: SingleConfig) -> httpx2.AsyncBaseTransport:
        return Late(punctual(config))

    cluster.transport = transport


if __name__ == "__main__":
    be_late()
    main.main()
