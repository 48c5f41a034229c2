"""The OpenAPI document: FastAPI's, completed with what it can't know (authentication, problems, the WebSocket).

Made once, when first asked for. Installed by application.py.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from supportplane_runtime.gateway.api.query.schemas import FRAMES
from supportplane_runtime.gateway.http.json import MAX_DEPTH, MAX_INTEGER
from supportplane_runtime.gateway.http.problems import Problem
from supportplane_runtime.gateway.http.routes import ANY_WAY
from supportplane_runtime.gateway.http.schemas import STORABLE
from supportplane_runtime.gateway.identity.ways import Way, alternatives_of
from supportplane_runtime.gateway.openapi_links import add_links

DESCRIPTION = """\
Ask a support agent and get grounded answers with their sources.

Errors are RFC 9457 problems (application/problem+json) with a stable `code`. A 429 or 503 says in Retry-After when to \
come back. RateLimit and RateLimit-Policy tell what is left of each limit that counted the request.

Every path that answers GET answers HEAD, with the same headers and no body.

A WebSocket at /api/v1/stream carries the events of the stream too: send frames of the types query, resume and cancel \
(their schemas are under x-websocket-frames), receive {"type", "sequence", "turn_id", "data"}. In a browser, which \
can't set headers, offer the subprotocols "supportplane" and "bearer.<key>".

A widget on another site puts its publishable key into the URL (?key=pk_...), makes a visitor and sends its token as \
X-Visitor-Token."""


# What http/json.py reads, as a schema: a name or text without NUL, a whole number of 64 bits.
_CONTEXT: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": STORABLE},
    "additionalProperties": {"$ref": "#/components/schemas/ContextValue"},
}
_CONTEXT_VALUE: dict[str, Any] = {
    "title": "ContextValue",
    "description": f"any JSON value, nested at most {MAX_DEPTH} levels deep with the whole body",
    "anyOf": [
        {"type": ["null", "boolean"]},
        {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
        {"type": "number", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
        {"type": "string", "pattern": STORABLE},
        {"type": "array", "items": {"$ref": "#/components/schemas/ContextValue"}},
        _CONTEXT,
    ],
}


def install_openapi(app: FastAPI, ways: tuple[Way, ...]) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi_document(app, ways)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def openapi_document(app: FastAPI, ways: tuple[Way, ...]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    alternatives = alternatives_of(ways)
    document["components"]["securitySchemes"] = {name: each[name] for each in alternatives for name in each}
    document["x-websocket-frames"] = FRAMES.json_schema()
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        operation["responses"].pop("422", None)  # FastAPI's own; here a wrong request is a 400 problem
        add_links(operation)
        if operation.get("security") == ANY_WAY:
            operation["security"] = [{name: [] for name in each} for each in alternatives]
        if "parameters" in operation:  # the key of a widget is a security scheme
            operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "key"]
    schemas["QueryRequest"]["properties"]["context"] |= _CONTEXT
    schemas["ContextValue"] = _CONTEXT_VALUE
    for methods in document["paths"].values():
        if "get" in methods:
            methods["head"] = _head_of(methods["get"])
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return document


def _head_of(get: dict[str, Any]) -> dict[str, Any]:
    """What http/heads.py makes of a GET: the same refusals and headers, and never a body."""
    responses = {
        status: {name: told for name, told in response.items() if name in {"description", "headers"}}
        for status, response in get["responses"].items()
    }
    names = {"operationId": f"head_{get['operationId']}", "summary": f"{get['summary']}: the headers alone"}
    return get | names | {"responses": responses}
