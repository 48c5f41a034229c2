"""The API server in memory on a port of 127.0.0.1: HTTP before ``operations`` and ``reading``, for real clients.

In the event loop of the test, so a test may also look at the objects directly. A parameter, a subresource or a patch
that is not modelled is refused by name with 501. There are no users and no permissions: whoever asks may do everything.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

from aiohttp import web

from support.api_server import reading, refusals
from support.api_server.kinds import Kind, defined
from support.api_server.operations import Author, Operations
from support.api_server.reading import Pages, Scope
from support.api_server.refusals import Refused
from support.api_server.selectors import by_fields, by_labels
from support.api_server.storage import Object, Place
from supportplane_crds.load import KINDS
from supportplane_crds.structural import custom_resource_definition

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
_WRITING = {"fieldManager", "fieldValidation"}
PARAMETERS = {
    "GET": {"labelSelector", "fieldSelector", "limit", "continue", "watch", "resourceVersion", "timeoutSeconds"},
    "POST": _WRITING,
    "PUT": _WRITING,
    "PATCH": {*_WRITING, "force"},
    "DELETE": {"propagationPolicy"},
}
LONGEST_WATCH_S = 1800.0


class Target(NamedTuple):
    """What a path names. name: empty for the whole kind."""

    kind: Kind
    namespace: str
    name: str
    subresource: str

    @property
    def place(self) -> Place:
        return Place(self.kind, self.namespace, self.name)


@dataclass
class Fault:
    """What the server answers to requests of a method whose path ends in this, so many times."""

    method: str
    ending: str
    code: int
    times: int


class ApiServer:
    """objects: for tests that look without asking. asked: method and path of every request."""

    def __init__(self) -> None:
        self.objects = Operations()
        self.asked: list[str] = []
        self.url = ""
        self._faults: list[Fault] = []
        self._pages = Pages(self.objects.storage)
        self._open: set[asyncio.Task[Any]] = set()

    def install(self) -> None:
        """The project's own kinds."""
        for kind in _own_kinds():
            self.objects.serve(kind)

    def fail(self, method: str, ending: str, code: int, *, times: int = 1) -> None:
        """An answer that a real server gives when it is overloaded or out of order."""
        self._faults.append(Fault(method, ending, code, times))

    def break_watches(self) -> None:
        """What a restart does to every open watch: the connection is gone."""
        for each in list(self._open):
            each.cancel()

    def kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "memory",
            "clusters": [{"name": "memory", "cluster": {"server": self.url, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "memory", "user": {"token": "anybody"}}],
            "contexts": [{"name": "memory", "context": {"cluster": "memory", "user": "memory"}}],
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        try:
            self._check_fault(request)
            return await self._answer(request)
        except Refused as refused:
            return _reply(refused.code, refused.status())

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request.path)
        _check_parameters(request)
        if request.method == "GET" and not target.name:
            return await self._read_many(request, target)
        if not target.name and request.method != "POST":
            raise refusals.not_modelled(f"{request.method} of a whole kind")
        return await self._single(request, target)

    async def _single(self, request: web.Request, target: Target) -> web.Response:
        objects, author = self.objects, _author(request, target)
        match request.method, request.content_type:
            case "GET", _:
                return _reply(200, objects.get(target.place))
            case "POST", _ if not target.name:
                body = await _body(request)
                return _reply(201, objects.create(_new_place(target, body), body, author))
            case "PUT", _:
                return _reply(200, objects.replace(target.place, await _body(request), author))
            case "PATCH", str(kind) if kind == MERGE:
                return _reply(200, objects.patch(target.place, await _body(request), author))
            case "PATCH", str(kind) if kind == APPLY:
                found, is_new = objects.apply(target.place, await _body(request), author)
                return _reply(201 if is_new else 200, found)
            case "DELETE", _ if not target.subresource:
                return await self._delete(request, target)
        raise refusals.not_modelled(f"{request.method} with {request.content_type} of {request.path}")

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        if request.query.get("propagationPolicy", "Background") != "Background" or await request.read():
            raise refusals.not_modelled("a deletion that is not in the background, or under conditions")
        found, is_gone = self.objects.delete(target.place)
        if not is_gone:
            return _reply(200, found)
        details = {**target.kind.about(target.name).details(), "uid": found["metadata"]["uid"]}
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return _reply(200, {**head, "details": details})

    async def _read_many(self, request: web.Request, target: Target) -> web.StreamResponse:
        query, scope = request.query, _scope(request, target)
        if query.get("watch") == "true":
            return await self._watch(request, scope)
        if query.get("resourceVersion", "0") not in {"", "0"}:
            raise refusals.not_modelled("a list of an older version")
        found = self._pages.page(scope, limit=int(query.get("limit", "0")), token=query.get("continue", ""))
        return _reply(200, found)

    async def _watch(self, request: web.Request, scope: Scope) -> web.StreamResponse:
        for_s = float(request.query.get("timeoutSeconds", LONGEST_WATCH_S))
        version = request.query.get("resourceVersion", "")
        if int(version or 0) > self.objects.storage.version:
            raise refusals.not_modelled("a watch from a version that is still to come")
        events = reading.watch(self.objects.storage, scope, version, for_s=for_s)
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            async for event in events:
                await answer.write(json.dumps(event).encode() + b"\n")
        finally:
            self._open.discard(task)
        await answer.write_eof()
        return answer

    def _target(self, path: str) -> Target:
        """/api/v1/... or /apis/GROUP/VERSION/..., with or without a namespace, a name and a subresource."""
        match path.strip("/").split("/"):
            case ["api", version, *rest]:
                group = ""
            case ["apis", group, version, *rest] if rest:
                pass
            case _:
                raise refusals.not_modelled(f"the path {path}")
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            _, namespace, *rest = rest
        plural, name, subresource, *more = *rest, *[""] * (3 - len(rest))
        kind = self.objects.kind(group, version, plural)
        if more or (subresource and not (subresource == "status" and kind.has_status)):
            raise refusals.no_such_resource()
        return Target(kind, namespace, name, subresource)

    def _check_fault(self, request: web.Request) -> None:
        for fault in self._faults:
            if fault.times and fault.method == request.method and request.path.endswith(fault.ending):
                fault.times -= 1
                raise Refused(fault.code, "", HTTPStatus(fault.code).phrase)


