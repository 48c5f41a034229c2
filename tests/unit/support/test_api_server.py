"""The API server in memory does what a real one does: ``tests/integration/operator`` runs the suite on a real one."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from manifests.wrong_objects import EDGES, WRONG_OBJECTS, WrongObject
from support.api_server.asking import Asker, config_map, new_namespace
from support.api_server.conformance import Conformance
from support.api_server.operations import Author
from support.api_server.refusals import Refused
from support.api_server.serving import ApiServer, running_api_server
from support.api_server.storage import Place
from supportplane_crds.load import KINDS
from supportplane_crds.objects import GROUP, VERSION

GROUP_VERSION = (GROUP, VERSION)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[ApiServer]:
    async with running_api_server() as made:
        yield made


@pytest.fixture(scope="module")
async def client(server: ApiServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url) as made:
        yield made


@pytest.fixture
async def api(client: httpx2.AsyncClient, server: ApiServer) -> Asker:
    namespace = new_namespace()
    made = Asker(client, namespace)
    await made.must("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    server.objects.storage.compact()
    return made


class TestInMemory(Conformance):
    """Without servers, in a second."""


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("POST", "configmaps", {"dryRun": "All"}),
        ("GET", "configmaps", {"allowWatchBookmarks": "true", "watch": "true"}),
        ("GET", "configmaps", {"resourceVersion": "1"}),
        ("DELETE", "configmaps/a", {"propagationPolicy": "Foreground"}),
        ("DELETE", "configmaps", {}),
        ("PATCH", "configmaps/a", {"fieldManager": "me"}),
    ],
)
async def test_what_is_not_modelled_is_refused_by_name(
    api: Asker, method: str, path: str, query: dict[str, str]
) -> None:
    body = {"data": {"k": None}, **config_map("a")} if method != "GET" else None
    is_apply = "fieldManager" in query
    if is_apply:
        body = {**config_map("a"), "data": {"k": None}}
    reply = await api.ask(
        method, api.path(path), None if method == "DELETE" else body, patch="apply" if is_apply else "merge", **query
    )
    assert (reply.status, reply.body["reason"]) == (501, "NotModelled")
    assert reply.message.startswith("the API server in memory does not model ")


async def test_the_rest_of_a_list_whose_history_is_forgotten_has_expired(api: Asker, server: ApiServer) -> None:
    for name in ("a", "b"):
        await api.must("POST", api.path("configmaps"), config_map(name))
    first = await api.must("GET", api.path("configmaps"), limit=1)
    await api.must("POST", api.path("configmaps"), config_map("c"))
    server.objects.storage.compact()
    reply = await api.ask("GET", api.path("configmaps"), limit=1, **{"continue": first["metadata"]["continue"]})
    assert (reply.status, reply.body["reason"]) == (410, "Expired")


WITHOUT_NUL = [wrong for wrong in WRONG_OBJECTS if "\0" not in f"{wrong.value}"]  # which is not modelled


@pytest.mark.parametrize("wrong", WITHOUT_NUL, ids=lambda wrong: wrong.title)
def test_a_wrong_object_is_refused_with_the_sentence_of_a_real_server(server: ApiServer, wrong: WrongObject) -> None:
    with pytest.raises(Refused) as refusal:
        create(server, wrong.manifest())
    assert refusal.value.code in {400, 422}
    assert wrong.server_says in refusal.value.message


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.title)
def test_a_value_at_the_edge_is_admitted(server: ApiServer, edge: WrongObject) -> None:
    create(server, edge.manifest())


def create(server: ApiServer, manifest: dict[str, Any]) -> None:
    """As kubectl does: unknown fields are an error."""
    kind = KINDS[manifest["kind"]]
    namespace = secrets.token_hex(4)
    objects = server.objects
    objects.create(Place(objects.kind("", "v1", "namespaces"), "", namespace), {"metadata": {}}, Author("test"))
    where = namespace if kind.is_namespaced else ""
    manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": where}}
    place = Place(objects.kind(*GROUP_VERSION, kind.plural), where, manifest["metadata"]["name"])
    objects.create(place, manifest, Author("test", is_strict=True))
    if not kind.is_namespaced:
        objects.delete(place)
