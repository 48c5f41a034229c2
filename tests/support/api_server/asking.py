"""Requests of a test to an API server, real or in memory, as they go over the wire."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

Object = dict[str, Any]
OWN = "supportplane.io/v1alpha1"
_PATCHES = {"apply": "application/apply-patch+yaml", "merge": "application/merge-patch+json"}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any

    @property
    def message(self) -> str:
        """The API server's sentence about a refusal."""
        return str(self.body.get("message", ""))

    @property
    def version(self) -> int:
        return int(self.body["metadata"]["resourceVersion"])


class Asker:
    """namespace: of this test alone."""

    def __init__(self, client: httpx2.AsyncClient, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    def path(self, plural: str, name: str = "", group: str = "v1") -> str:
        """group: as in apiVersion."""
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def ask(self, method: str, path: str, body: Any = None, *, patch: str = "merge", **query: Any) -> Reply:
        headers = {"Content-Type": _PATCHES[patch] if method == "PATCH" else "application/json"}
        content = None if body is None else json.dumps(body).encode()
        found = await self._client.request(method, path, params=query, content=content, headers=headers)
        is_json = found.headers.get("Content-Type", "").startswith("application/json")
        return Reply(found.status_code, found.json() if is_json else {"message": found.text})

    async def apply(self, path: str, body: Object, manager: str = "one", *, force: bool = False) -> Reply:
        whole = {
            **body,
            "metadata": {"name": path.removesuffix("/status").rpartition("/")[2], **body.get("metadata", {})},
        }
        query = {"fieldManager": manager, **({"force": "true"} if force else {})}
        return await self.ask("PATCH", path, whole, patch="apply", **query)

    async def must(self, method: str, path: str, body: Any = None, **query: Any) -> Object:
        """The body of an answer that is no refusal."""
        reply = await self.ask(method, path, body, **query)
        assert reply.status < 300, f"{method} {path}: {reply.message}"
        found: Object = reply.body
        return found

    async def watch(
        self, path: str, *, until: Callable[[list[Object]], bool] = lambda _: False, for_s: int = 30, **query: Any
    ) -> list[Object]:
        """Events until there are enough of them, or the server ends the watch after for_s."""
        found: list[Object] = []
        params = {"watch": "true", "timeoutSeconds": for_s, **query}
        async with self._client.stream("GET", path, params=params) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                if line:
                    found.append(json.loads(line))
                if until(found):
                    break
        return found


def new_namespace() -> str:
    return f"conform-{secrets.token_hex(4)}"


def config_map(name: str = "", labels: dict[str, str] | None = None, **data: str) -> Object:
    metadata = {**({"name": name} if name else {}), **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **({"data": data} if data else {})}


def endpoint(name: str = "", **spec: Any) -> Object:
    metadata = {"name": name} if name else {}
    return {"apiVersion": OWN, "kind": "ModelEndpoint", "metadata": metadata, "spec": spec or {"embedded": {}}}


def deployment(*containers: Object, **spec: Any) -> Object:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": list(containers)}}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": whole}


def owned_fields(found: Object, manager: str, operation: str = "Apply", subresource: str | None = None) -> Any:
    """As in managed fields, or None for a manager that owns nothing."""
    return next(
        (
            each["fieldsV1"]
            for each in found["metadata"].get("managedFields", ())
            if (each["manager"], each["operation"], each.get("subresource")) == (manager, operation, subresource)
        ),
        None,
    )
