"""The operator, killed by itself right before or right after the write of a chosen number: `operator_doomed.py N when`.

The program is the real one; only its connection to the API server counts. Started by test_faults.
"""

import os
import signal
import sys

import httpx2
from lightkube.config.kubeconfig import SingleConfig

from supportplane_operator import cluster, main

READS = {"GET"}


class Doomed(httpx2.AsyncBaseTransport):
    """Counts writes of everything but the Lease."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, last: int, when: str) -> None:
        self._inner = inner
        self._last = last
        self._when = when
        self._written = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        is_write = request.method not in READS and "/leases" not in request.url.path
        self._written += is_write
        is_last = is_write and self._written == self._last
        if is_last and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        response = await self._inner.handle_async_request(request)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def doom(last: int, when: str) -> None:
    healthy = cluster.transport

    def transport(config: SingleConfig) -> httpx2.AsyncBaseTransport:
        return Doomed(healthy(config), last, when)

    cluster.transport = transport


if __name__ == "__main__":
    doom(int(sys.argv[1]), sys.argv[2])
    main.main()
