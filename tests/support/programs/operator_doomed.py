"""The operator, killed by itself before or after its Nth write to a namespace: `operator_doomed.py NAMESPACE N when`.

The program is the real one; only its connection to the API server counts. Started by test_killed.
"""

import os
import signal
import sys

import httpx2
from lightkube.config.kubeconfig import SingleConfig

from supportplane_operator import cluster, main

READS = {"GET"}


class Doomed(httpx2.AsyncBaseTransport):
    """Counts writes to a namespace: what earlier tests left behind elsewhere is none of its business."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, namespace: str, last: int, when: str) -> None:
        self._inner = inner
        self._path = f"/namespaces/{namespace}/"
        self._last = last
        self._when = when
        self._written = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        is_write = request.method not in READS and self._path in request.url.path
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


def doom(namespace: str, last: int, when: str) -> None:
    healthy = cluster.transport

    def transport(config: SingleConfig) -> httpx2.AsyncBaseTransport:
        return Doomed(healthy(config), namespace, last, when)

    cluster.transport = transport


if __name__ == "__main__":
    doom(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    main.main()
