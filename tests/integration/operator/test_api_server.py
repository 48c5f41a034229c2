"""A real API server passes the suite of the API server in memory, on which the operator's fast tests rely."""

import json
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from support.api_server import published
from support.api_server.asking import Asker, new_namespace
from support.api_server.conformance import Conformance
from support.api_server.shapes import BUILTIN_FILE
from support.kubernetes.cluster import Cluster
from support.operator.process import Installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def client(cluster: Cluster, installation: Installation) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {cluster.token}"}
    async with httpx2.AsyncClient(base_url=cluster.url, headers=headers, verify=cluster.tls(), timeout=60.0) as made:
        yield made


@pytest.fixture
async def api(client: httpx2.AsyncClient) -> AsyncIterator[Asker]:
    made = Asker(client, new_namespace())
    await made.must("POST", "/api/v1/namespaces", {"metadata": {"name": made.namespace}})
    yield made
    await made.ask("DELETE", f"/api/v1/namespaces/{made.namespace}")


class TestReal(Conformance):
    """With Kubernetes' own controllers, of which the suite asks for the garbage collector."""


def test_the_server_in_memory_knows_the_built_in_kinds_as_they_are_published(cluster: Cluster) -> None:
    def ask(path: str) -> dict[str, Any]:
        reply = cluster.ask("GET", path)
        assert reply.status == 200, reply.message
        body: dict[str, Any] = reply.body
        return body

    found = published.read_published(ask)
    if os.environ.get("WRITE_BUILTIN_KINDS"):
        BUILTIN_FILE.write_text(published.as_json(found), encoding="utf-8")
    assert json.loads(BUILTIN_FILE.read_text(encoding="utf-8")) == found, "set WRITE_BUILTIN_KINDS=1 to write it anew"