@cache
def _own_kinds() -> tuple[Kind, ...]:
    """From the definitions that the files in crds/ are made of; once, for every server of a test run."""
    return tuple(defined(custom_resource_definition(kind)) for kind in KINDS.values())


def _reply(code: int, body: Object) -> web.Response:
    return web.Response(status=code, body=json.dumps(body).encode(), content_type="application/json")


async def _body(request: web.Request) -> Object:
    """JSON, which is YAML too: an apply may carry either, and clients send JSON."""
    try:
        found = json.loads(await request.read())
    except ValueError as error:
        raise refusals.bad_request(f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise refusals.bad_request("the body is no object")
    return {**found, "metadata": found.get("metadata") or {}} if request.method != "PATCH" else found


def _new_place(target: Target, body: Object) -> Place:
    name = body["metadata"].get("name")
    if body["metadata"].get("generateName"):
        raise refusals.not_modelled("a generated name")
    if not name:
        cause = refusals.Cause("metadata.name", "Required value: name or generateName is required")
        raise refusals.invalid(target.kind.about_object(""), [cause])
    return Place(target.kind, target.namespace, str(name))


def _author(request: web.Request, target: Target) -> Author:
    query = request.query
    manager = query.get("fieldManager", "")
    if request.content_type == APPLY and request.method == "PATCH" and not manager:
        about = refusals.About("", "PatchOptions", "meta.k8s.io")
        words = "Required value: is required for apply patch"
        raise refusals.invalid(about, [refusals.Cause("fieldManager", words, "FieldValueRequired")])
    client = request.headers.get("User-Agent", "unknown").partition("/")[0]
    is_strict = query.get("fieldValidation") == "Strict"
    return Author(manager or client, target.subresource, is_strict, query.get("force") == "true")


def _check_parameters(request: web.Request) -> None:
    for name in request.query.keys() - PARAMETERS.get(request.method, set()):
        raise refusals.not_modelled(f"the parameter {name} of {request.method}")


def _scope(request: web.Request, target: Target) -> Scope:
    query: Mapping[str, str] = request.query
    labels = by_labels(query.get("labelSelector", ""))
    fields = by_fields(target.kind.kind, query.get("fieldSelector", ""))
    is_selective = bool(query.get("labelSelector") or query.get("fieldSelector"))
    return Scope(target.kind, target.namespace, lambda found: labels(found) and fields(found), is_selective)


@asynccontextmanager
async def running_api_server(*namespaces: str) -> AsyncIterator[ApiServer]:
    """On a free port, with the project's kinds and these namespaces."""
    server = ApiServer()
    server.install()
    kind = server.objects.kind("", "v1", "namespaces")
    for name in namespaces:
        server.objects.create(Place(kind, "", name), {"metadata": {"name": name}}, Author("test"))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.break_watches()
        await runner.cleanup()
